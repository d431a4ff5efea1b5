/**
 * Follows the frame headers of one direction of a WebSocket (RFC 6455 section 5.2), so that the splice knows when the
 * stream stands between two frames and when a close frame passed. It looks at no payload but a close frame's, copies
 * and holds nothing else. Reserved bits and the order of fragments are the peers' business and pass.
 */
import { Buffer } from "node:buffer";
import { CONTROL_PAYLOAD_BYTES_MAX, parseClosePayload } from "./close-frame.ts";
import type { CloseMessage } from "./close-frame.ts";

/** Frames go on. */
export const FRAMES_OPEN = 0;
/** A close frame was completed; nothing behind it belongs to the session. */
export const FRAMES_CLOSED = 1;
/** The bytes are no WebSocket frames. */
export const FRAMES_INVALID = 2;
/** How a direction stands; the last two are final. */
export type FramesStatus = typeof FRAMES_OPEN | typeof FRAMES_CLOSED | typeof FRAMES_INVALID;

const FIN_BIT = 0x80;
const OPCODE_BITS = 0x0f;
const CONTROL_BIT = 0x08;
const OPCODE_BINARY = 0x2;
const OPCODE_CLOSE = 0x8;
const OPCODE_PONG = 0xa;
const MASK_BIT = 0x80;
const LENGTH_BITS = 0x7f;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const MASK_BYTES = 4;

/** The parts of a close frame while they arrive. */
interface CloseParts {
  readonly payload: Buffer;
  filled: number;
  maskKey: number;
}

export class FrameBoundary {
  /** Frames that passed as a whole and carry data (opcodes 0 to 2). */
  dataFrames = 0;
  /** Frames that passed as a whole and are close, ping or pong. */
  controlFrames = 0;
  /**
   * After a call that did not return FRAMES_OPEN, and after every `trackToBoundary`: how many bytes of that chunk
   * belong to frames that may pass. What lies behind must not be relayed.
   */
  passed = 0;
  /** FRAMES_OPEN until a close frame or an invalid one is met. */
  status: FramesStatus = FRAMES_OPEN;

  /** 0x80 when frames of this direction must be masked (client to target), else 0 (RFC 6455 section 5.1). */
  readonly #maskBit: number;
  /** Header bytes of the present frame taken so far, while the header is split over chunks. */
  #headSeen = 0;
  #first = 0;
  #second = 0;
  /** Payload bytes of the present frame still to come; while a header is split: its length so far. */
  #left = 0;
  /** Mask key, collected only for a close frame whose header is split. */
  #maskKey = 0;
  /** True inside a fragmented message. */
  #fragmented = false;
  #close: CloseParts | CloseMessage | null = null;

  /** `masked`: true for the direction from the client to the target. */
  constructor(masked: boolean) {
    this.#maskBit = masked ? MASK_BIT : 0;
  }

  /** True when everything that passed so far ends with a whole frame: a control frame may be put here. */
  get atBoundary(): boolean {
    return this.#left === 0 && this.#headSeen === 0;
  }

  /** True between the fragments of one message; a control frame may stand there, a data frame may not. */
  get insideMessage(): boolean {
    return this.#fragmented;
  }

  /** Payload bytes that the frame in flight still lacks; 0 at a boundary and inside a header. */
  get payloadLeft(): number {
    return this.#headSeen === 0 ? this.#left : 0;
  }

  /** What the close frame said, once `status` is FRAMES_CLOSED; else null. */
  get close(): CloseMessage | null {
    return this.#close !== null && "code" in this.#close ? this.#close : null;
  }

  /**
   * Follows one chunk. Anything but FRAMES_OPEN means that only the first `passed` bytes may be relayed, and is final:
   * of later chunks nothing passes.
   */
  track(chunk: Buffer): FramesStatus {
    const end = chunk.length;
    let at = this.#left;
    if (this.#headSeen > 0 || this.#close !== null || this.status !== FRAMES_OPEN) {
      at = this.#advance(chunk, 0, false);
      if (this.status !== FRAMES_OPEN || !this.atBoundary) return this.status;
    } else if (at > end) {
      this.#left = at - end;
      return FRAMES_OPEN;
    } else if (at > 0) {
      this.#left = 0;
      this.#count(this.#first);
    }
    const maskBytes = this.#maskBit === 0 ? 0 : MASK_BYTES;
    while (at < end) {
      if (end - at < 2) return this.#begin(chunk, at);
      const first = chunk[at]!;
      const second = chunk[at + 1]!;
      if (!this.#allows(first, second)) return this.#fail(at);
      let length = second & LENGTH_BITS;
      let payloadAt = at + 2 + maskBytes;
      if (length >= LENGTH_16) {
        payloadAt += length === LENGTH_16 ? 2 : 8;
        if (payloadAt > end) return this.#begin(chunk, at);
        length = length === LENGTH_16 ? (chunk[at + 2]! << 8) | chunk[at + 3]! : lengthOf64Bits(chunk, at + 2);
        if (length > Number.MAX_SAFE_INTEGER) return this.#fail(at);
      }
      if (payloadAt > end || (first & OPCODE_BITS) === OPCODE_CLOSE) return this.#begin(chunk, at);
      if ((first & CONTROL_BIT) === 0) this.#fragmented = first < FIN_BIT;
      at = payloadAt + length;
      if (at > end) {
        this.#left = at - end;
        this.#first = first;
        return FRAMES_OPEN;
      }
      this.#count(first);
    }
    return FRAMES_OPEN;
  }

  /**
   * Follows a chunk only up to the first boundary at or behind its start and leaves the number of its bytes before that
   * boundary in `passed`. Whether the boundary was reached is told by `atBoundary`.
   */
  trackToBoundary(chunk: Buffer): FramesStatus {
    this.passed = 0;
    if (this.atBoundary) return this.status;
    const at = this.#advance(chunk, 0, false);
    if (this.status === FRAMES_OPEN) this.passed = at;
    return this.status;
  }

  /** Slow path for a frame at `at` whose header is split, or that is a close frame. Nothing can follow it here. */
  #begin(chunk: Buffer, at: number): FramesStatus {
    this.#advance(chunk, at, true);
    return this.status;
  }

