/**
 * JSON lines on one output: events, one line for each HTTP exchange, one at each 101, one at each session's end. It
 * owns batching and the bounded backlog: an output that stalls costs lines, which are counted, and never blocks the
 * gateway. It refuses to know credentials: queries, header values and tokens have no field here.
 */
import type { Clock, Timer } from "../clock.ts";
import type { Limits } from "../limits.ts";
import { closeReasons } from "../upgrade/close-reason.ts";
import type { FlightEvent } from "./flight-recorder.ts";
import { field, numberField, textField, type FieldValue } from "./json-line.ts";
import type { SessionRecord } from "./record.ts";

/** How much an event matters; `off` writes none. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "off";

/** What the log needs of an output stream; process.stdout has it. */
export interface LogOutput {
  write(text: string): boolean;
  /** Bytes accepted and not yet taken by the other end. */
  readonly writableLength: number;
  on(event: "error", listener: () => void): unknown;
}

export interface LogOptions {
  readonly output: LogOutput;
  readonly clock: Clock;
  readonly limits: Pick<Limits, "logBacklogBytesMax">;
  readonly level: LogLevel;
  /** False: no lines for exchanges and sessions. */
  readonly access: boolean;
}

/** Where an exchange came from and where it went; shared by its lines. */
export interface ExchangePlace {
  /** The exchange's id; a session's exchange has the session's. */
  readonly id: string;
  /** Null when no proxy was found. */
  readonly environment: string | null;
  readonly proxy: string | null;
  readonly endpoint: string | null;
  /** Base path as configured. */
  readonly route: string | null;
  readonly target: string | null;
  readonly method: string;
  /** Canonical path without query; null when it was not valid. */
  readonly path: string | null;
  readonly scheme: "http" | "https";
  /** Host that was asked for. */
  readonly host: string | null;
  /** "1.1" or "1.0". */
  readonly version: string;
  readonly clientAddress: string;
  readonly userAgent: string | null;
  readonly app: string | null;
  readonly developer: string | null;
}

/** One HTTP exchange at its end. Also a refused upgrade, whose status then is not 101. */
export interface ExchangeLine extends ExchangePlace {
  readonly status: number;
  /** Error code of the fault, null without one. */
  readonly fault: string | null;
  /** Name of the policy that raised it. */
  readonly policy: string | null;
  readonly durationMs: number;
  /** Body bytes from and to the client. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** An upgrade at its 101. */
export interface UpgradedLine extends ExchangePlace {
  readonly handshakeMs: number;
  readonly subprotocol: string | null;
}

/** A batch is written when it reaches this many characters, or after LINGER_MS. */
const BATCH_CHARS = 16 * 1024;
const LINGER_MS = 10;
const ranks = { debug: 0, info: 1, warn: 2, error: 3, off: 4 } as const;

export class Log {
  readonly level: LogLevel;
  readonly access: boolean;
  /** Lines lost because the output did not take them, since the start. */
  droppedLines = 0;
  readonly #output: LogOutput;
  readonly #clock: Clock;
  readonly #backlogBytesMax: number;
  #batch = "";
  #timer: Timer | null = null;
  #droppedReported = 0;
  #stampedMs = Number.NaN;
  #stamp = "";

  constructor(options: LogOptions) {
    this.level = options.level;
    this.access = options.access;
    this.#output = options.output;
    this.#clock = options.clock;
    this.#backlogBytesMax = options.limits.logBacklogBytesMax;
    options.output.on("error", () => undefined); // A broken output (EPIPE) must not end the gateway.
  }

  /** True when events of that level are written; ask before building costly fields. */
  writes(level: LogLevel): boolean {
    return ranks[level] >= ranks[this.level] && this.level !== "off";
  }

  /**
   * Something worth knowing. Field names are the program's own, values are quoted; warnings and errors leave at once.
   */
  event(name: string, fields: Readonly<Record<string, FieldValue>> = {}, level: LogLevel = "info"): void {
    if (!this.writes(level)) return;
    let line = this.#start(level, name);
    for (const key in fields) line += field(key, fields[key]);
    this.#add(`${line}}\n`);
    if (ranks[level] >= ranks.warn) this.flush();
  }

  /** A change that an operator made: written whatever the level, and at once. */
  audit(action: string, fields: Readonly<Record<string, FieldValue>>): void {
    let line = `${this.#start("info", "audit")}${textField("action", action)}`;
    for (const key in fields) line += field(key, fields[key]);
    this.#add(`${line}}\n`);
    this.flush();
  }

  /** The line of one HTTP exchange, at its end. */
  exchange(exchange: ExchangeLine): void {
    if (!this.access) return;
    this.#add(
      this.#start("info", "http") + place(exchange) +
        `,"http.response.status_code":${exchange.status}` +
        textField("error.type", exchange.fault) + textField("apigw.policy", exchange.policy) +
        numberField("apigw.duration_ms", exchange.durationMs) +
        numberField("apigw.bytes_in", exchange.bytesIn) + numberField("apigw.bytes_out", exchange.bytesOut) + "}\n",
    );
  }

