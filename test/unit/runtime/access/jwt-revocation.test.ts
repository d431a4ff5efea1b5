import { beforeEach, expect, it } from "vitest";
import { jtiIdentity, kidIdentity, sidIdentity, subjectIdentity } from "#runtime/access/identity.ts";
import { approveJwts, isJwtRevoked, revokeJwts } from "#runtime/access/jwt-revocation.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { MemoryStore } from "#runtime/state/memory.ts";
import type { Store } from "#runtime/state/store.ts";
import { distantStore } from "../../../support/access-records.ts";
import { fakeClock, type FakeClock } from "../../../support/fake-clock.ts";

const JWT = {
  identities: [jtiIdentity("iss", "1"), kidIdentity("iss", "k"), sidIdentity("iss", "s"), subjectIdentity("iss", "ann")],
  issuedAtMs: 0,
};
let clock: FakeClock;
let store: MemoryStore;
let services: { readonly store: MemoryStore; readonly clock: FakeClock; readonly limits: typeof defaultLimits };

beforeEach(() => {
  clock = fakeClock();
  store = new MemoryStore(clock, defaultLimits);
  services = { store, clock, limits: defaultLimits };
});

it.each(JWT.identities)("a mark for %s refuses the token, with one event, until it is taken back", (identity) => {
  expect(isJwtRevoked(store, JWT)).toBe(false);
  expect(revokeJwts(services, identity, null)).toBe(true);
  expect(store.events(0, 10)).toMatchObject({ events: [{ event: { effect: "revoked", identities: [identity] } }] });
  expect(isJwtRevoked(store, JWT)).toBe(true);
  expect(isJwtRevoked(store, { ...JWT, identities: ["app:a", jtiIdentity("iss", "2")] })).toBe(false);
  expect([approveJwts(services, identity), approveJwts(services, identity)]).toEqual([true, false]);
  expect(isJwtRevoked(store, JWT)).toBe(false);
});

it("a mark is kept as long as it was asked for", () => {
  revokeJwts(services, jtiIdentity("iss", "1"), clock.wallMs() + 1_000);
  clock.advance(999);
  expect(isJwtRevoked(store, JWT)).toBe(true);
  clock.advance(1);
  expect(isJwtRevoked(store, JWT)).toBe(false);
});

it("a subject's tokens of later are good; those of a key or a login are not", () => {
  const later = { ...JWT, issuedAtMs: clock.wallMs() + 1 };
  revokeJwts(services, subjectIdentity("iss", "ann"), null);
  expect([isJwtRevoked(store, { ...JWT, issuedAtMs: clock.wallMs() }), isJwtRevoked(store, later)]).toEqual([true, false]);
  revokeJwts(services, kidIdentity("iss", "k"), null);
  expect(isJwtRevoked(store, later)).toBe(true);
});

it("a distant store is asked about all identities at once", async () => {
  let asked = 0;
  const distant = distantStore(store);
  const get: Store["get"] = (kind, id) => {
    asked++;
    return distant.get(kind, id);
  };
  revokeJwts(services, subjectIdentity("iss", "ann"), null);
  const answer = isJwtRevoked({ ...distant, get }, JWT);
  expect(asked).toBe(4);
  expect(await answer).toBe(true);
});
