/** Laws of translated regular expressions on random input, against slow and obvious definitions. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { classText, codePoints, complement, intersection, union, type CodePoints } from "#compiler/expression/code-points.ts";
import { translateJavaRegex, translateJavaSearch } from "#compiler/expression/java-regex.ts";

const code = fc.integer({ min: 0, max: 12 });
const ranges = fc.array(fc.tuple(code, code).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const));
const set = ranges.map((list) => codePoints(list));
const has = (points: CodePoints, at: number): boolean => points.some(([low, high]) => low <= at && at <= high);

it("sets of code points are sets", () => {
  fc.assert(fc.property(set, set, code, (a, b, at) => {
    expect(has(union(a, b), at)).toBe(has(a, at) || has(b, at));
    expect(has(intersection(a, b), at)).toBe(has(a, at) && has(b, at));
    expect(has(complement(a), at)).toBe(!has(a, at));
    expect(complement(complement(a))).toEqual(a);
    expect(new RegExp(`^${classText(a)}$`, "u").test(String.fromCodePoint(at))).toBe(has(a, at));
  }));
});

const values = fc.string({ unit: fc.constantFrom("a", "b", "A", "-", "1", " ", "\n", "\r", "\u00e9", "\u{1f600}"), maxLength: 8 });
const shared = fc.constantFrom("a", "b", "1", "-", "[ab]", "[^a-b1]", "[a-]", "(?:a|b)", "(a)", "\\d", "\\w", "\\.", "a|b", "(?=a)", "(?!b)", "(?<=a)");
const repeated = fc.tuple(shared, fc.constantFrom("", "", "*", "+", "?", "+?", "{1,2}", "{2}"));
const pattern = fc.array(repeated, { maxLength: 5 }).map((parts) => {
  return parts.map(([part, count]) => (count === "" || part.startsWith("(?") ? part : `(?:${part})${count}`)).join("");
});

it("what both languages mean alike stays as it is", () => {
  let matched = 0;
  fc.assert(fc.property(pattern, values, (text, value) => {
    const whole = translateJavaRegex(text);
    const search = translateJavaSearch(text);
    if ("problem" in whole || "problem" in search) throw new Error(text);
    const expected = new RegExp(`^(?:${text})$`, "u").test(value);
    matched += expected ? 1 : 0;
    expect(new RegExp(whole.source, whole.flags).test(value)).toBe(expected);
    const found = new RegExp(text, "u").exec(value);
    const own = new RegExp(search.source, search.flags).exec(value);
    expect([own?.index, own?.[0]]).toEqual([found?.index, found?.[0]]);
    expect(search.groups.map(({ number }) => own?.[number])).toEqual(found?.slice(1) ?? search.groups.map(() => undefined));
  }), { numRuns: 2000 });
  expect(matched).toBeGreaterThan(20);
});

it("quoted text is itself, whatever it holds", () => {
  const text = fc.string({ unit: "binary" }).filter((value) => !value.includes("\\E"));
  fc.assert(fc.property(text, (value) => {
    // A backslash at the end would join the E.
    const quoted = translateJavaRegex(value.endsWith("\\") ? `\\Q${value.slice(0, -1)}\\E\\\\` : `\\Q${value}\\E`);
    if ("problem" in quoted) throw new Error(quoted.problem.message);
    expect(new RegExp(quoted.source, quoted.flags).test(value)).toBe(true);
    expect(new RegExp(quoted.source, quoted.flags).test(`${value}x`)).toBe(false);
  }));
});

it("under (?i) letters of ASCII fold and no others", () => {
  const any = fc.constantFrom("k", "K", "s", "S", "\u212a", "\u017f", "\u00e9", "\u00c9", "i", "I", "\u0130", "1");
  const fold = (char: string): string => (/[A-Z]/.test(char) ? char.toLowerCase() : char);
  fc.assert(fc.property(any, any, (a, b) => {
    for (const text of [`(?i)${a}`, `(?i)[${a}]`, `(?i:${a})`, `(?i)[x[${a}]&&[${a}-${a}]]`]) {
      const regex = translateJavaRegex(text);
      if ("problem" in regex) throw new Error(text);
      expect(new RegExp(regex.source, regex.flags).test(b), `${text} ${b}`).toBe(fold(a) === fold(b));
    }
  }));
});

it("whatever is written is taken or refused, never thrown", () => {
  const signs = fc.string({ unit: fc.constantFrom(..."ab1-^$.|()[]{}*+?\\&#:<>=!iQEpPLRhx,\n") });
  fc.assert(fc.property(signs, (text) => {
    for (const result of [translateJavaRegex(text), translateJavaSearch(text)]) {
      if ("source" in result) new RegExp(result.source, result.flags);
      else {
        expect(result.problem.start).toBeLessThanOrEqual(result.problem.end);
        expect(result.problem.end).toBeLessThanOrEqual(text.length);
      }
    }
  }), { numRuns: 5000 });
});
