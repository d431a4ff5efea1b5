/**
 * One Debug session: which exchanges of a proxy it records, and what it has recorded. It ends by itself, when it has
 * what it was asked for or when its time is over; what it recorded stays readable until debug.ts forgets it.
 */
import type { Clock, Timer } from "../clock.ts";
import type { Exchange, ExchangeStart } from "../context.ts";
import type { Limits } from "../limits.ts";
import type { SessionRecord } from "../observe/record.ts";
import type { Trace } from "../observe/trace.ts";
import type { TraceSink, Tracing } from "../observe/tracing.ts";
import type { ProxyProgram } from "../program.ts";
import type { DebugFilter } from "./filter.ts";
import { fittingJson } from "./fitting-json.ts";
import { Mask, type Hidden } from "./mask.ts";
import {
  closeOf, learnTransaction, summaryOf, transactionOf, type Excerpts, type TransactionClose, type TransactionSummary,
} from "./transaction.ts";

/** What somebody asks for; checked before. */
export interface DebugRequest {
  readonly proxy: string;
  /** Null: every environment where the proxy is deployed. */
  readonly environment: string | null;
  /** The condition that exchanges must meet, as it was written; null: every exchange is meant. */
  readonly filter: string | null;
  /** Exchanges after which it ends. */
  readonly count: number;
  readonly timeoutMs: number;
}

/** `completed`: it has as many exchanges as it was asked for. `timedOut`: its time was over before. */
export type DebugState = "active" | "completed" | "timedOut";

/** A recorded exchange: what lists show, and all of it as JSON, which is what the bounds count. */
export interface DebugEntry {
  readonly summary: TransactionSummary;
  readonly json: string;
  /** Null while a WebSocket connection is open, and for what never was one. */
  close: TransactionClose | null;
  /** What its close must not say. */
  mask: Mask;
}

/** What a session needs of whoever keeps it. */
export interface DebugSessionParts {
  readonly clock: Clock;
  readonly limits: Limits;
  readonly tracing: Tracing;
  /** What recordings of a program must not show. */
  hidden(program: ProxyProgram): Hidden;
  readonly excerpts: Excerpts;
  /** Whether that many more bytes may be kept; they count from then on if so. */
  take(bytes: number): boolean;
}

export class DebugSession implements TraceSink {
  readonly takesValues = true;
  readonly id: string;
  readonly request: DebugRequest;
  readonly createdAtMs: number;
  readonly endsAtMs: number;
  state: DebugState = "active";
  /** By id of the exchange, oldest first. */
  readonly entries = new Map<string, DebugEntry>();
  /** Bytes of all entries. */
  bytes = 0;
  /** Exchanges that were recorded and for which there was no room. */
  dropped = 0;
  /** Exchanges that the filter did not mean. */
  filteredOut = 0;
  /** Exchanges that were not recorded because too many were being recorded at that moment. */
  sampledOut = 0;
  readonly #parts: DebugSessionParts;
  readonly #filter: DebugFilter | null;
  readonly #timer: Timer;
  /** Exchanges being recorded. */
  #underWay = 0;
  /** Exchanges that began to be recorded since `#secondMs`. */
  #begun = 0;
  #secondMs: number;

  constructor(
    parts: DebugSessionParts,
    request: DebugRequest,
    filter: DebugFilter | null,
    programs: readonly ProxyProgram[],
  ) {
    this.#filter = filter;
    const { clock, tracing } = parts;
    this.#parts = parts;
    this.request = request;
    this.id = clock.randomId();
    this.createdAtMs = clock.wallMs();
    this.endsAtMs = this.createdAtMs + request.timeoutMs;
    this.#secondMs = clock.monotonicMs();
    this.#timer = clock.setTimer(() => this.end("timedOut"), request.timeoutMs);
    for (const program of programs) tracing.watch(program, this);
  }

  /** See TraceSink. Under load it takes what fits its bounds, and counts the others. */
  wants(start: ExchangeStart): boolean {
    const { clock, limits } = this.#parts;
    if (this.state !== "active") return false;
    if (this.#filter?.mayMean(start) === false) {
      this.filteredOut++;
      return false;
    }
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#secondMs >= 1_000) {
      this.#secondMs = nowMs;
      this.#begun = 0;
    }
    if (this.#underWay >= limits.debugUnderWayMax || this.#begun >= limits.debugPerSecondMax) {
      this.sampledOut++;
      return false;
    }
    this.#underWay++;
    this.#begun++;
    return true;
  }

  /** See TraceSink. */
  ended(trace: Trace, x: Exchange, status: number, durationMs: number): void {
    this.#underWay--;
    if (this.state !== "active") return;
    if (this.#filter?.means(trace, x) === false) {
      this.filteredOut++;
      return;
    }
    const mask = new Mask(this.#parts.hidden(x.program));
    learnTransaction(mask, trace, x);
    const { excerpts } = this.#parts;
    const transaction = transactionOf(mask, trace, { x, status, durationMs, excerpts });
    const json = fittingJson(transaction, this.#parts.limits.debugEntryBytesMax);
    const bytes = Buffer.byteLength(json);
    if (!this.#parts.take(bytes)) {
      this.dropped++;
      return;
    }
    this.bytes += bytes;
    const mayClose = x.session !== null && x.caller === null;
    this.entries.set(x.id, { summary: summaryOf(transaction), json, close: null, mask: mayClose ? mask : new Mask() });
    if (this.entries.size >= this.request.count) this.end("completed");
  }

  /** See TraceSink: also when this session is over, as long as the entry is there. */
  closed(record: SessionRecord): void {
    const entry = this.entries.get(record.sessionId);
    if (entry === undefined) return;
    entry.close = closeOf(entry.mask, record);
    // What it hid is not kept any longer than it is needed.
    entry.mask = new Mask();
  }

  /** Records nothing more. The first end counts. */
  end(state: DebugState): void {
    if (this.state !== "active") return;
    this.state = state;
    this.#parts.clock.clearTimer(this.#timer);
    this.#parts.tracing.unwatch(this);
  }
}
