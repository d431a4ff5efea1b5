/**
 * What a target said ahead of its answer to a pipelined request, and the gateway's own 100, were written between the head and the
 * body of that answer when it was ready before the one in front of it: node keeps such an answer back and puts its head first.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient } from "../support/raw-client.ts";
import { bundle } from "./bundle.ts";

const answer = (text: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`;

let target: FakeTarget;
let gateway: TestGateway;

beforeAll(async () => {
  target = await fakeTarget({
    "/slow": () => undefined,
    "/waits": () => undefined,
    "/hint": ({ socket }) => socket.end(`HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n${answer("hinted")}`),
    "*": ({ socket }) => socket.end(answer("fast")),
  });
  gateway = await startGatewayFromBundle(bundle(), { env: { TARGET_URL: target.url } });
});

afterAll(async () => {
  await gateway.calm();
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

it("103 of a target", async () => {
  using client = await rawClient(gateway.port);
  client.send(plainRequest("/open/slow") + plainRequest("/open/hint") + plainRequest("/open/last"));
  const slow = await target.request("/slow");
  for (const path of ["/hint", "/last"]) await (await target.request(path)).gone();
  slow.socket.end(answer("slow"));
  for (const body of ["slow", "hinted", "fast"]) expect(await client.answer()).toMatchObject({ status: 200, body });
});

it("100 of the gateway, for a client that does not wait for it", async () => {
  using client = await rawClient(gateway.port);
  client.send(plainRequest("/open/slow") + plainRequest("/open/post", { Expect: "100-continue", "Content-Length": "5" }, "POST")).send("hello");
  const slow = await target.request("/slow", 2);
  await (await target.request("/post")).gone();
  slow.socket.end(answer("slow"));
  for (const body of ["slow", "fast"]) expect(await client.answer()).toMatchObject({ status: 200, body });
});

it("one that waits is asked for its body when its turn has come", async () => {
  using client = await rawClient(gateway.port);
  client.send(plainRequest("/open/slow") + plainRequest("/open/waits", { Expect: "100-continue", "Content-Length": "5" }, "POST"));
  const slow = await target.request("/slow", 3);
  const waits = await target.request("/waits");
  expect(client.pending.length).toBe(0);
  slow.socket.end(answer("slow"));
  expect(await client.answer()).toMatchObject({ status: 200, body: "slow" });
  expect(await client.answer()).toMatchObject({ status: 100 });
  client.send("hello");
  await waits.got(5);
  waits.socket.end(answer("took it"));
  expect(await client.answer()).toMatchObject({ status: 200, body: "took it" });
});
