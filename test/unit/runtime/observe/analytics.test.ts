/** When rows reach their file, and what becomes of them when they do not. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "#runtime/clock.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { decodeRows } from "#runtime/observe/analytics-chunk.ts";
import { Analytics, type AnalyticsSettings } from "#runtime/observe/analytics.ts";
import { parseFilter } from "#runtime/observe/analytics-filter.ts";
import { queryStats, shownValue, TooWide, type StatsQuery } from "#runtime/observe/analytics-query.ts";
import { Log } from "#runtime/observe/log.ts";
import { Metrics } from "#runtime/observe/metrics.ts";
import type { SessionRecord } from "#runtime/observe/record.ts";
import { AnalyticsFile } from "#runtime/state/analytics-file.ts";
import { fakeClock, type FakeClock } from "../../../support/fake-clock.ts";

const HOUR_MS = 3_600_000;
const BATCH = 256;
const retention = { rows: HOUR_MS, minute: 2 * HOUR_MS, hour: 48 * HOUR_MS, day: 400 * 24 * HOUR_MS };

let folder: string;
let clock: FakeClock;
let text: string;
let metrics: Metrics;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "apigw-rows-"));
  clock = fakeClock();
  text = "";
  metrics = new Metrics({ version: "1", build: "b", node: "n" }, clock, []);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(more: Partial<AnalyticsSettings> = {}, pendingMax = 1_000): Analytics {
  const output = { write: (bytes: Buffer) => (text += bytes.toString()) !== "", writableLength: 0, on: () => undefined };
  const limits = { ...defaultLimits, analyticsPendingMax: pendingMax };
  const log = new Log({ output, clock, limits, level: "info", lines: null });
  const settings = { file: join(folder, "a.db"), bytesMax: 2 ** 30, retention, collectors: [], ...more };
  return new Analytics(settings, { clock, limits, log, metrics });
}

let serial = 0;
/** A session that ended just now. */
function ended(over: Partial<SessionRecord> = {}): SessionRecord {
  const endedAtMs = clock.wallMs();
  return {
    sessionId: `s${serial++}`, environment: "prod", proxy: "chat", endpoint: "default", target: "backend", app: "web",
    developer: "ann", product: "all", keyFingerprint: null, clientAddress: "192.0.2.1", status: 101, startedAtMs: endedAtMs - 60_000,
    endedAtMs, handshakeMs: 5, durationMs: 59_995, closedBy: "client", reason: "clientClosed", code: 1000, text: "", forced: false,
    timer: null, bytesFromClient: 10, bytesFromTarget: 20, framesFromClient: 1, framesFromTarget: 2,
    renewals: 0,
    mark: { basePath: "/chat", path: "/chat/room", userAgent: null, requestUs: 1_000, targetUs: 3_000, responseUs: 1_000, captured: undefined, note: 0 },
    ...over,
  };
}

function add(analytics: Analytics, count: number, over: Partial<SessionRecord> = {}): void {
  for (let at = 0; at < count; at++) analytics.session(ended(over));
}

function count(file: AnalyticsFile): number {
  return file.chunks(0, 0, Infinity, 10_000).reduce((sum, { rows }) => sum + decodeRows(rows).length, 0);
}

function events(name: string): number {
  clock.advance(20); // The log lingers.
  return text.split(`"event":"${name}"`).length - 1;
}
const sample = (name: string): number => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(metrics.text("prometheus"))?.[1]);

