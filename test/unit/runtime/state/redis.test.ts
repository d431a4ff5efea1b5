import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { digest } from "#runtime/access/digest.ts";
import { systemClock } from "#runtime/clock.ts";
import { defaultLimits, type Limits } from "#runtime/limits.ts";
import type { RedisSettings } from "#runtime/state/redis-settings.ts";
import { RedisStore } from "#runtime/state/redis.ts";
import { appRecord, recordingListener, revocation, storeContract, tokenRecord } from "../../../contract/store.ts";
import { testAuthority, type TestAuthority } from "../../../support/certificates.ts";
import { fakeClock } from "../../../support/fake-clock.ts";
import { startRedis, startSentinel, type RedisServer } from "../../../support/redis-server.ts";
import { recordingReport, redisSettings, silentReport } from "../../../support/redis-store.ts";
import { until } from "../../../support/until.ts";

const newPrefix = (): string => `{${randomUUID()}}`;
/** The user that docs/operations.md tells to make. */
const USER_RULES = "on >the-password resetkeys ~{*}:* resetchannels &{*}:* -@all +hget +hset +hdel +get +set +incr +zadd +zrem" +
  " +zrangebylex +zrangebyscore +xadd +xrange +xrevrange +eval +evalsha +script|load +publish +subscribe +info +hello +auth";

const open: RedisStore[] = [];
afterEach(() => open.splice(0).forEach((store) => store.close()));

function opened(settings: Partial<RedisSettings>, limits: Limits = defaultLimits, clock = systemClock, report = silentReport): RedisStore {
  const store = new RedisStore(redisSettings({ keyPrefix: newPrefix(), ...settings }), clock, limits, report);
  open.push(store);
  return store;
}

