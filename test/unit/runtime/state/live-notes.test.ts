/** Notes of what is open: whose they are, and who looks after those of a process that is gone. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { AnalyticsFile, type AnalyticsBatch, type LiveChanges } from "#runtime/state/analytics-file.ts";
import { lockFile } from "#runtime/state/sqlite.ts";

let folder: string;
let file: string;
const opened: AnalyticsFile[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "apigw-live-"));
  file = join(folder, "a.db");
});
afterEach(() => {
  for (const one of opened.splice(0)) one.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(): AnalyticsFile {
  const made = new AnalyticsFile({ file, bytesMax: 2 ** 30, busyMs: 100 });
  opened.push(made);
  return made;
}

const rows = (count: number, text = ""): AnalyticsBatch => ({ rows: text, count, fromMs: 5, toMs: 5, rollups: [] });
const merge = (): void => undefined;

function write(into: AnalyticsFile, changes: Partial<LiveChanges>, count = 0): readonly number[] {
  return into.write(rows(count), { nowMs: 5, opened: [], ended: [], ...changes }, merge);
}

/** Notes that `by` takes over, and when their process was last heard of. */
function adopted(by: AnalyticsFile, limit = 100): readonly (readonly [string, number])[] {
  const found: (readonly [string, number])[] = [];
  const batchOf = (notes: readonly string[], atMs: number): AnalyticsBatch => {
    found.push(...notes.map((note) => [note, atMs] as const));
    return rows(notes.length, notes.join());
  };
  while (by.adopt(limit, batchOf, merge) > 0);
  return found;
}

/** As the system does with the locks of a process that was killed; its connections stay open here. */
function kill(): void {
  for (const name of readdirSync(folder)) if (name.includes("-alive-")) rmSync(join(folder, name));
}

const locks = (): readonly string[] => readdirSync(folder).filter((name) => name.includes("-alive-"));

it("are taken over when their process is gone, with the time at which it was last heard of", () => {
  const [first, second] = [open(), open()];
  const [, b] = write(first, { nowMs: 10, opened: ["a", "b", "c"] });
  write(first, { nowMs: 20, ended: [b ?? 0] }, 1);
  first.touch(30);
  expect(adopted(second)).toEqual([]);
  kill();
  expect(adopted(second)).toEqual([["a", 30], ["c", 30]]);
  expect(adopted(second)).toEqual([]);
  expect(locks()).toEqual([]);
});

it("are taken over in batches, each once, whoever comes", () => {
  write(open(), { opened: ["a", "b", "c", "d", "e"] });
  write(open(), { opened: ["f"] });
  kill();
  const [one, other] = [open(), open()];
  expect(one.adopt(2, (notes) => rows(notes.length), merge)).toBe(2);
  // The first process is being looked after: what is left for another is the second one's.
  expect(adopted(other).map(([note]) => note)).toEqual(["f"]);
  expect(adopted(one).map(([note]) => note)).toEqual(["c", "d", "e"]);
  expect(one.chunks(0, 0, 10, 10).map((chunk) => chunk.rows)).toEqual(["", "f", "c,d,e"]);
});

it("stay for another time when their rows cannot be written", () => {
  write(open(), { opened: ["a"] });
  kill();
  const second = open();
  expect(() => second.adopt(10, () => { throw new TypeError("no rows"); }, merge)).toThrow();
  expect(adopted(second)).toEqual([["a", 5]]);
});

it("leave nothing behind in order: no note, no place, no lock", () => {
  const first = open();
  expect(locks()).toEqual([]);
  const ids = write(first, { opened: ["a"] });
  expect(locks()).toHaveLength(1);
  write(first, { ended: ids }, 1);
  opened.splice(0)[0]?.close();
  expect(locks()).toEqual([]);
  expect(adopted(open())).toEqual([]);
});

it("of an end that left something open are taken over like those of a kill", () => {
  write(open(), { opened: ["a"] });
  const second = open();
  opened.splice(0, 1)[0]?.close();
  kill();
  expect(adopted(second).map(([note]) => note)).toEqual(["a"]);
});

it("a lock is held once, and its file goes with it", () => {
  const path = join(folder, "lock");
  const lock = lockFile(path);
  expect(lockFile(path)).toBeNull();
  lock?.release();
  expect(existsSync(path)).toBe(false);
  lockFile(path)?.release();
});