  /** The line of one upgrade, at its 101: live connections must not be invisible until they end. */
  upgraded(upgrade: UpgradedLine): void {
    if (!this.access) return;
    this.#add(
      this.#start("info", "upgrade") + place(upgrade) + textField("apigw.session_id", upgrade.id) +
        `,"http.response.status_code":101` + textField("apigw.ws.subprotocol", upgrade.subprotocol) +
        numberField("apigw.handshake_ms", upgrade.handshakeMs) + "}\n",
    );
  }

  /** The line of one session, at its end. */
  session(record: SessionRecord): void {
    if (!this.access) return;
    this.#add(this.#start("info", "session") + sessionFields(record) + "}\n");
  }

  /** Hands what is batched to the output. Call it last when the process ends. */
  flush(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    if (this.#batch === "") return;
    const batch = this.#batch;
    this.#batch = "";
    this.#output.write(batch);
  }

  #add(line: string): void {
    // A character is at least a byte; lines are nearly all ASCII, so this is close and cheap.
    if (this.#output.writableLength + this.#batch.length + line.length > this.#backlogBytesMax) {
      this.droppedLines++;
      return;
    }
    if (this.droppedLines !== this.#droppedReported) this.#reportDropped();
    this.#batch += line;
    if (this.#batch.length >= BATCH_CHARS) return this.flush();
    this.#timer ??= this.#clock.setTimer(() => this.flush(), LINGER_MS);
  }

  #reportDropped(): void {
    const lines = this.droppedLines - this.#droppedReported;
    this.#droppedReported = this.droppedLines;
    this.#batch += `${this.#start("warn", "log lines dropped")}${numberField("lines", lines)}}\n`;
  }

  #start(level: LogLevel, name: string): string {
    const nowMs = Math.floor(this.#clock.wallMs());
    if (nowMs !== this.#stampedMs) {
      this.#stampedMs = nowMs;
      this.#stamp = new Date(nowMs).toISOString();
    }
    return `{"time":"${this.#stamp}","level":"${level}"${textField("event", name)}`;
  }
}

function place(exchange: ExchangePlace): string {
  return (
    textField("apigw.id", exchange.id) + textField("http.request.method", exchange.method) +
    textField("http.route", exchange.route) + textField("url.scheme", exchange.scheme) +
    textField("url.path", exchange.path) + textField("server.address", exchange.host) +
    textField("client.address", exchange.clientAddress) +
    textField("network.protocol.version", exchange.version) +
    textField("user_agent.original", exchange.userAgent) + textField("apigw.env", exchange.environment) +
    textField("apigw.proxy", exchange.proxy) + textField("apigw.endpoint", exchange.endpoint) +
    textField("apigw.target", exchange.target) + textField("apigw.app", exchange.app) +
    textField("apigw.developer", exchange.developer)
  );
}

function sessionFields(record: SessionRecord): string {
  const reason = closeReasons[record.reason];
  return (
    textField("apigw.session_id", record.sessionId) + `,"http.response.status_code":${record.status}` +
    textField("client.address", record.clientAddress) + textField("apigw.env", record.environment) +
    textField("apigw.proxy", record.proxy) + textField("apigw.endpoint", record.endpoint) +
    textField("apigw.target", record.target) + textField("apigw.app", record.app) +
    textField("apigw.developer", record.developer) + textField("apigw.product", record.product) +
    textField("apigw.key_fingerprint", record.keyFingerprint) +
    textField("apigw.started", new Date(record.startedAtMs).toISOString()) +
    textField("apigw.ended", new Date(record.endedAtMs).toISOString()) +
    numberField("apigw.handshake_ms", record.handshakeMs) + numberField("apigw.duration_ms", record.durationMs) +
    textField("apigw.ws.closed_by", record.closedBy) + textField("apigw.ws.close_reason", reason.label) +
    numberField("apigw.ws.close_code", record.code) + textField("apigw.ws.close_text", record.text) +
    field("apigw.ws.forced", record.forced) + textField("apigw.ws.timer", record.timer) +
    (record.renewals > 0 ? numberField("apigw.ws.renewals", record.renewals) : "") +
    (reason.isError ? textField("error.type", reason.label) : "") +
    numberField("apigw.bytes_in", record.bytesFromClient) + numberField("apigw.bytes_out", record.bytesFromTarget) +
    numberField("apigw.frames_in", record.framesFromClient) + numberField("apigw.frames_out", record.framesFromTarget) +
    (record.events === undefined ? "" : `,"apigw.ws.events":${eventList(record.events)}`)
  );
}

/** What happened last, as a list of objects; their names and values are the gateway's own. */
function eventList(events: readonly FlightEvent[]): string {
  const rows = events.map(({ event, reason, count, atMs, bytesFromClient, bytesFromTarget }) => {
    const what = `{"event":"${event}"${textField("reason", reason)}${count === 1 ? "" : numberField("count", count)}`;
    const bytes = numberField("bytes_in", bytesFromClient) + numberField("bytes_out", bytesFromTarget);
    return `${what}${numberField("at_ms", atMs)}${bytes}}`;
  });
  return `[${rows.join()}]`;
}
