import { connect } from "node:net";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { defaultLimits } from "#runtime/limits.ts";
import { systemClock } from "#runtime/clock.ts";
import { connectTcp, ignoreError } from "#runtime/target/connect.ts";
import { Scheduler } from "#runtime/scheduler.ts";
import { disown } from "#runtime/socket-owner.ts";
import { TargetHandshake } from "#runtime/upgrade/target-handshake.ts";
import type { HandshakeResult, HandshakeSettings } from "#runtime/upgrade/target-handshake.ts";
import { fakeClock } from "../../../support/fake-clock.ts";
import { rawTarget, refusedPort } from "../../../support/raw-target.ts";
import type { TargetScript } from "../../../support/raw-target.ts";

const head = "GET /v1/ws HTTP/1.1\r\nHost: t\r\n\r\n";
const accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
const offer = { key: "dGhlIHNhbXBsZSBub25jZQ==", protocols: "chat", extensions: null };
const good = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  `Sec-WebSocket-Accept: ${accept}\r\n`;
const limits = { ...defaultLimits, interimResponsesMax: 2, refusalBodyBytesMax: 1000 };
const settings: Omit<HandshakeSettings, "scheduler"> = { limits, clock: systemClock, connectTimeoutMs: 5_000, ioTimeoutMs: 5_000,
  isTls: false };

function shake(socket: Socket,
  changes: Partial<HandshakeSettings> = {}): { handshake: TargetHandshake; result: Promise<HandshakeResult> } {
  const { promise, resolve, reject } = Promise.withResolvers<HandshakeResult>();
  let results = 0;
  const owner = {
    handshakeDone(result: HandshakeResult): void {
      results += 1;
      if (results > 1) reject(new Error("a second result"));
      resolve(result);
    },
  };
  const scheduler = new Scheduler(changes.clock ?? systemClock, { onClockStep: () => undefined });
  const all = { ...settings, scheduler, ...changes };
  return { handshake: new TargetHandshake(socket, head, offer, all, owner), result: promise };
}

function open(port: number): Socket {
  return connectTcp({ host: "127.0.0.1", port, tcpKeepAliveMs: 60_000 });
}

function listenersLeft(socket: Socket): readonly string[] {
  return ["connect", "secureConnect", "data", "end",
    "close"].filter((event) => socket.listenerCount(event) > (event === "end" ? 1 : 0));
}

/** One handshake with a target that runs `script`; the socket is gone afterwards, on both sides. */
async function resultOf(script: TargetScript, changes: Partial<HandshakeSettings> = {}): Promise<HandshakeResult> {
  await using target = await rawTarget(script);
  const socket = open(target.port);
  const result = await shake(socket, changes).result;
  expect(socket.listeners("error")).toContain(ignoreError);
  expect(socket.destroyed).toBe(result.kind === "failed");
  socket.destroy();
  await target.closed();
  return result;
}

const says = (text: string): TargetScript => (socket) => void socket.write(text, "latin1");

function failure(fault: string, detail: string): object {
  return { kind: "failed", fault: `messaging.adaptors.http.flow.${fault}`, detail };
}

