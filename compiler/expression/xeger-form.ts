/**
 * Regular expressions as forms that the template function `xeger` makes text from. What looks around or gives nothing
 * back is refused: a random text would rarely match it.
 */
import type { XegerForm } from "#runtime/language/functions/xeger-form.ts";
import { intersection, type CodePoints } from "./code-points.ts";
import { javaRegexTree } from "./java-regex.ts";
import { listed } from "./java-regex-property.ts";
import type { RegexNode } from "./java-regex-tree.ts";

/** Repetitions without an end stop this far above their least count. */
const XEGER_REPEAT_MAX = 10;
/** Longest text that an expression may give, in characters. */
export const XEGER_LENGTH_MAX = 4_096;

const PRINTABLE: CodePoints = [[0x20, 0x7e]];

/** The form of a pattern, or why there is none. */
export function xegerForm(pattern: string): { readonly form: XegerForm } | { readonly problem: string } {
  const read = javaRegexTree(pattern);
  if ("problem" in read) return { problem: read.problem.message };
  const parts = read.tree.kind === "sequence" ? read.tree.parts : [read.tree];
  // Anchors at both ends say what holds anyway.
  const inner = parts.filter((part, at) => !isEdge(part, at === 0, at === parts.length - 1));
  const wrong = inner.map(refusal).find((problem) => problem !== null);
  if (wrong !== undefined && wrong !== null) return { problem: wrong };
  if (inner.reduce((sum, part) => sum + longest(part), 0) > XEGER_LENGTH_MAX) {
    return { problem: `xeger makes at most ${XEGER_LENGTH_MAX} characters; use smaller counts` };
  }
  return { form: joined(inner.map(formOf)) };
}

function isEdge(node: RegexNode, isFirst: boolean, isLast: boolean): boolean {
  if (node.kind !== "anchor") return false;
  return (isFirst && /start$/.test(node.what)) || (isLast && /^(?:end|end-of-lines|line-end)$/.test(node.what));
}

function refusal(node: RegexNode): string | null {
  switch (node.kind) {
    case "set":
      return listed(node).length === 0 ? "xeger cannot make a character of an empty class" : null;
    case "anchor":
      return "xeger knows no positions but the very start and end";
    case "look":
      return "xeger cannot look around";
    case "atomic":
      return "xeger knows no atomic groups";
    case "repeat":
      return node.mode === "possessive" ? "xeger knows no possessive quantifiers" : refusal(node.body);
    case "group":
      return refusal(node.body);
    case "sequence":
      return first(node.parts.map(refusal));
    case "choice":
      return first(node.options.map(refusal));
  }
}

function first(problems: readonly (string | null)[]): string | null {
  return problems.find((problem) => problem !== null) ?? null;
}

function most(max: number, min: number): number {
  return max === Infinity ? min + XEGER_REPEAT_MAX : max;
}

function longest(node: RegexNode): number {
  switch (node.kind) {
    case "set":
      return 1;
    case "sequence":
      return node.parts.reduce((sum, part) => sum + longest(part), 0);
    case "choice":
      return Math.max(...node.options.map(longest));
    case "repeat":
      return most(node.max, node.min) * longest(node.body);
    case "group":
      return longest(node.body);
    default:
      return 0;
  }
}

function formOf(node: RegexNode): XegerForm {
  switch (node.kind) {
    case "set":
      return characters(listed(node));
    case "sequence":
      return joined(node.parts.map(formOf));
    case "choice":
      return { one: node.options.map(formOf) };
    case "repeat":
      return { of: formOf(node.body), min: node.min, max: most(node.max, node.min) };
    case "group":
      return formOf(node.body);
    default:
      return "";
  }
}

/** Of a class with printable ASCII in it only that is used: nobody wants control characters for `.`. */
function characters(set: CodePoints): XegerForm {
  const printable = intersection(set, PRINTABLE);
  const ranges = printable.length === 0 ? set : printable;
  const [only, ...more] = ranges;
  if (only !== undefined && more.length === 0 && only[0] === only[1]) return String.fromCodePoint(only[0]);
  return { from: ranges };
}

/** Parts in a row, with texts that touch made one. */
function joined(parts: readonly XegerForm[]): XegerForm {
  const list: XegerForm[] = [];
  for (const part of parts) {
    const last = list.at(-1);
    if (typeof part === "string" && typeof last === "string") list[list.length - 1] = last + part;
    else list.push(part);
  }
  const [only = ""] = list;
  return list.length < 2 ? only : { all: list };
}
