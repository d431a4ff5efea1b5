/**
 * Sends syslog messages to one receiver, in the order in which they came, and never lets anybody wait: they stand in a
 * bounded queue while there is no connection or it takes no more, and what does not fit is dropped and counted. It
 * knows no protocol (udp.ts, tcp.ts and tls.ts do) and no form of messages.
 */
import type { Clock, Timer } from "../clock.ts";
import type { Limits } from "../limits.ts";

/** A way to the receiver. */
export interface SyslogLink {
  /** Sends one message. False: no more before `drained`. */
  write(message: Buffer): boolean;
  /** Ends in order behind what was written; `lost` follows. */
  end(): void;
  /** Ends at once. */
  destroy(): void;
}

/** Hears of a link; calls come from its own events, none behind `lost`. */
export interface LinkOwner {
  ready(): void;
  drained(): void;
  lost(detail: string): void;
}

/** Opens a link. What fails is told by `lost`, later, or thrown at once. */
export type OpenLink = (owner: LinkOwner) => SyslogLink;

/** A receiver of messages. */
export interface SyslogReceiver {
  /** Its protocol, host and port, for people; equal receivers share a connection. */
  readonly name: string;
  readonly open: OpenLink;
}

export interface SenderReport {
  sent(): void;
  dropped(messages: number): void;
  /** Messages do not get through; told once until they do again. */
  failed(detail: string): void;
  recovered(): void;
}

export type SenderLimits = Pick<
  Limits,
  "syslogQueueBytesMax" | "syslogRetryMinMs" | "syslogRetryMaxMs" | "syslogConnectTimeoutMs"
>;

export class SyslogSender {
  readonly #open: OpenLink;
  readonly #clock: Clock;
  readonly #limits: SenderLimits;
  readonly #report: SenderReport;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #link: SyslogLink | null = null;
  /** The link takes messages. */
  #isReady = false;
  /** The link stood once. */
  #wasReady = false;
  #isFailing = false;
  #retryMs = 0;
  /** Runs until the next try, or until a try has taken too long. */
  #timer: Timer | null = null;
  #closed: (() => void) | null = null;

  constructor(open: OpenLink, clock: Clock, limits: SenderLimits, report: SenderReport) {
    this.#open = open;
    this.#clock = clock;
    this.#limits = limits;
    this.#report = report;
  }

  /** Sends a message as soon as that is possible, or drops it. */
  send(message: Buffer): void {
    if (this.#closed !== null || this.#queuedBytes + message.length > this.#limits.syslogQueueBytesMax) {
      return this.#report.dropped(1);
    }
    this.#queue.push(message);
    this.#queuedBytes += message.length;
    if (this.#isReady) this.#flush();
    else if (this.#link === null && this.#timer === null) this.#connect();
  }

  /** Sends what is left, where there is a connection or one can be had in time; the rest is dropped. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      const untilTimer = this.#clock.setTimer(() => this.#closed?.(), this.#limits.syslogConnectTimeoutMs);
      this.#closed = () => {
        this.#clock.clearTimer(untilTimer);
        this.#closed = () => undefined;
        this.#stopTimer();
        this.#link?.destroy();
        this.#link = null;
        this.#isReady = false;
        if (this.#queue.length > 0) this.#report.dropped(this.#queue.length);
        this.#queue = [];
        resolve();
      };
      if (this.#link === null && (this.#queue.length === 0 || this.#retryMs > 0)) this.#closed();
      else if (this.#queue.length === 0) this.#link?.end();
    });
  }

  #connect(): void {
    this.#wasReady = false;
    let isCurrent = true;
    this.#timer = this.#clock.setTimer(() => this.#link?.destroy(), this.#limits.syslogConnectTimeoutMs);
    const lost = (detail: string): void => {
      if (!isCurrent) return;
      isCurrent = false;
      this.#lost(detail);
    };
    const ready = (): void => {
      if (isCurrent) this.#ready();
    };
    try {
      this.#link = this.#open({ ready, drained: () => this.#wasReady && ready(), lost });
    } catch (thrown) {
      lost(thrown instanceof Error ? thrown.name : "no connection");
    }
  }

  #ready(): void {
    this.#stopTimer();
    this.#isReady = true;
    this.#wasReady = true;
    this.#flush();
  }

  #flush(): void {
    let taken = 0;
    while (this.#isReady && taken < this.#queue.length) {
      const message = this.#queue[taken];
      if (message === undefined) break;
      taken++;
      this.#queuedBytes -= message.length;
      if (this.#link?.write(message) === false) this.#isReady = false;
      this.#report.sent();
    }
    this.#queue.splice(0, taken);
    if (taken > 0 && this.#isFailing) this.#report.recovered();
    if (taken > 0) {
      this.#isFailing = false;
      this.#retryMs = 0;
    }
    if (this.#closed !== null && this.#queue.length === 0) this.#link?.end();
  }

  #lost(detail: string): void {
    this.#stopTimer();
    this.#link = null;
    this.#isReady = false;
    if (this.#closed !== null) return this.#closed();
    // A receiver may end a connection that nothing is said on; the next message opens another.
    const isOrdinary = this.#wasReady && this.#queue.length === 0;
    if (isOrdinary) return;
    if (!this.#isFailing) this.#report.failed(detail);
    this.#isFailing = true;
    const { syslogRetryMinMs, syslogRetryMaxMs } = this.#limits;
    this.#retryMs = Math.min(Math.max(2 * this.#retryMs, syslogRetryMinMs), syslogRetryMaxMs);
    this.#timer = this.#clock.setTimer(() => {
      this.#timer = null;
      if (this.#queue.length > 0) this.#connect();
    }, this.#retryMs);
  }

  #stopTimer(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }
}
