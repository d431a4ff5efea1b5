/**
 * Stopping without cutting anybody: what happens after the first signal, in which order and when. Pure logic over a
 * clock and hooks; it knows nothing of sockets. States only move forward: serving -> preDrain (unready, newcomers
 * served) -> draining (no newcomers) -> spreading (closing) -> done.
 */
import type { Clock, Timer } from "../clock.ts";
import { andThen, type Maybe } from "../maybe.ts";
import type { CloseReasonId } from "../upgrade/close-reason.ts";

export interface DrainSettings {
  /** Newcomers are still served for so long, because load balancers notice late. */
  readonly preDrainDelayMs: number;
  /** From the end of the delay until nothing may be left. */
  readonly windowMs: number;
  /** The last part of the window, over which the remaining closes are spread evenly. */
  readonly spreadMs: number;
  /** Part of the window kept for close handshakes after the last close; limits.closeTimeoutMs. */
  readonly closeTimeoutMs: number;
  /** True: newcomers get 503 and Retry-After until the end. False: the listeners close, a successor has the port. */
  readonly refuse: boolean;
}

/** A live session, as far as draining goes. */
export interface DrainedSession {
  /** Harmless when it has ended by itself. */
  end(reason: CloseReasonId): void;
}

export interface DrainHooks {
  /** Readiness turns false. */
  unready(): void;
  /** From now on newcomers are refused; listeners stay open. */
  refuseNewcomers(): void;
  /** The listeners close, at once or soon; answers say `Connection: close`. May be called again. */
  stopListening(): void;
  /** Idle HTTP connections close. Called again and again. */
  closeIdle(): void;
  /** Sessions that are live, handshakes included. */
  liveSessions(): Iterable<DrainedSession>;
  /** What has to end first: sessions, exchanges, and connections that wait for one; refused newcomers not. */
  leftCount(): number;
  /** Whether somebody else serves the port now: 1012 instead of 1001. Must not reject. */
  hasSuccessor(): Maybe<boolean>;
  /** Destroys what is left. */
  destroyAll(): void;
  /** For the log: `drain`, `drain closing` and `stop`. */
  note(event: string, fields: Readonly<Record<string, number | boolean | string>>): void;
  /** The end; called once. 0, or 143 when a second signal cut it short. */
  finished(exitCode: number): void;
}

export type DrainState = "serving" | "preDrain" | "draining" | "spreading" | "done";

/** Between two looks whether everything has ended. */
const LOOK_MS = 100;
/** Between two batches of closes. */
const SPREAD_STEP_MS = 20;
/** Exit code of a stop that a second signal cut short. */
const EXIT_CUT_SHORT = 143;

export class Drain {
  state: DrainState = "serving";
  readonly #settings: DrainSettings;
  readonly #hooks: DrainHooks;
  readonly #clock: Clock;
  #startedMs = 0;
  /** When the window began: monotonic. */
  #windowMs = 0;
  #timer: Timer | null = null;
  #atStart = 0;
  #closed = 0;

  constructor(settings: DrainSettings, hooks: DrainHooks, clock: Clock) {
    this.#settings = settings;
    this.#hooks = hooks;
    this.#clock = clock;
  }

  /** A signal (or the admin API) asks to stop: the first time in order, the second time at once. */
  signal(name: string): void {
    if (this.state === "done") return;
    if (this.state === "serving") this.#begin(name);
    else this.#finish(EXIT_CUT_SHORT);
  }

