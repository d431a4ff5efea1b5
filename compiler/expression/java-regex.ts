/**
 * Java regular expressions to JavaScript ones: takes what both languages mean alike, respells what differs only in
 * spelling, and refuses the rest, each by its own kind and with what to write instead. Judges no running time
 * (regex-safety.ts does).
 *
 * As in Java without flags, `\d \w \s \b` know ASCII only and characters are code points (flag u). Two differences
 * remain: `$` is the very end, where Java's also stands before a final line end; and under `(?i)` letters outside ASCII
 * fold as well, and characters outside the basic plane count as two.
 */

import { JAVA_REGEX_ADVICE, JavaRegexRefusal, REFUSED_ESCAPES } from "./java-regex-problem.ts";
import type { JavaRegexProblem, JavaRegexProblemKind } from "./java-regex-problem.ts";

export type { JavaRegexProblem, JavaRegexProblemKind };

/** Patterns longer than this (UTF-16 units) are refused before they are read. */
export const JAVA_REGEX_LENGTH_MAX = 2_048;
/** Groups nested deeper than this are refused. */
export const JAVA_REGEX_DEPTH_MAX = 50;
/** Counts in braces above this are refused: engines unroll them. */
export const JAVA_REGEX_REPEAT_MAX = 1_000;

/**
 * A translated pattern. `source` suits `new RegExp` and, between slashes, a literal.
 * `origins[i]` is the offset in the Java pattern that unit i of `source` comes from.
 */
export type JavaScriptRegex = { readonly source: string; readonly flags: string; readonly origins: readonly number[] };

/** Translates a pattern as `Matcher.matches` would use it: it matches whole values only. */
export function translateJavaRegex(pattern: string): JavaScriptRegex | { readonly problem: JavaRegexProblem } {
  return translated(pattern, true);
}

/** Translates a pattern as `Matcher.find` would use it: it matches anywhere in a value. */
export function translateJavaSearch(pattern: string): JavaScriptRegex | { readonly problem: JavaRegexProblem } {
  return translated(pattern, false);
}

function translated(pattern: string, isWhole: boolean): JavaScriptRegex | { readonly problem: JavaRegexProblem } {
  if (pattern.length > JAVA_REGEX_LENGTH_MAX) {
    const message = `this expression has ${pattern.length} characters, more than the ${JAVA_REGEX_LENGTH_MAX} allowed`;
    return { problem: { kind: "too-long", message, start: 0, end: pattern.length } };
  }
  try {
    return new Translator(pattern).translate(isWhole);
  } catch (thrown) {
    if (!(thrown instanceof JavaRegexRefusal)) throw thrown;
    return { problem: thrown.problem };
  }
}

/** Escapes that stand for one character, by the letter after the backslash. */
const CHARACTER_ESCAPES: ReadonlyMap<string, number> = new Map([
  ["t", 9], ["n", 10], ["r", 13], ["f", 12], ["a", 7], ["e", 27],
]);

/** Predefined classes as the inside of a class; capitals negate. Java's \s is ASCII, JavaScript's is not. */
const PREDEFINED: ReadonlyMap<string, string> = new Map([
  ["d", "0-9"], ["w", "A-Za-z0-9_"], ["s", " \\t\\n\\v\\f\\r"],
]);

const LINE_END = "\\n\\r\\u0085\\u2028\\u2029";
/** General categories, which both languages name alike. */
const CATEGORY = /^(?:L[ultmo]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?|C[cfosn]?)$/;

/** What the last thing read was, for the quantifier that may follow it. */
type Preceding = "nothing" | "atom" | "assertion" | "quantified";

class Translator {
  readonly #pattern: string;
  #index = 0;
  #depth = 0;
  #flags = "";
  #hasTopLevelBar = false;
  readonly #source: string[] = [];
  readonly #origins: number[] = [];

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  translate(isWhole: boolean): JavaScriptRegex {
    this.#readLeadingFlags();
    this.#readAlternatives(0);
    if (this.#index < this.#pattern.length) {
      this.#refuse("unmatched-parenthesis", this.#index, this.#index + 1);
    }
    return isWhole ? this.#wrapped() : this.#checked("", "");
  }

