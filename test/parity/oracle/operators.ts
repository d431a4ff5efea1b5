/**
 * The operators of conditions, read off the reference (apigee-core sections 4.2 to 4.5): the null table as a table, the
 * adaptation of types as a lattice, patterns by trying every split. Slow on purpose; shares nothing with the runtime.
 */
import type { Value } from "../outcome.ts";

export type OperatorName =
  | "equals" | "notEquals" | "equalsIgnoreCase" | "greater" | "greaterOrEqual" | "less" | "lessOrEqual" | "startsWith"
  | "glob" | "notGlob" | "path" | "regex";

type Present = Exclude<Value, null>;

interface Row {
  readonly leftNull: boolean;
  readonly rightNull: boolean;
  readonly bothNull: boolean;
  readonly compare: (left: Present, right: Present) => boolean;
}

/** A table of operators; tests put a wrong one in, to see that it is noticed. */
export type Operators = Readonly<Record<OperatorName, Row>>;

export const operators: Operators = {
  equals: row(false, false, true, (a, b) => adapted(a, b, (x, y) => x === y)),
  notEquals: row(true, true, false, (a, b) => !adapted(a, b, (x, y) => x === y)),
  equalsIgnoreCase: row(false, false, true, (a, b) => sameLetters(String(a), String(b))),
  greater: row(true, false, false, (a, b) => adapted(a, b, (x, y) => x > y)),
  greaterOrEqual: row(false, true, true, (a, b) => adapted(a, b, (x, y) => x >= y)),
  less: row(true, false, false, (a, b) => adapted(a, b, (x, y) => x < y)),
  lessOrEqual: row(true, false, true, (a, b) => adapted(a, b, (x, y) => x <= y)),
  startsWith: row(false, false, false, (a, b) => String(a).slice(0, String(b).length) === String(b)),
  glob: row(false, false, false, (a, b) => glob([...String(b)], [...String(a)])),
  notGlob: row(true, false, false, (a, b) => !glob([...String(b)], [...String(a)])),
  path: row(false, false, false, (a, b) => path(String(b).split("/"), String(a).split("/"))),
  regex: row(false, false, false, (a, b) => javaRegex(String(b), String(a))),
};

/** Applies an operator. */
export function apply(table: Operators, name: OperatorName, left: Value, right: Value): boolean {
  const { leftNull, rightNull, bothNull, compare } = table[name];
  if (left === null && right === null) return bothNull;
  if (left === null) return leftNull;
  return right === null ? rightNull : compare(left, right);
}

function row(leftNull: boolean, rightNull: boolean, bothNull: boolean, compare: Row["compare"]): Row {
  return { leftNull, rightNull, bothNull, compare };
}

/** Boolean < number < text; the wider of the two wins. */
function adapted(
  left: Present,
  right: Present,
  compare: (left: string | number, right: string | number) => boolean,
): boolean {
  const width = Math.max(widthOf(left), widthOf(right));
  const as = (value: Present): string | number => {
    if (width === 2) return `${value}`;
    return typeof value === "boolean" ? (value ? 1 : 0) : value;
  };
  return compare(as(left), as(right));
}

function widthOf(value: Present): number {
  return ["boolean", "number", "string"].indexOf(typeof value);
}

function sameLetters(left: string, right: string): boolean {
  const fold = (text: string): string => [...text].map((letter) => letter.toUpperCase().toLowerCase()).join("");
  return fold(left) === fold(right);
}

/** `*` is any run, of nothing too. */
function glob(pattern: readonly string[], value: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return value.length === 0;
  if (first === "*") return glob(rest, value) || (value.length > 0 && glob(pattern, value.slice(1)));
  return value[0] === first && glob(rest, value.slice(1));
}

/** `**` is one or more segments: any at the end, at least one character before others (docs/differences.md). */
function path(pattern: readonly string[], value: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return value.length === 0;
  if (first === "**") {
    for (let taken = 1; taken <= value.length; taken++) {
      const isSome = rest.length === 0 || value.slice(0, taken).join("/") !== "";
      if (isSome && path(rest, value.slice(taken))) return true;
    }
    return false;
  }
  const [segment, ...others] = value;
  return segment !== undefined && pathSegment(first, segment) && path(rest, others);
}

function pathSegment(pattern: string, segment: string): boolean {
  if (pattern === "*" || /^\{[^{}%]*\}$/.test(pattern)) return segment !== "";
  return pieces(segmentTokens(pattern), segment);
}

/** A null token is any run within the segment. */
function pieces(tokens: readonly (string | null)[], text: string): boolean {
  const [first, ...rest] = tokens;
  if (first === undefined) return text === "";
  if (first === null) return pieces(rest, text) || (text !== "" && pieces(tokens, text.slice(1)));
  return text.startsWith(first) && pieces(rest, text.slice(first.length));
}

function segmentTokens(pattern: string): (string | null)[] {
  const found = pattern.match(/%[*{}%]|\*+|\{[^}]*\}|[^]/g) ?? [];
  return found.map((token) => {
    if (/^%[*{}%]$/.test(token)) return token.slice(1);
    return token.startsWith("*") || /^\{[^]*\}$/.test(token) ? null : token;
  });
}

/** Whole value (Matcher.matches); what Java and JavaScript share. */
function javaRegex(pattern: string, value: string): boolean {
  const isFolded = pattern.startsWith("(?i)");
  return new RegExp(`^(?:${isFolded ? pattern.slice(4) : pattern})$`, isFolded ? "i" : "").test(value);
}
