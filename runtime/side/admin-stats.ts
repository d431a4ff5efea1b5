/**
 * Analytics over the admin API: `GET /v1/stats` and `GET /v1/stats/rows`. It owns the words of a question and the shape
 * of its answer; what is counted stands in observe/analytics-row.ts, how it is read in observe/analytics-query.ts.
 */
import { columnNames, exportedRows } from "../observe/analytics-export.ts";
import { BadFilter, parseFilter, type StatsFilter } from "../observe/analytics-filter.ts";
import { timeDimensionNames } from "../observe/analytics-time.ts";
import { countNames, detailNames, dimensionNames, measureNames, type Collector } from "../observe/analytics-row.ts";
import {
  isCountName, needsRows, queryStats, shownValue, TooWide, type Cell, type Selected, type StatsGroup, type StatsQuery,
} from "../observe/analytics-query.ts";
import { grainNames, grains, type Grain } from "../state/analytics-file.ts";
import type { AdminCall } from "./admin-call.ts";
import type { Fields } from "./admin-body.ts";
import type { AdminSubject, Properties } from "./admin-route.ts";
import { choice, count, instant, integer, list, record, ref, text } from "./admin-schema.ts";
import { badRequest, errorAnswer, jsonAnswer, type Answer } from "./answer.ts";

/** Groups of an answer when the request names no limit. */
const GROUPS = 50;
const GROUPS_MAX = 1_000;
/** Raw rows of an answer when the request names no limit. */
const ROWS = 10_000;
const SELECTED_MAX = 12;
const DIMENSIONS_MAX = 6;
/** Without `from`, so much before `to`. */
const RANGE_MS = 3_600_000;
const NOT_SET = "(not set)";

/** Analytics, as the document describes them. */
export function statsSubject(): AdminSubject {
  const time = "A time of ISO 8601 with its zone, a date, or milliseconds since 1970.";
  const range = {
    from: text(`${time} Default: an hour before \`to\`.`),
    to: text(`${time} Default: now.`),
    filter: text("A condition on columns, as docs/observability.md tells."),
  };
  return {
    name: "stats",
    description: "Analytics: numbers by dimension and time. Artifacts without analytics have none of it.",
    parameters: {},
    schemas: statsSchemas(),
    routes: [
      {
        method: "GET",
        path: "/v1/stats",
        id: "getStats",
        summary: "Numbers by dimension and time.",
        query: {
          select: text(
            "Numbers, parted by commas: sum, avg, min or max of a metric, and tps. Default sum(message_count).",
          ),
          dimensions: text("Names of dimensions, parted by commas; default: none."),
          ...range,
          unit: choice("With it, groups have a value for each of these times.", grainNames),
          limit: integer("Groups of the answer, the largest first. Default 50.", 1, GROUPS_MAX),
        },
        answers: { 200: "Stats" },
        endpoint: getStats,
      },
      {
        method: "GET",
        path: "/v1/stats/rows",
        id: "getStatsRows",
        summary: "Raw rows, oldest first.",
        query: {
          ...range,
          format: choice("Default jsonl.", ["jsonl", "csv"]),
          limit: { type: "integer", minimum: 1, description: "Rows of the answer. Default 10000." },
        },
        media: ["application/jsonl", "text/csv"],
        answers: { 200: { type: "string", description: "A row on each line." } },
        endpoint: getRows,
      },
    ],
  };
}

function statsSchemas(): Properties {
  const totals = {
    type: "object",
    additionalProperties: { type: ["number", "null"] },
    description: "By what was selected.",
  };
  const series = {
    type: "object",
    additionalProperties: { type: "array" },
    description: "By what was selected, a value for each time.",
  };
  return {
    Stats: record(
      "Numbers.",
      {
        from: instant("Begin of the time that was read."),
        to: instant("Its end."),
        unit: choice("What it was read by.", grainNames),
        source: choice("What it was read from.", ["rows", "rollups"]),
        times: list("Begins of the points in time; absent without `unit`.", { type: "string" }),
        groups: list("The largest first.", ref("StatsGroup")),
        total: totals,
        groupsLeftOut: count("Groups beyond `limit`."),
        rowsLeftOut: count("Rows that no group counts, because there were too many groups."),
      },
      ["times"],
    ),
    StatsGroup: record(
      "One combination of dimensions.",
      {
        dimensions: {
          type: "object",
          additionalProperties: { type: ["string", "number"] },
          description: "Values by dimension; statuses and close codes are numbers.",
        },
        totals,
        series,
      },
      ["series"],
    ),
  };
}

