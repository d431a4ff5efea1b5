/** Times of steps: counts, means and shares, by kind of exchange. */
import { describe, expect, it } from "vitest";
import { StepTimes } from "#runtime/observe/step-times.ts";

describe("times of a step", () => {
  it("are none before it ran", () => {
    const times = new StepTimes();
    times.add(3, "http", 1);
    expect(times.of(2, ["handshake", "http"])).toBeNull();
    expect(times.of(3, ["handshake"])).toBeNull();
  });

  it("add up over kinds", () => {
    const times = new StepTimes();
    times.add(0, "handshake", 2);
    times.add(0, "http", 4);
    times.add(1, "http", 100);
    expect(times.of(0, ["handshake"])).toEqual({ count: 1, totalMs: 2, meanMs: 2, p95Ms: 2, maxMs: 2 });
    expect(times.of(0, ["handshake", "http"])).toMatchObject({ count: 2, totalMs: 6, meanMs: 3, maxMs: 4 });
  });

  it.each([0.000_4, 0.001, 0.01, 0.0333, 1, 250, 9_000])("say of %d ms within how much most ran, at most 41 %% too much", (ms) => {
    const times = new StepTimes();
    for (let at = 0; at < 96; at++) times.add(0, "http", ms);
    for (let at = 0; at < 4; at++) times.add(0, "http", 10_000);
    const p95Ms = times.of(0, ["http"])?.p95Ms ?? 0;
    expect(p95Ms).toBeGreaterThanOrEqual(ms);
    expect(p95Ms).toBeLessThanOrEqual(Math.max(ms * 1.4143, 0.001));
  });

  it.each([0, -1, 60_000, Infinity])("take %d ms, which no bucket is meant for", (ms) => {
    const times = new StepTimes();
    times.add(0, "http", ms);
    expect(times.of(0, ["http"])).toMatchObject({ count: 1, p95Ms: Math.max(ms, 0), maxMs: Math.max(ms, 0) });
  });
});
