/**
 * Answers questions about roll-ups: numbers by group and by time. It reads them in slices between which others have the
 * event loop, and keeps a bounded number of cells (a group at a point in time). It parses nothing.
 */
import type { Clock } from "../clock.ts";
import type { Limits } from "../limits.ts";
import { grains, type AnalyticsFile, type Grain, type Rollup } from "../state/analytics-file.ts";
import {
  countNames, dimensionNames, MEASURE_SLOTS, measureSlot, type CountName, type DimensionName, type MeasureName,
} from "./analytics-row.ts";

/** What is made of a metric's values; `tps` is rows for each second. */
export type Aggregate = "sum" | "avg" | "min" | "max" | "tps";

export interface Selected {
  /** As it was asked for: the name in the answer. */
  readonly label: string;
  readonly aggregate: Aggregate;
  readonly metric: CountName | MeasureName;
}

export interface StatsQuery {
  readonly select: readonly Selected[];
  readonly dimensions: readonly DimensionName[];
  /** Wall clock, at borders of `grain`. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Which roll-ups are read. */
  readonly grain: Grain;
  /** True: numbers for each of them, besides the totals. */
  readonly isSeries: boolean;
}

/** One combination of the dimensions' values. */
export interface StatsGroup {
  readonly values: readonly (string | number | null)[];
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

/** A question is too wide: more roll-ups than one query may read. */
export class TooWide extends Error {}

/** Roll-ups between two pauses: about a millisecond. */
const SLICE = 512;

/** Reads the roll-ups and adds them up. Rejects with TooWide or StoreFailure. */
export async function queryStats(
  file: AnalyticsFile,
  query: StatsQuery,
  limits: Pick<Limits, "statsCellsMax" | "statsReadMax">,
  clock: Pick<Clock, "setTimer">,
): Promise<StatsResult> {
  const collected = new Collector(query, limits.statsCellsMax);
  let last: Pick<Rollup, "atMs" | "key"> = { atMs: query.fromMs, key: "" };
  for (let read = 0; ; read += SLICE) {
    if (read >= limits.statsReadMax) throw new TooWide();
    const slice = file.rollups(query.grain, last.atMs, last.key, query.toMs, SLICE);
    for (const rollup of slice) collected.add(rollup);
    last = slice.at(-1) ?? last;
    if (slice.length < SLICE) return collected;
    await new Promise<void>((resolve) => void clock.setTimer(resolve, 0));
  }
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

export function isCountName(metric: string): metric is CountName {
  return countNames.some((name) => name === metric);
}

class Collector implements StatsResult {
  readonly total: Cell;
  left = 0;
  readonly #query: StatsQuery;
  readonly #cellsMax: number;
  readonly #dimensionAt: readonly number[];
  readonly #slots: readonly number[];
  readonly #groups = new Map<string, { values: StatsGroup["values"]; total: Cell; points: Map<number, Cell> }>();
  #cells = 0;

  constructor(query: StatsQuery, cellsMax: number) {
    this.#query = query;
    this.#cellsMax = cellsMax;
    this.#dimensionAt = query.dimensions.map((name) => dimensionNames.indexOf(name));
    this.#slots = query.select.map(({ metric }) =>
      isCountName(metric) ? countNames.indexOf(metric) : measureSlot(metric),
    );
    this.total = this.#cell();
  }

  get groups(): readonly StatsGroup[] {
    return [...this.#groups.values()];
  }

  add({ atMs, key, stats }: Rollup): void {
    this.#addTo(this.total, stats);
    const all: (string | number | null)[] = JSON.parse(key);
    const values = this.#dimensionAt.map((at) => all[at] ?? null);
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
