/**
 * Answers questions: numbers by group and by time, from roll-ups, or from raw rows where something is asked that
 * roll-ups have not. It reads in slices between which others have the event loop, and keeps a bounded number of cells
 * (a group at a point in time).
 */
import type { Clock } from "../clock.ts";
import type { Limits } from "../limits.ts";
import { grains, type AnalyticsFile, type Grain, type Rollup } from "../state/analytics-file.ts";
import { decodeRows } from "./analytics-chunk.ts";
import { isAsked, valueIn } from "./analytics-export.ts";
import { isTimeDimension, timeDimension } from "./analytics-time.ts";
import type { RowValue, StatsFilter } from "./analytics-filter.ts";
import {
  addFurther, addStoredRow, countNames, dimensionNames, furtherSlot, MEASURE_SLOTS, measureNames, measureSlot, noStats,
  type CountName, type MeasureName,
} from "./analytics-row.ts";

/** What is made of a metric's values; `tps` is rows for each second. */
export type Aggregate = "sum" | "avg" | "min" | "max" | "tps";

export interface Selected {
  /** As it was asked for: the name in the answer. */
  readonly label: string;
  readonly aggregate: Aggregate;
  /** Of roll-ups, or a data collector. */
  readonly metric: string;
}

export interface StatsQuery {
  readonly select: readonly Selected[];
  readonly dimensions: readonly string[];
  readonly filter: StatsFilter | null;
  /** Wall clock, at borders of `grain`. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Distance of the points in time. */
  readonly grain: Grain;
  /** True: numbers for each of them, besides the totals. */
  readonly isSeries: boolean;
}

/** One combination of the dimensions' values. */
export interface StatsGroup {
  readonly values: readonly RowValue[];
  readonly total: Cell;
  /** By point in time; empty without a series. */
  readonly points: ReadonlyMap<number, Cell>;
}

export interface StatsResult {
  readonly groups: readonly StatsGroup[];
  readonly total: Cell;
  /** Rows whose group had no room any more; they are in the total. */
  readonly left: number;
}

/** How many rows; then for each selected metric how many have it, sum, least, greatest. */
export type Cell = Float64Array;

/** A question is too wide: more than one query may read. */
export class TooWide extends Error {}

/** Roll-ups between two pauses: about a millisecond. */
const SLICE = 512;

/** True where roll-ups cannot answer. */
export function needsRows(query: Pick<StatsQuery, "dimensions" | "filter" | "select">): boolean {
  const { dimensions, filter, select } = query;
  if (furtherMetrics(select).length > 0) return true;
  const asked = [...dimensions, ...(filter?.names ?? [])];
  return asked.some((name) => !isTimeDimension(name) && !dimensionNames.some((one) => one === name));
}

/** Metrics that only raw rows have. */
function furtherMetrics(select: readonly Selected[]): readonly string[] {
  return select.flatMap(({ metric }) => (isCountName(metric) || isMeasureName(metric) ? [] : [metric]));
}

/** Reads what answers and adds it up. Rejects with TooWide or StoreFailure. */
export async function queryStats(
  file: AnalyticsFile,
  query: StatsQuery,
  limits: Pick<Limits, "statsCellsMax" | "statsReadMax">,
  clock: Pick<Clock, "setTimer">,
): Promise<StatsResult> {
  const collected = new Collector(query, limits.statsCellsMax);
  if (needsRows(query)) await readRows(file, query, limits.statsReadMax, clock, collected);
  else await readRollups(file, query, limits.statsReadMax, clock, collected);
  return collected;
}

async function readRollups(
  file: AnalyticsFile,
  query: StatsQuery,
  readMax: number,
  clock: Pick<Clock, "setTimer">,
  collected: Collector,
): Promise<void> {
  const { filter } = query;
  let last: Pick<Rollup, "atMs" | "key"> = { atMs: query.fromMs, key: "" };
  for (let read = 0; ; read += SLICE) {
    if (read >= readMax) throw new TooWide();
    const slice = file.rollups(query.grain, last.atMs, last.key, query.toMs, SLICE);
    for (const { atMs, key, stats } of slice) {
      const values: RowValue[] = JSON.parse(key);
      const valueOf = (name: string): RowValue =>
        isTimeDimension(name) ? timeDimension(name, atMs) : valueAt(values, name);
      if (filter === null || filter.holds(valueOf)) collected.add(atMs, valueOf, stats);
    }
    last = slice.at(-1) ?? last;
    if (slice.length < SLICE) return;
    await new Promise<void>((resolve) => void clock.setTimer(resolve, 0));
  }
}

