/**
 * Message templates: text with `{variable}`, `{variable:default}` and `{function(arguments)}` in it. Parses only; a
 * template is turned into code by the compiler. Whether a function's literal arguments make sense is not judged here.
 *
 * A brace that does not open one of these three forms is text, so that JSON passes through: a name begins with a letter
 * or `_` and holds letters, digits, `.`, `_` and `-`; a default holds no brace, no double quote and no line end;
 * nothing nests. A `}` without its `{` is text. Double quotes around the whole template are dropped. In a quoted
 * argument two single quotes are one.
 */
import { argumentCountProblem, isSettled, isTemplateFunction, TEMPLATE_FUNCTIONS } from "./template-functions.ts";
import type { TemplateFunction } from "./template-functions.ts";

/** Templates longer than this (UTF-16 units) are refused before they are read. */
export const TEMPLATE_LENGTH_MAX = 1_048_576;
/** Problems beyond this many in one template are not reported. */
const TEMPLATE_PROBLEMS_MAX = 20;

/** Where a part stands in the template's text: UTF-16 offsets, `end` exclusive. */
type TextSpan = { readonly start: number; readonly end: number };

/** Text that stands for itself. */
export type LiteralPart = TextSpan & { readonly kind: "literal"; readonly text: string };
/** A flow variable; `fallback` (which may be empty) is its value while it is unresolved. */
export type VariablePart = TextSpan & { readonly kind: "variable"; readonly name: string; readonly fallback?: string };
/** One argument of a function: quoted text, a number as written, or a variable. */
export type TemplateArgument = LiteralPart | VariablePart;
/** A function call; of no function where the template has problems. */
export type CallPart = TextSpan & {
  readonly kind: "call";
  readonly name: string;
  readonly args: readonly TemplateArgument[];
};
/** Any part of a template. */
export type TemplatePart = LiteralPart | VariablePart | CallPart;

/** What can be wrong with a template. */
export type TemplateProblemKind =
  | "too-long"
  | "unknown-function"
  | "malformed-call"
  | "wrong-arguments";

/** One mistake. */
export type TemplateProblem = TextSpan & {
  readonly kind: TemplateProblemKind;
  readonly message: string;
  readonly suggestion?: string;
};

/** A parsed template. Parts are in order; no two literals touch; an empty template has no parts. */
export type Template = { readonly parts: readonly TemplatePart[]; readonly problems: readonly TemplateProblem[] };

/** How a template is read where that differs from the ordinary. */
export interface TemplateReading {
  /** What stands around references in place of `{` and `}`: the old attributes variablePrefix and variableSuffix. */
  readonly delimiters?: TemplateDelimiters;
  /** Variables whose text is sure. They stand for it where a function's argument must be known when compiling. */
  readonly literals?: ReadonlyMap<string, string>;
}

/** Both are short texts without letters, digits, spaces and the signs of a reference: see delimitersProblem. */
export interface TemplateDelimiters {
  readonly prefix: string;
  readonly suffix: string;
}

