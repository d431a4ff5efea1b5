/**
 * An upgrade pipelined behind a request still being answered got its 101 first; the answer then arrived between the
 * frames. Such an upgrade is a plain request: node keeps the order of answers.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { fakeTarget, type FakeTarget, type TargetConnection } from "../support/fake-target.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, upgradeRequest } from "../support/raw-client.ts";
import { bundle } from "./bundle.ts";

let target: FakeTarget;
let gateway: TestGateway;

beforeAll(async () => {
  target = await fakeTarget({
    "/slow": () => undefined,
    "/room": (connection) => (connection.header("upgrade") === null ? plain(connection, "no socket") : connection.accept()),
  });
  gateway = await startGatewayFromBundle(bundle(), { env: { TARGET_URL: target.url } });
});

afterAll(async () => {
  await gateway.calm();
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

function plain({ socket }: TargetConnection, text: string): void {
  socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text}`);
}

it("behind a request that waits for its target: answers come in order, and none is a 101", async () => {
  using client = await rawClient(gateway.port);
  client.send(plainRequest("/open/slow") + upgradeRequest("/open/room"));
  const slow = await target.request("/slow");
  const room = await target.request("/room");
  expect(room.header("upgrade")).toBeNull();
  expect(client.pending.length).toBe(0);
  plain(slow, "slow");
  expect(await client.answer()).toMatchObject({ status: 200, body: "slow" });
  expect(await client.answer()).toMatchObject({ status: 200, body: "no socket" });
});

it("that would be refused waits for its turn as well", async () => {
  using client = await rawClient(gateway.port);
  client.send(plainRequest("/open/slow") + upgradeRequest("/nowhere"));
  const slow = await target.request("/slow", 2);
  plain(slow, "slow");
  expect(await client.answer()).toMatchObject({ status: 200, body: "slow" });
  expect(await client.answer()).toMatchObject({ status: 404 });
});

it("that comes when the answer is there is an upgrade", async () => {
  using client = await rawClient(gateway.port);
  for (let n = 1; n <= 20; n++) {
    expect(await client.send(plainRequest("/nowhere")).answer()).toMatchObject({ status: 404 });
  }
  expect(await client.send(upgradeRequest("/open/room")).answer()).toMatchObject({ status: 101 });
});
