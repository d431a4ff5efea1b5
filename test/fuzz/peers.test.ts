/**
 * Clients and targets that say nearly the right thing, in pieces, and leave when they like: whatever that is, nothing is thrown that
 * nobody catches, and afterwards nothing is left.
 */
import { Buffer } from "node:buffer";
import { connect, createServer, type Server, type Socket } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { acceptValue } from "../support/fake-target.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, SAMPLE_KEY, upgradeRequest } from "../support/raw-client.ts";
import { API_KEY, bundle, bundleEnv } from "../e2e/bundle.ts";

const RUNS = 400;
const AT_ONCE = 16;
/** Longer than anything here takes when nobody stands in its way. */
const PATIENCE_MS = 400;

const paths = ["/open/a", "/hasty/a", "/key/a", `/key/a?apikey=${API_KEY}`, "/denied/a", "/only/a", "/rules/a", "/oauth/token", "/nobody/a"];
const frames = "\x81\x82\x11\x22\x33\x44ab\x88\x80\x11\x22\x33\x44";
const requests = paths.flatMap((path) => [
  plainRequest(path, { "X-Fault": "request" }),
  `${plainRequest(path, { "Content-Type": "application/x-www-form-urlencoded", "Content-Length": "29" }, "POST")}grant_type=client_credentials`,
  `${plainRequest(path, { "Transfer-Encoding": "chunked" }, "POST")}5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n`,
  plainRequest(path, { Connection: "close" }, "HEAD"),
  plainRequest(path, { Connection: "Upgrade", Upgrade: "h2c" }),
  `${upgradeRequest(path)}${frames}`,
]);
const answers = [
  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
  "HTTP/1.1 103 Hint\r\nLink: a\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
  "HTTP/1.1 404 No\r\nConnection: close\r\n\r\nbye",
  `HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptValue(SAMPLE_KEY)}\r\n\r\n\x81\x02hi\x88\x02\x03\xe8`,
];
const bits = [
  "\r\n", "\n", "\r", "\0", " ", ":", ",", "0", "-1", "chunked", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n",
  "Connection: Upgrade\r\n", "Upgrade: websocket\r\n", "Upgrade: h2c\r\n", "Expect: 100-continue\r\n", "HTTP/1.1", "\x80\xff", "%00", "..", "Host: b\r\n",
  "Content-Encoding: gzip\r\n",
];

/** Puts something in, takes something out, or repeats something. */
const edit = fc.record({ at: fc.nat(), bit: fc.constantFrom(...bits), cut: fc.nat(8), again: fc.nat(40), do: fc.constantFrom("put", "cut", "again") });
type Edit = typeof edit extends fc.Arbitrary<infer E> ? E : never;

function edited(text: string, { at, bit, cut, again, do: what }: Edit): string {
  const place = at % (text.length + 1);
  if (what === "put") return text.slice(0, place) + bit + text.slice(place);
  if (what === "cut") return text.slice(0, place) + text.slice(place + cut);
  return text.slice(0, place) + text.slice(Math.max(0, place - again));
}

/** What one peer says: texts, changed, in pieces; and how it leaves. */
const saying = (texts: readonly string[], most: number) => fc.record({
  text: fc.tuple(fc.array(fc.constantFrom(...texts), { minLength: 1, maxLength: most }), fc.array(edit, { maxLength: 3 }))
    .map(([parts, edits]) => edits.reduce(edited, parts.join(""))),
  cuts: fc.array(fc.nat(), { maxLength: 4 }),
  leaves: fc.constantFrom("stays", "ends", "resets", "destroys"),
});
type Saying = ReturnType<typeof saying> extends fc.Arbitrary<infer S> ? S : never;

async function say(socket: Socket, { text, cuts, leaves }: Saying): Promise<void> {
  const bytes = Buffer.from(text, "latin1");
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((one, two) => one - two), bytes.length];
  for (const [at, from] of places.entries()) {
    if (!socket.writable) return;
    socket.write(bytes.subarray(from, places[at + 1] ?? bytes.length));
    await new Promise((resolve) => void setImmediate(resolve));
  }
  if (leaves === "ends") socket.end();
  else if (leaves === "resets") socket.resetAndDestroy();
  else if (leaves === "destroys") socket.destroy();
}

let server: Server;
let gateway: TestGateway;
let said: readonly Saying[] = [];
const uncaught: unknown[] = [];
const note = (error: unknown): void => void uncaught.push(error);
const targetSockets = new Set<Socket>();

beforeAll(async () => {
  process.on("uncaughtException", note).on("unhandledRejection", note);
  let served = 0;
  server = createServer({ allowHalfOpen: true }, (socket) => {
    targetSockets.add(socket);
    socket.on("error", () => undefined).on("close", () => targetSockets.delete(socket)).on("end", () => socket.end());
    socket.on("data", () => {
      const next = said[served++ % said.length];
      if (next !== undefined) void say(socket, next);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const limits = { requestHeadTimeoutMs: 300, ioTimeoutMs: 300, closeTimeoutMs: 200, halfCloseTimeoutMs: 200, closeGraceMs: 100 };
  gateway = await startGatewayFromBundle(bundle(), { env: bundleEnv(`http://127.0.0.1:${port}`, 9), limits });
});

afterAll(async () => {
  process.off("uncaughtException", note).off("unhandledRejection", note);
  await gateway[Symbol.asyncDispose]();
  for (const socket of targetSockets) socket.destroy();
  await new Promise((resolve) => void server.close(resolve));
});

/** One client from its connection to its end. */
function client(what: Saying): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port: gateway.port, host: "127.0.0.1" }).on("error", () => undefined).resume();
    const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
    socket.on("close", () => {
      clearTimeout(timer);
      resolve();
    });
    socket.on("connect", () => void say(socket, what));
  });
}

test("whatever peers say, nothing is left of it", async () => {
  const clients = fc.array(saying(requests, 3), { minLength: AT_ONCE, maxLength: AT_ONCE });
  const targets = fc.array(saying(answers, 1), { minLength: 1, maxLength: AT_ONCE });
  await fc.assert(fc.asyncProperty(clients, targets, async (those, these) => {
    said = these;
    await Promise.all(those.map(client));
    for (const socket of targetSockets) socket.destroy();
    await gateway.calm();
    expect(uncaught).toEqual([]);
    expect(gateway.lines({ event: "defect" })).toEqual([]);
    expect(gateway.gateway.heldBytes).toBe(0);
  }), { numRuns: Math.ceil(RUNS / AT_ONCE), endOnFailure: true });
}, 120_000);
