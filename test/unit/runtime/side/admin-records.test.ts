import { describe, expect, it } from "vitest";
import { digest } from "#runtime/access/digest.ts";
import {
  CALL,
  DEVELOPER,
  KEY,
  KEY_RECORD,
  PRODUCT,
  TOKEN_RECORD,
  resolveKey,
} from "../../../support/access-records.ts";
import { adminGround, type Told } from "../../../support/admin-ground.ts";
import { credential } from "../../../support/session-fixture.ts";

const ground = adminGround(["developers", "apps", "keys", "products", "tokens"]);
const rows = ({ body }: Told, name: string): readonly Record<string, unknown>[] => body[name] as readonly Record<string, unknown>[];
const encoded = encodeURIComponent;

/** All ids of a list, page by page. */
async function all(name: string, query: string, id: string): Promise<readonly unknown[]> {
  const found: unknown[] = [];
  for (let after = "", pages = 0; pages < 9; pages++) {
    const told = await ground.ask("GET", `/v1/${name}?limit=2${query}${after === "" ? "" : `&after=${encoded(after)}`}`);
    found.push(...rows(told, name).map((row) => row[id]));
    const next = told.body["next"];
    if (typeof next !== "string") return found;
    after = next;
  }
  throw new Error("too many pages");
}

describe("developers", () => {
  it("are made, found by address, changed and removed with apps, keys and sessions", async () => {
    const made = await ground.ask("POST", "/v1/developers", { email: "ada@example.com", firstName: "Ada", attributes: { team: "a" } });
    expect(made).toMatchObject({ status: 201, body: { id: "org@@@ada@example.com", status: "active", userName: "ada@example.com", lastName: "" } });
    expect((await ground.ask("POST", "/v1/developers", { email: "ada@example.com" })).status).toBe(409);
    expect((await ground.ask("POST", "/v1/developers", { email: DEVELOPER.email })).status).toBe(409);
    const at = `/v1/developers/${encoded("ada@example.com")}`;
    const changed = await ground.ask("PATCH", at, { lastName: "Lovelace", email: "countess@example.com" });
    expect(changed.body).toMatchObject({ firstName: "Ada", lastName: "Lovelace", attributes: { team: "a" } });
    expect((await ground.ask("GET", at)).status).toBe(404);
    const until = await ground.ask("PATCH", "/v1/developers/dev", { expiresAt: "2031-01-01T00:00:00Z" });
    expect(until.body).toMatchObject({ expiresAt: "2031-01-01T00:00:00.000Z" });
    expect((await ground.ask("PATCH", "/v1/apps/app", { expiresAt: null })).body).toMatchObject({ expiresAt: null });
    expect((await ground.ask("PATCH", "/v1/developers/dev", { email: "countess@example.com" })).status).toBe(409);
    const { session } = ground.x.open({}, credential(["developer:dev"], { kind: "key" }));
    expect((await ground.ask("DELETE", "/v1/developers/dev?dryRun=true")).body).toEqual({ apps: 1, sessions: 1, silent: 0, dryRun: true });
    expect(resolveKey(ground.store, ground.x.clock, KEY, CALL)).toMatchObject({ app: { id: "app" } });
    expect((await ground.ask("DELETE", "/v1/developers/dev")).body).toEqual({ apps: 1, sessions: 1, silent: 0, dryRun: false });
    expect(session.endReason).toBe("accessRevoked");
    expect(await all("keys", "", "app")).toEqual([]);
    expect(ground.audits().map(({ action, developer, sessions }) => [action, developer, sessions])).toEqual([
      ["developer.create", "org@@@ada@example.com", undefined],
      ["developer.update", "org@@@ada@example.com", 0],
      ["developer.update", "dev", 0],
      ["app.update", undefined, 0],
      ["developer.delete", "dev", 1],
    ]);
  });

  it("are filtered by status and address, over pages", async () => {
    for (const n of [0, 1, 2, 3, 4, 5, 6]) {
      ground.store.put("developer", `d${n}`, { ...DEVELOPER, id: `d${n}`, email: `${n}@example.com`, status: n < 5 ? "active" : "inactive" });
    }
    expect(await all("developers", "", "id")).toEqual(["d0", "d1", "d2", "d3", "d4", "d5", "d6", "dev"]);
    expect(await all("developers", "&status=inactive", "id")).toEqual(["d5", "d6"]);
    expect(await all("developers", `&email=${encoded("4@example.com")}`, "id")).toEqual(["d4"]);
    expect((await ground.ask("GET", "/v1/developers?status=asleep")).status).toBe(400);
  });
});

