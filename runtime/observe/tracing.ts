/**
 * Which exchanges are recorded: asked once for each, at its entry. Whoever wants recordings (Debug sessions) watches
 * programs through a sink; exchanges of a program that nobody watches take the plain chains. It keeps no recordings.
 */
import type { Clock } from "../clock.ts";
import type { Exchange, ExchangeStart } from "../context.ts";
import type { ProxyProgram } from "../program.ts";
import type { SessionRecord } from "./record.ts";
import { Trace } from "./trace.ts";

/** Takes recordings. None of its methods may throw. */
export interface TraceSink {
  /** It takes messages and values of variables too; absent: steps, and when the target was asked. */
  readonly takesValues?: true;
  /** Whether an exchange that begins so is to be recorded for this sink; `ended` follows if so. */
  wants(start: ExchangeStart): boolean;
  /** The exchange is over, or its 101 has left. */
  ended(trace: Trace, x: Exchange, status: number, durationMs: number): void;
  /** Both connections of a session whose exchange it got are gone, or there never were two. Behind `ended`. */
  closed(record: SessionRecord): void;
}

/** One session that is recorded, from its handshake to its record, in whatever order these come to an end. */
export class TracedSession {
  readonly #forget: () => void;
  #sinks: readonly TraceSink[] | null = null;
  #record: SessionRecord | null = null;

  constructor(forget: () => void) {
    this.#forget = forget;
  }

  /** Its handshake is over; after any status but 101 there is no record to come, unless it is here already. */
  answered(sinks: readonly TraceSink[], status: number): void {
    this.#sinks = sinks;
    if (status !== 101) this.#forget();
    this.#tell();
  }

  closed(record: SessionRecord): void {
    this.#record = record;
    this.#forget();
    this.#tell();
  }

  #tell(): void {
    if (this.#record === null || this.#sinks === null) return;
    for (const sink of this.#sinks) sink.closed(this.#record);
  }
}

export class Tracing {
  readonly #clock: Clock;
  readonly #watched = new Map<ProxyProgram, readonly TraceSink[]>();
  /** Recorded sessions by id; as many as there are live sessions at most. */
  readonly #sessions = new Map<string, TracedSession>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Offers every exchange of a program to a sink from now on. */
  watch(program: ProxyProgram, sink: TraceSink): void {
    this.#watched.set(program, [...(this.#watched.get(program) ?? []), sink]);
  }

  /** Offers it nothing any more; what it wanted before still comes. */
  unwatch(sink: TraceSink): void {
    for (const [program, sinks] of this.#watched) {
      const others = sinks.filter((other) => other !== sink);
      if (others.length === 0) this.#watched.delete(program);
      else this.#watched.set(program, others);
    }
  }

  watches(program: ProxyProgram): boolean {
    return this.#watched.has(program);
  }

  /**
   * The recording of an exchange that begins; null where nobody wants one. `also`: a sink that is not asked any more.
   */
  begin(start: ExchangeStart, also: TraceSink | null): Trace | null {
    const watching = this.#watched.get(start.program);
    if (watching === undefined && also === null) return null;
    const sinks = (watching ?? []).filter((sink) => sink.wants(start));
    if (also !== null) sinks.push(also);
    return sinks.length === 0 ? null : new Trace(this.#clock, start, sinks, this.#sessionOf(start));
  }

  /** A session has ended. */
  closed(record: SessionRecord): void {
    this.#sessions.get(record.sessionId)?.closed(record);
  }

  #sessionOf({ session, caller }: ExchangeStart): TracedSession | null {
    if (session === null || caller !== undefined) return null;
    const { id } = session;
    const traced = new TracedSession(() => void this.#sessions.delete(id));
    this.#sessions.set(id, traced);
    return traced;
  }
}

/** For programs that have traced twins. */
export function startTracing(clock: Clock): Tracing {
  return new Tracing(clock);
}
