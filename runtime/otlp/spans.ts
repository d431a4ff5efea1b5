/**
 * Spans of exchanges and sessions for a collector (OpenTelemetry): a server span for each exchange with its steps and
 * its target below, ending at the 101 of an upgrade, and a span of its own, linked to that, when the session ends. A
 * span that stayed open for the life of a session would be exported hours late or never.
 */
import type { Clock } from "../clock.ts";
import type { Exchange } from "../context.ts";
import type { Limits } from "../limits.ts";
import type { SessionRecord } from "../observe/record.ts";
import type { Trace } from "../observe/trace.ts";
import type { TraceSink } from "../observe/tracing.ts";
import { ExchangeSpan } from "./exchange-span.ts";
import { SpanExporter, type ExporterLimits, type ExporterReport } from "./exporter.ts";
import { postTarget } from "./post.ts";
import { attributesJson, type SpanId } from "./span.ts";
import { closeSpan, exchangeSpans } from "./span-shapes.ts";

/** As compiled; settings are filled in when the gateway starts. */
export interface SpansSettings {
  /** URL of the collector's endpoint for traces, path included. */
  readonly endpoint: string;
  /** Headers of every request to it; values may be credentials. */
  readonly headers: Readonly<Record<string, string>>;
  /** `service.name`. */
  readonly serviceName: string;
  /** Whether a request that its sender records is recorded here too. */
  readonly followsParent: boolean;
}

/** What it tells the gateway, and which process it is. */
export interface SpansHost extends ExporterReport {
  readonly clock: Clock;
  readonly limits: ExporterLimits & Pick<Limits, "spansPerExchangeMax">;
  /** `service.instance.id`. */
  readonly instanceId: string;
}

/** Not sampled unless a proxy says so. */
const NONE = { share: 0, when: null };

export class Spans implements TraceSink {
  readonly #clock: Clock;
  readonly #spansPerExchangeMax: number;
  readonly #exporter: SpanExporter;
  readonly #report: ExporterReport;
  readonly #followsParent: boolean;
  /** Spans of the handshakes of recorded sessions that are open, by session id. */
  readonly #sessions = new Map<string, SpanId>();

  /** Throws where the endpoint is no URL of http or https. */
  constructor({ endpoint, headers, serviceName, followsParent }: SpansSettings, host: SpansHost) {
    const { clock, limits, instanceId } = host;
    this.#clock = clock;
    this.#spansPerExchangeMax = limits.spansPerExchangeMax;
    this.#followsParent = followsParent;
    this.#report = host;
    const resource = attributesJson({ "service.name": serviceName, "service.instance.id": instanceId });
    const target = postTarget(endpoint, headers);
    this.#exporter = new SpanExporter(target, `"attributes":[${resource}]`, clock, limits, host);
  }

  /** The place of an exchange that begins. */
  begin(x: Exchange): ExchangeSpan {
    return new ExchangeSpan(this.#clock, x, x.program.sampling ?? NONE, this.#followsParent);
  }

  /** See TraceSink: whoever begins an exchange asks its span instead. */
  wants(): boolean {
    return false;
  }

  /** See TraceSink. */
  ended(trace: Trace, x: Exchange, status: number, durationMs: number): void {
    const { span } = x;
    if (span === null) return;
    const spans = exchangeSpans({ trace, x, span, status, durationMs, endMs: this.#clock.wallMs() }, this.#clock);
    // The exchange's own span is the first, its steps come last.
    const kept = spans.slice(0, this.#spansPerExchangeMax);
    const dropped = spans.length - kept.length + trace.dropped;
    if (dropped > 0) this.#report.dropped(dropped);
    this.#exporter.add(kept);
    if (status === 101 && x.session !== null && x.caller === null) this.#sessions.set(x.session.id, span);
  }

  /** See TraceSink. */
  closed(record: SessionRecord): void {
    const handshake = this.#sessions.get(record.sessionId);
    if (handshake === undefined) return;
    this.#sessions.delete(record.sessionId);
    this.#exporter.add([closeSpan(record, handshake, this.#clock)]);
  }

  /** Sends what is left; see SpanExporter. */
  close(): Promise<void> {
    return this.#exporter.close();
  }
}

/** For programs with `observability.traces`. */
export function openSpans(settings: SpansSettings, host: SpansHost): Spans {
  return new Spans(settings, host);
}