describe("a verified 101", () => {
  test("is accepted with what came behind it, and the socket flows on, to be owned by another in the same turn", async () => {
    await using target = await rawTarget(says(`${good}Sec-WebSocket-Protocol: chat\r\nX-Room: 7\r\n\r\n\x81\x02hi`));
    const socket = open(target.port);
    const clock = fakeClock();
    const result = await shake(socket, { clock }).result;
    if (result.kind !== "accepted") return expect(result).toMatchObject({ kind: "accepted" });
    expect(result.agreement).toEqual({ accept, protocol: "chat", extensions: null });
    expect(result.head.headerLine("x-room")).toBe("7");
    expect(result.rest.toString("latin1")).toBe("\x81\x02hi");
    expect(result.socket).toBe(socket);
    expect(socket.isPaused()).toBe(false);
    // The control of the next line: the listeners are there until nobody owns the socket.
    expect(listenersLeft(socket)).toEqual(["data", "end", "close"]);
    disown(socket);
    expect(listenersLeft(socket)).toEqual([]);
    expect(socket.listeners("error")).toEqual([ignoreError]);
    expect(clock.timers).toBe(0);
    expect(target.received()).toBe(head);
    socket.destroy();
  });

  test("arrives byte by byte", async () => {
    const result = await resultOf((socket) => {
      socket.setNoDelay(true);
      const text = `${good}\r\n`;
      const next = (at: number): void => {
        if (at < text.length) socket.write(text.charAt(at), "latin1", () => setImmediate(next, at + 1));
      };
      next(0);
    });
    expect(result).toMatchObject({ kind: "accepted" });
  });

  test("comes after interim answers, which are consumed", async () => {
    const interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    const result = await resultOf(says(`${interim}${good}\r\n`));
    expect(result).toMatchObject({ kind: "accepted", rest: Buffer.alloc(0) });
  });

  test("followed at once by the target's end keeps that end for whoever takes the socket", async () => {
    await using target = await rawTarget((socket) => void socket.end(`${good}\r\n`));
    const socket = open(target.port);
    expect(await shake(socket).result).toMatchObject({ kind: "accepted" });
    await new Promise<void>((resolve) => socket.on("end", resolve).resume());
    socket.destroy();
  });

  test("can be had from the name localhost", async () => {
    await using target = await rawTarget(says(`${good}\r\n`));
    const socket = connectTcp({ host: "localhost", port: target.port, tcpKeepAliveMs: 60_000 });
    expect(await shake(socket).result).toMatchObject({ kind: "accepted" });
    socket.destroy();
  });

  test("on a socket that was connected before", async () => {
    await using target = await rawTarget(says(`${good}\r\n`));
    const socket = connect({ port: target.port, host: "127.0.0.1", allowHalfOpen: true }).on("error", ignoreError);
    await new Promise<void>((resolve) => socket.once("connect", resolve));
    expect(await shake(socket).result).toMatchObject({ kind: "accepted" });
    socket.destroy();
  });
});

describe("an ordinary answer", () => {
  test.each([
    ["200 with a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", { kind: "length", bytes: 5 }],
    ["200 with Upgrade lines, still no switch",
      `HTTP/1.1 200 OK\r\n${good.slice(good.indexOf("\n") + 1)}Content-Length: 5\r\n\r\nhello`,
      { kind: "length", bytes: 5 }],
    ["426 in chunks", "HTTP/1.1 426 Upgrade Required\r\nTransfer-Encoding: chunked\r\n\r\n", { kind: "chunked",
      bytes: null }],
    ["404 until the end", "HTTP/1.0 404 Not Found\r\n\r\n", { kind: "close", bytes: null }],
    ["204", "HTTP/1.1 204 No Content\r\n\r\n", { kind: "none", bytes: 0 }],
  ])("%s", async (_name, text, framing) => {
    const result = await resultOf(says(text));
    expect(result).toMatchObject({ kind: "answered", framing });
    expect(result.kind === "answered" && result.rest.toString()).toBe(text.slice(text.indexOf("\r\n\r\n") + 4));
  });
});

