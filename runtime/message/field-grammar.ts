/**
 * The character grammar of HTTP fields (RFC 9110 section 5.6): tokens, field values, comma-separated lists. It answers
 * questions about text that is there already; it never repairs any.
 */

const TOKEN = 1;
const TARGET = 2;
const HOST = 4;
const BASE64 = 8;

/** One entry for each ASCII code: the classes its character belongs to. */
const classes: Uint8Array = /* @__PURE__ */ characterClasses();

/** True for a non-empty token (RFC 9110 section 5.6.2). */
export function isToken(text: string): boolean {
  return consistsOf(text, TOKEN);
}

/** True for non-empty text of visible ASCII only: what may stand in a request line between its spaces. */
export function isVisible(text: string): boolean {
  return consistsOf(text, TARGET);
}

/** True for a non-empty name of letters, digits, `-`, `.`, `_` and `~`: a host as people write it. */
export function isHostName(text: string): boolean {
  return consistsOf(text, HOST);
}

/** True for non-empty text of base64's alphabet without padding (RFC 4648 section 4). */
export function isBase64Text(text: string): boolean {
  return consistsOf(text, BASE64);
}

/** What a field value is made of: see {@link fieldValueKind}. */
export const VALUE_PLAIN = 0;
/** Holds characters above U+00FF and nothing forbidden. */
export const VALUE_WIDE = 1;
/** Holds a control character other than HTAB (RFC 9110 section 5.5: CR, LF and NUL above all). */
export const VALUE_FORBIDDEN = 2;

const NOT_PLAIN = /[^\t\x20-\x7e\x80-\xff]/;
/** From here on an expression is quicker than a look at each character: tokens and cookies are long. */
const LONG_CHARS = 48;

/**
 * Sorts a field value by what writing it as single bytes would do: nothing bad (`VALUE_PLAIN`), lose bits and so
 * perhaps turn a letter into a line feed (`VALUE_WIDE`), or break the head apart (`VALUE_FORBIDDEN`).
 */
export function fieldValueKind(text: string): number {
  if (text.length >= LONG_CHARS && !NOT_PLAIN.test(text)) return VALUE_PLAIN;
  let kind = VALUE_PLAIN;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20 ? code !== 0x09 : code === 0x7f) return VALUE_FORBIDDEN;
    if (code > 0xff) kind = VALUE_WIDE;
  }
  return kind;
}

/** Compares without regard to ASCII case; `lower` is lower-case. */
export function sameName(text: string, lower: string): boolean {
  return text === lower || (text.length === lower.length && text.toLowerCase() === lower);
}

/** True when a comma-separated list holds an element, without regard to case; `lower` is lower-case. */
export function listHas(list: string, lower: string): boolean {
  if (sameName(list, lower)) return true;
  if (list.indexOf(",") < 0) return sameName(list.trim(), lower);
  for (const element of list.split(",")) if (sameName(element.trim(), lower)) return true;
  return false;
}

/** True when a comma-separated list holds exactly this element, case included. */
export function listHasExactly(list: string, element: string): boolean {
  if (list === element) return true;
  for (const other of list.split(",")) if (other.trim() === element) return true;
  return false;
}

/**
 * The elements of a comma-separated list of tokens, in order; null when one is empty or no token, or when there are
 * more than `countMax`.
 */
export function tokenList(list: string, countMax: number): string[] | null {
  const elements = list.split(",", countMax + 1);
  if (elements.length > countMax) return null;
  for (let at = 0; at < elements.length; at++) {
    const element = (elements[at] ?? "").trim();
    if (!isToken(element)) return null;
    elements[at] = element;
  }
  return elements;
}

function consistsOf(text: string, wanted: number): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0x7f || ((classes[code] ?? 0) & wanted) === 0) return false;
  }
  return text.length > 0;
}

function characterClasses(): Uint8Array {
  const table = new Uint8Array(128);
  for (let code = 0x21; code < 0x7f; code++) table[code] = TARGET;
  for (const letter of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") {
    mark(table, letter, TOKEN | HOST | BASE64);
  }
  for (const sign of "!#$%&'*+-.^_`|~") mark(table, sign, TOKEN);
  for (const sign of "-._~") mark(table, sign, HOST);
  for (const sign of "+/") mark(table, sign, BASE64);
  return table;
}

function mark(table: Uint8Array, sign: string, added: number): void {
  const code = sign.charCodeAt(0);
  table[code] = (table[code] ?? 0) | added;
}
