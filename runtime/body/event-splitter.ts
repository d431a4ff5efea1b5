/**
 * Cuts an event stream into events as its bytes come (WHATWG HTML section 9.2.6), whatever the cuts between those. It
 * knows where events begin and end; what they say is server-event.ts's.
 */
import type { Fault } from "../fault.ts";
import type { HeldBytes } from "./held-bytes.ts";

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const BOM: Uint8Array = /* @__PURE__ */ Uint8Array.of(0xef, 0xbb, 0xbf);
const NO_BYTES: Buffer = /* @__PURE__ */ Buffer.alloc(0);

/** What a byte is the last one of. `none`: of nothing yet; `stray`: the LF of a line end whose event is gone. */
type Found = "none" | "plain" | "event" | "stray";

/** What events are asked: the bytes of one, with its empty line, become what goes out; the same object: no change. */
export type EachEvent = (event: Buffer) => Buffer;

export interface EventBounds {
  /** Bytes of one event. */
  readonly bytesMax: number;
  /** What a larger one is. */
  readonly tooBig: Fault;
}

export class EventSplitter {
  readonly #held: HeldBytes;
  readonly #bounds: EventBounds;
  readonly #each: EachEvent;
  /** Bytes of a byte order mark that came at the beginning; all of them once it is decided. */
  #bomBytes = 0;
  #atLineStart = true;
  #inEvent = false;
  #inComment = false;
  #afterCr = false;
  /** The event that ended last has left nothing. */
  #wasDropped = false;
  /** What an event ended the stream with; null while there is none. Nothing is taken after that. */
  failure: { readonly thrown: unknown } | null = null;

  /** `held` takes the beginnings of events whose end has not come. */
  constructor(held: HeldBytes, bounds: EventBounds, each: EachEvent) {
    this.#held = held;
    this.#bounds = bounds;
    this.#each = each;
  }

  /** What goes on of these bytes and of those held: everything that is complete. Events before a failure go on, too. */
  take(bytes: Buffer): Buffer {
    const out: Buffer[] = [];
    // Where what has not been put out begins, and where the unit does that is being read.
    let from = 0;
    let unit = 0;
    try {
      for (let at = 0; at < bytes.length; at++) {
        const found = this.#step(bytes[at] ?? 0);
        if (found === "none") continue;
        const end = at + 1;
        if (found === "event") {
          const isWhole = this.#held.length === 0;
          const event = isWhole ? bytes.subarray(unit, end) : this.#unheld(bytes.subarray(0, end));
          const sent = this.#run(event);
          if (!isWhole || sent !== event) {
            out.push(bytes.subarray(from, unit), sent);
            from = end;
          }
        } else if (found === "stray") {
          out.push(bytes.subarray(from, unit));
          from = end;
        } else if (this.#held.length > 0) {
          out.push(this.#unheld(NO_BYTES));
        }
        unit = end;
      }
      const cause = unit < bytes.length ? this.#held.append(bytes.subarray(unit)) : null;
      if (cause !== null) this.failure = { thrown: cause };
    } catch (thrown) {
      this.failure = { thrown };
    }
    out.push(bytes.subarray(from, unit));
    return joined(out);
  }

  /** The stream has ended: what is left. An event without its empty line is asked as well. */
  end(): Buffer {
    if (this.#held.length === 0) return NO_BYTES;
    const rest = this.#unheld(NO_BYTES);
    try {
      return this.#inEvent ? this.#run(rest) : rest;
    } catch (thrown) {
      this.failure = { thrown };
      return NO_BYTES;
    }
  }

  #run(event: Buffer): Buffer {
    const { bytesMax, tooBig } = this.#bounds;
    if (event.length > bytesMax) throw tooBig;
    const sent = this.#each(event);
    this.#wasDropped = sent.length === 0;
    return sent;
  }

  /** What was held with what follows it; nothing is held then. */
  #unheld(more: Buffer): Buffer {
    const whole = Buffer.concat([this.#held.bytes, more]);
    this.#held.clear();
    return whole;
  }

  #step(byte: number): Found {
    if (this.#bomBytes < BOM.length) {
      if (byte === BOM[this.#bomBytes]) return ++this.#bomBytes === BOM.length ? "plain" : "none";
      // A line begins with what looked like one.
      if (this.#bomBytes > 0) {
        this.#inEvent = true;
        this.#atLineStart = false;
      }
      this.#bomBytes = BOM.length;
    }
    const isSecond = this.#afterCr && byte === LF;
    this.#afterCr = byte === CR;
    if (isSecond) return this.#inEvent ? "none" : this.#wasDropped ? "stray" : "plain";
    if (byte === LF || byte === CR) return this.#lineEnd();
    if (!this.#atLineStart) return "none";
    this.#atLineStart = false;
    if (this.#inEvent) return "none";
    if (byte === COLON) this.#inComment = true;
    else this.#inEvent = true;
    return "none";
  }

  #lineEnd(): Found {
    const isEmpty = this.#atLineStart;
    this.#atLineStart = true;
    if (this.#inEvent) {
      if (!isEmpty) return "none";
      this.#inEvent = false;
      return "event";
    }
    this.#inComment = false;
    this.#wasDropped = false;
    return "plain";
  }
}

function joined(parts: readonly Buffer[]): Buffer {
  const filled = parts.filter((part) => part.length > 0);
  const [first = NO_BYTES] = filled;
  return filled.length <= 1 ? first : Buffer.concat(filled);
}
