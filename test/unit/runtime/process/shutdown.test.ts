import { describe, expect, it } from "vitest";
import { Drain, type DrainSettings } from "#runtime/process/shutdown.ts";
import type { CloseReasonId } from "#runtime/upgrade/close-reason.ts";
import { fakeClock, type FakeClock } from "../../../support/fake-clock.ts";

const settings: DrainSettings = {
  preDrainDelayMs: 5_000,
  windowMs: 60_000,
  spreadMs: 20_000,
  closeTimeoutMs: 5_000,
  refuse: false,
};

class Scene {
  readonly clock: FakeClock = fakeClock();
  readonly startMs: number = this.clock.monotonicMs();
  readonly calls: string[] = [];
  readonly ended: { atMs: number; reason: CloseReasonId }[] = [];
  readonly live = new Set<{ end(reason: CloseReasonId): void }>();
  readonly notes: Record<string, unknown>[] = [];
  connections = 0;
  /** Sessions that never go although told to. */
  stubborn = false;
  exitCode: number | null = null;
  readonly drain: Drain;

  constructor(over: Partial<DrainSettings> = {}, successor: boolean | Promise<boolean> = true) {
    const call = (name: string): void => void this.calls.push(`${name}@${this.nowMs}`);
    this.drain = new Drain({ ...settings, ...over }, {
      unready: () => call("unready"),
      refuseNewcomers: () => call("refuse"),
      stopListening: () => call("stop"),
      closeIdle: () => undefined,
      liveSessions: () => this.live.values(),
      leftCount: () => this.live.size + this.connections,
      hasSuccessor: () => successor,
      destroyAll: () => call("destroy"),
      note: (event, fields) => this.notes.push({ event, ...fields }),
      finished: (code) => {
        expect(this.exitCode).toBeNull();
        this.exitCode = code;
        call("finished");
      },
    }, this.clock);
  }

  get nowMs(): number {
    return this.clock.monotonicMs() - this.startMs;
  }

  addSessions(count: number): this {
    for (let n = 0; n < count; n++) {
      const session = {
        end: (reason: CloseReasonId): void => {
          if (!this.live.has(session)) return;
          this.ended.push({ atMs: this.nowMs, reason });
          if (!this.stubborn) this.live.delete(session);
        },
      };
      this.live.add(session);
    }
    return this;
  }
}

