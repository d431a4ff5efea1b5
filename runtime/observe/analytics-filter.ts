/**
 * The filter language of analytics queries (apigee-core section 8.6): `apiproxy eq 'chat' and target is null`. It
 * becomes a function over one row's values; nothing of it reaches SQL. Bounded in length, comparisons and depth.
 */

/** A value of a row; null: not set. */
export type RowValue = string | number | null;

export interface StatsFilter {
  /** Names that it asks for, each once. */
  readonly names: readonly string[];
  holds(valueOf: (name: string) => RowValue): boolean;
}

type Test = StatsFilter["holds"];

/** What is wrong with a filter, in words for people. */
export class BadFilter extends Error {}

const TERMS_MAX = 64;
const DEPTH_MAX = 16;
const NOT_SET = "(not set)";

/** Name or word, number, text in single quotes (doubled inside), bracket or comma. */
const TOKEN = /\s*(?:([A-Za-z_]\w*)|(-?\d+(?:\.\d+)?)|'((?:[^']|'')*)'|([(),])|(\S))/gy;

interface Token {
  readonly kind: "word" | "number" | "text" | "mark";
  readonly text: string;
}

/** Reads a filter. `isKnown`: whether rows have a dimension or metric of that name. Throws BadFilter. */
export function parseFilter(text: string, isKnown: (name: string) => boolean): StatsFilter {
  const parser = new Parser(tokens(text), isKnown);
  const holds = parser.either(0);
  parser.end();
  return { names: [...parser.names], holds };
}

function tokens(text: string): readonly Token[] {
  const found: Token[] = [];
  for (const [, word, number, quoted, mark, stray] of text.trim().matchAll(TOKEN)) {
    if (stray !== undefined) throw new BadFilter(`filter: ${JSON.stringify(stray)} is not expected here`);
    if (word !== undefined) found.push({ kind: "word", text: word });
    else if (number !== undefined) found.push({ kind: "number", text: number });
    else if (quoted !== undefined) found.push({ kind: "text", text: quoted.replaceAll("''", "'") });
    else if (mark !== undefined) found.push({ kind: "mark", text: mark });
  }
  return found;
}

class Parser {
  readonly names = new Set<string>();
  readonly #tokens: readonly Token[];
  readonly #isKnown: (name: string) => boolean;
  #at = 0;
  #terms = 0;

  constructor(tokens: readonly Token[], isKnown: (name: string) => boolean) {
    this.#tokens = tokens;
    this.#isKnown = isKnown;
  }

