/**
 * What the lines of exchanges and sessions say, when gateway.yaml does not choose fields: every field that is safe to
 * show. It refuses to know credentials: queries, header values and tokens have no field here. Names are those of
 * OpenTelemetry, where it has one.
 */
import { closeReasons } from "../upgrade/close-reason.ts";
import { numberField, plainField, textField } from "./json-line.ts";
import { eventsField, renewalsField, spanIdField, timeField, traceIdField } from "./log-field.ts";
import type { SpanId } from "../otlp/span.ts";
import type { SessionRecord } from "./record.ts";

/** What lines say behind time, level and event: a part of a JSON object, `,"name":value` and so on. */
export interface LogLines {
  readonly exchange: (line: ExchangeLine) => string;
  readonly upgraded: (line: UpgradedLine) => string;
  readonly session: (record: SessionRecord) => string;
}

/** Where an exchange came from and where it went; shared by its lines. */
export interface ExchangePlace {
  /** Its place in a distributed trace; null or absent where the gateway takes no part in any. */
  readonly span?: SpanId | null;
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
  /** Of the connection's other end. */
  readonly peerAddress: string;
  /** As it came, without the question mark: shown by name of parameters only. */
  readonly query: string | null;
  /** Header lines of the request as it came and of the answer, name and value alternating: shown by name only. */
  readonly requestLines: readonly string[];
  readonly responseLines: readonly string[];
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

/** Every field. */
export const everyField: LogLines = { exchange, upgraded, session };

function exchange(line: ExchangeLine): string {
  return (
    place(line) + `,"http.response.status_code":${line.status}` +
    plainField("error.type", line.fault) + plainField("apigw.policy", line.policy) +
    numberField("apigw.duration_ms", line.durationMs) +
    `,"apigw.bytes_in":${line.bytesIn},"apigw.bytes_out":${line.bytesOut}`
  );
}

function upgraded(line: UpgradedLine): string {
  return (
    `${place(line)},"apigw.session_id":"${line.id}","http.response.status_code":101` +
    textField("apigw.ws.subprotocol", line.subprotocol) + numberField("apigw.handshake_ms", line.handshakeMs)
  );
}

function place(exchange: ExchangePlace): string {
  return (
    `,"apigw.id":"${exchange.id}","http.request.method":"${exchange.method}"` +
    textField("http.route", exchange.route) + `,"url.scheme":"${exchange.scheme}"` +
    textField("url.path", exchange.path) + textField("server.address", exchange.host) +
    `,"client.address":"${exchange.clientAddress}","network.protocol.version":"${exchange.version}"` +
    textField("user_agent.original", exchange.userAgent) + plainField("apigw.env", exchange.environment) +
    plainField("apigw.proxy", exchange.proxy) + plainField("apigw.endpoint", exchange.endpoint) +
    plainField("apigw.target", exchange.target) + textField("apigw.app", exchange.app) +
    textField("apigw.developer", exchange.developer) +
    traceIdField("trace_id", exchange) + spanIdField("span_id", exchange)
  );
}

function session(record: SessionRecord): string {
  const { label, isError } = closeReasons[record.reason];
  return (
    `,"apigw.session_id":"${record.sessionId}","http.response.status_code":101` +
    `,"client.address":"${record.clientAddress}","apigw.env":"${record.environment}"` +
    `,"apigw.proxy":"${record.proxy}","apigw.endpoint":"${record.endpoint}"` +
    plainField("apigw.target", record.target) + textField("apigw.app", record.app) +
    textField("apigw.developer", record.developer) + textField("apigw.product", record.product) +
    plainField("apigw.key_fingerprint", record.keyFingerprint) +
    timeField("apigw.started", record.startedAtMs) + timeField("apigw.ended", record.endedAtMs) +
    numberField("apigw.handshake_ms", record.handshakeMs) + numberField("apigw.duration_ms", record.durationMs) +
    `,"apigw.ws.closed_by":"${record.closedBy}","apigw.ws.close_reason":"${label}"` +
    `,"apigw.ws.close_code":${record.code}` + textField("apigw.ws.close_text", record.text) +
    `,"apigw.ws.forced":${record.forced}` + plainField("apigw.ws.timer", record.timer) +
    (isError ? `,"error.type":"${label}"` : "") +
    `,"apigw.bytes_in":${record.bytesFromClient},"apigw.bytes_out":${record.bytesFromTarget}` +
    `,"apigw.frames_in":${record.framesFromClient},"apigw.frames_out":${record.framesFromTarget}` +
    renewalsField("apigw.ws.renewals", record) + eventsField("apigw.ws.events", record) +
    traceIdField("trace_id", record) + spanIdField("span_id", record)
  );
}
