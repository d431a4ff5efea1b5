/**
 * Fields of chosen log lines that need more than a value: query parameters and headers by name, labels of the
 * close-reason table, times. Compiled line writers call them.
 */
import { keepQueryParams } from "../message/query.ts";
import { closeReasons } from "../upgrade/close-reason.ts";
import { isoTime } from "./iso-time.ts";
import { numberField, plainField, quoted, textField } from "./json-line.ts";
import type { SpanId } from "../otlp/span.ts";
import type { SessionRecord } from "./record.ts";

/** What lines about exchanges and sessions have in common. */
interface Traced {
  readonly span?: SpanId | null;
}

/** `url.query` with the named parameters alone, as they were sent; nothing where none of them was. */
export function queryField(query: string | null, names: ReadonlySet<string>): string {
  return textField("url.query", keepQueryParams(query, names));
}

/** `http.request.header.<name>`: the values of a header, in a list. `field` names it; `name` is lower-case. */
export function headerField(field: string, lines: readonly string[], name: string): string {
  let values = "";
  for (let at = 0; at < lines.length; at += 2) {
    if (lines[at]?.toLowerCase() === name) values += `${values === "" ? "" : ","}${quoted(lines[at + 1] ?? "")}`;
  }
  return values === "" ? "" : `,"${field}":[${values}]`;
}

/** Label of the reason for which a session ended. */
export function closeReasonField(name: string, { reason }: SessionRecord): string {
  return plainField(name, closeReasons[reason].label);
}

/** The same where it is an error; else nothing. */
export function closeErrorField(name: string, { reason }: SessionRecord): string {
  return closeReasons[reason].isError ? plainField(name, closeReasons[reason].label) : "";
}

/** A wall-clock time as ISO 8601. */
export function timeField(name: string, wallMs: number): string {
  return `,"${name}":"${isoTime(wallMs)}"`;
}

/** `trace_id`: the trace that an exchange belongs to, or the handshake of a session; nothing without one. */
export function traceIdField(name: string, { span }: Traced): string {
  return plainField(name, span?.traceId ?? null);
}

/** `span_id`: the gateway's own span of it. */
export function spanIdField(name: string, { span }: Traced): string {
  return plainField(name, span?.spanId ?? null);
}

/** How often a session's credential was renewed; nothing where it was not. */
export function renewalsField(name: string, { renewals }: SessionRecord): string {
  return renewals > 0 ? numberField(name, renewals) : "";
}

/** What happened last in a session that ended badly, as a list; names and values are the gateway's own. */
export function eventsField(name: string, { events }: SessionRecord): string {
  if (events === undefined) return "";
  let rows = "";
  for (const { event, reason, count, atMs, bytesFromClient, bytesFromTarget } of events) {
    const what = `${rows === "" ? "" : ","}{"event":"${event}"${plainField("reason", reason)}`;
    const times = `${count === 1 ? "" : `,"count":${count}`}${numberField("at_ms", atMs)}`;
    rows += `${what}${times},"bytes_in":${bytesFromClient},"bytes_out":${bytesFromTarget}}`;
  }
  return `,"${name}":[${rows}]`;
}
