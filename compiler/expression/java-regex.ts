/**
 * Java regular expressions as JavaScript ones with flag u that mean exactly the same. What cannot be said in JavaScript
 * is refused, each by its own kind and with what to write instead. Judges no running time (regex-safety.ts does).
 *
 * As in Java 19 and later, `\d \w \s \b` know ASCII only. Characters are code points.
 */
import { classText, intersection, union, type CodePoints } from "./code-points.ts";
import { emptinessOf } from "./java-regex-empty.ts";
import { JAVA_REGEX_ADVICE, JavaRegexRefusal } from "./java-regex-problem.ts";
import type { JavaRegexProblem, JavaRegexProblemKind } from "./java-regex-problem.ts";
import { parseJavaRegex } from "./java-regex-parse.ts";
import { listed } from "./java-regex-property.ts";
import type { AnchorNode, RegexNode, RepeatNode } from "./java-regex-tree.ts";

export type { JavaRegexProblem, JavaRegexProblemKind };

/** Patterns longer than this (UTF-16 units) are refused before they are read. */
export const JAVA_REGEX_LENGTH_MAX = 2_048;

/** A translated pattern. `source` suits `new RegExp` and, between slashes, a literal. */
export interface JavaScriptRegex {
  readonly source: string;
  readonly flags: string;
  /**
   * What regex-safety.ts judges in place of `source`: without the look-arounds that only the translation needs, which
   * the analysis cannot see through. It takes at least as long.
   */
  readonly judged: string;
  /** The groups of the Java pattern, in its order. */
  readonly groups: readonly JavaScriptGroup[];
}

/** A capturing group. */
export interface JavaScriptGroup {
  /** Its number in `source`, where more groups may be. */
  readonly number: number;
  readonly name: string | null;
  /** Where it stands, when it may hold something else than in Java there; null when it cannot. */
  readonly unsure: string | null;
}

/** What a group stands in. */
interface GroupPlace {
  readonly isLookedAt: boolean;
  readonly isAtomic: boolean;
  readonly isRepeated: boolean;
  /** Of a repetition, some rounds may leave it out. */
  readonly isSkipped: boolean;
}

const TOP: GroupPlace = { isLookedAt: false, isAtomic: false, isRepeated: false, isSkipped: false };

/** The tree of a pattern, or why it is refused. */
export function javaRegexTree(pattern: string): { readonly tree: RegexNode } | { readonly problem: JavaRegexProblem } {
  if (pattern.length > JAVA_REGEX_LENGTH_MAX) {
    const message = `this expression has ${pattern.length} characters, more than the ${JAVA_REGEX_LENGTH_MAX} allowed`;
    return { problem: { kind: "too-long", message, start: 0, end: pattern.length } };
  }
  try {
    return { tree: parseJavaRegex(pattern) };
  } catch (thrown) {
    if (!(thrown instanceof JavaRegexRefusal)) throw thrown;
    return { problem: thrown.problem };
  }
}

/** Translates a pattern as `Matcher.matches` would use it: it matches whole values only. */
export function translateJavaRegex(pattern: string): JavaScriptRegex | { readonly problem: JavaRegexProblem } {
  return translated(pattern, true);
}

/** Translates a pattern as `Matcher.find` would use it: it matches anywhere in a value. */
export function translateJavaSearch(pattern: string): JavaScriptRegex | { readonly problem: JavaRegexProblem } {
  return translated(pattern, false);
}

function translated(pattern: string, isWhole: boolean): JavaScriptRegex | { readonly problem: JavaRegexProblem } {
  const read = javaRegexTree(pattern);
  if ("problem" in read) return read;
  const printer = new Printer(isWhole, false);
  const source = printer.pattern(read.tree);
  if (printer.hasLostAtom) {
    const kind = "atomic-in-look-behind";
    return { problem: { kind, message: JAVA_REGEX_ADVICE[kind], start: 0, end: pattern.length } };
  }
  try {
    new RegExp(source, "u");
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^Invalid regular expression: /, "") : "";
    const message = `this expression cannot be used: ${reason}`;
    return { problem: { kind: "invalid", message, start: 0, end: pattern.length } };
  }
  return { source, flags: "u", judged: new Printer(isWhole, true).pattern(read.tree), groups: printer.groups };
}

/** What may come after a part: a character of a set, the end of everything, or something that is not known (null). */
type Follow = { readonly set: CodePoints; readonly end: boolean } | null;

const ANYTHING: Follow = null;
const NOTHING: Follow = { set: [], end: true };

