/**
 * Makes rows of analytics from what is known at the end of an exchange or of a session. It decides what counts as whose
 * error; it keeps nothing.
 */
import type { Clock } from "../clock.ts";
import type { Exchange, Value } from "../context.ts";
import type { Entered } from "../exchange/entry.ts";
import type { Fault, FaultCode } from "../fault.ts";
import { closeReasons } from "../upgrade/close-reason.ts";
import type { AnalyticsRow, Captured } from "./analytics-row.ts";
import type { Asked } from "./place.ts";
import type { SessionRecord } from "./record.ts";

/** When the target was asked and when it answered, on the monotonic clock, and with what; 0: not. */
export interface TargetMark {
  sentMs: number;
  answeredMs: number;
  status: number;
}

/** What a session's row says of its handshake. */
export interface HandshakeMark {
  readonly basePath: string;
  readonly path: string;
  readonly userAgent: string | null;
  /** Whole microseconds, which take no memory of their own. */
  readonly requestUs: number;
  readonly targetUs: number;
  readonly responseUs: number;
  /** What DataCapture policies captured. */
  captured: Captured;
  /** Its note among the open sessions of the file; 0: it has none. */
  note: number;
}

/** An exchange at its end; also an upgrade that was refused. */
export interface EndedExchange {
  readonly asked: Asked;
  readonly entered: Entered | null;
  readonly x: Exchange | null;
  readonly isUpgrade: boolean;
  readonly status: number;
  readonly cause: Fault | null;
  /** Monotonic. */
  readonly startedMs: number;
  readonly durationMs: number;
  readonly target: TargetMark;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Label of the reason where a session came to nothing after its target's 101. */
  readonly closeReason: string | null;
}

/** Characters of a path and of a User-Agent that are kept. */
const TEXT_CHARS_MAX = 256;

const verbs: ReadonlySet<string> = /* @__PURE__ */ new Set([
  "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS",
]);

/** Faults that are the target's doing. */
const targetFaults: ReadonlySet<FaultCode> = /* @__PURE__ */ new Set<FaultCode>([
  "messaging.adaptors.http.flow.ServiceUnavailable",
  "messaging.adaptors.http.flow.NoActiveTargets",
  "messaging.adaptors.http.flow.GatewayTimeout",
  "messaging.adaptors.http.flow.UnexpectedEOFAtTarget",
  "messaging.adaptors.http.flow.DecompressionFailureAtResponse",
  "messaging.adaptors.http.flow.SslHandshakeFailed",
  "messaging.adaptors.http.flow.BadUpgradeResponse",
  "protocol.http.Response405WithoutAllowHeader",
]);

/** The row of an exchange. */
export function exchangeRow(clock: Clock, ended: EndedExchange): AnalyticsRow {
  const { asked, bytesIn, bytesOut, cause, closeReason, durationMs, entered, isUpgrade, status, target, x } = ended;
  const program = entered?.deployed.program;
  const endMs = Math.round(clock.wallMs());
  const isTargets = target.status >= 500 || (cause !== null && targetFaults.has(cause.code));
  return {
    message_type: isUpgrade ? "websocket" : "http",
    gateway_flow_id: x?.id ?? clock.randomId(),
    environment: program?.environment,
    apiproxy: program?.proxy,
    proxy_endpoint: program?.endpoint,
    proxy_basepath: program?.basePath,
    target: x?.target?.name,
    request_verb: verbs.has(asked.method) ? asked.method : "other",
    request_path: entered === null ? undefined : clipped(x?.inboundPath ?? entered.request.path),
    response_status_code: status,
    target_response_code: target.status === 0 ? undefined : target.status,
    ax_edge_execution_fault_code: cause?.code,
    ax_execution_fault_policy_name: cause?.policy ?? undefined,
    close_reason: closeReason ?? undefined,
    developer: x?.access?.developer.id,
    developer_app: x?.access?.app.name,
    api_product: x?.access?.product.name,
    client_ip: entered?.clientAddress ?? asked.address,
    useragent: asked.userAgent === null ? undefined : clipped(asked.userAgent),
    client_received_start_timestamp: endMs - Math.round(durationMs),
    client_sent_end_timestamp: endMs,
    is_error: status >= 400 ? 1 : 0,
    policy_error: cause === null || cause.policy === null ? 0 : 1,
    target_error: isTargets ? 1 : 0,
    total_response_time: thousandths(durationMs),
    ...latencies(target, ended.startedMs, ended.startedMs + durationMs),
    request_size: bytesIn,
    response_size: bytesOut,
    captured: captured(x),
  };
}

