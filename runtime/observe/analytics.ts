/**
 * Analytics while the gateway runs: rows wait in memory for at most a second, then go into the file in batches of
 * bounded work, never within a request. A file that cannot be written costs rows, which are counted, and nothing else;
 * the gateway starts and serves without it. analytics-row.ts says what is in a row, analytics-file.ts what is kept.
 */
import type { Clock, Timer } from "../clock.ts";
import type { Exchange } from "../context.ts";
import type { Limits } from "../limits.ts";
import { AnalyticsFile, grainNames, grains } from "../state/analytics-file.ts";
import type { AnalyticsBatch, Grain, Rollup } from "../state/analytics-file.ts";
import { StoreFailure } from "../state/store.ts";
import type { Session } from "../upgrade/session.ts";
import { captured, copied, exchangeRow, handshakeMark, sessionRow } from "./analytics-exchange.ts";
import type { EndedExchange, HandshakeMark, TargetMark } from "./analytics-exchange.ts";
import { encodeRows } from "./analytics-chunk.ts";
import { killedRow, noteOf, type LiveSession } from "./analytics-live.ts";
import { addStats, noStats, type AnalyticsRow, type Collector } from "./analytics-row.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Asked } from "./place.ts";
import type { SessionRecord } from "./record.ts";

/** How long what is kept; milliseconds. */
export interface AnalyticsSettings {
  readonly file: string;
  readonly bytesMax: number;
  readonly retention: Readonly<Record<Grain | "rows", number>>;
  /** What DataCapture policies may put into rows. */
  readonly collectors: readonly Collector[];
}

export interface AnalyticsParts {
  readonly clock: Clock;
  readonly limits: Pick<Limits, "analyticsPendingMax" | "storeBusyMs">;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Rows of one transaction. */
const BATCH_ROWS = 256;
/** How long rows wait: what a crash of the process may cost. */
const LINGER_MS = 1_000;
/** Texts that sessions share; when there are more, the next ones have copies of their own. */
const TEXTS_MAX = 1_024;
/** Between two sweeps of a file that nothing is written into, and between two looks for processes that were killed. */
const SWEEP_MS = 60_000;

/** A row, and the note that its session had while it was open; 0: none. */
interface Pending {
  readonly row: AnalyticsRow;
  readonly note: number;
}

export class Analytics {
  /** Rows that are in the file, and rows that are lost, since the start. */
  written = 0;
  dropped = 0;
  readonly settings: AnalyticsSettings;
  readonly #clock: Clock;
  readonly #limits: AnalyticsParts["limits"];
  readonly #log: Log;
  readonly #pending: Pending[] = [];
  /** Sessions that are open and not in the file yet. */
  readonly #opened = new Map<HandshakeMark, LiveSession>();
  /** Notes of sessions whose rows were dropped. */
  readonly #lost: number[] = [];
  readonly #texts = new Map<string, string>();
  #file: AnalyticsFile | null = null;
  /** Why the last attempt to write failed; null when it did not. */
  #failure: StoreFailure["code"] | null = null;
  #isClosed = false;
  #timer: Timer | null = null;
  #timerMs = 0;
  /** Whether the last batch left another one behind it. */
  #isMore = false;
  /** Monotonic time of the next look for processes that were killed. */
  #adoptAtMs = 0;

  /** Opens the file, or tries again later. */
  constructor(settings: AnalyticsSettings, { clock, limits, log, metrics }: AnalyticsParts) {
    this.settings = settings;
    this.#clock = clock;
    this.#limits = limits;
    this.#log = log;
    this.#attempt(() => this.file());
    this.#wake(LINGER_MS);
    metrics.observe({ analytics: this });
  }

  /** Rows that wait. */
  get pending(): number {
    return this.#pending.length;
  }

  /** Whether the last attempt to write succeeded. */
  get isUp(): boolean {
    return this.#failure === null;
  }

  /** An HTTP exchange has ended, or an upgrade was refused. */
  exchange(ended: EndedExchange): void {
    this.#add(exchangeRow(this.#clock, ended), 0);
  }

