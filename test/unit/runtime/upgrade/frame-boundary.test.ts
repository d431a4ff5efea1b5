import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import { FRAMES_CLOSED, FRAMES_INVALID, FRAMES_OPEN, FrameBoundary } from "#runtime/upgrade/frame-boundary.ts";
import { closing, frame, MASK } from "../../../support/frames.ts";

const bytes = (size: number): Buffer => Buffer.alloc(size, "x");

describe("whole frames", () => {
  test.each([0, 1, 125, 126, 127, 128, 65_535, 65_536, 70_000])("of %i bytes, alone and after another", (size) => {
    for (const mask of [null, MASK]) {
      const frames = new FrameBoundary(mask !== null);
      const one = frame({ opcode: 2, payload: bytes(size), mask });
      expect(frames.track(one)).toBe(FRAMES_OPEN);
      expect(frames.atBoundary).toBe(true);
      expect(frames.track(Buffer.concat([one, one]))).toBe(FRAMES_OPEN);
      expect([frames.dataFrames, frames.controlFrames, frames.atBoundary]).toEqual([3, 0, true]);
    }
  });

  test("control frames inside a fragmented message are counted apart", () => {
    const frames = new FrameBoundary(false);
    frames.track(frame({ opcode: 1, payload: bytes(3), fin: false }));
    expect([frames.insideMessage, frames.atBoundary]).toEqual([true, true]);
    frames.track(Buffer.concat([frame({ opcode: 9 }), frame({ opcode: 10, payload: bytes(125) })]));
    expect(frames.insideMessage).toBe(true);
    frames.track(frame({ opcode: 0, payload: bytes(3) }));
    expect([frames.insideMessage, frames.dataFrames, frames.controlFrames]).toEqual([false, 2, 2]);
  });

  test("reserved bits pass: extensions are between the peers", () => {
    const frames = new FrameBoundary(true);
    for (const reserved of [1, 4, 7]) frames.track(frame({ opcode: 1, payload: bytes(9), mask: MASK, reserved }));
    expect([frames.status, frames.dataFrames]).toEqual([FRAMES_OPEN, 3]);
  });
});

describe("a frame in flight", () => {
  test("is no boundary until its last byte", () => {
    const whole = frame({ opcode: 2, payload: bytes(300), mask: MASK });
    for (let cut = 1; cut < whole.length; cut += 1) {
      const frames = new FrameBoundary(true);
      frames.track(whole.subarray(0, cut));
      expect(frames.atBoundary, `cut at ${cut}`).toBe(false);
      frames.track(whole.subarray(cut));
      expect([frames.atBoundary, frames.dataFrames], `cut at ${cut}`).toEqual([true, 1]);
    }
  });

  test("of 2^40 bytes is followed by its length alone", () => {
    const frames = new FrameBoundary(true);
    frames.track(frame({ opcode: 2, payload: bytes(10), mask: MASK, length: 2 ** 40 }));
    expect(frames.payloadLeft).toBe(2 ** 40 - 10);
    frames.track(bytes(65_536));
    expect([frames.payloadLeft, frames.dataFrames]).toEqual([2 ** 40 - 10 - 65_536, 0]);
  });

  test.each([
    ["2^53 - 1, the largest", 2n ** 53n - 1n, FRAMES_OPEN],
    ["2^53", 2n ** 53n, FRAMES_INVALID],
    ["2^63, the top bit", 2n ** 63n, FRAMES_INVALID],
    ["2^64 - 1", 2n ** 64n - 1n, FRAMES_INVALID],
  ])("with a length of %s", (_name, length, status) => {
    const head = frame({ opcode: 2, length });
    expect(new FrameBoundary(false).track(head)).toBe(status);
    const split = new FrameBoundary(false);
    for (const byte of head) split.track(Buffer.from([byte]));
    expect(split.status).toBe(status);
  });
});

describe("the first boundary of a chunk", () => {
  test("lies behind the frame in flight, and the rest is not followed", () => {
    const frames = new FrameBoundary(false);
    const one = frame({ opcode: 2, payload: bytes(50) });
    frames.track(one.subarray(0, 20));
    frames.trackToBoundary(Buffer.concat([one.subarray(20), one, one]));
    expect([frames.passed, frames.atBoundary, frames.dataFrames]).toEqual([32, true, 1]);
  });

  test("is at 0 when the stream already stands at one", () => {
    const frames = new FrameBoundary(false);
    frames.trackToBoundary(frame({ opcode: 2, payload: bytes(50) }));
    expect([frames.passed, frames.atBoundary, frames.dataFrames]).toEqual([0, true, 0]);
  });

  test("may not come in this chunk", () => {
    const frames = new FrameBoundary(false);
    frames.track(frame({ opcode: 2, payload: bytes(5), length: 200 }));
    frames.trackToBoundary(bytes(100));
    expect([frames.passed, frames.atBoundary]).toEqual([100, false]);
  });

  test("is found from inside a header", () => {
    const one = frame({ opcode: 2, payload: bytes(300), mask: MASK });
    for (let cut = 1; cut < 8; cut += 1) {
      const frames = new FrameBoundary(true);
      frames.track(one.subarray(0, cut));
      frames.trackToBoundary(Buffer.concat([one.subarray(cut), one]));
      expect([frames.passed, frames.atBoundary], `cut at ${cut}`).toEqual([one.length - cut, true]);
    }
  });

  test("may be the end of a close frame", () => {
    const close = closing(1000, "done", MASK);
    const frames = new FrameBoundary(true);
    frames.track(close.subarray(0, 3));
    expect(frames.trackToBoundary(Buffer.concat([close.subarray(3), close]))).toBe(FRAMES_CLOSED);
    expect([frames.passed, frames.close]).toEqual([close.length - 3, { code: 1000, text: "done" }]);
  });
});

