/**
 * Condition text to tokens: XML entities, quoting, numbers, longest-match symbols. Knows no grammar beyond
 * "does an operand or an operator come next", which a minus sign needs.
 */
import type { ConditionProblem, NumberType } from "./condition.ts";
import { FOREIGN_SYMBOLS, SYMBOLS, WORDS } from "./condition-words.ts";
import type { Meaning } from "./condition-words.ts";

/** One token; `start` and `end` are offsets in the text as the user wrote it, entities undecoded. */
export type Token = { readonly start: number; readonly end: number } & (
  | { readonly kind: "name"; readonly name: string; readonly quoted: boolean }
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "number"; readonly value: number; readonly type: NumberType }
  | { readonly kind: "null" | "(" | ")" | "end" }
  | { readonly kind: "boolean"; readonly value: boolean }
  | { readonly kind: "operator"; readonly meaning: Meaning; readonly text: string; readonly word: boolean }
);

/** The tokens of a text, always closed by an `end` token, and what is wrong with its spelling. */
export type Tokens = { readonly tokens: readonly Token[]; readonly problems: readonly ConditionProblem[] };

/** Problems beyond this many in one text are not reported: they are echoes of the first ones. */
export const CONDITION_PROBLEMS_MAX = 20;

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["&gt;", ">"], ["&lt;", "<"], ["&amp;", "&"], ["&quot;", '"'], ["&apos;", "'"],
]);
const ENTITY = /^&(?:gt|lt|amp|quot|apos);/;
const SPACE = /[ \t\r\n\f\v\u00a0\ufeff]+/y;
const NAME = /[A-Za-z_][A-Za-z0-9_.-]*/y;
const NUMBER = /([0-9]+(?:\.[0-9]+)?)([fFdDlL]?)/y;
const WORD_REST = /[A-Za-z0-9_.-]+/y;
const SYMBOL_RUN = /[=!<>~|&:*/+%^?-]+/y;
const TEMPLATE = /\{[^{}"]*\}/y;
const ARITHMETIC = /^[-+*/%]$/;

/** True for a name that may be written without single quotes. */
export function isPlainName(name: string): boolean {
  return matchAt(NAME, name, 0) === name && !isReserved(name);
}

/** True for words that the language keeps for itself. */
function isReserved(name: string): boolean {
  return WORDS.has(name.toLowerCase()) || /^(?:null|true|false)$/i.test(name);
}

/** Reads the whole text, on after a mistake too. */
export function tokenize(text: string): Tokens {
  const { decoded, origins } = decodeEntities(text);
  const tokens: Token[] = [];
  const problems: ConditionProblem[] = [];
  const at = (index: number): number => (origins === undefined ? index : (origins[index] ?? text.length));
  let index = 0;

  const problem = (kind: ConditionProblem["kind"], end: number, message: string, suggestion?: string): void => {
    const found = { kind, message, start: at(index), end: at(end) };
    problems.push(suggestion === undefined ? found : { ...found, suggestion });
  };

  while (index < decoded.length && problems.length < CONDITION_PROBLEMS_MAX) {
    index += matchAt(SPACE, decoded, index).length;
    const char = decoded[index];
    if (char === undefined) break;
    if (char === "(" || char === ")") {
      tokens.push({ kind: char, start: at(index), end: at(index + 1) });
      index += 1;
      continue;
    }
    if (char === '"' || char === "'") {
      index = readQuoted(char);
      continue;
    }
    const name = matchAt(NAME, decoded, index);
    if (name !== "") {
      tokens.push(wordToken(name, at(index), at(index + name.length)));
      index += name.length;
      continue;
    }
    const minus = char === "-" && /[0-9]/.test(decoded[index + 1] ?? "") && !endsOperand(tokens.at(-1));
    if (minus || (char >= "0" && char <= "9")) {
      index = readNumber(minus);
      continue;
    }
    const run = matchAt(SYMBOL_RUN, decoded, index);
    if (run === "") {
      const { length, message, suggestion } = unexpected(decoded, index);
      problem("unexpected-character", index + length, message, suggestion);
      index += length;
      continue;
    }
    index = readSymbol(run);
  }
  tokens.push({ kind: "end", start: text.length, end: text.length });
  return { tokens, problems };

  function readQuoted(quote: '"' | "'"): number {
    const close = decoded.indexOf(quote, index + 1);
    if (close === -1) {
      const isString = quote === '"';
      problem(isString ? "unterminated-string" : "unterminated-name", decoded.length,
        isString ? 'this string has no closing "' : "this quoted name has no closing '");
      return decoded.length;
    }
    const inner = decoded.slice(index + 1, close);
    const span = { start: at(index), end: at(close + 1) };
    if (quote === '"') tokens.push({ kind: "string", value: inner, ...span });
    else if (inner.trim() !== "") tokens.push({ kind: "name", name: inner, quoted: true, ...span });
    else problem("empty-name", close + 1, "single quotes hold a variable's name, and this one is empty", '""');
    return close + 1;
  }

  function readNumber(minus: boolean): number {
    const digitsAt = index + (minus ? 1 : 0);
    const [whole = "", digits = "", suffix = ""] = execAt(NUMBER, decoded, digitsAt);
    const rest = matchAt(WORD_REST, decoded, digitsAt + whole.length);
    const end = digitsAt + whole.length + rest.length;
    const shown = decoded.slice(index, end);
    if (rest !== "" || (/[lL]/.test(suffix) && digits.includes("."))) {
      problem("bad-number", end,
        `${shown} is not a number; a string needs double quotes, a name that begins with a digit single ones`,
        `"${shown}"`);
      return end;
    }
    const type = numberType(digits, suffix);
    // Adding zero turns -0 into 0: the language has no negative zero.
    const value = Number(minus ? `-${digits}` : digits) + 0;
    const isExact = type === "int" || type === "long" ? Number.isSafeInteger(value) : Number.isFinite(value);
    if (isExact) tokens.push({ kind: "number", value, type, start: at(index), end: at(end) });
    else problem("number-out-of-range", end, `${shown} cannot be held exactly; compare it as a string`, `"${digits}"`);
    return end;
  }

  function readSymbol(run: string): number {
    const foreign = FOREIGN_SYMBOLS.get(run);
    if (foreign !== undefined) {
      const hint = foreign === "" ? "" : `; did you mean ${foreign}?`;
      const suggestion = foreign === "" ? undefined : foreign;
      problem("unknown-operator", index + run.length, `${run} is not an operator${hint}`, suggestion);
      return index + run.length;
    }
    // Operators may touch: `!!x`, `a=-1`, `)&&!b`. The longest known one wins.
    for (let length = Math.min(run.length, 2); length > 0; length--) {
      const symbol = run.slice(0, length);
      const meaning = SYMBOLS.get(symbol);
      if (meaning === undefined) continue;
      tokens.push({ kind: "operator", meaning, text: symbol, word: false, start: at(index), end: at(index + length) });
      return index + length;
    }
    const char = run.slice(0, 1);
    if (ARITHMETIC.test(char)) {
      problem("arithmetic", index + 1,
        `conditions cannot calculate, so ${char} has no meaning; put a name that contains it in single quotes`);
    } else {
      problem("unknown-operator", index + 1, `${char} is not an operator`);
    }
    return index + 1;
  }
}

/** What is wrong with a character that begins nothing: a template is one mistake, however long it is. */
function unexpected(text: string, index: number): { length: number; message: string; suggestion?: string } {
  const template = matchAt(TEMPLATE, text, index);
  const inner = template.slice(1, -1);
  if (inner !== "" && isPlainName(inner)) {
    return { length: template.length, message: "names stand in conditions without braces", suggestion: inner };
  }
  if (template !== "") {
    const message = "a template cannot stand in a condition; assign it to a variable before, and name that";
    return { length: template.length, message };
  }
  const shown = String.fromCodePoint(text.codePointAt(index) ?? 0);
  const message = `${JSON.stringify(shown)} has no meaning in a condition`;
  return { length: shown.length, message: `${message}; put a name that contains it in single quotes` };
}

function wordToken(name: string, start: number, end: number): Token {
  const lower = name.toLowerCase();
  const meaning = WORDS.get(lower);
  if (meaning !== undefined) return { kind: "operator", meaning, text: name, word: true, start, end };
  if (lower === "null") return { kind: "null", start, end };
  if (lower === "true" || lower === "false") return { kind: "boolean", value: lower === "true", start, end };
  return { kind: "name", name, quoted: false, start, end };
}

function numberType(digits: string, suffix: string): NumberType {
  if (/[fF]/.test(suffix)) return "float";
  if (/[lL]/.test(suffix)) return "long";
  return suffix !== "" || digits.includes(".") ? "double" : "int";
}

function endsOperand(token: Token | undefined): boolean {
  return token !== undefined && token.kind !== "operator" && token.kind !== "(";
}

/** Decodes XML's five entities. `origins[i]` is where decoded unit i began; undefined when nothing moved. */
function decodeEntities(text: string): { readonly decoded: string; readonly origins?: readonly number[] } {
  if (!text.includes("&")) return { decoded: text };
  const origins: number[] = [];
  let decoded = "";
  for (let index = 0; index < text.length; ) {
    const entity = text[index] === "&" ? (ENTITY.exec(text.slice(index, index + 6))?.[0] ?? "") : "";
    origins.push(index);
    decoded += ENTITIES.get(entity) ?? text[index] ?? "";
    index += Math.max(entity.length, 1);
  }
  return { decoded, origins };
}

function execAt(pattern: RegExp, text: string, index: number): readonly string[] {
  pattern.lastIndex = index;
  return pattern.exec(text) ?? [];
}

function matchAt(pattern: RegExp, text: string, index: number): string {
  return execAt(pattern, text, index)[0] ?? "";
}
