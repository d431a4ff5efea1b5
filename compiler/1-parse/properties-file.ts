/**
 * Files of property sets in Java's form (java.util.Properties.load): text -> keys and values with positions. What a
 * set may hold is checked here too, by the rules of the YAML form; what it is good for is not its business.
 */
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { PropertyFile } from "../ir/syntax.ts";
import type { EntryPlace, PositionIndex } from "../source/position-index.ts";
import type { SourceFile } from "../source/source-file.ts";

/** As schema/shared.schema.json has them for the YAML form. */
const KEYS_MAX = 1000;
const VALUE_CHARS_MAX = 16_384;
const KEY_FORM = /^[A-Za-z0-9._-]{1,255}$/;

type Range = readonly [start: number, end: number];

/** A logical line without the backslashes and blanks of its breaks, and where in the file it is. */
interface LogicalLine {
  readonly text: string;
  /** Offset of each character, and of the end. */
  readonly offsets: readonly number[];
}

/** Parses a file. Whatever is wrong with a line is reported, and the line is left out. */
export function parseProperties(
  file: SourceFile,
  positions: PositionIndex,
  diagnostics: Diagnostics,
): PropertyFile["values"] {
  const values: Record<string, string> = {};
  const entries = new Map<string, EntryPlace>();
  const report = (problem: string, [start, end]: Range): void =>
    void diagnostics.report("AGW1033", { file, start, end }, { problem });
  for (const line of logicalLines(file.text)) {
    const property = split(line);
    if (typeof property === "string") {
      report(property, [line.offsets[0] ?? 0, line.offsets.at(-1) ?? 0]);
      continue;
    }
    const { key, value, place } = property;
    const earlier = entries.get(key);
    const wrong = problemOf(key, value, entries.size);
    if (wrong !== null) report(wrong, place.key);
    else if (earlier !== undefined) {
      const [start = 0, end = 0] = earlier.key ?? [];
      const related = [{ span: { file, start, end }, message: "the first one is here" }];
      diagnostics.report("AGW1007", { file, start: place.key[0], end: place.key[1] }, { key }, { related });
    } else {
      entries.set(key, place);
      values[key] = value;
    }
  }
  positions.add(values, file, [0, 0], entries);
  return values;
}

function problemOf(key: string, value: string, count: number): string | null {
  if (key === "") return "a key stands in front of = or :";
  if (["__proto__", "constructor", "prototype"].includes(key)) return `the key "${key}" is not allowed`;
  if (!KEY_FORM.test(key)) return "a key has at most 255 letters, digits, `.`, `_` and `-`";
  if (value.length > VALUE_CHARS_MAX) return `a value has at most ${VALUE_CHARS_MAX} characters`;
  return count >= KEYS_MAX ? `a property set has at most ${KEYS_MAX} keys` : null;
}

/** Lines that hold a property, those that end in a backslash with what follows; no comments and no blank lines. */
function logicalLines(text: string): LogicalLine[] {
  const lines: LogicalLine[] = [];
  for (let at = text.startsWith("\ufeff") ? 1 : 0; at < text.length; ) {
    at = overBlanks(text, at);
    const first = text[at] ?? "\n";
    if (first === "\n" || first === "\r") at++;
    else if (first === "#" || first === "!") at = lineEnd(text, at);
    else {
      const line = logicalLine(text, at);
      lines.push(line);
      at = line.offsets.at(-1) ?? text.length;
    }
  }
  return lines;
}

function logicalLine(text: string, start: number): LogicalLine {
  const offsets: number[] = [];
  let joined = "";
  for (let at = start; ; ) {
    const end = lineEnd(text, at);
    const goesOn = isOpen(text, at, end);
    const stop = goesOn ? end - 1 : end;
    joined += text.slice(at, stop);
    for (; at < stop; at++) offsets.push(at);
    if (!goesOn || end >= text.length) return { text: joined, offsets: [...offsets, end] };
    at = overBlanks(text, end + (text.startsWith("\r\n", end) ? 2 : 1));
  }
}

/** True when the line ends in an odd number of backslashes. */
function isOpen(text: string, start: number, end: number): boolean {
  let count = 0;
  while (end - count > start && text[end - count - 1] === "\\") count++;
  return count % 2 === 1;
}

function lineEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== "\n" && text[at] !== "\r") at++;
  return at;
}

function overBlanks(text: string, from: number): number {
  let at = from;
  while (isBlank(text[at])) at++;
  return at;
}

function isBlank(sign: string | undefined): boolean {
  return sign === " " || sign === "\t" || sign === "\f";
}

interface Property {
  readonly key: string;
  readonly value: string;
  readonly place: EntryPlace & { readonly key: Range };
}

/** Key, value and their places; a text says what is wrong. */
function split({ text, offsets }: LogicalLine): Property | string {
  let keyEnd = 0;
  while (keyEnd < text.length && !isBlank(text[keyEnd]) && text[keyEnd] !== "=" && text[keyEnd] !== ":") {
    keyEnd += text[keyEnd] === "\\" ? 2 : 1;
  }
  keyEnd = Math.min(keyEnd, text.length);
  let from = overBlanks(text, keyEnd);
  if (text[from] === "=" || text[from] === ":") from = overBlanks(text, from + 1);
  const key = unescaped(text.slice(0, keyEnd));
  const value = unescaped(text.slice(from));
  if (key === null || value === null) return "behind \\u stand four hexadecimal digits";
  const offset = (at: number): number => offsets[at] ?? 0;
  const ended = offsets.at(-1) ?? 0;
  const keyRange: Range = [offset(0), keyEnd === 0 ? offset(0) + 1 : offset(keyEnd - 1) + 1];
  return { key, value, place: { key: keyRange, value: [from < text.length ? offset(from) : ended, ended] } };
}

const escapes: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", f: "\f" };

/** Java's escapes undone: a backslash in front of any other character goes. Null: a broken \u. */
function unescaped(text: string): string | null {
  if (/(?<!\\)(?:\\\\)*\\u(?![0-9A-Fa-f]{4})/.test(text)) return null;
  return text.replace(/\\(?:u([0-9A-Fa-f]{4})|([^]))/g, (_, code: string | undefined, sign: string | undefined) =>
    code === undefined ? (escapes[sign ?? ""] ?? sign ?? "") : String.fromCharCode(Number.parseInt(code, 16)));
}
