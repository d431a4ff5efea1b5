import { describe, expect, test } from "vitest";
import fc from "fast-check";
import { NOT_SCHEDULED, Scheduler } from "#runtime/scheduler.ts";
import type { Scheduled } from "#runtime/scheduler.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import type { FakeClock } from "../../support/fake-clock.ts";

/** What a wake-up may come too late by. */
const LATE_MS_MAX = 50;

class Item implements Scheduled {
  dueMs: number;
  scheduledAt = NOT_SCHEDULED;
  readonly fired: { dueMs: number; nowMs: number }[] = [];
  readonly onFire: (item: Item) => void;

  constructor(dueMs: number, onFire: (item: Item) => void = (item) => { item.dueMs = Infinity; }) {
    this.dueMs = dueMs;
    this.onFire = onFire;
  }

  fire(nowMs: number): void {
    this.fired.push({ dueMs: this.dueMs, nowMs });
    this.onFire(this);
  }
}

function start(): { clock: FakeClock; scheduler: Scheduler; steps: number[] } {
  const clock = fakeClock();
  const steps: number[] = [];
  return { clock, steps, scheduler: new Scheduler(clock, { onClockStep: (stepMs) => steps.push(stepMs) }) };
}

describe("a deadline", () => {
  test("fires once, not before it is due and at most 50 ms after", () => {
    const { clock, scheduler } = start();
    const now = clock.monotonicMs();
    const item = new Item(now + 90_000.4);
    scheduler.schedule(item);
    clock.advance(90_000);
    expect(item.fired).toEqual([]);
    clock.advance(LATE_MS_MAX);
    expect(item.fired).toHaveLength(1);
    clock.advance(600_000);
    expect(item.fired).toHaveLength(1);
    expect([scheduler.size, clock.timers, item.scheduledAt]).toEqual([0, 0, NOT_SCHEDULED]);
  });

  test("that is past already fires in the next turn, not inside schedule", () => {
    const { clock, scheduler } = start();
    const item = new Item(clock.monotonicMs() - 5);
    scheduler.schedule(item);
    expect(item.fired).toHaveLength(0);
    clock.advance(0);
    expect(item.fired).toHaveLength(1);
  });

  test("of Infinity is not kept", () => {
    const { clock, scheduler } = start();
    scheduler.schedule(new Item(Infinity));
    expect([scheduler.size, clock.timers]).toEqual([0, 0]);
  });

  test("moved later is asked for again, and fires only then", () => {
    const { clock, scheduler } = start();
    const item = new Item(clock.monotonicMs() + 1_000);
    scheduler.schedule(item);
    item.dueMs += 5_000;
    clock.advance(5_900);
    expect(item.fired).toHaveLength(0);
    clock.advance(150);
    expect(item.fired).toHaveLength(1);
  });

  test("moved to Infinity leaves without firing", () => {
    const { clock, scheduler } = start();
    const item = new Item(clock.monotonicMs() + 1_000);
    scheduler.schedule(item);
    item.dueMs = Infinity;
    clock.advance(2_000);
    expect([item.fired.length, scheduler.size, clock.timers, item.scheduledAt]).toEqual([0, 0, 0, NOT_SCHEDULED]);
  });

  test("moved earlier fires earlier", () => {
    const { clock, scheduler } = start();
    const item = new Item(clock.monotonicMs() + 600_000);
    scheduler.schedule(item);
    scheduler.schedule(new Item(clock.monotonicMs() + 300_000));
    clock.advance(100);
    item.dueMs = clock.monotonicMs() + 10;
    scheduler.schedule(item);
    clock.advance(10 + LATE_MS_MAX);
    expect(item.fired).toHaveLength(1);
  });

  test("that moves on while firing needs no new call", () => {
    const { clock, scheduler } = start();
    const item = new Item(clock.monotonicMs() + 1_000, (self) => { self.dueMs += 1_000; });
    scheduler.schedule(item);
    clock.advance(5_000 + LATE_MS_MAX);
    expect(item.fired).toHaveLength(5);
  });

  test("that stays due does not hang the loop", () => {
    const { clock, scheduler } = start();
    const item = new Item(clock.monotonicMs(), () => {});
    scheduler.schedule(item);
    clock.advance(1_000);
    expect(item.fired.length).toBeGreaterThan(5);
    expect(item.fired.length).toBeLessThan(60);
  });

  test("may be cancelled before and while it fires", () => {
    const { clock, scheduler } = start();
    const never = new Item(clock.monotonicMs() + 10);
    const once = new Item(clock.monotonicMs() + 10, (self) => scheduler.cancel(self));
    scheduler.schedule(never);
    scheduler.schedule(once);
    scheduler.cancel(never);
    scheduler.cancel(never);
    clock.advance(1_000);
    expect([never.fired.length, once.fired.length, scheduler.size, clock.timers]).toEqual([0, 1, 0, 0]);
  });

  test("survives another item's defect", () => {
    const { clock, scheduler } = start();
    const good = new Item(clock.monotonicMs() + 12);
    scheduler.schedule(new Item(clock.monotonicMs() + 10, (self) => {
      self.dueMs = Infinity;
      throw new Error("a defect");
    }));
    scheduler.schedule(good);
    expect(() => clock.advance(1_000)).toThrow("a defect");
    clock.advance(1_000);
    expect(good.fired).toHaveLength(1);
  });
});

