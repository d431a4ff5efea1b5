import { once } from "node:events";
import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { defaultLimits, type Limits } from "#runtime/limits.ts";
import { connectTcp } from "#runtime/target/connect.ts";
import type { TargetAnswer } from "#runtime/target/answer.ts";
import type { BodyFraming, ExchangeUser, TargetConnection } from "#runtime/target/connection.ts";
import { ConnectionPool } from "#runtime/target/pool.ts";
import type { ReadHead } from "#runtime/target/response-head.ts";
import { fakeClock } from "../../../support/fake-clock.ts";
import { rawTarget, refusedPort, type RawTarget } from "../../../support/raw-target.ts";
import { until } from "../../../support/until.ts";

const GET = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** What an exchange's user was told. */
class Told implements ExchangeUser {
  readonly events: string[] = [];
  readonly interim: ReadHead[] = [];
  answer: TargetAnswer | null = null;
  text = "";
  /** False: the answer's content is left where it is. */
  reads = true;

  connected(): void {
    this.events.push("connected");
  }

  informed(head: ReadHead): void {
    this.interim.push(head);
  }

  answered(answer: TargetAnswer): void {
    this.answer = answer;
    this.events.push(`answered ${answer.statusCode}`);
    answer.on("end", () => this.events.push("end")).on("close", () => this.events.push("close"));
    if (this.reads) answer.on("data", (bytes: Buffer) => (this.text += bytes.toString("latin1")));
  }

  received(): void {}

  drained(): void {
    this.events.push("drained");
  }

  broke(stage: string, detail: string): void {
    this.events.push(`broke ${stage}: ${detail}`);
  }
}

const pools: ConnectionPool[] = [];
const clock = fakeClock();

afterEach(() => {
  for (const pool of pools.splice(0)) pool.close();
});

function pool(limits: Partial<Limits> = {}, keepAliveTimeoutMs = 60_000): ConnectionPool {
  const connect = (host: string, port: number): Socket => connectTcp({ host, port, tcpKeepAliveMs: 60_000 });
  const made = new ConnectionPool({ limits: { ...defaultLimits, ...limits }, connect, isTls: false, keepAliveTimeoutMs });
  pools.push(made);
  return made;
}

function taken(from: ConnectionPool, port: number): TargetConnection {
  const connection = from.take("127.0.0.1", port, clock);
  if (connection === null) throw new Error("the pool is full");
  return connection;
}

/** Sends a request and waits for the end of its exchange. */
async function exchanged(
  connection: TargetConnection,
  { head = GET, verb = "GET", framing = "none" as BodyFraming, body = [] as string[] } = {},
): Promise<Told> {
  const told = new Told();
  connection.send(head, verb, framing, told);
  for (const part of body) connection.write(Buffer.from(part), true);
  connection.end();
  await until(() => told.events.some((event) => event === "close" || event.startsWith("broke")), () => told.events.join());
  return told;
}

/** A target that says one text for each request head that it reads, whatever the body. */
async function answering(answers: readonly string[], ends = false): Promise<RawTarget> {
  return rawTarget((socket) => {
    let at = 0;
    const say = (): void => {
      socket.write(answers[at++] ?? "", "latin1");
      if (ends && at === answers.length) socket.end();
    };
    say();
    socket.on("data", (bytes) => {
      if (bytes.includes("\r\n\r\n")) say();
    });
  });
}

