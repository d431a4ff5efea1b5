/**
 * The load of the connection benchmark, over plain sockets with as little work per message as can be: an echo target, a pump
 * that plays ping-pong, a shaker that opens and closes, a holder that keeps idle sessions. Masking key 0, so that echoing costs
 * a copy. Run by compare.ts: `load.ts echo PORT`, `load.ts pump PORT CONNECTIONS WINDOW BYTES SECONDS`,
 * `load.ts shake PORT CONNECTIONS SECONDS`, `load.ts hold PORT CONNECTIONS`.
 */
import { createHash } from "node:crypto";
import { connect, createServer, type Socket } from "node:net";

const [mode = "", portText = "0", ...rest] = process.argv.slice(2);
const port = Number(portText);
const numbers = rest.map(Number);

/** The line with the credential. */
const header = process.env["LOAD_HEADER"] ?? "X-Api-Key: secret-key-1";
const request =
  "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${header}\r\n\r\n`;

/** Header of a binary frame (RFC 6455 section 5.2). */
function frameHeader(bytes: number, masked: boolean): Buffer {
  const size = bytes < 126 ? [bytes] : bytes < 65_536 ? [126, bytes >> 8, bytes & 255] : [127, 0, 0, 0, 0, bytes >>> 24, (bytes >> 16) & 255, (bytes >> 8) & 255, bytes & 255];
  size[0] = (size[0] ?? 0) | (masked ? 128 : 0);
  return Buffer.from([0x82, ...size, ...(masked ? [0, 0, 0, 0] : [])]);
}

/** Where a masked or unmasked frame at `at` ends, and where its payload begins; null while its header is incomplete. */
function frameAt(bytes: Buffer, at: number): { payload: number; end: number } | null {
  if (bytes.length < at + 2) return null;
  const second = bytes[at + 1] ?? 0;
  const short = second & 127;
  const header = 2 + (short === 126 ? 2 : short === 127 ? 8 : 0) + (second & 128 ? 4 : 0);
  if (bytes.length < at + header) return null;
  const size = short === 126 ? bytes.readUInt16BE(at + 2) : short === 127 ? bytes.readUInt32BE(at + 6) : short;
  return { payload: at + header, end: at + header + size };
}

/** Calls back for every whole frame; keeps what is left for the next chunk. */
function onFrames(socket: Socket, first: Buffer, frame: (bytes: Buffer, payload: number, end: number) => void): void {
  let kept = first;
  const take = (chunk: Buffer): void => {
    const bytes = kept.length === 0 ? chunk : Buffer.concat([kept, chunk]);
    let at = 0;
    for (let found = frameAt(bytes, at); found !== null && found.end <= bytes.length; found = frameAt(bytes, at)) {
      frame(bytes, found.payload, found.end);
      at = found.end;
    }
    kept = bytes.subarray(at);
  };
  if (first.length > 0) {
    kept = Buffer.alloc(0);
    take(first);
  }
  socket.on("data", take);
}

function echo(): void {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", (head) => {
      const key = /sec-websocket-key: (\S+)/i.exec(head.toString("latin1"))?.[1] ?? "";
      const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
      onFrames(socket, Buffer.alloc(0), (bytes, payload, end) => {
        socket.cork();
        socket.write(frameHeader(end - payload, false));
        socket.write(bytes.subarray(payload, end));
        process.nextTick(() => socket.uncork());
      });
    });
  });
  server.listen(port, "127.0.0.1", 4096);
}

/** Opens one session; resolves when the 101 is there. */
function open(): Promise<{ socket: Socket; rest: Buffer }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    socket.once("error", reject);
    socket.write(request);
    let head: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      socket.off("data", onData);
      if (head.subarray(9, 12).toString("latin1") !== "101") return reject(new Error(head.toString("latin1", 0, 60)));
      resolve({ socket, rest: head.subarray(end + 4) });
    };
    socket.on("data", onData);
  });
}

async function pump(): Promise<void> {
  const [connections = 1, window = 1, bytes = 64, seconds = 1] = numbers;
  const message = Buffer.concat([frameHeader(bytes, true), Buffer.alloc(bytes, 120)]);
  let answered = 0;
  const opened = [];
  for (let at = 0; at < connections; at++) opened.push(await open());
  for (const { socket, rest: first } of opened) {
    onFrames(socket, first, () => {
      answered++;
      socket.write(message);
    });
    for (let at = 0; at < window; at++) socket.write(message);
  }
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  console.log(answered);
  process.exit(0);
}

async function shake(): Promise<void> {
  const [connections = 1, seconds = 1] = numbers;
  const endMs = performance.now() + seconds * 1000;
  let shaken = 0;
  const one = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const { socket } = await open();
      shaken++;
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
  console.log(shaken);
  process.exit(0);
}

async function hold(): Promise<void> {
  const [connections = 1] = numbers;
  const held = [];
  for (let at = 0; at < connections; at += 50) held.push(...(await Promise.all(Array.from({ length: Math.min(50, connections - at) }, open))));
  console.log(held.length);
  process.stdin.on("data", () => process.exit(0)).on("end", () => process.exit(0));
}

const modes: Readonly<Record<string, () => void>> = { echo, pump: () => void pump(), shake: () => void shake(), hold: () => void hold() };
modes[mode]?.();
