/**
 * Times of policies as a metric: one exchange of so many takes the traced twins, and what its steps took goes into
 * histograms. The plain chains ask no clock. It keeps nothing of an exchange.
 */
import type { ExchangeStart, Exchange } from "../context.ts";
import type { ProxyProgram, RouteEntry } from "../program.ts";
import type { Metrics } from "./metrics.ts";
import type { Trace } from "./trace.ts";
import type { TraceSink, Tracing } from "./tracing.ts";

/** Watches every program that has traced twins. `every`: how many exchanges there are to one that is timed. */
export function watchPolicyTimes(
  tracing: Tracing,
  routes: readonly RouteEntry[],
  metrics: Metrics,
  every: number,
): void {
  const programs = new Set(routes.flatMap(({ program }) => (program.traced === null ? [] : [program])));
  const sink = new PolicyTimes(metrics, every);
  for (const program of programs) tracing.watch(program, sink);
}

class PolicyTimes implements TraceSink {
  readonly #metrics: Metrics;
  readonly #every: number;
  /** Exchanges since the last one that was timed, by program: each proxy has its share, however few it serves. */
  readonly #since = new Map<ProxyProgram, number>();

  constructor(metrics: Metrics, every: number) {
    this.#metrics = metrics;
    this.#every = every;
  }

  wants({ program }: ExchangeStart): boolean {
    const since = (this.#since.get(program) ?? this.#every - 1) + 1;
    this.#since.set(program, since % this.#every);
    return since >= this.#every;
  }

  ended(trace: Trace, { program }: Exchange): void {
    for (const { durationMs, outcome, step } of trace.steps) {
      const position = program.positions[step];
      if (position === undefined || outcome === "skipped" || outcome === "folded") continue;
      this.#metrics.policyTimed(program, position.policy, durationMs);
    }
  }

  closed(): void {}
}
