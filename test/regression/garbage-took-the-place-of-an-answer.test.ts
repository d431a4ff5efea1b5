/** What could not be read behind a request was answered in place of that request: the client heard 400 for what its target had done. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient } from "../support/raw-client.ts";
import { until } from "../support/until.ts";
import { bundle } from "./bundle.ts";

let target: FakeTarget;
let gateway: TestGateway;

beforeAll(async () => {
  target = await fakeTarget({ "*": () => undefined });
  gateway = await startGatewayFromBundle(bundle(), { env: { TARGET_URL: target.url }, limits: { requestHeadTimeoutMs: 300 } });
});

afterAll(async () => {
  await gateway.calm();
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

const refused = (): number => gateway.metric("apigw_bad_requests_total");
const done = "HTTP/1.1 201 Created\r\nContent-Length: 4\r\nConnection: close\r\n\r\ndone";

it.each([
  ["no-request", "\x16\x03\x01\x02\0\x01\r\n\r\n", {}],
  ["both-lengths", `${plainRequest("/open/x", { "Content-Length": "1", "Transfer-Encoding": "chunked" })}0\r\n\r\n`, {}],
  ["a-large-head", plainRequest("/open/x", { "X-Large": "x".repeat(20_000) }), {}],
  ["a-request-behind-close", plainRequest("/open/x"), { Connection: "close" }],
  ["half-a-head", "GET /open/x HTTP/1.1\r\nHost: ", {}],
])("%s: the request before it gets its own answer, the connection's last", async (name, garbage, lines) => {
  const before = refused();
  using client = await rawClient(gateway.port);
  client.send(`${plainRequest(`/open/${name}`, { ...lines, "Content-Length": "5" }, "POST")}hello`).send(garbage);
  const { socket } = await target.request(`/${name}`);
  await until(() => refused() === before + 1, () => `${refused()} refused`);
  socket.write(done);
  expect(await client.answer()).toMatchObject({ status: 201, body: "done" });
  expect((await client.end()).length).toBe(0);
});

it("an answer that is on its way comes to its end", async () => {
  const before = refused();
  using client = await rawClient(gateway.port);
  client.send(plainRequest("/open/begun"));
  const { socket } = await target.request("/begun");
  socket.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nhello");
  await client.through("hello");
  client.send("garbage\r\n\r\n");
  await until(() => refused() === before + 1, () => `${refused()} refused`);
  socket.write("world");
  expect((await client.end()).toString()).toBe("world");
  expect(refused()).toBe(before + 1);
});

it("several that wait get theirs in order", async () => {
  using client = await rawClient(gateway.port);
  client.send(plainRequest("/open/first") + plainRequest("/open/second")).send("garbage\r\n\r\n");
  const [first, second] = [await target.request("/first"), await target.request("/second")];
  second.socket.write(done.replace("done", "two!"));
  first.socket.write(done.replace("done", "one!"));
  expect([(await client.answer()).body, (await client.answer()).body]).toEqual(["one!", "two!"]);
  expect((await client.end()).length).toBe(0);
});

it("a request whose own body breaks is answered 400", async () => {
  using client = await rawClient(gateway.port);
  client.send(`${plainRequest("/open/broken", { "Transfer-Encoding": "chunked" }, "POST")}5\r\nhello\r\n`);
  await target.request("/broken");
  client.send("no size\r\n");
  expect((await client.answer()).status).toBe(400);
  await client.end();
});
