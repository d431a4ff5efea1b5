import { beforeEach, describe, expect, it } from "vitest";
import { setAppStatus, setKeyStatus, updateRecord } from "#runtime/access/change.ts";
import { digest } from "#runtime/access/digest.ts";
import { resolveBasis } from "#runtime/access/resolve.ts";
import { VerifiedCache } from "#runtime/access/verified-cache.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { MemoryStore } from "#runtime/state/memory.ts";
import type { RecordKind, Store } from "#runtime/state/store.ts";
import { Revocations } from "#runtime/upgrade/revocation.ts";
import { Sessions } from "#runtime/upgrade/session-index.ts";
import {
  CALL,
  distantStore,
  fillStore,
  KEY,
  KEY_RECORD,
  PRODUCT,
  TOKEN,
  TOKEN_RECORD,
} from "../../../support/access-records.ts";
import { fakeClock } from "../../../support/fake-clock.ts";
import type { FakeClock } from "../../../support/fake-clock.ts";

const limits = { ...defaultLimits, verifiedCacheMax: 3, revocationsRememberedMax: 2 };
let clock: FakeClock;
let store: MemoryStore;
let reads: RecordKind[];
let counting: Store;
let revocations: Revocations;
let cache: VerifiedCache;

beforeEach(async () => {
  clock = fakeClock();
  store = new MemoryStore(clock, limits);
  await fillStore(store);
  reads = [];
  counting = Object.assign(Object.create(store), {
    get: (kind: RecordKind, id: string) => {
      reads.push(kind);
      return store.get(kind, id);
    },
  });
  const isStillGood = (): boolean => true;
  revocations = new Revocations(store, new Sessions(limits), limits, { isStillGood });
  revocations.start();
  cache = new VerifiedCache(counting, revocations, clock, limits);
});

/** True when the store was asked. */
function asks(action: () => unknown): boolean {
  reads.length = 0;
  action();
  return reads.length > 0;
}

it("asks the store once for one key and call, and answers with the same grant", () => {
  const first = cache.key(KEY, CALL);
  expect(first).toMatchObject({ app: { id: "app" } });
  expect(asks(() => expect(cache.key(KEY, CALL)).toBe(first))).toBe(false);
  expect(asks(() => cache.key(KEY, { ...CALL, pathSuffix: "/rooms/2" }))).toBe(false);
  expect(asks(() => cache.token(TOKEN, CALL))).toBe(true);
  expect(asks(() => cache.token(TOKEN, CALL))).toBe(false);
});

