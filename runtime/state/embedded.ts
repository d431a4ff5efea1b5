/**
 * The store of one machine: one SQLite file, shared by overlapping gateway processes. It answers with values. A crash
 * of the process loses no acknowledged write. A crash of the machine loses none either, save tokens and other records
 * with an expiry: those are committed without waiting for the disk, because a client that loses one asks again, and
 * issuing must not cost a disk flush each.
 */
import { watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import type { Clock, Timer } from "../clock.ts";
import type { Limits } from "../limits.ts";
import { recordOfText, textOfRecord } from "./record-text.ts";
import { openDatabase, sqliteFailure, type DatabaseSync, type StatementSync } from "./sqlite.ts";
import { StoreFailure } from "./store.ts";
import type {
  EventPage,
  ListedRecord,
  PutOptions,
  RecordKind,
  Records,
  RevocationEvent,
  Store,
  StoredEvent,
  StoreListener,
} from "./store.ts";

/** Format of the file (sqlite.ts). */
const FORMAT = 2;
/** Expired rows that one write removes. */
const SWEPT_PER_WRITE = 8;
/** Events read from the file at once while listeners are told. */
const EVENTS_PER_READ = 256;

/** Rows in the order in which they came fill their pages; only the index of their ids has gaps. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS records (
    kind TEXT NOT NULL, id TEXT NOT NULL, record TEXT NOT NULL, expires_at INTEGER, UNIQUE (kind, id)
  );
  CREATE INDEX IF NOT EXISTS records_expiry ON records (expires_at) WHERE expires_at IS NOT NULL;
  CREATE TABLE IF NOT EXISTS events (sequence INTEGER PRIMARY KEY AUTOINCREMENT, event TEXT NOT NULL);
`;

/** Format 1 had its rows in the order of their ids. */
const UPGRADE = {
  from: 1,
  before: "DROP INDEX records_expiry; ALTER TABLE records RENAME TO records_1;",
  after: "INSERT INTO records SELECT kind, id, record, expires_at FROM records_1; DROP TABLE records_1;",
};

/** The embedded store. Several, also in several processes, may open the same file. */
export class EmbeddedStore implements Store {
  readonly #clock: Clock;
  readonly #file: string;
  readonly #pollMs: number;
  readonly #eventsMax: number;
  readonly #database: DatabaseSync;
  readonly #get: StatementSync;
  readonly #put: StatementSync;
  readonly #remove: StatementSync;
  readonly #list: StatementSync;
  readonly #sweep: StatementSync;
  readonly #append: StatementSync;
  readonly #trim: StatementSync;
  readonly #events: StatementSync;
  readonly #last: StatementSync;
  readonly #listeners = new Set<StoreListener>();
  /** Last event that listeners heard of. */
  #delivered = 0;
  #heardUntilMs = Number.NEGATIVE_INFINITY;
  #isDelivering = false;
  #isFlushing = true;
  #isClosed = false;
  #timer: Timer | null = null;
  #watcher: FSWatcher | null = null;

  /** Opens or creates the file, readable by its owner only. Throws StoreFailure when that is not possible. */
  constructor(file: string, clock: Clock, limits: Limits) {
    this.#clock = clock;
    this.#file = file;
    this.#pollMs = limits.storePollMs;
    this.#eventsMax = limits.revocationsRememberedMax;
    const spec = { what: "embedded store", format: FORMAT, schema: SCHEMA, upgrade: UPGRADE, busyMs: limits.storeBusyMs };
    this.#database = openDatabase(file, spec);
    const prepare = (sql: string): StatementSync => this.#database.prepare(sql);
    this.#get = prepare(
      "SELECT record FROM records WHERE kind = ? AND id = ? AND (expires_at IS NULL OR expires_at > ?)",
    );
    this.#put = prepare("INSERT OR REPLACE INTO records (kind, id, record, expires_at) VALUES (?, ?, ?, ?)");
    this.#remove = prepare("DELETE FROM records WHERE kind = ? AND id = ?");
    this.#list = prepare(
      "SELECT id, record FROM records WHERE kind = ? AND id > ? AND (expires_at IS NULL OR expires_at > ?)" +
        " ORDER BY id LIMIT ?",
    );
    this.#sweep = prepare(
      "DELETE FROM records WHERE rowid IN" +
        ` (SELECT rowid FROM records WHERE expires_at <= ? LIMIT ${SWEPT_PER_WRITE})`,
    );
    this.#append = prepare("INSERT INTO events (event) VALUES (?)");
    this.#trim = prepare("DELETE FROM events WHERE sequence <= ?");
    this.#events = prepare("SELECT sequence, event FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?");
    this.#last = prepare("SELECT seq AS sequence FROM sqlite_sequence WHERE name = 'events'");
  }

  get<K extends RecordKind>(kind: K, id: string): Records[K] | null {
    return this.#run(() => this.#read(kind, id));
  }

  put<K extends RecordKind>(kind: K, id: string, record: Records[K], options: PutOptions<K> = {}): boolean {
    const expiresAtMs = options.expiresAtMs ?? null;
    const wasWritten = this.#transact(expiresAtMs === null || options.event !== undefined, () => {
      if (options.ifAbsent === true && this.#read(kind, id) !== null) return false;
      if (options.ifStill !== undefined && !isSame(this.#read(kind, id), options.ifStill)) return false;
      this.#put.run(kind, id, textOfRecord(kind, id, record), expiresAtMs);
      if (expiresAtMs !== null) this.#sweep.run(this.#clock.wallMs());
      if (options.event !== undefined) this.#write(options.event);
      return true;
    });
    if (wasWritten && options.event !== undefined) this.#deliver();
    return wasWritten;
  }

  remove(kind: RecordKind, id: string, event?: RevocationEvent): boolean {
    const wasThere = this.#transact(true, () => {
      const isThere = this.#read(kind, id) !== null;
      this.#remove.run(kind, id);
      if (event !== undefined) this.#write(event);
      return isThere;
    });
    if (event !== undefined) this.#deliver();
    return wasThere;
  }

  /** Without waiting for the disk, like writing what expires: such records are what is taken. */
  take<K extends RecordKind>(kind: K, id: string): Records[K] | null {
    return this.#transact(false, () => {
      const record = this.#read(kind, id);
      this.#remove.run(kind, id);
      return record;
    });
  }

  list<K extends RecordKind>(kind: K, page: { readonly after?: string; readonly limit: number }): ListedRecord<K>[] {
    return this.#run(() =>
      this.#list
        .all(kind, page.after ?? "", this.#clock.wallMs(), page.limit)
        .map((row) => {
          const id = textOf(row["id"]);
          return { id, record: recordOfText(kind, id, textOf(row["record"])) };
        }),
    );
  }

  append(event: RevocationEvent): number {
    const sequence = this.#transact(true, () => this.#write(event));
    this.#deliver();
    return sequence;
  }

  events(after: number, limit: number): EventPage {
    return this.#run(() => {
      const events = this.#events
        .all(after, limit)
        .map((row) => ({ sequence: numberOf(row["sequence"]), event: eventOf(textOf(row["event"])) }));
      const first = events[0]?.sequence;
      return { events, isComplete: first === undefined ? this.#lastSequence() <= after : first === after + 1 };
    });
  }

  lastEvent(): number {
    return this.#run(() => this.#lastSequence());
  }

  watch(listener: StoreListener): () => void {
    if (this.#listeners.size === 0) this.#startWatching();
    this.#listeners.add(listener);
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#stopWatching();
    };
  }

  heardUntilMs(): number {
    return this.#heardUntilMs;
  }

  ready(): boolean {
    if (this.#isClosed) return false;
    try {
      this.#run(() => this.#lastSequence());
      return true;
    } catch {
      return false;
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listeners.clear();
    this.#stopWatching();
    this.#database.close();
  }

  #read<K extends RecordKind>(kind: K, id: string): Records[K] | null {
    const row = this.#get.get(kind, id, this.#clock.wallMs());
    return row === undefined ? null : recordOfText(kind, id, textOf(row["record"]));
  }

  #write(event: RevocationEvent): number {
    const sequence = Number(this.#append.run(JSON.stringify(event)).lastInsertRowid);
    this.#trim.run(sequence - this.#eventsMax);
    return sequence;
  }

  #lastSequence(): number {
    const row = this.#last.get();
    return row === undefined ? 0 : numberOf(row["sequence"]);
  }

  /** Runs one write transaction. `flush`: the answer waits for the disk, and so do all earlier ones that did not. */
  #transact<T>(flush: boolean, work: () => T): T {
    return this.#run(() => {
      if (flush !== this.#isFlushing) this.#database.exec(`PRAGMA synchronous = ${flush ? "FULL" : "NORMAL"}`);
      this.#isFlushing = flush;
      this.#database.exec("BEGIN IMMEDIATE");
      try {
        const result = work();
        this.#database.exec("COMMIT");
        return result;
      } catch (cause) {
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
        throw cause;
      }
    });
  }

  /** Turns whatever the engine says into a StoreFailure. */
  #run<T>(work: () => T): T {
    if (this.#isClosed) throw new StoreFailure("closed", "the embedded store is closed");
    try {
      return work();
    } catch (cause) {
      throw sqliteFailure("embedded store", cause);
    }
  }

  /**
   * Tells listeners what they have not heard, in order, whichever process wrote it. Re-entered by a listener that
   * writes.
   */
  #deliver(): void {
    if (this.#isDelivering || this.#listeners.size === 0) return;
    this.#isDelivering = true;
    try {
      let isMore = true;
      while (isMore && !this.#isClosed) {
        const page = this.events(this.#delivered, EVENTS_PER_READ);
        if (!page.isComplete) this.#tellLost(page.events[0]);
        for (const stored of page.events) this.#tell(stored);
        isMore = page.events.length > 0;
      }
      this.#heardUntilMs = this.#clock.monotonicMs();
    } finally {
      this.#isDelivering = false;
    }
  }

  #tell(stored: StoredEvent): void {
    this.#delivered = stored.sequence;
    for (const listener of [...this.#listeners]) listener.storeEvent(stored);
  }

  #tellLost(next: StoredEvent | undefined): void {
    this.#delivered = next === undefined ? this.lastEvent() : next.sequence - 1;
    for (const listener of [...this.#listeners]) listener.storeEventsLost(this.#delivered);
  }

  /**
   * Other processes' writes show in the write-ahead log, whose file the kernel watches; polling covers what it misses.
   */
  #startWatching(): void {
    this.#delivered = this.lastEvent();
    this.#heardUntilMs = this.#clock.monotonicMs();
    try {
      this.#watcher = watch(`${this.#file}-wal`, { persistent: false }, () => this.#look());
      this.#watcher.on("error", () => this.#stopWatcher());
    } catch {
      this.#watcher = null;
    }
    this.#poll();
  }

  #stopWatching(): void {
    this.#stopWatcher();
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #stopWatcher(): void {
    this.#watcher?.close();
    this.#watcher = null;
  }

  #poll(): void {
    this.#timer = this.#clock.setTimer(() => {
      this.#look();
      if (this.#listeners.size > 0) this.#poll();
    }, this.#pollMs);
  }

  /** A look that fails (a locked or vanished file) is repeated by the next poll; `ready` tells the operator. */
  #look(): void {
    if (this.#isClosed) return;
    try {
      this.#deliver();
    } catch (cause) {
      if (!(cause instanceof StoreFailure)) throw cause;
    }
  }
}

/** The door for the events that the file holds: only this class writes them. */
function eventOf(text: string): RevocationEvent {
  return JSON.parse(text) as RevocationEvent;
}

function textOf(column: unknown): string {
  return typeof column === "string" ? column : "";
}

function numberOf(column: unknown): number {
  return typeof column === "bigint" || typeof column === "number" ? Number(column) : 0;
}

function isSame(present: unknown, expected: unknown): boolean {
  return JSON.stringify(present) === JSON.stringify(expected);
}
