/** Spellings of single characters in Java's regular expressions: quotation and escapes. Knows no grammar. */
import type { JavaRegexProblemKind } from "./java-regex-problem.ts";

/**
 * The pattern with `\Q...\E` written as escapes, as Java itself does before it reads a pattern. `origins[i]` is the
 * offset in the pattern that unit i of the text comes from.
 */
export function unquoted(pattern: string): { readonly text: string; readonly origins: readonly number[] } {
  let text = "";
  const origins: number[] = [];
  const add = (piece: string, origin: number): void => {
    for (let unit = 0; unit < piece.length; unit++) origins.push(origin);
    text += piece;
  };
  for (let index = 0; index < pattern.length; ) {
    const char = pattern.charAt(index);
    if (char !== "\\") {
      add(char, index);
      index += 1;
      continue;
    }
    if (pattern.charAt(index + 1) !== "Q") {
      add(char, index);
      if (index + 1 < pattern.length) add(pattern.charAt(index + 1), index + 1);
      index += 2;
      continue;
    }
    const close = pattern.indexOf("\\E", index + 2);
    const end = close === -1 ? pattern.length : close;
    for (let at = index + 2; at < end; at++) {
      const unit = pattern.charAt(at);
      // A digit right behind an escape must not become part of it.
      const isFirstDigit = at === index + 2 && /[0-9]/.test(unit);
      add(isFirstDigit ? `\\x3${unit}` : /[^A-Za-z0-9\u0080-\uffff]/.test(unit) ? `\\${unit}` : unit, at);
    }
    index = close === -1 ? end : end + 2;
  }
  return { text, origins };
}

/** Escapes that stand for one character, by the letter after the backslash. */
const CHARACTERS: ReadonlyMap<string, number> = new Map([
  ["t", 9], ["n", 10], ["r", 13], ["f", 12], ["a", 7], ["e", 27],
]);

/** Escapes that are refused for a reason of their own. */
const REFUSED: ReadonlyMap<string, JavaRegexProblemKind> = new Map<string, JavaRegexProblemKind>([
  ["G", "anchor-escape"],
  ["k", "back-reference"],
  ["N", "character-name"],
  ["X", "grapheme"],
]);

/** The character that an escape stands for, and how long the escape is; or why there is none. */
export function readEscape(
  text: string,
  at: number,
): { readonly codePoint: number; readonly length: number } | { readonly refused: JavaRegexProblemKind } {
  const letter = text.charAt(at + 1);
  const refused = /[1-9]/.test(letter) ? "back-reference" : REFUSED.get(letter);
  if (refused !== undefined) return { refused };
  const codePoint = CHARACTERS.get(letter);
  if (codePoint !== undefined) return { codePoint, length: 2 };
  const rest = text.slice(at, at + 16);
  const octal = /^\\0([0-3][0-7]{2}|[0-7]{1,2})/.exec(rest);
  if (octal !== null) return { codePoint: Number.parseInt(octal[1] ?? "", 8), length: octal[0].length };
  const pair = /^\\u([Dd][89ABab][0-9A-Fa-f]{2})\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})/.exec(rest);
  if (pair !== null) {
    const units = [pair[1], pair[2]].map((unit) => Number.parseInt(unit ?? "", 16));
    return { codePoint: String.fromCharCode(...units).codePointAt(0) ?? 0, length: pair[0].length };
  }
  const hex = /^\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|x\{([0-9A-Fa-f]{1,6})\})/.exec(rest);
  if (hex !== null) {
    const value = Number.parseInt(hex[1] ?? hex[2] ?? hex[3] ?? "", 16);
    if (value <= 0x10ffff) return { codePoint: value, length: hex[0].length };
  }
  const control = /^\\c([\x00-\x7f])/.exec(rest)?.[1];
  if (control !== undefined) return { codePoint: control.charCodeAt(0) ^ 64, length: 3 };
  if (letter === "" || /[A-Za-z0-9]/.test(letter)) return { refused: "unknown-escape" };
  const escaped = text.codePointAt(at + 1) ?? 0;
  return { codePoint: escaped, length: 1 + String.fromCodePoint(escaped).length };
}