describe("a credential at another path, or with another method", () => {
  const other = { ...CALL, pathSuffix: "/rooms/other" };
  const silver = { ...PRODUCT, name: "silver", resources: ["/other"] };
  const two = { products: [{ name: "gold", status: "approved" }, { name: "silver", status: "approved" }] } as const;

  it("is checked with the records of the first, of a token those of its end user and grant too", async () => {
    await fillStore(store, { token: { subject: "ann", grantId: "g" } });
    store.put("grant", "g", { id: "g", status: "approved", refreshDigest: "r", refreshCount: 0, endsAtMs: null });
    for (const verify of [() => cache.key(KEY, other), () => cache.token(TOKEN, other)]) {
      expect(asks(verify)).toBe(true);
      expect(asks(() => expect(cache.key(KEY, CALL)).toMatchObject({ product: { name: "gold" } }))).toBe(false);
    }
    expect(asks(() => expect(cache.token(TOKEN, { ...CALL, verb: "POST" })).toMatchObject({ token: { subject: "ann" } }))).toBe(false);
    expect(asks(() => expect(cache.token(TOKEN, { ...CALL, pathSuffix: "/no" })).toMatch(/NoApiProductMatchFound$/))).toBe(false);
  });

  it("reads what it has not read yet, once, and hears of that too", async () => {
    await fillStore(store, { key: two });
    store.put("product", "silver", silver);
    cache.key(KEY, CALL);
    const covered = { ...CALL, pathSuffix: "/other" };
    expect(cache.key(KEY, covered)).toMatchObject({ product: { name: "silver" } });
    expect(reads.filter((kind) => kind === "key")).toHaveLength(1);
    updateRecord({ store, clock, limits }, "product", "silver", (product) => ({ ...product, resources: ["/moved"] }));
    expect(cache.key(KEY, covered)).toBe("oauth.v2.InvalidApiKeyForGivenResource");
    expect(cache.key(KEY, { ...CALL, pathSuffix: "/moved" })).toMatchObject({ product: { name: "silver" } });
  });

  it("finds a product that did not exist before: no event tells of that", async () => {
    await fillStore(store, { key: two });
    cache.key(KEY, CALL);
    const covered = { ...CALL, pathSuffix: "/other" };
    expect(cache.key(KEY, covered)).toBe("oauth.v2.InvalidApiKeyForGivenResource");
    store.put("product", "silver", silver);
    expect(cache.key(KEY, covered)).toMatchObject({ product: { name: "silver" } });
  });

  it.each([
    ["the token", { effect: "revoked", identities: [`token:${TOKEN_RECORD.id}`] }],
    ["the end user", { effect: "revoked", identities: ["subject:|ann"], credentialKind: "token" }],
    ["the end user at the app", { effect: "changed", identities: ["app:app", "subject:|ann"], credentialKind: "token" }],
    ["the grant", { effect: "revoked", identities: ["grant:g"] }],
    ["the key", { effect: "changed", identities: [`key:${KEY_RECORD.id}`] }],
    ["the developer", { effect: "revoked", identities: ["developer:dev"], credentialKind: "token" }],
    ["the product", { effect: "changed", identities: ["product:gold"] }],
  ] as const)("is read again behind an event about %s", async (_, event) => {
    await fillStore(store, { token: { subject: "ann", grantId: "g" } });
    store.put("grant", "g", { id: "g", status: "approved", refreshDigest: "r", refreshCount: 0, endsAtMs: null });
    cache.token(TOKEN, CALL);
    store.append({ ...event, atMs: 0 });
    expect(asks(() => cache.token(TOKEN, other))).toBe(true);
  });

  it("is read again when the time of the first is over, however often it was used meanwhile", () => {
    cache.key(KEY, CALL);
    clock.advance(limits.verifiedCacheTtlMs - 1);
    expect(asks(() => cache.key(KEY, other))).toBe(false);
    clock.advance(1);
    expect(asks(() => cache.key(KEY, other))).toBe(true);
  });

  it("does not keep a record that was on its way while an event passed: nobody looked for its name then", async () => {
    await fillStore(store, { key: two });
    store.put("product", "silver", silver);
    const distant = new VerifiedCache(distantStore(store), revocations, clock, limits);
    await distant.key(KEY, CALL);
    const covered = { ...CALL, pathSuffix: "/other" };
    const answer = distant.key(KEY, covered);
    store.append({ effect: "changed", identities: ["product:silver"], atMs: 0 });
    // Another verification moves on to the present without knowing of that product.
    distant.key(KEY, other);
    await answer;
    expect(distant.key(KEY, { ...covered, verb: "POST" })).toBeInstanceOf(Promise);
  });
});

it("keeps no refusal", () => {
  expect(cache.key("other", CALL)).toBe("oauth.v2.InvalidApiKey");
  expect(asks(() => cache.key("other", CALL))).toBe(true);
  expect(cache.size).toBe(0);
});

it("does not take a key for a token or the reverse", () => {
  cache.key(KEY, CALL);
  expect(cache.token(KEY, CALL)).toMatch(/invalid_access_token$/);
  expect(cache.key(TOKEN, CALL)).toMatch(/InvalidApiKey$/);
});

