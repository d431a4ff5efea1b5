import { describe, expect, test } from "vitest";
import { setKeyStatus } from "#runtime/access/change.ts";
import { verifyApiKey as runtimeStep } from "#runtime/policies/verify-api-key.ts";
import { StoreFailure } from "#runtime/state/store.ts";
import { verifyApiKey } from "#compiler/policies/verify-api-key.ts";
import { distantStore, fillStore, KEY, KEY_RECORD } from "../../support/access-records.ts";
import type { RecordChanges } from "../../support/access-records.ts";
import { faultOf, PolicyFixture } from "../../support/policy-fixture.ts";
import { analyzed, emitted } from "../../support/policy-emit.ts";

const CONFIG = { name: "VK-Key", variable: "request.queryparam.apikey", keep: false };

describe("VerifyAPIKey at run time", () => {
  const refusals: [string, RecordChanges, string | null, string][] = [
    ["no key", {}, null, "steps.oauth.v2.FailedToResolveAPIKey"],
    ["an empty key", {}, "", "steps.oauth.v2.FailedToResolveAPIKey"],
    ["an unknown key", {}, "other", "oauth.v2.InvalidApiKey"],
    ["a revoked key", { key: { status: "revoked" } }, KEY, "oauth.v2.ApiKeyNotApproved"],
    ["an expired key", { key: { expiresAtMs: 1 } }, KEY, "keymanagement.service.consumer_key_expired"],
    ["a revoked app", { app: { status: "revoked" } }, KEY, "keymanagement.service.invalid_client-app_not_approved"],
    [
      "an inactive developer",
      { developer: { status: "inactive" } },
      KEY,
      "keymanagement.service.DeveloperStatusNotActive",
    ],
    ["no product for the call", { product: { proxies: ["other"] } }, KEY, "oauth.v2.InvalidApiKeyForGivenResource"],
  ];
  test.each(refusals)("%s", async (_, changes, key, code) => {
    const fixture = new PolicyFixture();
    await fillStore(fixture.store, changes);
    const x = fixture.exchange({ upgrade: true });
    const raised = await faultOf(() => runtimeStep(x, CONFIG, key));
    expect(raised).toMatchObject({ code, status: 401, policy: "VK-Key" });
    expect(x.access).toBeNull();
    expect(x.session?.credentials).toEqual([]);
    expect(JSON.stringify(raised)).not.toContain(KEY);
  });

  test("a good key fills the access, at once, and binds the session", async () => {
    const fixture = new PolicyFixture();
    await fillStore(fixture.store, { key: { expiresAtMs: fixture.clock.wallMs() + 5_000 } });
    const x = fixture.exchange({ upgrade: true });
    expect(runtimeStep(x, { ...CONFIG, keep: true }, KEY)).toBeUndefined();
    expect(x.access?.app.name).toBe("the-app");
    expect(x.results?.["VK-Key"]).toBe(x.access);
    expect(x.session?.credentials).toMatchObject([
      { kind: "key", policy: "VK-Key", epoch: 0, expiresAtMs: fixture.clock.wallMs() + 5_000, basis: { kind: "key" } },
    ]);
    expect(JSON.stringify(x.session?.credentials)).not.toContain(KEY);
  });

  test("plain HTTP registers nothing, and nothing is kept that nobody reads", async () => {
    const fixture = new PolicyFixture();
    await fillStore(fixture.store);
    const x = fixture.exchange();
    runtimeStep(x, CONFIG, KEY);
    expect(x.access).not.toBeNull();
    expect(x.results).toBeNull();
    expect([...fixture.around.sessions.all()]).toEqual([]);
  });

  test("a store far away answers later; its epoch is the one before the look-up", async () => {
    const fixture = await new PolicyFixture({ store: (memory) => distantStore(memory) }).start();
    await fillStore(fixture.store);
    const x = fixture.exchange({ upgrade: true });
    const step = runtimeStep(x, CONFIG, KEY);
    expect(step).toBeInstanceOf(Promise);
    await fixture.store.append({ effect: "revoked", identities: ["app:app"], atMs: 0 });
    await step;
    const [credential] = x.session?.credentials ?? [];
    expect(credential?.epoch).toBe(0);
    const since = fixture.revocations.revokedSince(0, credential?.identities ?? [], "key");
    expect(since).toMatchObject({ identities: ["app:app"] });
  });

  test("a failing store is 503, near or far", async () => {
    const broken = new StoreFailure("unavailable", "gone");
    for (const get of [
      () => {
        throw broken;
      },
      () => Promise.reject(broken),
    ]) {
      const fixture = new PolicyFixture({ store: (memory) => ({ ...distantStore(memory), get }) });
      const raised = await faultOf(() => runtimeStep(fixture.exchange(), CONFIG, KEY));
      expect(raised).toMatchObject({ code: "gateway.StoreUnavailable", status: 503 });
    }
  });

  test("what is no failure of the store stays a defect", async () => {
    const fixture = new PolicyFixture({
      store: (memory) => ({
        ...distantStore(memory),
        get: () => {
          throw new TypeError("a bug");
        },
      }),
    });
    await expect(async () => runtimeStep(fixture.exchange(), CONFIG, KEY)).rejects.toThrow("a bug");
  });

  test("a session that cannot take another credential is refused", async () => {
    const fixture = new PolicyFixture();
    await fillStore(fixture.store);
    const x = fixture.exchange({ upgrade: true });
    for (let count = 0; count < fixture.limits.credentialsPerSessionMax; count++) runtimeStep(x, CONFIG, KEY);
    expect(await faultOf(() => runtimeStep(x, CONFIG, KEY))).toMatchObject({ code: "gateway.Overload", status: 503 });
  });

  test("a key revoked while its session is open ends it", async () => {
    const fixture = await new PolicyFixture().start();
    await fillStore(fixture.store);
    const x = fixture.exchange({ upgrade: true });
    runtimeStep(x, CONFIG, KEY);
    const { session } = x;
    if (session === null) throw new Error("no session");
    const splice = fixture.around.openNow(session);
    setKeyStatus(fixture.gateway, KEY_RECORD.id, "revoked");
    expect(splice.ends).toMatchObject([{ reason: "accessRevoked" }]);
  });
});

