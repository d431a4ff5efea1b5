/**
 * The text of a chunk of rows: what many rows share stands once, in the first line; each row is a list behind it. It
 * owns that form in both directions, and adds rows up on the way. (A row by itself is about 900 bytes, in a chunk 170.)
 */
import {
  addRow, countNames, dimensionNames, measureNames, noStats, rollupKey, type AnalyticsRow,
} from "./analytics-row.ts";

/** A row as the file has it. */
export type StoredRow = Readonly<Record<string, StoredValue>>;
export type StoredValue = string | number | undefined;

/** Rows with the same dimensions in the same minute, added up. */
export interface Group {
  readonly key: string;
  /** Wall clock at which the minute begins. */
  readonly minuteMs: number;
  readonly stats: Float64Array;
}

export interface Encoded {
  readonly text: string;
  readonly groups: readonly Group[];
}

/** Dimensions and what else mostly repeats. */
const sharedNames = [...dimensionNames, "proxy_basepath", "useragent"] as const;
const [, ...errorNames] = countNames;
/** Members of a row's list behind the place of what it shares; then what was captured, if anything was. */
const ownNames = [
  "gateway_flow_id", "request_path", "client_ip", "close_code", "client_received_start_timestamp",
  "client_sent_end_timestamp", ...errorNames, ...measureNames,
] as const;

const MINUTE_MS = 60_000;
/** So many groups are compared one by one, which is quicker than making a key. */
const COMPARED_MAX = 16;
const CAPTURED = /^dc_/;
const NO_SESSION = ",null,null,null,null,null";

interface Shared extends Group {
  readonly row: AnalyticsRow;
  readonly index: number;
}

/** Writes rows. */
export function encodeRows(rows: readonly AnalyticsRow[]): Encoded {
  const groups: Shared[] = [];
  const byKey = new Map<string, Shared>();
  let lines = "";
  for (const row of rows) {
    const shared = sharedOf(row, groups, byKey);
    addRow(shared.stats, row);
    lines += `${rowText(row, shared.index)}\n`;
  }
  const heads = groups.map(({ row }) => sharedNames.map((name) => row[name] ?? null));
  return { text: `${JSON.stringify(heads)}\n${lines}`, groups };
}

/** Reads them. The text is the file's own. */
export function decodeRows(text: string): readonly StoredRow[] {
  const [first = "[]", ...lines] = text.trimEnd().split("\n");
  const heads: readonly (readonly (string | number | null)[])[] = JSON.parse(first);
  return lines.map((line) => {
    const [place = 0, ...values]: [number, ...(string | number | null)[]] = JSON.parse(line);
    const row: Record<string, StoredValue> = {};
    for (const [at, name] of sharedNames.entries()) put(row, name, heads[place]?.[at]);
    for (const [at, name] of ownNames.entries()) put(row, name, values[at]);
    const captured: unknown = values[ownNames.length];
    if (typeof captured === "object" && captured !== null) Object.assign(row, captured);
    return row;
  });
}

function put(row: Record<string, StoredValue>, name: string, value: string | number | null | undefined): void {
  if (value !== null && value !== undefined) row[name] = value;
}

/** The group of a row, made when there is none. */
function sharedOf(row: AnalyticsRow, groups: Shared[], byKey: Map<string, Shared>): Shared {
  const minuteMs = Math.floor(row.client_sent_end_timestamp / MINUTE_MS) * MINUTE_MS;
  for (let at = Math.min(groups.length, COMPARED_MAX) - 1; at >= 0; at--) {
    const shared = groups[at];
    if (shared !== undefined && shared.minuteMs === minuteMs && isShared(shared.row, row)) return shared;
  }
  const name = JSON.stringify([minuteMs, ...sharedNames.map((one) => row[one] ?? null)]);
  const found = byKey.get(name);
  if (found !== undefined) return found;
  const shared = { key: rollupKey(row), minuteMs, stats: noStats(), row, index: groups.length };
  groups.push(shared);
  byKey.set(name, shared);
  return shared;
}

/** Over `sharedNames`, written out: this runs for every row. */
function isShared(one: AnalyticsRow, other: AnalyticsRow): boolean {
  return (
    one.apiproxy === other.apiproxy && one.response_status_code === other.response_status_code &&
    one.developer_app === other.developer_app && one.close_reason === other.close_reason &&
    one.closed_by === other.closed_by && one.useragent === other.useragent && one.request_verb === other.request_verb &&
    one.message_type === other.message_type && one.environment === other.environment &&
    one.proxy_endpoint === other.proxy_endpoint && one.target === other.target &&
    one.target_response_code === other.target_response_code &&
    one.ax_edge_execution_fault_code === other.ax_edge_execution_fault_code &&
    one.ax_execution_fault_policy_name === other.ax_execution_fault_policy_name && one.developer === other.developer &&
    one.api_product === other.api_product && one.proxy_basepath === other.proxy_basepath
  );
}

/** In the order of `ownNames`, written out: this runs for every row. */
function rowText(row: AnalyticsRow, index: number): string {
  const text =
    `[${index},"${row.gateway_flow_id}",${quotedOrNull(row.request_path)},${JSON.stringify(row.client_ip)},` +
    `${row.close_code ?? null},${row.client_received_start_timestamp},${row.client_sent_end_timestamp},` +
    `${row.is_error},${row.policy_error},${row.target_error},${row.total_response_time},${row.request_size},` +
    `${row.response_size},${row.request_processing_latency ?? null},${row.target_response_time ?? null},` +
    `${row.response_processing_latency ?? null}`;
  const session = row.session_duration === undefined ? NO_SESSION :
    `,${row.session_duration},${row.bytes_from_client ?? null},${row.bytes_from_target ?? null},` +
    `${row.frames_from_client ?? null},${row.frames_from_target ?? null}`;
  const captured = row.captured === undefined ? "" : capturedText(row.captured);
  return captured === "" ? `${text}${session}]` : `${text}${session},{${captured}}]`;
}

function quotedOrNull(text: string | undefined): string {
  return text === undefined ? "null" : JSON.stringify(text);
}

/** Values by data collector. */
function capturedText(captured: NonNullable<AnalyticsRow["captured"]>): string {
  let text = "";
  for (const [name, value] of Object.entries(captured)) {
    if (CAPTURED.test(name)) text += `${text === "" ? "" : ","}${JSON.stringify(name)}:${JSON.stringify(value)}`;
  }
  return text;
}
