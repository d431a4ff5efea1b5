/**
 * Reads the conditions of filters in JSON paths: `@.a == 'b' && !(@.c > 1) || @.d in ['x', 'y']`. For the compiler; no
 * expression of another language is ever run.
 */
import type { JsonPathStep } from "./json-path.ts";
import type { JsonComparison, JsonFilter, JsonLiteral, JsonOperand } from "./json-query.ts";

/** Parentheses and negations nest no deeper. */
const DEPTH_MAX = 20;

const COMPARISONS: readonly JsonComparison[] = ["==", "!=", "<", "<=", ">", ">="];

type Problem = { readonly problem: string; readonly at: number };

/** Reads a filter from `start`; `end` is where it ends. */
export function parseJsonFilter(
  text: string,
  start: number,
): { readonly filter: JsonFilter; readonly end: number } | Problem {
  const reader = new FilterReader(text, start);
  try {
    const filter = reader.either();
    return { filter, end: reader.at };
  } catch (thrown) {
    if (thrown instanceof FilterRefusal) return thrown.problem;
    throw thrown;
  }
}

class FilterRefusal {
  readonly problem: Problem;
  constructor(problem: Problem) {
    this.problem = problem;
  }
}

class FilterReader {
  readonly #text: string;
  at: number;
  #depth = 0;

  constructor(text: string, start: number) {
    this.#text = text;
    this.at = start;
  }

  either(): JsonFilter {
    const options = [this.#both()];
    while (this.#take("||") !== null) options.push(this.#both());
    const [only] = options;
    return options.length === 1 && only !== undefined ? only : { or: options };
  }

  #both(): JsonFilter {
    const parts = [this.#one()];
    while (this.#take("&&") !== null) parts.push(this.#one());
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : { and: parts };
  }

  #one(): JsonFilter {
    if (this.#depth >= DEPTH_MAX) this.#refuse(`filters nest at most ${DEPTH_MAX} deep`);
    this.#depth += 1;
    const filter = this.#inner();
    this.#depth -= 1;
    return filter;
  }

  #inner(): JsonFilter {
    if (this.#take("!") !== null) return { not: this.#one() };
    if (this.#take("(") !== null) {
      const inner = this.either();
      if (this.#take(")") === null) this.#refuse("a parenthesis of this filter is not closed");
      return inner;
    }
    const left = this.#operand();
    const test = this.#match(/==|!=|<=|>=|<(?!>)|>|=~/y);
    if (test === "=~") this.#refuse("filters cannot use regular expressions");
    const comparison = COMPARISONS.find((known) => known === test);
    if (comparison !== undefined) return { test: comparison, left, right: this.#operand() };
    const isIn = this.#match(/n?in\b/y);
    if (isIn !== null) return isIn === "in" ? { in: this.#list(), left } : { not: { in: this.#list(), left } };
    const operator = this.#match(/[a-z]+/y);
    if (operator !== null) this.#refuse(`filters do not know ${operator}; they compare, and know in and nin`);
    if (!("from" in left)) this.#refuse("a value alone is no condition");
    return { exists: left };
  }

  #operand(): JsonOperand {
    const from = this.#match(/[@$]/y);
    if (from === "@" || from === "$") return { from, steps: this.#steps() };
    return { literal: this.#literal() };
  }

  /** Members and indexes; behind a path's own blanks nothing belongs to it. */
  #steps(): readonly JsonPathStep[] {
    const steps: JsonPathStep[] = [];
    const step = /\.([A-Za-z0-9_$\u0080-\uffff-]+)|\[(?:(-?[0-9]{1,9})|'([^'\\]*)'|"([^"\\]*)")\]/y;
    for (;;) {
      step.lastIndex = this.at;
      const found = step.exec(this.#text);
      if (found === null) {
        if (/[.[(]/.test(this.#text[this.at] ?? "")) this.#refuse("paths in filters hold members and indexes only");
        return steps;
      }
      const [text, member, index, single, double] = found;
      steps.push(index === undefined ? (member ?? single ?? double ?? "") : Number(index));
      this.at += text.length;
    }
  }

  #list(): readonly JsonLiteral[] {
    if (this.#take("[") === null) this.#refuse("in and nin need a list: ['a', 'b']");
    const list = [this.#literal()];
    while (this.#take(",") !== null) list.push(this.#literal());
    if (this.#take("]") === null) this.#refuse("this list is not closed by ]");
    return list;
  }

  #literal(): JsonLiteral {
    const text = this.#match(/'[^'\\]*'|"[^"\\]*"/y);
    if (text !== null) return text.slice(1, -1);
    const number = this.#match(/-?[0-9]{1,15}(?:\.[0-9]{1,15})?(?:[eE][+-]?[0-9]{1,2})?(?![\w.])/y);
    if (number !== null) return Number(number);
    const word = this.#match(/(?:true|false|null)\b/y);
    if (word !== null) return word === "null" ? null : word === "true";
    return this.#refuse("a path, a text in quotes, a number, true, false or null is needed here");
  }

  #take(sign: string): string | null {
    return this.#match(new RegExp(sign.replace(/[|()[\]]/g, "\\$&"), "y"));
  }

  /** Reads past blanks and what the pattern matches; null, and nothing read, when it does not. */
  #match(pattern: RegExp): string | null {
    const blank = /\s*/y;
    blank.lastIndex = this.at;
    blank.exec(this.#text);
    pattern.lastIndex = blank.lastIndex;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) return null;
    this.at = pattern.lastIndex;
    return found;
  }

  #refuse(problem: string): never {
    throw new FilterRefusal({ problem, at: this.at });
  }
}