describe("apps", () => {
  it("are made, changed, listed and removed with their keys and sessions", async () => {
    const body = { name: "second", developer: DEVELOPER.email, callbackUrl: "https://app.example/cb", attributes: { tier: "1" } };
    const made = await ground.ask("POST", "/v1/apps", body);
    expect(made).toMatchObject({ status: 201, body: { developer: "dev", status: "approved", tokensRevokedAt: null } });
    expect((await ground.ask("POST", "/v1/apps", body)).status).toBe(409);
    expect((await ground.ask("POST", "/v1/apps", { ...body, name: "third", id: "app" })).status).toBe(409);
    expect((await ground.ask("POST", "/v1/apps", { ...body, developer: "nobody" })).status).toBe(404);
    expect((await ground.ask("PATCH", "/v1/apps/second", { attributes: { tier: "2" } })).body).toMatchObject({ name: "second", attributes: { tier: "2" } });
    expect(await all("apps", "&developer=dev&name=second", "name")).toEqual(["second"]);
    expect(await all("apps", "&status=revoked", "name")).toEqual([]);
    const { session } = ground.x.open({}, credential(["app:app"], { kind: "key" }));
    expect((await ground.ask("DELETE", "/v1/apps/app?dryRun=true")).body).toEqual({ keys: 1, sessions: 1, silent: 0, dryRun: true });
    expect((await ground.ask("DELETE", "/v1/apps/app")).body).toEqual({ keys: 1, sessions: 1, silent: 0, dryRun: false });
    expect([session.endReason, resolveKey(ground.store, ground.x.clock, KEY, CALL)]).toEqual(["accessRevoked", "oauth.v2.InvalidApiKey"]);
  });

  it("tell which sessions a revocation would end", async () => {
    const { session } = ground.x.open({}, credential(["app:app"], { kind: "key" }));
    expect((await ground.ask("POST", "/v1/apps/app:revoke", { dryRun: true })).body).toMatchObject({ status: "approved", sessions: 1, dryRun: true });
    expect((await ground.ask("POST", "/v1/apps/app:revokeTokens", { dryRun: true })).body).toMatchObject({ tokensRevokedAt: null, sessions: 0 });
    expect((await ground.ask("POST", "/v1/developers/dev:deactivate", { dryRun: true })).body).toMatchObject({ status: "active", sessions: 0 });
    expect((await ground.ask("POST", "/v1/developers/dev:revokeTokens", { dryRun: true })).body).toMatchObject({ tokensRevokedAt: null });
    expect([session.endReason, ground.audits()]).toEqual([null, []]);
    expect((await ground.ask("POST", "/v1/developers/dev:activate")).body).toMatchObject({ sessions: 0 });
    expect((await ground.ask("POST", "/v1/apps/app:approve")).body).toMatchObject({ sessions: 0 });
    expect((await ground.ask("POST", "/v1/keys:approve", { key: KEY })).body).toMatchObject({ sessions: 0 });
    expect((await ground.ask("GET", "/v1/developers/dev")).body).toMatchObject({ id: "dev" });
    expect((await ground.ask("GET", "/v1/apps/app")).body).toMatchObject({ id: "app" });
    expect((await ground.ask("POST", "/v1/apps/app:revoke")).body).toMatchObject({ status: "revoked", sessions: 1, dryRun: false });
  });
});

