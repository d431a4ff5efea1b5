/** The distributed store while its server is slow, or its connection breaks in the middle of an operation. */
import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "#runtime/clock.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { RedisStore } from "#runtime/state/redis.ts";
import { StoreFailure } from "#runtime/state/store.ts";
import { appRecord, recordingListener, revocation } from "../../../contract/store.ts";
import { cuttable, type Cuttable } from "../../../support/cuttable.ts";
import { startRedis, startSentinel, type RedisServer } from "../../../support/redis-server.ts";
import { recordingReport, redisSettings, silentReport } from "../../../support/redis-store.ts";
import { until } from "../../../support/until.ts";

const COMMAND_TIMEOUT_MS = 300;

let server: RedisServer;
let link: Cuttable;
let keyPrefix: string;
/** Goes through the link. */
let store: RedisStore;
/** Goes straight to the server. */
let other: RedisStore;

beforeAll(async () => {
  server = await startRedis();
  link = await cuttable(server.port);
});
afterAll(async () => {
  await link[Symbol.asyncDispose]();
  await server.remove();
});
beforeEach(async () => {
  keyPrefix = `{${randomUUID()}}`;
  const settings = { keyPrefix, commandTimeoutMs: COMMAND_TIMEOUT_MS, connectTimeoutMs: 2_000 };
  store = new RedisStore(redisSettings({ ...settings, url: `redis://127.0.0.1:${link.port}` }), systemClock, defaultLimits, silentReport);
  other = new RedisStore(redisSettings({ ...settings, url: server.url }), systemClock, defaultLimits, silentReport);
  await store.put("app", "present", appRecord("present"));
  await other.lastEvent();
});
afterEach(() => {
  link.mend();
  store.close();
  other.close();
});

