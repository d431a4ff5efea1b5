/**
 * What the operators of the condition language mean: type adaptation and the null table, one small function each.
 * Called by generated code where static types do not settle the matter, and by the compiler to fold constants.
 *
 * Adaptation: a string on either side compares both as strings (so `"9" > 10` compares text); a boolean beside a number
 * counts as 1 or 0. Int, long, float and double are one JavaScript number: equal values are equal whatever their
 * suffix, and a whole-numbered double turns into "1", not "1.0", beside a string.
 */
import { matchesGlob } from "./glob.ts";

/** What a flow variable holds in a condition; null when it is unresolved. */
export type Value = string | number | boolean | null;

/** As Value; undefined is read as null, so that callers need not normalise. */
export type Operand = Value | undefined;

/** `=`, `==`, Equals, Is. Two nulls are equal; null equals nothing else. */
export function equals(left: Operand, right: Operand): boolean {
  if (left == null || right == null) return left == null && right == null;
  if (typeof left === typeof right) return left === right;
  if (typeof left === "string" || typeof right === "string") return String(left) === String(right);
  return Number(left) === Number(right);
}

/** `!=`, NotEquals, IsNot: the exact opposite of equals, null included. */
export function notEquals(left: Operand, right: Operand): boolean {
  return !equals(left, right);
}

/** `:=`. Both sides as text, letter case ignored one UTF-16 unit at a time (so "ß" never equals "ss"). */
export function equalsIgnoreCase(left: Operand, right: Operand): boolean {
  if (left == null || right == null) return left == null && right == null;
  const a = String(left);
  const b = String(right);
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) {
    const one = a.charAt(index);
    const other = b.charAt(index);
    if (one === other || one.toUpperCase() === other.toUpperCase()) continue;
    if (one.toLowerCase() !== other.toLowerCase()) return false;
  }
  return true;
}

/** `>`. A null left side beside a value is true; a null right side is false. */
export function greater(left: Operand, right: Operand): boolean {
  return right != null && (left == null || order(left, right) > 0);
}

/** `>=`. A null right side is true, whatever the left one is; a null left side beside a value is false. */
export function greaterOrEqual(left: Operand, right: Operand): boolean {
  return right == null || (left != null && order(left, right) >= 0);
}

/** `<`. As `>` with null: a null left side beside a value is true, a null right side is false. */
export function less(left: Operand, right: Operand): boolean {
  return right != null && (left == null || order(left, right) < 0);
}

/** `<=`. A null left side is true, whatever the right one is; a null right side beside a value is false. */
export function lessOrEqual(left: Operand, right: Operand): boolean {
  return left == null || (right != null && order(left, right) <= 0);
}

/** `=|`. Both sides as text; false as soon as one is null. */
export function startsWith(left: Operand, right: Operand): boolean {
  return left != null && right != null && String(left).startsWith(String(right));
}

/** `~`. The whole value against a glob; false when either is null. */
export function glob(left: Operand, pattern: Operand): boolean {
  return left != null && pattern != null && matchesGlob(String(pattern), String(left));
}

/** `!~`. The opposite of `~` beside a pattern; false when the pattern is null. */
export function notGlob(left: Operand, pattern: Operand): boolean {
  return pattern != null && (left == null || !matchesGlob(String(pattern), String(left)));
}

/**
 * `~/` and `~~` with their pattern already compiled (path-pattern.ts; the compiler's translation of Java's syntax), and
 * `~` when it was compiled too: false for null. The expression must be anchored at both ends, without flags g and y.
 */
export function matches(left: Operand, expression: RegExp): boolean {
  return left != null && expression.test(String(left));
}

/** A bare name: true for boolean true and for the string "true", in exactly that spelling. */
export function truthy(value: Operand): boolean {
  return value === true || value === "true";
}

/** Negative, zero or positive. Strings by UTF-16 unit; NaN for a NaN, so that every ordering of one is false. */
function order(left: string | number | boolean, right: string | number | boolean): number {
  if (typeof left !== "string" && typeof right !== "string") return Number(left) - Number(right);
  const a = String(left);
  const b = String(right);
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