describe("a close frame", () => {
  test.each([
    [null, "", 1005],
    [1000, "", 1000],
    [4001, "kicked: spamming", 4001],
    [3000, "x".repeat(123), 3000],
  ])("with %s %s is read whatever the split", (code, text, read) => {
    for (const mask of [null, MASK]) {
      const before = frame({ opcode: 1, payload: bytes(7), mask });
      const stream = Buffer.concat([before, closing(code, text, mask), before]);
      const end = stream.length - before.length;
      for (let cut = 0; cut <= end; cut += 1) {
        const frames = new FrameBoundary(mask !== null);
        if (cut > 0 && frames.track(stream.subarray(0, cut)) === FRAMES_CLOSED) {
          expect([cut, frames.passed]).toEqual([end, end]);
          continue;
        }
        expect(frames.track(stream.subarray(cut)), `cut at ${cut}`).toBe(FRAMES_CLOSED);
        expect(frames.passed).toBe(end - cut);
        expect(frames.close).toEqual({ code: read, text });
        expect([frames.dataFrames, frames.controlFrames]).toEqual([1, 1]);
      }
    }
  });

  test("ends the stream: nothing behind it passes", () => {
    const frames = new FrameBoundary(false);
    frames.track(closing(1000, "", null));
    expect(frames.track(frame({ opcode: 1 }))).toBe(FRAMES_CLOSED);
    expect([frames.passed, frames.dataFrames, frames.atBoundary]).toEqual([0, 0, true]);
  });

  test.each([
    ["one byte of payload", frame({ opcode: 8, payload: bytes(1) })],
    ["a reserved code", closing(1006, "", null)],
    ["text that is not UTF-8", frame({ opcode: 8, payload: Buffer.from("03e8ff", "hex") })],
  ])("with %s is invalid and does not pass", (_name, close) => {
    const before = frame({ opcode: 1, payload: bytes(3) });
    const frames = new FrameBoundary(false);
    expect(frames.track(Buffer.concat([before, close]))).toBe(FRAMES_INVALID);
    expect([frames.passed, frames.atBoundary, frames.close]).toEqual([before.length, true, null]);
    expect([frames.dataFrames, frames.controlFrames]).toEqual([1, 0]);
  });
});

describe("no frames", () => {
  test.each<[string, boolean, Buffer]>([
    ["unmasked from a client", true, frame({ opcode: 1, payload: bytes(4) })],
    ["masked from a target", false, frame({ opcode: 1, payload: bytes(4), mask: MASK })],
    ["opcode 3", false, frame({ opcode: 3 })],
    ["opcode 7", false, frame({ opcode: 7 })],
    ["opcode 11", false, frame({ opcode: 11 })],
    ["opcode 15", true, frame({ opcode: 15, mask: MASK })],
    ["a fragmented ping", false, frame({ opcode: 9, fin: false })],
    ["a ping of 126 bytes", false, frame({ opcode: 9, payload: bytes(126) })],
    ["a close frame of 126 bytes", false, frame({ opcode: 8, payload: bytes(126) })],
    ["an HTTP request", true, Buffer.from("GET / HTTP/1.1\r\n\r\n")],
  ])("%s: what came before passes", (_name, masked, bad) => {
    const good = frame({ opcode: 2, payload: bytes(200), mask: masked ? MASK : null });
    const frames = new FrameBoundary(masked);
    expect(frames.track(Buffer.concat([good, bad]))).toBe(FRAMES_INVALID);
    expect([frames.passed, frames.atBoundary, frames.dataFrames]).toEqual([good.length, true, 1]);
    expect(frames.track(good)).toBe(FRAMES_INVALID);
    expect(frames.passed).toBe(0);
  });

  test("found in the second byte after the first passed: no boundary is left", () => {
    const frames = new FrameBoundary(true);
    frames.track(Buffer.from([0x81]));
    expect(frames.track(Buffer.from([0x00]))).toBe(FRAMES_INVALID);
    expect([frames.passed, frames.atBoundary]).toEqual([0, false]);
  });
});