/** The loosest thing that may be printed without brackets around it. */
type Level = "choice" | "sequence" | "atom";

class Printer {
  readonly groups: JavaScriptGroup[] = [];
  /** An atomic part stands in a look-behind, which reads backwards: there its form would mean something else. */
  hasLostAtom = false;
  readonly #isWhole: boolean;
  readonly #isJudged: boolean;
  #count = 0;
  #looksBehind = 0;
  #place = TOP;

  constructor(isWhole: boolean, isJudged: boolean) {
    this.#isWhole = isWhole;
    this.#isJudged = isJudged;
  }

  /** The whole of it, tied to both ends or not. Anchors of the pattern that say the same are not repeated. */
  pattern(tree: RegexNode): string {
    if (!this.#isWhole) return this.text(tree, "choice", NOTHING);
    const parts = tree.kind === "sequence" ? [...tree.parts] : [tree];
    if (isAnchor(parts[0], "start")) parts.shift();
    const last = parts.at(-1);
    if (isAnchor(last, "end") || isAnchor(last, "end-of-lines")) parts.pop();
    return `^${this.text({ kind: "sequence", parts }, "sequence", NOTHING)}$`;
  }

  text(node: RegexNode, level: Level, follow: Follow): string {
    switch (node.kind) {
      case "set":
        return classText(node.set, node.properties);
      case "anchor":
        return bracketed(this.#anchor(node, follow), level === "atom");
      case "sequence":
        return this.#sequence(node.parts, level, follow);
      case "choice": {
        const options = this.#in({ isSkipped: true }, () => {
          return node.options.map((option) => this.text(option, "sequence", follow));
        });
        return bracketed(options.join("|"), level !== "choice");
      }
      case "group":
        return this.#group(node.name, node.body, follow);
      case "repeat":
        return this.#repeat(node, level, follow);
      case "atomic":
        return this.#atomic(node.body);
      case "look": {
        if (!node.ahead) this.#looksBehind += 1;
        const inner = this.#in({ isLookedAt: true }, () => this.text(node.body, "choice", ANYTHING));
        if (!node.ahead) this.#looksBehind -= 1;
        return bracketed(`(?${node.ahead ? "" : "<"}${node.negated ? "!" : "="}${inner})`, level === "atom");
      }
    }
  }

  #anchor(node: AnchorNode, follow: Follow): string {
    if (this.#isJudged) return judgedAnchor(node);
    // At the end of a whole value every kind of end is the very end.
    return node.what === "end-of-lines" && this.#isWhole && follow === NOTHING ? "$" : anchorText(node);
  }

  #sequence(parts: readonly RegexNode[], level: Level, follow: Follow): string {
    const text = parts.map((part, at) => {
      const isAlone = parts.length === 1;
      return this.text(part, isAlone ? level : "sequence", followOf(parts.slice(at + 1), follow));
    });
    return bracketed(text.join(""), level === "atom" && parts.length !== 1);
  }

  #group(name: string | null, body: RegexNode, follow: Follow): string {
    this.#count += 1;
    this.groups.push({ number: this.#count, name, unsure: unsureIn(this.#place, body) });
    return `(${name === null ? "" : `?<${name}>`}${this.text(body, "choice", follow)})`;
  }

  #repeat(node: RepeatNode, level: Level, follow: Follow): string {
    const isAtomic = node.mode === "possessive" && !isDecided(node, follow);
    if (isAtomic) return this.#atomic({ ...node, mode: "greedy" });
    const isRepeated = this.#place.isRepeated || node.max > 1;
    const isSkipped = this.#place.isSkipped || node.min === 0;
    // What follows a part that is repeated may be that part again.
    const body = this.#in({ isRepeated, isSkipped }, () => this.text(node.body, "atom", ANYTHING));
    const text = `${body}${countText(node)}${node.mode === "lazy" ? "?" : ""}`;
    return bracketed(text, level === "atom");
  }

  /**
   * JavaScript has no atomic groups; a look-ahead is one, and the back reference consumes what it saw. The brackets
   * keep digits that follow out of its number.
   */
  #atomic(body: RegexNode): string {
    this.#count += 1;
    const own = this.#count;
    if (this.#isJudged) return `(?:${this.text(body, "choice", ANYTHING)})`;
    this.hasLostAtom ||= this.#looksBehind > 0;
    const text = this.#in({ isAtomic: true }, () => this.text(body, "choice", ANYTHING));
    return `(?:(?=(${text}))\\${own})`;
  }

  #in<T>(place: Partial<GroupPlace>, print: () => T): T {
    const before = this.#place;
    this.#place = { ...before, ...place };
    const printed = print();
    this.#place = before;
    return printed;
  }
}

