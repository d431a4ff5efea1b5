import { describe, expect, it } from "vitest";
import { field, numberField, quoted, textField } from "#runtime/observe/json-line.ts";
import { Log, type LogLevel, type LogOutput } from "#runtime/observe/log.ts";
import { everyField, type ExchangeLine } from "#runtime/observe/log-lines.ts";
import type { SessionRecord } from "#runtime/observe/record.ts";
import { closeReasons, type CloseReasonId } from "#runtime/upgrade/close-reason.ts";
import { fakeClock, type FakeClock } from "../../../support/fake-clock.ts";

class Output implements LogOutput {
  text = "";
  writes = 0;
  /** While true nothing is taken. */
  stalled = false;
  writableLength = 0;
  onError: (() => void) | null = null;
  write(bytes: Buffer): boolean {
    this.writes++;
    this.text += bytes.toString();
    if (this.stalled) this.writableLength += bytes.length;
    return !this.stalled;
  }
  on(_event: "error", listener: () => void): void {
    this.onError = listener;
  }
  get lines(): Record<string, unknown>[] {
    return this.text.split("\n").filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>);
  }
}

function newLog(level: LogLevel = "info", access = true, logBacklogBytesMax = 1 << 20): { log: Log; output: Output; clock: FakeClock } {
  const output = new Output();
  const clock = fakeClock();
  return { log: new Log({ output, clock, limits: { logBacklogBytesMax }, level, lines: access ? everyField : null }), output, clock };
}

const exchange: ExchangeLine = {
  id: "x1", environment: "prod", proxy: "chat", endpoint: "default", route: "/v1/chat", target: "backend", method: "GET",
  path: "/v1/chat/rooms", scheme: "https", host: "api.example.com", version: "1.1", clientAddress: "192.0.2.7",
  peerAddress: "192.0.2.7", query: "room=7&apikey=hidden", requestLines: [], responseLines: [],
  userAgent: "curl/8", app: "web", developer: "ada", status: 401, fault: "oauth.v2.InvalidApiKey", policy: "VK-Key",
  durationMs: 1.23456, bytesIn: 0, bytesOut: 120,
};

const record: SessionRecord = {
  sessionId: "s1", environment: "prod", proxy: "chat", endpoint: "default", target: "backend", app: "web", developer: "ada",
  product: "chat-basic", keyFingerprint: "abcdefghijkl", clientAddress: "192.0.2.7", status: 101,
  startedAtMs: Date.UTC(2030, 0, 1), endedAtMs: Date.UTC(2030, 0, 1, 1), handshakeMs: 12.5, durationMs: 3_600_000,
  closedBy: "gateway", reason: "tokenExpired", code: 3000, text: "token expired", forced: false, timer: "credential", renewals: 0,
  bytesFromClient: 10, bytesFromTarget: 20, framesFromClient: 1, framesFromTarget: 2, mark: null,
};

describe("quoting", () => {
  const rows = [
    "plain", "", 'quote " and \\ backslash', "line\nfeed\r\0end", "\u001b[31mred", "\u007f\u009b", "\u2028\u2029",
    "lone \ud800 surrogate", "pair \u{1f600}", "caf\u00e9", '"}\n{"level":"error"',
  ];
  it.each(rows)("survives %j", (text) => {
    const json = quoted(text);
    expect(JSON.parse(json)).toBe(text);
    expect(json).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
  });

  it("cuts long values", () => {
    expect(quoted("x".repeat(10_000)).length).toBeLessThan(2_100);
  });

  it("writes each kind of field", () => {
    expect(textField("a", null)).toBe("");
    expect(field("a", undefined)).toBe("");
    expect(field("a", null)).toBe(',"a":null');
    expect(field("a", true)).toBe(',"a":true');
    expect(numberField("a", 1 / 3)).toBe(',"a":0.333');
    expect(numberField("a", Number.NaN)).toBe(',"a":null');
  });
});

