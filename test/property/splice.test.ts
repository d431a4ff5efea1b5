/** What must hold of the splice for any bytes, any split of them and any order of events. */
import { Buffer } from "node:buffer";
import { expect, test } from "vitest";
import fc from "fast-check";
import type { CloseReasonId } from "#runtime/upgrade/close-reason.ts";
import { closeReasons } from "#runtime/upgrade/close-reason.ts";
import { FRAMES_INVALID, FRAMES_OPEN, FrameBoundary } from "#runtime/upgrade/frame-boundary.ts";
import { closing, frame, MASK, wholeFrames } from "../support/frames.ts";
import { leftovers, NO_LEFTOVERS, spliced, turns, until } from "../support/spliced.ts";
import type { Spliced } from "../support/spliced.ts";

const sizes = fc.oneof(
  fc.nat(200),
  fc.constantFrom(0, 1, 125, 126, 127, 128, 255, 256, 65_535, 65_536, 65_537),
  fc.integer({ min: 0, max: 70_000 }),
);

interface Sent {
  readonly opcode: number;
  readonly fin: boolean;
  readonly size: number;
  readonly reserved: number;
}

const sentFrame: fc.Arbitrary<Sent> = fc.oneof(
  fc.record({ opcode: fc.constantFrom(0, 1, 2), fin: fc.boolean(), size: sizes, reserved: fc.nat(7) }),
  fc.record({ opcode: fc.constantFrom(9, 10), fin: fc.constant(true), size: fc.nat(125), reserved: fc.nat(7) }),
);

const text = fc.string({ unit: "grapheme", maxLength: 30 });
const ending = fc.oneof(
  fc.constant(null),
  fc.record({ code: fc.constantFrom(null, 1000, 1001, 3000, 4999), text }),
);

function bytesOf({ opcode, fin, size, reserved }: Sent, mask: Buffer | null): Buffer {
  return frame({ opcode, fin, reserved, payload: Buffer.alloc(size, opcode + 1), mask });
}

/** Cuts bytes at the given places, which are taken modulo the length. */
function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((one, two) => one - two);
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length));
}

/** Everything a direction's tracker can tell after these chunks. */
function followed(chunks: readonly Buffer[], masked: boolean): { readonly passed: number } {
  const frames = new FrameBoundary(masked);
  let passed = 0;
  for (const chunk of chunks) passed += frames.track(chunk) === FRAMES_OPEN ? chunk.length : frames.passed;
  const { status, atBoundary, insideMessage, payloadLeft, close, dataFrames, controlFrames } = frames;
  const state = { passed, status, atBoundary, insideMessage, payloadLeft, close, dataFrames, controlFrames };
  return state;
}

test("any split of the same bytes gives the same frames, boundary and close", () => {
  fc.assert(fc.property(
    fc.boolean(), fc.array(sentFrame, { maxLength: 8 }), ending, fc.array(fc.nat(), { maxLength: 40 }), fc.nat(),
    (masked, sent, last, cuts, keep) => {
      const mask = masked ? MASK : null;
      const parts = sent.map((one) => bytesOf(one, mask));
      if (last !== null) parts.push(closing(last.code, last.code === null ? "" : last.text, mask));
      const whole = Buffer.concat(parts);
      // Often only a part of it has come so far.
      const bytes = keep % 2 === 0 ? whole : whole.subarray(0, keep % (whole.length + 1));
      const atOnce = followed([bytes], masked);
      expect(followed(split(bytes, cuts), masked)).toEqual(atOnce);
      if (bytes.length < 2_000) expect(followed([...bytes].map((byte) => Buffer.from([byte])), masked)).toEqual(atOnce);
      if (bytes === whole && last === null) {
        const controls = sent.filter(({ opcode }) => opcode > 8).length;
        expect(atOnce).toMatchObject({
          passed: bytes.length, atBoundary: true, controlFrames: controls, dataFrames: sent.length - controls,
        });
      }
    },
  ), { numRuns: 400 });
});

test("any split of bytes that turn bad lets pass no more than whole frames and the bytes before the bad one", () => {
  fc.assert(fc.property(
    fc.boolean(), fc.array(sentFrame, { maxLength: 4 }), fc.uint8Array({ minLength: 20, maxLength: 60 }),
    fc.array(fc.nat(), { maxLength: 20 }),
    (masked, sent, noise, cuts) => {
      const good = Buffer.concat(sent.map((one) => bytesOf(one, masked ? MASK : null)));
      const bytes = Buffer.concat([good, Buffer.from([0x87]), noise]);
      const expected = { passed: good.length, atBoundary: true, status: FRAMES_INVALID };
      expect(followed([bytes], masked)).toMatchObject(expected);
      const { passed } = followed(split(bytes, cuts), masked);
      // At most the first byte of the bad header went out before the second showed what it is.
      expect([good.length, good.length + 1]).toContain(passed);
    },
  ), { numRuns: 200 });
});

test("the first boundary is where the frame in flight ends, whatever came before", () => {
  const some = fc.array(sentFrame, { minLength: 1, maxLength: 5 });
  fc.assert(fc.property(fc.boolean(), some, fc.nat(), (masked, sent, at) => {
    const parts = sent.map((one) => bytesOf(one, masked ? MASK : null));
    const bytes = Buffer.concat(parts);
    const cut = at % bytes.length;
    const frames = new FrameBoundary(masked);
    frames.track(bytes.subarray(0, cut));
    frames.trackToBoundary(bytes.subarray(cut));
    let boundary = 0;
    for (const part of parts) if (boundary < cut) boundary += part.length;
    expect([cut + frames.passed, frames.atBoundary]).toEqual([boundary, true]);
  }), { numRuns: 300 });
});

