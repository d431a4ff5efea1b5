/**
 * Remembers where the values of parsed documents stand. Values are found by identity, so a copy of a value must be
 * made known as one. It reads no YAML and reports nothing.
 */
import type { Positions, Span } from "./positions.ts";
import type { SourceFile } from "./source-file.ts";

/** How a scalar is written, which decides how offsets in its value relate to offsets in the file. */
export type ScalarStyle = "plain" | "single" | "double" | "block";

/** Offsets of one entry of a map or list. */
export interface EntryPlace {
  readonly key: readonly [start: number, end: number] | null;
  readonly value: readonly [start: number, end: number];
  /** Set for texts only. */
  readonly style?: ScalarStyle;
  /** The text as parsed; with style. */
  readonly text?: string;
}

interface NodePlace {
  readonly file: SourceFile;
  readonly start: number;
  readonly end: number;
  readonly entries: ReadonlyMap<string | number, EntryPlace>;
}

/** The one implementation of `Positions`. */
export class PositionIndex implements Positions {
  readonly #places = new WeakMap<object, NodePlace>();

  /** Makes a value known, with its entries by key or index. */
  add(
    node: object,
    file: SourceFile,
    range: readonly [start: number, end: number],
    entries: ReadonlyMap<string | number, EntryPlace>,
  ): void {
    this.#places.set(node, { file, start: range[0], end: range[1], entries });
  }

  /** Lets a copy stand where its original stands. */
  alias(copy: object, original: object): void {
    this.#places.set(copy, this.#place(original));
  }

  of(node: object, key?: string | number): Span {
    const place = this.#place(node);
    const entry = key === undefined ? undefined : place.entries.get(key);
    if (entry === undefined) return { file: place.file, start: place.start, end: place.end };
    const [start, end] = entry.value[0] < entry.value[1] ? entry.value : (entry.key ?? entry.value);
    return { file: place.file, start, end };
  }

  ofKey(node: object, key: string): Span {
    const place = this.#place(node);
    const entry = place.entries.get(key);
    if (entry?.key == null) return this.of(node, key);
    return { file: place.file, start: entry.key[0], end: entry.key[1] };
  }

  within(node: object, key: string | number, start: number, end: number): Span {
    const place = this.#place(node);
    const entry = place.entries.get(key);
    if (entry?.style === undefined || entry.text === undefined) return this.of(node, key);
    const source = place.file.text.slice(entry.value[0], entry.value[1]);
    const offsets = align(source, entry.text, entry.style);
    const last = offsets.length - 1;
    const from = offsets[Math.min(Math.max(start, 0), last)] ?? 0;
    const to = end <= start ? from : (offsets[Math.min(end, last) - 1] ?? from) + 1;
    return { file: place.file, start: entry.value[0] + from, end: entry.value[0] + Math.max(from, to) };
  }

  #place(node: object): NodePlace {
    const place = this.#places.get(node);
    if (place === undefined) throw new Error("assertion: positions are asked for a value that no file holds");
    return place;
  }
}

/**
 * For each character of the value, its offset in the source; one more entry for the value's end. Characters that the
 * source writes in another way (escapes, folded line ends) map to where their writing begins.
 */
function align(source: string, value: string, style: ScalarStyle): number[] {
  const offsets: number[] = [];
  let at = style === "block" ? lineAfter(source, 0) : style === "plain" ? 0 : 1;
  for (let i = 0; i < value.length; i++) {
    const wanted = value[i] ?? "";
    if (style === "double" && source[at] === "\\") {
      offsets.push(at);
      at += escapeLength(source, at);
      continue;
    }
    if (source[at] !== wanted) at = skipBlank(source, at, wanted);
    offsets.push(Math.min(at, source.length));
    at += style === "single" && wanted === "'" ? 2 : 1;
  }
  offsets.push(Math.min(at, source.length));
  return offsets;
}

function lineAfter(source: string, from: number): number {
  const end = source.indexOf("\n", from);
  return end < 0 ? source.length : end + 1;
}

/** Over indentation and line ends to the wanted character, or, where it is not next, to the place itself. */
function skipBlank(source: string, from: number, wanted: string): number {
  let at = from;
  while (at < source.length && source[at] !== wanted && /[ \t\r\n]/.test(source[at] ?? "")) at++;
  return source[at] === wanted ? at : from;
}

function escapeLength(source: string, at: number): number {
  const letter = source[at + 1] ?? "";
  if (letter === "x") return 4;
  if (letter === "u") return 6;
  return letter === "U" ? 10 : 2;
}
