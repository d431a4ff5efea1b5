/**
 * The file of analytics: raw rows in chunks, and their roll-ups by minute, hour and day, written in one transaction, so
 * that they always agree. One SQLite file of its own, which overlapping processes share. It hardly waits: a file that
 * is locked or full refuses, and the caller keeps its rows. It knows nothing of what a row says.
 */
import { LIVE_SCHEMA, LiveNotes, type Abandoned } from "./live-notes.ts";
import { StoreFailure } from "./store.ts";
import { openDatabase, sqliteFailure, type DatabaseSync, type StatementSync } from "./sqlite.ts";

/** Width of the three kinds of roll-ups. */
export const grains = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;
export type Grain = keyof typeof grains;
export const grainNames = ["minute", "hour", "day"] as const satisfies readonly Grain[];

export interface AnalyticsFileOptions {
  readonly file: string;
  /** Size that the file does not pass; what does not fit is refused. */
  readonly bytesMax: number;
  /** Time to wait for another process while opening. */
  readonly busyMs: number;
}

/** What is written at once. */
export interface AnalyticsBatch {
  /** As observe/analytics-chunk.ts writes them. */
  readonly rows: string;
  readonly count: number;
  /** Wall clock of the first and the last of them. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly rollups: readonly Rollup[];
}

/** Numbers of all rows with one key in one stretch of time. */
export interface Rollup {
  readonly grain: Grain;
  /** Wall clock at which the stretch begins. */
  readonly atMs: number;
  readonly key: string;
  readonly stats: Float64Array;
}

/** What a batch says of sessions that are open. */
export interface LiveChanges {
  /** Wall clock. */
  readonly nowMs: number;
  /** Notes of those that were not known before. */
  readonly opened: readonly string[];
  /** Ids of notes whose sessions have rows in the batch. */
  readonly ended: readonly number[];
}

/** Adds the second numbers to the first. */
export type MergeStats = (into: Float64Array, from: Float64Array) => void;

const NO_IDS: readonly number[] = [];

/** Some of the raw rows. */
export interface Chunk {
  readonly id: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly rows: string;
}

/** What is older goes, by wall clock. */
export interface Horizon extends Readonly<Record<Grain, number>> {
  readonly rows: number;
}

const FORMAT = 1;
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, count INTEGER NOT NULL,
    rows TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS chunks_to ON chunks (to_ms);
  CREATE TABLE IF NOT EXISTS rollups (
    grain INTEGER NOT NULL, at INTEGER NOT NULL, key TEXT NOT NULL, stats BLOB NOT NULL, PRIMARY KEY (grain, at, key)
  ) WITHOUT ROWID;
  ${LIVE_SCHEMA}
`;
/** How long a write waits for another process, whose own takes a few milliseconds. */
const BUSY_MS = 10;
/** What one sweep removes at most. */
const CHUNKS_SWEPT = 16;
const ROLLUPS_SWEPT = 256;
/** Above this share of its bound the file gives up its oldest raw rows. */
const FULL_SHARE = 0.9;

export class AnalyticsFile {
  readonly #database: DatabaseSync;
  readonly #pagesMax: number;
  readonly #putChunk: StatementSync;
  readonly #getRollup: StatementSync;
  readonly #putRollup: StatementSync;
  readonly #sweepChunks: StatementSync;
  readonly #sweepOldest: StatementSync;
  readonly #sweepRollups: StatementSync;
  readonly #chunks: StatementSync;
  readonly #rollups: StatementSync;
  readonly #live: LiveNotes;
  /** Whose rows are being written. */
  #abandoned: Abandoned | null = null;

  /** Opens or creates it. Throws StoreFailure when that is not possible. */
  constructor({ busyMs, bytesMax, file }: AnalyticsFileOptions) {
    const database = openDatabase(file, { what: "analytics file", format: FORMAT, schema: SCHEMA, busyMs });
    this.#database = database;
    // A crash of the machine may cost the last rows, and no disk flush stands in anybody's way.
    database.exec(`PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = ${BUSY_MS}`);
    this.#pagesMax = Math.max(1, Math.floor(bytesMax / this.#pragma("page_size")));
    database.exec(`PRAGMA max_page_count = ${this.#pagesMax}`);
    this.#live = new LiveNotes(database, file);
    const prepare = (sql: string): StatementSync => database.prepare(sql);
    this.#putChunk = prepare("INSERT INTO chunks (from_ms, to_ms, count, rows) VALUES (?, ?, ?, ?)");
    this.#getRollup = prepare("SELECT stats FROM rollups WHERE grain = ? AND at = ? AND key = ?");
    this.#putRollup = prepare("INSERT OR REPLACE INTO rollups (grain, at, key, stats) VALUES (?, ?, ?, ?)");
    this.#sweepChunks = prepare(
      `DELETE FROM chunks WHERE id IN (SELECT id FROM chunks WHERE to_ms < ? ORDER BY to_ms LIMIT ${CHUNKS_SWEPT})`,
    );
    this.#sweepOldest = prepare(
      `DELETE FROM chunks WHERE id IN (SELECT id FROM chunks ORDER BY id LIMIT ${CHUNKS_SWEPT})`,
    );
    this.#sweepRollups = prepare(
      "DELETE FROM rollups WHERE (grain, at, key) IN" +
        ` (SELECT grain, at, key FROM rollups WHERE grain = ? AND at < ? ORDER BY at LIMIT ${ROLLUPS_SWEPT})`,
    );
    this.#chunks = prepare(
      "SELECT id, from_ms, to_ms, rows FROM chunks WHERE id > ? AND to_ms >= ? AND from_ms < ? ORDER BY id LIMIT ?",
    );
    this.#rollups = prepare(
      "SELECT at, key, stats FROM rollups WHERE grain = ? AND (at, key) > (?, ?) AND at < ? ORDER BY at, key LIMIT ?",
    );
  }

  /** Writes all of it or nothing; ids of the notes of what was opened. Throws StoreFailure. */
  write(batch: AnalyticsBatch, live: LiveChanges, merge: MergeStats): readonly number[] {
    if (live.opened.length > 0 && !this.#live.isRegistered) this.#register(live.nowMs);
    let ids = NO_IDS;
    this.#transact(() => {
      this.#put(batch, merge);
      this.#live.remove(live.ended);
      if (live.opened.length > 0 && this.#live.isRegistered) ids = this.#live.add(live.opened);
      this.#live.touch(live.nowMs);
    });
    return ids;
  }

  /** Says that the process lives, where it has told of anything open. Throws StoreFailure. */
  touch(nowMs: number): void {
    if (this.#live.isRegistered) this.#transact(() => this.#live.touch(nowMs));
  }

  /**
   * Writes rows for what a process that is gone has left open, at most `limit` of them. The number of its notes; 0: no
   * process has left any. Throws StoreFailure.
   */
  adopt(limit: number, batchOf: (notes: readonly string[], atMs: number) => AnalyticsBatch, merge: MergeStats): number {
    this.#abandoned ??= this.#run(() => this.#live.abandoned());
    const abandoned = this.#abandoned;
    if (abandoned === null) return 0;
    let adopted = 0;
    this.#transact(() => {
      const notes = this.#live.of(abandoned.number, limit);
      adopted = notes.length;
      if (adopted === 0) return this.#live.forget(abandoned.number);
      this.#put(batchOf(notes.map(({ note }) => note), abandoned.atMs), merge);
      this.#live.remove(notes.map(({ id }) => id));
    });
    if (adopted > 0) return adopted;
    abandoned.lock.release();
    this.#abandoned = null;
    // The next one, if there is one.
    return this.adopt(limit, batchOf, merge);
  }

  #put(batch: AnalyticsBatch, merge: MergeStats): void {
    if (batch.count === 0) return;
    this.#putChunk.run(batch.fromMs, batch.toMs, batch.count, batch.rows);
    for (const { atMs, grain, key, stats } of batch.rollups) {
      const present = this.#getRollup.get(grains[grain], atMs, key)?.["stats"];
      if (present instanceof Uint8Array) merge(stats, numbersOf(present));
      this.#putRollup.run(grains[grain], atMs, key, bytesOf(stats));
    }
  }

  #register(nowMs: number): void {
    try {
      this.#transact(() => this.#live.register(nowMs));
    } catch (cause) {
      this.#live.undo();
      throw cause;
    }
  }

  /**
   * Removes some of what is too old; of the oldest rows too while the file is nearly full, or `isFull` for a batch.
   * Throws StoreFailure.
   */
  sweep(horizon: Horizon, isFull: boolean): void {
    this.#transact(() => {
      this.#sweepChunks.run(horizon.rows);
      for (const grain of grainNames) this.#sweepRollups.run(grains[grain], horizon[grain]);
      const pages = this.#pragma("page_count") - this.#pragma("freelist_count");
      if (isFull || pages > this.#pagesMax * FULL_SHARE) this.#sweepOldest.run();
    });
  }

  /** Chunks behind `after` that may hold rows of that time, in the order in which they were written. */
  chunks(after: number, fromMs: number, toMs: number, limit: number): readonly Chunk[] {
    return this.#run(() =>
      this.#chunks.all(after, fromMs, toMs, limit).map((row) => ({
        id: Number(row["id"]),
        fromMs: Number(row["from_ms"]),
        toMs: Number(row["to_ms"]),
        rows: String(row["rows"]),
      })),
    );
  }

  /** Roll-ups from a time on (with `key` "" from its first one), in order of time and key, up to `toMs`. */
  rollups(grain: Grain, atMs: number, key: string, toMs: number, limit: number): readonly Rollup[] {
    return this.#run(() =>
      this.#rollups.all(grains[grain], atMs, key, toMs, limit).map((row) => ({
        grain,
        atMs: Number(row["at"]),
        key: String(row["key"]),
        stats: row["stats"] instanceof Uint8Array ? numbersOf(row["stats"]) : new Float64Array(),
      })),
    );
  }

  /** Bytes of the file that are in use. */
  get bytes(): number {
    return this.#run(() => (this.#pragma("page_count") - this.#pragma("freelist_count")) * this.#pragma("page_size"));
  }

  close(): void {
    try {
      this.#transact(() => this.#live.leave());
    } catch (cause) {
      // Whoever starts next finds that nothing is left open.
      if (!(cause instanceof StoreFailure)) throw cause;
    }
    this.#database.close();
  }

  #pragma(name: "page_count" | "page_size" | "freelist_count"): number {
    return Number(this.#database.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
  }

  #transact(work: () => void): void {
    this.#run(() => {
      this.#database.exec("BEGIN IMMEDIATE");
      try {
        work();
        this.#database.exec("COMMIT");
      } catch (cause) {
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
        throw cause;
      }
    });
  }

  #run<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      throw sqliteFailure("analytics file", cause);
    }
  }
}

/** Zeros at the end take no room: most roll-ups have no numbers of sessions. */
function bytesOf(stats: Float64Array): Uint8Array {
  let length = stats.length;
  while (length > 0 && stats[length - 1] === 0) length--;
  return new Uint8Array(stats.buffer, stats.byteOffset, length * Float64Array.BYTES_PER_ELEMENT);
}

function numbersOf(bytes: Uint8Array): Float64Array {
  return new Float64Array(bytes.slice().buffer);
}