describe("VerifyAPIKey at compile time", () => {
  const model = { kind: "VerifyAPIKey", apiKey: { ref: "request.queryparam.apikey" } } as const;

  test("emits one call", () => {
    expect(emitted(verifyApiKey, model)).toEqual([
      'const verifyApiKey = { name: "P-1", variable: "request.queryparam.apikey", keep: false } as const',
      'wait verifyApiKey(x, verifyApiKey, get("request.queryparam.apikey"))',
    ]);
    expect(emitted(verifyApiKey, model, { read: ["verifyapikey.P-1."] })[0]).toContain("keep: true");
  });

  test("leaves a credential to watch", () => {
    const found = analyzed(verifyApiKey, model);
    expect(found.reports).toEqual([]);
    expect(found.reads).toEqual(["request.queryparam.apikey"]);
    expect(found.obligations).toMatchObject([{ kind: "credential", what: "key", policy: "P-1", ambient: false }]);
    const cookie = analyzed(verifyApiKey, { ...model, apiKey: { ref: "request.header.cookie" } });
    expect(cookie.obligations).toMatchObject([{ ambient: true }]);
  });

  test.each([
    ["its own variable decides", { conditional: true, conditionReads: ["request.queryparam.apikey"] }, 1],
    ["another variable decides", { conditional: true, conditionReads: ["proxy.pathsuffix"] }, 0],
    ["nobody knows which", { conditional: true }, 1],
    ["it always runs", { conditional: false }, 0],
  ])("fails open when %s", (_, options, count) => {
    const { reports } = analyzed(verifyApiKey, model, options);
    expect(reports.filter((report) => report.startsWith("AGW4101"))).toHaveLength(count);
  });

  test("a cache time has no effect", () => {
    expect(analyzed(verifyApiKey, { ...model, cacheExpiryInSeconds: 5 }).reports).toEqual([
      expect.stringMatching(/^AGW3103/),
    ]);
  });
});
