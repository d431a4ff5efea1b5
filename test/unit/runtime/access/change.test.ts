import { beforeEach, describe, expect, it } from "vitest";
import {
  changeRecord,
  createKey,
  keysByFingerprint,
  removeRecord,
  revokeTokensOfApp,
  revokeTokensOfDeveloper,
  setAppStatus,
  setDeveloperStatus,
  setKeyProductStatus,
  setKeyStatus,
} from "#runtime/access/change.ts";
import type { AccessServices } from "#runtime/access/change.ts";
import { resolveToken } from "#runtime/access/resolve.ts";
import type { IssuedToken, TokenWish } from "#runtime/access/tokens.ts";
import type { Maybe } from "#runtime/maybe.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { MemoryStore } from "#runtime/state/memory.ts";
import {
  CALL,
  KEY,
  KEY_RECORD,
  SECRET,
  TOKEN,
  distantStore,
  fillStore,
  issueToken,
  resolveKey,
} from "../../../support/access-records.ts";
import { fakeClock } from "../../../support/fake-clock.ts";
import type { FakeClock } from "../../../support/fake-clock.ts";

const CLIENT = { id: KEY, secret: SECRET };
const WISH: TokenWish = { scopes: [], expiresInMs: 60_000, grantType: "client_credentials" };
const limits = { ...defaultLimits, adminPageMax: 2 };
let clock: FakeClock;
let store: MemoryStore;
let services: AccessServices;

beforeEach(async () => {
  clock = fakeClock();
  store = new MemoryStore(clock, limits);
  services = { store, clock, limits };
  await fillStore(store);
});

function issued(answer: Maybe<IssuedToken | string>): IssuedToken {
  if (answer instanceof Promise || typeof answer === "string") throw new Error(`no token: ${String(answer)}`);
  return answer;
}

const lastEvent = () => store.events(0, 1_000).events.at(-1)?.event;

describe("revoking", () => {
  it.each([
    ["an app's", () => revokeTokensOfApp(services, "app"), ["app:app"]],
    ["a developer's", () => revokeTokensOfDeveloper(services, "dev"), ["developer:dev"]],
  ])("%s tokens stops those issued until now, and neither later ones nor keys", (_, revoke, identities) => {
    const before = issued(issueToken(services, CLIENT, WISH)).token;
    revoke();
    expect(lastEvent()).toMatchObject({ effect: "revoked", identities, credentialKind: "token" });
    expect(resolveToken(store, clock, before, CALL)).toMatch(/access_token_not_approved$/);
    clock.advance(1);
    const after = issued(issueToken(services, CLIENT, WISH)).token;
    expect(resolveToken(store, clock, after, CALL)).toMatchObject({ app: { id: "app" } });
    expect(resolveKey(store, clock, KEY, CALL)).toMatchObject({ app: { id: "app" } });
  });

  it.each([
    ["a key", () => setKeyStatus(services, KEY_RECORD.id, "revoked"), "revoked", `key:${KEY_RECORD.id}`],
    ["an app", () => setAppStatus(services, "app", "revoked"), "revoked", "app:app"],
    ["a developer", () => setDeveloperStatus(services, "dev", "inactive"), "revoked", "developer:dev"],
    [
      "a key's product",
      () => setKeyProductStatus(services, KEY_RECORD.id, "gold", "revoked"),
      "changed",
      `key:${KEY_RECORD.id}`,
    ],
    ["a removed key", () => removeRecord(services, "key", KEY_RECORD.id), "revoked", `key:${KEY_RECORD.id}`],
    ["a removed product", () => removeRecord(services, "product", "gold"), "changed", "product:gold"],
  ])("%s refuses key and token, with one event", (_, revoke, effect, identity) => {
    revoke();
    expect(store.lastEvent()).toBe(1);
    expect(lastEvent()).toMatchObject({ effect, identities: [identity] });
    expect(typeof resolveKey(store, clock, KEY, CALL)).toBe("string");
    expect(typeof resolveToken(store, clock, TOKEN, CALL)).toBe("string");
  });

  it("nothing that is not there says so", () => {
    expect(setKeyStatus(services, "none", "revoked")).toBe(null);
    expect(setAppStatus(services, "none", "revoked")).toBe(null);
    expect(removeRecord(services, "app", "none")).toBe(false);
  });
});

it("a product of a key keeps its place and its expiry when its status changes", () => {
  const products = [{ name: "gold", status: "approved", expiresAtMs: 5 }, { name: "silver", status: "approved" }] as const;
  store.put("key", KEY_RECORD.id, { ...KEY_RECORD, products });
  setKeyProductStatus(services, KEY_RECORD.id, "gold", "revoked");
  expect(store.get("key", KEY_RECORD.id)?.products).toEqual([{ ...products[0], status: "revoked" }, products[1]]);
  setKeyProductStatus(services, KEY_RECORD.id, "new", "pending");
  expect(store.get("key", KEY_RECORD.id)?.products.at(-1)).toEqual({ name: "new", status: "pending" });
});

describe("changing a record", () => {
  it("starts again from the newer record when another change came first", async () => {
    const distant = distantStore(store);
    const renamed = changeRecord(distant, "app", "app", (record) => ({ record: { ...record, name: "new" } }));
    await new Promise((resolve) => setImmediate(resolve));
    setAppStatus(services, "app", "revoked");
    await renamed;
    expect(store.get("app", "app")).toMatchObject({ name: "new", status: "revoked" });
  });

  it("gives up after a while", () => {
    const stubborn = Object.assign(Object.create(store), { put: () => false, get: store.get.bind(store) });
    const change = () => changeRecord(stubborn, "app", "app", (record) => ({ record }));
    expect(change).toThrow(expect.objectContaining({ name: "StoreFailure", code: "unavailable" }));
  });
});

describe("finding and creating", () => {
  it("makes a key that works at once and is found by its fingerprint", () => {
    const created = createKey(services, { appId: "app", products: ["gold"], expiresAtMs: null });
    if (created instanceof Promise || created === null || created === "taken") throw new Error("no key");
    expect(resolveKey(store, clock, created.key, CALL)).toMatchObject({ key: { id: created.record.id } });
    const client = { id: created.key, secret: created.secret };
    expect(issueToken(services, client, WISH)).toMatchObject({ app: { id: "app" } });
    expect(keysByFingerprint(store, created.record.clientId, 10)).toEqual([created.record]);
    expect(keysByFingerprint(store, "????", 10)).toEqual([]);
    expect(JSON.stringify(created.record)).not.toContain(created.secret);
    expect(createKey(services, { appId: "none", products: [], expiresAtMs: null })).toBe(null);
  });

  it("takes a key that exists elsewhere, once", () => {
    const wanted = { appId: "app", products: ["gold"], expiresAtMs: null, key: "made-elsewhere", secret: "also" };
    expect(createKey(services, wanted)).toMatchObject({ key: "made-elsewhere", secret: "also" });
    expect(resolveKey(store, clock, "made-elsewhere", CALL)).toMatchObject({ app: { id: "app" } });
    expect(createKey(services, { ...wanted, products: [] })).toBe("taken");
    expect(resolveKey(store, clock, "made-elsewhere", CALL)).toMatchObject({ app: { id: "app" } });
  });
});
