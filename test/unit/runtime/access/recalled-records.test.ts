import { expect, it } from "vitest";
import { RecalledRecords } from "#runtime/access/recalled-records.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { MemoryStore } from "#runtime/state/memory.ts";
import { distantStore, fillStore, KEY_RECORD, TOKEN_RECORD } from "../../../support/access-records.ts";
import { fakeClock } from "../../../support/fake-clock.ts";

it("keeps a record once, however many asked for it at the same time, and its names with it", async () => {
  const store = new MemoryStore(fakeClock(), defaultLimits);
  await fillStore(store, { token: { subject: "ann" } });
  const records = new RecalledRecords(distantStore(store), () => 1);
  await Promise.all(Array.from({ length: 100 }, () => records.get("key", KEY_RECORD.id)));
  await Promise.all(Array.from({ length: 100 }, () => records.get("cutoff", "subject:|ann")));
  await records.get("token", TOKEN_RECORD.id);
  expect(records.identities).toEqual([`key:${KEY_RECORD.id}`, `token:${TOKEN_RECORD.id}`, "subject:|ann"]);
  expect(records.get("key", KEY_RECORD.id)).toMatchObject({ id: KEY_RECORD.id });
  expect(records.get("cutoff", "subject:|ann")).toBe(null);
  expect(records.get("product", "none")).toBeInstanceOf(Promise);
  await records.get("product", "none");
  expect(records.get("product", "none")).toBeInstanceOf(Promise);
});
