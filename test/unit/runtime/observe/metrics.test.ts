import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { contentTypes, formOf, MetricText } from "#runtime/observe/metric-text.ts";
import { counters } from "#runtime/observe/metric-slots.ts";
import { Metrics } from "#runtime/observe/metrics.ts";
import type { SessionRecord } from "#runtime/observe/record.ts";
import { fakeClock } from "../../../support/fake-clock.ts";

const chat = { environment: "prod", proxy: "chat", targets: ["backend"], policies: ["VK-Key"] };
const orders = { environment: "test", proxy: "orders", targets: [], policies: [] };

function newMetrics(): Metrics {
  return new Metrics({ version: "1.0.0", build: "abc", node: "26.10.0" }, fakeClock(), [chat, orders]);
}

/** Samples by `name{labels}`, labels sorted, bounds as numbers. */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const match = /^([a-z_0-9]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    expect(match, line).not.toBeNull();
    const labels = (match?.[2] ?? "").split(/,(?=[a-z]+=)/).filter(Boolean).sort();
    samples.set(`${match?.[1]}{${labels.join(",")}}`, Number(match?.[3]));
  }
  return samples;
}

function closedRecord(over: Partial<SessionRecord>): SessionRecord {
  return {
    sessionId: "s", environment: "prod", proxy: "chat", endpoint: "default", target: "backend", app: null, developer: null,
    product: null, keyFingerprint: null, clientAddress: "192.0.2.1", status: 101, startedAtMs: 0, endedAtMs: 0, handshakeMs: 0,
    durationMs: 5_000, closedBy: "client", reason: "clientClosed", code: 1000, text: "", forced: false, timer: null, renewals: 0,
    bytesFromClient: 100, bytesFromTarget: 900, framesFromClient: 1, framesFromTarget: 1, mark: null, ...over,
  };
}

describe("numbers", () => {
  it("agree with prom-client's, series by series", async () => {
    const metrics = newMetrics();
    const registry = new Registry();
    const place = ["environment", "proxy"];
    const registers = [registry];
    const requests = new Counter({ name: "apigw_http_requests_total", help: "-", labelNames: [...place, "method", "code"], registers });
    const inFlight = new Gauge({ name: "apigw_http_requests_in_flight", help: "-", labelNames: place, registers });
    const duration = new Histogram({
      name: "apigw_http_request_duration_seconds", help: "-", labelNames: place, registers,
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    });
    const handshakes = new Counter({ name: "apigw_ws_handshakes_total", help: "-", labelNames: [...place, "result"], registers });
    const cases = [
      ["GET", 200, 0.4], ["GET", 204, 1], ["POST", 404, 12.5], ["BREW", 503, 20_000], ["GET", 200, 10], ["HEAD", 302, 2.5],
      ["PATCH", 100, 0], ["DELETE", 999, 7],
    ] as const;
    for (const [method, status, ms] of cases) {
      metrics.httpStarted(chat);
      metrics.httpFinished(chat, method, status, ms);
      const code = `${Math.min(5, Math.trunc(status / 100))}xx`;
      requests.inc({ environment: "prod", proxy: "chat", method: method === "BREW" ? "other" : method, code });
      duration.observe({ environment: "prod", proxy: "chat" }, ms / 1_000);
    }
    metrics.httpStarted(orders);
    inFlight.set({ environment: "", proxy: "" }, 0);
    inFlight.set({ environment: "prod", proxy: "chat" }, 0);
    inFlight.set({ environment: "test", proxy: "orders" }, 1);
    for (const status of [101, 101, 401, 418, 504]) {
      metrics.handshake(orders, status, 3);
      const result = status === 418 ? "other" : String(status);
      handshakes.inc({ environment: "test", proxy: "orders", result });
    }

    const ours = parse(metrics.text("prometheus"));
    const theirs = parse(await registry.metrics());
    expect(theirs.size).toBeGreaterThan(20);
    for (const [series, value] of theirs) expect([series, ours.get(series)]).toEqual([series, expect.closeTo(value, 9)]);
    const names = new Set([...theirs.keys()].map((series) => series.split("{")[0]));
    for (const series of ours.keys()) if (names.has(series.split("{")[0] ?? "")) expect(theirs.has(series)).toBe(true);
  });

  it("follow a session from its 101 to its end, its live bytes included", () => {
    const metrics = newMetrics();
    let live = 40;
    metrics.observe({ sessions: () => 1, liveBytes: (add) => add(chat, live, 2 * live) });
    const active = 'apigw_ws_connections_active{environment="prod",proxy="chat"}';
    const bytes = 'apigw_ws_bytes_total{direction="from_target",environment="prod",proxy="chat"}';
    metrics.sessionOpened(chat);
    let samples = parse(metrics.text("prometheus"));
    expect([samples.get(active), samples.get(bytes), samples.get("apigw_sessions{}")]).toEqual([1, 80, 1]);
    live = 0;
    metrics.sessionClosed(closedRecord({ reason: "tokenRevoked" }));
    samples = parse(metrics.text("prometheus"));
    expect([samples.get(active), samples.get(bytes)]).toEqual([0, 900]);
    expect(samples.get('apigw_ws_connections_closed_total{environment="prod",proxy="chat",reason="token_revoked"}')).toBe(1);
    expect(samples.get('apigw_ws_connection_duration_seconds_bucket{environment="prod",le="10",proxy="chat"}')).toBe(1);
    expect(samples.get('apigw_ws_connection_duration_seconds_bucket{environment="prod",le="1",proxy="chat"}')).toBe(0);
  });

  it("tell close codes apart, those of peers in a bounded number", () => {
    const metrics = newMetrics();
    for (const code of [1000, 1000, 1006, 1005, 3008, 3999, 4000, 4999, 2999, 0, 65_535, 1015]) {
      metrics.sessionOpened(chat);
      metrics.sessionClosed(closedRecord({ code }));
    }
    const samples = parse(metrics.text("prometheus"));
    const of = (code: string): number | undefined =>
      samples.get(`apigw_ws_close_codes_total{code="${code}",environment="prod",proxy="chat"}`);
    expect(["1000", "1005", "1006", "3008", "3xxx", "4xxx", "other", "1001"].map(of)).toEqual([2, 1, 1, 1, 1, 2, 4, undefined]);
  });

  it("tell back-pressure by proxy, of all its endpoints together", () => {
    const metrics = newMetrics();
    metrics.observe({
      backpressure: (add) => {
        add(chat, { fromClientMs: 1_500, fromTargetMs: 0 });
        add(chat, { fromClientMs: 500, fromTargetMs: 0 });
      },
    });
    const text = metrics.text("prometheus");
    expect(text).toContain('apigw_ws_backpressure_seconds_total{environment="prod",proxy="chat",direction="from_client"} 2\n');
    expect(text).not.toContain('seconds_total{environment="prod",proxy="chat",direction="from_target"}');
  });

  it("count what has no proxy under empty labels, and never make a series of an unknown name", () => {
    const metrics = newMetrics();
    metrics.httpStarted(null);
    metrics.httpFinished(null, "GET", 404, 1);
    metrics.httpStarted({ environment: "prod", proxy: "evil" });
    metrics.httpFinished({ environment: "prod", proxy: "evil" }, "GET", 404, 1);
    metrics.policyFault(chat, "nobody");
    metrics.policyFault(chat, "VK-Key");
    metrics.upstreamOpened(chat, "nobody");
    metrics.upstreamOpened(chat, "backend");
    metrics.upstreamAnswered(chat, "backend", 30);
    metrics.upstreamClosed(chat, "backend");
    const text = metrics.text("prometheus");
    const samples = parse(text);
    expect(samples.get('apigw_http_requests_total{code="4xx",environment="",method="GET",proxy=""}')).toBe(2);
    expect(samples.get('apigw_policy_faults_total{environment="prod",policy="VK-Key",proxy="chat"}')).toBe(1);
    expect(samples.get('apigw_upstream_connections{environment="prod",proxy="chat",target="backend"}')).toBe(0);
    expect(text).not.toContain("evil");
    expect(text).not.toContain("nobody");
  });

  it("have one counter for each entry of the table", () => {
    const metrics = newMetrics();
    for (const id of Object.keys(counters) as (keyof typeof counters)[]) metrics.count(id, 2);
    const samples = parse(metrics.text("prometheus"));
    for (const [name] of Object.values(counters)) expect([name, samples.get(`${name}{}`)]).toEqual([name, 2]);
  });

  it("tell about the process and the build", () => {
    const metrics = newMetrics();
    const samples = parse(metrics.text("prometheus"));
    expect(samples.get('apigw_build_info{build="abc",node="26.10.0",version="1.0.0"}')).toBe(1);
    expect(samples.get("process_resident_memory_bytes{}")).toBeGreaterThan(1e6);
    expect(samples.get("process_cpu_seconds_total{}")).toBeGreaterThan(0);
    metrics.close();
  });
});