async function readRows(
  file: AnalyticsFile,
  query: StatsQuery,
  readMax: number,
  clock: Pick<Clock, "setTimer">,
  collected: Collector,
): Promise<void> {
  const further = furtherMetrics(query.select);
  let read = 0;
  for (let last = 0; ; ) {
    const [chunk] = file.chunks(last, query.fromMs, query.toMs, 1);
    if (chunk === undefined) return;
    last = chunk.id;
    for (const row of decodeRows(chunk.rows)) {
      if (++read > readMax) throw new TooWide();
      if (!isAsked(row, query)) continue;
      const stats = noStats(further.length);
      addStoredRow(stats, row);
      for (const [at, name] of further.entries()) {
        const value = valueIn(row, name);
        if (typeof value === "number") addFurther(stats, at, value);
      }
      collected.add(Number(row["client_sent_end_timestamp"]), (name) => valueIn(row, name), stats);
    }
    await new Promise<void>((resolve) => void clock.setTimer(resolve, 0));
  }
}

function valueAt(values: readonly RowValue[], name: string): RowValue {
  return values[dimensionNames.findIndex((one) => one === name)] ?? null;
}

/** The number that a cell shows for a selected metric; null when no row has it. `seconds`: the time it stands for. */
export function shownValue(
  cell: Cell | undefined,
  at: number,
  { aggregate, metric }: Selected,
  seconds: number,
): number | null {
  const isCount = isCountName(metric);
  if (aggregate === "tps") return rounded((cell?.[0] ?? 0) / seconds);
  const base = 1 + at * MEASURE_SLOTS;
  const count = cell?.[base] ?? 0;
  if (aggregate === "sum") return isCount || count > 0 ? rounded(cell?.[base + 1] ?? 0) : null;
  if (count === 0) return null;
  if (aggregate === "avg") return rounded((cell?.[base + 1] ?? 0) / count);
  return rounded(cell?.[base + (aggregate === "min" ? 2 : 3)] ?? 0);
}

function isMeasureName(metric: string): metric is MeasureName {
  return measureNames.some((name) => name === metric);
}

export function isCountName(metric: string): metric is CountName {
  return countNames.some((name) => name === metric);
}

class Collector implements StatsResult {
  readonly total: Cell;
  left = 0;
  readonly #query: StatsQuery;
  readonly #cellsMax: number;
  readonly #slots: readonly number[];
  readonly #groups = new Map<string, { values: StatsGroup["values"]; total: Cell; points: Map<number, Cell> }>();
  #cells = 0;

  constructor(query: StatsQuery, cellsMax: number) {
    this.#query = query;
    this.#cellsMax = cellsMax;
    const further = furtherMetrics(query.select);
    this.#slots = query.select.map(({ metric }) => {
      if (isCountName(metric)) return countNames.indexOf(metric);
      return isMeasureName(metric) ? measureSlot(metric) : furtherSlot(further.indexOf(metric));
    });
    this.total = this.#cell();
  }

  get groups(): readonly StatsGroup[] {
    return [...this.#groups.values()];
  }

  add(atMs: number, valueOf: (name: string) => RowValue, stats: Float64Array): void {
    this.#addTo(this.total, stats);
    const values = this.#query.dimensions.map(valueOf);
    const name = JSON.stringify(values);
    let group = this.#groups.get(name);
    const point = Math.floor((atMs - this.#query.fromMs) / grains[this.#query.grain]);
    const needed = (group === undefined ? 1 : 0) + (this.#query.isSeries && group?.points.has(point) !== true ? 1 : 0);
    if (this.#cells + needed > this.#cellsMax) {
      this.left += stats[0] ?? 0;
      return;
    }
    this.#cells += needed;
    if (group === undefined) {
      group = { values, total: this.#cell(), points: new Map() };
      this.#groups.set(name, group);
    }
    this.#addTo(group.total, stats);
    if (!this.#query.isSeries) return;
    let cell = group.points.get(point);
    if (cell === undefined) group.points.set(point, (cell = this.#cell()));
    this.#addTo(cell, stats);
  }

  #cell(): Cell {
    return new Float64Array(1 + this.#slots.length * MEASURE_SLOTS);
  }

  #addTo(cell: Cell, stats: Float64Array): void {
    const rows = stats[0] ?? 0;
    cell[0] = (cell[0] ?? 0) + rows;
    for (const [at, slot] of this.#slots.entries()) {
      const base = 1 + at * MEASURE_SLOTS;
      const isCount = slot < countNames.length;
      const count = isCount ? rows : (stats[slot] ?? 0);
      if (count === 0) continue;
      const isFirst = cell[base] === 0;
      cell[base] = (cell[base] ?? 0) + count;
      cell[base + 1] = (cell[base + 1] ?? 0) + (stats[isCount ? slot : slot + 1] ?? 0);
      if (isCount) continue;
      cell[base + 2] = Math.min(isFirst ? Infinity : (cell[base + 2] ?? 0), stats[slot + 2] ?? 0);
      cell[base + 3] = Math.max(isFirst ? -Infinity : (cell[base + 3] ?? 0), stats[slot + 3] ?? 0);
    }
  }
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
