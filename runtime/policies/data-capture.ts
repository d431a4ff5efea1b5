/**
 * DataCapture: values of variables that go into the analytics row of an exchange (apigee-policies section 3.6). It
 * bounds and converts them; rows are written by observe/analytics.ts.
 */
import type { Exchange, Value } from "../context.ts";
import { dataCaptureFaults } from "../fault/data-capture.ts";
import { faultIn } from "../fault.ts";

/** Type of a data collector. */
export type CollectorType = "STRING" | "INTEGER" | "FLOAT" | "BOOLEAN" | "DATETIME";

/** The text with a value in it. */
export interface CapturePattern {
  /** What stands in front of the value and behind it; in lower case where that does not count. */
  readonly prefix: string;
  readonly suffix: string;
  readonly ignoreCase: boolean;
  /** The value is a segment of a path: no slash in it. */
  readonly isPath: boolean;
}

export interface DataCaptureConfig {
  readonly policy: string;
  readonly ignoresUnresolved: boolean;
  readonly throwsOnLimit: boolean;
  readonly captures: readonly {
    readonly collector: string;
    readonly type: CollectorType;
    readonly otherwise: string | null;
    /** Empty: the whole text is the value. */
    readonly patterns: readonly CapturePattern[];
  }[];
}

/** Apigee's bounds: variables of one message, bytes of one value. */
const VALUES_MAX = 100;
const VALUE_BYTES_MAX = 400;

/** What is wrong with a value. */
type Problem = keyof typeof dataCaptureFaults;

const FLOAT = /^[+-]?(?:\d{1,300}\.?\d{0,300}|\.\d{1,300})(?:[eE][+-]?\d{1,3})?$/;

/** Captures what it can; then the first problem, if there was one, is the fault. */
export function captureData(x: Exchange, config: DataCaptureConfig, texts: readonly (string | null)[]): void {
  let problem: Problem | null = null;
  for (const [at, { collector, otherwise, patterns, type }] of config.captures.entries()) {
    const text = matched(texts[at] ?? null, patterns) ?? otherwise;
    if (text === null) {
      if (!config.ignoresUnresolved) problem ??= "steps.datacapture.UnresolvedVariable";
      continue;
    }
    const value = converted(text, type);
    if (value === null) problem ??= "steps.datacapture.DataCollectorTypeMismatch";
    else problem = keep(x, collector, value, config.throwsOnLimit) ?? problem;
  }
  if (problem !== null) throw faultIn(dataCaptureFaults, problem, config.policy, config.policy);
}

/** The exchange that the client began, whose row it is: proxies that call each other share one. */
function asked(x: Exchange): Exchange {
  return x.caller === null ? x : asked(x.caller);
}

/** Keeps a value, cut to its bound; why it is not kept as it is, where that is to be a fault. */
function keep(x: Exchange, collector: string, value: Value, throwsOnLimit: boolean): Problem | null {
  const captured = (asked(x).captured ??= new Map());
  if (captured.size >= VALUES_MAX && !captured.has(collector)) {
    return throwsOnLimit ? "steps.datacapture.VariableCountLimitExceeded" : null;
  }
  if (typeof value !== "string" || Buffer.byteLength(value) <= VALUE_BYTES_MAX) {
    captured.set(collector, value);
    return null;
  }
  if (throwsOnLimit) return "steps.datacapture.VariableValueLimitExceeded";
  captured.set(collector, cut(value));
  return null;
}

/** The part of a text that the first fitting pattern takes; null when none fits. */
function matched(text: string | null, patterns: readonly CapturePattern[]): string | null {
  if (text === null || patterns.length === 0) return text;
  for (const { ignoreCase, isPath, prefix, suffix } of patterns) {
    const compared = ignoreCase ? text.toLowerCase() : text;
    // Some letters have a longer lower case: then positions would not be those of the text.
    if (compared.length !== text.length || text.length < prefix.length + suffix.length) continue;
    if (!compared.startsWith(prefix) || !compared.endsWith(suffix)) continue;
    const found = text.slice(prefix.length, text.length - suffix.length);
    if (!isPath || (found !== "" && !found.includes("/"))) return found;
  }
  return null;
}

/** The value in the collector's type; null when it is none. */
function converted(text: string, type: CollectorType): Value {
  switch (type) {
    case "STRING":
      return text;
    case "INTEGER":
      return /^[+-]?\d{1,15}$/.test(text) ? Number(text) : null;
    case "FLOAT":
      return FLOAT.test(text) ? finite(Number(text)) : null;
    case "BOOLEAN":
      return text === "true" || text === "false" ? text : null;
    case "DATETIME":
      return instant(text);
  }
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** A time as ISO 8601 in UTC: from that form, or from milliseconds since 1970. */
function instant(text: string): string | null {
  const isIso = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text);
  const ms = /^\d{1,15}$/.test(text) ? Number(text) : isIso ? Date.parse(text) : Number.NaN;
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : null;
}

/** As much of a text as its bound has room for, whole characters. */
function cut(text: string): string {
  const bytes = Buffer.from(text, "utf8");
  let end = VALUE_BYTES_MAX;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}
