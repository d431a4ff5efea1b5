/**
 * One row of analytics: an HTTP exchange, or a WebSocket connection from its handshake to its end. It owns the names:
 * Apigee's where it has one (apigee-core sections 8.5 and 8.6), which are those of the API, of exports and of the file.
 * A row holds names, numbers and addresses, never a query, a header or a credential.
 */

/** 1 or 0 each. */
export interface Counts {
  /** The exchange was answered with 400 or more, or its session ended for a reason that is an error. */
  readonly is_error: number;
  /** A policy refused it. */
  readonly policy_error: number;
  /** The target answered with 500 or more, or did not answer as it should. */
  readonly target_error: number;
}

/** What is measured in a row; absent: it does not apply. Times in milliseconds, sizes in bytes. */
export interface Measures {
  /** From the first byte of the request to the end of the answer; of an upgrade: to the 101. */
  readonly total_response_time: number;
  /** Bytes of the request's body. */
  readonly request_size: number;
  /** Bytes of the answer's body. */
  readonly response_size: number;
  /** From the request to its being sent to the target. */
  readonly request_processing_latency?: number;
  /** From there to the target's answer head. */
  readonly target_response_time?: number;
  /** From there to the end of the answer. */
  readonly response_processing_latency?: number;
  /** From the 101 to the end of the session. */
  readonly session_duration?: number;
  /** Bytes that the session carried. */
  readonly bytes_from_client?: number;
  readonly bytes_from_target?: number;
  readonly frames_from_client?: number;
  readonly frames_from_target?: number;
}

/** What rows can be grouped by, in roll-ups too; all of it from configuration and closed tables. Absent: not set. */
export interface Dimensions {
  readonly message_type: "http" | "websocket";
  readonly environment?: string | undefined;
  readonly apiproxy?: string | undefined;
  readonly proxy_endpoint?: string | undefined;
  readonly target?: string | undefined;
  readonly request_verb: string;
  readonly response_status_code: number;
  readonly target_response_code?: number | undefined;
  readonly ax_edge_execution_fault_code?: string | undefined;
  readonly ax_execution_fault_policy_name?: string | undefined;
  readonly close_reason?: string | undefined;
  readonly closed_by?: string | undefined;
  readonly developer?: string | undefined;
  readonly developer_app?: string | undefined;
  readonly api_product?: string | undefined;
}

/** What only raw rows have, because there is no end to its values. */
export interface Details {
  /** `messageid`; of a session its id. */
  readonly gateway_flow_id: string;
  readonly proxy_basepath?: string | undefined;
  /** Without query; absent when it was not valid. */
  readonly request_path?: string | undefined;
  readonly client_ip: string;
  readonly useragent?: string | undefined;
  /** Close code seen or sent (RFC 6455 section 7.4.1). */
  readonly close_code?: number | undefined;
  /** Wall clock, milliseconds. */
  readonly client_received_start_timestamp: number;
  /** Wall clock, milliseconds: the end of the exchange or of the session. */
  readonly client_sent_end_timestamp: number;
}

/** A row: also what DataCapture policies captured, by data collector. */
export type AnalyticsRow = Dimensions & Details & Counts & Measures & { readonly captured?: Captured };

/** Values by data collector; absent, mostly. */
export type Captured = Readonly<Record<string, string | number>> | undefined;

/** A data collector: whether its values are numbers, which makes it a metric of queries, or texts. */
export interface Collector {
  readonly name: string;
  readonly isNumber: boolean;
}

/** Names of what only raw rows have, besides their id and times. */
export const detailNames = ["proxy_basepath", "request_path", "client_ip", "useragent", "close_code"] as const satisfies
  readonly (keyof Details)[];

/** Order of the dimensions in the key of a roll-up. The file depends on it: names are only ever added, at the end. */
export const dimensionNames = [
  "message_type", "environment", "apiproxy", "proxy_endpoint", "target", "request_verb", "response_status_code",
  "target_response_code", "ax_edge_execution_fault_code", "ax_execution_fault_policy_name", "close_reason", "closed_by",
  "developer", "developer_app", "api_product",
] as const satisfies readonly (keyof Dimensions)[];

