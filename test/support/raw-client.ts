/**
 * A client on a real socket that says exactly the bytes a test gives it. It reads HTTP answers by their framing, on its
 * own, and hands out everything else as bytes.
 */
import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { until } from "./until.ts";

/** The key of RFC 6455 section 1.3 and the accept value that belongs to it. */
export const SAMPLE_KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const SAMPLE_ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/** Lines of an upgrade request; null takes one away. */
export interface UpgradeLines {
  readonly [name: string]: string | null;
}

/** An upgrade request. `lines` replace, add or (null) take away header lines. */
export function upgradeRequest(path: string, lines: UpgradeLines = {}, start = `GET ${path} HTTP/1.1`): string {
  const all: UpgradeLines = {
    Host: "gateway.test",
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": SAMPLE_KEY,
    ...lines,
  };
  const written = Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}\r\n`]));
  return `${start}\r\n${written.join("")}\r\n`;
}

/** A plain request. */
export function plainRequest(path: string, lines: UpgradeLines = {}, method = "GET"): string {
  const all: UpgradeLines = { Host: "gateway.test", ...lines };
  const written = Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}\r\n`]));
  return `${method} ${path} HTTP/1.1\r\n${written.join("")}\r\n`;
}

/** An HTTP answer. */
export interface Answer {
  readonly status: number;
  readonly head: string;
  /** Lower-case names; the values of repeated lines joined by ", ". */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export class RawClient implements Disposable {
  readonly socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  /** FIN came. */
  ended = false;
  /** The connection is gone. */
  closed = false;
  /** Code of the error that ended it. */
  error: string | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => (this.#bytes = Buffer.concat([this.#bytes, chunk])));
    socket.on("end", () => (this.ended = true));
    socket.on("close", () => (this.closed = true));
    socket.on("error", (error: NodeJS.ErrnoException) => (this.error = error.code ?? error.message));
  }

  send(text: string | Buffer): this {
    if (typeof text === "string") this.socket.write(text, "latin1");
    else this.socket.write(text);
    return this;
  }

  /** What has come and was not taken yet. */
  get pending(): Buffer {
    return this.#bytes;
  }

  /** Takes everything that has come. */
  take(bytes: number = this.#bytes.length): Buffer {
    const taken = this.#bytes.subarray(0, bytes);
    this.#bytes = this.#bytes.subarray(bytes);
    return taken;
  }

  /** Waits for so many bytes and takes them. */
  async bytes(count: number): Promise<Buffer> {
    await this.#until(() => this.#bytes.length >= count, `${count} bytes`);
    return this.take(count);
  }

  /** Waits for a text and takes everything up to its end. */
  async through(text: string): Promise<string> {
    await this.#until(() => this.#bytes.includes(text, 0, "latin1"), JSON.stringify(text));
    return this.take(this.#bytes.indexOf(text, 0, "latin1") + text.length).toString("latin1");
  }

  /** Waits for the end of the other side's sending, orderly or not; what came until then. */
  async end(): Promise<Buffer> {
    await until(() => this.ended || this.closed, () => `the end, after ${this.#shown()}`);
    return this.take();
  }

  async gone(): Promise<void> {
    await until(() => this.closed, () => `the connection to close, after ${this.#shown()}`);
  }

  /** The next answer, interim ones included; `method`: of the request that it answers. */
  async answer(method = "GET"): Promise<Answer> {
    const head = await this.through("\r\n\r\n");
    const [first = "", ...rest] = head.slice(0, -4).split("\r\n");
    const status = Number(/^HTTP\/1\.1 ([0-9]{3}) /.exec(first)?.[1] ?? "NaN");
    const headers = new Map<string, string>();
    for (const line of rest) {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon).toLowerCase();
      const value = line.slice(colon + 1).trim();
      headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value);
    }
    const hasBody = method !== "HEAD" && status >= 200 && status !== 204 && status !== 304;
    return { status, head, headers, body: hasBody ? await this.#body(headers) : "" };
  }

  async #body(headers: ReadonlyMap<string, string>): Promise<string> {
    const length = headers.get("content-length");
    if (headers.get("transfer-encoding") === "chunked") return this.#chunked();
    if (length !== undefined) return (await this.bytes(Number(length))).toString("utf8");
    return (await this.end()).toString("utf8");
  }

  async #chunked(): Promise<string> {
    let body = "";
    for (;;) {
      const size = Number.parseInt(await this.through("\r\n"), 16);
      if (size === 0) {
        for (let line = await this.through("\r\n"); line !== "\r\n"; line = await this.through("\r\n")) body += line;
        return body;
      }
      body += (await this.bytes(size)).toString("utf8");
      await this.through("\r\n");
    }
  }

  async #until(holds: () => boolean, what: string): Promise<void> {
    await until(
      () => holds() || this.ended || this.closed,
      () => `${what}, after ${this.#shown()}`,
    );
    if (!holds()) throw new Error(`the connection ended (${this.error}) before ${what}, after ${this.#shown()}`);
  }

  #shown(): string {
    return JSON.stringify(this.#bytes.toString("latin1").slice(0, 500));
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/** Connects to a port of 127.0.0.1. The connection stays half open when the other side ends. */
export async function rawClient(port: number): Promise<RawClient> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  const client = new RawClient(socket);
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  return client;
}

/** The same over TLS. */
export async function rawTlsClient(port: number, options: ConnectionOptions): Promise<RawClient> {
  const socket = connectTls({ port, host: "127.0.0.1", ...options });
  const client = new RawClient(socket);
  await new Promise<void>((resolve, reject) => socket.once("secureConnect", resolve).once("error", reject));
  socket.setNoDelay(true);
  return client;
}

/** Opens a WebSocket by hand: connected, upgraded, its 101 taken. */
export async function rawSocket(port: number, path: string, lines: UpgradeLines = {}): Promise<RawClient> {
  const client = await rawClient(port);
  const { status, head } = await client.send(upgradeRequest(path, lines)).answer();
  if (status !== 101) throw new Error(`no 101: ${head}${client.pending.toString("latin1")}`);
  return client;
}
