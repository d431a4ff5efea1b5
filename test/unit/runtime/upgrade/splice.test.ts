import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { defaultLimits } from "#runtime/limits.ts";
import { Backpressure } from "#runtime/upgrade/backpressure.ts";
import { closing, endless, frame, fromClient, fromTarget, MASK, readClose } from "../../../support/frames.ts";
import { fill, leftovers, NO_LEFTOVERS, spliced, turns, until } from "../../../support/spliced.ts";

const GRACE_MS = defaultLimits.closeGraceMs;
const CLOSE_MS = defaultLimits.closeTimeoutMs;
const HALF_CLOSE_MS = defaultLimits.halfCloseTimeoutMs;
const STALL_MS = defaultLimits.writeStallTimeoutMs;
describe("traffic", () => {
  test("passes both ways, heads first, and is counted", async () => {
    const clientHead = fromClient("early");
    const targetHead = fromTarget("hello");
    const session = await spliced({ clientHead, targetHead });
    session.client.write(fromClient("one"));
    session.client.write(frame({ opcode: 9, mask: MASK }));
    session.target.write(Buffer.concat([fromTarget("two"), fromTarget("three")]));
    const up = Buffer.concat([clientHead, fromClient("one"), frame({ opcode: 9, mask: MASK })]);
    const down = Buffer.concat([targetHead, fromTarget("two"), fromTarget("three")]);
    expect(await session.targetGot.received(up.length)).toEqual(up);
    expect(await session.clientGot.received(down.length)).toEqual(down);
    expect(session.splice.counters()).toEqual({
      bytesFromClient: up.length, bytesFromTarget: down.length, framesFromClient: 3, framesFromTarget: 3,
    });
    session.client.destroy();
    session.target.destroy();
    await session.ended();
  });

  test("uses the same listeners for every session and switches Nagle and socket timeouts off", async () => {
    const [one, two] = await Promise.all([spliced(), spliced()]);
    for (const event of ["data", "drain", "close", "error"]) {
      expect(one.clientSide.listeners(event)).toEqual(one.targetSide.listeners(event));
      expect(one.clientSide.listeners(event)).toEqual(two.clientSide.listeners(event));
      expect(one.clientSide.listenerCount(event)).toBe(1);
    }
    expect([one.clientSide.timeout, one.targetSide.timeout]).toEqual([0, 0]);
    // The control of every "nothing is left" below: all of it is there while the session lives.
    expect(leftovers(one)).toMatchObject({
      ends: 0, open: 2, listeners: [5, 5], flows: [expect.anything(), expect.anything()],
    });
    for (const session of [one, two]) session.client.destroy();
    for (const session of [one, two]) session.target.destroy();
    await Promise.all([one.ended(), two.ended()]);
  });

  test("keeps the time of the last byte", async () => {
    const session = await spliced();
    const startMs = session.clock.monotonicMs();
    expect(session.splice.lastActivityMs).toBe(startMs);
    session.clock.advance(500);
    session.client.write(fromClient("x"));
    await session.relayed("client", 7);
    expect(session.splice.lastActivityMs).toBe(startMs + 500);
    session.clock.advance(500);
    session.target.write(fromTarget("x"));
    await session.relayed("target", 3);
    expect(session.splice.lastActivityMs).toBe(startMs + 1_000);
    expect(session.splice.dueMs).toBe(Infinity);
    session.client.destroy();
    session.target.destroy();
    await session.ended();
  });
});