describe("a connection that is kept", () => {
  test("carries one exchange after another", async () => {
    await using target = await answering([OK, "HTTP/1.1 404 Gone away\r\nContent-Length: 0\r\nX-A: b\r\n\r\n"]);
    const from = pool();
    const first = taken(from, target.port);
    const told = await exchanged(first);
    expect([told.events, told.text]).toEqual([["connected", "answered 200", "end", "close"], "ok"]);
    expect(from.idleSize).toBe(1);
    const second = taken(from, target.port);
    expect(second).toBe(first);
    expect([second.isReused, second.isConnected]).toEqual([true, true]);
    const again = await exchanged(second);
    expect(again.answer?.statusMessage).toBe("Gone away");
    expect(again.answer?.rawHeaders).toEqual(["Content-Length", "0", "X-A", "b"]);
    expect([target.open(), from.size]).toEqual([1, 1]);
  });

  test.each([
    ["its answer says close", "HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 2\r\n\r\nok"],
    ["it speaks HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"],
    ["it keeps it for a moment only", "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok"],
    ["more came than was announced", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok!"],
    ["more came behind no content", "HTTP/1.1 204 Gone\r\n\r\n!"],
    ["a 204 announces content", "HTTP/1.1 204 Gone\r\nContent-Length: 4\r\n\r\n"],
    ["a 204 announces chunks", "HTTP/1.1 204 Gone\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ["a 304 announces content", "HTTP/1.1 304 Same\r\nContent-Length: 4\r\n\r\n"],
    ["more came behind the last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n!"],
  ])("is not used again when %s", async (_why, answer) => {
    await using target = await answering([answer]);
    const from = pool();
    const told = await exchanged(taken(from, target.port));
    expect(told.answer?.complete).toBe(true);
    expect([from.idleSize, from.size]).toEqual([0, 0]);
    await target.closed();
  });

  test("goes when its target ends it, or says something unasked", async () => {
    const sockets: Socket[] = [];
    await using target = await rawTarget((socket) => {
      sockets.push(socket);
      socket.write(OK);
    });
    const from = pool();
    const [first, second] = [taken(from, target.port), taken(from, target.port)];
    await Promise.all([exchanged(first), exchanged(second)]);
    expect(from.idleSize).toBe(2);
    sockets[0]?.end();
    sockets[1]?.write("HTTP/1.1 200 OK\r\n\r\n");
    await until(() => from.size === 0, () => `${from.size} left`);
    expect(from.idleSize).toBe(0);
  });

  test("is kept as long as it may, and as long as its target says, less a margin", async () => {
    const hinted = OK.replace("\r\n", "\r\nKeep-Alive: timeout=5, max=100\r\n");
    await using target = await answering([hinted, hinted]);
    const from = pool({}, 60_000);
    const first = taken(from, target.port);
    await exchanged(first);
    clock.advance(3_999);
    expect(taken(from, target.port)).toBe(first);
    await exchanged(first);
    clock.advance(4_000);
    expect(taken(from, target.port)).not.toBe(first);
  });

  test("is closed when nobody took it for the time of the pool", async () => {
    await using target = await answering([OK]);
    const from = pool({}, 30_000);
    await exchanged(taken(from, target.port));
    clock.advance(30_000);
    expect([from.idleSize, from.size]).toEqual([0, 0]);
    await target.closed();
  });
});

describe("bounds of a pool", () => {
  test("connections in use", async () => {
    await using target = await answering([OK]);
    const from = pool({ targetConnectionsMax: 1 });
    const told = exchanged(taken(from, target.port));
    expect(from.take("127.0.0.1", target.port, clock)).toBeNull();
    await told;
    expect(from.take("127.0.0.1", target.port, clock)).not.toBeNull();
  });

  test("an idle connection to another server makes room", async () => {
    await using one = await answering([OK]);
    await using other = await answering([OK]);
    const from = pool({ targetConnectionsMax: 1 });
    await exchanged(taken(from, one.port));
    await exchanged(taken(from, other.port));
    await one.closed();
    expect(from.size).toBe(1);
  });

  test("idle connections", async () => {
    await using target = await answering([OK]);
    const from = pool({ targetIdleConnectionsMax: 1 });
    await Promise.all([exchanged(taken(from, target.port)), exchanged(taken(from, target.port))]);
    expect([from.idleSize, from.size]).toEqual([1, 1]);
  });
});

describe("bodies", () => {
  test.each<[BodyFraming, string]>([
    ["length", "onetwo"],
    ["chunked", "3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"],
  ])("of requests: %s", async (framing, sent) => {
    await using target = await rawTarget((socket) => {
      const ask = (): void => {
        if (target.received().endsWith(sent)) socket.write(OK);
        else socket.once("data", () => setImmediate(ask));
      };
      ask();
    });
    const told = await exchanged(taken(pool(), target.port), { verb: "POST", framing, body: ["one", "", "two"] });
    expect(told.text).toBe("ok");
    expect(target.received()).toBe(GET + sent);
  });

  test.each<[BodyFraming]>([["length"], ["chunked"]])("of requests, in large pieces: %s", async (framing) => {
    await using target = await rawTarget(() => undefined);
    const [kept, spent] = [Buffer.alloc(40_000, "k"), Buffer.alloc(40_000, "s")];
    const connection = taken(pool(), target.port);
    connection.send(GET, "POST", framing, new Told());
    connection.write(kept, false);
    connection.write(spent, true);
    await until(() => target.received().includes("s".repeat(40_000)), () => `${target.received().length} received`);
    await until(() => spent.length === 0, () => "the memory of a spent piece was not given back");
    expect(kept.toString()).toBe("k".repeat(40_000));
    expect(target.received()).toContain("k".repeat(40_000));
  });

  test.each([
    ["none behind a HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "", []],
    ["none behind a 304", "GET", "HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n", "", []],
    ["to the end of the connection", "GET", "HTTP/1.1 200 OK\r\n\r\nto the end", "to the end", []],
    ["in chunks, with trailers", "GET",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nX-Sum: 7\r\nB:c\r\n\r\n", "abc",
      ["X-Sum", "7", "B", "c"]],
  ])("of answers: %s", async (_how, verb, answer, text, trailers) => {
    await using target = await answering([answer], true);
    const told = await exchanged(taken(pool(), target.port), { verb });
    expect([told.answer?.complete, told.text, told.answer?.rawTrailers]).toEqual([true, text, trailers]);
  });

  test("of an answer that nobody reads wait with the target", async () => {
    const bytes = 8 * 1024 * 1024;
    let written: Socket | null = null;
    await using target = await rawTarget((socket) => {
      written = socket;
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`);
      socket.write(Buffer.alloc(bytes, 120));
    });
    const told = new Told();
    told.reads = false;
    const connection = taken(pool(), target.port);
    connection.send(GET, "GET", "none", told);
    await until(() => connection.socket.isPaused(), () => "never paused");
    expect(connection.socket.bytesRead).toBeLessThan(bytes / 2);
    const answer = told.answer;
    if (answer === null) throw new Error("no answer");
    let read = 0;
    answer.on("data", (chunk: Buffer) => (read += chunk.length));
    await once(answer, "end");
    expect(read).toBe(bytes);
    expect(written).not.toBeNull();
  });

  test("an answer before the request's body has been sent ends the connection", async () => {
    await using target = await answering([OK]);
    const from = pool();
    const told = new Told();
    const connection = taken(from, target.port);
    connection.send(GET, "POST", "chunked", told);
    connection.write(Buffer.from("begun"), true);
    await until(() => told.events.includes("close"), () => told.events.join());
    expect(told.text).toBe("ok");
    expect(connection.write(Buffer.from("more"), true)).toBe(true);
    connection.end();
    expect(from.size).toBe(0);
    await target.closed();
    expect(target.received()).not.toContain("more");
  });
});

describe("interim answers", () => {
  test("are told, and the final one follows", async () => {
    const hints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
    await using target = await answering([`HTTP/1.1 100 Continue\r\n\r\n${hints}${OK}`]);
    const told = await exchanged(taken(pool(), target.port));
    expect(told.interim.map(({ status, lines }) => [status, ...lines])).toEqual([[100], [103, "Link", "</a.css>"]]);
    expect(told.text).toBe("ok");
  });

  test.each([
    ["too many interim answers", "HTTP/1.1 100 Continue\r\n\r\n".repeat(9)],
    ["interim answer announces a body", "HTTP/1.1 103 Hints\r\nContent-Length: 1\r\n\r\n"],
    ["unasked switch of protocols", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"],
  ])("%s", async (detail, answer) => {
    await using target = await answering([answer]);
    const from = pool();
    expect((await exchanged(taken(from, target.port))).events).toEqual(["connected", `broke exchange: ${detail}`]);
    expect(from.size).toBe(0);
  });
});

describe("answers that are refused", () => {
  test.each([
    ["answer has both Content-Length and Transfer-Encoding",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"],
    ["answer has an unknown Transfer-Encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"],
    ["answer has an invalid or repeated Content-Length", "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok"],
    ["no HTTP/1 status line", "SSH-2.0-x\r\n\r\n"],
    ["head is too large", `HTTP/1.1 200 OK\r\nX: ${"x".repeat(20_000)}\r\n\r\n`],
    ["line ends without carriage return", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok\r\n\r\n"],
    ["target ended the connection", "HTTP/1.1 200 OK\r\nContent"],
  ])("%s", async (detail, answer) => {
    await using target = await answering([answer], true);
    const told = await exchanged(taken(pool(), target.port));
    expect(told.events).toEqual(["connected", `broke exchange: ${detail}`]);
  });

  test.each([
    ["chunked coding of the answer is broken", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
    ["a trailer of the answer is no header line",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nno colon\r\n\r\n"],
    ["target ended the connection", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"],
    ["target ended the connection", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok"],
  ])("behind their head: %s", async (detail, answer) => {
    await using target = await answering([answer], true);
    const told = await exchanged(taken(pool(), target.port));
    await until(() => told.events.includes("close"), () => told.events.join());
    expect(told.answer?.complete).toBe(false);
    expect(told.events).toContain(`broke exchange: ${detail}`);
    expect(told.events).not.toContain("end");
  });
});

test("a connection that cannot be made is told as such", async () => {
  const told = await exchanged(taken(pool(), await refusedPort()));
  expect(told.events).toEqual(["broke connect: ECONNREFUSED"]);
});

test("an aborted exchange is silent, and its connection gone", async () => {
  await using target = await rawTarget(() => undefined);
  const from = pool();
  const told = new Told();
  const connection = taken(from, target.port);
  connection.send(GET, "GET", "none", told);
  await until(() => target.received() === GET, () => "not sent");
  connection.abort();
  await target.closed();
  expect([told.events, from.size]).toEqual([["connected"], 0]);
});

test("an answer that is dropped half-way ends its connection", async () => {
  await using target = await answering(["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"]);
  const from = pool();
  const told = new Told();
  taken(from, target.port).send(GET, "GET", "none", told);
  await until(() => told.text === "ok", () => told.events.join());
  told.answer?.destroy();
  await target.closed();
  expect(from.size).toBe(0);
});
