/**
 * Raw rows as text, for other programs: JSON lines or CSV. Read chunk by chunk as the reader
 * takes them. A CSV cell that a spreadsheet would take for a formula gets an apostrophe in front.
 */
import type { Clock } from "../clock.ts";
import type { AnalyticsFile } from "../state/analytics-file.ts";
import { decodeRows, type StoredRow } from "./analytics-chunk.ts";
import { countNames, detailNames, dimensionNames, measureNames, type Collector } from "./analytics-row.ts";
import { isTimeDimension, timeDimension } from "./analytics-time.ts";
import type { RowValue, StatsFilter } from "./analytics-filter.ts";

export type RowsFormat = "jsonl" | "csv";

export interface RowsQuery {
  /** Wall clock; rows that ended from then on, up to the second. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly filter: StatsFilter | null;
  readonly format: RowsFormat;
  readonly limit: number;
  readonly columns: readonly string[];
}

/** Columns of a CSV, in order. */
export function columnNames(collectors: readonly Collector[]): readonly string[] {
  const [, ...errors] = countNames;
  const place = ["client_received_start_timestamp", "client_sent_end_timestamp", "gateway_flow_id"];
  const captured = collectors.map(({ name }) => name);
  return [...place, ...dimensionNames, ...detailNames, ...errors, ...measureNames, ...captured];
}

/** The text, in pieces. Throws StoreFailure. */
export async function* exportedRows(
  file: AnalyticsFile,
  query: RowsQuery,
  clock: Pick<Clock, "setTimer">,
): AsyncGenerator<string> {
  const { columns, format, fromMs, toMs } = query;
  if (format === "csv") yield `${columns.join(",")}\r\n`;
  let left = query.limit;
  for (let last = 0; left > 0; ) {
    const [chunk] = file.chunks(last, fromMs, toMs, 1);
    if (chunk === undefined) return;
    last = chunk.id;
    let text = "";
    for (const row of decodeRows(chunk.rows)) {
      if (left === 0 || !isAsked(row, query)) continue;
      left--;
      text += format === "csv" ? csvLine(row, columns) : `${JSON.stringify(row)}\n`;
    }
    if (text !== "") yield text;
    await new Promise<void>((resolve) => void clock.setTimer(resolve, 0));
  }
}

/** The row's value; null: not set. */
export function valueIn(row: StoredRow, name: string): RowValue {
  if (isTimeDimension(name)) return timeDimension(name, Number(row["client_sent_end_timestamp"]));
  return Object.hasOwn(row, name) ? (row[name] ?? null) : null;
}

/** True for a row within the time asked for that the filter lets through. */
export function isAsked(
  row: StoredRow,
  { filter, fromMs, toMs }: Pick<RowsQuery, "filter" | "fromMs" | "toMs">,
): boolean {
  const endMs = Number(row["client_sent_end_timestamp"]);
  if (endMs < fromMs || endMs >= toMs) return false;
  return filter === null || filter.holds((name) => valueIn(row, name));
}

function csvLine(row: StoredRow, columns: readonly string[]): string {
  return `${columns.map((name) => cell(valueIn(row, name))).join(",")}\r\n`;
}

/** RFC 4180; texts that begin like a formula are told apart from one (OWASP, CSV injection). */
function cell(value: RowValue): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) || text !== value ? `"${text.replaceAll('"', '""')}"` : text;
}
