/** Notes of open sessions: what a row is made of when its gateway was killed, and when one is written at all. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultLimits } from "#runtime/limits.ts";
import { Analytics } from "#runtime/observe/analytics.ts";
import type { HandshakeMark } from "#runtime/observe/analytics-exchange.ts";
import { killedRow, noteOf } from "#runtime/observe/analytics-live.ts";
import { Log } from "#runtime/observe/log.ts";
import { Metrics } from "#runtime/observe/metrics.ts";
import type { SessionRecord } from "#runtime/observe/record.ts";
import { fakeClock, type FakeClock } from "../../../support/fake-clock.ts";

type Opened = Parameters<Analytics["opened"]>[0];

const HOUR_MS = 3_600_000;
const retention = { rows: HOUR_MS, minute: HOUR_MS, hour: HOUR_MS, day: HOUR_MS };
let folder: string;
let clock: FakeClock;
let analytics: Analytics;
let serial = 0;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "apigw-notes-"));
  clock = fakeClock();
  const output = { write: () => true, writableLength: 0, on: () => undefined };
  const log = new Log({ output, clock, limits: defaultLimits, level: "info", lines: null });
  const metrics = new Metrics({ version: "1", build: "b", node: "n" }, clock, []);
  const settings = { file: join(folder, "a.db"), bytesMax: 2 ** 30, retention, collectors: [] };
  analytics = new Analytics(settings, { clock, limits: { ...defaultLimits, analyticsPendingMax: 600 }, log, metrics });
});
afterEach(() => {
  analytics.close();
  rmSync(folder, { recursive: true, force: true });
});

function mark(over: Partial<HandshakeMark> = {}): HandshakeMark {
  const times = { requestUs: 1_000, targetUs: 3_000, responseUs: 500 };
  return { basePath: "/chat", path: '/chat/"room"', userAgent: null, ...times, captured: undefined, note: 0, ...over };
}

function session(own: HandshakeMark = mark(), state: Opened["state"] = "open"): Opened {
  const openedMs = clock.monotonicMs();
  const labels = { app: "web", developer: "ann", product: "all", keyFingerprint: null };
  const route = { environment: "prod", proxy: "chat", endpoint: "default" } as Opened["route"];
  return {
    id: `s${serial++}`, clientAddress: "192.0.2.1", startedAtMs: clock.wallMs(), target: "backend", mark: own, state, route,
    ageMs: () => clock.monotonicMs() - openedMs, labels: () => labels,
  };
}

/** It ends. */
function end({ id, mark: own }: Opened): void {
  const moved = { bytesFromClient: 0, bytesFromTarget: 0, framesFromClient: 0, framesFromTarget: 0 };
  const numbers = { durationMs: 5, handshakeMs: 1, code: 1000, ...moved };
  const place = { environment: "prod", proxy: "chat", endpoint: "default", target: "backend" };
  const names = { sessionId: id, ...place, app: null, developer: null, product: null };
  analytics.session({
    ...names, ...numbers, keyFingerprint: null, clientAddress: "192.0.2.1", status: 101, startedAtMs: 0, endedAtMs: clock.wallMs(),
    closedBy: "client", reason: "clientClosed", text: "", forced: false, timer: null, renewals: 0, mark: own,
  } satisfies SessionRecord);
}

/** Notes and chunks of rows in the file. */
function kept(): readonly [notes: number, rows: number] {
  const database = new DatabaseSync(join(folder, "a.db"), { readOnly: true });
  const found = database.prepare("SELECT (SELECT count(*) FROM live) AS notes, (SELECT total(count) FROM chunks) AS count").get();
  database.close();
  return [Number(found?.["notes"]), Number(found?.["count"])];
}

describe("a note", () => {
  it("becomes the row that its session would have had, as far as that is known", () => {
    const text = noteOf(session(), mark({ captured: { dc_room: "7", dc_seats: 2 }, userAgent: "ws\u2028" }));
    const startedAtMs = clock.wallMs();
    expect(killedRow(text, startedAtMs + 10_004.5)).toMatchObject({
      message_type: "websocket", gateway_flow_id: `s${serial - 1}`, environment: "prod", apiproxy: "chat", proxy_endpoint: "default",
      proxy_basepath: "/chat", request_path: '/chat/"room"', target: "backend", developer: "ann", developer_app: "web",
      api_product: "all", client_ip: "192.0.2.1", useragent: "ws\u2028", response_status_code: 101, close_reason: "gateway_killed",
      closed_by: "gateway", close_code: 1006, is_error: 1, policy_error: 0, target_error: 0, total_response_time: 4.5,
      client_received_start_timestamp: startedAtMs, client_sent_end_timestamp: startedAtMs + 10_004.5, session_duration: 10_000,
      captured: { dc_room: "7", dc_seats: 2 },
    });
  });

  it("never ends before it begins", () => {
    const row = killedRow(noteOf(session(), mark()), clock.wallMs() - 60_000);
    expect([row?.session_duration, row?.client_sent_end_timestamp]).toEqual([0, clock.wallMs()]);
  });

  it.each(["", "{", "null", "[]", '["a"]'])("that another version wrote is none: %s", (text) => {
    expect(killedRow(text, 5)).toBeNull();
  });
});

describe("notes are", () => {
  it("of sessions that stay open for a second, and go with the row of their end", () => {
    const [short, long] = [session(), session()];
    analytics.opened(short);
    analytics.opened(long);
    clock.advance(400);
    end(short);
    clock.advance(1_000);
    expect(kept()).toEqual([1, 1]);
    expect([short.mark?.note, long.mark?.note]).toEqual([0, expect.any(Number)]);
    end(long);
    clock.advance(1_000);
    expect(kept()).toEqual([0, 2]);
    expect(analytics.written).toBe(2);
  });

  it("of all that were opened at once, batch by batch", () => {
    for (let at = 0; at < 600; at++) analytics.opened(session());
    clock.advance(2_000);
    expect(kept()).toEqual([600, 0]);
  });

  it("as many as may wait, while the others go without", () => {
    const many = Array.from({ length: 610 }, () => session());
    for (const one of many) analytics.opened(one);
    clock.advance(2_000);
    expect(kept()[0]).toBe(600);
    for (const one of many) end(one);
    clock.advance(3_000);
    expect([analytics.written, analytics.dropped, ...kept()]).toEqual([600, 10, 0, 600]);
  });

  it("none of sessions that ended before anybody could say so", () => {
    analytics.opened(session(mark(), "closed"));
    clock.advance(5_000);
    expect(kept()).toEqual([0, 0]);
  });
});
