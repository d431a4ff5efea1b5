/**
 * Reads Java regular expressions into their tree, as java.util.regex does without flags of its own: quotation, flags,
 * comments and classes are settled here. What cannot be said in JavaScript is refused at once, by kind.
 *
 * Under `(?i)` ASCII letters fold and no others, as in Java, so that the tree needs no flag.
 */
import {
  ALL,
  asciiFolded,
  codePoints,
  complement,
  intersection,
  type CodePoints,
} from "./code-points.ts";
import { emptinessOf } from "./java-regex-empty.ts";
import { JAVA_REGEX_ADVICE, JavaRegexRefusal } from "./java-regex-problem.ts";
import type { JavaRegexProblemKind } from "./java-regex-problem.ts";
import { inverted, joined, listed, namedClass, PREDEFINED, type Members } from "./java-regex-property.ts";
import { readEscape, unquoted } from "./java-regex-spelling.ts";
import type { AnchorNode, RegexNode, SetNode } from "./java-regex-tree.ts";

/** Groups nested deeper than this are refused. */
export const JAVA_REGEX_DEPTH_MAX = 50;
/** Counts in braces above this are refused: engines unroll them. */
export const JAVA_REGEX_REPEAT_MAX = 1_000;
/** And so are counts inside counts when they come to more than this. */
const UNROLLED_MAX = 10_000;

/** What flags say at one place: i, s, m, x and d. */
interface Flags {
  readonly ignoresCase: boolean;
  readonly dotAll: boolean;
  readonly multiline: boolean;
  readonly comments: boolean;
  readonly unixLines: boolean;
}

const NO_FLAGS: Flags = { ignoresCase: false, dotAll: false, multiline: false, comments: false, unixLines: false };

const FLAG_OF: Readonly<Record<string, keyof Flags | undefined>> = {
  i: "ignoresCase",
  s: "dotAll",
  m: "multiline",
  x: "comments",
  d: "unixLines",
};

const LINE_ENDS = codePoints([[10, 10], [13, 13], [0x85, 0x85], [0x2028, 0x2029]]);

const CR_LF: RegexNode = { kind: "sequence", parts: [one([[13, 13]]), one([[10, 10]])] };
const LINE_END = one(PREDEFINED.get("v") ?? []);

/** A line end of any kind: CR LF together before either alone. */
const LINE_BREAK: RegexNode = { kind: "choice", options: [CR_LF, LINE_END] };

/** The same where it is repeated: then Java never takes CR LF for two. */
const NO_CR_LF: RegexNode = { kind: "look", ahead: true, negated: true, body: CR_LF, start: 0, end: 0 };
const WHOLE_LINE_BREAK: RegexNode = {
  kind: "choice",
  options: [CR_LF, { kind: "sequence", parts: [NO_CR_LF, LINE_END] }],
};

/** Parses a pattern; a refusal is thrown. */
export function parseJavaRegex(pattern: string): RegexNode {
  return new Parser(pattern).parse();
}

function one(set: CodePoints): SetNode {
  return { kind: "set", set, properties: [] };
}

class Parser {
  readonly #pattern: string;
  /** The pattern without quotation, and where each unit of it comes from. */
  readonly #text: string;
  readonly #origins: readonly number[];
  #index = 0;
  #depth = 0;
  #looksBehind = 0;
  #flags = NO_FLAGS;

  constructor(pattern: string) {
    this.#pattern = pattern;
    const { text, origins } = unquoted(pattern);
    this.#text = text;
    this.#origins = origins;
  }

