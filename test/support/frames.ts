/**
 * Builds WebSocket frames for tests (RFC 6455 section 5.2), independently of the gateway's own code.
 */
import { Buffer } from "node:buffer";

export interface FrameShape {
  readonly opcode: number;
  readonly payload?: Buffer;
  readonly fin?: boolean;
  /** Masking key of four bytes; null: not masked. */
  readonly mask?: Buffer | null;
  /** Reserved bits, 0 to 7. */
  readonly reserved?: number;
  /** Declared length, when it shall differ from the payload's. */
  readonly length?: number | bigint;
}

export const MASK: Buffer = Buffer.from([0x11, 0x22, 0x33, 0x44]);

/** The bytes of one frame. */
export function frame(shape: FrameShape): Buffer {
  const { opcode, payload = Buffer.alloc(0), fin = true, mask = null, reserved = 0, length } = shape;
  const size = BigInt(length ?? payload.length);
  const first = (fin ? 0x80 : 0) | (reserved << 4) | opcode;
  const maskBit = mask === null ? 0 : 0x80;
  let head: Buffer;
  if (size < 126n) {
    head = Buffer.from([first, maskBit | Number(size)]);
  } else if (size < 65_536n) {
    head = Buffer.alloc(4);
    head.writeUInt16BE(Number(size), 2);
    head[1] = maskBit | 126;
  } else {
    head = Buffer.alloc(10);
    head.writeBigUInt64BE(size, 2);
    head[1] = maskBit | 127;
  }
  head[0] = first;
  if (mask === null) return Buffer.concat([head, payload]);
  return Buffer.concat([head, mask, payload.map((byte, index) => byte ^ (mask[index & 3] ?? 0))]);
}

/** A text frame as a client sends it. */
export function fromClient(text: string): Buffer {
  return frame({ opcode: 1, payload: Buffer.from(text), mask: MASK });
}

/** A text frame as a target sends it. */
export function fromTarget(text: string): Buffer {
  return frame({ opcode: 1, payload: Buffer.from(text) });
}

/** A close frame; without a code it is empty. */
export function closing(code: number | null, text: string, mask: Buffer | null): Buffer {
  if (code === null) return frame({ opcode: 8, mask });
  return frame({ opcode: 8, payload: Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(text)]), mask });
}

/** The beginning of a frame that declares 2^40 bytes: its head and the first 1,000 of them. */
export function endless(mask: Buffer | null): Buffer {
  return frame({ opcode: 2, payload: Buffer.alloc(1_000, "x"), mask, length: 2 ** 40 });
}

/** What an unmasked or masked close frame says; fails on anything else. */
export function readClose(bytes: Buffer): { masked: boolean; code: number; text: string } {
  if (bytes[0] !== 0x88) throw new Error(`no close frame: ${bytes.toString("hex")}`);
  const masked = ((bytes[1] ?? 0) & 0x80) !== 0;
  const size = (bytes[1] ?? 0) & 0x7f;
  const at = masked ? 6 : 2;
  if (bytes.length !== at + size) throw new Error(`close frame and something else: ${bytes.toString("hex")}`);
  const payload = Buffer.from(bytes.subarray(at));
  if (masked) for (let i = 0; i < size; i += 1) payload[i] = (payload[i] ?? 0) ^ (bytes[2 + (i & 3)] ?? 0);
  return { masked, code: payload.readUInt16BE(0), text: payload.toString("utf8", 2) };
}

/** A close frame among bytes that were received. */
export interface FoundClose {
  readonly at: number;
  /** Offset behind it. */
  readonly end: number;
  readonly masked: boolean;
  readonly code: number;
}

/** The offsets at which whole frames end, and the first close frame that came whole; what lies behind that is not looked at. */
export function wholeFrames(bytes: Buffer): { readonly ends: readonly number[]; readonly close: FoundClose | null } {
  const ends: number[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const masked = ((bytes[at + 1] ?? 0) & 0x80) !== 0;
    const short = (bytes[at + 1] ?? 0) & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const payloadAt = at + 2 + lengthBytes + (masked ? 4 : 0);
    if (payloadAt > bytes.length) break;
    const size = lengthBytes === 0 ? short : lengthBytes === 2 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
    const end = payloadAt + size;
    if (end > bytes.length) break;
    if (((bytes[at] ?? 0) & 0x0f) === 8) {
      const byte = (index: number): number => (bytes[payloadAt + index] ?? 0) ^ (masked ? (bytes[payloadAt - 4 + index] ?? 0) : 0);
      return { ends, close: { at, end, masked, code: size < 2 ? 1005 : (byte(0) << 8) | byte(1) } };
    }
    ends.push(end);
    at = end;
  }
  return { ends, close: null };
}
