/**
 * The recording of one exchange by a traced chain: steps with positions, outcomes and durations. Bounded; no payloads and no
 * values of credentials. Where recordings go is the Debug session's business, not this file's.
 */
import type { Clock } from "../clock.ts";

/** What became of a step. */
export type StepOutcome = "ran" | "skipped" | "folded" | "fault";

/** One recorded step; `step` indexes the program's table of positions. */
export interface TracedStep {
  readonly step: number;
  readonly outcome: StepOutcome;
  /** Value of the step's condition; null when it has none. */
  readonly condition: boolean | null;
  readonly durationMs: number;
}

/** Steps that one trace keeps; further ones are counted only. */
const STEPS_MAX = 500;

export class Trace {
  readonly steps: TracedStep[] = [];
  dropped = 0;
  readonly #clock: Clock;
  #open: { readonly step: number; readonly condition: boolean | null; readonly startMs: number } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A step begins. `condition` is its condition's value, null when it has none. */
  begin(step: number, condition: boolean | null): void {
    this.#open = { step, condition, startMs: this.#clock.monotonicMs() };
  }

  /** The step that began has ended; nothing happens when none is open. */
  end(outcome: "ran" | "fault"): void {
    if (this.#open === null) return;
    const { step, condition, startMs } = this.#open;
    this.#open = null;
    this.#add({ step, outcome, condition, durationMs: this.#clock.monotonicMs() - startMs });
  }

  /** A step does not run at all. */
  pass(step: number, outcome: "skipped" | "folded"): void {
    this.#add({ step, outcome, condition: outcome === "skipped" ? false : null, durationMs: 0 });
  }

  #add(step: TracedStep): void {
    if (this.steps.length < STEPS_MAX) this.steps.push(step);
    else this.dropped++;
  }
}
