/**
 * Close frames (RFC 6455 section 5.5.1): builds the one the gateway sends and reads the payload of one that a peer
 * sent. Knows no sockets and no reasons.
 */
import { Buffer } from "node:buffer";
import type { Clock } from "../clock.ts";
import { CLOSE_TEXT_BYTES_MAX } from "./close-reason.ts";

/** What a close frame said. Code 1005: it carried none. */
export interface CloseMessage {
  /** Close code as the peer sent it, or NO_CODE. */
  readonly code: number;
  /** Reason as the peer sent it; may hold control characters. */
  readonly text: string;
}

/** Stands for a close frame without a code; never on the wire (RFC 6455 section 7.4.1). */
export const NO_CODE = 1005;

/** Stands for a connection that ended without a close frame; never on the wire (RFC 6455 section 7.4.1). */
export const NO_FRAME = 1006;

/** Longest payload of a control frame (RFC 6455 section 5.5). */
export const CONTROL_PAYLOAD_BYTES_MAX = 125;

const FIN_CLOSE = 0x88;
const MASK_BIT = 0x80;
const MASK_BYTES = 4;

/**
 * True for codes that may stand in a close frame. Codes below 1000 are unused, 1004 is reserved, 1005, 1006 and 1015
 * never travel, 1016 to 2999 belong to the protocol's future (let through: extensions may define them), above 4999 is
 * undefined (RFC 6455 section 7.4).
 */
export function isWireCode(code: number): boolean {
  if (code < 1000 || code > 4999) return false;
  return code !== 1004 && code !== NO_CODE && code !== NO_FRAME && code !== 1015;
}

/** The longest prefix of `text` that fits a close frame (CLOSE_TEXT_BYTES_MAX of UTF-8), cut between characters. */
export function cutCloseText(text: string): string {
  if (Buffer.byteLength(text) <= CLOSE_TEXT_BYTES_MAX) return text;
  const bytes = Buffer.from(text);
  let end = CLOSE_TEXT_BYTES_MAX;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString("utf8", 0, end);
}

/**
 * A close frame for a client: unmasked, as servers send (RFC 6455 section 5.1). `code` must pass `isWireCode`; a longer
 * `text` is cut.
 */
export function closeFrameForClient(code: number, text: string): Buffer {
  return closeFrame(code, cutCloseText(text), null);
}

/** A close frame for a target: masked with a fresh random key, as clients send (RFC 6455 section 5.3). */
export function closeFrameForTarget(code: number, text: string, clock: Clock): Buffer {
  return closeFrame(code, cutCloseText(text), clock.randomBytes(MASK_BYTES));
}

/**
 * Reads a close frame's payload, already unmasked. Null when it breaks RFC 6455: one byte, a code that may not travel,
 * or text that is not UTF-8.
 */
export function parseClosePayload(payload: Buffer): CloseMessage | null {
  if (payload.length === 0) return { code: NO_CODE, text: "" };
  if (payload.length < 2 || payload.length > CONTROL_PAYLOAD_BYTES_MAX) return null;
  const code = payload.readUInt16BE(0);
  if (!isWireCode(code)) return null;
  const text = payload.toString("utf8", 2);
  // A replacement character that was not in the bytes gives the text another encoding: that is how bad UTF-8 shows.
  if (text.includes("\ufffd") && !payload.subarray(2).equals(Buffer.from(text))) return null;
  return { code, text };
}

function closeFrame(code: number, text: string, maskKey: Buffer | null): Buffer {
  const payloadBytes = 2 + Buffer.byteLength(text);
  const payloadAt = maskKey === null ? 2 : 2 + MASK_BYTES;
  const frame = Buffer.alloc(payloadAt + payloadBytes);
  frame[0] = FIN_CLOSE;
  frame[1] = maskKey === null ? payloadBytes : MASK_BIT | payloadBytes;
  frame.writeUInt16BE(code, payloadAt);
  frame.write(text, payloadAt + 2, "utf8");
  if (maskKey === null) return frame;
  maskKey.copy(frame, 2);
  for (let i = 0; i < payloadBytes; i += 1) frame[payloadAt + i] = byte(frame, payloadAt + i) ^ byte(maskKey, i & 3);
  return frame;
}

function byte(bytes: Buffer, at: number): number {
  return bytes[at] ?? 0;
}