/** Counts of rows, in the order of a roll-up's numbers. */
export const countNames = ["message_count", "is_error", "policy_error", "target_error"] as const;

/** Measures in the order of a roll-up's numbers; those of sessions are last, so that others need no room for them. */
export const measureNames = [
  "total_response_time", "request_size", "response_size", "request_processing_latency", "target_response_time",
  "response_processing_latency", "session_duration", "bytes_from_client", "bytes_from_target", "frames_from_client",
  "frames_from_target",
] as const satisfies readonly (keyof Measures)[];

export type CountName = (typeof countNames)[number];
export type MeasureName = (typeof measureNames)[number];

/** Numbers of one measure: how many rows have it, sum, least, greatest. */
export const MEASURE_SLOTS = 4;
const SLOTS = countNames.length + measureNames.length * MEASURE_SLOTS;

/** Index of a measure's first number. */
export function measureSlot(name: MeasureName): number {
  return countNames.length + measureNames.indexOf(name) * MEASURE_SLOTS;
}

/** The key of the roll-up that a row goes into. */
export function rollupKey(row: Dimensions): string {
  return JSON.stringify(dimensionNames.map((name) => row[name] ?? null));
}

/** A roll-up without rows; `more`: how many further measures it has room for. */
export function noStats(more = 0): Float64Array {
  return new Float64Array(SLOTS + more * MEASURE_SLOTS);
}

/** Index of the first number of a further measure. */
export function furtherSlot(at: number): number {
  return SLOTS + at * MEASURE_SLOTS;
}

/** Counts one value of a further measure. */
export function addFurther(stats: Float64Array, at: number, value: number): void {
  addMeasure(stats, furtherSlot(at), 1, value, value, value);
}

/** Counts a row that was read from the file. */
export function addStoredRow(stats: Float64Array, row: Readonly<Record<string, string | number | undefined>>): void {
  add(stats, 0, 1);
  for (const [at, name] of countNames.entries()) if (at > 0) add(stats, at, Number(row[name] ?? 0));
  let at = countNames.length;
  for (const name of measureNames) {
    const value = row[name];
    if (typeof value === "number") addMeasure(stats, at, 1, value, value, value);
    at += MEASURE_SLOTS;
  }
}

/** Counts one row. */
export function addRow(stats: Float64Array, row: AnalyticsRow): void {
  add(stats, 0, 1);
  add(stats, 1, row.is_error);
  add(stats, 2, row.policy_error);
  add(stats, 3, row.target_error);
  let at = countNames.length;
  for (const name of measureNames) {
    const value = row[name];
    if (value !== undefined) addMeasure(stats, at, 1, value, value, value);
    at += MEASURE_SLOTS;
  }
}

/** Adds the numbers of one roll-up to another's; `from` may be shorter. */
export function addStats(stats: Float64Array, from: Float64Array): void {
  for (let at = 0; at < countNames.length; at++) add(stats, at, from[at] ?? 0);
  for (let at = countNames.length; at + MEASURE_SLOTS <= from.length; at += MEASURE_SLOTS) {
    const count = from[at] ?? 0;
    if (count > 0) addMeasure(stats, at, count, from[at + 1] ?? 0, from[at + 2] ?? 0, from[at + 3] ?? 0);
  }
}

function addMeasure(stats: Float64Array, at: number, count: number, sum: number, min: number, max: number): void {
  const isFirst = stats[at] === 0;
  add(stats, at, count);
  add(stats, at + 1, sum);
  stats[at + 2] = isFirst ? min : Math.min(stats[at + 2] ?? 0, min);
  stats[at + 3] = isFirst ? max : Math.max(stats[at + 3] ?? 0, max);
}

function add(stats: Float64Array, at: number, by: number): void {
  stats[at] = (stats[at] ?? 0) + by;
}
