/** Running time of expressions: what is cleared at sight must be cleared by the analyser too, and attacks are found. */
import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { translateJavaRegex } from "#compiler/expression/java-regex.ts";
import { checkRegexSafety, isPlainlyLinear } from "#compiler/expression/regex-safety.ts";
import { globShape } from "#runtime/language/glob.ts";
import { shapeSource } from "#runtime/language/pattern-shape.ts";

function translated(pattern: string): { readonly source: string; readonly flags: string } {
  const result = translateJavaRegex(pattern);
  if ("problem" in result) throw new Error(result.problem.kind);
  return result;
}

const PLAIN = [
  "GET|HEAD",
  ".*",
  "^(POST|GET)$",
  "/token/users(/.*)?",
  "(?i)bearer [\\w.-]+",
  "\\s+",
  "a?b?c?d*",
  "\\p{Lu}+",
  "[^a)*+{]+",
  "\\(a\\)*",
  "(?<v>v1|v2)/[^/]*",
  "(?s)a.*b",
];

const NOT_PLAIN = [
  "(a+)+",
  "(a|a)*",
  "(ab)*",
  ".*a.*",
  "a{1,3}",
  "(?=.*x)a",
  "(?m)^a*$\\n",
  "a?".repeat(9),
  "(a|b)".repeat(9),
];

describe("what is cleared at sight", () => {
  const { checkSync } = createRequire(import.meta.url)("recheck/lib/browser.js") as {
    checkSync(source: string, flags: string): { readonly status: string };
  };

  it.each(PLAIN)("%s, and the analyser agrees", (pattern) => {
    const { source, flags } = translated(pattern);
    expect(isPlainlyLinear(source, flags)).toBe(true);
    expect(checkSync(source, flags).status).toBe("safe");
    expect(checkRegexSafety(source, flags)).toEqual({ safe: true, proven: true });
  });

  it.each(NOT_PLAIN)("not %s", (pattern) => {
    const { source, flags } = translated(pattern);
    expect(isPlainlyLinear(source, flags)).toBe(false);
  });

  const sources = ["a*", "^a|b*", "^(a)\\1*", "^(?<x>a)\\k<x>*", "^a(?<!b*)", "^(a", "^a)", "^[a"];
  it.each(sources)("nor the source %s", (source) => {
    expect(isPlainlyLinear(source, "")).toBe(false);
  });
});

describe("what the analyser finds", () => {
  it.each(["(ab)*", "a{1,3}b", "(?:[a-z]+/)*[0-9]", "\\d{1,3}\\.\\d{1,3}"])("%s is safe", (pattern) => {
    const { source, flags } = translated(pattern);
    expect(checkRegexSafety(source, flags)).toEqual({ safe: true, proven: true });
  });

  it.each([
    ["(a+)+b", "exponential", undefined],
    ["(a|a)*b", "exponential", undefined],
    ["([a-z]+)*[0-9]", "exponential", undefined],
    ["a*a*b", "polynomial", 2],
    [".*a.*a.*b", "polynomial", 3],
  ])("%s is %s", (pattern, complexity, degree) => {
    const { source, flags } = translated(pattern);
    const verdict = checkRegexSafety(source, flags);
    if (verdict.safe) throw new Error("cleared");
    expect(verdict).toMatchObject({ complexity });
    expect(verdict.degree).toBe(degree);
    expect(verdict.attack).toBeTypeOf("string");
    expect(verdict.hotspot.end).toBeGreaterThan(verdict.hotspot.start);
    expect(verdict.hotspot.end).toBeLessThanOrEqual(source.length);
  });

  it("what it cannot read is not safe", () => {
    expect(checkRegexSafety("^(", "")).toMatchObject({ safe: false, complexity: "unknown" });
  });

  it("globs as naive expressions are not safe, as we write them they are", () => {
    expect(checkRegexSafety("^[^]*a[^]*a[^]*a[^]*b$", "")).toMatchObject({ safe: false, complexity: "polynomial" });
    expect(checkRegexSafety(shapeSource(globShape("*a*a*a*b")), "")).toMatchObject({ safe: true });
  });
});
