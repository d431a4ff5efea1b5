/**
 * A target that sends content behind its answer to HEAD, a 204 or a 304 had it taken for the answer to the next request on that
 * connection. Where such an answer announces content, its connection carries nothing else.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { fakeTarget, type FakeTarget, type TargetConnection } from "../support/fake-target.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient } from "../support/raw-client.ts";
import { bundle } from "./bundle.ts";

const OTHER = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother";

let target: FakeTarget;
let gateway: TestGateway;

/** Says a head, and its content when another request comes. */
function late(status: string): (connection: TargetConnection) => void {
  return (connection) => {
    connection.socket.write(`HTTP/1.1 ${status}\r\nContent-Length: ${OTHER.length}\r\n\r\n`);
    void connection.got(1).then(() => connection.socket.write(OTHER), () => undefined);
  };
}

beforeAll(async () => {
  target = await fakeTarget({
    "/head": late("200 OK"),
    "/no-content": late("204 No Content"),
    "/same": late("304 Not Modified"),
    "/next": ({ socket }) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmine"),
  });
  gateway = await startGatewayFromBundle(bundle(), { env: { TARGET_URL: target.url } });
});

afterAll(async () => {
  await gateway.calm();
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

it.each([["HEAD", "/head", 200], ["GET", "/no-content", 204], ["GET", "/same", 304]])("to %s %s", async (method, path, status) => {
  using client = await rawClient(gateway.port);
  expect((await client.send(plainRequest(`/open${path}`, {}, method)).answer("HEAD")).status).toBe(status);
  expect(await client.send(plainRequest("/open/next")).answer()).toMatchObject({ status: 200, body: "mine" });
});
