/** Questions to the analytics of the gateway, and their answers. */
import { line, type Query } from "../connection.ts";

export interface Stats {
  /** Absent without a unit. */
  readonly times?: readonly string[];
  readonly groups: readonly {
    readonly dimensions: Readonly<Record<string, string>>;
    readonly totals: Readonly<Record<string, number | null>>;
    readonly series?: Readonly<Record<string, readonly (number | null)[]>>;
  }[];
  readonly total: Readonly<Record<string, number | null>>;
}

/** A stretch of time that ends now, and how finely it is cut. */
export interface Range {
  readonly name: string;
  readonly title: string;
  readonly ms: number;
  readonly unit: "minute" | "hour" | "day";
}

const HOUR_MS = 3_600_000;

export const ranges: readonly Range[] = [
  { name: "1h", title: "Last hour", ms: HOUR_MS, unit: "minute" },
  { name: "6h", title: "6 hours", ms: 6 * HOUR_MS, unit: "minute" },
  { name: "24h", title: "24 hours", ms: 24 * HOUR_MS, unit: "minute" },
  { name: "7d", title: "7 days", ms: 7 * 24 * HOUR_MS, unit: "hour" },
  { name: "30d", title: "30 days", ms: 30 * 24 * HOUR_MS, unit: "hour" },
];

/** What the view shows. */
export interface Traffic {
  readonly kinds: Stats;
  readonly closes: Stats;
  readonly parts: Stats;
  readonly refusals: Stats;
}

/** Parts of the time until an answer, in their order. */
export const partNames = [
  "avg(request_processing_latency)",
  "avg(target_response_time)",
  "avg(response_processing_latency)",
] as const;

/** Asks for everything at once. `proxy`: one of them; "" for all. */
export async function askTraffic({ ms, unit }: Range, proxy: string): Promise<Traffic> {
  const now = Date.now();
  const when = { from: now - ms, to: now };
  const ofProxy = proxy === "" ? [] : [`apiproxy eq '${proxy.replaceAll("'", "''")}'`];
  const ask = (query: Query, ...conditions: readonly string[]): Promise<Stats> => {
    const filter = [...ofProxy, ...conditions].join(" and ");
    return line.get<Stats>("/v1/stats", { ...when, ...query, filter });
  };
  const [kinds, closes, parts, refusals] = await Promise.all([
    ask({ select: "sum(message_count),sum(is_error),avg(total_response_time)", dimensions: "message_type", unit }),
    ask(
      { select: "sum(message_count)", dimensions: "close_reason,closed_by", unit, limit: 30 },
      "close_reason isnot null",
    ),
    ask({ select: partNames.join(","), unit }),
    ask(
      {
        select: "sum(message_count)",
        dimensions: "ax_edge_execution_fault_code,ax_execution_fault_policy_name,apiproxy,response_status_code",
        limit: 100,
      },
      "response_status_code ge 400",
    ),
  ]);
  return { kinds, closes, parts, refusals };
}
