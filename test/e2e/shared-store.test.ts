/** Two gateways on one Redis: what happens on one is heard on the other, and what each does when Redis is gone. */
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { WebSocket as WsClient } from "ws";
import { setAppStatus } from "#runtime/access/change.ts";
import { cuttable, type Cuttable } from "../support/cuttable.ts";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { compileFiles, startModules, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, upgradeRequest } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";
import { startRedis, type RedisServer } from "../support/redis-server.ts";
import { until } from "../support/until.ts";
import { API_KEY, bundle, bundleEnv } from "./bundle.ts";

const MAX_LAG_MS = 600;
const gatewayFile = (onLag: string): string => `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: redis, url: { env: REDIS_URL }, commandTimeout: 250ms, connectTimeout: 2s }
revocation: { maxLag: ${MAX_LAG_MS}ms, onLag: ${onLag} }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }
`;
const KEY_PATH = `/key?apikey=${API_KEY}`;

let refusing: Awaited<ReturnType<typeof compileFiles>>;
let ending: Awaited<ReturnType<typeof compileFiles>>;
let target: FakeTarget;
let server: RedisServer;
/** Between the first gateway and Redis. */
let link: Cuttable;
let env: Readonly<Record<string, string>>;
let database = 0;
let running: TestGateway[] = [];

beforeAll(async () => {
  refusing = await compileFiles(bundle("", { "gateway.yaml": gatewayFile("refuse") }));
  ending = await compileFiles(bundle("", { "gateway.yaml": gatewayFile("end") }));
  target = await fakeTarget({ "*": (connection) => connection.accept() });
  server = await startRedis();
  link = await cuttable(server.port);
  env = bundleEnv(target.url, await refusedPort());
});
afterAll(async () => {
  await link[Symbol.asyncDispose]();
  await server.remove();
  await target[Symbol.asyncDispose]();
});
beforeEach(() => void database++);
afterEach(async () => {
  server.thaw();
  link.mend();
  await Promise.all(running.map((gateway) => gateway[Symbol.asyncDispose]()));
  running = [];
});

/** A gateway that reaches Redis through a port. */
async function started(port: number, modules = refusing): Promise<TestGateway> {
  const gateway = await startModules(modules, { env: { ...env, REDIS_URL: `redis://127.0.0.1:${port}/${database}` } });
  running.push(gateway);
  return gateway;
}

async function connected(gateway: TestGateway, path = KEY_PATH): Promise<WsClient> {
  const client = new WsClient(`ws://127.0.0.1:${gateway.port}${path}`);
  client.on("error", () => undefined);
  await once(client, "open");
  return client;
}

async function statusOf(gateway: TestGateway, path = KEY_PATH): Promise<number> {
  using client = await rawClient(gateway.port);
  return (await client.send(upgradeRequest(path)).answer()).status;
}

async function closeOf(client: WsClient): Promise<unknown> {
  const [code] = await once(client, "close");
  return code;
}

describe("a revocation", () => {
  it("on one gateway ends sessions on the other, and admits nobody there any more", async () => {
    const [here, there] = [await started(server.port), await started(server.port)];
    const client = await connected(there);
    const closed = closeOf(client);
    await setAppStatus(here.gateway, "web", "revoked");
    expect(await closed).toBe(3003);
    expect(await statusOf(there)).toBe(401);
    expect(await statusOf(here)).toBe(401);
    await there.line({ event: "session", "apigw.ws.close_reason": "access_revoked" });
  });

  it("that a gateway missed is carried out when it is back, before anybody is admitted", async () => {
    const [cut, other] = [await started(link.port), await started(server.port)];
    const closed = closeOf(await connected(cut));
    link.cut();
    await cut.line({ event: "store_lost" });
    await setAppStatus(other.gateway, "web", "revoked");
    await cut.line({ event: "revocation_lag", on_lag: "refuse" });
    expect(await statusOf(cut)).toBe(503);
    link.mend();
    expect(await closed).toBe(3003);
    expect(await statusOf(cut)).toBe(401);
    await cut.line({ event: "revocation_lag_over" });
    expect(cut.lines({ event: "upgrade" }).length).toBe(1);
  });

  it("that was trimmed from the stream is found by checking every session again", async () => {
    const [cut, other] = [await started(link.port), await started(server.port)];
    const closed = closeOf(await connected(cut));
    const kept = await connected(cut, "/open");
    link.cut();
    await cut.line({ event: "store_lost" });
    await setAppStatus(other.gateway, "web", "revoked");
    await server.run("-n", String(database), "XTRIM", "{apigw}:events", "MAXLEN", "0");
    link.mend();
    expect(await closed).toBe(3003);
    await cut.line({ event: "session", "apigw.ws.close_reason": "access_changed" });
    expect(kept.readyState).toBe(WsClient.OPEN);
    expect(await statusOf(cut)).toBe(401);
  });
});