  /** Takes header and payload bytes of one frame and returns the offset behind them. */
  #advance(chunk: Buffer, at: number, beginsHere: boolean): number {
    if (this.status !== FRAMES_OPEN) {
      this.passed = 0;
      return 0;
    }
    const frameAt = beginsHere ? at : -1;
    const end = chunk.length;
    let inHead = beginsHere || this.#headSeen > 0;
    while (inHead) {
      if (at === end) return end;
      if (!this.#takeHeadByte(chunk[at]!)) {
        this.#fail(frameAt);
        return 0;
      }
      at += 1;
      inHead = this.#headSeen > 0;
    }
    const taken = Math.min(this.#left, end - at);
    if (this.#close !== null && "filled" in this.#close) {
      this.#close.filled += chunk.copy(this.#close.payload, this.#close.filled, at, at + taken);
    }
    this.#left -= taken;
    at += taken;
    if (this.#left === 0) this.#finish(frameAt, at);
    return at;
  }

  #takeHeadByte(value: number): boolean {
    const index = this.#headSeen;
    this.#headSeen = index + 1;
    if (index === 0) {
      this.#first = value;
      this.#left = 0;
      this.#maskKey = 0;
      return true;
    }
    if (index === 1) {
      this.#second = value;
      if (!this.#allows(this.#first, value)) return false;
      const length = value & LENGTH_BITS;
      this.#left = length < LENGTH_16 ? length : 0;
    }
    const lengthEnd = 2 + lengthBytesAfter(this.#second);
    if (index >= lengthEnd) this.#maskKey = (this.#maskKey << 8) | value;
    else if (index > 1) this.#left = this.#left * 256 + value;
    if (this.#left > Number.MAX_SAFE_INTEGER) return false;
    if (index + 1 < lengthEnd + (this.#maskBit === 0 ? 0 : MASK_BYTES)) return true;
    this.#headSeen = 0;
    if ((this.#first & CONTROL_BIT) === 0) this.#fragmented = this.#first < FIN_BIT;
    if ((this.#first & OPCODE_BITS) !== OPCODE_CLOSE) return true;
    this.#close = { payload: Buffer.alloc(this.#left), filled: 0, maskKey: this.#maskBit === 0 ? 0 : this.#maskKey };
    return true;
  }

  /** A frame is complete at offset `at`; it began at `frameAt`, or in an earlier chunk (-1). */
  #finish(frameAt: number, at: number): void {
    this.#count(this.#first);
    if (this.#close === null || !("filled" in this.#close)) return;
    const message = parseClosePayload(unmask(this.#close.payload, this.#close.maskKey));
    this.#close = message;
    if (message === null) {
      this.controlFrames -= 1;
      this.#fail(frameAt);
      return;
    }
    this.status = FRAMES_CLOSED;
    this.passed = at;
  }

  #count(first: number): void {
    if ((first & CONTROL_BIT) === 0) this.dataFrames += 1;
    else this.controlFrames += 1;
  }

  /** The rules of RFC 6455 sections 5.1, 5.2 and 5.5 that the first two bytes of a frame can break. */
  #allows(first: number, second: number): boolean {
    if ((second & MASK_BIT) !== this.#maskBit) return false;
    const opcode = first & OPCODE_BITS;
    if (opcode <= OPCODE_BINARY) return true;
    return opcode >= OPCODE_CLOSE && opcode <= OPCODE_PONG && first >= FIN_BIT
      && (second & LENGTH_BITS) <= CONTROL_PAYLOAD_BYTES_MAX;
  }

  /** What came before the bad frame may pass; if that began in an earlier chunk, there is no boundary to stand on. */
  #fail(frameAt: number): FramesStatus {
    this.status = FRAMES_INVALID;
    this.passed = Math.max(frameAt, 0);
    this.#left = 0;
    this.#headSeen = frameAt < 0 ? 1 : 0;
    return FRAMES_INVALID;
  }
}

/** Bytes of extended length that follow the second header byte. */
function lengthBytesAfter(second: number): number {
  const length = second & LENGTH_BITS;
  if (length < LENGTH_16) return 0;
  return length === LENGTH_64 ? 8 : 2;
}

/** An unsigned 64-bit length; above 2^53 no longer exact, but still above it. */
function lengthOf64Bits(chunk: Buffer, at: number): number {
  return chunk.readUInt32BE(at) * 2 ** 32 + chunk.readUInt32BE(at + 4);
}

function unmask(payload: Buffer, maskKey: number): Buffer {
  for (let i = 0; i < payload.length; i += 1) payload[i] = payload[i]! ^ (maskKey >>> (24 - 8 * (i & 3)));
  return payload;
}