const BRACES: TemplateDelimiters = { prefix: "{", suffix: "}" };
const DELIMITER = /^[!#$%&*+/;<=>?@[\\\]^`{|}~]{1,8}$/;

/** Why these cannot open and close references; null when they can. */
export function delimitersProblem({ prefix, suffix }: TemplateDelimiters): string | null {
  const wrong = [prefix, suffix].find((delimiter) => !DELIMITER.test(delimiter));
  if (wrong === undefined) return null;
  return `${JSON.stringify(wrong)} cannot stand around a variable: 1 to 8 signs that no name and no call can hold can`;
}

const NAME = /[A-Za-z_][A-Za-z0-9_.-]*/y;
const ARGUMENT_FALLBACK = /:([^{}"\s,()]*)/y;
const QUOTED = /'([^']*(?:''[^']*)*)'(?!')/y;
/** A JSON path may stand as it is: brackets hold anything but braces; elsewhere a comma or parenthesis ends it. */
const JSON_PATH = /\$(?:\[[^\]{}\r\n]*\]|[^\s,(){}[\]'"])*/y;
const TRUTH = /(?:true|false)(?=[,)])/y;
const NUMBER = /-?[0-9]+(?:\.[0-9]+)?/y;

/** Parses a template; never throws. */
export function parseTemplate(text: string, reading: TemplateReading = {}): Template {
  if (text.length > TEMPLATE_LENGTH_MAX) {
    const message = `this template has ${text.length} characters, more than the ${TEMPLATE_LENGTH_MAX} allowed`;
    return { parts: [], problems: [{ kind: "too-long", message, start: 0, end: text.length }] };
  }
  return new TemplateParser(text, reading).parse();
}

/** The text of a constant template, or undefined when it depends on variables. */
export function constantText(template: Template): string | undefined {
  let text = "";
  for (const part of template.parts) {
    if (part.kind !== "literal") return undefined;
    text += part.text;
  }
  return text;
}

/** The names of all variables a template may read, each once, in the order of first mention. */
export function templateVariables(template: Template): readonly string[] {
  const names = new Set<string>();
  for (const part of template.parts) {
    for (const piece of part.kind === "call" ? part.args : [part]) {
      if (piece.kind === "variable") names.add(piece.name);
    }
  }
  return [...names];
}

/** A template that is this text. */
export function literalTemplate(text: string): Template {
  return { parts: text === "" ? [] : [{ kind: "literal", text, start: 0, end: text.length }], problems: [] };
}

/** A template that is this variable. */
export function variableTemplate(name: string): Template {
  return { parts: [{ kind: "variable", name, start: 0, end: name.length }], problems: [] };
}

/**
 * Variables without which a template is unresolved, in groups: it is when all of one group are. Those with a default
 * are in none; the arguments of firstnonnull make one group together.
 */
export function neededVariables(template: Template): readonly (readonly string[])[] {
  const groups = new Map<string, readonly string[]>();
  const add = (pieces: readonly TemplatePart[]): void => {
    const names = pieces.flatMap((piece) => (isNeeded(piece) ? [piece.name] : []));
    if (names.length === pieces.length && names.length > 0) groups.set(names.join(","), names);
  };
  for (const part of template.parts) {
    if (part.kind !== "call") add([part]);
    else if (part.name === "firstnonnull") add(part.args);
    else for (const argument of part.args) add([argument]);
  }
  return [...groups.values()];
}

function isNeeded(part: TemplatePart): part is VariablePart {
  return part.kind === "variable" && part.fallback === undefined;
}

type ArgumentList = { readonly list: readonly TemplateArgument[]; readonly end: number };

class TemplateParser {
  readonly #text: string;
  readonly #prefix: string;
  readonly #suffix: string;
  readonly #literals: ReadonlyMap<string, string> | undefined;
  readonly #problems: TemplateProblem[] = [];

  constructor(text: string, { delimiters = BRACES, literals }: TemplateReading) {
    this.#text = text;
    this.#prefix = delimiters.prefix;
    this.#suffix = delimiters.suffix;
    this.#literals = literals;
  }

  parse(): Template {
    const text = this.#text;
    const isWrapped = text.length >= 2 && text.startsWith('"') && text.indexOf('"', 1) === text.length - 1;
    const first = isWrapped ? 1 : 0;
    const parts: TemplatePart[] = [];
    let literalStart = first;
    const closeLiteral = (at: number): void => {
      if (at === literalStart) return;
      parts.push({ kind: "literal", text: text.slice(literalStart, at), start: literalStart, end: at });
    };
    for (let open = text.indexOf(this.#prefix, first); open !== -1; ) {
      const part = this.#reference(open);
      if (part !== undefined) {
        closeLiteral(open);
        parts.push(part);
        literalStart = part.end;
      }
      open = text.indexOf(this.#prefix, part?.end ?? open + 1);
    }
    closeLiteral(text.length - first);
    return { parts, problems: this.#problems.slice(0, TEMPLATE_PROBLEMS_MAX) };
  }

  /** The variable or call that opens at `open`; undefined when its brace is text. */
  #reference(open: number): VariablePart | CallPart | undefined {
    const start = open + this.#prefix.length;
    const name = matchAt(NAME, this.#text, start)?.[0];
    if (name === undefined) return undefined;
    const after = start + name.length;
    if (this.#text[after] === "(") return this.#call(open, name, after);
    if (this.#text.startsWith(this.#suffix, after)) {
      return { kind: "variable", name, start: open, end: after + this.#suffix.length };
    }
    if (this.#text[after] !== ":") return undefined;
    const fallback = this.#fallback(after + 1);
    if (fallback === undefined) return undefined;
    const end = after + 1 + fallback.length + this.#suffix.length;
    return { kind: "variable", name, fallback, start: open, end };
  }

  /** The text up to the suffix. It is looked for no further than to the next prefix, so that reading stays linear. */
  #fallback(start: number): string | undefined {
    const next = this.#text.indexOf(this.#prefix, start);
    const isOwnEnd = this.#prefix === this.#suffix;
    const rest = this.#text.slice(start, next === -1 ? undefined : next + (isOwnEnd ? this.#suffix.length : 0));
    const close = rest.indexOf(this.#suffix);
    const fallback = rest.slice(0, close);
    return close === -1 || /["\r\n]/.test(fallback) ? undefined : fallback;
  }

  #call(open: number, name: string, parenthesis: number): CallPart | undefined {
    const args = this.#arguments(parenthesis + 1, name);
    if (args === undefined) {
      // Of an unknown name this is more likely a piece of a script than a call.
      if (!isTemplateFunction(name)) return undefined;
      const form = `${this.#prefix}${name}(a,'b')${this.#suffix}`;
      const message = `${name} must be called as ${form}: no spaces, no call inside a call, closed by )${this.#suffix}`;
      this.#problems.push({ kind: "malformed-call", message, start: open, end: parenthesis });
      return undefined;
    }
    const span = { start: open, end: args.end };
    const problem = isTemplateFunction(name) ? callProblem(name, args.list.length, span) : unknownFunction(name, span);
    if (problem !== null) this.#problems.push(problem);
    return { kind: "call", name, args: args.list, ...span };
  }

  /** Reads `a,'b',3)}` from `start`; undefined when it is not of that form. */
  #arguments(start: number, callee: string): ArgumentList | undefined {
    const closing = `)${this.#suffix}`;
    if (this.#text.startsWith(closing, start)) return { list: [], end: start + closing.length };
    const list: TemplateArgument[] = [];
    for (let at = start; ; ) {
      const argument = this.#argument(at, callee, list.length);
      if (argument === undefined) return undefined;
      list.push(argument);
      if (this.#text.startsWith(closing, argument.end)) return { list, end: argument.end + closing.length };
      if (this.#text[argument.end] !== ",") return undefined;
      at = argument.end + 1;
    }
  }

  #argument(start: number, callee: string, index: number): TemplateArgument | undefined {
    const quoted = matchAt(QUOTED, this.#text, start);
    if (quoted !== undefined) {
      const content = (quoted[1] ?? "").replaceAll("''", "'");
      return { kind: "literal", text: content, start, end: start + quoted[0].length };
    }
    const plain = callee === "jsonPath" ? (index === 0 ? JSON_PATH : index === 2 ? TRUTH : NUMBER) : NUMBER;
    const bare = matchAt(plain, this.#text, start)?.[0];
    if (bare !== undefined) return { kind: "literal", text: bare, start, end: start + bare.length };
    const name = matchAt(NAME, this.#text, start)?.[0];
    if (name === undefined) return undefined;
    const after = start + name.length;
    const fallback = matchAt(ARGUMENT_FALLBACK, this.#text, after);
    if (fallback !== undefined) {
      return { kind: "variable", name, fallback: fallback[1] ?? "", start, end: after + fallback[0].length };
    }
    const literal = isSettled(callee, index) ? this.#literals?.get(name) : undefined;
    if (literal !== undefined) return { kind: "literal", text: literal, start, end: after };
    return { kind: "variable", name, start, end: after };
  }
}

function callProblem(name: TemplateFunction, count: number, span: TextSpan): TemplateProblem | null {
  const message = argumentCountProblem(name, count);
  return message === null ? null : { kind: "wrong-arguments", message, ...span };
}

function unknownFunction(name: string, span: TextSpan): TemplateProblem {
  const meant = [...TEMPLATE_FUNCTIONS].find((known) => known.toLowerCase() === name.toLowerCase());
  const message = `there is no function ${name}`;
  if (meant === undefined) return { kind: "unknown-function", message, ...span };
  return { kind: "unknown-function", message: `${message}; did you mean ${meant}?`, suggestion: meant, ...span };
}

function matchAt(pattern: RegExp, text: string, index: number): RegExpExecArray | undefined {
  pattern.lastIndex = index;
  return pattern.exec(text) ?? undefined;
}
