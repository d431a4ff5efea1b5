/**
 * What the spans of an exchange and of a session say: names and attributes, after OpenTelemetry's semantic conventions
 * for HTTP where these have one, else the gateway's own. Queries, header values and credentials have no attribute.
 */
import type { Clock } from "../clock.ts";
import type { Exchange } from "../context.ts";
import type { SessionRecord } from "../observe/record.ts";
import type { Trace } from "../observe/trace.ts";
import { closeReasons } from "../upgrade/close-reason.ts";
import type { ExchangeSpan } from "./exchange-span.ts";
import { SPAN_CLIENT, SPAN_INTERNAL, SPAN_SERVER, spanJson, type Attributes, type SpanId } from "./span.ts";
import { newSpanId, newTraceId } from "./trace-context.ts";

/** An exchange that is over, or whose 101 has left. */
export interface EndedExchange {
  readonly trace: Trace;
  readonly x: Exchange;
  readonly span: ExchangeSpan;
  /** What the client got; 499 when it left before. */
  readonly status: number;
  readonly durationMs: number;
  /** Wall clock. */
  readonly endMs: number;
}

/** Methods that the conventions know; another one is `_OTHER`, so that clients cannot make names up. */
const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"];

/** Its own span first, then that of the target, then those of its steps. */
export function exchangeSpans(ended: EndedExchange, clock: Clock): string[] {
  return [ownSpan(ended), ...targetSpan(ended), ...stepSpans(ended, clock)];
}

function ownSpan({ trace, x, span, status, durationMs, endMs }: EndedExchange): string {
  const { program, session, fault } = x;
  const isCalled = x.caller !== null;
  const verb = knownMethod(trace.request.verb);
  const attributes: Attributes = {
    "http.request.method": verb,
    "http.request.method_original": verb === "_OTHER" ? trace.request.verb : null,
    "http.route": program.basePath,
    "http.response.status_code": status,
    "url.scheme": x.client.scheme,
    "url.path": trace.request.path,
    "server.address": x.host === "" ? null : x.host,
    "client.address": x.clientAddress,
    "network.protocol.version": trace.request.version,
    "error.type": fault?.code ?? (status >= 500 ? String(status) : null),
    "apigw.id": x.id,
    "apigw.env": program.environment,
    "apigw.proxy": program.proxy,
    "apigw.endpoint": program.endpoint,
    "apigw.route_rule": x.route,
    "apigw.target": x.target?.name ?? null,
    "apigw.app": x.access?.app.name ?? null,
    "apigw.developer": x.access?.developer.id ?? null,
    "apigw.policy": fault?.policy ?? null,
    "apigw.ws.session_id": session?.id ?? null,
  };
  return spanJson({
    traceId: span.traceId,
    spanId: span.spanId,
    parentId: span.parentId,
    kind: isCalled ? SPAN_INTERNAL : SPAN_SERVER,
    name: isCalled ? `proxy ${program.proxy}` : `${verb === "_OTHER" ? "HTTP" : verb} ${program.basePath}`,
    startMs: endMs - durationMs,
    endMs,
    attributes,
    isError: status >= 500,
    link: null,
  });
}

/** The request to the target, up to the head of its answer; none where no server was asked. The last try only. */
function targetSpan({ trace, x, span, durationMs, endMs }: EndedExchange): string[] {
  const { sent, sentAfterMs, answer } = trace;
  const { server } = x;
  if (sent === null || sentAfterMs === null || server === null) return [];
  const [verb = "", target = ""] = sent.slice(0, sent.indexOf("\r\n")).split(" ");
  const startMs = endMs - durationMs;
  const status = answer?.status ?? null;
  const method = knownMethod(verb);
  const isError = status === null || status >= 400;
  const attributes: Attributes = {
    "http.request.method": method,
    "http.request.resend_count": x.failedServers?.length ?? null,
    "http.response.status_code": status,
    "server.address": server.host,
    "server.port": server.port,
    "url.full": `${server.transport.scheme}://${server.host}:${server.port}${withoutQuery(target)}`,
    "error.type": isError ? (status === null ? (x.fault?.code ?? "no answer") : String(status)) : null,
    "apigw.target": x.target?.name ?? null,
    "apigw.server": server.name,
  };
  return [spanJson({
    traceId: span.traceId,
    spanId: span.targetSpanId,
    parentId: span.spanId,
    kind: SPAN_CLIENT,
    name: method === "_OTHER" ? "HTTP" : method,
    startMs: startMs + sentAfterMs,
    endMs: answer === null ? endMs : startMs + answer.afterMs,
    attributes,
    isError,
    link: null,
  })];
}

function stepSpans({ trace, x, span, durationMs, endMs }: EndedExchange, clock: Clock): string[] {
  const startMs = endMs - durationMs;
  return trace.steps.flatMap((step) => {
    const position = x.program.positions[step.step];
    if (position === undefined || (step.outcome !== "ran" && step.outcome !== "fault")) return [];
    const stepStartMs = startMs + step.startMs;
    const attributes: Attributes = {
      "apigw.policy": position.policy,
      "apigw.policy.kind": position.kind,
      "apigw.flow": position.flow,
      "code.file.path": position.file,
      "code.line.number": position.line,
      "error.type": step.fault?.code ?? null,
    };
    return [spanJson({
      traceId: span.traceId,
      spanId: newSpanId(clock),
      parentId: span.spanId,
      kind: SPAN_INTERNAL,
      name: position.policy,
      startMs: stepStartMs,
      endMs: stepStartMs + step.durationMs,
      attributes,
      isError: step.fault !== null,
      link: null,
    })];
  });
}

/** The end of a session, in a trace of its own that is linked to its handshake's: that one may be long gone. */
export function closeSpan(record: SessionRecord, handshake: SpanId, clock: Clock): string {
  const reason = closeReasons[record.reason];
  const attributes: Attributes = {
    "apigw.ws.session_id": record.sessionId,
    "apigw.env": record.environment,
    "apigw.proxy": record.proxy,
    "apigw.endpoint": record.endpoint,
    "apigw.target": record.target,
    "apigw.app": record.app,
    "apigw.developer": record.developer,
    "apigw.ws.closed_by": record.closedBy,
    "apigw.ws.close_reason": reason.label,
    "apigw.ws.close_code": record.code,
    "apigw.ws.close_text": record.text === "" ? null : record.text,
    "apigw.ws.timer": record.timer,
    "apigw.ws.forced": record.forced,
    "apigw.duration_ms": record.durationMs,
    "apigw.bytes_in": record.bytesFromClient,
    "apigw.bytes_out": record.bytesFromTarget,
    "apigw.frames_in": record.framesFromClient,
    "apigw.frames_out": record.framesFromTarget,
    "error.type": reason.isError ? reason.label : null,
  };
  return spanJson({
    traceId: newTraceId(clock),
    spanId: newSpanId(clock),
    parentId: null,
    kind: SPAN_INTERNAL,
    name: `close ${record.proxy}`,
    startMs: record.endedAtMs,
    endMs: record.endedAtMs,
    attributes,
    isError: reason.isError,
    link: handshake,
  });
}

function knownMethod(verb: string): string {
  return METHODS.includes(verb) ? verb : "_OTHER";
}

function withoutQuery(target: string): string {
  const mark = target.indexOf("?");
  return mark < 0 ? target : target.slice(0, mark);
}