describe("without Redis", () => {
  it("what was verified before goes on for a while, what is new gets 503, and nothing ends", async () => {
    const gateway = await started(server.port);
    const client = await connected(gateway);
    const looks = gateway.metric("apigw_store_failures_total");
    server.freeze();
    expect(await statusOf(gateway)).toBe(101);
    using stranger = await rawClient(gateway.port);
    const answer = await stranger.send(plainRequest("/key?apikey=never-seen")).answer();
    expect(answer.status).toBe(503);
    expect(answer.body).toContain("gateway.StoreUnavailable");
    await gateway.line({ event: "revocation_lag", on_lag: "refuse" });
    expect(await statusOf(gateway)).toBe(503);
    expect(await statusOf(gateway, "/open")).toBe(101);
    await gateway.line({ event: "store_lost" });
    expect(gateway.metric("apigw_store_up")).toBe(0);
    expect(gateway.metric("apigw_store_failures_total")).toBeGreaterThan(looks);
    expect(gateway.metric("apigw_revocation_lag_seconds")).toBeGreaterThan(MAX_LAG_MS / 1_000);
    expect(client.readyState).toBe(WsClient.OPEN);
    server.thaw();
    await gateway.line({ event: "revocation_lag_over" });
    expect(gateway.metric("apigw_store_up")).toBe(1);
    expect(await statusOf(gateway)).toBe(101);
    expect(gateway.lines({ event: "defect" })).toEqual([]);
  });

  it.each([
    ["before the look-up", "toServer", 0],
    ["within the look-up", "toServer", 30],
    ["before its answer", "toClient", 0],
    ["within its answer", "toClient", 9],
  ] as const)("whose connection breaks %s, a newcomer gets 503, a known one its session, and all goes on", async (_where, direction, bytes) => {
    const gateway = await started(link.port);
    const client = await connected(gateway);
    link.cutAfter(direction, bytes);
    using stranger = await rawClient(gateway.port);
    const answer = await stranger.send(plainRequest("/key?apikey=never-seen")).answer();
    // The poll of another connection may have been what was cut: then the look-up went well.
    expect([401, 503]).toContain(answer.status);
    link.cut();
    expect(await statusOf(gateway)).toBe(101);
    link.mend();
    await until(() => gateway.metric("apigw_store_up") === 1 && gateway.gateway.lag?.refuses() === false, () => "Redis to be back");
    using back = await rawClient(gateway.port);
    expect((await back.send(plainRequest("/key?apikey=never-seen")).answer()).status).toBe(401);
    expect(client.readyState).toBe(WsClient.OPEN);
    expect(gateway.lines({ event: "defect" })).toEqual([]);
  });

  it("that is slow answers within commandTimeout, and refuses nobody it knows", async () => {
    const gateway = await started(link.port);
    const client = await connected(gateway);
    link.slow(2_000);
    const startMs = performance.now();
    expect(await statusOf(gateway)).toBe(101);
    using stranger = await rawClient(gateway.port);
    expect((await stranger.send(plainRequest("/key?apikey=never-seen")).answer()).status).toBe(503);
    expect(performance.now() - startMs).toBeLessThan(2_000);
    expect(client.readyState).toBe(WsClient.OPEN);
    link.mend();
    await until(() => gateway.gateway.lag?.refuses() === false, () => "the gateway to hear again");
    expect(await statusOf(gateway)).toBe(101);
  });

  it("with onLag: end sessions that a credential admitted end, and others do not", async () => {
    const gateway = await started(link.port, ending);
    const [known, open] = [await connected(gateway), await connected(gateway, "/open")];
    const closed = closeOf(known);
    link.cut();
    expect(await closed).toBe(1013);
    await gateway.line({ event: "session", "apigw.ws.close_reason": "revocation_lag" });
    expect(open.readyState).toBe(WsClient.OPEN);
  });

  it("a gateway does not start, and says why", async () => {
    const port = await refusedPort();
    await expect(started(port)).rejects.toThrow(/the store cannot be used: distributed store: ECONNREFUSED/);
  });

  it("a gateway does not start with a URL that is none, and does not show it", async () => {
    const url = "http://user:the-password@127.0.0.1";
    const refusal = await startModules(refusing, { env: { ...env, REDIS_URL: url } }).catch(String);
    expect(refusal).toMatch(/the store's url must look like redis:\/\/host:6379/);
    expect(refusal).not.toContain("the-password");
  });

  it("that was killed and came back empty, what it had known is gone and the gateway goes on", async () => {
    const gateway = await started(server.port);
    const closed = closeOf(await connected(gateway));
    await server.kill();
    await gateway.line({ event: "store_lost" });
    await server.restart();
    expect(await closed).toBe(3003);
    await gateway.line({ event: "store_connected" }, 2);
    await until(() => gateway.gateway.lag?.refuses() === false, () => "the gateway to hear again");
    expect(await statusOf(gateway)).toBe(401);
  });
});

it("a credential seen before costs no command and no promise", async () => {
  const gateway = await started(server.port);
  await connected(gateway);
  const call = { proxy: "key", environment: "default", pathSuffix: "", verb: "GET" } as const;
  const first = gateway.gateway.verified.key(API_KEY, call);
  await first;
  expect(gateway.gateway.verified.key(API_KEY, call)).not.toBeInstanceOf(Promise);
  expect(gateway.gateway.verified.key(API_KEY, call)).toMatchObject({ identities: expect.any(Array) });
});