describe("a peer that does not read", () => {
  test.each([64 * 1024, 1024, 1024 * 1024])("is sent at most its buffer of %i and one chunk", async (bytesMax) => {
    const session = await spliced({ clientReads: false, settings: { spliceBufferBytesMax: bytesMax } });
    await fill(session);
    expect(session.clientSide.writableLength).toBeGreaterThan(0);
    expect(session.clientSide.writableLength).toBeLessThanOrEqual(bytesMax + 64 * 1024);
    expect(session.targetSide.isPaused()).toBe(true);
    session.client.destroy();
    session.target.destroy();
    await session.ended();
  });

  test.each([64 * 1024, 1024])("gets everything once it reads again (buffer %i)", async (bytesMax) => {
    const session = await spliced({ clientReads: false, settings: { spliceBufferBytesMax: bytesMax } });
    await fill(session);
    session.target.end(closing(1000, "", null));
    const hash = createHash("sha256");
    let size = 0;
    session.client.on("data", (chunk: Buffer) => {
      hash.update(chunk);
      size += chunk.length;
    });
    session.client.on("end", () => session.client.end());
    const end = await session.ended();
    expect(end).toMatchObject({ reason: "targetClosed", code: 1000, bytesFromTarget: size, forced: false });
    expect(size).toBeGreaterThan(bytesMax);
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("counts as back-pressure for as long as the other side is not read, also when it never reads again", async () => {
    const backpressure = new Backpressure();
    const session = await spliced({ clientReads: false, settings: { backpressure } });
    await fill(session);
    session.clock.advance(700);
    expect({ ...backpressure }).toEqual({ fromClientMs: 0, fromTargetMs: 0 });
    session.client.on("data", () => undefined);
    await until(() => backpressure.fromTargetMs > 0);
    expect({ ...backpressure }).toEqual({ fromClientMs: 0, fromTargetMs: 700 });
    session.client.pause();
    await fill(session);
    session.clock.advance(250);
    session.client.destroy();
    session.target.destroy();
    await session.ended();
    expect({ ...backpressure }).toEqual({ fromClientMs: 0, fromTargetMs: 950 });
  });

  test("whose queue lies between a small buffer and the socket's own mark is resumed too", async () => {
    const session = await spliced({ settings: { spliceBufferBytesMax: 4 } });
    session.clientSide.cork();
    session.target.write(fromTarget("held back"));
    await session.relayed("target", 11);
    expect([session.targetSide.isPaused(), session.clientSide.writableNeedDrain]).toEqual([true, false]);
    session.clientSide.uncork();
    expect(await session.clientGot.received(11)).toEqual(fromTarget("held back"));
    session.target.write(fromTarget("goes on"));
    await session.clientGot.received(20);
    session.client.destroy();
    session.target.destroy();
    await session.ended();
  });

  test("ends the session after writeStallTimeout, not before", async () => {
    const session = await spliced({ clientReads: false });
    await fill(session);
    session.pass(STALL_MS - 1);
    expect(session.closings).toEqual([]);
    session.pass(STALL_MS / 4 + 1);
    expect(session.closings).toEqual(["writeStall"]);
    session.pass(CLOSE_MS);
    const end = await session.ended();
    expect(end).toMatchObject({ reason: "writeStall", closedBy: "gateway", forced: true });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("is not cut while it takes a little now and then", async () => {
    const session = await spliced({ clientReads: false });
    await fill(session);
    for (let i = 0; i < 8; i += 1) {
      session.pass(STALL_MS / 2);
      const before = session.splice.counters().bytesFromTarget;
      session.client.resume();
      await until(() => session.splice.counters().bytesFromTarget > before);
      session.client.pause();
      await fill(session);
    }
    expect(session.closings).toEqual([]);
    session.client.destroy();
    session.target.destroy();
    await session.ended();
  });

  test("is not cut while its queue grows shorter without ever being empty", async () => {
    const session = await spliced({ clientReads: false, settings: { spliceBufferBytesMax: 16 * 1024 * 1024 } });
    await fill(session);
    const before = session.clientSide.writableLength;
    session.pass(STALL_MS / 2);
    session.client.resume();
    await until(() => session.clientSide.writableLength < before);
    session.client.pause();
    await turns(20);
    expect(session.clientSide.writableLength).toBeGreaterThan(0);
    session.pass(STALL_MS * 0.9);
    expect(session.closings).toEqual([]);
    session.pass(STALL_MS);
    expect(session.closings).toEqual(["writeStall"]);
    session.client.destroy();
    session.target.destroy();
    await session.ended();
  });

  test("cannot outlive its revocation", async () => {
    const session = await spliced({ clientReads: false });
    await fill(session);
    session.splice.end("tokenRevoked", 3003, "token revoked");
    session.pass(CLOSE_MS);
    expect(await session.ended()).toMatchObject({ reason: "tokenRevoked", forced: true });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });
});

describe("a close by the peers", () => {
  test("client first: frames pass untouched, FINs travel on, the record names the client", async () => {
    const session = await spliced();
    const bye = closing(4001, "done here", MASK);
    session.client.write(Buffer.concat([fromClient("last"), bye]));
    const up = Buffer.concat([fromClient("last"), bye]);
    expect(await session.targetGot.received(up.length)).toEqual(up);
    const answer = closing(4001, "", null);
    session.target.end(Buffer.concat([fromTarget("still flowing"), answer]));
    expect(await session.clientGot.end()).toEqual(Buffer.concat([fromTarget("still flowing"), answer]));
    session.client.end();
    expect(await session.ended()).toEqual({
      reason: "clientClosed", closedBy: "client", code: 4001, text: "done here", forced: false,
      bytesFromClient: up.length, framesFromClient: 2,
      bytesFromTarget: fromTarget("still flowing").length + answer.length, framesFromTarget: 2,
    });
    expect(session.closings).toEqual(["clientClosed"]);
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test.each([[1001, "moving"], [null, ""]])("target first with code %s", async (code, text) => {
    const session = await spliced();
    session.target.write(closing(code, text, null));
    await session.clientGot.received(2);
    session.client.write(closing(code, "", MASK));
    await session.targetGot.received(6);
    session.target.end();
    await session.clientGot.end();
    session.client.end();
    expect(await session.ended()).toMatchObject({
      reason: "targetClosed", closedBy: "target", code: code ?? 1005, text, forced: false,
    });
    expect([session.clientGot.error, session.targetGot.error]).toEqual([null, null]);
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("nothing behind a close frame passes or counts", async () => {
    const session = await spliced();
    const bye = closing(1000, "", MASK);
    session.client.write(Buffer.concat([bye, fromClient("too late")]));
    session.client.end(fromClient("later still"));
    expect(await session.targetGot.end()).toEqual(bye);
    session.target.end();
    expect(await session.ended()).toMatchObject({ bytesFromClient: bye.length, framesFromClient: 1 });
  });

  test("a connection that breaks after the close frame changes nothing in the record", async () => {
    const session = await spliced();
    session.client.write(closing(1000, "", MASK));
    await session.targetGot.received(8);
    session.client.resetAndDestroy();
    await session.targetGot.end();
    session.target.end();
    expect(await session.ended()).toMatchObject({ reason: "clientClosed", closedBy: "client", code: 1000 });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("a client whose close frame nobody answers gets the gateway's answer after halfCloseTimeout", async () => {
    const session = await spliced();
    session.client.write(closing(4001, "bye", MASK));
    await session.targetGot.received(11);
    session.pass(HALF_CLOSE_MS - 1);
    await turns(5);
    expect(session.clientGot.bytes).toHaveLength(0);
    session.pass(1);
    expect(readClose(await session.clientGot.end())).toEqual({ masked: false, code: 4001, text: "bye" });
    session.client.end();
    await session.targetGot.end();
    session.pass(CLOSE_MS);
    expect(await session.ended()).toMatchObject({ reason: "clientClosed", code: 4001, text: "bye" });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("a bare FIN of the client passes after its bytes, and the target may finish", async () => {
    const session = await spliced();
    session.client.end(fromClient("question"));
    expect(await session.targetGot.end()).toEqual(fromClient("question"));
    session.target.write(fromTarget("answer"));
    expect(await session.clientGot.received(8)).toEqual(fromTarget("answer"));
    session.target.end();
    expect(await session.ended()).toMatchObject({
      reason: "clientClosed", closedBy: "client", code: 1006, forced: false,
    });
    expect(session.clientGot.bytes).toEqual(fromTarget("answer"));
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("half-closed longer than halfCloseTimeout, it is the gateway's to end", async () => {
    const session = await spliced();
    session.client.end();
    await session.targetGot.end();
    session.pass(HALF_CLOSE_MS - 1);
    expect(session.closings).toEqual([]);
    session.pass(1);
    expect(session.closings).toEqual(["halfClose"]);
    expect(readClose(await session.clientGot.end())).toEqual({
      masked: false, code: 3008, text: "half-closed too long",
    });
    session.pass(CLOSE_MS);
    expect(await session.ended()).toMatchObject({ reason: "halfClose", closedBy: "gateway", code: 3008 });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("a half-closed client can still be ended for another reason", async () => {
    const session = await spliced();
    session.client.end();
    await session.targetGot.end();
    session.splice.end("tokenExpired", 3000, "token expired");
    expect(readClose(await session.clientGot.end()).code).toBe(3000);
    session.target.end();
    expect(await session.ended()).toMatchObject({
      reason: "tokenExpired", closedBy: "gateway", code: 3000, forced: false,
    });
  });
});

describe("a lost peer", () => {
  test.each(["FIN", "reset"])("target gone by %s: the client is told 1014 and its answer ends it", async (how) => {
    const session = await spliced();
    session.target.write(fromTarget("before"));
    await session.clientGot.received(8);
    if (how === "FIN") session.target.end();
    else session.target.resetAndDestroy();
    const bytes = await session.clientGot.received(8 + 15);
    expect(readClose(bytes.subarray(8))).toEqual({ masked: false, code: 1014, text: "target lost" });
    session.client.write(closing(1014, "", MASK));
    await session.clientGot.end();
    session.client.end();
    if (how === "FIN") expect(readClose(await session.targetGot.end())).toMatchObject({ masked: true, code: 1001 });
    expect(await session.ended()).toMatchObject({
      reason: "targetLost", closedBy: "target", code: 1014, text: "target lost", forced: false, bytesFromTarget: 8,
    });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("target gone inside a frame: the client gets no close frame but a reset after closeGrace", async () => {
    const session = await spliced();
    session.target.write(endless(null));
    await session.relayed("target", 1_010);
    session.target.resetAndDestroy();
    await until(() => session.closings.length > 0);
    session.pass(GRACE_MS - 1);
    await turns(5);
    expect(session.clientGot.error).toBeNull();
    session.pass(1);
    await session.clientGot.closed();
    expect(session.clientGot.error).toBe("ECONNRESET");
    expect(await session.ended()).toMatchObject({
      reason: "targetLost", closedBy: "target", code: 1006, text: "", forced: true,
    });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("client gone: the target gets a masked 1001 and FIN", async () => {
    const session = await spliced();
    session.client.write(fromClient("before"));
    await session.targetGot.received(12);
    session.client.resetAndDestroy();
    const bytes = await session.targetGot.end();
    expect(readClose(bytes.subarray(12))).toEqual({ masked: true, code: 1001, text: "" });
    session.target.write(fromTarget("nobody hears this"));
    session.target.end();
    expect(await session.ended()).toMatchObject({
      reason: "clientLost", closedBy: "client", code: 1006, forced: false,
    });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("client gone inside a frame: the target is reset", async () => {
    const session = await spliced();
    session.client.write(endless(MASK));
    await session.relayed("client", 1_014);
    session.client.resetAndDestroy();
    await session.targetGot.closed();
    expect(session.targetGot.error).toBe("ECONNRESET");
    expect(await session.ended()).toMatchObject({ reason: "clientLost", closedBy: "client", code: 1006, forced: true });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("a target that ignores the end of a lost client is gone after closeTimeout", async () => {
    const session = await spliced();
    session.client.resetAndDestroy();
    await session.targetGot.end();
    expect(session.ends).toEqual([]);
    session.pass(CLOSE_MS);
    // It was told and took it; that it lingers does not make the end a forced one.
    expect(await session.ended()).toMatchObject({ reason: "clientLost", forced: false });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("both at once give one end", async () => {
    const session = await spliced();
    session.client.resetAndDestroy();
    session.target.resetAndDestroy();
    await session.ended();
    await turns(5);
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("gone before open: still exactly one end", async () => {
    for (const gone of [["clientSide"], ["targetSide"], ["clientSide", "targetSide"]] as const) {
      const session = await spliced({
        targetHead: fromTarget("head"),
        beforeOpen: (sides) => {
          for (const side of gone) sides[side].destroy();
        },
      });
      session.client.end();
      session.target.end();
      const end = await session.ended();
      expect(end.reason).toBe(gone[0] === "clientSide" ? "clientLost" : "targetLost");
      await turns(5);
      expect(session.ends).toHaveLength(1);
    }
  });
});

describe("bytes that are no frames", () => {
  test("from the client: what came before passes, then both are closed", async () => {
    const session = await spliced();
    session.client.write(Buffer.concat([fromClient("good"), Buffer.from("GET / HTTP/1.1\r\n\r\n")]));
    const up = await session.targetGot.end();
    expect(up.subarray(0, 10)).toEqual(fromClient("good"));
    expect(readClose(up.subarray(10))).toEqual({ masked: true, code: 1001, text: "protocol error" });
    expect(readClose(await session.clientGot.end())).toEqual({ masked: false, code: 1002, text: "protocol error" });
    session.client.end();
    session.target.end();
    expect(await session.ended()).toMatchObject({
      reason: "protocolError", closedBy: "gateway", code: 1002, forced: false, bytesFromClient: 10, framesFromClient: 1,
    });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("from the target: masked frames are refused", async () => {
    const session = await spliced();
    session.target.write(Buffer.concat([fromTarget("good"), fromClient("masked")]));
    const down = await session.clientGot.received(6 + 18);
    expect(readClose(down.subarray(6))).toMatchObject({ code: 1002 });
    session.client.end(closing(1002, "", MASK));
    session.target.end();
    expect(await session.ended()).toMatchObject({ reason: "protocolError", bytesFromTarget: 6 });
  });

  test("a reserved code in a close frame is not passed on", async () => {
    const session = await spliced();
    session.target.write(closing(1006, "", null));
    expect(readClose(await session.clientGot.received(18)).code).toBe(1002);
    session.client.end();
    session.target.end();
    expect(await session.ended()).toMatchObject({ reason: "protocolError", bytesFromTarget: 0 });
  });
});
