import { spawnSync } from "node:child_process";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "#runtime/clock.ts";
import { defaultLimits } from "#runtime/limits.ts";
import type { ListenAt } from "#runtime/listen/bind.ts";
import { openListener, type Listener, type ListenLimits } from "#runtime/listen/listen.ts";
import type { RefusalKind } from "#runtime/listen/refusal.ts";

const anywhere: ListenAt = { host: "127.0.0.1", port: 0, reusePort: false };
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

interface Start {
  readonly at?: ListenAt;
  readonly limits?: Partial<ListenLimits>;
  readonly onRequest?: (request: IncomingMessage, response: ServerResponse) => void;
  readonly onUpgrade?: (request: IncomingMessage, socket: Socket, head: Buffer) => void;
}

async function start(options: Start = {}): Promise<{ listener: Listener; refused: RefusalKind[] }> {
  const refused: RefusalKind[] = [];
  const listener = await openListener({
    name: "test",
    at: options.at ?? anywhere,
    limits: { ...defaultLimits, ...options.limits },
    clock: systemClock,
    isUpgrade: (request) => request.headers.upgrade === "websocket",
    onRequest: options.onRequest ?? ((request, response) => response.end(`${request.method} ${request.url}`)),
    onUpgrade: options.onUpgrade ?? ((_request, socket) => socket.destroy()),
    onRefused: (kind) => refused.push(kind),
  });
  open.push(listener);
  return { listener, refused };
}

