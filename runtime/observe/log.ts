/**
 * JSON lines on one output: events, one line for each HTTP exchange, one at each 101, one at each session's end. It
 * owns batching and the bounded backlog: an output that stalls costs lines, which are counted, and never blocks the
 * gateway. What the lines of exchanges and sessions say is log-lines.ts, or what a bundle compiles in its place.
 */
import type { Clock, Timer } from "../clock.ts";
import type { Limits } from "../limits.ts";
import { isoTime } from "./iso-time.ts";
import { field, numberField, textField, type FieldValue } from "./json-line.ts";
import type { ExchangeLine, LogLines, UpgradedLine } from "./log-lines.ts";
import type { SessionRecord } from "./record.ts";

/** How much an event matters; `off` writes none. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "off";

/** What the log needs of an output stream; process.stdout has it. */
export interface LogOutput {
  write(bytes: Buffer): boolean;
  /** Bytes accepted and not yet taken by the other end. */
  readonly writableLength: number;
  on(event: "error", listener: () => void): unknown;
}

export interface LogOptions {
  readonly output: LogOutput;
  readonly clock: Clock;
  readonly limits: Pick<Limits, "logBacklogBytesMax">;
  readonly level: LogLevel;
  /** What is said of exchanges and sessions; null: there are no lines for them. */
  readonly lines: LogLines | null;
}

/**
 * A batch is written when it has no room for a line, or after LINGER_MS. A line becomes bytes at once: kept as text,
 * some hundred pieces of it would outlive the next collection of garbage.
 */
const BATCH_BYTES = 16 * 1024;
/** Most bytes of a UTF-16 unit in UTF-8. */
const UNIT_BYTES_MAX = 3;
const LINGER_MS = 10;
const ranks = { debug: 0, info: 1, warn: 2, error: 3, off: 4 } as const;

export class Log {
  readonly level: LogLevel;
  /** Whether exchanges and sessions have lines. */
  readonly access: boolean;
  /** Lines lost because the output did not take them, since the start. */
  droppedLines = 0;
  readonly #output: LogOutput;
  readonly #clock: Clock;
  readonly #lines: LogLines | null;
  readonly #backlogBytesMax: number;
  readonly #batch: Buffer;
  #batched = 0;
  #timer: Timer | null = null;
  #droppedReported = 0;
  #stampedMs = Number.NaN;
  #stamp = "";

  constructor(options: LogOptions) {
    this.level = options.level;
    this.access = options.lines !== null;
    this.#lines = options.lines;
    this.#output = options.output;
    this.#clock = options.clock;
    this.#backlogBytesMax = options.limits.logBacklogBytesMax;
    this.#batch = Buffer.allocUnsafeSlow(BATCH_BYTES);
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
    if (this.#lines !== null) this.#add(`${this.#start("info", "http")}${this.#lines.exchange(exchange)}}\n`);
  }

  /** The line of one upgrade, at its 101: live connections must not be invisible until they end. */
  upgraded(upgrade: UpgradedLine): void {
    if (this.#lines !== null) this.#add(`${this.#start("info", "upgrade")}${this.#lines.upgraded(upgrade)}}\n`);
  }

  /** The line of one session, at its end. */
  session(record: SessionRecord): void {
    if (this.#lines !== null) this.#add(`${this.#start("info", "session")}${this.#lines.session(record)}}\n`);
  }

  /** Hands what is batched to the output. Call it last when the process ends. */
  flush(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    if (this.#batched === 0) return;
    // A copy: the output may keep it until its other end reads.
    const bytes = Buffer.from(this.#batch.subarray(0, this.#batched));
    this.#batched = 0;
    this.#output.write(bytes);
  }

  #add(line: string): void {
    // A unit is at least a byte; lines are nearly all ASCII, so this is close and cheap.
    if (this.#output.writableLength + this.#batched + line.length > this.#backlogBytesMax) {
      this.droppedLines++;
      return;
    }
    if (this.droppedLines !== this.#droppedReported) this.#reportDropped();
    this.#append(line);
    this.#timer ??= this.#clock.setTimer(() => this.flush(), LINGER_MS);
  }

  #append(line: string): void {
    const bytesMax = line.length * UNIT_BYTES_MAX;
    if (this.#batched + bytesMax > BATCH_BYTES) this.flush();
    if (bytesMax > BATCH_BYTES) this.#output.write(Buffer.from(line));
    else this.#batched += this.#batch.write(line, this.#batched);
  }

  #reportDropped(): void {
    const lines = this.droppedLines - this.#droppedReported;
    this.#droppedReported = this.droppedLines;
    this.#append(`${this.#start("warn", "log lines dropped")}${numberField("lines", lines)}}\n`);
  }

  #start(level: LogLevel, name: string): string {
    const nowMs = Math.floor(this.#clock.wallMs());
    if (nowMs !== this.#stampedMs) {
      this.#stampedMs = nowMs;
      this.#stamp = isoTime(nowMs);
    }
    return `{"time":"${this.#stamp}","level":"${level}","event":"${name}"`;
  }
}
