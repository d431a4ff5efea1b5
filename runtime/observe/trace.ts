/**
 * The recording of one exchange by a traced chain: its steps with positions, outcomes and durations, and what was sent
 * where. Bounded. What is kept of it, and for how long, is the business of the sinks that asked for it (tracing.ts);
 * they mask.
 */
import type { Clock } from "../clock.ts";
import type { Exchange, ExchangeStart } from "../context.ts";
import type { Fault } from "../fault.ts";
import type { HeaderLines, ResponseMessage } from "../message.ts";
import type { TracedSession, TraceSink } from "./tracing.ts";

/** What became of a step. */
export type StepOutcome = "ran" | "skipped" | "folded" | "fault";

/** One recorded step; `step` indexes the program's table of positions. */
export interface TracedStep {
  readonly step: number;
  readonly outcome: StepOutcome;
  /** Value of the step's condition; null when it has none. */
  readonly condition: boolean | null;
  /** From the start of the exchange. */
  readonly startMs: number;
  readonly durationMs: number;
  /** What it failed with, also where the flow went on. */
  readonly fault: Fault | null;
}

/** A request as it came, before any flow. */
export interface TracedRequest {
  readonly verb: string;
  readonly path: string;
  readonly query: string | null;
  readonly version: string;
  readonly lines: HeaderLines;
}

/** A target's answer as it came. */
export interface TracedAnswer {
  readonly status: number;
  readonly lines: HeaderLines;
  /** From the start of the exchange. */
  readonly afterMs: number;
}

/** A step that runs. */
interface OpenStep {
  readonly step: number;
  readonly condition: boolean | null;
  readonly startMs: number;
}

/** Steps that one trace keeps; further ones are counted only. */
const STEPS_MAX = 500;

export class Trace {
  readonly steps: TracedStep[] = [];
  dropped = 0;
  readonly request: TracedRequest;
  /** Head of the request that a target got last, as written (latin1); null while none was asked. */
  sent: string | null = null;
  /** From the start of the exchange to that. */
  sentAfterMs: number | null = null;
  answer: TracedAnswer | null = null;
  readonly #clock: Clock;
  readonly #sinks: readonly TraceSink[];
  /** What hears of the session's end; null for plain HTTP, and for a called proxy, whose session is its caller's. */
  readonly #session: TracedSession | null;
  readonly #startedMs: number;
  #open: OpenStep | null = null;
  #isOver = false;

  constructor(clock: Clock, start: ExchangeStart, sinks: readonly TraceSink[], session: TracedSession | null) {
    const { verb, path, query, version, lines } = start.request;
    this.request = { verb, path, query, version, lines: [...lines] };
    this.#clock = clock;
    this.#sinks = sinks;
    this.#session = session;
    this.#startedMs = clock.monotonicMs();
  }

  /** A step begins. `condition` is its condition's value, null when it has none. */
  begin(step: number, condition: boolean | null): void {
    this.#open = { step, condition, startMs: this.#sinceStart() };
  }

  /** The step that began has ended, with a fault or well; nothing happens when none is open. */
  end(fault: Fault | null): void {
    if (this.#open === null) return;
    const { startMs } = this.#open;
    const outcome = fault === null ? "ran" : "fault";
    this.#add({ ...this.#open, outcome, durationMs: this.#sinceStart() - startMs, fault });
    this.#open = null;
  }

  /** A step does not run at all. */
  pass(step: number, outcome: "skipped" | "folded"): void {
    const condition = outcome === "skipped" ? false : null;
    this.#add({ step, outcome, condition, startMs: this.#sinceStart(), durationMs: 0, fault: null });
  }

  /** A target is asked, or asked again. */
  asked(head: string): void {
    this.sent = head;
    this.sentAfterMs = this.#sinceStart();
  }

  /** The target has answered; called before any flow sees the answer. */
  answered({ status, lines }: ResponseMessage): void {
    this.answer = { status, lines: [...lines], afterMs: this.#sinceStart() };
  }

  /** The exchange is over, or its 101 has left: whoever asked for the trace gets it. Once. */
  finish(x: Exchange, status: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const sink of this.#sinks) sink.ended(this, x, status, this.#sinceStart());
    this.#session?.answered(this.#sinks, status);
  }

  #sinceStart(): number {
    return this.#clock.monotonicMs() - this.#startedMs;
  }

  #add(step: TracedStep): void {
    if (this.#isOver) return;
    if (this.steps.length < STEPS_MAX) this.steps.push(step);
    else this.dropped++;
  }
}
