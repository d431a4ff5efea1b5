import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, expect, it } from "vitest";
import { defaultLimits } from "#runtime/limits.ts";
import { openListener, type Listener } from "#runtime/listen/listen.ts";
import type { RefusalKind } from "#runtime/listen/refusal.ts";
import { proxyProtocol } from "#runtime/listen/proxied.ts";
import { fakeClock } from "../../../support/fake-clock.ts";
import { until } from "../../../support/until.ts";

const clock = fakeClock();
const open: Listener[] = [];
const clients: Socket[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  for (const listener of open.splice(0)) {
    listener.destroyAll();
    await listener.stopAccepting();
    await listener.closed;
  }
});

async function start(): Promise<{ listener: Listener; refused: RefusalKind[] }> {
  const refused: RefusalKind[] = [];
  const listener = await openListener({
    name: "test",
    at: { host: "127.0.0.1", port: 0, reusePort: false },
    limits: defaultLimits,
    clock,
    preface: proxyProtocol({ version: "any", trustedProxies: null }),
    isUpgrade: () => false,
    onRequest: (_, response) => response.end("served"),
    onUpgrade: (_, socket) => socket.destroy(),
    onRefused: (kind) => refused.push(kind),
  });
  open.push(listener);
  return { listener, refused };
}

async function client({ port }: Listener, bytes: string): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1" });
  clients.push(socket);
  // Bytes that nobody reads any more reset the connection.
  socket.resume().on("error", () => undefined);
  await once(socket, "connect");
  socket.write(bytes);
  return socket;
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once("close", () => resolve()));
}

it("a header that is not there in time ends the connection, however much of it trickled in", async () => {
  const { listener, refused } = await start();
  const socket = await client(listener, "PROXY TCP4 192.0.2.1 ");
  await until(() => listener.connections === 1, () => "the connection");
  clock.advance(defaultLimits.proxyHeaderTimeoutMs - 1);
  socket.write("10.0.0.1 ");
  expect([listener.connections, refused]).toEqual([1, []]);
  const gone = closed(socket);
  clock.advance(1);
  await gone;
  expect(refused).toEqual(["proxyHeader"]);
  await until(() => listener.connections === 0, () => "no connection");
});

it("what comes in time takes the clock off", async () => {
  const { listener, refused } = await start();
  const socket = await client(listener, "PROXY UNKNOWN\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await once(socket, "data");
  clock.advance(defaultLimits.proxyHeaderTimeoutMs);
  socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await once(socket, "data");
  expect(refused).toEqual([]);
});

it("a connection without a header is idle for nobody and ends with the listener", async () => {
  const { listener, refused } = await start();
  const socket = await client(listener, "PROXY ");
  await until(() => listener.connections === 1, () => "the connection");
  listener.closeIdle();
  expect(listener.connections).toBe(1);
  const gone = closed(socket);
  listener.destroyAll();
  await gone;
  expect(refused).toEqual([]);
});
