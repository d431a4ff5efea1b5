/**
 * Noticing that files changed, whichever way: written in place, replaced by a rename, or behind a symbolic link that
 * was switched (as Kubernetes does with mounted secrets). It watches directories, because a watch on a file dies with
 * the file; it never reads contents.
 */
import { realpathSync, statSync, watch, type FSWatcher } from "node:fs";
import { dirname } from "node:path";
import type { Clock, Timer } from "../clock.ts";

export interface FileWatchOptions {
  readonly files: readonly string[];
  readonly clock: Clock;
  /** Quiet time after the last change before `onChange` is called. */
  readonly settleMs: number;
  readonly onChange: () => void;
}

/** Between two looks at the files themselves, for file systems that report nothing (network mounts). */
const POLL_MS = 60_000;

export class FileWatch {
  readonly #options: FileWatchOptions;
  #watchers: FSWatcher[] = [];
  #settling: Timer | null = null;
  #polling: Timer;
  #state: string;
  #closed = false;

  constructor(options: FileWatchOptions) {
    this.#options = options;
    this.#state = this.#look();
    this.#watchDirectories();
    this.#polling = this.#poll();
  }

  close(): void {
    this.#closed = true;
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
    if (this.#settling !== null) this.#options.clock.clearTimer(this.#settling);
    this.#options.clock.clearTimer(this.#polling);
  }

  #watchDirectories(): void {
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
    const directories = new Set<string>();
    for (const file of this.#options.files) {
      directories.add(dirname(file));
      const real = realPath(file);
      if (real !== null) directories.add(dirname(real));
    }
    for (const directory of directories) this.#watchDirectory(directory);
  }

  #watchDirectory(directory: string): void {
    try {
      const watcher = watch(directory, { persistent: false }, () => this.#settle());
      watcher.on("error", () => undefined); // The directory went away: the poll goes on.
      this.#watchers.push(watcher);
    } catch {
      // No permission, or no watches left: the poll goes on.
    }
  }

  #settle(): void {
    if (this.#closed) return;
    const { clock, settleMs } = this.#options;
    if (this.#settling !== null) clock.clearTimer(this.#settling);
    this.#settling = clock.setTimer(() => this.#compare(), settleMs);
  }

  #poll(): Timer {
    return this.#options.clock.setTimer(() => {
      this.#polling = this.#poll();
      this.#compare();
    }, POLL_MS);
  }

  #compare(): void {
    this.#settling = null;
    if (this.#closed) return;
    const state = this.#look();
    if (state === this.#state) return;
    this.#state = state;
    this.#watchDirectories();
    this.#options.onChange();
  }

  /** What tells one version of the files from another. */
  #look(): string {
    return this.#options.files.map(stamp).join("\n");
  }
}

function stamp(file: string): string {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(file);
    return `${realpathSync(file)} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch {
    return "-";
  }
}

function realPath(file: string): string | null {
  try {
    return realpathSync(file);
  } catch {
    return null;
  }
}
