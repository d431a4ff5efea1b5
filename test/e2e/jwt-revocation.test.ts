/** Two gateways on one Redis: JWTs revoked by what names them on one, and what becomes of their sessions on the other. */
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { WebSocket as WsClient } from "ws";
import { kidIdentity, sidIdentity, subjectIdentity } from "#runtime/access/identity.ts";
import { revokeJwts } from "#runtime/access/jwt-revocation.ts";
import { cuttable, type Cuttable } from "../support/cuttable.ts";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { compileFiles, startModules, type TestGateway } from "../support/gateway.ts";
import { ecKey, forge } from "../support/jwt-forge.ts";
import { rawClient, upgradeRequest } from "../support/raw-client.ts";
import { startRedis, type RedisServer } from "../support/redis-server.ts";

const ISSUER = "https://id.example.com";
const files = {
  "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: redis, url: { env: REDIS_URL }, commandTimeout: 250ms, connectTimeout: 2s }
revocation: { maxLag: 600ms, onLag: refuse }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }`,
  "proxies/chat/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /chat, preFlow: { request: [VJ-Token] } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/named/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /named, preFlow: { request: [VJ-Token] } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/named/policies/VJ-Token.yaml": `kind: VerifyJWT
algorithm: ES256
publicKey: { value: { env: PUBLIC_KEY }, id: k1 }
issuer: ${ISSUER}`,
  "proxies/chat/policies/VJ-Token.yaml": `kind: VerifyJWT
algorithm: ES256
publicKey: { value: { env: PUBLIC_KEY } }
issuer: ${ISSUER}
timeAllowance: 5s`,
};

const key = ecKey("k1");
let modules: Awaited<ReturnType<typeof compileFiles>>;
let target: FakeTarget;
let server: RedisServer;
let link: Cuttable;
let database = 0;
let running: TestGateway[] = [];

beforeAll(async () => {
  modules = await compileFiles(files);
  target = await fakeTarget({ "*": (connection) => connection.accept() });
  server = await startRedis();
  link = await cuttable(server.port);
});
afterAll(async () => {
  await link[Symbol.asyncDispose]();
  await server.remove();
  await target[Symbol.asyncDispose]();
});
beforeEach(() => void database++);
afterEach(async () => {
  link.mend();
  await Promise.all(running.map((gateway) => gateway[Symbol.asyncDispose]()));
  running = [];
});

async function started(port = server.port): Promise<TestGateway> {
  const env = { TARGET_URL: target.url, REDIS_URL: `redis://127.0.0.1:${port}/${database}` };
  const gateway = await startModules(modules, { env: { ...env, PUBLIC_KEY: key.pem } });
  running.push(gateway);
  return gateway;
}

interface Who {
  readonly kid?: "k1" | "k2";
  readonly sub?: string;
  readonly sid?: string;
  readonly iat?: number;
}

function token({ kid = "k1", sub = "ann", sid = "s1", iat = Math.floor(Date.now() / 1000) - 10 }: Who): string {
  const exp = Math.floor(Date.now() / 1000) + 600;
  return forge({ alg: "ES256", kid }, { iss: ISSUER, sub, sid, iat, exp }, key.privateKey);
}

async function connected(gateway: TestGateway, bearer: string, path = "/chat"): Promise<WsClient> {
  const headers = { Authorization: `Bearer ${bearer}` };
  const client = new WsClient(`ws://127.0.0.1:${gateway.port}${path}`, { headers });
  client.on("error", () => undefined);
  await once(client, "open");
  return client;
}

async function statusOf(gateway: TestGateway, bearer: string, path = "/chat"): Promise<number> {
  using client = await rawClient(gateway.port);
  return (await client.send(upgradeRequest(path, { Authorization: `Bearer ${bearer}` })).answer()).status;
}

it.each([
  ["a signing key", kidIdentity(ISSUER, "k1"), { kid: "k2" }, "token_revoked"],
  ["a login", sidIdentity(ISSUER, "s1"), { sid: "s2" }, "access_revoked"],
  ["a subject", subjectIdentity(ISSUER, "ann"), { sub: "bob" }, "access_revoked"],
] as const)("%s that is revoked on one ends its sessions on the other, and no others", async (_, named, other, reason) => {
  const [here, there] = [await started(), await started()];
  const [bad, good] = [token({}), token(other)];
  const [meant, kept] = [await connected(there, bad), await connected(there, good)];
  const closed = once(meant, "close");
  await revokeJwts(here.gateway, named, null);
  expect((await closed)[0]).toBe(3003);
  await there.line({ event: "session", "apigw.ws.close_reason": reason });
  for (const gateway of [here, there]) expect([await statusOf(gateway, bad), await statusOf(gateway, good)]).toEqual([401, 101]);
  expect(kept.readyState).toBe(WsClient.OPEN);
  expect(there.lines({ event: "defect" })).toEqual([]);
});

it("a key that has a name of its own is revoked for tokens that do not say it, too, and takes no other name", async () => {
  const [here, there] = [await started(), await started()];
  const exp = Math.floor(Date.now() / 1000) + 600;
  const nameless = forge({ alg: "ES256" }, { iss: ISSUER, sub: "ann", exp }, key.privateKey);
  expect(await statusOf(there, token({ kid: "k2" }), "/named")).toBe(401);
  const lives = [await connected(there, nameless, "/named"), await connected(there, token({}), "/named")];
  const closed = Promise.all(lives.map((live) => once(live, "close")));
  await revokeJwts(here.gateway, kidIdentity(ISSUER, "k1"), null);
  expect((await closed).map(([code]) => code)).toEqual([3003, 3003]);
  for (const gateway of [here, there]) expect(await statusOf(gateway, nameless, "/named")).toBe(401);
});

it("a replica that was cut off ends what it missed, also when the stream was trimmed", async () => {
  const [cut, other] = [await started(link.port), await started()];
  const [bad, good] = [token({}), token({ kid: "k2" })];
  const [closed, kept] = [once(await connected(cut, bad), "close"), await connected(cut, good)];
  link.cut();
  await cut.line({ event: "store_lost" });
  await revokeJwts(other.gateway, kidIdentity(ISSUER, "k1"), null);
  await server.run("-n", String(database), "XTRIM", "{apigw}:events", "MAXLEN", "0");
  link.mend();
  expect((await closed)[0]).toBe(3003);
  expect([await statusOf(cut, bad), await statusOf(cut, good)]).toEqual([401, 101]);
  expect(kept.readyState).toBe(WsClient.OPEN);
});

it("a subject that logs in again is admitted, also by a replica that was cut off meanwhile", async () => {
  const [cut, other] = [await started(link.port), await started()];
  const bad = token({});
  const closed = once(await connected(cut, bad), "close");
  link.cut();
  await cut.line({ event: "store_lost" });
  await revokeJwts(other.gateway, subjectIdentity(ISSUER, "ann"), null);
  link.mend();
  await closed;
  const next = token({ iat: Math.floor(Date.now() / 1000) + 1 });
  expect([await statusOf(cut, bad), await statusOf(cut, next)]).toEqual([401, 101]);
});