class Client {
  readonly socket: Socket;
  text = "";
  #waiting: (() => void) | null = null;
  constructor(port: number) {
    this.socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    clients.push(this.socket);
    this.socket.setEncoding("latin1");
    this.socket.on("data", (chunk) => {
      this.text += String(chunk);
      this.#waiting?.();
    });
    this.socket.on("error", () => this.#waiting?.());
    this.socket.on("end", () => this.#waiting?.());
  }
  send(text: string): this {
    this.socket.write(text);
    return this;
  }
  /** Waits for text and takes everything up to its end. */
  async until(text: string): Promise<string> {
    while (!this.text.includes(text)) {
      if (this.socket.readableEnded || this.socket.destroyed) throw new Error(`ended before ${text}: ${this.text}`);
      await new Promise<void>((resolve) => (this.#waiting = resolve));
    }
    const end = this.text.indexOf(text) + text.length;
    const taken = this.text.slice(0, end);
    this.text = this.text.slice(end);
    return taken;
  }
  async ended(): Promise<string> {
    if (!this.socket.readableEnded && !this.socket.destroyed) await Promise.race([once(this.socket, "end"), once(this.socket, "close")]);
    return this.text;
  }
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
const upgrade = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

describe("a plain listener", () => {
  it("serves requests on one connection and knows its address", async () => {
    const { listener } = await start();
    expect(listener.address).toBe(`127.0.0.1:${listener.port}`);
    const client = new Client(listener.port);
    await client.send(get("/a")).until("GET /a");
    await client.send(get("/b")).until("GET /b");
    expect([listener.connections, listener.accepted]).toEqual([1, 1]);
    client.socket.destroy();
    await once(client.socket, "close");
    while (listener.connections > 0) await new Promise(setImmediate);
  });

  it("serves upgrades to other protocols as plain requests", async () => {
    const { listener } = await start();
    const client = new Client(listener.port).send("GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
    await client.until("GET /x");
  });

  it("hands requests that expect 100-continue to the handler, undecided", async () => {
    const { listener } = await start({
      onRequest: (request, response) => {
        response.statusCode = request.headers["x-key"] === undefined ? 401 : 200;
        response.end("done");
      },
    });
    const client = new Client(listener.port);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    expect(await client.until("done")).toMatch(/^HTTP\/1\.1 401 /);
  });

  it("rejects when the port is taken", async () => {
    const { listener } = await start();
    await expect(start({ at: { host: "127.0.0.1", port: listener.port, reusePort: false } })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  it("shares a port when told to", async () => {
    const first = await start({ at: { host: "127.0.0.1", port: 0, reusePort: true } });
    const second = await start({ at: { host: "127.0.0.1", port: first.listener.port, reusePort: true } });
    expect(second.listener.port).toBe(first.listener.port);
  });

  it("refuses connections beyond its limit", async () => {
    const { listener, refused } = await start({ limits: { connectionsMax: 1 } });
    await new Client(listener.port).send(get("/a")).until("GET /a");
    const second = new Client(listener.port).send(get("/b"));
    expect(await second.ended()).toBe("");
    expect(refused).toEqual(["connections"]);
  });
});

describe("a Unix socket", () => {
  let directory = "";
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "apigw-listen-"));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it("is for this user only and not taken from a living process", async () => {
    const socketPath = join(directory, "admin.sock");
    const { listener } = await start({ at: { socketPath } });
    expect([listener.address, listener.port]).toEqual([socketPath, 0]);
    expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    await expect(start({ at: { socketPath } })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  it("replaces the file that a killed process left", async () => {
    const socketPath = join(directory, "stale.sock");
    const script = `require("net").createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, "SIGKILL"))`;
    expect(spawnSync(process.execPath, ["-e", script]).signal).toBe("SIGKILL");
    expect(existsSync(socketPath)).toBe(true);
    const { listener } = await start({ at: { socketPath } });
    expect(listener.address).toBe(socketPath);
  });
});

describe("bad requests get a fixed answer and lose the connection", () => {
  const codes: Readonly<Record<number, string>> = { 431: "protocol.http.TooBigHeaders" };
  const rows: readonly [string, string, number, RefusalKind][] = [
    ["no HTTP at all", "hello\r\n\r\n", 400, "badRequest"],
    ["an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "badRequest"],
    ["a PROXY line", "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n", 400, "badRequest"],
    ["a header without colon", "GET / HTTP/1.1\r\nHost: a\r\nbroken\r\n\r\n", 400, "badRequest"],
    ["folded headers", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400, "badRequest"],
    ["length and chunks", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "badRequest"],
    ["a huge head", `GET / HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}\r\n\r\n`, 431, "tooLarge"],
    ["too many headers", `GET / HTTP/1.1\r\nHost: a\r\n${"X: 1\r\n".repeat(200)}\r\n`, 431, "tooLarge"],
    ["CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 405, "method"],
  ];
  it.each(rows)("%s", async (_name, text, status, kind) => {
    const { listener, refused } = await start();
    const client = new Client(listener.port).send(text);
    const answer = await client.ended();
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toContain("Connection: close\r\n");
    expect(answer.split("HTTP/1.1 ")).toHaveLength(2);
    const { fault } = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n")));
    expect(fault.detail.errorcode).toBe(codes[status] ?? "protocol.http.BadRequest");
    expect(refused).toEqual([kind]);
    client.socket.end();
    while (listener.connections > 0) await new Promise(setImmediate);
  });

  it("a slow head is answered 408, a silent connection just closed", async () => {
    const { listener, refused } = await start({ limits: { requestHeadTimeoutMs: 100 } });
    const silent = new Client(listener.port);
    const slow = new Client(listener.port).send("GET / HTTP/1.1\r\nHost:");
    expect(await slow.ended()).toMatch(/^HTTP\/1\.1 408 /);
    expect(await silent.ended()).toBe("");
    expect(refused).toEqual(["timeout"]);
  });

  it("an answer that already began is not interleaved with another", async () => {
    const { listener } = await start({ onRequest: (_request, response) => void response.write("begun") });
    const client = new Client(listener.port).send(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`);
    await client.until("begun");
    client.send("nonsense\r\n");
    expect(await client.ended()).not.toContain("400");
  });

  it("a reset at any moment is survived", async () => {
    const { listener } = await start({ onRequest: () => undefined });
    const text = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n12345`;
    for (let cut = 0; cut <= text.length; cut += 7) {
      const client = new Client(listener.port);
      await once(client.socket, "connect");
      client.send(text.slice(0, cut));
      client.socket.resetAndDestroy();
    }
    await new Client(listener.port).send("nonsense\r\n\r\n").until("400");
    while (listener.connections > 1) await new Promise(setImmediate);
  });
});

describe("a refused upgrade", () => {
  const refusal = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno";

  it("leaves its connection to further requests and upgrades", async () => {
    let listener: Listener | null = null;
    const started = await start({
      onUpgrade: (_request, socket, head) => {
        expect(head).toHaveLength(0);
        socket.write(refusal);
        listener?.reattach(socket);
      },
    });
    listener = started.listener;
    const client = new Client(listener.port);
    await client.send(upgrade).until("\r\n\r\nno");
    await client.send(get("/after")).until("GET /after");
    await client.send(upgrade).until("\r\n\r\nno");
    await client.send(get("/again")).until("GET /again");
    expect(listener.accepted).toBe(1);
  });

  it("leaves nothing behind: 1000 on one connection, with reading in between", async () => {
    let listener: Listener | null = null;
    const seen: Socket[] = [];
    const started = await start({
      onUpgrade: (_request, socket) => {
        if (seen.length === 0) seen.push(socket);
        const notice = (): void => undefined;
        socket.on("data", notice);
        setImmediate(() => {
          socket.off("data", notice);
          socket.pause();
          socket.write(refusal);
          listener?.reattach(socket);
        });
      },
    });
    listener = started.listener;
    const client = new Client(listener.port);
    const listeners = (): number => seen[0]?.eventNames().reduce((sum, name) => sum + (seen[0]?.listenerCount(name) ?? 0), 0) ?? 0;
    for (let n = 0; n < 10; n++) await client.send(upgrade).until("\r\n\r\nno");
    const before = listeners();
    const keysBefore = Reflect.ownKeys(seen[0] ?? {}).length;
    expect(before).toBeGreaterThan(3);
    for (let n = 0; n < 990; n++) await client.send(upgrade).until("\r\n\r\nno");
    expect(listeners()).toBe(before);
    expect(Reflect.ownKeys(seen[0] ?? {})).toHaveLength(keysBefore);
    await client.send(get("/after")).until("GET /after");
  });

  it("that announced a body gets the connection itself and can answer", async () => {
    const { listener } = await start({
      onUpgrade: (_request, socket) => void socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
    });
    const client = new Client(listener.port);
    client.send(upgrade.replace("\r\n\r\n", "\r\nContent-Length: 5\r\n\r\n"));
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 400 /);
  });

  it("on a socket that is gone is harmless", async () => {
    let listener: Listener | null = null;
    const done = Promise.withResolvers<void>();
    const started = await start({
      onUpgrade: (_request, socket) => {
        socket.destroy();
        listener?.reattach(socket);
        done.resolve();
      },
    });
    listener = started.listener;
    new Client(listener.port).send(upgrade);
    await done.promise;
  });
});

describe("stopping", () => {
  it("refuses new connections, closes idle ones, and lets the others finish with Connection: close", async () => {
    const answers: ServerResponse[] = [];
    const { listener } = await start({
      onRequest: (request, response) => {
        if (request.url === "/slow") answers.push(response);
        else response.end(`served ${request.url}`);
      },
      onUpgrade: (_request, socket) => void socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    });
    const idle = new Client(listener.port);
    const fresh = new Client(listener.port);
    const partial = new Client(listener.port);
    const busy = new Client(listener.port);
    const session = new Client(listener.port);
    await idle.send(get("/idle")).until("served /idle");
    await partial.send(get("/partial")).until("served /partial");
    partial.send("GET /late HTTP/1.1\r\n");
    busy.send(get("/slow"));
    await session.send(upgrade).until("101 Switching Protocols");
    while (answers.length === 0 || listener.connections < 5) await new Promise(setImmediate);

    await listener.stopAccepting();
    listener.closeIdle();
    expect(await idle.ended()).not.toContain("HTTP");
    await expect(new Promise((resolve, reject) => connect({ port: listener.port, host: "127.0.0.1" }).on("error", reject).on("connect", resolve))).rejects.toMatchObject({ code: "ECONNREFUSED" });

    const late = await partial.send("Host: a\r\n\r\n").until("served /late");
    expect(late).toContain("Connection: close\r\n");
    expect(await fresh.send(get("/first")).until("served /first")).toContain("Connection: close\r\n");
    answers[0]?.end("slow done");
    expect(await busy.until("slow done")).toContain("Connection: close\r\n");
    for (const client of [fresh, partial, busy]) {
      await client.ended();
      client.socket.end();
    }
    idle.socket.end();
    while (listener.connections > 1) await new Promise(setImmediate);
    expect(session.socket.readableEnded).toBe(false);

    let isClosed = false;
    void listener.closed.then(() => (isClosed = true));
    await new Promise(setImmediate);
    expect(isClosed).toBe(false);
    listener.destroyAll();
    await session.ended();
    await listener.closed;
  });

  it("goes on watching for slow heads", async () => {
    const { listener } = await start({ limits: { requestHeadTimeoutMs: 200 } });
    const slow = new Client(listener.port).send("GET / HTTP/1.1\r\n");
    while (listener.connections === 0) await new Promise(setImmediate);
    await listener.stopAccepting();
    listener.closeIdle();
    expect(await slow.ended()).toMatch(/^HTTP\/1\.1 408 /);
    slow.socket.end();
    await listener.closed;
  });

  it("may be asked for twice", async () => {
    const { listener } = await start();
    expect(listener.stopAccepting()).toBe(listener.stopAccepting());
    await listener.closed;
  });
});
