import { expect, it } from "vitest";
import { defaultLimits } from "#runtime/limits.ts";
import { MemoryStore } from "#runtime/state/memory.ts";
import { appRecord, storeContract, tokenRecord } from "../../../contract/store.ts";
import { fakeClock } from "../../../support/fake-clock.ts";

storeContract("memory", (clock, limits) => new MemoryStore(clock, limits));

it("answers with values, not promises", () => {
  const store = new MemoryStore(fakeClock(), defaultLimits);
  expect(store.put("app", "a", appRecord("a"))).toBe(true);
  expect(store.get("app", "a")).toEqual(appRecord("a"));
});

it("hands out records that nobody can change", () => {
  const store = new MemoryStore(fakeClock(), defaultLimits);
  store.put("app", "a", appRecord("a", { attributes: { x: "1" } }));
  const found = store.get("app", "a");
  expect(Object.isFrozen(found)).toBe(true);
  expect(Object.isFrozen(found?.attributes)).toBe(true);
});

it("refuses more than memoryRecordsMax records and takes the place of expired ones", () => {
  const clock = fakeClock();
  const store = new MemoryStore(clock, { ...defaultLimits, memoryRecordsMax: 3 });
  store.put("app", "a", appRecord("a"));
  store.put("token", "t", tokenRecord("t"), { expiresAtMs: clock.wallMs() + 10 });
  store.put("token", "u", tokenRecord("u"), { expiresAtMs: clock.wallMs() + 10 });
  expect(() => store.put("app", "b", appRecord("b"))).toThrow(expect.objectContaining({ code: "full" }));
  expect(store.put("app", "a", appRecord("a", { name: "still writable" }))).toBe(true);
  clock.advance(2_000);
  expect(store.put("app", "b", appRecord("b"))).toBe(true);
  expect(store.size).toBeLessThanOrEqual(2);
});

it("sweeps expired records while it is written to", () => {
  const clock = fakeClock();
  const store = new MemoryStore(clock, defaultLimits);
  for (let n = 0; n < 100; n++) store.put("token", `${n}`, tokenRecord(`${n}`), { expiresAtMs: clock.wallMs() + 10 });
  expect(store.size).toBe(100);
  clock.advance(10);
  for (let n = 0; n < 60; n++) store.put("app", "a", appRecord("a"));
  expect(store.size).toBe(1);
});