  /** A handshake has ended in a session: what the row of that will say of it. */
  mark(asked: Asked, x: Exchange, target: TargetMark, startedMs: number): HandshakeMark {
    return handshakeMark(asked, x, target, startedMs, this.#shared);
  }

  /** The PostClientFlow of a handshake or its session flow has run: it may have captured something for the session. */
  recapture(mark: HandshakeMark | null, x: Exchange): void {
    if (mark !== null && x.captured !== null) mark.captured = captured(x);
  }

  /** The 101 has left: the file will know of the session soon, and of its end when that comes. */
  opened(session: LiveSession & Pick<Session, "mark" | "state">): void {
    const { mark, state } = session;
    if (mark === null || state === "closed" || this.#isClosed) return;
    if (this.#opened.size >= this.#limits.analyticsPendingMax) return;
    this.#opened.set(mark, session);
    this.#wake(LINGER_MS);
  }

  /** A session that was open has ended. (One that its client never saw has the row of its handshake.) */
  session(record: SessionRecord): void {
    const { mark } = record;
    if (mark === null) return;
    this.#opened.delete(mark);
    this.#add(sessionRow(record, mark), mark.note);
  }

  /** Takes a row; it is written soon. */
  #add(row: AnalyticsRow, note: number): void {
    const { length } = this.#pending;
    const { analyticsPendingMax } = this.#limits;
    if (length >= analyticsPendingMax || this.#isClosed) {
      this.dropped++;
      if (note !== 0 && this.#lost.length < analyticsPendingMax) this.#lost.push(note);
      return;
    }
    this.#pending.push({ row, note });
    if (length === 0) this.#wake(LINGER_MS);
    else if (length + 1 === BATCH_ROWS && this.isUp) this.#wake(0);
  }

  /** Writes what waits, all of it; false when the file does not take it. */
  flush(): boolean {
    let isTaken = true;
    while (this.#pending.length > 0 && isTaken) isTaken = this.#write();
    return isTaken;
  }

  /** The file. Throws StoreFailure when it cannot be opened. */
  file(): AnalyticsFile {
    if (this.#isClosed) throw new StoreFailure("closed", "analytics are closed");
    const { bytesMax, file } = this.settings;
    return (this.#file ??= new AnalyticsFile({ file, bytesMax, busyMs: this.#limits.storeBusyMs }));
  }

  /** Writes what waits and closes the file. Rows that come later are dropped. */
  close(): void {
    if (this.#isClosed) return;
    this.flush();
    this.dropped += this.#pending.length;
    if (this.dropped > 0) this.#log.event("analytics_rows_dropped", { rows: this.dropped }, "warn");
    this.#isClosed = true;
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#file?.close();
  }

  /** The same text, one copy of it for all sessions that have it. */
  readonly #shared = (text: string): string => {
    const found = this.#texts.get(text);
    if (found !== undefined) return found;
    if (this.#texts.size >= TEXTS_MAX) this.#texts.clear();
    const copy = copied(text);
    this.#texts.set(copy, copy);
    return copy;
  };

  /** One batch; false when the file does not take it. */
  #write(): boolean {
    const batch = this.#pending.slice(0, BATCH_ROWS);
    const rows = batchOf(batch.map(({ row }) => row));
    const opened = this.#due();
    const lost = this.#lost.slice(0, BATCH_ROWS);
    const live = {
      nowMs: this.#clock.wallMs(),
      opened: opened.map(([mark, session]) => noteOf(session, mark)),
      ended: [...batch.flatMap(({ note }) => (note === 0 ? [] : note)), ...lost],
    };
    const isWritten = this.#attempt(() => {
      const notes = this.file().write(rows, live, addStats);
      for (const [at, [mark]] of opened.entries()) mark.note = notes[at] ?? 0;
    });
    if (!isWritten) return false;
    for (const [mark] of opened) this.#opened.delete(mark);
    this.#isMore = this.#pending.length - batch.length >= BATCH_ROWS || opened.length === BATCH_ROWS;
    this.#lost.splice(0, lost.length);
    this.#pending.splice(0, batch.length);
    this.written += batch.length;
    return true;
  }

  /** Sessions that have been open for a while, one batch of them; the oldest stand first. */
  #due(): readonly (readonly [HandshakeMark, LiveSession])[] {
    const found: (readonly [HandshakeMark, LiveSession])[] = [];
    for (const entry of this.#opened) {
      if (found.length === BATCH_ROWS || entry[1].ageMs() < LINGER_MS) break;
      found.push(entry);
    }
    return found;
  }

  /** Rows of sessions whose gateway was killed, one batch of them; how long the next may wait. */
  #adopt(): number {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#adoptAtMs) return SWEEP_MS;
    const delayMs = this.#adoptBatch();
    this.#adoptAtMs = nowMs + delayMs;
    return delayMs;
  }

  #adoptBatch(): number {
    const rowsOf = (notes: readonly string[], atMs: number): AnalyticsBatch =>
      batchOf(notes.flatMap((note) => killedRow(note, atMs) ?? []));
    try {
      const adopted = this.file().adopt(BATCH_ROWS, rowsOf, addStats);
      if (adopted === 0) return SWEEP_MS;
      this.written += adopted;
      this.#log.event("analytics_sessions_adopted", { rows: adopted }, "warn");
      return 0;
    } catch (cause) {
      if (!(cause instanceof StoreFailure)) throw cause;
      // Another process writes just now, or the file is not there, which has been told.
      return LINGER_MS;
    }
  }

  /** What cannot be swept now is swept later. */
  #sweep(): void {
    const nowMs = this.#clock.wallMs();
    const { day, hour, minute, rows } = this.settings.retention;
    const horizon = { rows: nowMs - rows, minute: nowMs - minute, hour: nowMs - hour, day: nowMs - day };
    try {
      this.file().sweep(horizon, this.#failure === "full");
      if (this.#pending.length === 0) this.file().touch(nowMs);
    } catch (cause) {
      if (!(cause instanceof StoreFailure)) throw cause;
    }
  }

  /** Does something that must succeed; says once that it fails, and once that it works again. */
  #attempt(work: () => unknown): boolean {
    try {
      work();
    } catch (cause) {
      if (!(cause instanceof StoreFailure)) throw cause;
      if (this.#failure === null) this.#log.event("analytics_failed", { detail: cause.message }, "error");
      this.#failure = cause.code;
      return false;
    }
    if (this.#failure !== null) this.#log.event("analytics_recovered", { dropped: this.dropped });
    this.#failure = null;
    return true;
  }

  /** The next tick comes after so long, or sooner. */
  #wake(delayMs: number): void {
    if (this.#timer !== null) {
      if (this.#timerMs <= delayMs) return;
      this.#clock.clearTimer(this.#timer);
    }
    this.#timerMs = delayMs;
    this.#timer = this.#clock.setTimer(() => this.#tick(), delayMs);
  }

  /** One batch and one sweep: bounded work, then the event loop is others' again. */
  #tick(): void {
    this.#timer = null;
    this.#isMore = false;
    const isTaken = (this.#pending.length === 0 && this.#opened.size === 0) || this.#write();
    const adoptMs = this.#adopt();
    this.#sweep();
    const isIdle = this.#pending.length === 0 && this.#opened.size === 0;
    const writeMs = isTaken && this.#isMore ? 0 : isIdle ? SWEEP_MS : LINGER_MS;
    this.#wake(Math.min(writeMs, adoptMs));
  }
}

/** For a program that has analytics. */
export function openAnalytics(settings: AnalyticsSettings, parts: AnalyticsParts): Analytics {
  return new Analytics(settings, parts);
}

function batchOf(rows: readonly AnalyticsRow[]): AnalyticsBatch {
  const { groups, text } = encodeRows(rows);
  const rollups = new Map<string, Rollup>();
  for (const { key, minuteMs, stats } of groups) {
    for (const grain of grainNames) addStats(rollupIn(rollups, grain, minuteMs, key).stats, stats);
  }
  let fromMs = Infinity;
  let toMs = -Infinity;
  for (const { client_sent_end_timestamp: endMs } of rows) {
    fromMs = Math.min(fromMs, endMs);
    toMs = Math.max(toMs, endMs);
  }
  return { rows: text, count: rows.length, fromMs, toMs, rollups: [...rollups.values()] };
}

/** The roll-up of a stretch of time, made when there is none. */
function rollupIn(rollups: Map<string, Rollup>, grain: Grain, timeMs: number, key: string): Rollup {
  const atMs = Math.floor(timeMs / grains[grain]) * grains[grain];
  const id = `${grain} ${atMs} ${key}`;
  const found = rollups.get(id);
  if (found !== undefined) return found;
  const rollup = { grain, atMs, key, stats: noStats() };
  rollups.set(id, rollup);
  return rollup;
}
