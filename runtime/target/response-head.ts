/**
 * Reads the head of a target's answer (RFC 9112 sections 2 to 5) out of any chunking, strictly and within bounds. What
 * other readers could take for something else is refused; it reads no body and decides nothing about one.
 */
import { isToken } from "../message/field-grammar.ts";
import type { Limits } from "../limits.ts";
import type { HeaderLines } from "../message/message.ts";

/** A head, read to its empty line. */
export interface ReadHead {
  readonly kind: "head";
  /** "1.1" or "1.0". */
  readonly version: string;
  readonly status: number;
  readonly reason: string;
  /** Name, value, name, value ... as sent, values without the white space around them. */
  readonly lines: HeaderLines;
  /** What came behind the head in the same chunk. */
  readonly rest: Buffer;
}

/** Bytes that are no acceptable head. */
export interface HeadProblem {
  readonly kind: "problem";
  /** For the log; quotes nothing of the answer. */
  readonly reason: string;
}

const CR = 0x0d;
const LF = 0x0a;
const NOTHING: Buffer = /* @__PURE__ */ Buffer.alloc(0);
/** First size of the buffer for a head that comes in pieces; most fit. */
const HELD_BYTES_FIRST = 512;

/**
 * One reader reads one connection's heads, one after another: interim answers first, then the final one. After a
 * problem it must not be used again.
 */
export class ResponseHeadReader {
  readonly #limits: Limits;
  #held: Buffer | null = null;
  #heldBytes = 0;
  /** How much of CR LF CR LF the last bytes were: 0 to 3; odd behind a carriage return. */
  #matched = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Takes the next bytes; null while the head is incomplete. */
  push(chunk: Buffer): ReadHead | HeadProblem | null {
    if (this.#heldBytes > 0) return this.#pushHeld(chunk);
    const bytesMax = this.#limits.responseHeadBytesMax;
    // The common case: the whole head in one chunk. One copy into a string, then searches in it.
    const text = chunk.toString("latin1", 0, Math.min(chunk.length, bytesMax));
    const end = text.indexOf("\r\n\r\n");
    if (end < 0) return this.#pushHeld(chunk);
    return parseHead(text, end, chunk.length > end + 4 ? chunk.subarray(end + 4) : NOTHING, this.#limits);
  }

  /** Byte by byte, so that the work stays linear however small the pieces are. */
  #pushHeld(chunk: Buffer): ReadHead | HeadProblem | null {
    const bytesMax = this.#limits.responseHeadBytesMax;
    let matched = this.#matched;
    for (let at = 0; at < chunk.length; at++) {
      if (this.#heldBytes + at >= bytesMax) return problem("head is too large");
      const byte = chunk[at];
      if (byte === LF) {
        if (matched === 3) return this.#complete(chunk, at + 1);
        if (matched !== 1) return problem("line ends without carriage return");
        matched = 2;
      } else if ((matched & 1) === 1) return problem("carriage return inside a line");
      else if (byte === CR) matched++;
      else matched = 0;
    }
    this.#matched = matched;
    this.#hold(chunk, chunk.length);
    return null;
  }

  #complete(chunk: Buffer, used: number): ReadHead | HeadProblem {
    this.#hold(chunk, used);
    const text = this.#held?.toString("latin1", 0, this.#heldBytes) ?? "";
    const rest = used < chunk.length ? chunk.subarray(used) : NOTHING;
    this.#held = null;
    this.#heldBytes = 0;
    this.#matched = 0;
    return parseHead(text, text.length - 4, rest, this.#limits);
  }

  #hold(chunk: Buffer, bytes: number): void {
    const needed = this.#heldBytes + bytes;
    if (this.#held === null || this.#held.length < needed) {
      const larger = Buffer.allocUnsafe(Math.max(HELD_BYTES_FIRST, 2 * needed));
      this.#held?.copy(larger, 0, 0, this.#heldBytes);
      this.#held = larger;
    }
    chunk.copy(this.#held, this.#heldBytes, 0, bytes);
    this.#heldBytes = needed;
  }
}

/** `text` holds the head; its last line ends at `end`, where the CR LF CR LF begins. */
function parseHead(text: string, end: number, rest: Buffer, limits: Limits): ReadHead | HeadProblem {
  const wrong = controlIn(text, end);
  if (wrong !== null) return problem(wrong);
  const first = lineEnd(text, 0, end);
  if (!text.startsWith("HTTP/1.") || text.charCodeAt(8) !== 0x20) return problem("no HTTP/1 status line");
  const version = text[7];
  if (version !== "1" && version !== "0") return problem("HTTP version is neither 1.1 nor 1.0");
  const status = statusAt(text, first);
  if (status < 0) return problem("status code is not three digits");
  const lines: HeaderLines = [];
  for (let start = first + 2; start < end; ) {
    const stop = lineEnd(text, start, end);
    if (lines.length >= 2 * limits.responseHeadersMax) return problem("too many header lines");
    const wrongLine = readLine(text, start, stop, lines);
    if (wrongLine !== null) return problem(wrongLine);
    start = stop + 2;
  }
  return { kind: "head", version: `1.${version}`, status, reason: first > 13 ? text.slice(13, first) : "", lines,
    rest };
}

/** Three digits from 100, then the end of the line or a space; -1 when it is otherwise. */
function statusAt(text: string, lineStop: number): number {
  if (lineStop < 12 || (lineStop > 12 && text.charCodeAt(12) !== 0x20)) return -1;
  let status = 0;
  for (let at = 9; at < 12; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    status = 10 * status + digit;
  }
  return status >= 100 ? status : -1;
}

/** Adds the header line that stands from `start` to `stop` to `lines`, or says what is wrong with it. */
export function readLine(text: string, start: number, stop: number, lines: HeaderLines): string | null {
  const opening = text.charCodeAt(start);
  if (opening === 0x20 || opening === 0x09) return "header line is folded";
  const colon = text.indexOf(":", start);
  if (colon < 0 || colon >= stop) return "header line has no colon";
  const name = text.slice(start, colon);
  if (!isToken(name)) return "header name is no token";
  let from = colon + 1;
  let to = stop;
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  lines.push(name, text.slice(from, to));
  return null;
}

/** The first thing among the control characters that no head may hold; line ends are CR LF and nothing else. */
function controlIn(text: string, end: number): string | null {
  for (let at = 0; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x20 ? code !== 0x7f : code === 0x09) continue;
    if (code === CR && text.charCodeAt(at + 1) === LF) {
      at++;
      continue;
    }
    if (code === LF) return "line ends without carriage return";
    return code === CR ? "carriage return inside a line" : "control character in the head";
  }
  return null;
}

function lineEnd(text: string, start: number, end: number): number {
  const at = text.indexOf("\r\n", start);
  return at < 0 || at > end ? end : at;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function problem(reason: string): HeadProblem {
  return { kind: "problem", reason };
}