describe("text", () => {
  it.each([
    [undefined, "prometheus"], ["*/*", "prometheus"], ["text/plain", "prometheus"],
    ["application/openmetrics-text;version=1.0.0;q=0.75,text/plain;q=0.5", "openmetrics"],
    ["application/openmetrics-text;q=0, text/plain", "prometheus"],
  ] as const)("for Accept %j is %s", (accept, form) => {
    expect(formOf(accept)).toBe(form);
  });

  it("in OpenMetrics ends with EOF and names counters without _total", () => {
    const metrics = newMetrics();
    metrics.httpStarted(chat);
    metrics.httpFinished(chat, "GET", 200, 1);
    const text = metrics.text("openmetrics");
    expect(text.endsWith("# EOF\n")).toBe(true);
    expect(text).toContain("# TYPE apigw_http_requests counter\n");
    expect(text).toContain('apigw_http_requests_total{environment="prod",proxy="chat",method="GET",code="2xx"} 1\n');
    expect(text).toContain('le="1.0"');
    expect(contentTypes.openmetrics).toContain("openmetrics-text");
  });

  it("escapes labels and help", () => {
    const out = new MetricText("prometheus");
    out.family("m", "gauge", "one\ntwo \\ three");
    out.sample(["a", 'x"y\\z\nw'], Infinity);
    expect(out.end()).toBe('# HELP m one\\ntwo \\\\ three\n# TYPE m gauge\nm{a="x\\"y\\\\z\\nw"} +Inf\n');
  });

  it("has each family once and every line within the grammar", () => {
    const text = newMetrics().text("prometheus");
    const families = [...text.matchAll(/^# TYPE (\S+) (counter|gauge|histogram)$/gm)].map((match) => match[1]);
    expect(families.length).toBeGreaterThan(25);
    expect(new Set(families).size).toBe(families.length);
    expect(parse(text).size).toBeGreaterThan(25);
  });
});
