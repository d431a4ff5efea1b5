/**
 * Sixteen probes of an upgrade path, known from other gateways: each is one that at least one widely used proxy fails by
 * default. Only /ws is served here; /admin exists behind it and is nobody's to reach.
 */
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, upgradeRequest } from "../support/raw-client.ts";

let target: FakeTarget;
let gateway: TestGateway;

beforeAll(async () => {
  target = await fakeTarget({
    "/ws": (connection) => connection.accept(),
    "/ws/pretends": ({ socket }) => socket.write("HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nok"),
    "/ws/forges": ({ socket }) =>
      socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"),
  });
  const files = {
    "gateway.yaml": "kind: Gateway\nlisteners: [{ host: 127.0.0.1, port: 0 }]\nstore: { kind: memory }\ndrain: { preDrainDelay: 0s, window: 0s, spread: 0s }",
    "proxies/ws/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /ws, preFlow: { request: [AM-User] } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
    "proxies/ws/policies/AM-User.yaml": "kind: AssignMessage\nactions: [{ set: { headers: { X-Forwarded-User: nobody } } }]",
  };
  gateway = await startGatewayFromBundle(files, { env: { TARGET_URL: `${target.url}/ws` } });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

let asked: number;
beforeEach(() => (asked = target.connections.length));
const heads = (): readonly string[] => target.connections.slice(asked).map(({ head }) => head);

async function probe(...requests: readonly string[]): Promise<readonly number[]> {
  using client = await rawClient(gateway.port);
  const statuses: number[] = [];
  for (const request of requests) statuses.push((await client.send(request).answer()).status);
  return statuses;
}

it("1 a good handshake is admitted", async () => {
  expect(await probe(upgradeRequest("/ws"))).toEqual([101]);
  expect(heads()).toHaveLength(1);
});

it("2 a version that nobody speaks, then a request for another path on the same connection", async () => {
  expect(await probe(upgradeRequest("/ws", { "Sec-WebSocket-Version": "777" }), plainRequest("/admin"))).toEqual([426, 404]);
  expect(heads()).toEqual([]);
});

it("3 the same in one packet: the second request dies with the connection", async () => {
  using client = await rawClient(gateway.port);
  client.send(upgradeRequest("/ws", { "Sec-WebSocket-Version": "777" }) + plainRequest("/admin"));
  expect((await client.end()).toString("latin1").match(/HTTP\/1\.1 [0-9]+/g)).toEqual(["HTTP/1.1 426"]);
  expect(heads()).toEqual([]);
});

it("3b a target that answers 200 with Upgrade is an ordinary answer", async () => {
  using client = await rawClient(gateway.port);
  const answer = await client.send(upgradeRequest("/ws/pretends")).answer();
  expect([answer.status, answer.body, answer.headers.get("upgrade")]).toEqual([200, "ok", undefined]);
});

it("4 Upgrade: h2c opens no tunnel", async () => {
  const [status] = await probe(plainRequest("/ws/h2c", { Connection: "Upgrade, HTTP2-Settings", Upgrade: "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__" }));
  expect(status).toBe(404);
  expect(heads().join("")).not.toMatch(/upgrade|http2/i);
});

it("5 headers that Connection nominates do not pass", async () => {
  expect(await probe(upgradeRequest("/ws", { Connection: "Upgrade, X-Secret", "X-Secret": "1" }))).toEqual([101]);
  expect(heads().join("")).not.toMatch(/x-secret/i);
});

it("6 a wrong Sec-WebSocket-Accept of the target: 502", async () => {
  expect(await probe(upgradeRequest("/ws/forges"))).toEqual([502]);
});

it("7 no Sec-WebSocket-Key: 400", async () => {
  expect(await probe(upgradeRequest("/ws", { "Sec-WebSocket-Key": null }))).toEqual([400]);
  expect(heads()).toEqual([]);
});

it("8 POST with Upgrade and a body: 400", async () => {
  expect(await probe(`${upgradeRequest("/ws", { "Content-Length": "4" }, "POST /ws HTTP/1.1")}body`)).toEqual([400]);
  expect(heads()).toEqual([]);
});

it.each(["X_Forwarded_User", "X.Forwarded.User", "x-forwarded_user", "X-FORWARDED-USER"])("9 %s cannot stand for the gateway's own", async (name) => {
  expect(await probe(upgradeRequest("/ws", { [name]: "admin" }))).toEqual([101]);
  const lines = heads().join("").split("\r\n").filter((line) => /^x[-_.]forwarded[-_.]user:/i.test(line));
  expect(lines).toEqual(["X-Forwarded-User: nobody"]);
});

it.each([
  ["10", "/ws/..%2fadmin", 400],
  ["11", "/ws/../admin", 404],
  ["12", "/ws/..;/admin", 400],
])("%s the path %s leads nowhere", async (_row, path, status) => {
  expect(await probe(upgradeRequest(path))).toEqual([status]);
  expect(await probe(plainRequest(path))).toEqual([status]);
  expect(heads()).toEqual([]);
});

it("13 a foreign Origin while the credential is ambient: 403; the own one: 101", async () => {
  expect(await probe(upgradeRequest("/ws", { Origin: "https://evil.test" }))).toEqual([403]);
  expect(await probe(upgradeRequest("/ws", { Origin: "null" }))).toEqual([403]);
  expect(heads()).toEqual([]);
  expect(await probe(upgradeRequest("/ws", { Origin: "http://gateway.test" }))).toEqual([101]);
});

it("14 HTTP/1.0 with Upgrade: 400", async () => {
  expect(await probe(upgradeRequest("/ws", {}, "GET /ws HTTP/1.0"))).toEqual([400]);
  expect(heads()).toEqual([]);
});

it("15 a stop says why: a close frame and not a broken connection", async () => {
  using client = await rawClient(gateway.port);
  await client.send(upgradeRequest("/ws")).answer();
  gateway.running.drain.signal("test");
  expect((await client.bytes(4)).readUInt16BE(2)).toBe(1001);
  client.socket.destroy();
  expect(await gateway.running.finished).toBe(0);
});
