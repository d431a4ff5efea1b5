/**
 * Where things stand in the user's files: spans, and the index from model values back to them. It holds no text of
 * its own and decides nothing.
 */
import type { SourceFile } from "./source-file.ts";

/** A range of one file; offsets in UTF-16 units, `end` exclusive. */
export interface Span {
  readonly file: SourceFile;
  readonly start: number;
  readonly end: number;
}

/** Finds the span of an object of the model, or of one of its keys or items. */
export interface Positions {
  /** The value itself, or, with a key, the value under that key; falls back to the nearest enclosing value. */
  of(node: object, key?: string | number): Span;
  /** The key's own text, where the value's would not do (an unknown key, a name). */
  ofKey(node: object, key: string): Span;
  /**
   * A range inside a scalar's text: `start` and `end` count in the value as parsed. Exact for plain and single-line
   * quoted scalars; for block scalars the nearest that can be known.
   */
  within(node: object, key: string | number, start: number, end: number): Span;
}
