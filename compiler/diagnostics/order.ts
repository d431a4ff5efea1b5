/** Which diagnostics are shown and in which order: the same for every output form. */
import type { Diagnostic } from "./diagnostic.ts";
import type { Span } from "../source/positions.ts";

/** What every renderer can be told. */
export interface RenderOptions {
  /** Path of the project from the working directory, with forward slashes; empty when they are the same. */
  readonly prefix?: string;
  /** More problems than this are counted and not shown; errors are preferred. Default: all. */
  readonly maxProblems?: number;
}

/** A place as people and tools write it: lines and columns count from 1. */
export interface WrittenPlace {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** Diagnostics by file, line and column; those without a place first. Nothing is dropped. */
function inOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return [...diagnostics].sort(compare);
}

/** Those that `maxProblems` leaves, in order. */
export function shownOf(diagnostics: readonly Diagnostic[], options: RenderOptions): Diagnostic[] {
  const max = options.maxProblems ?? Number.POSITIVE_INFINITY;
  const ordered = inOrder(diagnostics);
  if (ordered.length <= max) return ordered;
  const errors = ordered.filter((diagnostic) => diagnostic.severity === "error");
  const warnings = ordered.filter((diagnostic) => diagnostic.severity === "warning");
  return inOrder([...errors, ...warnings].slice(0, max));
}

/** Writes a span as a place; the path is seen from the working directory. */
export function writtenPlace(span: Span, options: RenderOptions): WrittenPlace {
  const start = span.file.place(span.start);
  const end = span.file.place(Math.max(span.start, span.end));
  const prefix = options.prefix === undefined || options.prefix === "" ? "" : `${options.prefix}/`;
  return { path: `${prefix}${span.file.path}`, ...start, endLine: end.line, endColumn: end.column };
}

function compare(a: Diagnostic, b: Diagnostic): number {
  if (a.span === null || b.span === null) {
    if (a.span !== b.span) return a.span === null ? -1 : 1;
    return order(a.code, b.code) || order(a.message, b.message);
  }
  const byPath = order(a.span.file.path, b.span.file.path);
  return byPath || a.span.start - b.span.start || order(a.code, b.code) || order(a.message, b.message);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