  /** Ties the expression to both ends. Under (?m) `^` and `$` also stand at line ends, so look-arounds do it. */
  #wrapped(): JavaScriptRegex {
    const isMultiline = this.#flags.includes("m");
    const open = isMultiline ? "(?<![^])" : "^";
    const close = isMultiline ? "(?![^])" : "$";
    const before = this.#hasTopLevelBar ? `${open}(?:` : open;
    const after = this.#hasTopLevelBar ? `)${close}` : close;
    return this.#checked(before, after);
  }

  #checked(before: string, after: string): JavaScriptRegex {
    const source = before + this.#source.join("") + after;
    const flags = [...this.#flags, this.#flags.includes("i") ? "" : "u"].sort().join("");
    const origins = [
      ...Array.from(before, () => 0),
      ...this.#origins,
      ...Array.from(after, () => this.#pattern.length),
    ];
    try {
      new RegExp(source, flags);
    } catch (error) {
      const reason = error instanceof Error ? error.message : "";
      this.#refuse("invalid", 0, this.#pattern.length, `this expression cannot be used: ${reason}`);
    }
    return { source, flags, origins };
  }

  #readLeadingFlags(): void {
    for (;;) {
      const found = /^\(\?([A-Za-z-]+)\)/.exec(this.#pattern.slice(this.#index));
      if (found === null) return;
      const [whole, letters = ""] = found;
      const start = this.#index;
      for (const letter of letters) {
        if ("ism".includes(letter)) {
          if (!this.#flags.includes(letter)) this.#flags += letter;
          continue;
        }
        if (letter === "x") this.#refuse("comments-flag", start, start + whole.length);
        if (letter === "-") this.#refuse("inline-flag", start, start + whole.length);
        this.#refuse("unsupported-flag", start, start + whole.length);
      }
      this.#index += whole.length;
    }
  }

  #readAlternatives(groupStart: number): void {
    let preceding: Preceding = "nothing";
    while (this.#index < this.#pattern.length) {
      const start = this.#index;
      const char = this.#char();
      if (char === ")") {
        if (this.#depth > 0) return;
        this.#refuse("unmatched-parenthesis", start, start + 1);
      }
      if (char === "|") {
        if (this.#depth === 0) this.#hasTopLevelBar = true;
        this.#emit("|", start, 1);
        preceding = "nothing";
        continue;
      }
      if (char === "*" || char === "+" || char === "?" || /^\{[0-9,]/.test(this.#pattern.slice(start, start + 2))) {
        this.#readQuantifier(preceding);
        preceding = "quantified";
        continue;
      }
      preceding = this.#readTerm(char);
    }
    if (this.#depth > 0) this.#refuse("unclosed-group", groupStart, groupStart + 1);
  }

  #readTerm(char: string): Preceding {
    const start = this.#index;
    switch (char) {
      case "(":
        return this.#readGroup();
      case "[":
        this.#readClass();
        return "atom";
      case "\\":
        return this.#readEscape();
      case ".":
        this.#emit(this.#flags.includes("s") ? "." : `[^${LINE_END}]`, start, 1);
        return "atom";
      case "^":
      case "$":
        this.#emit(char, start, 1);
        return "assertion";
      case "{":
        return this.#refuse("stray-brace", start, start + 1);
      default:
        this.#emitCharacter(this.#codePoint(), start, char.length);
        return "atom";
    }
  }

  #readQuantifier(preceding: Preceding): void {
    const start = this.#index;
    const found = /^(?:[*+?]|\{([0-9]+)(,([0-9]*))?\})/.exec(this.#pattern.slice(start));
    if (found === null) return this.#refuse("bad-quantifier", start, start + 1);
    const [whole, minimum = "0", , maximum = ""] = found;
    const end = start + whole.length;
    const follower = this.#pattern[end] ?? "";
    if (preceding === "nothing" || preceding === "quantified") {
      this.#refuse("bad-quantifier", start, end);
    }
    if (preceding === "assertion") {
      this.#refuse("quantified-assertion", start, end);
    }
    if (follower === "+") {
      this.#refuse("possessive-quantifier", start, end + 1);
    }
    if (Number(minimum) > JAVA_REGEX_REPEAT_MAX || Number(maximum) > JAVA_REGEX_REPEAT_MAX) {
      this.#refuse("repeat-too-large", start, end, `counts go up to ${JAVA_REGEX_REPEAT_MAX}`);
    }
    if (maximum !== "" && Number(maximum) < Number(minimum)) {
      this.#refuse("bad-quantifier", start, end);
    }
    const isLazy = follower === "?";
    this.#emit(isLazy ? `${whole}?` : whole, start, whole.length + (isLazy ? 1 : 0));
  }

  #readGroup(): Preceding {
    const start = this.#index;
    const rest = this.#pattern.slice(start);
    const named = /^\(\?<[A-Za-z][A-Za-z0-9]*>/.exec(rest)?.[0];
    const opener = named ?? /^\((?:\?(?::|=|!|<=|<!))?/.exec(rest)?.[0] ?? "(";
    if (opener === "(" && rest.startsWith("(?")) this.#refuseGroup(start, rest);
    if (this.#depth >= JAVA_REGEX_DEPTH_MAX) {
      this.#refuse("too-deep", start, start + 1, `groups nest at most ${JAVA_REGEX_DEPTH_MAX} deep`);
    }
    this.#emit(opener, start, opener.length);
    this.#depth += 1;
    this.#readAlternatives(start);
    this.#depth -= 1;
    this.#emit(")", this.#index, 1);
    return opener.length > 2 && named === undefined && opener !== "(?:" ? "assertion" : "atom";
  }

  #refuseGroup(start: number, rest: string): never {
    if (rest.startsWith("(?>")) {
      return this.#refuse("atomic-group", start, start + 3);
    }
    const flags = /^\(\?[A-Za-z-]+[:)]/.exec(rest)?.[0];
    if (flags?.includes("x") === true) {
      return this.#refuse("comments-flag", start, start + flags.length);
    }
    if (flags !== undefined) {
      return this.#refuse("inline-flag", start, start + flags.length);
    }
    return this.#refuse("unknown-group", start, start + 2);
  }

  /** An escape outside a class. */
  #readEscape(): Preceding {
    const start = this.#index;
    const letter = this.#pattern[start + 1] ?? "";
    if (letter === "b" || letter === "B") {
      if (this.#pattern.startsWith("b{", start + 1)) this.#refuse("unknown-escape", start, start + 3);
      this.#emit(`\\${letter}`, start, 2);
      return "assertion";
    }
    const members = this.#predefined(start, letter);
    if (members !== undefined) {
      this.#emit(`[${members.negated ? "^" : ""}${members.text}]`, start, members.length);
      return "atom";
    }
    const escaped = this.#characterEscape(start);
    this.#emitCharacter(escaped.codePoint, start, escaped.length);
    return "atom";
  }

  #readClass(): void {
    const start = this.#index;
    const isNegated = this.#pattern[start + 1] === "^";
    this.#emit(isNegated ? "[^" : "[", start, isNegated ? 2 : 1);
    for (let isFirst = true; ; isFirst = false) {
      const at = this.#index;
      const char = this.#char();
      if (char === "") this.#refuse("unclosed-class", start, start + 1);
      if (char === "]" && !isFirst) {
        this.#emit("]", at, 1);
        return;
      }
      if (char === "[") this.#refuse("class-union", at, at + 1);
      if (this.#pattern.startsWith("&&", at)) {
        this.#refuse("class-intersection", at, at + 2);
      }
      const next = this.#pattern[at + 1] ?? "";
      const members = char === "\\" ? this.#predefined(at, next) : undefined;
      if (members === undefined) this.#readRange();
      else this.#emitPredefined(members, at);
    }
  }

  #emitPredefined(members: Predefined, at: number): void {
    // JavaScript's \D and \W are ASCII as Java's are; its \S is not, and a class cannot hold a complement.
    if (members.negated && this.#pattern[at + 1] === "S") this.#refuse("complement-in-class", at, at + 2);
    const text = members.negated ? this.#pattern.slice(at, at + members.length) : members.text;
    this.#emit(text, at, members.length);
    const isRange = this.#pattern[this.#index] === "-" && !/^-(?:\]|$)/.test(this.#pattern.slice(this.#index));
    if (isRange) this.#refuse("bad-range", at, this.#index + 1);
  }

  #readRange(): void {
    const at = this.#index;
    const low = this.#classCharacter();
    const dash = this.#index;
    const isRange = this.#pattern[dash] === "-" && !/^-(?:\]|$|\[|&&)/.test(this.#pattern.slice(dash));
    if (!isRange) {
      this.#push(classText(low), at);
      return;
    }
    this.#index = dash + 1;
    const letter = this.#pattern[this.#index + 1] ?? "";
    const isClass = this.#char() === "\\" && this.#predefined(this.#index, letter) !== undefined;
    if (isClass) this.#refuse("bad-range", at, this.#index + 2);
    const high = this.#classCharacter();
    if (high < low) this.#refuse("bad-range", at, this.#index);
    this.#push(`${classText(low)}-${classText(high)}`, at);
  }

  /** Reads one character of a class, escaped or not, and moves past it. */
  #classCharacter(): number {
    const at = this.#index;
    if (this.#char() !== "\\") {
      const codePoint = this.#codePoint();
      this.#index = at + String.fromCodePoint(codePoint).length;
      this.#checkPlane(codePoint, at, this.#index);
      return codePoint;
    }
    const letter = this.#pattern[at + 1] ?? "";
    if (letter === "b" || letter === "B") this.#refuse("unknown-escape", at, at + 2);
    const escaped = this.#characterEscape(at);
    this.#index = at + escaped.length;
    this.#checkPlane(escaped.codePoint, at, this.#index);
    return escaped.codePoint;
  }

  /** \d \w \s, their capitals, and general categories; undefined for any other escape. */
  #predefined(at: number, letter: string): Predefined | undefined {
    const text = PREDEFINED.get(letter.toLowerCase());
    if (text !== undefined && letter !== "") return { text, negated: letter !== letter.toLowerCase(), length: 2 };
    if (letter !== "p" && letter !== "P") return undefined;
    const found = /^\\[pP](?:\{([^}]*)\}|([A-Z]))/.exec(this.#pattern.slice(at));
    if (found === null) return this.#refuse("unicode-property", at, at + 2);
    const name = found[1] ?? found[2] ?? "";
    const end = at + found[0].length;
    if (/^(?:Lower|Upper|ASCII|Alpha|Digit|Alnum|Punct|Graph|Print|Blank|Cntrl|XDigit|Space)$/.test(name)) {
      this.#refuse("posix-class", at, end);
    }
    if (!CATEGORY.test(name) || this.#flags.includes("i")) {
      this.#refuse("unicode-property", at, end);
    }
    // \P carries its own negation, in a class and outside of one.
    return { text: `\\${letter}{${name}}`, negated: false, length: found[0].length };
  }

  #characterEscape(at: number): { readonly codePoint: number; readonly length: number } {
    const rest = this.#pattern.slice(at);
    const letter = this.#pattern[at + 1] ?? "";
    if (letter === "") this.#refuse("unknown-escape", at, at + 1);
    const refused = REFUSED_ESCAPES.get(letter);
    if (refused !== undefined) this.#refuse(refused, at, at + 2);
    if (/[1-9]/.test(letter)) this.#refuse("back-reference", at, at + 2);
    const codePoint = CHARACTER_ESCAPES.get(letter);
    if (codePoint !== undefined) return { codePoint, length: 2 };
    const hex = /^\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|x\{([0-9A-Fa-f]{1,6})\})/.exec(rest);
    if (hex !== null) {
      const value = Number.parseInt(hex[1] ?? hex[2] ?? hex[3] ?? "", 16);
      if (value <= 0x10ffff) return { codePoint: value, length: hex[0].length };
    }
    const control = /^\\c([A-Z])/.exec(rest)?.[1];
    if (control !== undefined) return { codePoint: control.charCodeAt(0) ^ 64, length: 3 };
    if (/[A-Za-z]/.test(letter)) this.#refuse("unknown-escape", at, at + 2);
    const escaped = this.#pattern.codePointAt(at + 1) ?? 0;
    return { codePoint: escaped, length: 1 + String.fromCodePoint(escaped).length };
  }

  #emitCharacter(codePoint: number, origin: number, length: number): void {
    this.#checkPlane(codePoint, origin, origin + length);
    this.#emit(characterText(codePoint), origin, length);
  }

  #checkPlane(codePoint: number, start: number, end: number): void {
    if (codePoint <= 0xffff || !this.#flags.includes("i")) return;
    this.#refuse("supplementary-with-ignore-case", start, end);
  }

  /** Appends source and moves past `length` units of the pattern. */
  #emit(text: string, origin: number, length: number): void {
    this.#push(text, origin);
    this.#index = origin + length;
  }

  #push(text: string, origin: number): void {
    this.#source.push(text);
    for (let unit = 0; unit < text.length; unit++) this.#origins.push(origin);
  }

  /** The character at the reading point, whole even when it takes two units; empty at the end. */
  #char(): string {
    return this.#index < this.#pattern.length ? String.fromCodePoint(this.#codePoint()) : "";
  }

  #codePoint(): number {
    return this.#pattern.codePointAt(this.#index) ?? 0;
  }

  #refuse(kind: JavaRegexProblemKind, start: number, end: number, message = JAVA_REGEX_ADVICE[kind]): never {
    throw new JavaRegexRefusal({ kind, message, start, end: Math.min(end, this.#pattern.length) });
  }
}

/** A predefined class: the inside of a class, how long its escape is, and whether the complement is meant. */
type Predefined = { readonly text: string; readonly negated: boolean; readonly length: number };

/** As characterText, for the inside of a class, where a hyphen is syntax too. */
function classText(codePoint: number): string {
  return codePoint === 0x2d ? "\\-" : characterText(codePoint);
}

/** One character as source: syntax characters escaped, everything unprintable by number. */
function characterText(codePoint: number): string {
  const char = String.fromCodePoint(codePoint);
  if (/[\\^$.*+?()[\]{}|/]/.test(char)) return `\\${char}`;
  if (codePoint > 0xffff) return `\\u{${codePoint.toString(16)}}`;
  const isPrintable = codePoint >= 0x20 && codePoint < 0x7f;
  return isPrintable ? char : `\\u${codePoint.toString(16).padStart(4, "0")}`;
}
