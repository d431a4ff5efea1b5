/** The null table whole, and type adaptation, operator by operator. */
import { describe, expect, it } from "vitest";
import * as operators from "#runtime/language/operators.ts";
import type { Operand } from "#runtime/language/operators.ts";

type Binary = (left: Operand, right: Operand) => boolean;

/** Result when the left side, the right side, both are null; undefined where the language gives none. */
const NULL_TABLE: readonly (readonly [string, Binary, boolean, boolean | undefined, boolean])[] = [
  ["=", operators.equals, false, false, true],
  [":=", operators.equalsIgnoreCase, false, false, true],
  ["!=", operators.notEquals, true, true, false],
  ["=|", operators.startsWith, false, false, false],
  [">", operators.greater, true, false, false],
  [">=", operators.greaterOrEqual, false, true, true],
  ["<", operators.less, true, false, false],
  ["<=", operators.lessOrEqual, true, false, true],
  ["~", operators.glob, false, undefined, false],
  ["!~", operators.notGlob, true, false, false],
];

describe("the null table", () => {
  it.each(NULL_TABLE)("%s", (_symbol, operator, leftNull, rightNull, bothNull) => {
    for (const value of ["", "x", "null", 0, 1, true, false]) {
      expect(operator(null, value), `null against ${String(value)}`).toBe(leftNull);
      expect(operator(undefined, value), `undefined against ${String(value)}`).toBe(leftNull);
      if (rightNull !== undefined) expect(operator(value, null), `${String(value)} against null`).toBe(rightNull);
    }
    expect(operator(null, null)).toBe(bothNull);
    expect(operator(undefined, null)).toBe(bothNull);
  });

  it("gives false for a null value against a compiled pattern", () => {
    expect(operators.matches(null, /^[^]*$/)).toBe(false);
    expect(operators.matches(undefined, /^[^]*$/)).toBe(false);
    expect(operators.matches("", /^[^]*$/)).toBe(true);
  });
});

describe("type adaptation", () => {
  it.each<readonly [string, Binary, Operand, Operand, boolean]>([
    ["equal strings", operators.equals, "GET", "GET", true],
    ["case counts", operators.equals, "GET", "get", false],
    ["a number beside its text", operators.equals, 400, "400", true],
    ["text beside a number", operators.equals, "400", 400, true],
    ["text that only looks alike", operators.equals, "0400", 400, false],
    ["a boolean beside its text", operators.equals, true, "true", true],
    ["a boolean beside a number", operators.equals, true, 1, true],
    ["a boolean beside another number", operators.equals, true, 2, false],
    ["the text null is not null", operators.equals, "null", null, false],
    ["unequal types", operators.notEquals, 400, "401", true],
    ["ignoring case", operators.equalsIgnoreCase, "Bearer", "bEARER", true],
    ["ignoring case beyond ASCII", operators.equalsIgnoreCase, "\u00c4", "\u00e4", true],
    ["never one letter for two", operators.equalsIgnoreCase, "stra\u00dfe", "strasse", false],
    ["ignoring case, another word", operators.equalsIgnoreCase, "bearer", "bearex", false],
    ["numbers by size", operators.greater, 10, 9, true],
    ["texts by letters", operators.greater, "10", "9", false],
    ["a text beside a number by letters", operators.greater, "9", 10, true],
    ["fractions", operators.less, 0.5, 1, true],
    ["equal is not greater", operators.greater, 5, 5, false],
    ["equal is greater or equal", operators.greaterOrEqual, 5, 5, true],
    ["equal is less or equal", operators.lessOrEqual, "a", "a", true],
    ["greater is not less or equal", operators.lessOrEqual, 6, 5, false],
    ["less", operators.less, "a", "b", true],
    ["less is not greater or equal", operators.greaterOrEqual, 4, 5, false],
    ["false is less than true", operators.less, false, true, true],
    ["a prefix", operators.startsWith, "application/json; a", "application/json", true],
    ["a prefix in another case", operators.startsWith, "Application", "app", false],
    ["a number's first digits", operators.startsWith, 404, 4, true],
    ["a glob over a number", operators.glob, 404, "4*", true],
    ["a negated glob", operators.notGlob, "abc", "a*", false],
    ["a negated glob that does not match", operators.notGlob, "xbc", "a*", true],
  ])("%s", (_name, operator, left, right, expected) => {
    expect(operator(left, right)).toBe(expected);
  });

  it("orders nothing against a value that is no number", () => {
    const orderings: readonly Binary[] = [
      operators.greater,
      operators.greaterOrEqual,
      operators.less,
      operators.lessOrEqual,
      operators.equals,
    ];
    for (const ordering of orderings) expect(ordering(Number.NaN, 1)).toBe(false);
  });
});

it.each<readonly [Operand, boolean]>([
  [true, true],
  ["true", true],
  ["TRUE", false],
  ["yes", false],
  ["", false],
  [1, false],
  [false, false],
  [null, false],
  [undefined, false],
])("a bare name that holds %j counts as %j", (value, expected) => {
  expect(operators.truthy(value)).toBe(expected);
});