const reasons = Object.keys(closeReasons).filter((reason): reason is CloseReasonId => reason in closeReasons);
const side = fc.constantFrom("client" as const, "target" as const);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("send" as const), side, frame: sentFrame, keep: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("close" as const), side }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("fin" as const), side }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reset" as const), side }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("endless" as const), side }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("stopReading" as const), side }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("garbage" as const), side }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("end" as const), reason: fc.constantFrom(...reasons) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.constantFrom(1, 500, 1_000, 30_000) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("turn" as const), count: fc.integer({ min: 1, max: 5 }) }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

class Peers {
  readonly session: Spliced;
  readonly sent: Record<"client" | "target", Buffer[]> = { client: [], target: [] };

  constructor(session: Spliced) {
    this.session = session;
  }

  async act(action: Step): Promise<void> {
    const { session } = this;
    if (action.do === "turn") return turns(action.count);
    if (action.do === "pass") return session.pass(action.ms);
    if (action.do === "end") return session.splice.end(action.reason, closeReasons[action.reason].code, "why");
    const socket = session[action.side];
    const mask = action.side === "client" ? MASK : null;
    if (action.do === "fin") socket.end();
    else if (action.do === "reset") reset(socket);
    else if (action.do === "stopReading") socket.pause();
    else if (action.do === "close") this.send(action.side, closing(1000, "bye", mask));
    else if (action.do === "garbage") this.send(action.side, Buffer.from([0x87, 0x87, 0x87]));
    else if (action.do === "endless") this.send(action.side, frame({ opcode: 2, mask, length: 2 ** 40 }));
    else {
      const bytes = bytesOf(action.frame, mask);
      this.send(action.side, action.keep % 4 === 0 ? bytes.subarray(0, action.keep % bytes.length) : bytes);
    }
  }

  send(from: "client" | "target", bytes: Buffer): void {
    const socket = this.session[from];
    if (socket.destroyed || socket.writableEnded || socket.writableLength > 1_000_000) return;
    socket.write(bytes);
    this.sent[from].push(bytes);
  }
}

function reset(socket: Spliced["client"]): void {
  if (!socket.destroyed && !socket.writableEnded) socket.resetAndDestroy();
}

/** `got` may hold a prefix of what the other side sent, and behind it at most one close frame of the gateway's. */
function expectOnlyRelayed(got: Buffer, sent: Buffer, relayed: number): void {
  const prefix = Math.min(relayed, got.length);
  expect(got.subarray(0, prefix).equals(sent.subarray(0, prefix))).toBe(true);
  if (got.length === prefix) return;
  const { ends, close } = wholeFrames(got);
  const isBehindFrame = prefix === 0 || ends.includes(prefix);
  expect([close?.at, close?.end, isBehindFrame]).toEqual([prefix, got.length, true]);
}

/** TCP handles that this process holds. */
function connections(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === "TCPSocketWrap").length;
}

test("any order of traffic, FINs, resets, ends and time: one end, nothing left, nothing invented", async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
    const session = await spliced();
    expect(connections()).toBe(4);
    const peers = new Peers(session);
    for (const action of steps) await peers.act(action);
    await turns(5);
    // Whatever state that left: once ended it is over within closeTimeout, without the peers' help.
    session.splice.end("tokenRevoked", 3003, "token revoked");
    session.pass(5_000);
    const end = await session.ended();
    await until(() => session.clientSide.closed && session.targetSide.closed);
    await turns(5);
    expect(leftovers(session)).toEqual(NO_LEFTOVERS);
    expect(session.closings.length).toBeLessThanOrEqual(1);
    expectOnlyRelayed(session.targetGot.bytes, Buffer.concat(peers.sent.client), end.bytesFromClient);
    expectOnlyRelayed(session.clientGot.bytes, Buffer.concat(peers.sent.target), end.bytesFromTarget);
    if (closeReasons[end.reason].isError || end.closedBy === "gateway") expect(session.closings).toEqual([end.reason]);
    session.client.destroy();
    session.target.destroy();
    // Never met when a handle leaks: then the test's timeout speaks.
    await until(() => connections() === 0);
  }), { numRuns: 250 });
}, 60_000);

test("after an end that cuts traffic no byte that was received later is relayed", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.record({ side, frame: sentFrame, keep: fc.nat() }), { maxLength: 6 }),
    fc.array(fc.tuple(side, sizes), { maxLength: 6 }),
    async (before, after) => {
      const session = await spliced();
      const peers = new Peers(session);
      for (const one of before) await peers.act({ do: "send", ...one });
      const sent = { client: Buffer.concat(peers.sent.client).length, target: Buffer.concat(peers.sent.target).length };
      await until(() => session.ends.length > 0 || (session.splice.counters().bytesFromClient >= sent.client
        && session.splice.counters().bytesFromTarget >= sent.target) || session.closings.length > 0);
      const { bytesFromClient, bytesFromTarget } = session.splice.counters();
      session.splice.end("tokenRevoked", 3003, "token revoked");
      for (const [from, size] of after) peers.send(from, Buffer.alloc(size, 0x82));
      await turns(10);
      session.pass(5_000);
      expect(await session.ended()).toMatchObject({ bytesFromClient, bytesFromTarget });
      session.client.destroy();
      session.target.destroy();
    },
  ), { numRuns: 100 });
}, 60_000);
