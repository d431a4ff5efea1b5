/**
 * How long the steps of one program took: for each step and kind of exchange a count, a sum, the longest, and buckets
 * from which shares can be read. Its size follows from the program's steps; it knows no exchange.
 */

/** Upgrades and plain exchanges of a proxy take the same steps, and are told apart. */
export const exchangeKinds = ["handshake", "http"] as const;
export type ExchangeKind = (typeof exchangeKinds)[number];

export interface Times {
  readonly count: number;
  readonly totalMs: number;
  readonly meanMs: number;
  /** 95 of 100 took no longer, to within half of the next lower power of two. */
  readonly p95Ms: number;
  readonly maxMs: number;
}

/** Upper bounds double with every second bucket, from 1 µs to 11 s; what takes longer is in the last. */
const BUCKETS = 48;
const SUM = BUCKETS;
const MAX = BUCKETS + 1;
const SLOTS = BUCKETS + 2;

export class StepTimes {
  /** By step and kind; absent while the step has not run. */
  readonly #rows: (Float64Array | undefined)[] = [];

  add(step: number, kind: ExchangeKind, durationMs: number): void {
    const at = placeOf(step, kind);
    const row = (this.#rows[at] ??= new Float64Array(SLOTS));
    const bucket = bucketOf(durationMs);
    row[bucket] = (row[bucket] ?? 0) + 1;
    row[SUM] = (row[SUM] ?? 0) + durationMs;
    row[MAX] = Math.max(row[MAX] ?? 0, durationMs);
  }

  /** Of all exchanges of these kinds; null where the step has run in none. */
  of(step: number, kinds: readonly ExchangeKind[]): Times | null {
    const rows = kinds.flatMap((kind) => this.#rows[placeOf(step, kind)] ?? []);
    if (rows.length === 0) return null;
    const counts = Array.from({ length: BUCKETS }, (_, bucket) => sum(rows.map((row) => row[bucket] ?? 0)));
    const count = sum(counts);
    const totalMs = sum(rows.map((row) => row[SUM] ?? 0));
    const maxMs = Math.max(...rows.map((row) => row[MAX] ?? 0));
    return { count, totalMs, meanMs: totalMs / count, p95Ms: Math.min(shareMs(counts, count * 0.95), maxMs), maxMs };
  }
}

function placeOf(step: number, kind: ExchangeKind): number {
  return step * exchangeKinds.length + exchangeKinds.indexOf(kind);
}

function bucketOf(durationMs: number): number {
  if (durationMs <= 0.001) return 0;
  return Math.min(Math.ceil(2 * Math.log2(durationMs * 1_000)), BUCKETS - 1);
}

/** The upper bound of the bucket in which the `wanted`th of the shortest lies. */
function shareMs(counts: readonly number[], wanted: number): number {
  let before = 0;
  const found = counts.findIndex((count) => (before += count) >= wanted);
  return found < 0 || found === BUCKETS - 1 ? Infinity : 2 ** (found / 2) / 1_000;
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
