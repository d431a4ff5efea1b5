/** Java expressions in JavaScript: what is taken and what it then matches, what is refused and where. */
import { describe, expect, it } from "vitest";
import {
  JAVA_REGEX_DEPTH_MAX,
  JAVA_REGEX_LENGTH_MAX,
  JAVA_REGEX_REPEAT_MAX,
  translateJavaRegex,
} from "#compiler/expression/java-regex.ts";

function compiled(pattern: string): RegExp {
  const result = translateJavaRegex(pattern);
  if ("problem" in result) throw new Error(`${pattern}: ${result.problem.kind} ${result.problem.message}`);
  return new RegExp(result.source, result.flags);
}

describe("what is taken", () => {
  it.each<readonly [string, readonly string[], readonly string[]]>([
    // Whole values only.
    ["GET", ["GET"], ["GETX", "XGET", "get"]],
    ["GET|HEAD", ["GET", "HEAD"], ["GETHEAD", "GETX", "XHEAD"]],
    ["^(POST|GET)$", ["POST", "GET"], ["POSTS"]],
    ["", [""], ["a"]],
    ["a|", ["a", ""], ["b"]],
    ["/token/users(/.*)?", ["/token/users", "/token/users/", "/token/users/a/b"], ["/token/usersx"]],
    ["a\\/b", ["a/b"], ["ab"]],
    // The dot and line ends.
    [".*", ["", "abc", "\u{1f600}"], ["a\nb", "a\u0085b", "a\u2028b"]],
    ["(?s).*", ["a\nb", "a\u0085b"], []],
    ["a.b", ["a\u{1f600}b"], ["ab", "a\nb"]],
    // Flags.
    ["(?i)bearer .+", ["BEARER x", "bearer y"], ["Basic x"]],
    ["(?i)[a-c]+", ["aBc"], ["d"]],
    ["(?is)a.b", ["A\nB"], ["ab"]],
    ["(?i)(?s)a.b", ["A\nB"], ["ab"]],
    ["(?m)^a$\n^b$", ["a\nb"], ["a\nb\n", "x\na\nb"]],
    ["(?m)a|b", ["a", "b"], ["a\nb", "a\n"]],
    // Predefined classes know ASCII only.
    ["\\d+", ["123"], ["\u0661", "a"]],
    ["\\D", ["a", "\u0661"], ["1"]],
    ["\\w+", ["aZ_9"], ["\u00e9"]],
    ["\\s", [" ", "\t", "\n", "\v", "\f", "\r"], ["\u00a0", "\u2003"]],
    ["\\S+", ["abc", "\u00a0"], ["a b"]],
    ["[\\s\\d]+", ["1 2"], ["\u00a0"]],
    ["[^\\s]+", ["ab", "\u00a0"], ["a b"]],
    ["[\\D]", ["a"], ["1"]],
    ["[\\W_]+", ["-_"], ["a"]],
    ["\\p{Lu}\\pL+", ["Abc", "\u00c9t\u00e9"], ["abc"]],
    ["\\P{L}", ["1"], ["a"]],
    ["[\\p{Lu}1]+", ["A1"], ["a"]],
    ["[\\P{L}]", ["1"], ["a"]],
    // Classes.
    ["[a-c]", ["a", "b", "c"], ["d", "-"]],
    ["[-a]", ["-", "a"], ["b"]],
    ["[a-]", ["-", "a"], ["b"]],
    ["[\\w-]+", ["a-b"], ["a b"]],
    ["[\\w.-]+", ["a.b-c"], ["a b"]],
    ["[a-c-e]", ["b", "-", "e"], ["d"]],
    ["[]a]", ["]", "a"], ["b"]],
    ["[^]a]", ["b"], ["]", "a"]],
    ["[a^]", ["a", "^"], ["b"]],
    ["[.*+?(){}|$/]+", [".*+?(){}|$/"], ["a"]],
    ["[&a]", ["&", "a"], ["b"]],
    ["[\\]\\[\\\\\\-]+", ["][\\-"], ["a"]],
    ["[\\x41-\\u0043]", ["A", "B", "C"], ["D"]],
    ["[\\t-\\r]", ["\n"], [" "]],
    ["[\u{1f600}-\u{1f602}]", ["\u{1f601}"], ["\u{1f603}"]],
    // Characters.
    ["\\x41\\u0042\\x{43}", ["ABC"], ["abc"]],
    ["\\x{1F600}", ["\u{1f600}"], ["x"]],
    ["\\t\\n\\r\\f\\a\\e\\cA", ["\t\n\r\f\x07\x1b\x01"], ["t"]],
    ["\\.\\-\\ \\\"\\:\\@\\#", ['.- ":@#'], ["x"]],
    ["a}]", ["a}]"], ["a"]],
    ["\u00e9\n", ["\u00e9\n"], ["e"]],
    // Quantifiers and groups.
    ["a{2}b{1,}c{0,2}", ["aab", "aabbcc"], ["ab", "aabccc"]],
    ["a*?b+?c??", ["b", "aabbc"], ["a"]],
    ["(?:ab)+", ["abab"], ["aba"]],
    ["(?<year>\\d{4})-\\d\\d", ["2024-01"], ["24-01"]],
    ["(?=.*x)a.*", ["abx"], ["ab"]],
    ["(?!x).*", ["ab", ""], ["xb"]],
    ["a(?<=a)b(?<!c)", ["ab"], ["cb"]],
    ["\\bab\\b", ["ab"], ["a"]],
    ["a\\Bb", ["ab"], ["a"]],
  ])("%j", (pattern, yes, no) => {
    const expression = compiled(pattern);
    for (const value of yes) expect(expression.test(value), JSON.stringify(value)).toBe(true);
    for (const value of no) expect(expression.test(value), JSON.stringify(value)).toBe(false);
  });

  it.each([
    ["abc", "u"],
    ["(?i)abc", "i"],
    ["(?s)(?m)abc", "msu"],
    ["(?ismi)abc", "ims"],
  ])("%s gets the flags %s", (pattern, flags) => {
    expect(translateJavaRegex(pattern)).toMatchObject({ flags });
  });

  it("suits a regular-expression literal", () => {
    for (const pattern of ["/a\n\u2028[/]", "a|b", "\\/"]) {
      const expression = compiled(pattern);
      expect(expression.source).toBe(new RegExp(expression.source, expression.flags).source);
      expect(expression.source).not.toMatch(/(?<!\\)\/|[\n\r\u2028\u2029]/);
    }
  });

  it("remembers where each unit comes from", () => {
    const pattern = "(?i)a\\s|[b-d]+";
    const result = translateJavaRegex(pattern);
    if ("problem" in result) throw new Error(result.problem.kind);
    expect(result.origins).toHaveLength(result.source.length);
    expect(pattern[result.origins[result.source.indexOf("b-d")] ?? 0]).toBe("b");
    expect(pattern.slice(result.origins[result.source.indexOf("[ ")] ?? 0)).toBe("\\s|[b-d]+");
    expect(result.origins.at(-1)).toBe(pattern.length);
  });
});

