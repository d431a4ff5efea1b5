/**
 * Message templates: text with `{variable}`, `{variable:default}` and `{function(arguments)}` in it. Parses only; a
 * template is turned into code by the compiler. Whether a function's literal arguments make sense is not judged here.
 *
 * A brace that does not open one of these three forms is text, so that JSON passes through: a name begins with a letter
 * or `_` and holds letters, digits, `.`, `_` and `-`; a default holds no brace, no double quote and no line end;
 * nothing nests. A `}` without its `{` is text. Double quotes around the whole template are dropped. In a quoted
 * argument two single quotes are one.
 */
import {
  argumentCountProblem,
  isTemplateFunction,
  TEMPLATE_FUNCTIONS,
  UNSUPPORTED_FUNCTIONS,
} from "./template-functions.ts";
import type { TemplateFunction } from "./template-functions.ts";

export { TEMPLATE_FUNCTIONS, type TemplateFunction };

/** Templates longer than this (UTF-16 units) are refused before they are read. */
export const TEMPLATE_LENGTH_MAX = 1_048_576;
/** Problems beyond this many in one template are not reported. */
export const TEMPLATE_PROBLEMS_MAX = 20;

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

/** What can be wrong with a template. `function-not-supported`: valid, but not built yet. */
export type TemplateProblemKind =
  | "too-long"
  | "function-not-supported"
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

