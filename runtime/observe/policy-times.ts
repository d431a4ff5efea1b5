/**
 * Times of policies: one exchange of so many takes the traced twins, and what its steps took goes into histograms by
 * policy (metrics) and by step (the admin API). The plain chains ask no clock. It keeps nothing of an exchange.
 */
import type { Clock } from "../clock.ts";
import type { ExchangeStart, Exchange } from "../context.ts";
import type { ProxyProgram, RouteEntry, StepPosition } from "../program.ts";
import type { Metrics } from "./metrics.ts";
import { StepTimes, type ExchangeKind, type Times } from "./step-times.ts";
import type { Trace } from "./trace.ts";
import type { TraceSink, Tracing } from "./tracing.ts";

/** What one step of one program took. */
export interface StepTime {
  readonly program: ProxyProgram;
  readonly position: StepPosition;
  readonly times: Times;
}

/** What is kept of one program. */
interface Watched {
  /** Exchanges since the last one that was timed: each proxy has its share, however few it serves. */
  since: number;
  readonly steps: StepTimes;
  readonly exchanges: Record<ExchangeKind, number>;
}

/** Watches every program that has traced twins. `every`: how many exchanges there are to one that is timed. */
export function watchPolicyTimes(
  tracing: Tracing,
  routes: readonly RouteEntry[],
  metrics: Metrics,
  every: number,
  clock: Clock,
): PolicyTimes {
  const programs = new Set(routes.flatMap(({ program }) => (program.traced === null ? [] : [program])));
  const times = new PolicyTimes(programs, metrics, every, clock.wallMs());
  for (const program of programs) tracing.watch(program, times);
  return times;
}

export class PolicyTimes implements TraceSink {
  readonly every: number;
  /** Wall clock. */
  readonly sinceMs: number;
  readonly #metrics: Metrics;
  readonly #watched: ReadonlyMap<ProxyProgram, Watched>;

  constructor(programs: Iterable<ProxyProgram>, metrics: Metrics, every: number, sinceMs: number) {
    this.#metrics = metrics;
    this.every = every;
    this.sinceMs = sinceMs;
    const none = (): Watched => ({ since: every - 1, steps: new StepTimes(), exchanges: { handshake: 0, http: 0 } });
    this.#watched = new Map([...programs].map((program) => [program, none()]));
  }

  wants({ program }: ExchangeStart): boolean {
    const watched = this.#watched.get(program);
    if (watched === undefined) return false;
    const since = watched.since + 1;
    watched.since = since % this.every;
    return since >= this.every;
  }

  ended(trace: Trace, { program, session }: Exchange): void {
    const watched = this.#watched.get(program);
    if (watched === undefined) return;
    const kind = session === null ? "http" : "handshake";
    watched.exchanges[kind]++;
    for (const { durationMs, outcome, step } of trace.steps) {
      const position = program.positions[step];
      if (position === undefined || outcome === "skipped" || outcome === "folded") continue;
      watched.steps.add(step, kind, durationMs);
      this.#metrics.policyTimed(program, position.policy, durationMs);
    }
  }

  closed(): void {}

  /** Exchanges of these kinds that were timed, of the programs that are meant. */
  exchanges(kinds: readonly ExchangeKind[], isMeant: (program: ProxyProgram) => boolean): number {
    let count = 0;
    for (const [program, { exchanges }] of this.#watched) {
      if (isMeant(program)) for (const kind of kinds) count += exchanges[kind];
    }
    return count;
  }

  /** What their steps took; those that took the most time of all come first. */
  steps(kinds: readonly ExchangeKind[], isMeant: (program: ProxyProgram) => boolean): readonly StepTime[] {
    const found: StepTime[] = [];
    for (const [program, { steps }] of this.#watched) {
      if (!isMeant(program)) continue;
      for (const [step, position] of program.positions.entries()) {
        const times = steps.of(step, kinds);
        if (times !== null) found.push({ program, position, times });
      }
    }
    return found.sort((a, b) => b.times.totalMs - a.times.totalMs);
  }
}
