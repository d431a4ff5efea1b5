import { describe, expect, it } from "vitest";
import { coverOf, resolveBasis, resolveToken } from "#runtime/access/resolve.ts";
import type { AccessCall } from "#runtime/access/credential.ts";
import type { AccessGrant, ApiProduct } from "#runtime/access/model.ts";
import type { Refusal } from "#runtime/access/resolve.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { MemoryStore } from "#runtime/state/memory.ts";
import {
  CALL,
  KEY,
  KEY_RECORD,
  PRODUCT,
  TOKEN,
  TOKEN_RECORD,
  distantStore,
  fillStore,
  resolveKey,
} from "../../../support/access-records.ts";
import type { RecordChanges } from "../../../support/access-records.ts";
import { fakeClock } from "../../../support/fake-clock.ts";

const clock = fakeClock();
const PAST = clock.wallMs() - 1;
const NOW = clock.wallMs();
const AHEAD = clock.wallMs() + 1;

type Resolver = typeof resolveKey;

/** The outcome, the same from a store that answers at once and one that does not. */
async function outcome(
  resolve: Resolver,
  credential: string,
  changes: RecordChanges,
  call: Partial<AccessCall> = {},
): Promise<AccessGrant | Refusal> {
  const store = new MemoryStore(clock, defaultLimits);
  await fillStore(store, changes);
  const near = resolve(store, clock, credential, { ...CALL, ...call });
  expect(near).not.toBeInstanceOf(Promise);
  const far = resolve(distantStore(store), clock, credential, { ...CALL, ...call });
  expect(far).toBeInstanceOf(Promise);
  expect(await far).toEqual(near);
  return near;
}

const revoked = [{ name: "gold", status: "revoked" }] as const;
const pending = [{ name: "gold", status: "pending" }] as const;
const goldKey = { name: "gold", status: "approved" } as const;

/**
 * Each row breaks one more thing than the row below it would mention: the first check that fails is the one that tells.
 */
const everythingWrong = {
  app: { status: "revoked" },
  developer: { status: "inactive" },
  product: null,
} as const;