describe("keys", () => {
  it("have products, an expiry and attributes of their own, which can be changed", async () => {
    const made = await ground.ask("POST", "/v1/keys", {
      app: "app", products: ["gold"], key: "a-key-from-elsewhere", secret: "a-secret-from-elsewhere", expiresAt: "2030-01-02T00:00:00Z",
    });
    expect(made).toMatchObject({ status: 201, body: { key: "a-key-from-elsewhere", expiresAt: "2030-01-02T00:00:00.000Z", hasSecret: true } });
    expect((await ground.ask("POST", "/v1/keys", { app: "app", products: ["gold"], key: "a-key-from-elsewhere" })).status).toBe(409);
    const at = `/v1/keys/${String(made.body["fingerprint"])}`;
    expect((await ground.ask("GET", at)).body).toMatchObject({ digest: digest("a-key-from-elsewhere") });
    ground.store.put("product", "silver", { ...PRODUCT, name: "silver" });
    await ground.ask("POST", "/v1/keys:revoke", { key: "a-key-from-elsewhere", product: "gold" });
    const changed = await ground.ask("PATCH", at, { products: ["silver", "gold"], expiresAt: null, scopes: ["a"] });
    expect(changed.body).toMatchObject({
      products: [{ name: "silver", status: "approved" }, { name: "gold", status: "revoked" }], expiresAt: null, scopes: ["a"],
    });
    const timed = await ground.ask("PATCH", at, { products: [{ name: "silver", status: "pending", expiresAt: "2031-01-01T00:00:00Z" }, "gold"] });
    expect(timed.body["products"]).toEqual([
      { name: "silver", status: "pending", expiresAt: "2031-01-01T00:00:00.000Z" }, { name: "gold", status: "revoked", expiresAt: null },
    ]);
    expect((await ground.ask("PATCH", at, { products: [{ name: "gold", expires: 1 }] })).status).toBe(400);
    expect(await all("keys", "&product=silver", "app")).toEqual(["app"]);
    expect(await all("keys", "&app=the-app&status=approved", "app")).toEqual(["app", "app"]);
    expect(ground.text).not.toContain("elsewhere");
  });

  it.each([
    ["a short key", { app: "app", products: ["gold"], key: "short" }],
    ["two expiries", { app: "app", products: ["gold"], ttlSeconds: 5, expiresAt: "2030-01-02T00:00:00Z" }],
    ["no instant", { app: "app", products: ["gold"], expiresAt: "tomorrow" }],
    ["an instant that is none", { app: "app", products: ["gold"], expiresAt: "2030-13-02T00:00:00Z" }],
  ])("are not made with %s", async (_name, body) => {
    expect((await ground.ask("POST", "/v1/keys", body)).status).toBe(400);
    expect(ground.store.list("key", { limit: 9 })).toHaveLength(1);
  });

  it("are removed with their sessions, and not without products", async () => {
    const at = `/v1/keys/${encoded(KEY_RECORD.id)}`;
    expect((await ground.ask("PATCH", at, { products: [] })).status).toBe(400);
    expect((await ground.ask("PATCH", at, { products: ["nope"] })).status).toBe(404);
    const { session } = ground.x.open({}, credential([`key:${KEY_RECORD.id}`], { kind: "key" }));
    expect((await ground.ask("POST", "/v1/keys:revoke", { key: KEY, dryRun: true })).body).toMatchObject({ status: "approved", sessions: 1 });
    expect((await ground.ask("DELETE", `${at}?dryRun=true`)).body).toEqual({ sessions: 1, silent: 0, dryRun: true });
    expect((await ground.ask("DELETE", at)).body).toEqual({ sessions: 1, silent: 0, dryRun: false });
    expect(session.endReason).toBe("accessRevoked");
    expect((await ground.ask("GET", at)).status).toBe(404);
  });
});

