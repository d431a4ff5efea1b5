/**
 * Code as a value. Text becomes code in this file and nowhere else: a string that is interpolated into a `code`
 * template arrives quoted, only another Code arrives as it is. No emitter ever concatenates user text.
 */

/** A piece of program text. */
export class Code {
  readonly text: string;
  private constructor(text: string) {
    this.text = text;
  }
  /** For this file's own functions. */
  static of(text: string): Code {
    return new Code(text);
  }
  toString(): string {
    return this.text;
  }
}

/** What may stand in a `code` template: code as it is, everything else as a literal. */
export type Embeddable = Code | string | number | boolean | null | readonly Embeddable[] | { readonly [key: string]: Embeddable };

/** Builds code: code`${call}(${"text"})` gives `call("text")`. */
export function code(strings: TemplateStringsArray, ...values: readonly Embeddable[]): Code {
  let text = strings[0] ?? "";
  values.forEach((value, at) => {
    text += literal(value).text + (strings[at + 1] ?? "");
  });
  return Code.of(text);
}

/** A value as a literal. Objects become object literals with sorted-as-given keys; Code inside stays code. */
export function literal(value: Embeddable): Code {
  if (value instanceof Code) return value;
  if (value === null || typeof value === "boolean") return Code.of(String(value));
  if (typeof value === "string") return Code.of(quote(value));
  if (typeof value === "number") return Code.of(number(value));
  if (isList(value)) return Code.of(enclosed("[", value.map((item) => unbracketed(literal(item)).text), "]"));
  const entries = Object.entries(value).map(([key, item]) => {
    const { text } = unbracketed(literal(item));
    return text === key ? text : `${property(key)}: ${text}`;
  });
  return Code.of(entries.length === 0 ? "{}" : enclosed("{", entries, "}"));
}

/** Lists and objects wider than this stand on lines of their own. */
const WIDTH_MAX = 90;

function enclosed(open: string, parts: readonly string[], close: string): string {
  const inner = parts.join(", ");
  if (inner.length > WIDTH_MAX || inner.includes("\n")) return `${open}\n${parts.map((part) => `${part},`).join("\n")}\n${close}`;
  return open === "{" ? `{ ${inner} }` : `[${inner}]`;
}

/** An expression without the brackets around the whole of it, for where none are needed. */
export function unbracketed(expression: Code): Code {
  const { text } = expression;
  if (!text.startsWith("(") || !text.endsWith(")")) return expression;
  const brackets = text.replace(/"(?:[^"\\]|\\.)*"/g, (quoted) => " ".repeat(quoted.length));
  // A slash may begin a regular expression, whose brackets do not count.
  if (brackets.includes("/")) return expression;
  let depth = 0;
  for (let at = 0; at < text.length - 1; at++) {
    if (brackets[at] === "(") depth++;
    if (brackets[at] === ")") depth--;
    if (depth === 0) return expression;
  }
  return Code.of(text.slice(1, -1));
}

/** An expression without the `?? null` at the end of it, for where undefined serves as well. */
export function withoutNull(expression: Code): Code {
  const inner = unbracketed(expression);
  if (inner === expression || !inner.text.endsWith(" ?? null")) return expression;
  return Code.of(inner.text.slice(0, -" ?? null".length));
}

/** The text that an expression is a literal of; null for every other expression. */
export function literalText(expression: Code): string | null {
  const { text } = unbracketed(expression);
  return /^"(?:[^"\\]|\\.)*"$/.test(text) ? String(JSON.parse(text)) : null;
}

/** The statements of a block, for where it is the last statement anyway. */
export function withoutBraces(block: Code): Code {
  const { text } = block;
  return text.startsWith("{\n") && text.endsWith("\n}") ? Code.of(text.slice(2, -2)) : block;
}

/** Joins pieces with a fixed separator. */
export function join(pieces: readonly Code[], separator: ", " | "\n" | " && " | " || " | " + " | ""): Code {
  return Code.of(pieces.map((piece) => piece.text).join(separator));
}

/** An identifier; throws when it is none, because names come from names.ts and never from a user. */
export function identifier(name: string): Code {
  if (!/^[A-Za-z_$][\w$]*$/.test(name)) throw new TypeError(`invariant: ${JSON.stringify(name)} is no identifier`);
  return Code.of(name);
}

/** A comment line; line breaks and comment ends in the text cannot leave it. */
export function comment(text: string): Code {
  return Code.of(`// ${text.replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, " ")}`);
}

/** Text for a block comment: one line that cannot end the comment. */
export function docText(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, " ").replaceAll("*/", "*\\/");
}

/** A regular expression literal of a checked source. */
export function regex(source: string, flags: string): Code {
  const checked = new RegExp(source, flags);
  const text = checked.source.replace(/[\u2028\u2029]/g, (c) => (c === "\u2028" ? "\\u2028" : "\\u2029"));
  return Code.of(`/${text}/${checked.flags}`);
}

/** A name as an object key or behind a dot. */
function property(key: string): string {
  if (key === "__proto__") return '["__proto__"]';
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : quote(key);
}

function quote(value: string): string {
  return JSON.stringify(value).replace(/[\u2028\u2029]/g, (c) => (c === "\u2028" ? "\\u2028" : "\\u2029"));
}

function number(value: number): string {
  if (Object.is(value, -0)) return "-0";
  return String(value);
}

function isList(value: Embeddable): value is readonly Embeddable[] {
  return Array.isArray(value);
}
