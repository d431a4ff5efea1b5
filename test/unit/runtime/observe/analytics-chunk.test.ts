import { describe, expect, it } from "vitest";
import { decodeRows, encodeRows } from "#runtime/observe/analytics-chunk.ts";
import { addStats, dimensionNames, noStats, rollupKey, type AnalyticsRow } from "#runtime/observe/analytics-row.ts";

const HOSTILE = ['"]\n[0,"x"', "\u2028\\", "é\u{1f600}", "a".repeat(256), "__proto__", ""];

function row(at: number, over: Partial<AnalyticsRow> = {}): AnalyticsRow {
  return {
    message_type: "http", gateway_flow_id: `id-${at}`, environment: "prod", apiproxy: "chat", proxy_endpoint: "default",
    proxy_basepath: "/v1", target: "backend", request_verb: "GET", request_path: `/v1/${at}`, response_status_code: 200,
    target_response_code: 200, client_ip: "192.0.2.1", useragent: "probe", client_received_start_timestamp: 1_000 + at,
    client_sent_end_timestamp: 2_000 + at, is_error: 0, policy_error: 0, target_error: 0, total_response_time: 1.5 + at,
    request_size: at, response_size: 2 * at, ...over,
  };
}

/** Rows of every kind, in no order. */
function rows(): AnalyticsRow[] {
  return Array.from({ length: 200 }, (_, at) => row(at, {
    response_status_code: 200 + (at % 40),
    ...(at % 3 === 0 ? { apiproxy: undefined, target: undefined, request_path: undefined, useragent: undefined } : {}),
    ...(at % 5 === 0 ? { message_type: "websocket", session_duration: at, bytes_from_client: 0, frames_from_client: 3, close_code: 1006 } : {}),
    ...(at % 7 === 0 ? { request_path: HOSTILE[at % HOSTILE.length], useragent: HOSTILE[(at + 1) % HOSTILE.length] } : {}),
    ...(at % 11 === 0 ? { captured: { dc_room: HOSTILE[at % HOSTILE.length] ?? "", dc_seats: at } } : {}),
    client_sent_end_timestamp: 2_000 + at * 1_000,
  }));
}

/** As an export shows it: what is not set is not there, and what was captured stands beside the rest. */
function shown({ captured = {}, ...rest }: AnalyticsRow): unknown {
  return JSON.parse(JSON.stringify({ ...rest, ...captured }));
}

describe("a chunk", () => {
  it("gives back every row as it was", () => {
    const given = rows();
    const { text } = encodeRows(given);
    expect(decodeRows(text)).toEqual(given.map(shown));
    expect(text.split("\n").length).toBe(given.length + 2);
  });

  it("says once what rows share", () => {
    const alike = Array.from({ length: 256 }, (_, at) => row(at, { useragent: "x".repeat(200) }));
    expect(encodeRows(alike).text.length / 256).toBeLessThan(110);
    expect(encodeRows(alike).text.split("x".repeat(200)).length).toBe(2);
  });

  it.each([...dimensionNames, "proxy_basepath", "useragent"] as const)("keeps rows apart that differ in %s alone", (name) => {
    const other: string | number = typeof row(2)[name] === "number" ? 599 : "other";
    const given = [row(1), row(2, { [name]: other }), row(3, { [name]: undefined }), row(4)];
    expect(decodeRows(encodeRows(given).text)).toEqual(given.map(shown));
    expect(encodeRows(given).groups.length).toBe(row(3)[name] === undefined ? 2 : 3);
  });

  it("adds rows up by minute and dimensions, however many of these there are", () => {
    const given = rows();
    const totals = new Map<string, Float64Array>();
    for (const { key, minuteMs, stats } of encodeRows(given).groups) {
      const total = totals.get(`${minuteMs} ${key}`) ?? noStats();
      addStats(total, stats);
      totals.set(`${minuteMs} ${key}`, total);
    }
    const counts = new Map<string, number>();
    for (const one of given) {
      const name = `${Math.floor(one.client_sent_end_timestamp / 60_000) * 60_000} ${rollupKey(one)}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    expect(new Map([...totals].map(([name, stats]) => [name, stats[0]]))).toEqual(counts);
    expect(totals.size).toBeGreaterThan(50);
  });

  it("may be empty", () => {
    expect(decodeRows(encodeRows([]).text)).toEqual([]);
  });
});