describe("a key", () => {
  it.each<[string, RecordChanges, Partial<AccessCall>, Refusal]>([
    ["unknown", { ...everythingWrong, key: null }, {}, "oauth.v2.InvalidApiKey"],
    [
      "revoked",
      { ...everythingWrong, key: { status: "revoked", expiresAtMs: PAST } },
      {},
      "oauth.v2.ApiKeyNotApproved",
    ],
    ["pending", { ...everythingWrong, key: { status: "pending" } }, {}, "oauth.v2.ApiKeyNotApproved"],
    ["expired", { ...everythingWrong, key: { expiresAtMs: PAST } }, {}, "keymanagement.service.consumer_key_expired"],
    ["expiring now", { key: { expiresAtMs: NOW } }, {}, "keymanagement.service.consumer_key_expired"],
    ["of a revoked app", everythingWrong, {}, "keymanagement.service.invalid_client-app_not_approved"],
    ["of an app that is gone", { app: null }, {}, "keymanagement.service.invalid_client-app_not_approved"],
    [
      "of an inactive developer",
      { developer: { status: "inactive" }, product: null },
      {},
      "keymanagement.service.DeveloperStatusNotActive",
    ],
    ["of a developer who is gone", { developer: null }, {}, "keymanagement.service.DeveloperStatusNotActive"],
    ["of an app that expired", { app: { expiresAtMs: NOW } }, {}, "keymanagement.service.invalid_client-app_not_approved"],
    ["of a developer who expired", { developer: { expiresAtMs: NOW } }, {}, "keymanagement.service.DeveloperStatusNotActive"],
    [
      "whose product expired",
      { key: { products: [{ ...goldKey, expiresAtMs: NOW }] } },
      {},
      "oauth.v2.InvalidApiKeyForGivenResource",
    ],
    ["without products", { key: { products: [] } }, {}, "oauth.v2.InvalidApiKeyForGivenResource"],
    ["whose product is revoked", { key: { products: revoked } }, {}, "oauth.v2.InvalidApiKeyForGivenResource"],
    ["whose product is pending", { key: { products: pending } }, {}, "oauth.v2.InvalidApiKeyForGivenResource"],
    ["whose product is gone", { product: null }, {}, "oauth.v2.InvalidApiKeyForGivenResource"],
    ["in another environment", {}, { environment: "test" }, "oauth.v2.InvalidApiKeyForGivenResource"],
    ["on another proxy", {}, { proxy: "orders" }, "oauth.v2.InvalidApiKeyForGivenResource"],
    ["on another path", {}, { pathSuffix: "/rooms/1/2" }, "oauth.v2.InvalidApiKeyForGivenResource"],
  ])("%s is refused", async (_, changes, call, expected) => {
    expect(await outcome(resolveKey, KEY, changes, call)).toBe(expected);
  });

  it("in good standing is granted with its product, identities and expiry", async () => {
    const grant = await outcome(resolveKey, KEY, { key: { expiresAtMs: AHEAD } });
    expect(grant).toMatchObject({
      key: { id: KEY_RECORD.id },
      app: { id: "app" },
      developer: { id: "dev" },
      product: { name: "gold" },
      operation: null,
      token: null,
      expiresAtMs: AHEAD,
      identities: [`key:${KEY_RECORD.id}`, "app:app", "developer:dev", "product:gold"],
      labels: { app: "the-app", developer: "dev", product: "gold", keyFingerprint: KEY_RECORD.clientId },
    });
    expect(JSON.stringify(grant)).not.toContain(KEY);
  });

  it.each<[string, RecordChanges]>([
    ["key", { key: { expiresAtMs: AHEAD } }],
    ["app", { app: { expiresAtMs: AHEAD }, key: { expiresAtMs: AHEAD + 1 } }],
    ["developer", { developer: { expiresAtMs: AHEAD }, app: { expiresAtMs: null } }],
    ["product", { key: { products: [{ ...goldKey, expiresAtMs: AHEAD }], expiresAtMs: AHEAD + 9 } }],
  ])("expires with its %s, when that is first", async (_, changes) => {
    expect(await outcome(resolveKey, KEY, changes)).toMatchObject({ expiresAtMs: AHEAD });
  });

  it("takes the first of its approved products that covers the call", async () => {
    const gone = { name: "gone", status: "approved" } as const;
    const products = [gone, ...revoked, { ...gone, name: "none" }, goldKey];
    expect(await outcome(resolveKey, KEY, { key: { products } })).toMatchObject({ product: { name: "gold" } });
  });

  it("is granted whatever its product's scopes are", async () => {
    expect(await outcome(resolveKey, KEY, { product: { scopes: ["read"] } })).toMatchObject({ token: null });
  });

  it("is not found under its digest", async () => {
    expect(await outcome(resolveKey, KEY_RECORD.id, {})).toBe("oauth.v2.InvalidApiKey");
  });
});

