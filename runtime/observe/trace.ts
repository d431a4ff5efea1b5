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

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Now, for `step`'s start. */
  now(): number {
    return this.#clock.monotonicMs();
  }

  /** Records a step that began at `startMs`. */
  step(step: number, outcome: StepOutcome, condition: boolean | null, startMs: number): void {
    if (this.steps.length >= STEPS_MAX) {
      this.dropped++;
      return;
    }
    this.steps.push({ step, outcome, condition, durationMs: this.now() - startMs });
  }
}
