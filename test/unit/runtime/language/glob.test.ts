/** Globs: both ways of matching them, the shapes they compile to, and that many stars cost no more than few. */
import { describe, expect, it } from "vitest";
import { globShape, matchesGlob } from "#runtime/language/glob.ts";
import { matchesShape, shapeSource } from "#runtime/language/pattern-shape.ts";

describe("matching", () => {
  it.each<readonly [string, string, boolean]>([
    ["", "", true],
    ["", "a", false],
    ["*", "", true],
    ["*", "a/b\nc", true],
    ["a", "a", true],
    ["a", "A", false],
    ["a*", "a", true],
    ["a*", "ab/c", true],
    ["a*", "ba", false],
    ["*a", "bba", true],
    ["*a", "ab", false],
    ["a*a", "a", false],
    ["a*a", "aa", true],
    ["ab*ba", "aba", false],
    ["*b*", "abc", true],
    ["*b*", "ac", false],
    ["a*b*c", "aXbYbZc", true],
    ["a*b*c", "acb", false],
    ["a*b*b", "ab", false],
    ["a**c", "abc", true],
    ["a***b*", "axbx", true],
    ["a.c", "abc", false],
    ["a+(b)*", "a+(b)c", true],
    ["{x}*", "{x}y", true],
    ["a\n*", "a\nb", true],
    ["/v1/*/x", "/v1/a/b/x", true],
    ["\u{1f600}*", "\u{1f600}a", true],
  ])("%j against %j", (pattern, value, expected) => {
    expect(matchesGlob(pattern, value)).toBe(expected);
    expect(matchesShape(globShape(pattern), value)).toBe(expected);
    expect(new RegExp(shapeSource(globShape(pattern))).test(value)).toBe(expected);
    expect(new RegExp(shapeSource(globShape(pattern)), "u").test(value)).toBe(expected);
  });
});

it.each([
  ["abc", { kind: "exact", text: "abc" }],
  ["a*", { kind: "affixes", prefix: "a", suffix: "" }],
  ["*b", { kind: "affixes", prefix: "", suffix: "b" }],
  ["a**b", { kind: "affixes", prefix: "a", suffix: "b" }],
  ["a*b*c", { kind: "expression", source: "^a(?=([^]*?b))\\1[^]*c$" }],
])("%s has the cheapest shape", (pattern, shape) => {
  expect(globShape(pattern)).toEqual(shape);
});

it("stays quick on 50 KB with 30 stars, where backtracking would never end", () => {
  const pattern = `${"*a".repeat(30)}*b`;
  const value = "a".repeat(50_000);
  expect(matchesGlob(pattern, value)).toBe(false);
  expect(new RegExp(shapeSource(globShape(pattern))).test(value)).toBe(false);
  expect(matchesGlob(pattern, `${value}b`)).toBe(true);
  expect(new RegExp(shapeSource(globShape(pattern))).test(`${value}b`)).toBe(true);
});
