import { afterAll, beforeAll, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, rawSocket, type UpgradeLines } from "../support/raw-client.ts";

const proxy = (name: string, properties: string, more = "", target = "url: \"{url}?own=1\""): Record<string, string> => ({
  [`proxies/${name}/proxy.yaml`]: `kind: ApiProxy
proxyEndpoints: [{ basePath: /${name}, ${more} }]
targetEndpoints: [{ ${target}, properties: { ${properties} } }]`,
});

let target: FakeTarget;
let gateway: TestGateway;

beforeAll(async () => {
  target = await fakeTarget();
  const listed = `request.retain.headers: "Accept, x-kept", response.retain.headers: X-Answer, retain.queryparams: "a, b_c"`;
  const none = "request.retain.headers.enabled: false, response.retain.headers.enabled: false, retain.queryparams.enabled: false";
  const own = `url: "${target.url}?own=1"`;
  gateway = await startGatewayFromBundle({
    "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }`,
    ...proxy("listed", listed, "preFlow: { request: [AM-In], response: [AM-Out] }", own),
    "proxies/listed/policies/AM-In.yaml": "kind: AssignMessage\nactions: [{ set: { headers: { x-kept: flow, x-lost: flow } } }]",
    "proxies/listed/policies/AM-Out.yaml": `kind: AssignMessage
ignoreUnresolvedVariables: true
actions: [{ set: { headers: { x-flow: "{request.header.x-dropped} {response.header.server}" } } }]`,
    ...proxy("none", none, "", own),
    ...proxy("both", `${none}, request.retain.headers: X-Kept`, "", own),
    ...proxy("caller", listed, "", "localTargetConnection: { apiProxy: called }"),
    ...proxy("called", "connect.timeout.millis: 3000", "", own),
  });
});

afterAll(async () => {
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

const ANSWER = "HTTP/1.1 404 Not Found\r\nServer: s\r\nX-Answer: yes\r\nETag: \"1\"\r\nContent-Type: text/x\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody";

async function ask(path: string, lines: UpgradeLines = {}) {
  const at = `/${path.split(/[/?]/, 3)[2] ?? ""}`;
  const count = target.connections.length;
  target.on(at, ({ socket }) => void socket.end(ANSWER.replace("404 Not Found", "200 OK")));
  using client = await rawClient(gateway.port);
  const answer = await client.send(plainRequest(path, { Accept: "x/y", "X-Dropped": "d", "X-Kept": "client", "Content-Type": "a/b", ...lines })).answer();
  const { head } = target.connections[count] ?? { head: "" };
  return { answer, head, names: head.trim().split("\r\n").slice(1).map((line) => line.split(":", 1)[0]) };
}

const OWN = ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"];

it("only the listed headers and parameters go on, in any letter case and spelling", async () => {
  const { answer, head, names } = await ask("/listed/a?a=1&c=2&%61=3&b%5fc=4&=5");
  expect(names).toEqual(["Host", "Accept", "Content-Type", "x-kept", ...OWN]);
  expect(head).toMatch(/^GET \/a\?own=1&a=1&%61=3&b%5fc=4 HTTP/);
  expect(head).toContain("x-kept: flow");
  expect([...answer.headers.keys()]).toEqual(["x-answer", "content-type", "content-length", "x-flow", "date", "connection", "keep-alive"]);
  expect([answer.body, answer.headers.get("x-flow")]).toEqual(["body", "d"]);
});

it("none goes on where the switch is off", async () => {
  const { answer, head, names } = await ask("/none/b?a=1");
  expect(names).toEqual(["Host", "Content-Type", ...OWN]);
  expect(head).toMatch(/^GET \/b\?own=1 HTTP/);
  expect([answer.headers.get("x-answer"), answer.headers.get("etag"), answer.body]).toEqual([undefined, undefined, "body"]);
});

it("a list counts whatever the switch says", async () => {
  expect((await ask("/both/c")).names).toEqual(["Host", "X-Kept", "Content-Type", ...OWN]);
});

it("a called proxy is sent no more either", async () => {
  const { head, names, answer } = await ask("/caller/d?a=1&c=2");
  expect(names).toEqual(["Host", "Accept", "X-Kept", "Content-Type", ...OWN]);
  expect(head).toMatch(/^GET \/d\?own=1&a=1 HTTP/);
  expect([answer.headers.get("x-answer"), answer.headers.get("etag")]).toEqual(["yes", undefined]);
});

it("a handshake keeps what it is made of", async () => {
  target.on("/e", (connection) => connection.accept("Sec-WebSocket-Protocol: chat\r\nX-Answer: yes\r\nX-Other: no\r\n"));
  const count = target.connections.length;
  using client = await rawClient(gateway.port);
  client.socket.destroy();
  using socket = await rawSocket(gateway.port, "/listed/e", { "Sec-WebSocket-Protocol": "chat", Accept: "x/y", "X-Dropped": "d" });
  const { head } = target.connections[count] ?? { head: "" };
  expect(head).toMatch(/\r\nAccept: x\/y\r\n[^]*Upgrade: websocket\r\n[^]*Sec-WebSocket-Protocol: chat\r\n/);
  expect(head).not.toContain("X-Dropped");
  socket.socket.destroy();
  await gateway.calm();
});