describe("what is refused", () => {
  it.each<readonly [string, string, string]>([
    ["a*+b", "possessive-quantifier", "*+"],
    ["a{2,3}+", "possessive-quantifier", "{2,3}+"],
    ["a?+", "possessive-quantifier", "?+"],
    ["(?>a+)b", "atomic-group", "(?>"],
    ["a\\Q.\\E", "quotation", "\\Q"],
    ["\\h", "horizontal-space", "\\h"],
    ["[\\h]", "horizontal-space", "\\h"],
    ["\\v", "vertical-space", "\\v"],
    ["\\R", "line-break-escape", "\\R"],
    ["\\p{Alpha}+", "posix-class", "\\p{Alpha}"],
    ["[\\p{Punct}]", "posix-class", "\\p{Punct}"],
    ["\\p{IsAlphabetic}", "unicode-property", "\\p{IsAlphabetic}"],
    ["\\p{javaLowerCase}", "unicode-property", "\\p{javaLowerCase}"],
    ["(?i)\\p{Lu}", "unicode-property", "\\p{Lu}"],
    ["\\p", "unicode-property", "\\p"],
    ["[a-z&&[^b]]", "class-intersection", "&&"],
    ["[a[bc]]", "class-union", "["],
    ["\\Aab", "anchor-escape", "\\A"],
    ["ab\\z", "anchor-escape", "\\z"],
    ["ab\\Z", "anchor-escape", "\\Z"],
    ["\\Gab", "anchor-escape", "\\G"],
    ["(?x)a b", "comments-flag", "(?x)"],
    ["a(?x:b)", "comments-flag", "(?x:"],
    ["(?u)a", "unsupported-flag", "(?u)"],
    ["(?iU)a", "unsupported-flag", "(?iU)"],
    ["a(?i)b", "inline-flag", "(?i)"],
    ["(?i:a)b", "inline-flag", "(?i:"],
    ["(?-i)a", "inline-flag", "(?-i)"],
    ["\\012", "octal-escape", "\\0"],
    ["(a)\\1", "back-reference", "\\1"],
    ["(?<x>a)\\k<x>", "back-reference", "\\k"],
    ["\\y", "unknown-escape", "\\y"],
    ["\\X", "unknown-escape", "\\X"],
    ["\\ca", "unknown-escape", "\\c"],
    ["\\b{g}", "unknown-escape", "\\b{"],
    ["[\\b]", "unknown-escape", "\\b"],
    ["a\\", "unknown-escape", "\\"],
    ["\\x{110000}", "unknown-escape", "\\x"],
    ["[\\S\\d]", "complement-in-class", "\\S"],
    ["[z-a]", "bad-range", "z-a"],
    ["[\\d-x]", "bad-range", "\\d-"],
    ["[a-\\d]", "bad-range", "a-\\d"],
    ["*a", "bad-quantifier", "*"],
    ["a**", "bad-quantifier", "*"],
    ["(+)", "bad-quantifier", "+"],
    ["a{3,2}", "bad-quantifier", "{3,2}"],
    ["a{,2}", "bad-quantifier", "{"],
    [`a{${JAVA_REGEX_REPEAT_MAX + 1}}`, "repeat-too-large", `{${JAVA_REGEX_REPEAT_MAX + 1}}`],
    ["^*", "quantified-assertion", "*"],
    ["(?=a)+", "quantified-assertion", "+"],
    ["\\b?", "quantified-assertion", "?"],
    ["(?i)a\u{1f600}", "supplementary-with-ignore-case", "\u{1f600}"],
    ["(?i)[a\\x{1F600}]", "supplementary-with-ignore-case", "\\x{1F600}"],
    ["a{b}", "stray-brace", "{"],
    ["{a", "stray-brace", "{"],
    ["(a", "unclosed-group", "("],
    ["a(?:b", "unclosed-group", "("],
    ["[a", "unclosed-class", "["],
    ["[]", "unclosed-class", "["],
    ["a)", "unmatched-parenthesis", ")"],
    ["(?#a)", "unknown-group", "(?"],
    ["(?<a>x)(?<a>y)", "invalid", "(?<a>x)(?<a>y)"],
  ])("%j", (pattern, kind, place) => {
    const result = translateJavaRegex(pattern);
    if (!("problem" in result)) throw new Error(`taken as ${result.source}`);
    expect(result.problem.kind).toBe(kind);
    expect(pattern.slice(result.problem.start, result.problem.end)).toBe(place);
    expect(result.problem.message).not.toBe("");
  });

  it("what is too long or nests too deep", () => {
    expect(translateJavaRegex("a".repeat(JAVA_REGEX_LENGTH_MAX))).toHaveProperty("source");
    expect(translateJavaRegex("a".repeat(JAVA_REGEX_LENGTH_MAX + 1))).toMatchObject({ problem: { kind: "too-long" } });
    const nested = (depth: number): string => "(".repeat(depth) + "a" + ")".repeat(depth);
    expect(translateJavaRegex(nested(JAVA_REGEX_DEPTH_MAX))).toHaveProperty("source");
    expect(translateJavaRegex(nested(JAVA_REGEX_DEPTH_MAX + 1))).toMatchObject({ problem: { kind: "too-deep" } });
  });
});
