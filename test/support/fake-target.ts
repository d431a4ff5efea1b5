/**
 * A target on a real socket, played by scripts: one for each path. It remembers each connection with the request head and
 * the bytes that followed. It knows no more HTTP than where a head ends.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { until } from "./until.ts";

/** One connection whose request head is complete. */
export interface TargetConnection {
  readonly socket: Socket;
  /** The request head, latin1. */
  readonly head: string;
  /** Path without query. */
  readonly path: string;
  /** First value of a header, null when absent; `name` is lower-case. */
  header(name: string): string | null;
  /** Everything that came behind the head. */
  readonly received: Buffer;
  /** FIN came. */
  readonly ended: boolean;
  readonly closed: boolean;
  /** True: a FIN of the gateway is not answered by one. */
  staysOpen: boolean;
  /** Switches protocols as a WebSocket server does; `lines` are added, `frames` follow in the same packet. */
  accept(lines?: string, frames?: Buffer): void;
  /** Waits until so many bytes came behind the head. */
  got(bytes: number): Promise<Buffer>;
  /** Waits until the connection is gone. */
  gone(): Promise<void>;
}

export type TargetScript = (connection: TargetConnection) => void;

export interface FakeTarget extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Connections accepted, those without a request included. */
  readonly accepted: number;
  /** Connections open now. */
  readonly open: number;
  /** Every request so far. */
  readonly connections: readonly TargetConnection[];
  /** The `count`-th request for a path, waited for. */
  request(path: string, count?: number): Promise<TargetConnection>;
  /** Adds or replaces a script. */
  on(path: string, script: TargetScript): void;
}

/** The accept value for a key (RFC 6455 section 4.2.2). */
export function acceptValue(key: string): string {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

class Connection implements TargetConnection {
  readonly socket: Socket;
  head = "";
  path = "";
  received: Buffer = Buffer.alloc(0);
  ended = false;
  closed = false;
  staysOpen = false;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  header(name: string): string | null {
    const line = this.head.split("\r\n").find((text) => text.toLowerCase().startsWith(`${name}:`));
    return line === undefined ? null : line.slice(name.length + 1).trim();
  }

  accept(lines = "", frames: Buffer = Buffer.alloc(0)): void {
    const accept = acceptValue(this.header("sec-websocket-key") ?? "");
    const head =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
      `Sec-WebSocket-Accept: ${accept}\r\n${lines}\r\n`;
    this.socket.write(Buffer.concat([Buffer.from(head, "latin1"), frames]));
  }

  async got(bytes: number): Promise<Buffer> {
    await until(
      () => this.received.length >= bytes,
      () => `${bytes} bytes at the target, got ${this.received.toString("latin1").slice(0, 200)}`,
    );
    return this.received;
  }

  async gone(): Promise<void> {
    await until(() => this.closed, () => `the target's connection for ${this.path} to close`);
  }
}

/** Starts a target. Paths without a script, and without one for "*", are answered 404. */
export async function fakeTarget(scripts: Readonly<Record<string, TargetScript>> = {}, tls: TlsOptions | null = null): Promise<FakeTarget> {
  const byPath = new Map(Object.entries(scripts));
  const connections: Connection[] = [];
  const sockets = new Set<Socket>();
  let accepted = 0;
  const serve = (socket: Socket): void => {
    accepted++;
    const connection = new Connection(socket);
    let head: Buffer | null = Buffer.alloc(0);
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("end", () => {
      connection.ended = true;
      if (!connection.staysOpen) socket.end();
    });
    socket.on("close", () => {
      connection.closed = true;
      sockets.delete(socket);
    });
    socket.on("data", (bytes: Buffer) => {
      if (head === null) {
        connection.received = Buffer.concat([connection.received, bytes]);
        return;
      }
      head = Buffer.concat([head, bytes]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      connection.head = head.toString("latin1", 0, end + 4);
      connection.received = head.subarray(end + 4);
      connection.path = connection.head.split(" ")[1]?.split("?")[0] ?? "";
      head = null;
      connections.push(connection);
      const script = byPath.get(connection.path) ?? byPath.get("*") ?? notFound;
      script(connection);
    });
  };
  const server: Server =
    tls === null
      ? createServer({ allowHalfOpen: true, noDelay: true }, serve)
      : createTlsServer({ ...tls }, serve);
  if (tls !== null) server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the target listens on no port");
  const { port } = address;
  return {
    port,
    url: `${tls === null ? "http" : "https"}://127.0.0.1:${port}`,
    get accepted() {
      return accepted;
    },
    get open() {
      return sockets.size;
    },
    connections,
    async request(path, count = 1) {
      const found = (): Connection | undefined => connections.filter((connection) => connection.path === path)[count - 1];
      await until(
        () => found() !== undefined,
        () => `request ${count} for ${path} at the target among ${connections.map((connection) => connection.path).join(" ")}`,
      );
      const connection = found();
      if (connection === undefined) throw new Error("gone again");
      return connection;
    },
    on: (path, script) => void byPath.set(path, script),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function notFound({ socket }: TargetConnection): void {
  socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
}