describe("lines", () => {
  it("are one JSON object each, in order, batched into one write", () => {
    const { log, output, clock } = newLog();
    log.event("start", { version: "1.2.3", workers: 1, note: undefined });
    log.exchange(exchange);
    log.upgraded({ ...exchange, handshakeMs: 2, subprotocol: null });
    log.session(record);
    expect(output.writes).toBe(0);
    clock.advance(10);
    expect(output.writes).toBe(1);
    expect(output.lines.map((line) => line["event"])).toEqual(["start", "http", "upgrade", "session"]);
    expect(output.lines[0]).toEqual({ time: "2030-01-01T12:00:00.000Z", level: "info", event: "start", version: "1.2.3", workers: 1 });
    expect(output.lines[1]).toMatchObject({
      "http.request.method": "GET", "http.route": "/v1/chat", "http.response.status_code": 401, "url.path": "/v1/chat/rooms",
      "client.address": "192.0.2.7", "error.type": "oauth.v2.InvalidApiKey", "apigw.duration_ms": 1.235, "apigw.bytes_out": 120,
    });
    expect(output.lines[2]).toMatchObject({ "apigw.session_id": "x1", "http.response.status_code": 101, "apigw.handshake_ms": 2 });
    expect(output.lines[3]).toMatchObject({
      "apigw.session_id": "s1", "apigw.ws.close_code": 3000, "apigw.ws.close_reason": "token_expired", "apigw.ws.forced": false,
      "apigw.ws.timer": "credential", "apigw.bytes_in": 10, "apigw.started": "2030-01-01T00:00:00.000Z",
    });
    expect(output.lines[3]).not.toHaveProperty("error.type");
  });

  it.each(Object.keys(closeReasons) as CloseReasonId[])("name the close reason %s as its table does", (reason) => {
    const { log, output } = newLog();
    log.session({ ...record, reason });
    log.flush();
    const [line] = output.lines;
    expect(line?.["apigw.ws.close_reason"]).toBe(closeReasons[reason].label);
    expect("error.type" in (line ?? {})).toBe(closeReasons[reason].isError);
  });

  it("leave at once when they warn", () => {
    const { log, output } = newLog();
    log.event("store lost", {}, "warn");
    expect(output.writes).toBe(1);
  });

  it("leave when a batch is full", () => {
    const { log, output } = newLog();
    for (let n = 0; n < 200; n++) log.exchange(exchange);
    expect(output.writes).toBeGreaterThan(0);
  });
});

describe("levels", () => {
  it("hold back events below them, and access lines only when told", () => {
    const { log, output } = newLog("warn", false);
    log.event("quiet");
    log.exchange(exchange);
    log.session(record);
    log.event("loud", {}, "error");
    log.flush();
    expect(output.lines.map((line) => line["event"])).toEqual(["loud"]);
    expect(log.writes("info")).toBe(false);
    expect(log.writes("warn")).toBe(true);
    expect(newLog("off").log.writes("error")).toBe(false);
  });
});

describe("an output that stalls", () => {
  it("costs lines beyond the bound, which are counted and reported once it moves again", () => {
    const { log, output } = newLog("info", true, 20_000);
    output.stalled = true;
    for (let n = 0; n < 1_000; n++) log.exchange(exchange);
    log.flush();
    expect(log.droppedLines).toBeGreaterThan(900);
    expect(output.text.length).toBeLessThanOrEqual(20_000);
    const lost = log.droppedLines;
    output.stalled = false;
    output.writableLength = 0;
    log.event("moving");
    log.flush();
    const last = output.lines.slice(-2);
    expect(last[0]).toMatchObject({ event: "log lines dropped", lines: lost });
    expect(last[1]).toMatchObject({ event: "moving" });
    log.event("again");
    log.flush();
    expect(output.lines.filter((line) => line["event"] === "log lines dropped")).toHaveLength(1);
  });

  it("or breaks, is survived", () => {
    const { log, output } = newLog();
    expect(output.onError).not.toBeNull();
    output.onError?.();
    expect(() => log.event("still here")).not.toThrow();
  });
});
