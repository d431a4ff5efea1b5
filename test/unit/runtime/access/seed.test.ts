import { expect, it } from "vitest";
import { removeRecord, setAppStatus } from "#runtime/access/change.ts";
import { digest } from "#runtime/access/digest.ts";
import { seedAccess } from "#runtime/access/seed.ts";
import type { Seed } from "#runtime/access/seed.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { MemoryStore } from "#runtime/state/memory.ts";
import {
  APP,
  CALL,
  DEVELOPER,
  KEY,
  PRODUCT,
  SECRET,
  distantStore,
  issueToken,
  resolveKey,
} from "../../../support/access-records.ts";
import { fakeClock } from "../../../support/fake-clock.ts";

const clock = fakeClock();
const credential = {
  appId: "app",
  status: "approved",
  expiresAtMs: null,
  products: [{ name: "gold", status: "approved" }],
  scopes: [],
  attributes: {},
} as const;
const seed: Seed = {
  products: [PRODUCT],
  developers: [DEVELOPER],
  apps: [APP],
  keys: [
    { ...credential, key: { secret: KEY }, secret: { secret: SECRET } },
    { ...credential, key: { digest: digest("other") }, secret: null },
  ],
};

it("creates everything in an empty store, keys and secrets as digests only", async () => {
  const store = new MemoryStore(clock, defaultLimits);
  expect(await seedAccess(distantStore(store), seed)).toEqual({ created: 5, kept: 0 });
  expect(resolveKey(store, clock, KEY, CALL)).toMatchObject({ app: { id: "app" } });
  expect(resolveKey(store, clock, "other", CALL)).toMatchObject({ key: { secretDigest: null } });
  const wish = { scopes: [], expiresInMs: null, grantType: "client_credentials" };
  const services = { store, clock, limits: defaultLimits };
  expect(issueToken(services, { id: KEY, secret: SECRET }, wish)).toMatchObject({ app: APP });
  const stored = JSON.stringify(store.list("key", { limit: 10 }));
  expect(stored).toContain(digest(KEY));
  expect(stored).not.toContain(KEY);
  expect(stored).not.toContain(SECRET);
});

it("changes nothing that is there, and brings back neither what was revoked nor what was removed", async () => {
  const store = new MemoryStore(clock, defaultLimits);
  const services = { store, clock, limits: defaultLimits };
  await seedAccess(store, seed);
  setAppStatus(services, "app", "revoked");
  removeRecord(services, "key", digest("other"));
  const edited = { ...seed, products: [{ ...PRODUCT, displayName: "Edited" }] };
  expect(await seedAccess(store, edited)).toEqual({ created: 0, kept: 5 });
  expect(store.get("app", "app")?.status).toBe("revoked");
  expect(store.get("key", digest("other"))).toBe(null);
  expect(store.get("product", "gold")?.displayName).toBe("Gold");
});
