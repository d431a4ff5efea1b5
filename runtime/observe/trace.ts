/**
 * The recording of one exchange by a traced chain: its steps with positions, outcomes and durations, and what was sent
 * where. Bounded. What is kept of it, and for how long, is the business of the sinks that asked for it (tracing.ts);
 * they mask.
 */
import type { Clock } from "../clock.ts";
import type { Exchange, ExchangeStart, Value } from "../context.ts";
import type { Fault } from "../fault.ts";
import { RequestMessage, type HeaderLines, type Message, type ResponseMessage } from "../message/message.ts";
import type { TracedVariable } from "../program.ts";
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
  /** Values before it ran, and those that it wrote; empty where nobody asks for variables. */
  readonly reads: readonly TracedValue[];
  readonly writes: readonly TracedValue[];
}

/** A variable, by its index in the program's table, and what it held. */
export interface TracedValue {
  readonly variable: number;
  readonly value: Value;
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
  readonly reads: readonly TracedValue[];
}

const NO_VALUES: readonly TracedValue[] = [];

/** Steps that one trace keeps; further ones are counted only. */
const STEPS_MAX = 500;

export class Trace {
  readonly steps: TracedStep[] = [];
  dropped = 0;
  readonly request: TracedRequest;
  /** Head of the request that a target got last, as written (latin1); null while none was asked. */
  sent: string | null = null;
  sentBody: string | null = null;
  /** From the start of the exchange to that. */
  sentAfterMs: number | null = null;
  answer: TracedAnswer | null = null;
  /** Bodies as they came, decoded; null for those that stream by. */
  requestBody: string | null = null;
  answerBody: string | null = null;
  readonly #clock: Clock;
  readonly #sinks: readonly TraceSink[];
  /** What hears of the session's end; null for plain HTTP, and for a called proxy, whose session is its caller's. */
  readonly #session: TracedSession | null;
  readonly #startedMs: number;
  readonly #takesValues: boolean;
  #open: OpenStep | null = null;
  #isOver = false;

  constructor(clock: Clock, start: ExchangeStart, sinks: readonly TraceSink[], session: TracedSession | null) {
    const { verb, path, query, version, lines } = start.request;
    this.#takesValues = sinks.some(({ takesValues }) => takesValues === true);
    this.request = { verb, path, query, version, lines: this.#copied(start.received ?? lines) };
    this.#clock = clock;
    this.#sinks = sinks;
    this.#session = session;
    this.#startedMs = clock.monotonicMs();
  }

  /** A step begins. `condition` is its condition's value, null when it has none. */
  begin(x: Exchange, step: number, condition: boolean | null): void {
    const reads = this.#values(x, step, "reads");
    this.#open = { step, condition, reads, startMs: this.#sinceStart() };
  }

  /** The step that began has ended, with a fault or well; nothing happens when none is open. */
  end(x: Exchange, fault: Fault | null): void {
    if (this.#open === null) return;
    const { step, startMs } = this.#open;
    const durationMs = this.#sinceStart() - startMs;
    const writes = this.#values(x, step, "writes");
    const outcome = fault === null ? "ran" : "fault";
    this.#add({ ...this.#open, outcome, durationMs, fault, writes });
    this.#open = null;
  }

  /** A step does not run at all. */
  pass(x: Exchange, step: number, outcome: "skipped" | "folded"): void {
    const isSkipped = outcome === "skipped";
    const reads = isSkipped ? this.#values(x, step, "reads") : NO_VALUES;
    const condition = isSkipped ? false : null;
    const startMs = this.#sinceStart();
    this.#add({ step, outcome, condition, startMs, durationMs: 0, fault: null, reads, writes: NO_VALUES });
  }

  /** A target is asked, or asked again. `body`: what is sent at once, null for none and for one that streams. */
  asked(head: string, body: string | null): void {
    this.sent = head;
    this.sentBody = body;
    this.sentAfterMs = this.#sinceStart();
  }

  /** The target has answered; called before any flow sees the answer. */
  answered({ status, lines }: ResponseMessage): void {
    this.answer = { status, lines: this.#copied(lines), afterMs: this.#sinceStart() };
  }

  /** A body has been read into memory, before any flow has changed it. */
  held(message: Message): void {
    if (!this.#takesValues) return;
    if (message instanceof RequestMessage) this.requestBody ??= message.content;
    else this.answerBody ??= message.content;
  }

  /** The exchange is over, or its 101 has left: whoever asked for the trace gets it. Once. */
  finish(x: Exchange, status: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const sink of this.#sinks) sink.ended(this, x, status, this.#sinceStart());
    this.#session?.answered(this.#sinks, status);
  }

  #copied(lines: HeaderLines): HeaderLines {
    return this.#takesValues ? [...lines] : [];
  }

  #values(x: Exchange, step: number, which: "reads" | "writes"): readonly TracedValue[] {
    return this.#takesValues ? valuesOf(x, x.program.stepVariables?.[step]?.[which]) : NO_VALUES;
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

function valuesOf(x: Exchange, variables: readonly number[] | undefined): readonly TracedValue[] {
  if (variables === undefined || variables.length === 0) return NO_VALUES;
  return variables.map((variable) => ({ variable, value: valueOf(x, x.program.variables?.[variable]) }));
}

/** Looking must not change what happens: what cannot be read here is nothing. */
function valueOf(x: Exchange, variable: TracedVariable | undefined): Value {
  try {
    return variable?.read?.(x) ?? null;
  } catch {
    return null;
  }
}