describe("alone", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.remove());

  storeContract("redis", (clock, limits) => {
    return new RedisStore(redisSettings({ url: server.url, keyPrefix: newPrefix() }), clock, limits, silentReport);
  });

  it("holds digests, never a key, token or secret", async () => {
    const keyPrefix = newPrefix();
    const store = opened({ url: server.url, keyPrefix });
    await store.put("token", digest("the-token"), tokenRecord(digest("the-token")), { event: revocation("app:a") });
    const keys = (await server.run("KEYS", `${keyPrefix}*`)).split("\n");
    expect(keys.length).toBe(4);
    const held = await server.run("HGETALL", `${keyPrefix}:token`);
    expect(held).toContain(digest("the-token"));
    expect(held + keys.join()).not.toContain("the-token");
  });

  it("removes expired records while it is written to, index and all", async () => {
    const clock = fakeClock();
    const keyPrefix = newPrefix();
    const store = opened({ url: server.url, keyPrefix }, defaultLimits, clock);
    for (let n = 0; n < 20; n++) await store.put("token", `${n}`, tokenRecord(`${n}`), { expiresAtMs: clock.wallMs() + 10 });
    clock.advance(10);
    for (let n = 0; n < 3; n++) await store.put("token", "x", tokenRecord("x"), { expiresAtMs: clock.wallMs() + 10 });
    for (const key of ["token", "token:ids", "token:expiring"]) {
      const count = await server.run(key === "token" ? "HLEN" : "ZCARD", `${keyPrefix}:${key}`);
      expect(count).toBe("1");
    }
  });

  it("goes on when the server has forgotten its scripts", async () => {
    const store = opened({ url: server.url });
    expect(await store.append(revocation("app:a"))).toBe(1);
    await server.run("SCRIPT", "FLUSH");
    expect(await store.append(revocation("app:b"))).toBe(2);
  });

  it("hears what another gateway appends without waiting for the poll, in order with its own", async () => {
    const keyPrefix = newPrefix();
    const here = opened({ url: server.url, keyPrefix }, { ...defaultLimits, storePollMs: 3_600_000 });
    const there = opened({ url: server.url, keyPrefix });
    const listener = recordingListener();
    here.watch(listener);
    await here.lastEvent();
    await untilSubscribed(server, keyPrefix, 2);
    await there.append(revocation("app:there"));
    await until(() => listener.heard.length === 1, () => "the wake-up");
    await Promise.all([there.append(revocation("app:there")), here.append(revocation("app:here"))]);
    await until(() => listener.heard.length === 3, () => "both");
    expect(listener.heard.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });

  it("makes good for a wake-up that was not heard by looking", async () => {
    const clock = fakeClock();
    const keyPrefix = newPrefix();
    const here = opened({ url: server.url, keyPrefix }, defaultLimits, clock);
    const listener = recordingListener();
    here.watch(listener);
    await here.append(revocation("app:first"));
    await server.run("INCR", `${keyPrefix}:sequence`);
    await server.run("XADD", `${keyPrefix}:events`, "2-0", "e", JSON.stringify(revocation("app:silent")), "n", "m");
    expect(listener.heard.length).toBe(1);
    clock.advance(defaultLimits.storePollMs);
    await until(() => listener.heard.length === 2, () => "the poll");
    expect(here.heardUntilMs()).toBe(clock.monotonicMs());
  });

  it("says that events were lost when more passed than the stream keeps", async () => {
    const limits = { ...defaultLimits, revocationsRememberedMax: 3 };
    const keyPrefix = newPrefix();
    const here = opened({ url: server.url, keyPrefix }, limits);
    const listener = recordingListener();
    here.watch(listener);
    await here.append(revocation("app:first"));
    const added = Array.from({ length: 5 }, (_, n) => [`${n + 2}-0`, JSON.stringify(revocation(`app:${n}`))]);
    for (const [id = "", event = ""] of added) {
      await server.run("XADD", `${keyPrefix}:events`, "MAXLEN", "3", id, "e", event, "n", "m");
    }
    await server.run("SET", `${keyPrefix}:sequence`, "6");
    await until(() => listener.lost.length > 0, () => "the loss");
    await here.append(revocation("app:last"));
    expect(listener.heard.at(-1)?.sequence).toBe(7);
  });

  it("notices a server that was emptied, and never uses a number twice", async () => {
    const keyPrefix = newPrefix();
    const here = opened({ url: server.url, keyPrefix });
    const there = opened({ url: server.url, keyPrefix });
    const [listener, other] = [recordingListener(), recordingListener()];
    here.watch(listener);
    there.watch(other);
    await there.lastEvent();
    for (const name of ["a", "b", "c"]) await here.append(revocation(`app:${name}`));
    await until(() => other.heard.length === 3, () => "all three");
    await server.run("DEL", `${keyPrefix}:events`, `${keyPrefix}:sequence`);
    await until(() => listener.lost.length > 0 && other.lost.length > 0, () => "both to notice");
    expect(await here.append(revocation("app:d"))).toBeGreaterThan(3);
    expect(listener.heard.at(-1)?.event.identities).toEqual(["app:d"]);
  });

  it("notices that other events have the numbers which it read", async () => {
    const keyPrefix = newPrefix();
    const here = opened({ url: server.url, keyPrefix }, { ...defaultLimits, storePollMs: 3_600_000 });
    const listener = recordingListener();
    here.watch(listener);
    await here.append(revocation("app:a"));
    await server.run("DEL", `${keyPrefix}:events`, `${keyPrefix}:sequence`);
    const there = opened({ url: server.url, keyPrefix });
    await there.append(revocation("app:b"));
    await here.append(revocation("app:c"));
    expect(listener.lost.length).toBe(1);
  });

  it("fails beyond storeCommandsMax commands at once", async () => {
    const report = recordingReport();
    const store = opened({ url: server.url }, { ...defaultLimits, storeCommandsMax: 2 }, systemClock, report);
    const answers = await Promise.allSettled([store.get("app", "a"), store.get("app", "b"), store.get("app", "c")]);
    expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
    expect(report.failures).toBe(1);
  });

  it("refuses to start on a server that may drop any key", async () => {
    await server.run("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
    await expect(opened({ url: server.url }).ready()).rejects.toThrow(/may drop records \(maxmemory-policy allkeys-lru\)/);
    await server.run("CONFIG", "SET", "maxmemory-policy", "noeviction");
    expect(await opened({ url: server.url }).ready()).toBe(true);
  });

  it("fails as full when the server is out of memory", async () => {
    const store = opened({ url: server.url });
    await store.put("app", "a", appRecord("a"));
    await server.run("CONFIG", "SET", "maxmemory", "1");
    await expect(store.put("app", "b", appRecord("b"))).rejects.toMatchObject({ code: "full" });
    await server.run("CONFIG", "SET", "maxmemory", "0");
  });
});

