/**
 * Sends spans to a collector over OTLP/HTTP in JSON (OpenTelemetry Protocol 1.x), in batches, one request at a time. A
 * collector that is slow or gone costs spans, which are counted, and nothing else: the queue is bounded, nobody waits.
 */
import type { Clock, Timer } from "../clock.ts";
import type { Limits } from "../limits.ts";
import { postJson, type Posted, type PostTarget } from "./post.ts";

/** What the exporter tells the gateway. */
export interface ExporterReport {
  exported(spans: number): void;
  dropped(spans: number): void;
  /** A batch did not get through; called once until one does again. `detail` says why in a few words. */
  failed(detail: string): void;
  /** Batches get through again. */
  recovered(): void;
}

export type ExporterLimits = Pick<
  Limits,
  "spansQueuedMax" | "spanBatchMax" | "spanLingerMs" | "spanExportTimeoutMs" | "spanRetryMaxMs"
>;

/** The first wait after a failure; each further one doubles it. */
const RETRY_FIRST_MS = 1_000;

export class SpanExporter {
  /** Wait before a batch that failed is sent again; 0: none has. */
  retryMs = 0;
  readonly #target: PostTarget;
  readonly #clock: Clock;
  readonly #limits: ExporterLimits;
  readonly #report: ExporterReport;
  /** JSON of the resource and the scope, up to the spans; and what closes it. */
  readonly #before: string;
  /** Spans as JSON, oldest first. */
  #queue: string[] = [];
  #timer: Timer | null = null;
  #flight: Promise<void> | null = null;
  #isFailing = false;
  #isClosing = false;

  /** `resource`: the members of its JSON object, which name the service. */
  constructor(target: PostTarget, resource: string, clock: Clock, limits: ExporterLimits, report: ExporterReport) {
    this.#target = target;
    this.#clock = clock;
    this.#limits = limits;
    this.#report = report;
    this.#before = `{"resourceSpans":[{"resource":{${resource}},"scopeSpans":[{"scope":{"name":"apigw"},"spans":[`;
  }

  /** Takes the spans of one exchange, as JSON objects; drops those for which there is no room. */
  add(spans: readonly string[]): void {
    const room = Math.max(this.#limits.spansQueuedMax - this.#queue.length, 0);
    const taken = Math.min(spans.length, room);
    for (let at = 0; at < taken; at++) this.#queue.push(spans[at] ?? "");
    if (taken < spans.length) this.#report.dropped(spans.length - taken);
    if (this.#flight !== null || this.#queue.length === 0) return;
    // After a failure nothing but the timer may try again.
    if (this.#queue.length >= this.#limits.spanBatchMax && this.retryMs === 0) return this.#send();
    this.#timer ??= this.#clock.setTimer(this.#onTimer, this.#limits.spanLingerMs);
  }

  /** Sends what is left, for as long as one request may take; what does not get through is counted as dropped. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#stopTimer();
    const untilMs = this.#clock.monotonicMs() + this.#limits.spanExportTimeoutMs;
    while (this.#flight !== null || (this.#queue.length > 0 && this.retryMs === 0)) {
      if (this.#flight === null && this.#clock.monotonicMs() >= untilMs) break;
      if (this.#flight === null) this.#send();
      await this.#flight;
    }
    if (this.#queue.length > 0) this.#report.dropped(this.#queue.length);
    this.#queue = [];
    this.#target.agent.destroy();
  }

  readonly #onTimer = (): void => {
    this.#timer = null;
    if (this.#flight === null && this.#queue.length > 0) this.#send();
  };

  #send(): void {
    this.#stopTimer();
    const batch = this.#queue.slice(0, this.#limits.spanBatchMax);
    const body = `${this.#before}${batch.join(",")}]}]}]}`;
    this.#flight = postJson(this.#target, body, this.#clock, this.#limits.spanExportTimeoutMs).then((posted) => {
      this.#flight = null;
      this.#posted(batch.length, posted);
    });
  }

  #posted(spans: number, posted: Posted): void {
    if (posted.outcome === "retry") {
      this.#failed(posted.detail);
      const delayMs = Math.max(posted.afterMs ?? 0, this.retryMs === 0 ? RETRY_FIRST_MS : this.retryMs * 2);
      this.retryMs = Math.min(delayMs, this.#limits.spanRetryMaxMs);
    } else {
      this.#queue.splice(0, spans);
      this.retryMs = 0;
      this.#taken(spans, posted);
    }
    if (this.#isClosing || this.#queue.length === 0) return;
    if (this.retryMs === 0 && this.#queue.length >= this.#limits.spanBatchMax) return this.#send();
    this.#timer ??= this.#clock.setTimer(this.#onTimer, this.retryMs === 0 ? this.#limits.spanLingerMs : this.retryMs);
  }

  #taken(spans: number, posted: Exclude<Posted, { outcome: "retry" }>): void {
    // What a collector refuses it will not take at any time; other spans it may.
    const dropped = posted.outcome === "refused" ? spans : Math.min(posted.rejected, spans);
    if (dropped > 0) this.#report.dropped(dropped);
    if (posted.outcome === "refused") return this.#failed(posted.detail);
    this.#report.exported(spans - dropped);
    if (this.#isFailing) this.#report.recovered();
    this.#isFailing = false;
  }

  #failed(detail: string): void {
    if (!this.#isFailing) this.#report.failed(detail);
    this.#isFailing = true;
  }

  #stopTimer(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }
}
