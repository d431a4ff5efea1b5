/**
 * The last events of each live session, in typed arrays that all sessions share: 128 bytes a session, written when
 * something changes and never for a message. It knows times, sides, reasons and byte counts; it holds no payload and no
 * text of a peer's.
 */
import { closeReasons, type CloseReasonId } from "../upgrade/close-reason.ts";

/** What can happen to a session. Reading from a side pauses when the other one does not take its bytes. */
export const flightKinds = [
  "open", "pauseClient", "resumeClient", "pauseTarget", "resumeTarget", "finClient", "finTarget", "lostClient",
  "lostTarget", "closing", "closeGrace", "closeTimeout",
] as const;
export type FlightKind = (typeof flightKinds)[number];

/** One event; of a kind that comes again and again the last time, and how often. */
export interface FlightEvent {
  readonly event: FlightKind;
  /** Label of the close reason; null but for `closing`. */
  readonly reason: string | null;
  readonly count: number;
  /** Milliseconds since the 101. */
  readonly atMs: number;
  /** What had passed by then, rounded to seven digits. */
  readonly bytesFromClient: number;
  readonly bytesFromTarget: number;
}

/** Bytes that passed so far. */
interface Passed {
  readonly bytesFromClient: number;
  readonly bytesFromTarget: number;
}

/** For sessions without a place. */
export const NO_FLIGHT = -1;

/** A session's part of a page, in words of four bytes: one that counts, then events; three are left over. */
const SESSION_WORDS = 32;
const EVENT_WORDS = 4;
const EVENTS_KEPT = 7;
/** Sessions of one page (128 KiB), which is allocated when its first session comes. */
const PAGE_SESSIONS = 1_024;
const COUNT_MAX = 0xffff;

interface Page {
  readonly words: Uint32Array;
  /** The same bytes, for byte counts. */
  readonly floats: Float32Array;
}

const reasonIds: readonly string[] = /* @__PURE__ */ Object.keys(closeReasons);
/** In the order of their ids. */
const reasonLabels: readonly string[] = /* @__PURE__ */ Object.values(closeReasons).map(({ label }) => label);

export class FlightRecorder {
  readonly #sessionsMax: number;
  readonly #pages: Page[] = [];
  /** Places below this were given out at least once. */
  #used = 0;
  /** First of the places that were given back, which form a list; NO_FLIGHT: none. */
  #free = NO_FLIGHT;

  constructor(sessionsMax: number) {
    this.#sessionsMax = sessionsMax;
  }

  /** Bytes of all pages. */
  get bytes(): number {
    return this.#pages.length * PAGE_SESSIONS * SESSION_WORDS * Uint32Array.BYTES_PER_ELEMENT;
  }

  /** A place for a session; NO_FLIGHT when all are taken. */
  take(): number {
    const place = this.#free;
    if (place !== NO_FLIGHT) {
      const [words, at] = this.#at(place);
      this.#free = (words[at] ?? 0) - 1;
      words[at] = 0;
      return place;
    }
    if (this.#used >= this.#sessionsMax) return NO_FLIGHT;
    if (this.#used === this.#pages.length * PAGE_SESSIONS) this.#pages.push(newPage());
    return this.#used++;
  }

  /** Gives a place back; what stood there is gone. */
  release(place: number): void {
    if (place === NO_FLIGHT) return;
    const [words, at] = this.#at(place);
    words.fill(0, at, at + SESSION_WORDS);
    words[at] = this.#free + 1;
    this.#free = place;
  }

  /** Notes an event. The last two are looked at first: a pause and its resume, over and over, take two places. */
  note(place: number, kind: FlightKind, reason: CloseReasonId | null, atMs: number, passed: Passed): void {
    if (place === NO_FLIGHT) return;
    const [words, at, floats] = this.#at(place);
    const written = words[at] ?? 0;
    const what = flightKinds.indexOf(kind) | ((reason === null ? 0 : reasonIds.indexOf(reason) + 1) << 8);
    let index = written;
    for (let back = 1; back <= Math.min(2, written); back++) {
      if (((words[eventAt(at, written - back)] ?? 0) & COUNT_MAX) === what) index = written - back;
    }
    const event = eventAt(at, index);
    const before = index === written ? 0 : (words[event] ?? 0) >>> 16;
    words[event] = (what | (Math.min(before + 1, COUNT_MAX) << 16)) >>> 0;
    words[event + 1] = Math.min(Math.max(Math.round(atMs), 0), 0xffff_ffff);
    floats[event + 2] = passed.bytesFromClient;
    floats[event + 3] = passed.bytesFromTarget;
    if (index === written) words[at] = written + 1;
  }

  /** The events that are kept, in the order of their times. */
  read(place: number): readonly FlightEvent[] {
    if (place === NO_FLIGHT) return [];
    const [words, at, floats] = this.#at(place);
    const written = words[at] ?? 0;
    const events: FlightEvent[] = [];
    for (let index = Math.max(0, written - EVENTS_KEPT); index < written; index++) {
      const event = eventAt(at, index);
      const what = words[event] ?? 0;
      events.push({
        event: flightKinds[what & 0xff] ?? "open",
        reason: reasonLabels[((what >>> 8) & 0xff) - 1] ?? null,
        count: what >>> 16,
        atMs: words[event + 1] ?? 0,
        bytesFromClient: floats[event + 2] ?? 0,
        bytesFromTarget: floats[event + 3] ?? 0,
      });
    }
    return events.sort((a, b) => a.atMs - b.atMs);
  }

  #at(place: number): readonly [words: Uint32Array, at: number, floats: Float32Array] {
    const page = this.#pages[Math.trunc(place / PAGE_SESSIONS)];
    if (page === undefined) throw new TypeError("invariant: places are those that were taken");
    return [page.words, (place % PAGE_SESSIONS) * SESSION_WORDS, page.floats];
  }
}

/** The events of a session follow its first word, around in a ring. */
function eventAt(at: number, index: number): number {
  return at + 1 + (index % EVENTS_KEPT) * EVENT_WORDS;
}

function newPage(): Page {
  const words = new Uint32Array(PAGE_SESSIONS * SESSION_WORDS);
  return { words, floats: new Float32Array(words.buffer) };
}
