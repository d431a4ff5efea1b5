/**
 * The rows of a long list that somebody looks at, and few more: asked for in chunks, asked again while they are in
 * view, forgotten when they are far from it.
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { line, Refusal } from "../connection.ts";
import { pageQuery, type SessionPage, type SessionRow } from "./session.ts";

const CHUNK_ROWS = 100;
/** Chunks kept around those in view. */
const CHUNKS_KEPT = 20;
const REFRESH_MS = 2_000;

export interface SessionRows {
  readonly matched: number;
  readonly total: number;
  /** Why there are none; null when nothing was wrong. */
  readonly problem: string | null;
  /** False before the first answer. */
  readonly isKnown: boolean;
  readonly row: (at: number) => SessionRow | null;
  readonly look: (from: number, to: number) => void;
  readonly refresh: () => void;
}

/** Rows of the sessions that a filter means. `isLive`: keep asking. */
export function useSessionRows(filter: Readonly<Record<string, string>>, isLive: boolean): SessionRows {
  const about = JSON.stringify(filter);
  const [, redraw] = useState(0);
  const window = useRef<RowWindow | null>(null);
  if (window.current?.about !== about) {
    window.current?.close();
    window.current = new RowWindow(about, filter, () => redraw((before) => before + 1));
  }
  const { current } = window;
  useEffect(() => {
    current.setLive(isLive);
    return () => current.close();
  }, [current, isLive]);
  useEffect(() => line.watch(() => line.state === "ready" && current.refresh()), [current]);
  return current;
}

class RowWindow implements SessionRows {
  readonly about: string;
  readonly #filter: Readonly<Record<string, string>>;
  readonly #changed: () => void;
  readonly #chunks = new Map<number, readonly SessionRow[]>();
  readonly #asked = new Set<number>();
  #from = 0;
  #to = 0;
  #timer = 0;
  matched = 0;
  total = 0;
  problem: string | null = null;
  isKnown = false;

  constructor(about: string, filter: Readonly<Record<string, string>>, changed: () => void) {
    this.about = about;
    this.#filter = filter;
    this.#changed = changed;
  }

  readonly row = (at: number): SessionRow | null => {
    return this.#chunks.get(Math.floor(at / CHUNK_ROWS))?.[at % CHUNK_ROWS] ?? null;
  };

  readonly look = (from: number, to: number): void => {
    this.#from = Math.floor(from / CHUNK_ROWS);
    this.#to = Math.floor(Math.max(to - 1, from) / CHUNK_ROWS);
    for (let chunk = this.#from; chunk <= this.#to; chunk++) if (!this.#chunks.has(chunk)) void this.#ask(chunk);
    this.#forgetFar();
  };

  readonly refresh = (): void => {
    for (let chunk = this.#from; chunk <= this.#to; chunk++) void this.#ask(chunk);
  };

  setLive(isLive: boolean): void {
    clearInterval(this.#timer);
    if (isLive)
      this.#timer = window.setInterval(
        () => !document.hidden && line.state === "ready" && this.refresh(),
        REFRESH_MS,
      );
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #ask(chunk: number): Promise<void> {
    // Behind the end there is nothing to ask for, but the beginning tells how many there are.
    const isBeyond = this.isKnown && chunk > 0 && chunk * CHUNK_ROWS >= this.matched;
    if (isBeyond || this.#asked.has(chunk)) return;
    this.#asked.add(chunk);
    try {
      const query = pageQuery(this.#filter, chunk * CHUNK_ROWS, CHUNK_ROWS);
      const page = await line.get<SessionPage>("/v1/sessions", query);
      this.#chunks.set(chunk, page.sessions);
      this.matched = page.matched;
      this.total = page.total;
      this.problem = null;
      this.isKnown = true;
    } catch (problem) {
      if (!(problem instanceof Refusal)) throw problem;
      if (problem.status === 0 || problem.status === 401) return;
      this.#chunks.clear();
      this.matched = 0;
      this.problem = problem.message;
      this.isKnown = true;
    } finally {
      this.#asked.delete(chunk);
      this.#changed();
    }
  }

  #forgetFar(): void {
    for (const chunk of this.#chunks.keys()) {
      if (chunk < this.#from - CHUNKS_KEPT || chunk > this.#to + CHUNKS_KEPT) this.#chunks.delete(chunk);
    }
  }
}