/** `GET /v1/stats?select=sum(message_count)&dimensions=apiproxy&from=...&to=...&unit=minute` */
async function getStats({ fields, gateway }: AdminCall): Promise<Answer> {
  const { analytics, clock, limits } = gateway;
  if (analytics === null) return errorAnswer(404, "not_found", "This gateway keeps no analytics");
  const limit = fields.integer("limit", 1, GROUPS_MAX) ?? GROUPS;
  const query = statsQuery(fields, clock.wallMs(), limits.statsPointsMax, analytics.settings.collectors);
  const problem = fields.problem();
  if (problem !== null) return problem;
  if (typeof query === "string") return badRequest(query);
  try {
    analytics.flush();
    const { groups, left, total } = await queryStats(analytics.file(), query, limits, clock);
    const sorted = [...groups].sort((a, b) => firstValue(b, query) - firstValue(a, query));
    return jsonAnswer(200, {
      from: new Date(query.fromMs).toISOString(),
      to: new Date(query.toMs).toISOString(),
      unit: query.grain,
      source: needsRows(query) ? "rows" : "rollups",
      ...(query.isSeries ? { times: times(query).map((atMs) => new Date(atMs).toISOString()) } : {}),
      groups: sorted.slice(0, limit).map((group) => shownGroup(group, query)),
      total: shownTotals(total, query),
      groupsLeftOut: Math.max(0, sorted.length - limit),
      rowsLeftOut: left,
    });
  } catch (thrown) {
    if (!(thrown instanceof TooWide)) throw thrown;
    return errorAnswer(422, "too_wide", "Too much would have to be read: ask for less time or a coarser unit");
  }
}

/** `GET /v1/stats/rows?format=csv&from=...&to=...&filter=...`: raw rows, as many as asked for, while they are read. */
function getRows({ fields, gateway }: AdminCall): Answer {
  const { analytics, clock, limits } = gateway;
  if (analytics === null) return errorAnswer(404, "not_found", "This gateway keeps no analytics");
  const limit = fields.integer("limit", 1, limits.statsRowsMax) ?? ROWS;
  const format = fields.text("format") ?? "jsonl";
  const range = timeRange(fields, clock.wallMs());
  const columns = columnNames(analytics.settings.collectors);
  const filter = filterOf(fields, [...columns, ...timeDimensionNames]);
  const problem = fields.problem();
  if (problem !== null) return problem;
  if (format !== "jsonl" && format !== "csv") return badRequest("format is jsonl or csv");
  if (typeof range === "string") return badRequest(range);
  if (typeof filter === "string") return badRequest(filter);
  analytics.flush();
  return {
    status: 200,
    contentType: format === "csv" ? "text/csv; charset=utf-8; header=present" : "application/jsonl; charset=utf-8",
    body: exportedRows(analytics.file(), { ...range, filter, format, limit, columns }, clock),
    headers: { "Content-Disposition": `attachment; filename="analytics.${format}"` },
  };
}

/** The filter; null where none is given, or what is wrong with it. */
function filterOf(fields: Fields, known: readonly string[]): StatsFilter | null | string {
  const text = fields.text("filter");
  if (text === null) return null;
  try {
    return parseFilter(text, (name) => known.includes(name));
  } catch (thrown) {
    if (thrown instanceof BadFilter) return thrown.message;
    throw thrown;
  }
}

/** `from` and `to`, or what is wrong with them. */
function timeRange(fields: Fields, nowMs: number): { readonly fromMs: number; readonly toMs: number } | string {
  const toMs = timeOf(fields.text("to"), nowMs + 1);
  const fromMs = timeOf(fields.text("from"), (toMs ?? nowMs) - RANGE_MS);
  if (fromMs === null || toMs === null) return "from and to are times such as 2026-01-31T12:00:00Z, or milliseconds";
  return fromMs < toMs ? { fromMs, toMs } : "from must lie before to";
}

