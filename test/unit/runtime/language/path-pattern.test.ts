/** Path patterns: what each token covers, escapes, shapes, doubtful patterns, and bounded time. */
import { describe, expect, it } from "vitest";
import { matchesPath, pathProblems, pathShape, pathSource } from "#runtime/language/path-pattern.ts";
import { matchesShape } from "#runtime/language/pattern-shape.ts";

describe("matching", () => {
  it.each<readonly [string, string, boolean]>([
    // The documented samples.
    ["/*/a/", "/x/a/", true],
    ["/*/a/*", "/x/a/b", true],
    ["/*/a/**", "/x/a/b/c/d", true],
    ["/*/a/{reader}/feed/", "/x/a/b/feed/", true],
    ["/a/**/feed/**", "/a/b/feed/rss/1234", true],
    ["%{user%}", "{user}", true],
    // One segment, no more, no less.
    ["/*", "/a", true],
    ["/*", "/", false],
    ["/*", "/a/b", false],
    ["/*", "/a/", false],
    ["/{id}", "/a", true],
    ["/{id}", "/a/b", false],
    ["/*/*", "/a/b", true],
    // Several segments.
    ["/pets/**", "/pets", false],
    ["/pets/**", "/pets/", true],
    ["/pets/**", "/pets/a", true],
    ["/pets/**", "/pets/a/b/c/", true],
    ["/pets/**", "/petsa", false],
    ["/**", "/", true],
    ["/**", "", false],
    ["**", "", true],
    ["**", "/any/thing", true],
    ["/a/**/b", "/a/b", false],
    ["/a/**/b", "/a//b", false],
    ["/a/**/b", "/a/x/b", true],
    ["/a/**/b", "/a/x/y/b", true],
    ["/a/**/b", "/a/b/b", true],
    ["/a/**/b", "/a/x/b/c", false],
    ["/a/**/b/**/c", "/a/x/b/y/c", true],
    ["/a/**/b/**/c", "/a/b/b/b/c", true],
    ["/a/**/b/**/c", "/a/b/c", false],
    ["/a/**/b/**/c", "/a/x/b/c", false],
    ["/**/**", "/a/b", true],
    ["/**/**", "/a", false],
    ["/**/x/*/y", "/a/x/x/b/y", true],
    ["**/feed", "a/b/feed", true],
    // Inside a segment.
    ["/ab*", "/abc", true],
    ["/ab*", "/ab", true],
    ["/ab*", "/ab/c", false],
    ["/a*b*c", "/aXbYc", true],
    ["/a*b*c", "/aXcb", false],
    ["/a*b/c", "/a/b/c", false],
    ["/v{n}", "/v1", true],
    ["/a**b", "/axb", true],
    ["/a**b", "/a/b", false],
    ["/a/**/x*y*z/q", "/a/1/xyz/x1y2z/q", true],
    // Plain text, exactly.
    ["/", "/", true],
    ["/", "", false],
    ["", "", true],
    ["/a", "/a/", false],
    ["/a/", "/a", false],
    ["/a", "/A", false],
    ["/a.b", "/axb", false],
    ["/.well-known/jwks.json", "/.well-known/jwks.json", true],
    ["/a", "/a\n", false],
    ["/*", "/a\nb", true],
    // Escapes.
    ["/%*", "/*", true],
    ["/%*", "/a", false],
    ["/%**", "/*abc", true],
    ["/100%%", "/100%", true],
    ["/a%20b", "/a%20b", true],
    ["/%{a}", "/{a}", true],
    ["/{a", "/{a", true],
    ["/{a/b}", "/{a/b}", true],
  ])("%j against %j", (pattern, value, expected) => {
    expect(matchesPath(pattern, value)).toBe(expected);
    expect(matchesShape(pathShape(pattern), value)).toBe(expected);
    expect(new RegExp(pathSource(pattern)).test(value)).toBe(expected);
    expect(new RegExp(pathSource(pattern), "u").test(value)).toBe(expected);
  });
});

it.each([
  ["/a/b", { kind: "exact", text: "/a/b" }],
  ["/a%*", { kind: "exact", text: "/a*" }],
  ["/a/**", { kind: "affixes", prefix: "/a/", suffix: "" }],
  ["**", { kind: "affixes", prefix: "", suffix: "" }],
  ["/a/*", { kind: "expression", source: "^\\/a\\/[^\\/]+$" }],
])("%s has the cheapest shape", (pattern, shape) => {
  expect(pathShape(pattern)).toEqual(shape);
});

it.each([
  ["/a/**", []],
  ["/a**", [{ kind: "double-star-in-segment", start: 2, end: 4, suggestion: "*" }]],
  ["/x/{a/b", [{ kind: "unclosed-brace", start: 3, end: 4, suggestion: "%{" }]],
  ["/%{a", []],
])("doubts about %s", (pattern, expected) => {
  expect(pathProblems(pattern)).toMatchObject(expected);
  expect(pathProblems(pattern)).toHaveLength(expected.length);
});

it.each([
  ["many ** in the middle", `/a${"/**/b".repeat(20)}/c`, `/a${"/b".repeat(25_000)}`, "/c"],
  ["many * in one segment", `/${"a*".repeat(30)}b`, `/${"a".repeat(50_000)}`, "b"],
  ["segments inside **", `/**${"/*".repeat(10)}/x/**/y`, `/${"x/".repeat(25_000)}`, "y"],
  ["stars inside a segment after **", "/**/a*a*a*a*a*b/**/c/d", `/x/${"a".repeat(50_000)}`, "b/q/c/d"],
])("stays quick on 50 KB: %s", (_name, pattern, value, ending) => {
  expect(matchesPath(pattern, value)).toBe(false);
  expect(matchesPath(pattern, value + ending)).toBe(true);
});
