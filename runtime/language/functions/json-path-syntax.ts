/**
 * Reads JSON paths (Jayway's JsonPath): members, indexes, wildcards, descent, slices, unions and filters. For the
 * compiler; nothing of it ships. What it does not read it refuses, and never approximates.
 */
import type { JsonPathStep } from "./json-path.ts";
import { parseJsonFilter } from "./json-filter-syntax.ts";
import type { JsonQueryStep } from "./json-query.ts";

/** Longest path, in characters. */
export const JSON_PATH_LENGTH_MAX = 1_024;
/** Most descents (`..`) of one path: each can multiply the work by the size of the document. */
const DESCENTS_MAX = 2;

/** A path, or why it cannot be used and where in it. */
export type ParsedJsonPath<S> = { readonly steps: readonly S[] } | { readonly problem: string; readonly at: number };

/** Reads `$.a['b'][0][*]..c[1:2][0,1][?(@.d=='e')]`. */
export function parseJsonPath(path: string): ParsedJsonPath<JsonQueryStep> {
  if (path.length > JSON_PATH_LENGTH_MAX) {
    return { problem: `the path has more than ${JSON_PATH_LENGTH_MAX} characters`, at: 0 };
  }
  if (!path.startsWith("$")) return { problem: "a JSON path begins with $", at: 0 };
  const steps: JsonQueryStep[] = [];
  let descents = 0;
  for (let at = 1; at < path.length; ) {
    const isDeep = path.startsWith("..", at);
    if (isDeep) descents += 1;
    if (descents > DESCENTS_MAX) return { problem: `a path has at most ${DESCENTS_MAX} descents (..)`, at };
    const found = readStep(path, isDeep ? at + 1 : at, isDeep);
    if ("problem" in found) return found;
    steps.push(isDeep ? { deep: found.step } : found.step);
    at = found.end;
  }
  return { steps };
}

/** The steps when all of them are members, indexes and wildcards; null when json-query.ts has to walk the path. */
export function plainSteps(steps: readonly JsonQueryStep[]): readonly JsonPathStep[] | null {
  const plain = steps.filter((step): step is JsonPathStep => typeof step !== "object" || step === null);
  return plain.length === steps.length ? plain : null;
}

type OneStep = Exclude<JsonQueryStep, { readonly deep: unknown }>;
type ReadStep = { readonly step: OneStep; readonly end: number } | { readonly problem: string; readonly at: number };

const MEMBER = /\.([^.[\]*'"()?@,\s]+|\*)/y;
const INDEX = /\[(?:(-?[0-9]{1,9})|(\*)|'([^'\\]*)'|"([^"\\]*)")\]/y;
const SLICE = /\[(-?[0-9]{1,9})?:(-?[0-9]{1,9})?(?::([1-9][0-9]{0,8}))?\]/y;
const UNION =
  /\[(-?[0-9]{1,9}(?:,\s*-?[0-9]{1,9})*|(?:'[^'\\]*'|"[^"\\]*")(?:,\s*(?:'[^'\\]*'|"[^"\\]*"))*)\]/y;
const PIECE = /-?[0-9]+|'([^']*)'|"([^"]*)"/g;

/** One step; behind `..` a bracket may follow at once. */
function readStep(path: string, at: number, isDeep: boolean): ReadStep {
  const start = isDeep && path[at + 1] === "[" ? at + 1 : at;
  const member = exec(MEMBER, path, start);
  if (member !== null) return memberStep(path, member, start);
  const index = exec(INDEX, path, start);
  if (index !== null) {
    const [text, number, star, single, double] = index;
    const step = number !== undefined ? Number(number) : star === undefined ? (single ?? double ?? "") : null;
    return { step, end: start + text.length };
  }
  const slice = exec(SLICE, path, start);
  if (slice !== null) {
    const [text, from, to, by] = slice;
    const bound = (digits: string | undefined): number | null => (digits === undefined ? null : Number(digits));
    return { step: { slice: [bound(from), bound(to), Number(by ?? 1)] }, end: start + text.length };
  }
  const union = exec(UNION, path, start);
  if (union !== null) {
    const pieces = [...(union[1] ?? "").matchAll(PIECE)];
    return { step: { union: pieces.map(([text, a, b]) => a ?? b ?? Number(text)) }, end: start + union[0].length };
  }
  if (path.startsWith("[?", start)) return readFilter(path, start);
  return { problem: `${JSON.stringify(path.slice(at, at + 20))} cannot be read in a JSON path`, at };
}

function memberStep(path: string, [whole, name = ""]: RegExpExecArray, start: number): ReadStep {
  const end = start + whole.length;
  if (path[end] === "(") return { problem: "functions are not supported in JSON paths", at: end };
  return { step: name === "*" ? null : name, end };
}

function readFilter(path: string, start: number): ReadStep {
  const found = parseJsonFilter(path, start + 2);
  if ("problem" in found) return found;
  if (path[found.end] !== "]") return { problem: "this filter is not closed by ]", at: found.end };
  return { step: { filter: found.filter }, end: found.end + 1 };
}

function exec(pattern: RegExp, text: string, index: number): RegExpExecArray | null {
  pattern.lastIndex = index;
  return pattern.exec(text);
}
