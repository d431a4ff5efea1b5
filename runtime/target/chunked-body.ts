/**
 * Takes the chunked coding (RFC 9112 section 7.1) off a target's body, strictly: CR LF only, sizes in plain
 * hexadecimal, extensions dropped, trailers kept; the extensions of a chunk are bounded, and so are all trailers. It
 * hands on slices of what it is given and copies nothing.
 */
import type { Limits } from "../limits.ts";
import type { HeaderLines } from "../message/message.ts";
import { readLine } from "./response-head.ts";

const CR = 0x0d;
const LF = 0x0a;

const SIZE = 0;
const EXTENSION = 1;
const SIZE_LF = 2;
const DATA = 3;
const DATA_CR = 4;
const DATA_LF = 5;
const TRAILER_START = 6;
const TRAILER = 7;
const TRAILER_LF = 8;
const LAST_LF = 9;
const DONE = 10;
const BROKEN = 11;

/** Digits of a chunk size that stay exact, far above what is relayed. */
const SIZE_DIGITS_MAX = 8;

/** One body. Feed it every chunk in order. */
export class ChunkedBody {
  readonly #limits: Limits;
  #state = SIZE;
  #remaining = 0;
  #digits = 0;
  /** Bytes of the extensions of this chunk, or of the trailers, so far. */
  #extraBytes = 0;
  /** Text of the trailer lines so far, without their line ends. */
  readonly #trailers: string[] = [];

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** True when the last chunk and its trailers have been read. */
  get done(): boolean {
    return this.#state === DONE;
  }

  /** Lines of the trailers, name and value in turn; null when one is no header line (RFC 9112 section 7.1.2). */
  trailers(): HeaderLines | null {
    const lines: HeaderLines = [];
    for (const text of this.#trailers) if (readLine(text, 0, text.length, lines) !== null) return null;
    return lines;
  }

  /** Hands each run of content to `take`; how many bytes were used, up to the end, or -1 when the coding is broken. */
  push(bytes: Buffer, take: (content: Buffer) => void): number {
    let at = 0;
    while (at < bytes.length && this.#state < DONE) {
      if (this.#state === DATA) {
        const length = Math.min(this.#remaining, bytes.length - at);
        take(bytes.subarray(at, at + length));
        at += length;
        this.#remaining -= length;
        if (this.#remaining === 0) this.#state = DATA_CR;
      } else {
        this.#state = this.#next(bytes[at] ?? 0);
        at++;
      }
    }
    return this.#state === BROKEN ? -1 : at;
  }

  /** The state after one byte outside of a chunk's content. */
  #next(byte: number): number {
    switch (this.#state) {
      case SIZE:
        return this.#sizeByte(byte);
      case EXTENSION:
        return byte === CR ? SIZE_LF : this.#extraByte(byte, EXTENSION);
      case SIZE_LF:
        if (byte !== LF) return BROKEN;
        this.#digits = 0;
        this.#extraBytes = 0;
        return this.#remaining > 0 ? DATA : TRAILER_START;
      case DATA_CR:
        return byte === CR ? DATA_LF : BROKEN;
      case DATA_LF:
        return byte === LF ? SIZE : BROKEN;
      case TRAILER_START:
        if (byte === CR) return LAST_LF;
        this.#trailers.push(String.fromCharCode(byte));
        return this.#extraByte(byte, TRAILER);
      case TRAILER:
        if (byte === CR) return TRAILER_LF;
        this.#trailers[this.#trailers.length - 1] += String.fromCharCode(byte);
        return this.#extraByte(byte, TRAILER);
      case TRAILER_LF:
        return byte === LF ? TRAILER_START : BROKEN;
      default:
        return byte === LF ? DONE : BROKEN;
    }
  }

  #sizeByte(byte: number): number {
    const digit = hexDigit(byte);
    if (digit >= 0) {
      this.#digits++;
      this.#remaining = 16 * this.#remaining + digit;
      return this.#digits > SIZE_DIGITS_MAX ? BROKEN : SIZE;
    }
    if (this.#digits === 0) return BROKEN;
    if (byte === CR) return SIZE_LF;
    return byte === 0x3b ? EXTENSION : BROKEN;
  }

  #extraByte(byte: number, state: number): number {
    this.#extraBytes++;
    if (this.#extraBytes > this.#limits.responseHeadBytesMax) return BROKEN;
    return byte < 0x20 && byte !== 0x09 ? BROKEN : state;
  }
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