  #begin(name: string): void {
    this.state = "preDrain";
    this.#startedMs = this.#clock.monotonicMs();
    this.#atStart = this.#hooks.leftCount();
    this.#hooks.note("drain", { signal: name, connections: this.#atStart, window_ms: this.#settings.windowMs });
    this.#hooks.unready();
    this.#after(this.#settings.preDrainDelayMs, () => this.#endNewcomers());
  }

  #endNewcomers(): void {
    this.state = "draining";
    this.#windowMs = this.#clock.monotonicMs();
    if (this.#settings.refuse) this.#hooks.refuseNewcomers();
    else this.#hooks.stopListening();
    this.#look();
  }

  /** Waits for everything to end by itself, until the closes must begin. */
  #look(): void {
    this.#hooks.closeIdle();
    if (this.#hooks.leftCount() === 0) return this.#finish(0);
    const toSpreadMs = this.#spreadStartMs() - this.#clock.monotonicMs();
    if (toSpreadMs <= 0) return this.#spread();
    this.#after(Math.min(LOOK_MS, toSpreadMs), () => this.#look());
  }

  /** Closes begin so that the last one still has its close handshake within the window. */
  #spreadStartMs(): number {
    return this.#windowMs + Math.max(0, this.#spreadEndsAfterMs() - this.#settings.spreadMs);
  }

  #spreadEndsAfterMs(): number {
    return Math.max(0, this.#settings.windowMs - this.#settings.closeTimeoutMs);
  }

  #spread(): void {
    this.state = "spreading";
    const successor = andThen(this.#hooks.hasSuccessor(), (has): CloseReasonId => (has ? "drain" : "shutdown"));
    void andThen(successor, (reason) => {
      if (this.state !== "spreading") return;
      const sessions = [...this.#hooks.liveSessions()];
      this.#hooks.note("drain closing", { sessions: sessions.length, reason });
      this.#spreadStep(sessions, 0, this.#clock.monotonicMs(), reason);
    });
  }

  /** Ends as many as are due by now: the n-th of all is due after n parts of the spread. */
  #spreadStep(sessions: readonly DrainedSession[], from: number, startMs: number, reason: CloseReasonId): void {
    const endMs = Math.max(startMs, this.#windowMs + this.#spreadEndsAfterMs());
    const spreadMs = endMs - startMs;
    const part = spreadMs <= 0 ? 1 : Math.min(1, (this.#clock.monotonicMs() - startMs) / spreadMs);
    const due = Math.min(sessions.length, Math.floor(part * sessions.length) + (part < 1 ? 1 : 0));
    for (let at = from; at < due; at++) sessions[at]?.end(reason);
    this.#closed = Math.max(this.#closed, due);
    this.#hooks.closeIdle();
    if (this.#hooks.leftCount() === 0) return this.#finish(0);
    if (due < sessions.length) {
      const stepMs = Math.max(SPREAD_STEP_MS, spreadMs / sessions.length);
      return this.#after(stepMs, () => this.#spreadStep(sessions, due, startMs, reason));
    }
    this.#waitForEnd(reason);
  }

  #waitForEnd(reason: CloseReasonId): void {
    this.#hooks.closeIdle();
    const leftMs = this.#windowMs + this.#settings.windowMs - this.#clock.monotonicMs();
    if (this.#hooks.leftCount() === 0 || leftMs <= 0) return this.#finish(0);
    // Handshakes that were under way may have become sessions meanwhile; ending one twice is harmless.
    for (const session of [...this.#hooks.liveSessions()]) session.end(reason);
    this.#after(Math.min(LOOK_MS, leftMs), () => this.#waitForEnd(reason));
  }

  #finish(exitCode: number): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    this.state = "done";
    const forced = this.#hooks.leftCount();
    this.#hooks.stopListening();
    this.#hooks.destroyAll();
    const tookMs = Math.round(this.#clock.monotonicMs() - this.#startedMs);
    const drained = Math.max(0, this.#atStart - forced);
    this.#hooks.note("stop", { drained, closed: this.#closed, forced, took_ms: tookMs });
    this.#hooks.finished(exitCode);
  }

  #after(delayMs: number, run: () => void): void {
    this.#timer = this.#clock.setTimer(() => {
      this.#timer = null;
      if (this.state !== "done") run();
    }, delayMs);
  }
}
