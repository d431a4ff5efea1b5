/** Random text by a regular expression: it matches, every choice comes up, and its length is bounded. */
import { describe, expect, it } from "vitest";
import { translateJavaRegex } from "#compiler/expression/java-regex.ts";
import { XEGER_LENGTH_MAX, xegerForm } from "#compiler/expression/xeger-form.ts";
import { systemClock } from "#runtime/clock.ts";
import { xeger } from "#runtime/template/xeger.ts";

function texts(pattern: string, count: number): readonly string[] {
  const found = xegerForm(pattern);
  if ("problem" in found) throw new Error(found.problem);
  return Array.from({ length: count }, () => xeger(systemClock, found.form));
}

describe("texts", () => {
  it.each([
    "", "abc", "[a-z]{8}", "[A-Z]{2}\\d{4,6}", "(foo|bar|)+", "a?b*c+", "\\w+@\\w+\\.(com|org)", "^[0-9a-f]{32}$",
    "(?i)abc", "[^a-z]", ".", "\\p{Alpha}\\p{Punct}", "\\x{1F600}", "(?<year>20\\d\\d)-[01]\\d", "\\Qa.b\\E{2}",
    "[a-z&&[^aeiou]]{3}", "\\p{IsGreek}", "a|", "\\R",
  ])("of %s match it", (pattern) => {
    const regex = translateJavaRegex(pattern);
    if ("problem" in regex) throw new Error(regex.problem.message);
    for (const text of texts(pattern, 50)) expect(new RegExp(regex.source, regex.flags).test(text), text).toBe(true);
  });

  it("show every choice", () => {
    expect(new Set(texts("[a-cx]", 400))).toEqual(new Set(["a", "b", "c", "x"]));
    expect(new Set(texts("a|b|", 400))).toEqual(new Set(["a", "b", ""]));
    expect(new Set(texts("a{1,3}", 400))).toEqual(new Set(["a", "aa", "aaa"]));
    expect(Math.max(...texts("a*", 400).map(({ length }) => length))).toBe(10);
    expect(texts(".", 200).join("")).toMatch(/^[ -~]+$/);
  });
});

describe("expressions that are refused", () => {
  it.each([
    ["a(?=b)b", "look around"],
    ["a\\bb", "no positions"],
    ["a^b", "no positions"],
    ["a*+", "possessive"],
    ["(?>a)", "atomic"],
    ["[a&&b]", "empty class"],
    ["(a)\\1", "back references"],
    ["(", "never closed"],
    ["a{900}{1}", "nothing to repeat"],
    ["(?:a{100}){50}", `at most ${XEGER_LENGTH_MAX}`],
  ])("%s", (pattern, words) => {
    const found = xegerForm(pattern);
    expect("problem" in found && found.problem).toContain(words);
  });
});
