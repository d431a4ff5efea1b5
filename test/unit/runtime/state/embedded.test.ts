import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { systemClock } from "#runtime/clock.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { EmbeddedStore } from "#runtime/state/embedded.ts";
import type { StoredEvent } from "#runtime/state/store.ts";
import { appRecord, recordingListener, revocation, storeContract, tokenRecord } from "../../../contract/store.ts";
import { fakeClock } from "../../../support/fake-clock.ts";

const folder = mkdtempSync(join(tmpdir(), "apigw-store-"));
let files = 0;
const newFile = (): string => join(folder, `${(files += 1)}.db`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

storeContract("embedded", (clock, limits) => new EmbeddedStore(newFile(), clock, limits));

it("keeps records, events and revocations through close and open", () => {
  const file = newFile();
  const clock = fakeClock();
  const first = new EmbeddedStore(file, clock, defaultLimits);
  first.put("app", "a", appRecord("a", { status: "revoked" }), { event: revocation("app:a") });
  first.close();
  const second = new EmbeddedStore(file, clock, defaultLimits);
  expect(second.get("app", "a")?.status).toBe("revoked");
  expect(second.events(0, 10).events).toEqual([{ sequence: 1, event: revocation("app:a") }]);
  expect(second.append(revocation("app:b"))).toBe(2);
  second.close();
});

it("makes a file that only its owner can read, write-ahead log included", () => {
  const file = newFile();
  const store = new EmbeddedStore(file, fakeClock(), defaultLimits);
  const mine = readdirSync(folder).filter((name) => join(folder, name).startsWith(file));
  expect(mine.length).toBeGreaterThan(1);
  for (const name of mine) expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
  store.close();
});

it("removes expired rows while it is written to", () => {
  const clock = fakeClock();
  const store = new EmbeddedStore(newFile(), clock, defaultLimits);
  for (let n = 0; n < 20; n++) store.put("token", `${n}`, tokenRecord(`${n}`), { expiresAtMs: clock.wallMs() + 10 });
  clock.advance(10);
  for (let n = 0; n < 3; n++) store.put("token", "x", tokenRecord("x"), { expiresAtMs: clock.wallMs() + 10 });
  clock.stepWall(-1_000);
  expect(store.list("token", { limit: 100 }).map(({ id }) => id)).toEqual(["x"]);
  store.close();
});

it("fails as unavailable for a folder, a file that is no database, and a file of a later version", () => {
  const clock = fakeClock();
  const unavailable = expect.objectContaining({ name: "StoreFailure", code: "unavailable" });
  expect(() => new EmbeddedStore(folder, clock, defaultLimits)).toThrow(unavailable);
  expect(() => new EmbeddedStore(join(folder, "no", "such", "folder.db"), clock, defaultLimits)).toThrow(unavailable);
  const text = newFile();
  writeFileSync(text, "this is no database, and long enough to be looked at as one".repeat(20));
  expect(() => new EmbeddedStore(text, clock, defaultLimits)).toThrow(unavailable);
  expect(readFileSync(text, "utf8")).toMatch(/^this is no database/);
  const later = newFile();
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  const database = new DatabaseSync(later);
  database.exec("PRAGMA user_version = 99");
  database.close();
  expect(() => new EmbeddedStore(later, clock, defaultLimits)).toThrow(unavailable);
});

it("hears what another opener of the file writes, by polling and in order with its own", () => {
  const file = newFile();
  const clock = fakeClock();
  const here = new EmbeddedStore(file, clock, defaultLimits);
  const there = new EmbeddedStore(file, clock, defaultLimits);
  const listener = recordingListener();
  here.watch(listener);
  there.append(revocation("app:there"));
  expect(listener.heard).toEqual([]);
  clock.advance(defaultLimits.storePollMs);
  expect(listener.heard.map(({ sequence }) => sequence)).toEqual([1]);
  there.append(revocation("app:again"));
  here.append(revocation("app:here"));
  expect(listener.heard.map(({ event }) => event.identities[0])).toEqual(["app:there", "app:again", "app:here"]);
  here.close();
  there.close();
});

it("is woken by another opener's write without waiting for the poll", async () => {
  const file = newFile();
  const here = new EmbeddedStore(file, fakeClock(), defaultLimits);
  const there = new EmbeddedStore(file, systemClock, defaultLimits);
  const heard = new Promise<StoredEvent>((resolve) => {
    here.watch({ storeEvent: resolve, storeEventsLost: () => undefined });
  });
  there.append(revocation("app:there"));
  expect((await heard).event.identities).toEqual(["app:there"]);
  here.close();
  there.close();
});

it("says that events were lost when more passed than the file keeps", () => {
  const file = newFile();
  const clock = fakeClock();
  const limits = { ...defaultLimits, revocationsRememberedMax: 3 };
  const here = new EmbeddedStore(file, clock, limits);
  const there = new EmbeddedStore(file, clock, limits);
  const listener = recordingListener();
  here.watch(listener);
  for (let n = 0; n < 5; n++) there.append(revocation(`app:${n}`));
  clock.advance(limits.storePollMs);
  expect(listener.lost).toEqual([2]);
  expect(listener.heard.map(({ sequence }) => sequence)).toEqual([3, 4, 5]);
  here.close();
  there.close();
});

it("fails, and leaves nothing half written, while another process holds the lock", () => {
  const file = newFile();
  const store = new EmbeddedStore(file, fakeClock(), { ...defaultLimits, storeBusyMs: 10 });
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  const other = new DatabaseSync(file);
  other.exec("BEGIN IMMEDIATE");
  const event = revocation("app:a");
  expect(() => store.put("app", "a", appRecord("a"), { event })).toThrow(
    expect.objectContaining({ code: "unavailable" }),
  );
  expect(store.get("app", "a")).toBe(null);
  other.exec("ROLLBACK");
  other.close();
  expect(store.lastEvent()).toBe(0);
  expect(store.put("app", "a", appRecord("a"), { event })).toBe(true);
  store.close();
});

it("loses no acknowledged write of two processes killed while they write", async () => {
  const file = newFile();
  const writers = ["a", "b"].map((name) => startWriter(file, name));
  const acknowledged = (await Promise.all(writers.map((writer) => killAfter(writer, 200)))).flat();
  expect(acknowledged.length).toBeGreaterThanOrEqual(400);
  const store = new EmbeddedStore(file, systemClock, defaultLimits);
  const missing = acknowledged.filter((id) => store.get("meta", id) === null);
  expect(missing).toEqual([]);
  const told = new Set(store.events(0, 100_000).events.map(({ event }) => event.identities[0]));
  const due = acknowledged.filter((id) => Number(id.split("-")[1]) % 2 === 0);
  expect(due.filter((id) => !told.has(`app:${id}`))).toEqual([]);
  expect(store.get("meta", "a-99999")).toBe(null);
  store.close();
});

it("loses nothing acknowledged, however often and whenever its process is killed", async () => {
  const file = newFile();
  const acknowledged: string[] = [];
  for (let round = 0; round < 6; round++) {
    // At another moment each time, the first ones while the file and its schema are made.
    const writer = startWriter(file, `r${round}`);
    const told = round < 2 ? killWithin(writer, 60 + Math.random() * 200) : killAfter(writer, Math.ceil(Math.random() * 300));
    acknowledged.push(...(await told));
    const store = new EmbeddedStore(file, systemClock, defaultLimits);
    expect(acknowledged.filter((id) => store.get("meta", id) === null)).toEqual([]);
    expect(store.put("app", `after-${round}`, appRecord("a"))).toBe(true);
    store.close();
  }
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  const database = new DatabaseSync(file);
  expect(database.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  database.close();
  expect(acknowledged.length).toBeGreaterThan(4);
});

it("takes over a file of format 1, once, also when two processes open it", () => {
  const file = newFile();
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  const old = new DatabaseSync(file);
  old.exec(`
    CREATE TABLE records (
      kind TEXT NOT NULL, id TEXT NOT NULL, record TEXT NOT NULL, expires_at INTEGER, PRIMARY KEY (kind, id)
    ) WITHOUT ROWID;
    CREATE INDEX records_expiry ON records (expires_at) WHERE expires_at IS NOT NULL;
    CREATE TABLE events (sequence INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL);
    PRAGMA user_version = 1;`);
  const insert = old.prepare("INSERT INTO records VALUES (?, ?, ?, ?)");
  insert.run("app", "a", JSON.stringify(appRecord("a")), null);
  insert.run("token", "sha256:t", JSON.stringify(tokenRecord("sha256:t")), 5_000_000_000_000);
  old.exec(`INSERT INTO events (event) VALUES ('${JSON.stringify(revocation("app:a"))}')`);
  old.close();
  for (const store of [new EmbeddedStore(file, systemClock, defaultLimits), new EmbeddedStore(file, systemClock, defaultLimits)]) {
    expect(store.get("app", "a")).toEqual(appRecord("a"));
    expect(store.get("token", "sha256:t")).toEqual(tokenRecord("sha256:t"));
    expect(store.events(0, 9).events).toHaveLength(1);
    expect(store.put("token", "sha256:t", tokenRecord("sha256:t"), { ifStill: tokenRecord("sha256:t") })).toBe(true);
    store.close();
  }
});

it("removes so many expired rows with a write and no more, however many there are", () => {
  const clock = fakeClock();
  const file = newFile();
  const store = new EmbeddedStore(file, clock, defaultLimits);
  for (let n = 0; n < 100; n++) store.put("token", `${n}`, tokenRecord(`${n}`), { expiresAtMs: clock.wallMs() + 10 });
  clock.advance(10);
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
  const database = new DatabaseSync(file);
  const rows = (): unknown => database.prepare("SELECT count(*) AS rows FROM records").get()?.["rows"];
  store.put("token", "x", tokenRecord("x"), { expiresAtMs: clock.wallMs() + 10 });
  expect(rows()).toBe(93);
  store.put("app", "a", appRecord("a"));
  expect(rows()).toBe(94);
  database.close();
  store.close();
});

/** Kills a writer after a time, whatever it is doing; every id that it acknowledged. */
async function killWithin(writer: ChildProcess, ms: number): Promise<string[]> {
  const closed = once(writer, "close");
  let text = "";
  writer.stdout?.setEncoding("utf8").on("data", (part: string) => (text += part));
  systemClock.setTimer(() => writer.kill("SIGKILL"), ms);
  await closed;
  return text.split("\n").slice(0, -1);
}

function startWriter(file: string, name: string): ChildProcess {
  const script = join(import.meta.dirname, "embedded-writer.ts");
  return spawn(process.execPath, [script, file, name], { stdio: ["ignore", "pipe", "inherit"] });
}

/** Kills a writer in mid-writing once it has acknowledged `count` writes; every id that it did acknowledge. */
async function killAfter(writer: ChildProcess, count: number): Promise<string[]> {
  const closed = once(writer, "close");
  let text = "";
  writer.stdout?.setEncoding("utf8");
  writer.stdout?.on("data", (part: string) => {
    text += part;
    if (text.split("\n").length > count) writer.kill("SIGKILL");
  });
  await closed;
  return text.split("\n").slice(0, -1);
}