describe("a token", () => {
  it.each<[string, RecordChanges, Partial<AccessCall>, Refusal]>([
    ["unknown", { ...everythingWrong, token: null }, {}, "keymanagement.service.invalid_access_token"],
    ["of the refreshing kind", { token: { kind: "refresh" } }, {}, "keymanagement.service.invalid_access_token"],
    [
      "expired",
      { ...everythingWrong, token: { expiresAtMs: NOW, status: "revoked" } },
      {},
      "keymanagement.service.access_token_expired",
    ],
    [
      "revoked",
      { ...everythingWrong, key: null, token: { status: "revoked" } },
      {},
      "keymanagement.service.access_token_not_approved",
    ],
    ["whose key is gone", { ...everythingWrong, key: null }, {}, "keymanagement.service.invalid_access_token"],
    ["whose key is revoked", { ...everythingWrong, key: { status: "revoked" } }, {}, "oauth.v2.ApiKeyNotApproved"],
    ["whose key expired", { key: { expiresAtMs: PAST } }, {}, "keymanagement.service.consumer_key_expired"],
    ["of a revoked app", everythingWrong, {}, "keymanagement.service.invalid_client-app_not_approved"],
    [
      "of an inactive developer",
      { developer: { status: "inactive" } },
      {},
      "keymanagement.service.DeveloperStatusNotActive",
    ],
    [
      "issued before the app's tokens were revoked",
      { app: { tokensRevokedAtMs: 1_000 } },
      {},
      "keymanagement.service.access_token_not_approved",
    ],
    [
      "issued before the developer's tokens were revoked",
      { developer: { tokensRevokedAtMs: 1_000 } },
      {},
      "keymanagement.service.access_token_not_approved",
    ],
    [
      "whose product its key has lost",
      { key: { products: revoked } },
      {},
      "keymanagement.service.InvalidAPICallAsNoApiProductMatchFound",
    ],
    [
      "that was issued for no product",
      { token: { products: [] } },
      {},
      "keymanagement.service.InvalidAPICallAsNoApiProductMatchFound",
    ],
    [
      "on another path",
      {},
      { pathSuffix: "/other" },
      "keymanagement.service.InvalidAPICallAsNoApiProductMatchFound",
    ],
    [
      "without any of the product's scopes",
      { product: { scopes: ["read", "write"] }, token: { scopes: ["other"] } },
      {},
      "keymanagement.service.InvalidAPICallAsNoApiProductMatchFound",
    ],
  ])("%s is refused", async (_, changes, call, expected) => {
    expect(await outcome(resolveToken, TOKEN, changes, call)).toBe(expected);
  });

  it("in good standing is granted with the earlier expiry and its own identities", async () => {
    const grant = await outcome(resolveToken, TOKEN, {
      key: { expiresAtMs: AHEAD },
      token: { expiresAtMs: AHEAD + 5, subject: "alice", scopes: ["read"], issuedAtMs: 1_001 },
      app: { tokensRevokedAtMs: 1_000 },
      product: { scopes: ["write", "read"] },
    });
    expect(grant).toMatchObject({
      token: { id: TOKEN_RECORD.id, scopes: ["read"] },
      expiresAtMs: AHEAD,
      identities: expect.arrayContaining([`token:${TOKEN_RECORD.id}`, "subject:|alice", "app:app"]),
    });
  });

  it("is checked again by its basis, without being presented", async () => {
    const store = new MemoryStore(clock, defaultLimits);
    await fillStore(store);
    const basis = { kind: "token", digest: TOKEN_RECORD.id, call: CALL } as const;
    expect(resolveBasis(store, clock, basis)).toMatchObject({ token: { id: TOKEN_RECORD.id } });
    store.put("product", "gold", { ...PRODUCT, proxies: ["orders"] });
    expect(resolveBasis(store, clock, basis)).toMatch(/NoApiProductMatchFound$/);
    expect(resolveBasis(store, clock, { ...basis, kind: "key", digest: KEY_RECORD.id })).toMatch(/ForGivenResource$/);
  });
});

describe("a product", () => {
  const open: ApiProduct = { ...PRODUCT, environments: [], proxies: [], resources: [] };
  const operations = [
    { proxy: "orders", resource: "/", methods: [] },
    { proxy: "chat", resource: "/rooms/*", methods: ["POST"] },
    { proxy: "chat", resource: "/rooms/**", methods: ["GET", "PUT"] },
    { proxy: "chat", resource: "/", methods: [] },
  ];

  it.each<[string, Partial<ApiProduct>, Partial<AccessCall>, boolean]>([
    ["with nothing listed covers everything", {}, { proxy: "any", environment: "any", pathSuffix: "" }, true],
    ["needs its environment", { environments: ["test", "prod"] }, {}, true],
    ["does not cover another environment", { environments: ["test"] }, {}, false],
    ["needs its proxy", { proxies: ["orders"] }, {}, false],
    ["needs one of its resources", { resources: ["/x", "/rooms/**"] }, {}, true],
    ["does not cover other resources", { resources: ["/x", "/rooms"] }, {}, false],
    ["takes / for everything", { resources: ["/"] }, { pathSuffix: "/a/b" }, true],
    ["looks at operations only, when it has any", { operations: operations.slice(0, 1) }, {}, false],
    ["needs an operation's method", { operations: operations.slice(1, 2) }, {}, false],
    ["with operations still needs its environment", { operations, environments: ["test"] }, {}, false],
  ])("%s", (_, changes, call, expected) => {
    expect(coverOf({ ...open, ...changes }, { ...CALL, ...call }, null) !== null).toBe(expected);
  });

  it("tells the first operation that covers the call", () => {
    const found = coverOf({ ...open, operations }, CALL, null);
    expect(found?.operation).toBe(operations[2]);
  });
});