/** What is kept of a handshake until its session ends. */
export function handshakeMark(
  { userAgent }: Asked,
  x: Exchange,
  { answeredMs, sentMs }: TargetMark,
  startedMs: number,
  shared: (text: string) => string,
): HandshakeMark {
  return {
    basePath: x.program.basePath,
    path: copied(clipped(x.inboundPath)),
    userAgent: userAgent === null ? null : shared(clipped(userAgent)),
    requestUs: Math.round((sentMs - startedMs) * 1_000),
    targetUs: Math.round((answeredMs - sentMs) * 1_000),
    responseUs: Math.round((x.gateway.clock.monotonicMs() - answeredMs) * 1_000),
    captured: captured(x),
    note: 0,
  };
}

/** The row of a session that was open. */
export function sessionRow(record: SessionRecord, mark: HandshakeMark): AnalyticsRow {
  const reason = closeReasons[record.reason];
  return {
    message_type: "websocket",
    gateway_flow_id: record.sessionId,
    environment: record.environment,
    apiproxy: record.proxy,
    proxy_endpoint: record.endpoint,
    proxy_basepath: mark.basePath,
    target: record.target ?? undefined,
    request_verb: "GET",
    request_path: mark.path,
    response_status_code: record.status,
    target_response_code: record.status,
    close_reason: reason.label,
    closed_by: record.closedBy,
    close_code: record.code,
    developer: record.developer ?? undefined,
    developer_app: record.app ?? undefined,
    api_product: record.product ?? undefined,
    client_ip: record.clientAddress,
    useragent: mark.userAgent ?? undefined,
    client_received_start_timestamp: Math.round(record.startedAtMs),
    client_sent_end_timestamp: Math.round(record.endedAtMs),
    is_error: reason.isError ? 1 : 0,
    policy_error: 0,
    target_error: record.reason === "targetLost" ? 1 : 0,
    total_response_time: (mark.requestUs + mark.targetUs + mark.responseUs) / 1_000,
    request_processing_latency: mark.requestUs / 1_000,
    target_response_time: mark.targetUs / 1_000,
    response_processing_latency: mark.responseUs / 1_000,
    request_size: 0,
    response_size: 0,
    session_duration: thousandths(record.durationMs),
    bytes_from_client: record.bytesFromClient,
    bytes_from_target: record.bytesFromTarget,
    frames_from_client: record.framesFromClient,
    frames_from_target: record.framesFromTarget,
    captured: mark.captured,
  };
}

function isKept(entry: readonly [string, Value]): entry is [string, string | number] {
  return typeof entry[1] === "string" || typeof entry[1] === "number";
}

/** What the policies of an exchange captured so far. */
export function captured(x: Exchange | null): Captured {
  if (x === null || x.captured === null) return undefined;
  return Object.fromEntries([...x.captured].filter(isKept));
}

/** The three parts of an exchange's time; those that there were. */
function latencies({ answeredMs, sentMs }: TargetMark, startedMs: number, endedMs: number): Partial<AnalyticsRow> {
  if (sentMs === 0) return {};
  const request_processing_latency = thousandths(sentMs - startedMs);
  if (answeredMs === 0) return { request_processing_latency };
  return {
    request_processing_latency,
    target_response_time: thousandths(answeredMs - sentMs),
    response_processing_latency: thousandths(endedMs - answeredMs),
  };
}

function thousandths(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

function clipped(text: string): string {
  return text.length > TEXT_CHARS_MAX ? text.slice(0, TEXT_CHARS_MAX) : text;
}

/** A text of its own: a part of a request's head would keep the whole of it for as long as it is held. */
export function copied(text: string): string {
  return Buffer.from(text, "utf8").toString("utf8");
}