/** The question, or what is wrong with it. */
function statsQuery(
  fields: Fields,
  nowMs: number,
  pointsMax: number,
  collectors: readonly Collector[],
): StatsQuery | string {
  const numbers = collectors.flatMap(({ isNumber, name }) => (isNumber ? [name] : []));
  const texts = collectors.flatMap(({ isNumber, name }) => (isNumber ? [] : [name]));
  const select = selected(fields.text("select") ?? "sum(message_count)", [...measureNames, ...numbers]);
  const dimensions = listed(fields.text("dimensions"));
  const unit = fields.text("unit");
  const range = timeRange(fields, nowMs);
  const filter = filterOf(fields, [...columnNames(collectors), ...timeDimensionNames]);
  if (typeof filter === "string") return filter;
  if (typeof select === "string") return select;
  const known: readonly string[] = [...dimensionNames, ...timeDimensionNames, ...detailNames, ...texts];
  const unknown = dimensions.find((name) => !known.includes(name));
  if (unknown !== undefined) return `${JSON.stringify(unknown)} is no dimension: one of ${known.join(", ")}`;
  if (dimensions.length > DIMENSIONS_MAX) return `at most ${DIMENSIONS_MAX} dimensions`;
  if (unit !== null && !isGrain(unit)) return `unit is one of ${grainNames.join(", ")}`;
  if (typeof range === "string") return range;
  const { fromMs, toMs } = range;
  if (unit === "day" && asksHour(dimensions, filter)) return "ax_hour_of_day needs unit hour or minute";
  const grain = unit ?? grainNames.find((name) => points(fromMs, toMs, name) <= pointsMax) ?? "day";
  if (grain === "day" && asksHour(dimensions, filter)) return "ax_hour_of_day: ask for less time";
  if (points(fromMs, toMs, grain) > pointsMax) {
    return `at most ${pointsMax} points in time: ask for less time or a coarser unit`;
  }
  const widthMs = grains[grain];
  return {
    select,
    dimensions,
    filter,
    fromMs: Math.floor(fromMs / widthMs) * widthMs,
    toMs: Math.ceil(toMs / widthMs) * widthMs,
    grain,
    isSeries: unit !== null,
  };
}

/** Days have no hours. */
function asksHour(dimensions: readonly string[], filter: StatsFilter | null): boolean {
  return [...dimensions, ...(filter?.names ?? [])].includes("ax_hour_of_day");
}

/** `sum(message_count),avg(total_response_time),tps`, or what is wrong with it. */
function selected(text: string, measures: readonly string[]): readonly Selected[] | string {
  const found: Selected[] = [];
  for (const label of listed(text)) {
    const [, aggregate, metric] = /^(sum|avg|min|max)\((\w+)\)$/.exec(label) ?? [];
    if (label === "tps") found.push({ label, aggregate: "tps", metric: "message_count" });
    else if (aggregate !== "sum" && aggregate !== "avg" && aggregate !== "min" && aggregate !== "max") {
      return `select is a list of sum(...), avg(...), min(...), max(...) and tps, not ${JSON.stringify(label)}`;
    } else if (metric !== undefined && (isCountName(metric) || measures.includes(metric))) {
      found.push({ label, aggregate, metric });
    } else return `${JSON.stringify(metric)} is no metric: one of ${[...countNames, ...measures].join(", ")}`;
  }
  return found.length > SELECTED_MAX ? `select names at most ${SELECTED_MAX}` : found;
}

function isGrain(name: string): name is Grain {
  return grainNames.some((one) => one === name);
}

/** Names between commas, each once. */
function listed(text: string | null): readonly string[] {
  return text === null ? [] : [...new Set(text.split(",").map((name) => name.trim()))];
}

/** ISO 8601 with a time zone, a date, or milliseconds since 1970; null for anything else. */
function timeOf(text: string | null, otherwise: number): number | null {
  if (text === null) return otherwise;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  if (!/^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text)) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

function points(fromMs: number, toMs: number, grain: Grain): number {
  return Math.ceil(toMs / grains[grain]) - Math.floor(fromMs / grains[grain]);
}

function times({ fromMs, grain, toMs }: StatsQuery): readonly number[] {
  return Array.from({ length: points(fromMs, toMs, grain) }, (_, at) => fromMs + at * grains[grain]);
}

/** Larger groups come first, by what was selected first. */
function firstValue({ total }: StatsGroup, query: StatsQuery): number {
  const [first] = query.select;
  return first === undefined ? 0 : (shownValue(total, 0, first, seconds(query)) ?? -1);
}

function shownGroup({ points, total, values }: StatsGroup, query: StatsQuery): object {
  const dimensions = Object.fromEntries(query.dimensions.map((name, at) => [name, values[at] ?? NOT_SET]));
  const group = { dimensions, totals: shownTotals(total, query) };
  if (!query.isSeries) return group;
  const widthSeconds = grains[query.grain] / 1_000;
  const series = query.select.map((one, at): [string, readonly (number | null)[]] => [
    one.label,
    times(query).map((_, point) => shownValue(points.get(point), at, one, widthSeconds)),
  ]);
  return { ...group, series: Object.fromEntries(series) };
}

function shownTotals(cell: Cell, query: StatsQuery): object {
  return Object.fromEntries(query.select.map((one, at) => [one.label, shownValue(cell, at, one, seconds(query))]));
}

function seconds({ fromMs, toMs }: StatsQuery): number {
  return (toMs - fromMs) / 1_000;
}
