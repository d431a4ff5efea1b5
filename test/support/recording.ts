/** A Tracing that records every exchange of given programs, for tests that look at traces themselves. */
import type { Clock } from "#runtime/clock.ts";
import { Tracing } from "#runtime/observe/tracing.ts";
import type { ProxyProgram } from "#runtime/program.ts";

/** Watches all of them; recordings go nowhere but to the exchanges. */
export function recording(clock: Clock, programs: Iterable<ProxyProgram>): Tracing {
  const tracing = new Tracing(clock);
  for (const program of programs) {
    tracing.watch(program, { wants: () => true, ended: () => undefined, closed: () => undefined });
  }
  return tracing;
}
