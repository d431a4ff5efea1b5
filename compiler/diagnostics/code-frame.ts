/** The lines around a place, with a caret line below. It draws text and colours nothing. */
import type { SourceFile } from "../source/source-file.ts";
import type { Span } from "../source/positions.ts";
import { visible } from "./visible.ts";

/** Longer lines are cut around the place. */
const LINE_MAX = 160;
/** Characters kept in front of a place in a line that is cut. */
const LEAD = 60;

/** What a frame shows besides the line of its place. */
export interface FrameOptions {
  /** Show the line before too, when it is not blank. */
  readonly context?: boolean;
  /** Places of secrets: their characters are written as asterisks wherever a frame would show them. */
  readonly concealed?: readonly Span[];
}

/**
 * Lines of the frame. The place's own line begins with `>`, the caret line follows it. A place of several lines is
 * underlined on its first.
 */
export function codeFrame(span: Span, { context = false, concealed = [] }: FrameOptions = {}): string[] {
  const { file } = span;
  const { line, column } = file.place(span.start);
  const text = lineText(file, line, concealed);
  const end = file.place(span.end);
  const length = Math.max(1, (end.line === line ? end.column : text.trimEnd().length + 1) - column);
  const cutFrom = text.length > LINE_MAX ? Math.max(0, column - 1 - LEAD) : 0;
  const shown = text.slice(cutFrom, cutFrom + LINE_MAX);
  const from = column - 1 - cutFrom;
  const before = visible(shown.slice(0, from));
  const carets = "^".repeat(Math.max(1, visible(shown.slice(from, from + length)).length));
  const width = String(line).length;
  const lines = [
    `> ${String(line)} | ${visible(shown)}`,
    `  ${" ".repeat(width)} | ${" ".repeat(before.length)}${carets}`,
  ];
  const previous = context && line > 1 ? lineText(file, line - 1, concealed) : "";
  if (previous.trim() !== "")
    lines.unshift(`  ${String(line - 1).padStart(width)} | ${visible(previous.slice(0, LINE_MAX))}`);
  return lines;
}

function lineText(file: SourceFile, line: number, concealed: readonly Span[]): string {
  let from = 0;
  for (let at = 1; at < line; at++) {
    const end = file.text.indexOf("\n", from);
    if (end < 0) return "";
    from = end + 1;
  }
  const end = file.text.indexOf("\n", from);
  let text = file.text.slice(from, end < 0 ? file.text.length : end);
  if (text.endsWith("\r")) text = text.slice(0, -1);
  for (const secret of concealed) {
    if (secret.file !== file) continue;
    const start = Math.min(Math.max(secret.start - from, 0), text.length);
    const stop = Math.min(Math.max(secret.end - from, start), text.length);
    text = text.slice(0, start) + text.slice(start, stop).replace(/\S/g, "*") + text.slice(stop);
  }
  return text;
}
