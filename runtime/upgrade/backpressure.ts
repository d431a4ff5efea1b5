/**
 * For how long sides of sessions were not read because the other side did not take their bytes. Shared by a route's
 * sessions.
 */
import type { Clock } from "../clock.ts";

/** `pausedSinceMs` while a side is read. */
export const NOT_PAUSED = -1;

export class Backpressure {
  /** Whole milliseconds. */
  fromClientMs = 0;
  fromTargetMs = 0;

  /** A side is read again, or never will be: counts the time since, if it was not. */
  end(side: { pausedSinceMs: number }, isClient: boolean, clock: Pick<Clock, "monotonicMs">): void {
    if (side.pausedSinceMs === NOT_PAUSED) return;
    const pausedMs = Math.trunc(clock.monotonicMs()) - side.pausedSinceMs;
    side.pausedSinceMs = NOT_PAUSED;
    if (isClient) this.fromClientMs += pausedMs;
    else this.fromTargetMs += pausedMs;
  }
}