describe("rows", () => {
  it("wait a second, a full batch not at all, and what is left is written at the end", () => {
    const analytics = open();
    add(analytics, 3);
    clock.advance(999);
    expect([analytics.written, analytics.pending]).toEqual([0, 3]);
    clock.advance(1);
    expect([analytics.written, analytics.pending]).toEqual([3, 0]);
    add(analytics, BATCH + 10);
    expect(analytics.written).toBe(3);
    clock.advance(0);
    expect([analytics.written, analytics.pending]).toEqual([3 + BATCH, 10]);
    analytics.close();
    const file = new AnalyticsFile({ file: join(folder, "a.db"), bytesMax: 2 ** 30, busyMs: 0 });
    expect(count(file)).toBe(BATCH + 13);
    file.close();
    expect(statSync(join(folder, "a.db")).mode & 0o777).toBe(0o600);
    expect(clock.timers).toBe(0);
  });

  it("beyond the bound are dropped and counted", () => {
    const analytics = open({}, 5);
    add(analytics, 8);
    expect([analytics.pending, analytics.dropped]).toEqual([5, 3]);
    analytics.close();
    expect(events("analytics_rows_dropped")).toBe(1);
    expect(sample("apigw_analytics_rows_dropped_total")).toBe(3);
  });

  it("are kept while another process holds the file, and written when it lets go", () => {
    const analytics = open();
    const other = new DatabaseSync(join(folder, "a.db"));
    other.exec("BEGIN IMMEDIATE");
    add(analytics, 4);
    clock.advance(1_000);
    expect([analytics.pending, analytics.isUp, events("analytics_failed")]).toEqual([4, false, 1]);
    other.exec("ROLLBACK");
    other.close();
    clock.advance(1_000);
    expect([analytics.written, analytics.isUp, events("analytics_recovered")]).toEqual([4, true, 1]);
    analytics.close();
  });

  it("cost nothing but rows while the file is full, and go on when there is room again", () => {
    // A bound of SQLite's own (max_page_count) refuses in the same way as a disk that is full.
    const analytics = open({ bytesMax: 64 * 1024 }, 300);
    const mark = { basePath: "/", path: "x".repeat(256), userAgent: null, requestUs: 1, targetUs: 1, responseUs: 1, captured: undefined, note: 0 };
    add(analytics, 300, { mark });
    clock.advance(1_000);
    add(analytics, 2_000);
    expect(analytics.dropped).toBeGreaterThan(1_000);
    expect(sample("apigw_analytics_up")).toBe(0);
    expect(events("analytics_failed")).toBe(1);
    const { dropped, pending } = analytics;
    analytics.close();
    expect(analytics.dropped).toBe(dropped + pending);
    // What an operator does about it: more room.
    const again = open({ bytesMax: 2 ** 30 }, 300);
    add(again, 10);
    clock.advance(1_000);
    expect([again.written, again.isUp]).toEqual([10, true]);
    again.close();
  });

  it("make room by themselves: the oldest go when the file is nearly full", () => {
    const analytics = open({ bytesMax: 1024 * 1024 }, 5_000);
    for (let at = 0; at < 40; at++) {
      add(analytics, BATCH);
      clock.advance(0);
      clock.advance(60_000);
    }
    expect(analytics.dropped).toBe(0);
    expect(analytics.isUp).toBe(true);
    expect(analytics.file().bytes).toBeLessThanOrEqual(1024 * 1024);
    expect(count(analytics.file())).toBeLessThan(analytics.written);
    expect(count(analytics.file())).toBeGreaterThan(0);
    analytics.close();
  });

  it("go after their time, and so do numbers, minutes before hours", () => {
    const analytics = open();
    add(analytics, 2);
    clock.advance(1_000);
    const kept = (): readonly number[] => [
      count(analytics.file()),
      ...(["minute", "hour", "day"] as const).map((grain) => analytics.file().rollups(grain, 0, "", Infinity, 100).length),
    ];
    expect(kept()).toEqual([2, 1, 1, 1]);
    clock.advance(HOUR_MS + 60_000);
    expect(kept()).toEqual([0, 1, 1, 1]);
    clock.advance(HOUR_MS + 60_000);
    expect(kept()).toEqual([0, 0, 1, 1]);
    clock.advance(48 * HOUR_MS);
    expect(kept()).toEqual([0, 0, 0, 1]);
    analytics.close();
  });

  it("are kept from the start on, also where the file cannot be opened yet", () => {
    const analytics = open({ file: join(folder, "later", "a.db") });
    expect([analytics.isUp, events("analytics_failed")]).toEqual([false, 1]);
    add(analytics, 3);
    clock.advance(10_000);
    expect([analytics.pending, events("analytics_failed")]).toEqual([3, 1]);
    analytics.close();
    expect(analytics.dropped).toBe(3);
  });
});

