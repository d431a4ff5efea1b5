/**
 * One scheduler for all sessions: a binary heap of deadlines behind a single clock timer. A deadline that only moves
 * later costs nothing until the old one is due; then the item is asked again. Never fires early. Notices when the wall
 * clock was set, because credentials expire by it. Knows nothing of what its items do.
 */
import type { Clock, Timer } from "./clock.ts";

/** Something with a deadline. It may stand in one scheduler only. */
export interface Scheduled {
  /** Monotonic time at which `fire` wants to be called; Infinity: never. Whoever moves it earlier calls `schedule`. */
  readonly dueMs: number;
  /** The scheduler's own: position in its heap. Start it with NOT_SCHEDULED and leave it alone. */
  scheduledAt: number;
  /** Called at or after `dueMs`, never before. Then `dueMs` is read again: the item stays, or leaves at Infinity. */
  fire(nowMs: number): void;
}

/** First value of `Scheduled.scheduledAt`. */
export const NOT_SCHEDULED = -1;

export interface SchedulerEvents {
  /** The wall clock was moved against the monotonic one by `stepMs` (may be negative) since the last look. */
  onClockStep(stepMs: number): void;
}

/** Longest time between two looks at the clocks while anything is scheduled. */
const CLOCK_LOOK_MS = 1_000;
/** Smallest difference of the clocks that counts as a step; slower drift adds up until it counts. */
const CLOCK_STEP_MS = 1_000;
/** Least time between two wake-ups, so that many close deadlines share one. An item is late by at most this. */
const WAKE_GAP_MS = 20;
/** Items fired in one wake-up; the rest follow in the next turn, so that relaying goes on in between. */
const FIRES_PER_WAKE_MAX = 512;

/** Value of `scheduledAt` while the item's `fire` runs. */
const FIRING = -2;

export class Scheduler {
  readonly #clock: Clock;
  readonly #events: SchedulerEvents;
  readonly #items: Scheduled[] = [];
  /** The deadline by which the item at the same index is sorted; its own `dueMs` may have moved later. */
  readonly #dues: number[] = [];
  #timer: Timer | null = null;
  /** When the timer runs out; Infinity without one. */
  #wakeMs = Infinity;
  #lastWakeMs = -Infinity;
  /** Wall time less monotonic time at the last look. */
  #offsetMs = 0;
  #closed = false;

