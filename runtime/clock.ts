/**
 * Time and randomness: the only door to both for everything in runtime/. A gateway is given one clock when it starts;
 * tests give it one that they move by hand.
 */
import { randomBytes, randomUUID } from "node:crypto";

/** A timer that was set; opaque to its owner. */
export type Timer = { readonly timer: unique symbol } | object;

export interface Clock {
  /** Wall-clock time, milliseconds since the Unix epoch. It may jump; credentials expire by it. */
  wallMs(): number;
  /** Milliseconds on a clock that never goes back; durations and idle times are measured on it. */
  monotonicMs(): number;
  /** Calls `run` once after `delayMs`; does not keep the process alive. */
  setTimer(run: () => void, delayMs: number): Timer;
  /** Forgets a timer; harmless when it has already fired. */
  clearTimer(timer: Timer): void;
  /** Cryptographically strong random bytes. */
  randomBytes(size: number): Buffer;
  /** A random identifier (RFC 9562, version 4). */
  randomId(): string;
}

/** The longest delay a Node timer takes; longer ones fire at once, so they are cut here; their owners re-arm them. */
const TIMER_DELAY_MAX_MS = 2 ** 31 - 1;

/** The process's own clock. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer: (run, delayMs) => setTimeout(run, Math.min(Math.max(delayMs, 0), TIMER_DELAY_MAX_MS)).unref(),
  clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
  randomBytes: (size) => randomBytes(size),
  randomId: () => randomUUID(),
};
