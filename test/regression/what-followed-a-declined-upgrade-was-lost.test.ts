/**
 * Node's parser takes what follows a request with an Upgrade header for the other protocol: when that was declined, the rest of the
 * packet was lost, and with it the next request, or the beginning of one.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, upgradeRequest } from "../support/raw-client.ts";
import { bundle } from "./bundle.ts";

const H2C = { Connection: "Upgrade, HTTP2-Settings", Upgrade: "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__" };

let target: FakeTarget;
let gateway: TestGateway;

beforeAll(async () => {
  target = await fakeTarget({
    "*": ({ socket, path }) => socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\nConnection: close\r\n\r\n${path}`),
    "/slow": () => undefined,
    "/room": (connection) => connection.accept(),
  });
  gateway = await startGatewayFromBundle(bundle(), { env: { TARGET_URL: target.url } });
});

afterAll(async () => {
  await gateway.calm();
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

it.each(["h2c", "TLS/1.0", "h2c, foo/1"])("Upgrade: %s: all requests of one packet are answered", async (token) => {
  using client = await rawClient(gateway.port);
  const lines = { ...H2C, Upgrade: token };
  client.send(plainRequest("/open/a", lines) + plainRequest("/open/b") + plainRequest("/open/c", lines));
  for (const body of ["/a", "/b"]) expect(await client.answer()).toMatchObject({ status: 200, body });
  // Behind another request it has to wait for its turn, as a WebSocket has: then it is the last.
  const { body, headers } = await client.answer();
  expect([body, headers.get("connection")]).toEqual(["/c", "close"]);
});

it("the next request may come in two pieces", async () => {
  using client = await rawClient(gateway.port);
  const next = upgradeRequest("/open/room");
  client.send(plainRequest("/open/a", H2C) + next.slice(0, 30));
  expect(await client.answer()).toMatchObject({ status: 200, body: "/a" });
  expect(await client.send(next.slice(30)).answer()).toMatchObject({ status: 101 });
});

it("repeats no byte of the request, and no header that is the connection's", async () => {
  using client = await rawClient(gateway.port);
  client.send(plainRequest("/open/whole?q=%20a", { ...H2C, "X-Text": "\xe9 a  b", "X-Empty": "" }));
  await client.answer();
  const { head } = await target.request("/whole");
  expect(head).toMatch(/^GET \/whole\?q=%20a HTTP\/1\.1\r\n/);
  expect(head).toContain("X-Text: \xe9 a  b\r\nX-Empty: \r\n");
  expect(head).not.toMatch(/upgrade|http2-settings/i);
});

it("where there is a body, the answer is the connection's last", async () => {
  using client = await rawClient(gateway.port);
  client.send(`${plainRequest("/open/body", { ...H2C, "Content-Length": "5" }, "POST")}hello${plainRequest("/open/lost")}`);
  const { body, headers } = await client.answer();
  expect([body, headers.get("connection")]).toEqual(["/body", "close"]);
  expect((await (await target.request("/body")).got(5)).toString()).toBe("hello");
  expect((await client.end()).length).toBe(0);
});

it("so is that to one that waits behind another request, and to a WebSocket there", async () => {
  for (const second of [plainRequest("/open/c", H2C), upgradeRequest("/open/room")]) {
    using client = await rawClient(gateway.port);
    const count = target.connections.filter(({ path }) => path === "/slow").length + 1;
    client.send(plainRequest("/open/slow") + second + plainRequest("/open/lost"));
    const { socket } = await target.request("/slow", count);
    socket.end("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nslow");
    expect(await client.answer()).toMatchObject({ status: 200, body: "slow" });
    expect((await client.answer()).headers.get("connection")).toBe("close");
    expect((await client.end()).length).toBe(0);
  }
  expect(target.connections.map(({ path }) => path)).not.toContain("/lost");
});
