import { beforeEach, expect, it } from "vitest";
import type { AccessServices } from "#runtime/access/change.ts";
import { recordsWhere, removeApp, removeDeveloper } from "#runtime/access/removal.ts";
import { seedAccess } from "#runtime/access/seed.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { MemoryStore } from "#runtime/state/memory.ts";
import { APP, CALL, DEVELOPER, KEY, KEY_RECORD, fillStore, resolveKey } from "../../../support/access-records.ts";
import { fakeClock } from "../../../support/fake-clock.ts";

const clock = fakeClock();
const limits = { ...defaultLimits, adminPageMax: 2 };
let store: MemoryStore;
let services: AccessServices;
beforeEach(async () => {
  store = new MemoryStore(clock, limits);
  services = { store, clock, limits };
  await fillStore(store);
});

it("finds records over many pages", async () => {
  for (const n of [0, 1, 2, 3, 4, 5, 6]) store.put("app", `a${n}`, { ...APP, id: `a${n}`, name: n % 2 === 0 ? "even" : "odd" });
  expect((await recordsWhere(services, "app", ({ name }) => name === "even")).map(({ id }) => id)).toEqual(["a0", "a2", "a4", "a6"]);
});

it("an app goes with its keys and no others, for good", async () => {
  store.put("key", "sha256:other", { ...KEY_RECORD, id: "sha256:other", appId: "other" });
  store.put("key", "sha256:own", { ...KEY_RECORD, id: "sha256:own" });
  expect(await removeApp(services, APP)).toBe(2);
  expect(store.list("key", { limit: 9 }).map(({ id }) => id)).toEqual(["sha256:other"]);
  expect(resolveKey(store, clock, KEY, CALL)).toBe("oauth.v2.InvalidApiKey");
  await seedAccess(store, { products: [], developers: [], apps: [APP], keys: [] });
  expect(store.get("app", "app")).toBe(null);
});

it("a developer goes with all apps and their keys, what admits first", async () => {
  store.put("app", "second", { ...APP, id: "second" });
  store.put("app", "foreign", { ...APP, id: "foreign", developerId: "somebody" });
  expect(await removeDeveloper(services, DEVELOPER)).toEqual({ apps: 2, keys: 1 });
  expect(store.list("app", { limit: 9 }).map(({ id }) => id)).toEqual(["foreign"]);
  const told = store.events(0, 99).events.map(({ event }) => `${event.effect} ${event.identities.join()}`);
  expect(told).toEqual(["revoked developer:dev", "revoked app:app", `revoked key:${KEY_RECORD.id}`, "revoked app:second"]);
});