describe("products", () => {
  const quota = { limit: 5, interval: 1, timeUnit: "minute" };
  const operation = { proxy: "chat", resource: "/rooms/*", methods: ["GET"], quota, attributes: { cost: "2" } };

  it("are made with operations, changed and removed; what depends on them is checked again", async () => {
    const made = await ground.ask("POST", "/v1/products", { name: "Free & Easy", operations: [operation] });
    expect(made.status).toBe(400);
    const good = await ground.ask("POST", "/v1/products", { name: "free 1.0", operations: [operation, { proxy: "chat", resource: "/" }], scopes: ["a"] });
    expect(good).toMatchObject({ status: 201, body: { displayName: "free 1.0", operations: [operation, { methods: [], quota: null }] } });
    expect((await ground.ask("POST", "/v1/products", { name: "gold" })).status).toBe(409);
    const at = `/v1/products/${encoded("free 1.0")}`;
    expect((await ground.ask("GET", at)).body).toMatchObject({ scopes: ["a"], quota: null });
    expect((await ground.ask("PATCH", at, { quota, environments: ["test"] })).body).toMatchObject({ quota, environments: ["test"], sessions: 0 });
    expect((await ground.ask("PATCH", at, { quota: null })).body).toMatchObject({ quota: null, environments: ["test"] });
    ground.x.open({}, credential(["product:gold"], { kind: "key" }));
    expect((await ground.ask("PATCH", "/v1/products/gold", { proxies: ["other"], dryRun: true })).body).toMatchObject({ proxies: ["chat"], sessions: 1 });
    expect((await ground.ask("PATCH", "/v1/products/gold", { proxies: ["other"] })).body).toMatchObject({ proxies: ["other"], sessions: 1 });
    expect(resolveKey(ground.store, ground.x.clock, KEY, CALL)).toBe("oauth.v2.InvalidApiKeyForGivenResource");
    expect(await all("products", "&proxy=chat", "name")).toEqual(["free 1.0"]);
    expect(await all("products", "&environment=prod", "name")).toEqual(["gold"]);
    expect((await ground.ask("DELETE", "/v1/products/gold?dryRun=true")).body).toEqual({ sessions: 1, silent: 0, dryRun: true });
    expect((await ground.ask("DELETE", "/v1/products/gold")).body).toEqual({ sessions: 1, silent: 0, dryRun: false });
    expect((await ground.ask("GET", "/v1/products/gold")).status).toBe(404);
    expect(ground.audits().map(({ action }) => action)).toEqual([
      "product.create", "product.update", "product.update", "product.update", "product.delete",
    ]);
    expect(ground.store.events(0, 9).events.map(({ event }) => event.effect)).toEqual(["changed", "changed", "changed", "changed"]);
  });

  it.each([
    ["both forms", { operations: [operation], proxies: ["chat"] }],
    ["an operation without proxy", { operations: [{ resource: "/" }] }],
    ["an operation with a stray field", { operations: [{ ...operation, path: "/" }] }],
    ["an operation that is none", { operations: ["/"] }],
    ["half a quota", { quota: { limit: 5 } }],
    ["a quota of another unit", { quota: { ...quota, timeUnit: "fortnight" } }],
    ["a resource that is no path", { resources: ["rooms"] }],
    ["a resource with ** in its middle", { operations: [{ ...operation, resource: "/a/**/b" }] }],
    ["a method in lower case", { operations: [{ ...operation, methods: ["get"] }] }],
  ])("are not made with %s", async (_name, body) => {
    const told = await ground.ask("POST", "/v1/products", { name: "new", ...body });
    expect([told.status, told.body.error?.code]).toEqual([400, "bad_request"]);
    expect(ground.store.get("product", "new")).toBe(null);
  });
});

