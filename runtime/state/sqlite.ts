/**
 * The door to node:sqlite, which is loaded when a file is opened and not before. It opens a file that only its owner
 * can read, and turns what the engine says into a StoreFailure; what is in the file is its owner's business.
 */
import { closeSync, existsSync, openSync, rmSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { StoreFailure } from "./store.ts";

export type { DatabaseSync, StatementSync } from "node:sqlite";

/** What a file of SQLite holds and how long to wait for another process that writes it. */
export interface FileSpec {
  /** For messages. */
  readonly what: string;
  /** Written into the file; one with a higher number was made by a later version and is refused. */
  readonly format: number;
  /** Statements that make what is not there yet. */
  readonly schema: string;
  /** How a file of an earlier format becomes one of this: before and after the statements of `schema`. */
  readonly upgrade?: { readonly from: number; readonly before: string; readonly after: string };
  readonly busyMs: number;
}

/** Opens or creates the file with a write-ahead log. Throws StoreFailure when that is not possible. */
export function openDatabase(file: string, { busyMs, format, schema, upgrade, what }: FileSpec): DatabaseSync {
  try {
    closeSync(openSync(file, "a", 0o600));
    const database = new (databaseClass())(file, { timeout: busyMs });
    const found = formatOf(database);
    if (found > format) {
      database.close();
      throw new StoreFailure("unavailable", `the file has format ${found}, this version knows ${format}`);
    }
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    database.exec("BEGIN IMMEDIATE;");
    // Another process may have been first: only now does nobody else change it.
    const isOld = upgrade !== undefined && formatOf(database) === upgrade.from;
    const statements = isOld ? [upgrade.before, schema, upgrade.after] : [schema];
    database.exec(`${statements.join("\n")} PRAGMA user_version = ${format}; COMMIT;`);
    return database;
  } catch (cause) {
    throw sqliteFailure(what, cause);
  }
}

/** A lock that the system itself lets go of when the process is gone, however it goes. */
export interface FileLock {
  /** Lets go of it; `file` goes too. */
  release(): void;
}

/** Locks a file that holds nothing, without waiting; null: somebody has it. Throws StoreFailure. */
export function lockFile(file: string): FileLock | null {
  try {
    // Closing any descriptor of a file lets go of this process's own locks on it (POSIX).
    if (!existsSync(file)) closeSync(openSync(file, "a", 0o600));
    const database = new (databaseClass())(file, { timeout: 0 });
    try {
      // Nothing is ever written, so that no journal has to lie beside it.
      database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE;");
    } catch (cause) {
      database.close();
      if (cause instanceof Error && /locked|busy/.test(cause.message)) return null;
      throw cause;
    }
    return {
      release() {
        // First the name, then the lock: nobody must lock a file that is about to lose its name.
        rmSync(file, { force: true });
        database.close();
      },
    };
  } catch (cause) {
    throw sqliteFailure("lock of a process", cause);
  }
}

/** 0 for a new file. */
function formatOf(database: DatabaseSync): number {
  const found = database.prepare("PRAGMA user_version").get()?.["user_version"];
  return typeof found === "number" ? found : 0;
}

/** A failure as the store's interface has it. The engine's texts name tables and conditions, never values. */
export function sqliteFailure(what: string, cause: unknown): StoreFailure {
  if (cause instanceof StoreFailure) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  return new StoreFailure(/full/.test(text) ? "full" : "unavailable", `${what}: ${text}`, cause);
}

/** Node 26.11 renames the class; its types know one of the names only. */
function databaseClass(): typeof DatabaseSync {
  const sqlite: { DatabaseSync?: typeof DatabaseSync; Database?: typeof DatabaseSync } =
    process.getBuiltinModule("node:sqlite");
  const found = sqlite.Database ?? sqlite.DatabaseSync;
  if (found === undefined) throw new StoreFailure("unavailable", "this Node has no node:sqlite");
  return found;
}