/** Once the connection stands again. */
async function again<T>(ask: () => Promise<T>): Promise<T> {
  const startMs = performance.now();
  for (;;) {
    try {
      return await ask();
    } catch (cause) {
      if (!(cause instanceof StoreFailure) || performance.now() - startMs > 10_000) throw cause;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const operations: Readonly<Record<string, () => Promise<unknown>>> = {
  get: () => store.get("app", "present"),
  put: () => store.put("app", "written", appRecord("written")),
  "put with an event": () => store.put("app", "written", appRecord("written"), { event: revocation("app:written") }),
  "put of what is still there": () => store.put("app", "present", appRecord("present", { status: "revoked" }), { ifStill: appRecord("present") }),
  remove: () => store.remove("app", "present", revocation("app:present")),
  list: () => store.list("app", { limit: 10 }),
  append: () => store.append(revocation("app:appended")),
  events: () => store.events(0, 10),
  lastEvent: () => store.lastEvent(),
};
const cuts = [
  ["before the command", "toServer", 0],
  ["within the command", "toServer", 25],
  ["before the answer", "toClient", 0],
  ["within the answer", "toClient", 2],
] as const;
const cases = Object.keys(operations).flatMap((name) => cuts.map(([where, direction, bytes]) => [name, where, direction, bytes] as const));

describe("a connection that breaks", () => {
  it.each(cases)("in %s, %s, fails that operation in time, and the next one goes on", async (name, _where, direction, bytes) => {
    const startMs = performance.now();
    link.cutAfter(direction, bytes);
    const failure = await operations[name]!().then(() => null, (cause: unknown) => cause);
    // Behind the last byte of an answer the operation may have succeeded all the same.
    if (failure !== null) expect(failure).toMatchObject({ name: "StoreFailure", code: "unavailable" });
    expect(performance.now() - startMs).toBeLessThan(COMMAND_TIMEOUT_MS + 2_000);
    link.mend();

    // All of a write or nothing: the record is there if and only if its event is.
    const told = (await other.events(0, 10)).events.map(({ event }) => event.identities[0]);
    if (name === "put with an event") expect((await other.get("app", "written")) !== null).toBe(told.includes("app:written"));
    if (name === "remove") expect((await other.get("app", "present")) === null).toBe(told.includes("app:present"));
    expect(new Set(told).size).toBe(told.length);
    expect(await again(() => store.get("app", "nobody"))).toBe(null);
    expect(await again(() => operations[name]!())).toBeDefined();
  });

  it("loses no event to a listener, whatever happened to the wake-ups, and leaves no connection behind", async () => {
    const listener = recordingListener();
    store.watch(listener);
    await again(() => store.lastEvent());
    for (let n = 0; n < 5; n++) {
      link.cutAfter(n % 2 === 0 ? "toClient" : "toServer", n * 40);
      await other.append(revocation(`app:${n}`));
      await until(() => link.open === 0 || listener.heard.length === n + 1, () => "the cut or the event");
      link.mend();
      await until(() => listener.heard.length === n + 1, () => `event ${n}`);
    }
    expect(listener.heard.map(({ event }) => event.identities[0])).toEqual([0, 1, 2, 3, 4].map((n) => `app:${n}`));
    expect(listener.lost).toEqual([]);
    store.close();
    await until(() => link.open === 0, () => `${link.open} connections`);
  });
});

describe("a slow server", () => {
  it("fails commands that it does not answer in time, and none when it is fast again", async () => {
    const report = recordingReport();
    const url = `redis://127.0.0.1:${link.port}`;
    const hasty = new RedisStore(redisSettings({ keyPrefix, url, commandTimeoutMs: COMMAND_TIMEOUT_MS }), systemClock, defaultLimits, report);
    expect(await hasty.get("app", "present")).toEqual(appRecord("present"));
    link.slow(COMMAND_TIMEOUT_MS * 2);
    const startMs = performance.now();
    const answers = await Promise.allSettled([hasty.get("app", "present"), hasty.append(revocation("app:a")), hasty.list("app", { limit: 1 })]);
    expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(performance.now() - startMs).toBeLessThan(COMMAND_TIMEOUT_MS * 2 + 2_000);
    expect(report.failures).toBe(3);
    link.mend();
    expect(await again(() => hasty.get("app", "present"))).toEqual(appRecord("present"));
    hasty.close();
  });

  it("that only takes a while costs nothing but that", async () => {
    link.slow(COMMAND_TIMEOUT_MS / 6);
    expect(await store.get("app", "present")).toEqual(appRecord("present"));
    expect(await store.append(revocation("app:a"))).toBe(1);
  });
});

describe("what somebody else wrote into the server", () => {
  it.each(["no record", "|", "|{", "|null", "|5", "|[]", "5", ""])("is no record: %j", async (text) => {
    await server.run("HSET", `${keyPrefix}:app`, "foreign", text);
    await expect(store.get("app", "foreign")).rejects.toMatchObject({ name: "StoreFailure", code: "unavailable" });
    expect(await store.get("app", "present")).toEqual(appRecord("present"));
  });

  it("under the name of the records fails every look, and nothing else", async () => {
    await server.run("SET", `${keyPrefix}:key`, "text");
    await expect(store.get("key", "any")).rejects.toMatchObject({ name: "StoreFailure", code: "unavailable" });
    expect(await store.get("app", "present")).toEqual(appRecord("present"));
  });

  it.each(["no event", "5", "[]", "{}", '{"effect":"revoked","identities":"all"}'])("is a gap among events: %s", async (text) => {
    const listener = recordingListener();
    store.watch(listener);
    await store.append(revocation("app:1"));
    const script = "redis.call('INCR', KEYS[1]) redis.call('XADD', KEYS[2], '2-0', 'e', ARGV[1], 'n', 'mark')";
    await server.run("EVAL", script, "2", `${keyPrefix}:sequence`, `${keyPrefix}:events`, text);
    await store.append(revocation("app:3"));
    await until(() => listener.heard.length === 2, () => JSON.stringify(listener));
    expect(listener.heard.map(({ event }) => event.identities)).toEqual([["app:1"], ["app:3"]]);
    expect(listener.lost).toEqual([2]);
  });
});

describe("behind Sentinel", () => {
  it("goes on with the replica that took over, and hears its listeners' events there", async () => {
    const primary = await startRedis("--repl-diskless-sync-delay", "0");
    const replica = await startRedis("--replicaof", `127.0.0.1 ${primary.port}`);
    const sentinel = await startSentinel("main", primary, ["down-after-milliseconds main 300", "failover-timeout main 2000"]);
    const watched = { master: "main", nodes: [{ host: "127.0.0.1", port: sentinel.port }], password: null };
    const behind = new RedisStore(redisSettings({ sentinel: watched, url: null, keyPrefix, commandTimeoutMs: COMMAND_TIMEOUT_MS }), systemClock, defaultLimits, silentReport);
    const listener = recordingListener();
    behind.watch(listener);
    try {
      await behind.put("app", "a", appRecord("a"), { event: revocation("app:a") });
      for (let has = ""; has !== "1"; ) has = await replica.run("HEXISTS", `${keyPrefix}:app`, "a");
      for (let seen = ""; !seen.includes("slaves=1"); ) seen = await sentinel.run("INFO", "sentinel");
      await primary.kill();
      expect(await again(() => behind.append(revocation("app:b")))).toBeGreaterThan(1);
      expect(await behind.get("app", "a")).toEqual(appRecord("a"));
      await until(() => listener.heard.some(({ event }) => event.identities[0] === "app:b"), () => "the event");
    } finally {
      behind.close();
      await sentinel.remove();
      await replica.remove();
      await primary.remove();
    }
  });
});
