/**
 * One span as OTLP's JSON has it: ids in hexadecimal, times in nanoseconds as text (OpenTelemetry Protocol 1.x,
 * "JSON Protobuf Encoding"). It owns the form, not what a span says.
 */
import { quoted } from "../observe/json-line.ts";

/** SpanKind of the protocol. */
export const SPAN_INTERNAL = 1;
export const SPAN_SERVER = 2;
export const SPAN_CLIENT = 3;

/** Which span of which trace. */
export interface SpanId {
  readonly traceId: string;
  readonly spanId: string;
}

export interface Span extends SpanId {
  /** Null: the first of its trace. */
  readonly parentId: string | null;
  readonly kind: typeof SPAN_INTERNAL | typeof SPAN_SERVER | typeof SPAN_CLIENT;
  readonly name: string;
  /** Wall clock, milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  /** True: the operation failed (status code 2). */
  readonly isError: boolean;
  /** A span of another trace that this one has to do with. */
  readonly link: SpanId | null;
}

/** Names are the program's own; what is null is left out. */
export type Attributes = Readonly<Record<string, string | number | boolean | null>>;

/** The JSON object of a span. */
export function spanJson(span: Span): string {
  const { traceId, spanId, parentId, link } = span;
  return (
    `{"traceId":"${traceId}","spanId":"${spanId}"` + (parentId === null ? "" : `,"parentSpanId":"${parentId}"`) +
    `,"name":${quoted(span.name)},"kind":${span.kind}` +
    `,"startTimeUnixNano":"${nanoseconds(span.startMs)}","endTimeUnixNano":"${nanoseconds(span.endMs)}"` +
    `,"attributes":[${attributesJson(span.attributes)}]` +
    (link === null ? "" : `,"links":[{"traceId":"${link.traceId}","spanId":"${link.spanId}"}]`) +
    (span.isError ? `,"status":{"code":2}}` : "}")
  );
}

/** The members of an attribute list. */
export function attributesJson(attributes: Attributes): string {
  let json = "";
  for (const name in attributes) {
    const value = attributes[name] ?? null;
    if (value === null) continue;
    json += `${json === "" ? "" : ","}{"key":"${name}","value":${valueJson(value)}}`;
  }
  return json;
}

function valueJson(value: string | number | boolean): string {
  if (typeof value === "string") return `{"stringValue":${quoted(value)}}`;
  if (typeof value === "boolean") return `{"boolValue":${value}}`;
  return Number.isSafeInteger(value) ? `{"intValue":"${value}"}` : `{"doubleValue":${value}}`;
}

/** Milliseconds as whole nanoseconds; six digits are more than any clock here knows. */
function nanoseconds(ms: number): string {
  const whole = Math.floor(ms);
  const rest = Math.min(Math.floor((ms - whole) * 1_000_000), 999_999);
  return `${whole}${String(rest).padStart(6, "0")}`;
}