  either(depth: number): Test {
    if (depth > DEPTH_MAX) throw new BadFilter(`filter: at most ${DEPTH_MAX} brackets inside each other`);
    const tests = [this.#both(depth)];
    while (this.#takes("or")) tests.push(this.#both(depth));
    const [only] = tests;
    return tests.length === 1 && only !== undefined ? only : (valueOf) => tests.some((test) => test(valueOf));
  }

  end(): void {
    if (this.#at < this.#tokens.length) throw this.#unexpected("and, or, or the end");
  }

  #both(depth: number): Test {
    const tests = [this.#term(depth)];
    while (this.#takes("and")) tests.push(this.#term(depth));
    const [only] = tests;
    return tests.length === 1 && only !== undefined ? only : (valueOf) => tests.every((test) => test(valueOf));
  }

  #term(depth: number): Test {
    if (!this.#takes("(")) return this.#comparison();
    const inner = this.either(depth + 1);
    if (!this.#takes(")")) throw this.#unexpected(")");
    return inner;
  }

  #comparison(): Test {
    if (++this.#terms > TERMS_MAX) throw new BadFilter(`filter: at most ${TERMS_MAX} comparisons`);
    const name = this.#next();
    if (name?.kind !== "word") throw this.#unexpected("a dimension", -1);
    if (!this.#isKnown(name.text)) throw new BadFilter(`filter: ${JSON.stringify(name.text)} is no dimension`);
    this.names.add(name.text);
    const test = this.#operation(this.#operator());
    return (valueOf) => test(valueOf(name.text));
  }

  #operator(): string {
    const word = this.#next();
    const text = word?.kind === "word" ? word.text.toLowerCase() : "";
    if (text === "not" && this.#takes("like")) return "not like";
    if (!OPERATORS.has(text)) throw this.#unexpected(`one of ${[...OPERATORS].join(", ")}, not like`, -1);
    return text;
  }

  #operation(operator: string): (value: RowValue) => boolean {
    if (operator === "is" || operator === "isnot") {
      if (!this.#takes("null")) throw this.#unexpected("null");
      return operator === "is" ? (value) => value === null : (value) => value !== null;
    }
    if (operator === "in" || operator === "notin") {
      const all = new Set(this.#list());
      return operator === "in" ? (value) => all.has(shown(value)) : (value) => !all.has(shown(value));
    }
    const wanted = this.#value();
    if (operator === "like" || operator === "not like") {
      const isLike = likeness(wanted);
      return operator === "like" ? (value) => isLike(shown(value)) : (value) => !isLike(shown(value));
    }
    return (value) => isOrdered(operator, orderOf(value, wanted));
  }

  #list(): readonly string[] {
    if (!this.#takes("(")) throw this.#unexpected("( and a list of values");
    const values = [this.#value()];
    while (this.#takes(",")) values.push(this.#value());
    if (!this.#takes(")")) throw this.#unexpected(")");
    return values;
  }

  #value(): string {
    const token = this.#next();
    if (token?.kind === "text" || token?.kind === "number") return token.text;
    throw this.#unexpected("a text in single quotes or a number", -1);
  }

  #next(): Token | undefined {
    return this.#tokens[this.#at++];
  }

  #takes(text: string): boolean {
    const token = this.#tokens[this.#at];
    if (token === undefined || token.kind === "text" || token.text.toLowerCase() !== text) return false;
    this.#at++;
    return true;
  }

  #unexpected(wanted: string, back = 0): BadFilter {
    const token = this.#tokens[this.#at + back];
    const found = token === undefined ? "its end" : JSON.stringify(token.text);
    return new BadFilter(`filter: ${wanted} expected, found ${found}`);
  }
}

const OPERATORS: ReadonlySet<string> = /* @__PURE__ */ new Set([
  "eq", "ne", "gt", "lt", "ge", "le", "in", "notin", "is", "isnot", "like",
]);

/** Whether an order is the one that an operator wants. */
function isOrdered(operator: string, order: number): boolean {
  switch (operator) {
    case "eq":
      return order === 0;
    case "ne":
      return order !== 0;
    case "gt":
      return order > 0;
    case "lt":
      return order < 0;
    case "ge":
      return order >= 0;
    default:
      return order <= 0;
  }
}

/** Values that are not set compare as the answer shows them. */
function shown(value: RowValue): string {
  return value === null ? NOT_SET : String(value);
}

/** Numbers by size where both are numbers, else texts by code unit; NaN (no order) where a number is not set. */
function orderOf(value: RowValue, wanted: string): number {
  if (typeof value === "number") return value - Number(wanted);
  const text = shown(value);
  return text === wanted ? 0 : text < wanted ? -1 : 1;
}

/** `%` is any text, `_` any character; letter case counts. Only the last `%` is ever tried again. */
function likeness(pattern: string): (text: string) => boolean {
  return (text) => {
    let at = 0;
    let from = 0;
    let star = -1;
    let mark = 0;
    while (at < text.length) {
      if (from < pattern.length && pattern[from] !== "%" && (pattern[from] === "_" || pattern[from] === text[at])) {
        at++;
        from++;
      } else if (pattern[from] === "%") {
        star = from++;
        mark = at;
      } else if (star >= 0) {
        from = star + 1;
        at = ++mark;
      } else return false;
    }
    while (pattern[from] === "%") from++;
    return from === pattern.length;
  };
}
