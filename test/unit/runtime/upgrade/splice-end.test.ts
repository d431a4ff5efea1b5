import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import { defaultLimits } from "#runtime/limits.ts";
import { closing, endless, frame, fromClient, fromTarget, MASK, readClose } from "../../../support/frames.ts";
import { securePair } from "../../../support/socket-pair.ts";
import { fill, leftovers, NO_LEFTOVERS, spliced, turns, until } from "../../../support/spliced.ts";

const GRACE_MS = defaultLimits.closeGraceMs;
const CLOSE_MS = defaultLimits.closeTimeoutMs;
/** A masked close frame whose text is "service restart". */
const TARGET_CLOSE_BYTES = 2 + 4 + 2 + 15;

describe("an end that cuts traffic", () => {
  test("at boundaries: a close frame to each, and no later byte in either direction", async () => {
    const session = await spliced();
    session.client.write(fromClient("hello"));
    session.target.write(fromTarget("hello"));
    await session.targetGot.received(11);
    await session.clientGot.received(7);
    session.splice.end("tokenExpired", 3000, "token expired");
    session.client.write(fromClient("too late"));
    session.target.write(fromTarget("too late"));
    const down = await session.clientGot.received(7 + 17);
    expect(readClose(down.subarray(7))).toEqual({ masked: false, code: 3000, text: "token expired" });
    const up = await session.targetGot.end();
    expect(readClose(up.subarray(11))).toEqual({ masked: true, code: 1001, text: "token expired" });
    await turns(10);
    expect(session.clientGot.finished).toBe(false);
    session.client.write(closing(3000, "", MASK));
    expect(await session.clientGot.end()).toHaveLength(7 + 17);
    session.client.end();
    session.target.end();
    expect(await session.ended()).toEqual({
      reason: "tokenExpired", closedBy: "gateway", code: 3000, text: "token expired", forced: false,
      bytesFromClient: 11, bytesFromTarget: 7, framesFromClient: 1, framesFromTarget: 1,
    });
    expect(session.closings).toEqual(["tokenExpired"]);
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("a frame of 2^40 bytes from the target in flight: reset of the client after closeGrace, forced", async () => {
    const session = await spliced();
    session.target.write(endless(null));
    await session.clientGot.received(1_010);
    session.splice.end("tokenRevoked", 3003, "token revoked");
    session.target.write(Buffer.alloc(5_000, "y"));
    expect(readClose(await session.targetGot.end()).code).toBe(1001);
    session.pass(GRACE_MS - 1);
    await turns(5);
    expect([session.clientGot.error, session.clientGot.bytes.length]).toEqual([null, 1_010]);
    session.pass(1);
    await session.clientGot.closed();
    expect([session.clientGot.error, session.clientGot.bytes.length]).toEqual(["ECONNRESET", 1_010]);
    session.target.destroy();
    expect(await session.ended()).toMatchObject({
      reason: "tokenRevoked", closedBy: "gateway", code: 1006, text: "", forced: true, bytesFromTarget: 1_010,
    });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("a frame of 2^40 bytes from the client in flight: the target is reset at once, the client told", async () => {
    const session = await spliced();
    session.client.write(endless(MASK));
    await session.targetGot.received(1_014);
    session.splice.end("tokenRevoked", 3003, "token revoked");
    const sending = Buffer.alloc(100_000, "y");
    session.client.write(sending);
    await session.targetGot.closed();
    expect([session.targetGot.error, session.targetGot.bytes.length]).toEqual(["ECONNRESET", 1_014]);
    expect(readClose(await session.clientGot.received(17)).code).toBe(3003);
    // It never gets to an answer: its frame has no end.
    session.pass(CLOSE_MS - 1);
    expect(session.ends).toEqual([]);
    session.pass(1);
    expect(await session.ended()).toMatchObject({
      reason: "tokenRevoked", code: 3003, forced: true, bytesFromClient: 1_014,
    });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("what the gateway holds already completes the frame in flight", async () => {
    const session = await spliced({ clientReads: false });
    const large = frame({ opcode: 2, payload: Buffer.alloc(10_000, "x") });
    await fill(session, large);
    // While its source is paused, the rest of the frame lies in the gateway's read buffer.
    expect(session.splice.counters().bytesFromTarget % large.length).toBeGreaterThan(0);
    expect(session.targetSide.readableLength).toBeGreaterThan(large.length);
    session.splice.end("tokenRevoked", 3003, "token revoked");
    const got: Buffer[] = [];
    session.client.on("data", (chunk: Buffer) => got.push(chunk));
    const close = Buffer.concat([Buffer.from([0x88, 15, 0x0b, 0xbb]), Buffer.from("token revoked")]);
    await until(() => Buffer.concat(got).subarray(-close.length).equals(close));
    const relayed = Buffer.concat(got).length - close.length;
    expect(relayed % large.length).toBe(0);
    session.client.end(closing(3003, "", MASK));
    session.target.destroy();
    expect(await session.ended()).toMatchObject({ code: 3003, forced: false, bytesFromTarget: relayed });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("a client that never answers is gone after closeTimeout", async () => {
    const session = await spliced();
    session.splice.end("accessRevoked", 3003, "access revoked");
    await session.clientGot.received(18);
    session.pass(CLOSE_MS - 1);
    await turns(5);
    expect(session.clientSide.destroyed).toBe(false);
    session.pass(1);
    expect(await session.ended()).toMatchObject({ reason: "accessRevoked", code: 3003, forced: true });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("a peer that keeps sending cannot outlive it", async () => {
    const session = await spliced();
    session.splice.end("ended", 3003, "x");
    const flood = setInterval(() => {
      const payload = Buffer.alloc(50_000);
      if (session.client.writableLength === 0) session.client.write(frame({ opcode: 2, payload, mask: MASK }));
      if (session.target.writableLength === 0) session.target.write(frame({ opcode: 2, payload }));
    }, 0);
    await session.clientGot.received(5);
    session.pass(CLOSE_MS);
    const end = await session.ended();
    clearInterval(flood);
    expect(end).toMatchObject({ bytesFromClient: 0, bytesFromTarget: 0 });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("text that is too long is cut at a character", async () => {
    const session = await spliced();
    session.splice.end("ended", 4000, "ü".repeat(100));
    const { text } = readClose(await session.clientGot.received(126));
    expect(text).toBe("ü".repeat(61));
    session.client.end();
    session.target.end();
    expect(await session.ended()).toMatchObject({ code: 4000, text });
  });
});

describe("an end that lets the frame in flight finish", () => {
  const halves = (mask: Buffer | null): [Buffer, Buffer] => {
    const whole = frame({ opcode: 1, payload: Buffer.alloc(2_000, "z"), mask });
    return [whole.subarray(0, 1_234), whole.subarray(1_234)];
  };

  test("relays up to the boundary in each direction, then the close frames", async () => {
    const session = await spliced();
    const [upFirst, upRest] = halves(MASK);
    const [downFirst, downRest] = halves(null);
    session.client.write(upFirst);
    session.target.write(downFirst);
    await session.relayed("client", upFirst.length);
    await session.relayed("target", downFirst.length);
    session.splice.end("drain", 1012, "service restart");
    session.client.write(Buffer.concat([upRest, fromClient("too late")]));
    session.target.write(Buffer.concat([downRest, fromTarget("too late")]));
    const up = await session.targetGot.end();
    const upSize = upFirst.length + upRest.length;
    expect(up.subarray(0, upSize)).toEqual(Buffer.concat([upFirst, upRest]));
    expect(readClose(up.subarray(upSize))).toEqual({ masked: true, code: 1001, text: "service restart" });
    expect(up).toHaveLength(upSize + TARGET_CLOSE_BYTES);
    const downSize = downFirst.length + downRest.length;
    const down = await session.clientGot.received(downSize + 19);
    expect(down.subarray(0, downSize)).toEqual(Buffer.concat([downFirst, downRest]));
    expect(readClose(down.subarray(downSize)).code).toBe(1012);
    session.client.end(closing(1012, "", MASK));
    session.target.end();
    expect(await session.ended()).toMatchObject({
      reason: "drain", code: 1012, forced: false, framesFromClient: 1, framesFromTarget: 1,
      bytesFromClient: upSize, bytesFromTarget: downSize,
    });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("a client that closes behind its last frame has answered already", async () => {
    const session = await spliced();
    const [first, rest] = halves(MASK);
    session.client.write(first);
    await session.relayed("client", first.length);
    session.splice.end("idle", 3008, "idle timeout");
    session.client.write(Buffer.concat([rest, closing(1000, "", MASK)]));
    expect(readClose(await session.clientGot.end()).code).toBe(3008);
    session.client.end();
    await session.targetGot.end();
    session.target.end();
    expect(await session.ended()).toMatchObject({ reason: "idle", code: 3008, forced: false });
  });

  test("a boundary that does not come within closeGrace: both are reset, forced", async () => {
    const session = await spliced();
    session.client.write(endless(MASK));
    session.target.write(endless(null));
    await session.relayed("client", 1_014);
    await session.relayed("target", 1_010);
    session.splice.end("lifetime", 3008, "maximum duration reached");
    session.client.write(Buffer.alloc(100, "y"));
    await session.relayed("client", 1_114);
    session.pass(GRACE_MS);
    await Promise.all([session.clientGot.closed(), session.targetGot.closed()]);
    expect([session.clientGot.error, session.targetGot.error]).toEqual(["ECONNRESET", "ECONNRESET"]);
    expect(await session.ended()).toMatchObject({ reason: "lifetime", code: 1006, text: "", forced: true });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("is cut short when a revocation follows; the first reason stands", async () => {
    const session = await spliced();
    const [first, rest] = halves(MASK);
    session.client.write(first);
    await session.relayed("client", first.length);
    session.splice.end("drain", 1012, "service restart");
    session.splice.end("tokenRevoked", 3003, "token revoked");
    session.client.write(rest);
    await session.targetGot.closed();
    expect([session.targetGot.error, session.targetGot.bytes.length]).toEqual(["ECONNRESET", first.length]);
    session.client.end(closing(1012, "", MASK));
    expect(await session.ended()).toMatchObject({ reason: "drain", code: 1012, forced: true });
    expect(session.closings).toEqual(["drain"]);
  });
});

describe("a peer that leaves while the gateway ends the session", () => {
  test("lets the other be read on to its end, although it was held back", async () => {
    const session = await spliced({ clientReads: false });
    await fill(session);
    session.splice.end("drain", 1012, "service restart");
    expect(readClose(await session.targetGot.end())).toMatchObject({ masked: true, code: 1001 });
    const { bytesFromTarget } = session.splice.counters();
    session.client.resetAndDestroy();
    session.target.end();
    // No time passes: what the target had still to send, and its FIN, must be read for this.
    expect(await session.ended()).toMatchObject({ reason: "drain", bytesFromTarget });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });
});

describe("over TLS", () => {
  const connect = securePair;

  test("bytes pass, peers close by themselves", async () => {
    const session = await spliced({ connect, targetHead: fromTarget("head") });
    session.client.write(Buffer.concat([fromClient("hello"), closing(1000, "bye", MASK)]));
    await session.targetGot.received(11 + 11);
    session.target.end(closing(1000, "bye", null));
    expect(await session.clientGot.end()).toEqual(Buffer.concat([fromTarget("head"), closing(1000, "bye", null)]));
    session.client.end();
    expect(await session.ended()).toMatchObject({
      reason: "clientClosed", code: 1000, forced: false, bytesFromClient: 22,
    });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("an end at boundaries gives both a close frame", async () => {
    const session = await spliced({ connect });
    session.splice.end("tokenRevoked", 3003, "token revoked");
    session.target.write(fromTarget("too late"));
    expect(readClose(await session.clientGot.received(17)).code).toBe(3003);
    expect(readClose(await session.targetGot.end()).code).toBe(1001);
    session.client.write(closing(3003, "", MASK));
    await session.clientGot.end();
    session.client.end();
    session.target.end();
    expect(await session.ended()).toMatchObject({
      reason: "tokenRevoked", code: 3003, forced: false, bytesFromTarget: 0,
    });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("an end inside frames breaks both connections off", async () => {
    const session = await spliced({ connect });
    session.client.write(endless(MASK));
    session.target.write(endless(null));
    await Promise.all([session.targetGot.received(1_014), session.clientGot.received(1_010)]);
    session.splice.end("tokenRevoked", 3003, "token revoked");
    // TLS has no reset: the peers see the connection end without a closing alert.
    await until(() => session.targetGot.finished || session.targetGot.error !== null);
    session.pass(GRACE_MS);
    await until(() => session.clientGot.finished || session.clientGot.error !== null);
    expect([session.clientGot.bytes.length, session.targetGot.bytes.length]).toEqual([1_010, 1_014]);
    expect(await session.ended()).toMatchObject({ reason: "tokenRevoked", code: 1006, forced: true });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("a peer that does not read is gone after closeTimeout", async () => {
    const session = await spliced({ connect, clientReads: false });
    await fill(session);
    session.splice.end("tokenRevoked", 3003, "token revoked");
    session.pass(CLOSE_MS);
    expect(await session.ended()).toMatchObject({ reason: "tokenRevoked", forced: true });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });
});

describe("end() at any moment", () => {
  test("twice: the first wins", async () => {
    const session = await spliced();
    session.splice.end("idle", 3008, "idle timeout");
    session.splice.end("drain", 1012, "service restart");
    session.splice.end("ended", 3003, "ended by the operator");
    expect(readClose(await session.clientGot.received(16)).code).toBe(3008);
    session.client.end();
    session.target.end();
    expect(await session.ended()).toMatchObject({ reason: "idle", code: 3008 });
    session.splice.end("ended", 3003, "after the end");
    session.splice.check(session.clock.monotonicMs() + 1_000_000);
    await turns(5);
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("after a peer's close frame: the peer stays the closer, but nothing more passes", async () => {
    const session = await spliced();
    session.client.write(closing(1000, "bye", MASK));
    await session.targetGot.received(11);
    session.splice.end("tokenRevoked", 3003, "token revoked");
    session.target.write(fromTarget("too late"));
    expect(readClose(await session.clientGot.end())).toEqual({ masked: false, code: 1000, text: "bye" });
    expect(await session.targetGot.end()).toHaveLength(11);
    session.client.end();
    session.target.end();
    expect(await session.ended()).toMatchObject({
      reason: "clientClosed", closedBy: "client", code: 1000, text: "bye",
    });
  });

  test("between construction and open: the heads do not pass", async () => {
    const session = await spliced({
      clientHead: fromClient("early"),
      targetHead: fromTarget("early"),
      beforeOpen: ({ splice }) => splice.end("tokenRevoked", 3003, "token revoked"),
    });
    expect(readClose(await session.clientGot.received(17)).code).toBe(3003);
    expect(readClose(await session.targetGot.end()).code).toBe(1001);
    session.client.end();
    session.target.end();
    expect(await session.ended()).toMatchObject({ bytesFromClient: 0, bytesFromTarget: 0, forced: false });
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
  });

  test("a route's own code and text are used for what the splice finds itself", async () => {
    const session = await spliced({ settings: { closes: { targetLost: { code: 4502, text: "chat is down" } } } });
    session.target.end();
    expect(readClose(await session.clientGot.received(16))).toEqual({
      masked: false, code: 4502, text: "chat is down",
    });
    session.client.end();
    expect(await session.ended()).toMatchObject({ reason: "targetLost", code: 4502, text: "chat is down" });
  });
});
