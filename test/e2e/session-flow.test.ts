/** Session flows on real sockets: once for each session, when both connections are gone (docs/differences.md). */
import { Buffer } from "node:buffer";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle, type LogLine, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, rawSocket, upgradeRequest } from "../support/raw-client.ts";

const TEMPLATE = "{id} {websocket.closed.by} {websocket.close.code} {websocket.close.reason} [{websocket.close.text}] " +
  "{websocket.client.bytes}/{websocket.client.frames} {websocket.target.bytes}/{websocket.target.frames} {response.status.code}";

let target: FakeTarget;
let gateway: TestGateway;

beforeAll(async () => {
  target = await fakeTarget({
    "*": (connection) => {
      if (connection.header("upgrade") !== null) return connection.accept();
      connection.socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    },
    "/refused": (connection) => void connection.socket.end("HTTP/1.1 403 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
  });
  gateway = await startGatewayFromBundle({
    "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }`,
    "proxies/chat/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - name: quiet
    basePath: /quiet
    webSocket: { idleTimeout: 300ms, close: { idle: { code: 3999, reason: too quiet } } }
    preFlow: { request: [AM-Id] }
    postClientFlow: { response: [ML-Begun] }
    sessionFlow: { end: [ML-Ended, { name: ML-Long, condition: 'websocket.duration >= 300 and websocket.client.frames = 0' }] }
  - basePath: /chat
    preFlow: { request: [AM-Id], response: [{ name: RF-No, condition: 'request.header.x-refuse != null' }] }
    postClientFlow: { response: [ML-Begun] }
    sessionFlow:
      end:
        - ML-Ended
        - { name: ML-Never, condition: 'current.flow.name != "SessionFlow"' }
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
    "proxies/chat/policies/AM-Id.yaml": `kind: AssignMessage
ignoreUnresolvedVariables: true
actions: [{ assignVariable: { name: id, template: "{request.header.x-id}" } }]`,
    "proxies/chat/policies/RF-No.yaml": "kind: RaiseFault",
    "proxies/chat/policies/ML-Begun.yaml": `kind: MessageLogging\nfile: { message: "{id} begun {websocket.close.code}" }`,
    "proxies/chat/policies/ML-Ended.yaml": `kind: MessageLogging\nfile: { message: "${TEMPLATE}" }`,
    "proxies/chat/policies/ML-Long.yaml": `kind: MessageLogging\nlogLevel: WARN\nfile: { message: "{id} long" }`,
    "proxies/chat/policies/ML-Never.yaml": `kind: MessageLogging\nfile: { message: "{id} never" }`,
  }, { env: { TARGET_URL: target.url } });
});

afterAll(async () => {
  await gateway.calm();
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

async function told(id: string): Promise<readonly unknown[]> {
  await gateway.calm();
  const mine = (line: LogLine): boolean => String(line["message"]).startsWith(`${id} `);
  return gateway.lines({ event: "message_log" }).filter(mine).map(({ message }) => message);
}

/** "hi" from a client, masked with zeros. */
const HI_OF_CLIENT = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]);
const HI_OF_TARGET = Buffer.from([0x81, 0x02, 0x68, 0x69]);

it("tells who closed, how, and what had passed", async () => {
  using client = await rawSocket(gateway.port, "/chat/a", { "X-Id": "a" });
  const connection = await target.request("/a");
  client.send(HI_OF_CLIENT);
  await connection.got(HI_OF_CLIENT.length);
  connection.socket.write(Buffer.concat([HI_OF_TARGET, HI_OF_TARGET]));
  await client.bytes(2 * HI_OF_TARGET.length);
  client.send(Buffer.from([0x88, 0x85, 0, 0, 0, 0, 0x03, 0xe8, 0x62, 0x79, 0x65]));
  await connection.got(HI_OF_CLIENT.length + 11);
  connection.socket.end(Buffer.from([0x88, 0x02, 0x03, 0xe8]));
  await client.end();
  client.socket.end();
  expect(await told("a")).toEqual(["a begun ", "a client 1000 clientClosed [bye] 19/2 12/3 101"]);
});

it("tells of an end that the gateway decided, after the record, and of the variables of the handshake", async () => {
  using client = await rawSocket(gateway.port, "/quiet/b", { "X-Id": "b" });
  await client.through("too quiet");
  client.socket.destroy();
  expect(await told("b")).toEqual(["b begun ", "b gateway 3999 idle [too quiet] 0/0 0/0 101", "b long"]);
  const events = gateway.lines().map(({ event }) => event);
  expect(events.lastIndexOf("session")).toBeLessThan(events.lastIndexOf("message_log"));
});

it("tells of a session whose connections broke", async () => {
  using client = await rawSocket(gateway.port, "/chat/c", { "X-Id": "c" });
  client.socket.resetAndDestroy();
  expect(await told("c")).toEqual(["c begun ", expect.stringMatching(/^c client 1006 clientLost \[\] 0\/0 0\/0 101$/)]);
});

it("does not run where there was no session", async () => {
  for (const [id, request] of [
    ["d", plainRequest("/chat/d", { "X-Id": "d" })],
    ["e", upgradeRequest("/chat/refused", { "X-Id": "e" })],
    ["f", upgradeRequest("/chat/f", { "X-Id": "f", "X-Refuse": "1" })],
  ] as const) {
    using client = await rawClient(gateway.port);
    await client.send(request).answer();
    client.socket.end();
    expect(await told(id)).toEqual([`${id} begun `]);
  }
});

it("many sessions that end at once have one line each", async () => {
  const clients = await Promise.all(Array.from({ length: 50 }, (_, at) => rawSocket(gateway.port, "/chat/many", { "X-Id": `m${at}` })));
  for (const client of clients) client.socket.destroy();
  await gateway.calm();
  const lines = gateway.lines({ event: "message_log" }).filter(({ message }) => /^m\d+ (?!begun)/.test(String(message)));
  expect(new Set(lines.map(({ message }) => String(message).split(" ", 1)[0])).size).toBe(50);
  expect(lines.length).toBe(50);
});