/** The languages forget what groups held at different times: when a round leaves them out, when a choice was left. */
function unsureIn({ isLookedAt, isAtomic, isRepeated, isSkipped }: GroupPlace, body: RegexNode): string | null {
  if (isLookedAt) return "a look-ahead or look-behind";
  if (isAtomic) return "a part that is not reconsidered";
  const mayBeLost = isRepeated && (isSkipped || emptinessOf(body) !== "never");
  return mayBeLost ? "a repetition that may leave it out" : null;
}

function isAnchor(node: RegexNode | undefined, what: AnchorNode["what"]): boolean {
  return node?.kind === "anchor" && node.what === what;
}

function bracketed(text: string, isNeeded: boolean): string {
  return isNeeded ? `(?:${text})` : text;
}

function countText({ min, max }: RepeatNode): string {
  if (max === Infinity) return min === 0 ? "*" : min === 1 ? "+" : `{${min},}`;
  if (min === 0 && max === 1) return "?";
  return min === max ? `{${min}}` : `{${min},${max}}`;
}

/** Anchors as simple as can be, which fail where the true ones fail. */
function judgedAnchor(node: AnchorNode): string {
  if (node.what === "line-start") return "(?:^|[\\n\\r\\u0085\\u2028\\u2029])";
  if (node.what === "line-end") return "(?:$|[\\n\\r\\u0085\\u2028\\u2029])";
  return node.what === "end-of-lines" ? "$" : anchorText(node);
}

function anchorText({ what, unixLines }: AnchorNode): string {
  switch (what) {
    case "start":
      return "^";
    case "end":
      return "$";
    case "end-of-lines":
      return unixLines ? "(?=\\n?$)" : "(?=(?:\\r\\n|[\\r\\u0085\\u2028\\u2029]|(?<!\\r)\\n)?$)";
    case "line-start":
      // Not at the end of the value, be it empty or not.
      return unixLines ? "(?=[^])(?:^|(?<=\\n))" : "(?=[^])(?:^|(?<=[\\n\\u0085\\u2028\\u2029]|\\r(?!\\n)))";
    case "line-end":
      return unixLines ? "(?=\\n|$)" : "(?=[\\r\\u0085\\u2028\\u2029]|(?<!\\r)\\n|$)";
    case "word":
      return "\\b";
    case "not-word":
      return "\\B";
  }
}

/**
 * True when a possessive repetition matches what a greedy one does: nothing that may follow can begin with what is
 * repeated, so that giving some of it back never helps.
 */
function isDecided({ body }: RepeatNode, follow: Follow): boolean {
  if (body.kind !== "set" || follow === null) return false;
  return intersection(listed(body), follow.set).length === 0;
}

/** What may come next where `parts` and then `follow` come. */
function followOf(parts: readonly RegexNode[], follow: Follow): Follow {
  if (parts.length === 0) return follow;
  let set: CodePoints = [];
  for (const part of parts) {
    const first = firstOf(part);
    if (first === null) return ANYTHING;
    set = union(set, first.set);
    if (!first.isEmpty) return { set, end: false };
  }
  return follow === null ? ANYTHING : { set: union(set, follow.set), end: follow.end };
}

/** What a part may begin with, and whether it may be nothing; null where that is not seen at once. */
function firstOf(node: RegexNode): { readonly set: CodePoints; readonly isEmpty: boolean } | null {
  switch (node.kind) {
    case "set":
      return { set: listed(node), isEmpty: false };
    case "group":
      return firstOf(node.body);
    case "repeat": {
      const first = firstOf(node.body);
      return first === null ? null : { set: first.set, isEmpty: first.isEmpty || node.min === 0 };
    }
    case "anchor":
      return isAnchor(node, "end") ? { set: [], isEmpty: true } : null;
    case "choice":
      return allOf(node.options.map(firstOf));
    default:
      return null;
  }
}

function allOf(firsts: readonly ReturnType<typeof firstOf>[]): ReturnType<typeof firstOf> {
  let set: CodePoints = [];
  let isEmpty = false;
  for (const first of firsts) {
    if (first === null) return null;
    set = union(set, first.set);
    isEmpty ||= first.isEmpty;
  }
  return { set, isEmpty };
}