const NAME = /[A-Za-z_][A-Za-z0-9_.-]*/y;
const FALLBACK = /:([^{}"\r\n]*)/y;
const ARGUMENT_FALLBACK = /:([^{}"\s,()]*)/y;
const QUOTED = /'([^']*(?:''[^']*)*)'(?!')/y;
/** A JSON path may stand as it is: brackets hold anything but braces; elsewhere a comma or parenthesis ends it. */
const JSON_PATH = /\$(?:\[[^\]{}\r\n]*\]|[^\s,(){}[\]'"])*/y;
const TRUTH = /(?:true|false)(?=[,)])/y;
const NUMBER = /-?[0-9]+(?:\.[0-9]+)?/y;

/** Parses a template; never throws. */
export function parseTemplate(text: string): Template {
  if (text.length > TEMPLATE_LENGTH_MAX) {
    const message = `this template has ${text.length} characters, more than the ${TEMPLATE_LENGTH_MAX} allowed`;
    return { parts: [], problems: [{ kind: "too-long", message, start: 0, end: text.length }] };
  }
  const isWrapped = text.length >= 2 && text.startsWith('"') && text.indexOf('"', 1) === text.length - 1;
  const first = isWrapped ? 1 : 0;
  const end = text.length - first;
  const parts: TemplatePart[] = [];
  const problems: TemplateProblem[] = [];
  let literalStart = first;
  const closeLiteral = (at: number): void => {
    if (at === literalStart) return;
    parts.push({ kind: "literal", text: text.slice(literalStart, at), start: literalStart, end: at });
  };
  for (let open = text.indexOf("{", first); open !== -1; ) {
    const part = readReference(text, open, problems);
    if (part !== undefined) {
      closeLiteral(open);
      parts.push(part);
      literalStart = part.end;
    }
    open = text.indexOf("{", part?.end ?? open + 1);
  }
  closeLiteral(end);
  return { parts, problems: problems.slice(0, TEMPLATE_PROBLEMS_MAX) };
}

/** True when the template is the same text for every request. */
export function isConstant(template: Template): boolean {
  return template.parts.every((part) => part.kind === "literal");
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

/** The variable or call whose brace opens at `open`; undefined when that brace is text. */
function readReference(text: string, open: number, problems: TemplateProblem[]): VariablePart | CallPart | undefined {
  const name = matchAt(NAME, text, open + 1)?.[0];
  if (name === undefined) return undefined;
  const after = open + 1 + name.length;
  if (text[after] === "(") return readCall(text, open, name, problems);
  const variable = readVariable(text, open + 1, name, FALLBACK);
  if (text[variable.end] !== "}") return undefined;
  return { ...variable, start: open, end: variable.end + 1 };
}

function readCall(text: string, open: number, name: string, problems: TemplateProblem[]): CallPart | undefined {
  const args = readArguments(text, open + name.length + 2, name);
  if (args === undefined) {
    // Of an unknown name this is more likely a piece of a script than a call.
    if (!isTemplateFunction(name)) return undefined;
    const end = open + 1 + name.length;
    const message = `${name} must be called as {${name}(a,'b')}: no spaces, no call inside a call, closed by )}`;
    problems.push({ kind: "malformed-call", message, start: open, end });
    return undefined;
  }
  const span = { start: open, end: args.end };
  const problem = isTemplateFunction(name) ? callProblem(name, args.list.length, span) : unknownFunction(name, span);
  if (problem !== null) problems.push(problem);
  return { kind: "call", name, args: args.list, ...span };
}

function callProblem(name: TemplateFunction, count: number, span: TextSpan): TemplateProblem | null {
  if (UNSUPPORTED_FUNCTIONS.has(name)) {
    return { kind: "function-not-supported", message: `the function ${name} is not supported`, ...span };
  }
  const message = argumentCountProblem(name, count);
  return message === null ? null : { kind: "wrong-arguments", message, ...span };
}

function unknownFunction(name: string, span: TextSpan): TemplateProblem {
  const meant = [...TEMPLATE_FUNCTIONS].find((known) => known.toLowerCase() === name.toLowerCase());
  const message = `there is no function ${name}`;
  if (meant === undefined) return { kind: "unknown-function", message, ...span };
  return { kind: "unknown-function", message: `${message}; did you mean ${meant}?`, suggestion: meant, ...span };
}

type ArgumentList = { readonly list: readonly TemplateArgument[]; readonly end: number };

/** Reads `a,'b',3)}` from `start`; undefined when it is not of that form. */
function readArguments(text: string, start: number, callee: string): ArgumentList | undefined {
  if (text.startsWith(")}", start)) return { list: [], end: start + 2 };
  const list: TemplateArgument[] = [];
  for (let at = start; ; ) {
    const argument = readArgument(text, at, callee, list.length);
    if (argument === undefined) return undefined;
    list.push(argument);
    if (text.startsWith(")}", argument.end)) return { list, end: argument.end + 2 };
    if (text[argument.end] !== ",") return undefined;
    at = argument.end + 1;
  }
}

function readArgument(text: string, start: number, callee: string, index: number): TemplateArgument | undefined {
  const quoted = matchAt(QUOTED, text, start);
  if (quoted !== undefined) {
    const content = (quoted[1] ?? "").replaceAll("''", "'");
    return { kind: "literal", text: content, start, end: start + quoted[0].length };
  }
  const plain = callee === "jsonPath" ? (index === 0 ? JSON_PATH : index === 2 ? TRUTH : NUMBER) : NUMBER;
  const bare = matchAt(plain, text, start)?.[0];
  if (bare !== undefined) return { kind: "literal", text: bare, start, end: start + bare.length };
  const name = matchAt(NAME, text, start)?.[0];
  return name === undefined ? undefined : readVariable(text, start, name, ARGUMENT_FALLBACK);
}

function readVariable(text: string, start: number, name: string, fallbackForm: RegExp): VariablePart {
  const after = start + name.length;
  const fallback = matchAt(fallbackForm, text, after);
  if (fallback === undefined) return { kind: "variable", name, start, end: after };
  return { kind: "variable", name, fallback: fallback[1] ?? "", start, end: after + fallback[0].length };
}

function matchAt(pattern: RegExp, text: string, index: number): RegExpExecArray | undefined {
  pattern.lastIndex = index;
  return pattern.exec(text) ?? undefined;
}
