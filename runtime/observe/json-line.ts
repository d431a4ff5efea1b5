/**
 * One JSON object on one line, built by appending. It owns quoting, so that nothing a peer sends can end a line,
 * forge a field or move a terminal's cursor. It decides nothing about what is logged.
 */

/** What a field may hold. Undefined leaves the field out. */
export type FieldValue = string | number | boolean | null | undefined;

/** Characters of one value; longer ones are cut, because a request target alone may have 10 KiB. */
const VALUE_CHARS_MAX = 2_048;

/** Everything that needs escaping: quotes, backslash, C0, DEL, C1, line separators, surrogates (perhaps lone). */
const UNSAFE = /["\\\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]/;
const STILL_UNSAFE = /[\u007f-\u009f\u2028\u2029]/g;

/** The value as a JSON string: printable on a terminal, well-formed whatever the text is. */
export function quoted(text: string): string {
  const kept = text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX)}...` : text;
  if (!UNSAFE.test(kept)) return `"${kept}"`;
  return JSON.stringify(kept).replace(STILL_UNSAFE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** `,"name":"value"`; nothing for null. Names are the program's own and need no quoting. */
export function textField(name: string, value: string | null): string {
  return value === null ? "" : `,"${name}":${quoted(value)}`;
}

/**
 * The same for text that the gateway itself made (ids, addresses, methods, names that the compiler has checked):
 * nothing in it needs quoting, and most of a line is such text.
 */
export function plainField(name: string, value: string | null): string {
  return value === null ? "" : `,"${name}":"${value}"`;
}

/** `,"name":12.345`: at most three decimals; what is no finite number becomes null. */
export function numberField(name: string, value: number): string {
  if (!Number.isFinite(value)) return `,"${name}":null`;
  return `,"${name}":${Number.isInteger(value) ? value : Math.round(value * 1_000) / 1_000}`;
}

/** `,"name":...` for any field value. */
export function field(name: string, value: FieldValue): string {
  if (value === undefined) return "";
  if (typeof value === "string") return textField(name, value);
  if (typeof value === "number") return numberField(name, value);
  return `,"${name}":${value === null ? "null" : value}`;
}
