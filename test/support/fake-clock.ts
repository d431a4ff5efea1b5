/**
 * A clock that stands still until a test moves it. Timers run in the order of their times, each at its own moment.
 */
import { Buffer } from "node:buffer";
import type { Clock, Timer } from "#runtime/clock.ts";

export interface FakeClock extends Clock {
  /** Moves both clocks forward and runs the timers that become due, in order, each at its own time. */
  advance(ms: number): void;
  /** Sets the wall clock forward (or back, when negative) without moving the monotonic one. */
  stepWall(ms: number): void;
  /** Timers that are set and have not fired. */
  readonly timers: number;
}

interface FakeTimer {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Noon of a fixed day, so that printed times are the same in every run. */
const WALL_START_MS = Date.UTC(2030, 0, 1, 12);
const MONOTONIC_START_MS = 1_000;

/** A new clock at a fixed time. Its random bytes are a fixed sequence without zeros, its identifiers are numbered. */
export function fakeClock(wallStartMs: number = WALL_START_MS): FakeClock {
  const timers = new Set<FakeTimer>();
  let nowMs = MONOTONIC_START_MS;
  let wallOffsetMs = wallStartMs - MONOTONIC_START_MS;
  let order = 0;
  let ids = 0;
  let randomByte = 0;

  function nextDue(untilMs: number): FakeTimer | null {
    let next: FakeTimer | null = null;
    for (const timer of timers) {
      if (timer.atMs > untilMs) continue;
      const sooner = next === null || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.order < next.order);
      if (sooner) next = timer;
    }
    return next;
  }

  return {
    wallMs: () => nowMs + wallOffsetMs,
    monotonicMs: () => nowMs,
    setTimer(run: () => void, delayMs: number): Timer {
      const timer: FakeTimer = { atMs: nowMs + Math.max(delayMs, 0), order: (order += 1), run };
      timers.add(timer);
      return timer;
    },
    clearTimer(timer: Timer): void {
      for (const known of timers) if (known === timer) timers.delete(known);
    },
    randomBytes(size: number): Buffer {
      return Buffer.from(Array.from({ length: size }, () => (randomByte = (randomByte % 251) + 1)));
    },
    randomId(): string {
      ids += 1;
      return `00000000-0000-4000-8000-${ids.toString(16).padStart(12, "0")}`;
    },
    advance(ms: number): void {
      const untilMs = nowMs + ms;
      for (let timer = nextDue(untilMs); timer !== null; timer = nextDue(untilMs)) {
        timers.delete(timer);
        nowMs = Math.max(nowMs, timer.atMs);
        timer.run();
      }
      nowMs = untilMs;
    },
    stepWall(ms: number): void {
      wallOffsetMs += ms;
    },
    get timers(): number {
      return timers.size;
    },
  };
}