describe("with TLS and a user of its own", () => {
  let authority: TestAuthority;
  let server: RedisServer;
  let tls: RedisSettings["tls"];
  beforeAll(async () => {
    authority = testAuthority();
    const { certFile, keyFile } = authority.issue("server", { commonName: "redis", names: ["127.0.0.1", "localhost"] });
    const files = ["--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-ca-cert-file", authority.caFile];
    server = await startRedis(...files, "--tls-auth-clients", "no");
    await server.run("ACL", "SETUSER", "gateway", ...USER_RULES.split(" "));
    await server.run("ACL", "SETUSER", "default", "off");
    tls = { caFile: authority.caFile, certFile: null, keyFile: null, serverName: null };
  });
  afterAll(async () => {
    await server.remove();
    authority.remove();
  });

  storeContract("redis over TLS as a user with few rights", (clock, limits) => {
    const who = { username: "gateway", password: "the-password" };
    return new RedisStore(redisSettings({ url: server.url, ...who, tls, keyPrefix: newPrefix() }), clock, limits, silentReport);
  });

  it("takes user and password from the URL too", async () => {
    const url = server.url.replace("//", "//gateway:the-password@");
    expect(await opened({ url, tls }).get("app", "a")).toBe(null);
  });

  it.each([
    ["a wrong password", { username: "gateway", password: "wrong" }, /WRONGPASS/],
    ["no user", {}, /NOAUTH|WRONGPASS/],
  ])("fails with %s, and says so without showing it", async (_, who, message) => {
    const failure = await opened({ url: server.url, tls, connectTimeoutMs: 500, ...who }).get("app", "a").catch(String);
    expect(failure).toMatch(message);
    expect(failure).not.toMatch(/wrong(?! ?pass)/);
  });

  it("does not talk to a server that it cannot trust", async () => {
    const report = recordingReport();
    const store = opened({ url: server.url, connectTimeoutMs: 300 }, defaultLimits, systemClock, report);
    await expect(store.get("app", "a")).rejects.toThrow(/UNABLE_TO|SELF_SIGNED|unable/);
    expect(await store.ready()).toBe(false);
  });
});

describe("as a cluster", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis("--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1");
    await server.run("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
    for (let state = ""; !state.includes("cluster_state:ok"); ) state = await server.run("CLUSTER", "INFO");
  });
  afterAll(() => server.remove());

  storeContract("redis cluster", (clock, limits) => {
    const cluster = [{ host: "127.0.0.1", port: server.port }];
    return new RedisStore(redisSettings({ cluster, keyPrefix: newPrefix() }), clock, limits, silentReport);
  });
});

describe("behind Sentinel", () => {
  let server: RedisServer;
  let sentinel: Awaited<ReturnType<typeof startSentinel>>;
  beforeAll(async () => {
    server = await startRedis();
    sentinel = await startSentinel("main", server);
  });
  afterAll(async () => {
    await sentinel.remove();
    await server.remove();
  });

  storeContract("redis behind Sentinel", (clock, limits) => {
    const watched = { master: "main", nodes: [{ host: "127.0.0.1", port: sentinel.port }], password: null };
    return new RedisStore(redisSettings({ sentinel: watched, keyPrefix: newPrefix() }), clock, limits, silentReport);
  });
});

describe("a reader", () => {
  it("takes an entry that nobody of its kind wrote as a gap, and reads on", async () => {
    const server = await startRedis();
    const keyPrefix = newPrefix();
    const here = opened({ url: server.url, keyPrefix });
    const listener = recordingListener();
    here.watch(listener);
    await here.append(revocation("app:a"));
    await server.run("XADD", `${keyPrefix}:events`, "2-0", "e", "{no json", "n", "m");
    await server.run("SET", `${keyPrefix}:sequence`, "2");
    await until(() => listener.lost.length === 1, () => "the gap");
    await here.append(revocation("app:b"));
    expect(listener.heard.map(({ sequence }) => sequence)).toEqual([1, 3]);
    await server.remove();
  });
});

async function untilSubscribed(server: RedisServer, keyPrefix: string, count: number): Promise<void> {
  const channel = `${keyPrefix}:wake`;
  for (let answer = ""; !answer.endsWith(`\n${count}`); ) answer = await server.run("PUBSUB", "NUMSUB", channel);
}