  parse(): RegexNode {
    const tree = this.#alternatives(0);
    if (this.#index < this.#text.length) this.#refuse("unmatched-parenthesis", this.#index, this.#index + 1);
    return tree;
  }

  #alternatives(opener: number): RegexNode {
    const options: RegexNode[] = [];
    let parts: RegexNode[] = [];
    for (;;) {
      this.#skipComments();
      const char = this.#char();
      if (char === "" || char === ")") break;
      if (char === "|") {
        this.#index += 1;
        options.push(sequence(parts));
        parts = [];
        continue;
      }
      const term = this.#term(char);
      if (term !== null) parts.push(this.#quantified(term));
    }
    if (this.#depth > 0 && this.#char() === "") this.#refuse("unclosed-group", opener, opener + 1);
    options.push(sequence(parts));
    const [only] = options;
    return options.length === 1 && only !== undefined ? only : { kind: "choice", options };
  }

  /** Null for flags, which are no part of the text. */
  #term(char: string): RegexNode | null {
    const start = this.#index;
    switch (char) {
      case "(":
        return this.#group();
      case "[": {
        const { set, properties } = this.#class();
        return { kind: "set", set, properties };
      }
      case "\\":
        return this.#escape();
      case "*":
      case "+":
      case "?":
        return this.#refuse("bad-quantifier", start, start + 1);
      case "{":
        return this.#refuseBrace();
      case ".":
        this.#index += 1;
        return one(this.#flags.dotAll ? ALL : complement(this.#flags.unixLines ? [[10, 10]] : LINE_ENDS));
      case "^":
        return this.#anchor(this.#flags.multiline ? "line-start" : "start", 1);
      case "$":
        return this.#anchor(this.#flags.multiline ? "line-end" : "end-of-lines", 1);
      default:
        this.#index += char.length;
        return one(this.#folded(codePoints([[char.codePointAt(0) ?? 0, char.codePointAt(0) ?? 0]])));
    }
  }

  #quantified(body: RegexNode): RegexNode {
    this.#skipComments();
    const start = this.#index;
    const found = /^(?:[*+?]|\{([0-9]+)(,([0-9]*))?\})/.exec(this.#text.slice(start, start + 32));
    if (found === null) {
      if (this.#char() === "{") this.#refuseBrace();
      return body;
    }
    const [whole, low, comma, high] = found;
    const min = low === undefined ? (whole === "+" ? 1 : 0) : Number(low);
    const most = comma === undefined ? min : Number(high || Infinity);
    const max = low !== undefined ? most : whole === "?" ? 1 : Infinity;
    const end = start + whole.length;
    if (max < min) this.#refuse("bad-quantifier", start, end);
    const counted = max === Infinity ? min : max;
    if (counted > JAVA_REGEX_REPEAT_MAX || counted * unrolled(body) > UNROLLED_MAX) {
      const message = `counts go up to ${JAVA_REGEX_REPEAT_MAX}, and counts inside counts to ${UNROLLED_MAX} in all`;
      this.#refuse("repeat-too-large", start, end, message);
    }
    this.#index = end;
    this.#skipComments();
    const follower = this.#char();
    const mode = follower === "?" ? "lazy" : follower === "+" ? "possessive" : "greedy";
    if (mode !== "greedy") this.#index += 1;
    this.#skipComments();
    const next = this.#char();
    if (/^[*+?{]/.test(next)) this.#refuse("bad-quantifier", this.#index, this.#index + 1);
    if (this.#looksBehind > 0 && max === Infinity) this.#refuse("unbounded-look-behind", start, end);
    if (max > Math.min(min, 1) && emptinessOf(body) === "early") this.#refuse("empty-repetition", start, end);
    return { kind: "repeat", body: body === LINE_BREAK ? WHOLE_LINE_BREAK : body, min, max, mode };
  }

  #refuseBrace(): never {
    const start = this.#index;
    const isCount = /[0-9,]/.test(this.#text[start + 1] ?? "");
    return this.#refuse(isCount ? "bad-quantifier" : "stray-brace", start, start + 1);
  }

  #group(): RegexNode | null {
    const start = this.#index;
    const rest = this.#text.slice(start, start + 200);
    const named = /^\(\?<([A-Za-z][A-Za-z0-9]*)>/.exec(rest);
    if (named !== null) return { kind: "group", name: named[1] ?? "", body: this.#inside(start, named[0].length) };
    if (!rest.startsWith("(?")) return { kind: "group", name: null, body: this.#inside(start, 1) };
    if (rest.startsWith("(?>")) return { kind: "atomic", body: this.#inside(start, 3) };
    const look = /^\(\?(<?)([=!])/.exec(rest);
    if (look !== null) {
      const [{ length }, behind, sign] = look;
      const isBehind = behind !== "";
      if (isBehind) this.#looksBehind += 1;
      const body = this.#inside(start, length);
      if (isBehind) this.#looksBehind -= 1;
      return { kind: "look", ahead: !isBehind, negated: sign === "!", body, ...this.#span(start, start + length) };
    }
    const flags = /^\(\?([A-Za-z]*)(?:-([A-Za-z]*))?([:)])/.exec(rest);
    if (flags === null) return this.#refuse("unknown-group", start, start + 2);
    const [opener, on = "", off = "", close] = flags;
    const before = this.#flags;
    const after = this.#withFlags(on, off, start, opener.length);
    if (close === ")") {
      this.#index += opener.length;
      this.#flags = after;
      this.#skipComments();
      if (/^[*+?{]/.test(this.#char())) this.#refuse("bad-quantifier", this.#index, this.#index + 1);
      return null;
    }
    this.#flags = after;
    const body = this.#inside(start, opener.length);
    this.#flags = before;
    return body;
  }

  /** Reads a group to its end. Flags that are set in it end with it. */
  #inside(start: number, length: number): RegexNode {
    if (this.#depth >= JAVA_REGEX_DEPTH_MAX) {
      this.#refuse("too-deep", start, start + 1, `groups nest at most ${JAVA_REGEX_DEPTH_MAX} deep`);
    }
    const flags = this.#flags;
    this.#index = start + length;
    this.#depth += 1;
    const body = this.#alternatives(start);
    this.#depth -= 1;
    this.#index += 1;
    this.#flags = flags;
    return body;
  }

  #withFlags(on: string, off: string, start: number, length: number): Flags {
    let flags = this.#flags;
    for (const [letters, value] of [[on, true], [off, false]] as const) {
      for (const letter of letters) {
        const name = FLAG_OF[letter];
        if (name === undefined) this.#refuse("unsupported-flag", start, start + length);
        flags = { ...flags, [name]: value };
      }
    }
    return flags;
  }

  #anchor(what: AnchorNode["what"], length: number): AnchorNode {
    const start = this.#index;
    this.#index += length;
    return { kind: "anchor", what, unixLines: this.#flags.unixLines, ...this.#span(start, this.#index) };
  }

  /** An escape outside a class. */
  #escape(): RegexNode {
    const start = this.#index;
    const letter = this.#text[start + 1] ?? "";
    switch (letter) {
      case "b":
      case "B":
        if (this.#text.startsWith("b{g}", start + 1)) this.#refuse("grapheme", start, start + 5);
        return this.#anchor(letter === "b" ? "word" : "not-word", 2);
      case "A":
        return this.#anchor("start", 2);
      case "z":
        return this.#anchor("end", 2);
      case "Z":
        return this.#anchor("end-of-lines", 2);
      case "R":
        this.#index += 2;
        return LINE_BREAK;
    }
    const members = this.#predefined();
    if (members !== null) return { kind: "set", ...members };
    const code = this.#escapedCharacter();
    return one(this.#folded(codePoints([[code, code]])));
  }

  /** A class from `[` to `]`. Its grammar is that of Java 9 and later, where `^` takes in what `&&` gives. */
  #class(): Members {
    const start = this.#index;
    if (this.#depth >= JAVA_REGEX_DEPTH_MAX) this.#refuse("too-deep", start, start + 1);
    this.#index += 1;
    this.#depth += 1;
    const isNegated = this.#char() === "^";
    if (isNegated) this.#index += 1;
    const members = this.#classBody(start);
    this.#index += 1;
    this.#depth -= 1;
    return isNegated ? inverted(members) : members;
  }

  /** What stands before the next `]`, which is not read. */
  #classBody(opener: number): Members {
    let members: Members | null = null;
    for (;;) {
      this.#skipComments();
      const at = this.#index;
      const char = this.#char();
      if (char === "") return this.#refuse("unclosed-class", opener, opener + 1);
      if (char === "]" && members !== null) return members;
      if (this.#text.startsWith("&&", at)) {
        this.#index += 2;
        const right = this.#rightOfAnd(opener);
        if (members === null || right === null) return this.#refuse("class-intersection", at, at + 2);
        members = { set: intersection(listed(members), listed(right)), properties: [] };
        continue;
      }
      const item: Members = char === "[" ? this.#class() : this.#classItem();
      members = members === null ? item : joined(members, item);
    }
  }

  #rightOfAnd(opener: number): Members | null {
    let right: Members | null = null;
    for (;;) {
      this.#skipComments();
      const char = this.#char();
      if (char === "") return this.#refuse("unclosed-class", opener, opener + 1);
      if (char === "]" || char === "&") return right;
      const item = char === "[" ? this.#class() : this.#classBody(opener);
      right = right === null ? item : joined(right, item);
    }
  }

  /** A predefined class, one character, or a range. */
  #classItem(): Members {
    const start = this.#index;
    const predefined = this.#char() === "\\" ? this.#predefined() : null;
    if (predefined !== null) return predefined;
    const low = this.#classCharacter();
    const afterDash = this.#text[this.#index + 1] ?? "";
    if (this.#char() !== "-" || afterDash === "]" || afterDash === "[" || afterDash === "") {
      return { set: this.#folded(codePoints([[low, low]])), properties: [] };
    }
    this.#index += 1;
    const at = this.#index;
    if (this.#char() === "\\" && this.#predefined() !== null) this.#refuse("bad-range", start, this.#index);
    this.#index = at;
    const high = this.#classCharacter();
    if (high < low) this.#refuse("bad-range", start, this.#index);
    return { set: this.#folded(codePoints([[low, high]])), properties: [] };
  }

  #classCharacter(): number {
    const char = this.#char();
    if (char === "\\") return this.#escapedCharacter();
    this.#index += char.length;
    return char.codePointAt(0) ?? 0;
  }

  /** \d \w \s \h \v, \p and their capitals, read; null for any other escape. */
  #predefined(): Members | null {
    const start = this.#index;
    const letter = this.#text[start + 1] ?? "";
    const set = PREDEFINED.get(letter.toLowerCase());
    if (set !== undefined) {
      this.#index += 2;
      return { set: letter === letter.toLowerCase() ? set : complement(set), properties: [] };
    }
    if (letter !== "p" && letter !== "P") return null;
    const found = /^\\[pP](?:\{([^}]*)\}|([A-Z]))/.exec(this.#text.slice(start, start + 80));
    if (found === null) return this.#refuse("unicode-property", start, start + 2);
    const members = namedClass(found[1] ?? found[2] ?? "", this.#flags.ignoresCase);
    if (members === null) return this.#refuse("unicode-property", start, start + found[0].length);
    this.#index += found[0].length;
    return letter === "p" ? members : inverted(members);
  }

  #escapedCharacter(): number {
    const start = this.#index;
    const escape = readEscape(this.#text, start);
    if ("refused" in escape) return this.#refuse(escape.refused, start, start + 2);
    this.#index += escape.length;
    return escape.codePoint;
  }

  #folded(set: CodePoints): CodePoints {
    return this.#flags.ignoresCase ? asciiFolded(set) : set;
  }

  /** Under (?x) blanks mean nothing, and neither does what stands between # and the end of the line. */
  #skipComments(): void {
    if (!this.#flags.comments) return;
    const blank = /(?:[ \t\n\v\f\r]|#[^\n\r\u0085\u2028\u2029]*)*/y;
    blank.lastIndex = this.#index;
    blank.exec(this.#text);
    this.#index = blank.lastIndex;
  }

  /** The character at the reading point, whole even when it takes two units; empty at the end. */
  #char(): string {
    const codePoint = this.#text.codePointAt(this.#index);
    return codePoint === undefined ? "" : String.fromCodePoint(codePoint);
  }

  #span(start: number, end: number): { readonly start: number; readonly end: number } {
    const at = (index: number): number => this.#origins[index] ?? this.#pattern.length;
    return { start: at(start), end: at(end) };
  }

  #refuse(kind: JavaRegexProblemKind, start: number, end: number, message = JAVA_REGEX_ADVICE[kind]): never {
    throw new JavaRegexRefusal({ kind, message, ...this.#span(start, end) });
  }
}

function sequence(parts: readonly RegexNode[]): RegexNode {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : { kind: "sequence", parts };
}

/** How many copies of its parts an engine makes of a node with counts. */
function unrolled(node: RegexNode): number {
  switch (node.kind) {
    case "set":
    case "anchor":
      return 1;
    case "sequence":
      return node.parts.reduce((sum, part) => sum + unrolled(part), 0);
    case "choice":
      return node.options.reduce((sum, option) => sum + unrolled(option), 0);
    case "repeat":
      return Math.max(1, node.max === Infinity ? node.min : node.max) * unrolled(node.body);
    default:
      return unrolled(node.body);
  }
}