describe("a target that is not one", () => {
  const bad = "BadUpgradeResponse";
  test.each([
    ["a wrong Accept", good.replace(accept, accept.replace("s3", "t3")), bad, "101 has a wrong Sec-WebSocket-Accept"],
    ["no Accept", good.replace(/Sec-.*\r\n/, ""), bad, "101 has no Sec-WebSocket-Accept"],
    ["an unoffered subprotocol", `${good}Sec-WebSocket-Protocol: admin\r\n`, bad,
      "101 names a subprotocol that was not offered"],
    ["an unoffered extension", `${good}Sec-WebSocket-Extensions: permessage-deflate\r\n`, bad,
      "101 names an extension that was not offered"],
    ["a 101 to h2c", good.replace("websocket", "h2c"), bad, "101 does not upgrade to websocket"],
    ["a 101 without Connection", good.replace("Connection: Upgrade\r\n", ""), bad, "101 has no Connection: Upgrade"],
    ["a 101 with a length", `${good}Content-Length: 5\r\n`, bad, "101 announces a body"],
    ["a 101 in HTTP/1.0", good.replace("1.1", "1.0"), bad, "101 in HTTP/1.0"],
    ["too many interim answers", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(3), bad, "too many interim answers"],
    ["an interim answer with a length", "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n", bad,
      "interim answer announces a body"],
    ["nonsense", "SSH-2.0-OpenSSH_9.6\r\n", bad, "no HTTP/1 status line"],
    ["an endless head", `HTTP/1.1 101 x\r\nA: ${"b".repeat(20_000)}`, bad, "head is too large"],
    ["two framings", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n", bad,
      "answer has both Content-Length and Transfer-Encoding"],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n", bad,
      "answer has an invalid or repeated Content-Length"],
    ["an answer beyond the limit", "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n", bad,
      "answer is larger than what is relayed"],
  ])("answers %s", async (_name, text, fault, detail) => {
    expect(await resultOf(says(`${text}\r\n`))).toMatchObject(failure(fault, detail));
  });

  test.each<[string, TargetScript, string, string]>([
    ["ends before its answer", (socket) => void socket.end(), "UnexpectedEOFAtTarget", "target ended the connection"],
    ["ends inside its answer", (socket) => void socket.end("HTTP/1.1 101 Swi"), "UnexpectedEOFAtTarget",
      "target ended the connection"],
    ["resets", (socket) => void socket.resetAndDestroy(), "UnexpectedEOFAtTarget", "ECONNRESET"],
  ])("%s", async (_name, script, fault, detail) => {
    expect(await resultOf(script)).toMatchObject(failure(fault, detail));
  });

  test("refuses the connection", async () => {
    const socket = open(await refusedPort());
    expect(await shake(socket).result).toMatchObject(failure("ServiceUnavailable", "ECONNREFUSED"));
  });

  test("has no address", async () => {
    const socket = connectTcp({ host: "nowhere.invalid", port: 1, tcpKeepAliveMs: 60_000 });
    expect(await shake(socket).result).toMatchObject({ kind: "failed",
      fault: "messaging.adaptors.http.flow.ServiceUnavailable" });
  });
});

describe("deadlines", () => {
  test("no connection in time", async () => {
    const clock = fakeClock();
    const socket = open(await refusedPort());
    // What happens on the wire comes later than this: the clock alone decides.
    const { result } = shake(socket, { clock, connectTimeoutMs: 3_000 });
    clock.advance(2_999);
    expect(clock.timers).toBe(1);
    clock.advance(1);
    expect(await result).toMatchObject(failure("ServiceUnavailable", "no connection in time"));
    expect(socket.destroyed).toBe(true);
    expect(clock.timers).toBe(0);
  });

  test.each([
    ["longer than the connection's", 3_000, 55_000],
    ["shorter than the connection's", 30_000, 500],
  ])("no answer in time, which is %s", async (_name, connectTimeoutMs, ioTimeoutMs) => {
    const clock = fakeClock();
    const asked = Promise.withResolvers<void>();
    await using target = await rawTarget((socket) => {
      socket.write("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 10");
      asked.resolve();
    });
    const { result } = shake(open(target.port), { clock, connectTimeoutMs, ioTimeoutMs });
    await asked.promise;
    clock.advance(ioTimeoutMs - 1);
    expect(clock.timers).toBe(1);
    clock.advance(1);
    expect(await result).toMatchObject(failure("GatewayTimeout", "no answer in time"));
    expect(clock.timers).toBe(0);
    await target.closed();
  });
});

describe("abort", () => {
  test("before the connection stands", async () => {
    await using target = await rawTarget(says(`${good}\r\n`));
    const socket = open(target.port);
    const clock = fakeClock();
    const { handshake, result } = shake(socket, { clock });
    handshake.abort();
    handshake.abort();
    expect(socket.destroyed).toBe(true);
    expect(clock.timers).toBe(0);
    expect(await Promise.race([result, new Promise((resolve) => socket.on("close",
      () => resolve("silent")))])).toBe("silent");
    expect(target.received()).toBe("");
  });

  test("while the target thinks", async () => {
    const asked = Promise.withResolvers<void>();
    await using target = await rawTarget(() => asked.resolve());
    const { handshake, result } = shake(open(target.port));
    await asked.promise;
    handshake.abort();
    expect(await Promise.race([result, target.closed().then(() => "silent")])).toBe("silent");
  });

  test("afterwards changes nothing", async () => {
    await using target = await rawTarget(says(`${good}\r\n`));
    const socket = open(target.port);
    const { handshake, result } = shake(socket);
    await result;
    handshake.abort();
    expect(socket.destroyed).toBe(false);
    socket.destroy();
  });
});