  constructor(clock: Clock, events: SchedulerEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  /** Items that wait for a deadline. */
  get size(): number {
    return this.#items.length;
  }

  /** Takes an item up, or notes that its `dueMs` moved. To be called when it moved earlier; later needs no call. */
  schedule(item: Scheduled): void {
    if (this.#closed) return;
    const dueMs = item.dueMs;
    if (item.scheduledAt < 0) {
      if (dueMs === Infinity) return;
      if (this.#items.length === 0) this.#offsetMs = this.#clock.wallMs() - this.#clock.monotonicMs();
      this.#items.push(item);
      this.#dues.push(dueMs);
      this.#rise(this.#items.length - 1, item, dueMs);
    } else if (dueMs < this.#due(item.scheduledAt)) {
      this.#rise(item.scheduledAt, item, dueMs);
    } else {
      return;
    }
    if (item.scheduledAt === 0) this.#arm();
  }

  /** Forgets an item; harmless when it is not scheduled. */
  cancel(item: Scheduled): void {
    const index = item.scheduledAt;
    item.scheduledAt = NOT_SCHEDULED;
    if (index >= 0) this.#removeAt(index);
    if (this.#items.length === 0) this.#disarm();
  }

  /** Forgets all items and stops the timer. Nothing fires afterwards. */
  close(): void {
    this.#closed = true;
    for (const item of this.#items) item.scheduledAt = NOT_SCHEDULED;
    this.#items.length = 0;
    this.#dues.length = 0;
    this.#disarm();
  }

  #wake(): void {
    this.#timer = null;
    this.#wakeMs = Infinity;
    const nowMs = this.#clock.monotonicMs();
    this.#lastWakeMs = nowMs;
    let backlog = false;
    try {
      this.#lookAtClocks(nowMs);
      backlog = this.#fireDue(nowMs);
    } finally {
      if (backlog) this.#lastWakeMs = -Infinity;
      this.#arm();
    }
  }

  /** True when the limit of one wake-up left due items behind. */
  #fireDue(nowMs: number): boolean {
    for (let fired = 0; this.#items.length > 0 && this.#due(0) <= nowMs; ) {
      if (fired === FIRES_PER_WAKE_MAX) return true;
      const item = this.#items[0]!;
      const dueMs = item.dueMs;
      if (dueMs > nowMs) {
        this.#moveLater(dueMs);
        continue;
      }
      fired += 1;
      this.#removeAt(0);
      item.scheduledAt = FIRING;
      try {
        item.fire(nowMs);
      } finally {
        this.#keep(item, nowMs);
      }
    }
    return false;
  }

  /** After `fire`: the item stays unless it was cancelled, scheduled anew or has no deadline left. */
  #keep(item: Scheduled, nowMs: number): void {
    if (item.scheduledAt !== FIRING) return;
    item.scheduledAt = NOT_SCHEDULED;
    const dueMs = item.dueMs;
    if (this.#closed || dueMs === Infinity) return;
    this.#items.push(item);
    // One that is still due would fire in this same loop for ever.
    const nextMs = Math.max(dueMs, nowMs + WAKE_GAP_MS);
    this.#dues.push(nextMs);
    this.#rise(this.#items.length - 1, item, nextMs);
  }

  /** The first item's deadline moved later since it was sorted in. */
  #moveLater(dueMs: number): void {
    const item = this.#items[0]!;
    if (dueMs === Infinity) {
      this.#removeAt(0);
      item.scheduledAt = NOT_SCHEDULED;
      return;
    }
    this.#sink(0, item, dueMs);
  }

  #lookAtClocks(nowMs: number): void {
    const offsetMs = this.#clock.wallMs() - nowMs;
    const stepMs = offsetMs - this.#offsetMs;
    if (Math.abs(stepMs) <= CLOCK_STEP_MS) return;
    this.#offsetMs = offsetMs;
    this.#events.onClockStep(stepMs);
  }

  #arm(): void {
    if (this.#closed || this.#items.length === 0) return;
    const nowMs = this.#clock.monotonicMs();
    const wakeMs = Math.min(Math.max(this.#due(0), this.#lastWakeMs + WAKE_GAP_MS), nowMs + CLOCK_LOOK_MS);
    if (wakeMs >= this.#wakeMs) return;
    this.#disarm();
    this.#wakeMs = wakeMs;
    // Node's timers count whole milliseconds: rounded up, one wake-up is enough.
    this.#timer = this.#clock.setTimer(() => this.#wake(), Math.max(Math.ceil(wakeMs - nowMs), 0));
  }

  #disarm(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#wakeMs = Infinity;
  }

  #due(index: number): number {
    return this.#dues[index] ?? Infinity;
  }

  #removeAt(index: number): void {
    const item = this.#items.pop();
    const dueMs = this.#dues.pop();
    if (item === undefined || dueMs === undefined || index === this.#items.length) return;
    if (index > 0 && dueMs < this.#due((index - 1) >> 1)) this.#rise(index, item, dueMs);
    else this.#sink(index, item, dueMs);
  }

  #rise(index: number, item: Scheduled, dueMs: number): void {
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (this.#due(parent) <= dueMs) break;
      this.#place(index, this.#items[parent]!, this.#due(parent));
      index = parent;
    }
    this.#place(index, item, dueMs);
  }

  #sink(index: number, item: Scheduled, dueMs: number): void {
    for (;;) {
      let child = 2 * index + 1;
      if (child >= this.#items.length) break;
      if (this.#due(child + 1) < this.#due(child)) child += 1;
      if (this.#due(child) >= dueMs) break;
      this.#place(index, this.#items[child]!, this.#due(child));
      index = child;
    }
    this.#place(index, item, dueMs);
  }

  #place(index: number, item: Scheduled, dueMs: number): void {
    this.#items[index] = item;
    this.#dues[index] = dueMs;
    item.scheduledAt = index;
  }
}