describe("numbers", () => {
  const query = (over: Partial<StatsQuery> = {}): StatsQuery => ({
    select: [
      { label: "n", aggregate: "sum", metric: "message_count" },
      { label: "avg", aggregate: "avg", metric: "session_duration" },
      { label: "min", aggregate: "min", metric: "session_duration" },
      { label: "max", aggregate: "max", metric: "session_duration" },
      { label: "errors", aggregate: "avg", metric: "is_error" },
    ],
    dimensions: ["apiproxy"],
    filter: null,
    fromMs: clock.wallMs() - 24 * HOUR_MS,
    toMs: clock.wallMs() + 24 * HOUR_MS,
    grain: "hour",
    isSeries: false,
    ...over,
  });
  const limits = { statsCellsMax: 100, statsReadMax: 10_000 };

  it.each([
    ["roll-ups", {}],
    ["raw rows", { filter: parseFilter("client_ip eq '192.0.2.1'", () => true) }],
  ])("by hour and day come from %s", async (_, over) => {
    const analytics = open({ retention: { ...retention, rows: 48 * HOUR_MS } });
    for (let at = 0; at < 3; at++) {
      add(analytics, at + 1);
      clock.advance(HOUR_MS);
    }
    analytics.flush();
    const dimensions = ["ax_hour_of_day", "ax_day_of_week"];
    const { groups } = await queryStats(analytics.file(), query({ dimensions, ...over }), limits, systemClock);
    const now = new Date(clock.wallMs() - 3 * HOUR_MS);
    const hour = (more: number): string => String((now.getUTCHours() + more) % 24).padStart(2, "0");
    expect(groups.map(({ total, values }) => [values[0], total[0]])).toEqual([[hour(0), 1], [hour(1), 2], [hour(2), 3]]);
    expect(groups[0]?.values[1]).toBe(now.toUTCString().slice(0, 3));
    analytics.close();
  });

  it("of several batches and processes add up exactly, in every grain", async () => {
    const analytics = open();
    const other = open();
    for (const [at, durationMs] of [100, 200, 600].entries()) {
      add(at === 1 ? other : analytics, 1, { durationMs, reason: durationMs === 600 ? "internal" : "clientClosed" });
      clock.advance(1_000);
    }
    for (const grain of ["minute", "hour", "day"] as const) {
      const asked = query({ grain });
      const { groups, left } = await queryStats(analytics.file(), asked, limits, systemClock);
      expect(left).toBe(0);
      expect(groups.map(({ total, values }) => [values, asked.select.map((one, at) => shownValue(total, at, one, 1))])).toEqual([
        [["chat"], [3, 300, 100, 600, 0.333]],
      ]);
    }
    analytics.close();
    other.close();
  });

  it("of more groups than there is room for are in the total, and counted as left out", async () => {
    const analytics = open();
    for (let at = 0; at < 20; at++) add(analytics, 1, { app: `app-${at}` });
    clock.advance(1_000);
    const result = await queryStats(analytics.file(), query({ dimensions: ["developer_app"] }), { ...limits, statsCellsMax: 5 }, systemClock);
    expect([result.groups.length, result.left, result.total[0]]).toEqual([5, 15, 20]);
    const isKnown = (): boolean => true;
    for (const filter of ["developer_app in ('app-3', 'app-4')", "request_path eq '/chat/room' and developer_app like 'app-1_'"]) {
      const asked = query({ filter: parseFilter(filter, isKnown) });
      const { total } = await queryStats(analytics.file(), asked, limits, systemClock);
      expect([filter, total[0]]).toEqual([filter, filter.includes("like") ? 10 : 2]);
    }
    const byAddress = query({ dimensions: ["client_ip"], isSeries: true });
    const { groups } = await queryStats(analytics.file(), byAddress, limits, systemClock);
    expect(groups.map(({ values, total }) => [values, total[0]])).toEqual([[["192.0.2.1"], 20]]);
    const raw = queryStats(analytics.file(), byAddress, { ...limits, statsReadMax: 19 }, systemClock);
    await expect(raw).rejects.toBeInstanceOf(TooWide);
    const wide = queryStats(analytics.file(), query({ grain: "minute" }), { ...limits, statsReadMax: 0 }, systemClock);
    await expect(wide).rejects.toBeInstanceOf(TooWide);
    analytics.close();
  });
});