it("drops a grant when an event names one of its identities, and keeps it through others", () => {
  const services = { store, clock, limits };
  cache.key(KEY, CALL);
  store.append({ effect: "revoked", identities: ["app:other"], atMs: 0 });
  expect(asks(() => cache.key(KEY, CALL))).toBe(false);
  setAppStatus(services, "app", "revoked");
  expect(cache.key(KEY, CALL)).toMatch(/app_not_approved$/);
  setAppStatus(services, "app", "approved");
  expect(cache.key(KEY, CALL)).toMatchObject({ app: { id: "app" } });
  setKeyStatus(services, KEY_RECORD.id, "revoked");
  expect(cache.key(KEY, CALL)).toMatch(/ApiKeyNotApproved$/);
});

it("asks again for a key too when tokens of its app are revoked: JWT policies read from its grant since when", () => {
  cache.key(KEY, CALL);
  cache.token(TOKEN, CALL);
  store.append({ effect: "revoked", identities: ["app:app"], credentialKind: "token", atMs: 0 });
  expect(asks(() => cache.key(KEY, CALL))).toBe(true);
  expect(asks(() => cache.token(TOKEN, CALL))).toBe(true);
});

it("asks again when more events passed than are remembered", () => {
  cache.key(KEY, CALL);
  for (let n = 0; n < 3; n++) store.append({ effect: "revoked", identities: [`app:${n}`], atMs: 0 });
  expect(asks(() => cache.key(KEY, CALL))).toBe(true);
  expect(asks(() => cache.key(KEY, CALL))).toBe(false);
});

it("asks again after its time, and never hands out an expired grant", async () => {
  cache.key(KEY, CALL);
  clock.advance(limits.verifiedCacheTtlMs - 1);
  expect(asks(() => cache.key(KEY, CALL))).toBe(false);
  clock.advance(1);
  expect(asks(() => cache.key(KEY, CALL))).toBe(true);
  await fillStore(store, { token: { expiresAtMs: clock.wallMs() + 10 } });
  expect(cache.token(TOKEN, CALL)).toMatchObject({ token: { id: TOKEN_RECORD.id } });
  clock.stepWall(10);
  expect(cache.token(TOKEN, CALL)).toMatch(/access_token_expired$/);
});

it("holds verifiedCacheMax grants, the last ones", () => {
  const call = (n: number) => ({ ...CALL, pathSuffix: `/rooms/${n}` });
  for (let n = 0; n < 4; n++) cache.key(KEY, call(n));
  expect(cache.size).toBe(3);
  expect(asks(() => cache.key(KEY, call(3)))).toBe(false);
  for (const n of [1, 2, 3]) store.put("key", `key-${n}`, { ...KEY_RECORD, id: `key-${n}` });
  for (const key of ["a", "b", "c"]) store.put("key", digest(key), { ...KEY_RECORD, id: digest(key) });
  for (const key of ["a", "b", "c"]) cache.key(key, CALL);
  expect(asks(() => cache.key(KEY, call(0)))).toBe(true);
});

it("does not keep calls with very long paths", async () => {
  await fillStore(store, { product: { resources: ["/"] } });
  const call = { ...CALL, pathSuffix: `/${"x".repeat(10_000)}` };
  expect(cache.key(KEY, call)).toMatchObject({ app: { id: "app" } });
  expect(cache.size).toBe(0);
});

it("does not trust a grant that was read before an event and arrived after it", async () => {
  const distant = new VerifiedCache(distantStore(store), revocations, clock, limits);
  const answer = distant.key(KEY, CALL);
  const isPending = answer instanceof Promise;
  expect(isPending).toBe(true);
  store.append({ effect: "changed", identities: ["product:gold"], atMs: 0 });
  await answer;
  expect(distant.key(KEY, CALL)).toBeInstanceOf(Promise);
});

it("answers from the store through resolveBasis alike", () => {
  const basis = { kind: "key", digest: KEY_RECORD.id, call: CALL } as const;
  expect(resolveBasis(store, clock, basis)).toEqual(cache.key(KEY, CALL));
});
