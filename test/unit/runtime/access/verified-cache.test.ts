import { beforeEach, expect, it } from "vitest";
import { setAppStatus, setKeyStatus } from "#runtime/access/change.ts";
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
  expect(asks(() => cache.key(KEY, { ...CALL, pathSuffix: "/rooms/2" }))).toBe(true);
  expect(asks(() => cache.token(TOKEN, CALL))).toBe(true);
  expect(asks(() => cache.token(TOKEN, CALL))).toBe(false);
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