describe("tokens", () => {
  it("are listed by app, developer, subject, kind and status, and shown", async () => {
    ground.store.put("token", "sha256:2", { ...TOKEN_RECORD, id: "sha256:2", subject: "ada", kind: "refresh", status: "revoked" });
    ground.store.put("token", "sha256:3", { ...TOKEN_RECORD, id: "sha256:3", appId: "other" });
    expect(await all("tokens", "", "app")).toEqual(["app", "other", "app"]);
    expect(await all("tokens", "&app=app", "digest")).toEqual(["sha256:2", TOKEN_RECORD.id]);
    expect(await all("tokens", "&subject=ada", "digest")).toEqual(["sha256:2"]);
    expect(await all("tokens", "&kind=access&developer=dev", "digest")).toEqual(["sha256:3", TOKEN_RECORD.id]);
    expect(await all("tokens", "&status=revoked", "digest")).toEqual(["sha256:2"]);
    expect((await ground.ask("GET", `/v1/tokens/${encoded(TOKEN_RECORD.id)}`)).body).toMatchObject({ app: "app", grantType: "client_credentials" });
    expect((await ground.ask("GET", "/v1/tokens/nope")).status).toBe(404);
  });

  it("tell which sessions a revocation would end, those of the grant too", async () => {
    const grant = digest("refresh");
    ground.store.put("token", grant, { ...TOKEN_RECORD, id: grant, grantId: "g", attributes: { a: "1", b: "2" }, hidden: ["b"] });
    ground.x.open({}, credential(["token:other", "grant:g"]));
    const wish = { digest: grant, cascade: true, dryRun: true };
    expect((await ground.ask("POST", "/v1/tokens:revoke", wish)).body).toMatchObject({ sessions: 1, attributes: { a: "1" } });
    expect((await ground.ask("POST", "/v1/tokens:revoke", { ...wish, cascade: false })).body).toMatchObject({ sessions: 0 });
    const { session } = ground.x.open({}, credential([`token:${TOKEN_RECORD.id}`]));
    const named = { digest: TOKEN_RECORD.id };
    expect((await ground.ask("POST", "/v1/tokens:revoke", { ...named, dryRun: true })).body).toMatchObject({ status: "approved", sessions: 1 });
    expect((await ground.ask("POST", "/v1/jwts:revoke", { issuer: "i", jti: "1", dryRun: true })).body).toMatchObject({ sessions: 0 });
    expect([session.endReason, ground.audits()]).toEqual([null, []]);
    await ground.ask("POST", "/v1/tokens:revoke", named);
    await ground.ask("POST", "/v1/tokens:approve", named);
    await ground.ask("POST", "/v1/jwts:revoke", { issuer: "i", jti: "1" });
    await ground.ask("POST", "/v1/tokens", { key: KEY });
    expect(ground.audits().map(({ action, sessions }) => [action, sessions])).toEqual([
      ["token.revoked", 1], ["token.approved", 0], ["jwt.revoked", 0], ["token.create", undefined],
    ]);
  });
});

describe("bad input", () => {
  const chars = (count: number): string => "x".repeat(count);

  it.each<[string, string, unknown]>([
    ["POST", "/v1/developers", { email: "no address" }],
    ["POST", "/v1/developers", { email: `${chars(200)}@example.com` }],
    ["PATCH", "/v1/developers/dev", { email: "a@b@c" }],
    ["PATCH", "/v1/developers/dev", { attributes: { a: { b: 1 } } }],
    ["PATCH", "/v1/developers/dev", { attributes: [] }],
    ["PATCH", "/v1/developers/dev", { status: "inactive" }],
    ["POST", "/v1/apps", { name: "line\nbreak", developer: "dev" }],
    ["POST", "/v1/apps", { id: chars(256), name: "a", developer: "dev" }],
    ["PATCH", "/v1/apps/app", { name: "\u0000" }],
    ["PATCH", "/v1/apps/app", { developer: "dev" }],
    ["POST", "/v1/keys", { app: "app", products: [{ name: "gold", status: "gone" }] }],
    ["POST", "/v1/keys", { app: "app", products: [null] }],
    ["POST", "/v1/keys", { app: "app", products: Array.from({ length: 101 }, () => "gold") }],
    ["POST", "/v1/keys", { app: "app", products: ["gold"], key: 5 }],
    ["PATCH", "/v1/products/gold", { quota: [] }],
    ["PATCH", "/v1/products/gold", { operations: {} }],
    ["PATCH", "/v1/products/gold", { dryRun: "yes" }],
    ["DELETE", "/v1/products/gold?dryRun=1", undefined],
    ["GET", "/v1/products?limit=-1", undefined],
    ["GET", "/v1/tokens?kind=id", undefined],
  ])("%s %s %j is refused and changes nothing", async (method, path, body) => {
    const before = JSON.stringify(["developer", "app", "key", "product"].map((kind) => ground.store.list(kind as "app", { limit: 9 })));
    const told = await ground.ask(method, path, body);
    expect([told.status, told.body.error?.code]).toEqual([400, "bad_request"]);
    const after = JSON.stringify(["developer", "app", "key", "product"].map((kind) => ground.store.list(kind as "app", { limit: 9 })));
    expect(after).toBe(before);
    expect(ground.audits()).toEqual([]);
  });

  it("keeps attributes whose names every object has", async () => {
    const made = await ground.ask("PATCH", "/v1/apps/app", '{"attributes":{"__proto__":"a","constructor":"b"}}');
    expect(JSON.stringify(made.body["attributes"])).toBe('{"__proto__":"a","constructor":"b"}');
    expect(Object.getPrototypeOf(ground.store.get("app", "app")?.attributes)).toBe(Object.prototype);
  });
});
