/**
 * Notes of what is open, by process, in a file that several processes share: a process that ends in order has taken its
 * own away; those of one that was killed are found by the next, because the system has let go of its lock. It knows
 * nothing of what a note says. Everything here runs in a transaction of the caller's.
 */
import { lockFile, type DatabaseSync, type FileLock, type StatementSync } from "./sqlite.ts";

export const LIVE_SCHEMA = `
  CREATE TABLE IF NOT EXISTS processes (number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS live (id INTEGER PRIMARY KEY, note TEXT NOT NULL);
`;
/** Ids of one process: its number, and one for each note. */
const IDS = 2 ** 32;

/** A process that is gone and left notes. */
export interface Abandoned {
  readonly number: number;
  /** Wall clock at which it was last heard of. */
  readonly atMs: number;
  readonly lock: FileLock;
}

export class LiveNotes {
  readonly #file: string;
  readonly #add: StatementSync;
  readonly #remove: StatementSync;
  readonly #some: StatementSync;
  readonly #register: StatementSync;
  readonly #touch: StatementSync;
  readonly #unregister: StatementSync;
  readonly #others: StatementSync;
  #own: { readonly number: number; readonly lock: FileLock } | null = null;
  #serial = 0;

  constructor(database: DatabaseSync, file: string) {
    this.#file = file;
    const prepare = (sql: string): StatementSync => database.prepare(sql);
    this.#add = prepare("INSERT INTO live (id, note) VALUES (?, ?)");
    this.#remove = prepare("DELETE FROM live WHERE id = ?");
    this.#some = prepare("SELECT id, note FROM live WHERE id > ? AND id <= ? ORDER BY id LIMIT ?");
    this.#register = prepare("INSERT INTO processes (at) VALUES (?)");
    this.#touch = prepare("UPDATE processes SET at = ? WHERE number = ?");
    this.#unregister = prepare("DELETE FROM processes WHERE number = ?");
    this.#others = prepare("SELECT number, at FROM processes WHERE number <> ? ORDER BY number");
  }

  /** Whether this process has its place. */
  get isRegistered(): boolean {
    return this.#own !== null;
  }

  /** Takes a place and locks it, in a transaction that does nothing else; `undo` where that fails. */
  register(nowMs: number): void {
    const number = Number(this.#register.run(nowMs).lastInsertRowid);
    const lock = lockFile(this.#lockPath(number));
    if (lock !== null) this.#own = { number, lock };
  }

  undo(): void {
    this.#own?.lock.release();
    this.#own = null;
  }

  /** Says that the process lives. */
  touch(nowMs: number): void {
    if (this.#own !== null) this.#touch.run(nowMs, this.#own.number);
  }

  /** Writes notes; their ids. Call `register` before. */
  add(notes: readonly string[]): readonly number[] {
    const first = (this.#own?.number ?? 0) * IDS;
    return notes.map((note) => {
      const id = first + ++this.#serial;
      this.#add.run(id, note);
      return id;
    });
  }

  remove(ids: readonly number[]): void {
    for (const id of ids) this.#remove.run(id);
  }

  /** The first process that is gone, locked so that no other looks after it; null: there is none. */
  abandoned(): Abandoned | null {
    for (const { number, at } of this.#others.all(this.#own?.number ?? 0)) {
      const lock = lockFile(this.#lockPath(Number(number)));
      if (lock !== null) return { number: Number(number), atMs: Number(at), lock };
    }
    return null;
  }

  /** Some notes of a process. */
  of(number: number, limit: number): readonly { readonly id: number; readonly note: string }[] {
    const rows = this.#some.all(number * IDS, number * IDS + IDS - 1, limit);
    return rows.map(({ id, note }) => ({ id: Number(id), note: String(note) }));
  }

  /** Nothing of a process is left. */
  forget(number: number): void {
    this.#unregister.run(number);
  }

  /** Ends in order. What is open all the same is for the next process: its place stays. */
  leave(): void {
    if (this.#own === null || this.of(this.#own.number, 1).length > 0) return;
    this.forget(this.#own.number);
    this.undo();
  }

  #lockPath(number: number): string {
    return `${this.#file}-alive-${number}`;
  }
}