describe("draining", () => {
  it("without anybody there waits only for load balancers", () => {
    const scene = new Scene();
    scene.drain.signal("SIGTERM");
    expect([scene.drain.state, scene.calls]).toEqual(["preDrain", ["unready@0"]]);
    scene.clock.advance(4_999);
    expect(scene.exitCode).toBeNull();
    scene.clock.advance(1);
    expect(scene.exitCode).toBe(0);
    expect(scene.calls).toEqual(["unready@0", "stop@5000", "stop@5000", "destroy@5000", "finished@5000"]);
    expect(scene.clock.timers).toBe(0);
  });

  it("ends as soon as the last session and connection are gone", () => {
    const scene = new Scene().addSessions(2);
    scene.connections = 1;
    scene.drain.signal("SIGTERM");
    scene.clock.advance(15_000);
    expect(scene.exitCode).toBeNull();
    scene.live.clear();
    scene.clock.advance(1_000);
    expect(scene.exitCode).toBeNull();
    scene.connections = 0;
    scene.clock.advance(100);
    expect(scene.exitCode).toBe(0);
    expect(scene.ended).toEqual([]);
  });

  it("spreads the closes evenly over the last part of the window", () => {
    const scene = new Scene().addSessions(100);
    scene.drain.signal("SIGTERM");
    scene.clock.advance(39_900);
    expect(scene.ended).toHaveLength(0);
    scene.clock.advance(200);
    expect(scene.drain.state).toBe("spreading");
    scene.clock.advance(10_000);
    expect(scene.ended.length).toBeGreaterThanOrEqual(49);
    expect(scene.ended.length).toBeLessThanOrEqual(52);
    scene.clock.advance(10_500);
    expect(scene.ended).toHaveLength(100);
    expect(new Set(scene.ended.map(({ reason }) => reason))).toEqual(new Set(["drain"]));
    expect(scene.ended.at(-1)?.atMs).toBeLessThanOrEqual(60_200);
    expect(scene.exitCode).toBe(0);
    const perSecond = new Map<number, number>();
    for (const { atMs } of scene.ended) perSecond.set(Math.trunc(atMs / 1_000), (perSecond.get(Math.trunc(atMs / 1_000)) ?? 0) + 1);
    expect(Math.max(...perSecond.values())).toBeLessThanOrEqual(7);
  });

  it("spreads many more sessions than it has steps", () => {
    const scene = new Scene().addSessions(50_000);
    scene.drain.signal("SIGTERM");
    scene.clock.advance(50_100);
    expect(scene.ended.length / 50_000).toBeCloseTo(0.5, 1);
    scene.clock.advance(11_000);
    expect(scene.ended).toHaveLength(50_000);
  });

  it("says going away when no successor is known", async () => {
    const scene = new Scene({}, Promise.resolve(false)).addSessions(1);
    scene.drain.signal("SIGTERM");
    scene.clock.advance(45_000);
    await Promise.resolve();
    await new Promise(setImmediate);
    scene.clock.advance(20_000);
    expect(scene.ended.map(({ reason }) => reason)).toEqual(["shutdown"]);
  });

  it("also ends sessions that were still in their handshake when the closes began", () => {
    const scene = new Scene().addSessions(2);
    scene.drain.signal("SIGTERM");
    scene.clock.advance(49_000);
    scene.addSessions(1);
    scene.clock.advance(11_000);
    expect(scene.ended).toHaveLength(3);
    expect(scene.exitCode).toBe(0);
  });

  it("destroys at the end of the window what does not go, and counts it", () => {
    const scene = new Scene().addSessions(3);
    scene.stubborn = true;
    scene.drain.signal("SIGTERM");
    scene.clock.advance(64_999);
    expect(scene.exitCode).toBeNull();
    scene.clock.advance(1);
    expect(scene.exitCode).toBe(0);
    expect(scene.notes.at(-1)).toMatchObject({ event: "stop", forced: 3, drained: 0 });
    expect(scene.calls.at(-2)).toBe("destroy@65000");
  });

  it("refuses newcomers instead of closing the listeners when told to", () => {
    const scene = new Scene({ refuse: true }).addSessions(1);
    scene.drain.signal("SIGTERM");
    scene.clock.advance(10_000);
    expect(scene.calls).toEqual(["unready@0", "refuse@5000"]);
    scene.live.clear();
    scene.clock.advance(100);
    expect(scene.calls.map((call) => call.split("@")[0])).toEqual(["unready", "refuse", "stop", "destroy", "finished"]);
  });

  it.each([0, 3_000, 5_000, 30_000, 55_000])("ends at once at a second signal, %d ms after the first", (ms) => {
    const scene = new Scene().addSessions(10);
    scene.drain.signal("SIGTERM");
    scene.clock.advance(ms);
    scene.drain.signal("SIGINT");
    expect(scene.exitCode).toBe(143);
    scene.drain.signal("SIGINT");
    scene.clock.advance(100_000);
    expect(scene.exitCode).toBe(143);
    expect(scene.clock.timers).toBe(0);
  });

  const windows: readonly [string, Partial<DrainSettings>][] = [
    ["no window at all", { windowMs: 0, spreadMs: 0 }],
    ["a window shorter than a close takes", { windowMs: 1_000, spreadMs: 20_000 }],
    ["a spread as long as the window", { windowMs: 30_000, spreadMs: 30_000 }],
    ["no spread", { spreadMs: 0 }],
  ];
  it.each(windows)("ends every session also with %s", (_name, over) => {
    const scene = new Scene(over).addSessions(7);
    scene.drain.signal("SIGTERM");
    scene.clock.advance(5_000 + (over.windowMs ?? 60_000));
    expect([scene.ended.length, scene.exitCode]).toEqual([7, 0]);
  });

  it("tells what it does", () => {
    const scene = new Scene().addSessions(2);
    scene.drain.signal("SIGTERM");
    scene.clock.advance(70_000);
    expect(scene.notes).toEqual([
      { event: "drain", signal: "SIGTERM", connections: 2, window_ms: 60_000 },
      { event: "drain closing", sessions: 2, reason: "drain" },
      { event: "stop", drained: 2, closed: 2, forced: 0, took_ms: expect.any(Number) },
    ]);
  });
});
