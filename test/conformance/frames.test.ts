/** RFC 6455 section 5 through a whole gateway: what is legal arrives byte for byte however it is cut, what is not never does. */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { bundle, bundleEnv } from "../e2e/bundle.ts";
import { fakeTarget, type FakeTarget, type TargetConnection } from "../support/fake-target.ts";
import { closing, frame, MASK, readClose, type FrameShape } from "../support/frames.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { rawSocket, type RawClient } from "../support/raw-client.ts";

let target: FakeTarget;
let server: WebSocketServer;
let gateway: TestGateway;

beforeAll(async () => {
  target = await fakeTarget({ "*": (connection) => connection.accept() });
  server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: { threshold: 0 } });
  server.on("connection", (socket) => socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })));
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  gateway = await startGatewayFromBundle(bundle(), { env: { ...bundleEnv(target.url, port), REAL_URL: `http://127.0.0.1:${port}` } });
});
afterEach(async () => gateway.calm());
afterAll(async () => {
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
  server.close();
});

let serial = 0;
async function pair(): Promise<{ client: RawClient; connection: TargetConnection }> {
  const path = `/f${serial++}`;
  const client = await rawSocket(gateway.port, `/open${path}`);
  return { client, connection: await target.request(path) };
}

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;
const bytes = (size: number): Buffer => Buffer.alloc(size, "0123456789");

const legal: readonly (readonly [what: string, frames: readonly FrameShape[]])[] = [
  ...[0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000].map(
    (size) => [`text of ${size} bytes`, [{ opcode: TEXT, payload: bytes(size) }]] as const,
  ),
  ["binary", [{ opcode: BINARY, payload: bytes(300) }]],
  ["a message in three fragments", [
    { opcode: TEXT, payload: bytes(3), fin: false },
    { opcode: 0, payload: bytes(200), fin: false },
    { opcode: 0, payload: bytes(70_000) },
  ]],
  ["fragments with control frames between them", [
    { opcode: BINARY, payload: bytes(10), fin: false },
    { opcode: PING, payload: bytes(125) },
    { opcode: 0, payload: bytes(0), fin: false },
    { opcode: PONG },
    { opcode: 0, payload: bytes(10) },
  ]],
  ["pings and pongs of every size at the bounds", [0, 1, 124, 125].flatMap((size) => [{ opcode: PING, payload: bytes(size) }, { opcode: PONG, payload: bytes(size) }])],
  ["frames whose reserved bits belong to extensions", [{ opcode: TEXT, payload: bytes(40), reserved: 4 }]],
  ["a hundred small frames", Array.from({ length: 100 }, () => ({ opcode: TEXT, payload: bytes(7) }))],
];

describe.each(["client", "target"] as const)("frames of the %s", (side) => {
  const mask = side === "client" ? MASK : null;
  const wire = (frames: readonly FrameShape[]): Buffer => Buffer.concat(frames.map((shape) => frame({ ...shape, mask })));

  it.each(legal)("%s: at once, cut inside every head, and one by one", async (_what, frames) => {
    const { client, connection } = await pair();
    const sent = wire(frames);
    const write = (part: Buffer): boolean => (side === "client" ? client.socket : connection.socket).write(part);
    const arrived = async (total: number): Promise<Buffer> => (side === "client" ? connection.got(total) : client.bytes(total));
    write(sent);
    expect((await arrived(sent.length)).equals(sent)).toBe(true);
    for (let at = 0; at < sent.length; ) {
      const size = at < 20 ? 1 : Math.max(1, Math.ceil((sent.length - at) / 3));
      write(sent.subarray(at, at + size));
      at += size;
      await new Promise(setImmediate);
    }
    const second = await arrived(side === "client" ? 2 * sent.length : sent.length);
    expect(second.subarray(side === "client" ? sent.length : 0).equals(sent)).toBe(true);
    client.socket.resetAndDestroy();
    const record = await gateway.line({ event: "session" }, serial);
    const key = side === "client" ? "in" : "out";
    expect([record[`apigw.bytes_${key}`], record[`apigw.frames_${key}`]]).toEqual([2 * sent.length, 2 * frames.length]);
  });
});

const illegal: readonly (readonly [what: string, shape: FrameShape])[] = [
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => [`opcode ${opcode}`, { opcode, payload: bytes(3) }] as const),
  ["a ping of 126 bytes", { opcode: PING, payload: bytes(126) }],
  ["a close of 126 bytes", { opcode: CLOSE, payload: bytes(126) }],
  ["a ping in fragments", { opcode: PING, payload: bytes(3), fin: false }],
  ["a close in fragments", { opcode: CLOSE, payload: Buffer.from([3, 232]), fin: false }],
  ["a close of one byte", { opcode: CLOSE, payload: bytes(1) }],
  ["a close with a code that may not be sent", { opcode: CLOSE, payload: Buffer.from([3, 238]) }],
];

describe.each(["client", "target"] as const)("what the %s may not send", (side) => {
  const right = side === "client" ? MASK : null;
  const wrong = side === "client" ? null : MASK;
  const cases: readonly (readonly [what: string, shape: FrameShape, mask: Buffer | null])[] = [
    ...illegal.map(([what, shape]) => [what, shape, right] as const),
    [side === "client" ? "a frame without mask" : "a masked frame", { opcode: TEXT, payload: bytes(3) }, wrong],
  ];

  it.each(cases)("%s: 1002 for the client, 1001 for the target, nothing of it passes", async (_what, shape, mask) => {
    const { client, connection } = await pair();
    const bad = frame({ ...shape, mask });
    const good = frame({ opcode: TEXT, payload: bytes(5), mask: right });
    (side === "client" ? client.socket : connection.socket).write(Buffer.concat([good, bad, good]));
    if (side === "target") expect((await client.bytes(good.length)).equals(good)).toBe(true);
    const head = await client.bytes(2);
    expect(readClose(Buffer.concat([head, await client.bytes(head[1] ?? 0)]))).toMatchObject({ code: 1002, masked: false });
    client.send(closing(1002, "", MASK));
    await client.end();
    client.socket.destroy();
    await connection.gone();
    const passed = side === "client" ? good.length : 0;
    expect(connection.received.subarray(0, passed).equals(good.subarray(0, passed))).toBe(true);
    expect(readClose(connection.received.subarray(passed))).toMatchObject({ code: 1001, masked: true });
  });
});

describe("compression", () => {
  it("is agreed on by the ends and passes through", async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/real`, { perMessageDeflate: { threshold: 0 } });
    await once(socket, "open");
    expect(socket.extensions).toContain("permessage-deflate");
    for (const text of ["short", "a".repeat(100_000)]) {
      socket.send(text);
      const [echo] = await once(socket, "message");
      expect(String(echo)).toBe(text);
    }
    socket.close(1000);
    await once(socket, "close");
    const record = await gateway.line({ event: "session", "apigw.ws.close_code": 1000 });
    expect(Number(record["apigw.bytes_in"])).toBeLessThan(5_000);
  });
});