describe("the timer", () => {
  test("is one, and only while something waits", () => {
    const { clock, scheduler } = start();
    expect(clock.timers).toBe(0);
    const items = Array.from({ length: 100 }, (_, index) => new Item(clock.monotonicMs() + 1 + index * 37));
    for (const item of items) scheduler.schedule(item);
    expect(clock.timers).toBe(1);
    for (const item of items.slice(10)) scheduler.cancel(item);
    expect([scheduler.size, clock.timers]).toEqual([10, 1]);
    scheduler.close();
    expect([scheduler.size, clock.timers]).toEqual([0, 0]);
    scheduler.schedule(new Item(clock.monotonicMs()));
    clock.advance(10_000);
    expect(items.every((item) => item.fired.length === 0)).toBe(true);
  });

  test("wakes up once for deadlines that lie close together", () => {
    const { clock, scheduler } = start();
    let wakes = 0;
    const { setTimer } = clock;
    clock.setTimer = (run, delayMs) => setTimer(() => { wakes += 1; run(); }, delayMs);
    for (let i = 0; i < 1_000; i += 1) scheduler.schedule(new Item(clock.monotonicMs() + 500 + i / 10));
    clock.advance(650);
    expect(scheduler.size).toBe(0);
    expect(wakes).toBeLessThan(10);
  });

  test("gives way after a batch, so that ten thousand deadlines do not block the rest", () => {
    const { clock, scheduler } = start();
    const dueMs = clock.monotonicMs() + 10;
    let longest = 0;
    let run = 0;
    const { setTimer } = clock;
    clock.setTimer = (wake, delayMs) => setTimer(() => { run = 0; wake(); longest = Math.max(longest, run); }, delayMs);
    const count = (self: Item): void => { run += 1; self.dueMs = Infinity; };
    for (let i = 0; i < 10_000; i += 1) scheduler.schedule(new Item(dueMs, count));
    clock.advance(LATE_MS_MAX);
    expect(scheduler.size).toBe(0);
    expect(longest).toBeLessThanOrEqual(512);
  });
});

describe("a step of the wall clock", () => {
  test.each([3_600_000, -3_600_000, 1_500])("of %i ms is reported once, within a second or so", (stepMs) => {
    const { clock, scheduler, steps } = start();
    scheduler.schedule(new Item(clock.monotonicMs() + 600_000));
    clock.advance(5_000);
    clock.stepWall(stepMs);
    clock.advance(1_100);
    expect(steps).toEqual([stepMs]);
    clock.advance(10_000);
    expect(steps).toHaveLength(1);
  });

  test("below a second is not, until steps add up", () => {
    const { clock, scheduler, steps } = start();
    scheduler.schedule(new Item(clock.monotonicMs() + 600_000));
    for (let i = 0; i < 3; i += 1) {
      clock.stepWall(400);
      clock.advance(2_000);
    }
    expect(steps).toEqual([1_200]);
  });

  test("while nothing was scheduled concerns nobody", () => {
    const { clock, scheduler, steps } = start();
    clock.stepWall(9_000_000);
    scheduler.schedule(new Item(clock.monotonicMs() + 5_000));
    clock.advance(6_000);
    expect(steps).toEqual([]);
  });

  test("may move deadlines before they fire", () => {
    const clock = fakeClock();
    const item = new Item(clock.monotonicMs() + 600_000);
    const scheduler: Scheduler = new Scheduler(clock, {
      onClockStep: () => {
        item.dueMs = clock.monotonicMs();
        scheduler.schedule(item);
      },
    });
    scheduler.schedule(item);
    clock.stepWall(700_000);
    clock.advance(1_100);
    expect(item.fired).toHaveLength(1);
  });
});

test("any order of calls: everything fires in time, never early, never twice", () => {
  const action = fc.oneof(
    fc.record({ kind: fc.constant("add" as const), item: fc.nat(19), inMs: fc.integer({ min: -10, max: 5_000 }) }),
    fc.record({ kind: fc.constant("later" as const), item: fc.nat(19), inMs: fc.nat(5_000) }),
    fc.record({ kind: fc.constant("cancel" as const), item: fc.nat(19), inMs: fc.constant(0) }),
    fc.record({ kind: fc.constant("advance" as const), item: fc.constant(0), inMs: fc.nat(3_000) }),
  );
  fc.assert(fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
    const { clock, scheduler } = start();
    const items = Array.from({ length: 20 }, () => ({ item: new Item(Infinity), addedMs: 0, wanted: 0 }));
    for (const { kind, item: index, inMs } of actions) {
      const entry = items[index]!;
      const { item } = entry;
      const nowMs = clock.monotonicMs();
      if (kind === "advance") {
        clock.advance(inMs);
      } else if (kind === "cancel") {
        if (item.dueMs !== Infinity) entry.wanted -= 1;
        scheduler.cancel(item);
        item.dueMs = Infinity;
      } else if (kind === "later") {
        item.dueMs += inMs;
      } else {
        if (item.dueMs === Infinity) entry.wanted += 1;
        item.dueMs = nowMs + inMs;
        entry.addedMs = nowMs;
        scheduler.schedule(item);
      }
      const sinceMs = clock.monotonicMs() - LATE_MS_MAX;
      expect(items.filter((other) => Math.max(other.item.dueMs, other.addedMs) < sinceMs)).toEqual([]);
    }
    clock.advance(1_000_000);
    for (const { item, wanted } of items) {
      expect(item.fired).toHaveLength(wanted);
      for (const { dueMs, nowMs } of item.fired) expect(nowMs).toBeGreaterThanOrEqual(dueMs);
    }
    expect([scheduler.size, clock.timers]).toEqual([0, 0]);
  }), { numRuns: 300 });
});
