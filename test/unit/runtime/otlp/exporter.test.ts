/** The exporter against a real collector: batches, outages, refusals, the end. Time is moved by hand. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SpanExporter, type ExporterReport } from "#runtime/otlp/exporter.ts";
import { postTarget } from "#runtime/otlp/post.ts";
import { SPAN_SERVER, spanJson } from "#runtime/otlp/span.ts";
import { startCollector, type Collector } from "../../../support/collector.ts";
import { fakeClock, type FakeClock } from "../../../support/fake-clock.ts";
import { refusedPort } from "../../../support/raw-target.ts";
import { until } from "../../../support/until.ts";

const limits = { spansQueuedMax: 10, spanBatchMax: 4, spanLingerMs: 1_000, spanExportTimeoutMs: 5_000, spanRetryMaxMs: 60_000 };
const RESOURCE = `"attributes":[{"key":"service.name","value":{"stringValue":"test"}}]`;

class Report implements ExporterReport {
  count = { exported: 0, dropped: 0 };
  readonly events: string[] = [];
  exported(spans: number): void {
    this.count.exported += spans;
  }
  dropped(spans: number): void {
    this.count.dropped += spans;
  }
  failed(detail: string): void {
    this.events.push(`failed: ${detail}`);
  }
  recovered(): void {
    this.events.push("recovered");
  }
}

let collector: Collector;
let clock: FakeClock;
let report: Report;
let exporter: SpanExporter;

beforeEach(async () => {
  collector = await startCollector();
  clock = fakeClock();
  report = new Report();
  exporter = to(collector.url);
});
afterEach(async () => {
  await exporter.close();
  await collector[Symbol.asyncDispose]();
});

function to(url: string, headers = {}): SpanExporter {
  return new SpanExporter(postTarget(url, headers), RESOURCE, clock, limits, report);
}

function spans(count: number): string[] {
  return Array.from({ length: count }, (_, at) => spanJson({
    traceId: "1".repeat(32),
    spanId: "2".repeat(16),
    parentId: null,
    kind: SPAN_SERVER,
    name: `span ${at}`,
    startMs: 1_700_000_000_123.456,
    endMs: 1_700_000_000_124,
    attributes: { text: "a \"quoted\" \u2028 <b>", whole: 3, broken: 0.5, yes: true, absent: null },
    isError: at === 1,
    link: null,
  }));
}

const exported = (count: number) => until(() => report.count.exported === count, () => JSON.stringify(report));
const events = (count: number) => until(() => report.events.length === count, () => JSON.stringify(report));

it("sends what has lingered, in one request, as the protocol has it", async () => {
  exporter.add(spans(2));
  clock.advance(999);
  expect(collector.requests).toBe(0);
  clock.advance(1);
  const [first, second] = await collector.until(2);
  expect(collector.requests).toBe(1);
  expect(collector.resource).toEqual({ "service.name": "test" });
  expect(first).toMatchObject({ name: "span 0", kind: 2, startNs: 1_700_000_000_123_456_054n, isError: false });
  expect(first?.attributes).toEqual({ text: "a \"quoted\" \u2028 <b>", whole: 3, broken: 0.5, yes: true });
  expect(second?.isError).toBe(true);
  await exported(2);
});

it("does not wait where a batch is full, and sends one request at a time", async () => {
  exporter.add(spans(4));
  exporter.add(spans(5));
  await collector.until(8);
  await exported(8);
  expect(collector.requests).toBe(2);
  clock.advance(1_000);
  await exported(9);
  expect(collector.requests).toBe(3);
});

it("drops and counts what does not fit its queue", async () => {
  collector.answer = () => undefined;
  exporter.add(spans(4));
  exporter.add(spans(9));
  expect(report.count.dropped).toBe(3);
  collector.answer = null;
});

it("sends its headers", async () => {
  await exporter.close();
  exporter = to(collector.url, { Authorization: "Bearer of the collector" });
  exporter.add(spans(4));
  await exported(4);
  expect(collector.headers).toMatchObject({ "authorization": "Bearer of the collector", "content-type": "application/json" });
});

describe("a collector in trouble", () => {
  it.each([429, 502, 503, 504])("gets a batch again after %d, later each time", async (status) => {
    collector.answer = (response) => void response.writeHead(status).end();
    exporter.add(spans(4));
    await events(1);
    expect(report.events).toEqual([`failed: status ${status}`]);
    clock.advance(1_000);
    await until(() => exporter.retryMs === 2_000, () => `${exporter.retryMs} ms`);
    clock.advance(1_999);
    expect(collector.requests).toBe(2);
    collector.answer = null;
    clock.advance(1);
    await exported(4);
    expect(report.events).toEqual([`failed: status ${status}`, "recovered"]);
    expect(report.count.dropped).toBe(0);
  });

  it("is obeyed when it says how long to wait", async () => {
    collector.answer = (response) => void response.writeHead(503, { "Retry-After": "30" }).end();
    exporter.add(spans(4));
    await events(1);
    clock.advance(29_999);
    expect(collector.requests).toBe(1);
    collector.answer = null;
    clock.advance(1);
    await exported(4);
  });

  it("never waits longer than the bound, whatever it says", async () => {
    collector.answer = (response) => void response.writeHead(503, { "Retry-After": "99999999" }).end();
    exporter.add(spans(4));
    await events(1);
    collector.answer = null;
    clock.advance(60_000);
    await exported(4);
  });

  it("loses what it refuses for good, and nothing else", async () => {
    collector.answer = (response) => void response.writeHead(400).end("no");
    exporter.add(spans(4));
    await events(1);
    expect(report.count).toEqual({ exported: 0, dropped: 4 });
    collector.answer = null;
    exporter.add(spans(4));
    await exported(4);
    expect(report.events).toEqual(["failed: status 400", "recovered"]);
  });

  it("is believed about spans that it did not keep", async () => {
    collector.answer = (response) => void response.end(`{"partialSuccess":{"rejectedSpans":"3","errorMessage":"old"}}`);
    exporter.add(spans(4));
    await exported(1);
    expect(report.count.dropped).toBe(3);
    collector.answer = (response) => void response.end(`{"partialSuccess":{"rejectedSpans":"99"}}`);
    exporter.add(spans(4));
    await until(() => report.count.dropped === 7, () => JSON.stringify(report));
    expect(report.count.exported).toBe(1);
  });

  it("is given up on when it does not answer in time", async () => {
    collector.answer = () => undefined;
    exporter.add(spans(4));
    await until(() => collector.requests === 1, () => "no request");
    clock.advance(5_000);
    await events(1);
    expect(report.events).toEqual(["failed: no answer in time"]);
    collector.answer = null;
    clock.advance(1_000);
    await exported(4);
  });

  it("may switch protocols, which ends nothing but its connection", async () => {
    const lines = "Upgrade: websocket\r\nConnection: Upgrade";
    collector.answer = ({ socket }) => void socket?.write(`HTTP/1.1 101 Switching Protocols\r\n${lines}\r\n\r\n`);
    exporter.add(spans(4));
    await events(1);
    expect(report.events).toEqual(["failed: status 101"]);
    collector.answer = null;
    exporter.add(spans(4));
    await exported(4);
  });

  it("may break its answer off, or never end it", async () => {
    collector.answer = (response) => {
      response.writeHead(200, { "Content-Length": "10" }).write("{");
      response.destroy();
    };
    exporter.add(spans(4));
    await events(1);
    collector.answer = (response) => void response.writeHead(200).write(" ".repeat(64 * 1024));
    clock.advance(1_000);
    await until(() => exporter.retryMs === 2_000, () => `${exporter.retryMs} ms`);
    collector.answer = null;
    clock.advance(2_000);
    await exported(4);
  });

  it("need not be there at all", async () => {
    await exporter.close();
    exporter = to(`http://127.0.0.1:${await refusedPort()}/v1/traces`);
    exporter.add(spans(4));
    await events(1);
    expect(report.events).toEqual(["failed: ECONNREFUSED"]);
    exporter.add(spans(9));
    expect(report.count.dropped).toBe(3);
    await exporter.close();
    expect(report.count).toEqual({ exported: 0, dropped: 13 });
  });
});

describe("the end", () => {
  it("sends what is left at once", async () => {
    exporter.add(spans(3));
    exporter.add(spans(3));
    await exporter.close();
    expect(report.count).toEqual({ exported: 6, dropped: 0 });
    expect(collector.problems).toEqual([]);
  });

  it("does not wait for a collector that is gone", async () => {
    collector.answer = (response) => void response.writeHead(503).end();
    exporter.add(spans(3));
    await exporter.close();
    expect(report.count).toEqual({ exported: 0, dropped: 3 });
  });
});

it.each([
  ["ftp://collector/", "must begin with http"],
  ["collector:4318", "must begin with http"],
  ["http://user:password@collector/", "must not hold credentials"],
])("refuses the URL %s", (url, message) => {
  expect(() => postTarget(url, {})).toThrow(message);
});

it.each(["a\nb", "a\r\nX-Injected: b", "a\0b", "\u0100"])("refuses a header value that cannot be sent: %j", (value) => {
  expect(() => postTarget("http://collector/", { "X-Key": value })).toThrow("the collector's header X-Key");
});
