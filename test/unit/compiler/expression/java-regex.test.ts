/** Java expressions in JavaScript: what is taken and what it then matches, what is refused and where. */
import { describe, expect, it } from "vitest";
import { readFileSync } from "node:fs";
import { JAVA_REGEX_DEPTH_MAX, JAVA_REGEX_REPEAT_MAX } from "#compiler/expression/java-regex-parse.ts";
import { JAVA_REGEX_LENGTH_MAX, translateJavaRegex, translateJavaSearch } from "#compiler/expression/java-regex.ts";

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

  it.each<readonly [string, readonly string[], readonly string[]]>([
    // Quotation.
    ["\\Qa.b*\\E+", ["a.b*", "a.b***"], ["axb", "a.b"]],
    ["\\Q(", ["("], []],
    ["[\\Q^-]\\E]+", ["^-]"], ["a"]],
    ["\\x41\\Q1\\E", ["A1"], ["\u0411"]],
    // Named classes.
    ["\\p{Alpha}+\\p{Punct}", ["aZ~"], ["a", "\u00e9!"]],
    ["\\P{Alnum}", ["-"], ["a", "1"]],
    ["[\\p{XDigit}_]+", ["fF0_"], ["g"]],
    ["\\p{Graph}\\p{Print}\\p{Blank}\\p{Cntrl}\\p{Space}\\p{ASCII}", ["! \t\u0000\f\u007f"], ["  \t\u0000\fa"]],
    ["\\p{IsAlphabetic}\\p{IsLatin}\\p{script=Greek}\\p{gc=Nd}", ["\u00e9a\u03b11"], ["1aa1"]],
    ["\\p{L1}\\p{LD}\\p{all}", ["\u00ff1\n"], ["\u0100aa"]],
    ["\\h\\H\\v\\V", ["\u3000a\u2028a"], ["aa\na"]],
    ["[^\\h]\\R\\R", ["a\r\n\n", "a\r\n"], ["a\n", " \n\n"]],
    ["\\R{2}", ["\r\n\n", "\n\r"], ["\r\n"]],
    ["[\\S\\d]", ["a", "1"], [" "]],
    // Unions and intersections; ^ takes in what && gives.
    ["[a-c[x-z]]+", ["ay"], ["d"]],
    ["[a-z&&[^aeiou]]+", ["xyz"], ["a"]],
    ["[a-z&&d-k&&[^e]]", ["d"], ["e", "c"]],
    ["[^a-c&&[b-d]]", ["a", "d"], ["b", "c"]],
    ["[\\w&&\\D]", ["a"], ["1", "-"]],
    ["[\\p{L}&&[^\\p{Lu}]]+", ["\u00e9a"], ["A"]],
    ["[\\d-x]", ["-", "1", "x"], ["y"]],
    // Octal, control and paired escapes.
    ["\\0101\\07\\0377", ["A\u0007\u00ff"], []],
    ["\\c[\\ca", ["\u001b!"], []],
    ["\\uD83D\\uDE00", ["\u{1f600}"], []],
    // Possessive and atomic parts are not reconsidered.
    ["a*+b", ["b", "aab"], ["a"]],
    ["a*+a", [], ["a", "aa"]],
    [".*+x", [], ["ax"]],
    ["(?:ab?)++b", [], ["ab", "abab"]],
    ["(?>a|ab)c", ["ac"], ["abc"]],
    ["(?>a+)12", ["aa12"], ["aa1"]],
    ["a{1,2}+a", ["aaa"], ["aa"]],
    // Flags for a part, and for the rest of a group.
    ["a(?i)b", ["ab", "aB"], ["Ab"]],
    ["(?i:a)b", ["Ab"], ["aB"]],
    ["(?i)a(?-i)b|C", ["Ab", "C"], ["aB", "c"]],
    ["(a(?i)b)c", ["aBc"], ["aBC"]],
    ["(?i)[k-l]s", ["Ks", "LS"], ["\u212as", "k\u017f"]],
    ["(?i)[^k]", ["x", "\u212a"], ["K", "k"]],
    ["(?i)\\p{Lower}\\p{Lu}\\p{IsUppercase}", ["Aab"], ["1aa"]],
    ["(?i)a\u{1f600}", ["A\u{1f600}"], []],
    ["(?x) a\\ b [ c d ] # e\n +", ["a bc", "a bdd"], ["ab", "a b "]],
    ["(?x:a b)c d", ["abc d"], ["abcd"]],
    ["(?d).(?-d).", ["\ra"], ["\na", "a\r"]],
    ["(?s-s).", ["a"], ["\n"]],
    // Anchors.
    ["\\Aab\\z", ["ab"], ["ab\n"]],
    ["ab\\Z\n?", ["ab", "ab\n"], ["ab\n\n"]],
    ["ab$\\s*", ["ab", "ab\n", "ab\r\n"], ["ab\n\n", "ab "]],
    ["(?m)^a$\r\n^b$", ["a\r\nb"], ["a\nb"]],
    ["(?m)^", [], [""]],
    ["(?m)a\r$\n", [], ["a\r\n"]],
    ["(?md)a$\nb", ["a\nb"], []],
    ["^*a\\b?(?=b)*b", ["ab"], ["b"]],
  ])("Java's own: %j", (pattern, yes, no) => {
    const expression = compiled(pattern);
    for (const value of yes) expect(expression.test(value), JSON.stringify(value)).toBe(true);
    for (const value of no) expect(expression.test(value), JSON.stringify(value)).toBe(false);
  });

  it("what OpenJDK 17 answers", () => {
    // Made once with java.util.regex: pattern, then value, what matches() says, what replaceAll("<$0>") gives.
    const file = new URL("./java-regex-answers.json", import.meta.url);
    const answers = JSON.parse(readFileSync(file, "utf8")) as readonly [string, readonly [string, boolean, string][]][];
    expect(answers.length).toBeGreaterThan(200);
    for (const [pattern, values] of answers) {
      const whole = compiled(pattern);
      const search = translateJavaSearch(pattern);
      if ("problem" in search) throw new Error(search.problem.message);
      for (const [value, isMatch, replaced] of values) {
        expect(whole.test(value), JSON.stringify([pattern, value])).toBe(isMatch);
        const everywhere = new RegExp(search.source, `${search.flags}g`);
        expect(value.replace(everywhere, "<$&>"), JSON.stringify([pattern, value])).toBe(replaced);
      }
    }
  });

  it.each([
    ["a|b", "^(?:a|b)$"],
    ["^(POST|GET)$", "^(POST|GET)$"],
    ["(?i)bearer .+", "^[Bb][Ee][Aa][Rr][Ee][Rr] [^\\n\\r\\u0085\\u2028\\u2029]+$"],
    ["[^/]*+/x", "^[^\\/]*\\/x$"],
    ["\\w++", "^[0-9A-Z_a-z]+$"],
    ["[a-z&&[^aeiou]]", "^[b-df-hj-np-tv-z]$"],
  ])("%s reads well as JavaScript", (pattern, source) => {
    expect(translateJavaRegex(pattern)).toMatchObject({ source, flags: "u" });
  });

  it.each([
    ["\\s+$", "[\\t-\\r ]+$"],
    ["(?m)^a+$", "(?:^|[\\n\\r\\u0085\\u2028\\u2029])a+(?:$|[\\n\\r\\u0085\\u2028\\u2029])"],
    ["(?>\\d+)-a*+a", "(?:[0-9]+)-(?:a*)a"],
  ])("a search for %s is judged without the look-arounds of the translation", (pattern, judged) => {
    expect(translateJavaSearch(pattern)).toMatchObject({ judged });
  });

  it("suits a regular-expression literal", () => {
    for (const pattern of ["/a\n\u2028[/]", "a|b", "\\/"]) {
      const expression = compiled(pattern);
      expect(expression.source).toBe(new RegExp(expression.source, expression.flags).source);
      expect(expression.source).not.toMatch(/(?<!\\)\/|[\n\r\u2028\u2029]/);
    }
  });
});

describe("what is refused", () => {
  it.each<readonly [string, string, string]>([
    ["\\p{javaLowerCase}", "unicode-property", "\\p{javaLowerCase}"],
    ["\\p{InGreek}", "unicode-property", "\\p{InGreek}"],
    ["\\p{IsHexDigit}", "unicode-property", "\\p{IsHexDigit}"],
    ["[\\p{Nothing}]", "unicode-property", "\\p{Nothing}"],
    ["\\p", "unicode-property", "\\p"],
    ["[a&&]", "class-intersection", "&&"],
    ["[&&a]", "class-intersection", "&&"],
    ["\\Gab", "anchor-escape", "\\G"],
    ["(?u)a", "unsupported-flag", "(?u)"],
    ["(?iU)a", "unsupported-flag", "(?iU)"],
    ["a(?-u:b)", "unsupported-flag", "(?-u:"],
    ["(a)\\1", "back-reference", "\\1"],
    ["(?<x>a)\\k<x>", "back-reference", "\\k"],
    ["\\N{DIGIT ONE}", "character-name", "\\N"],
    ["\\X", "grapheme", "\\X"],
    ["\\b{g}", "grapheme", "\\b{g}"],
    ["\\y", "unknown-escape", "\\y"],
    ["\\08", "unknown-escape", "\\0"],
    ["\\c\u00e9", "unknown-escape", "\\c"],
    ["[\\b]", "unknown-escape", "\\b"],
    ["a\\", "unknown-escape", "\\"],
    ["a\\E", "unknown-escape", "\\E"],
    ["\\x{110000}", "unknown-escape", "\\x"],
    ["[z-a]", "bad-range", "z-a"],
    ["\\Qab\\E[z-a]", "bad-range", "z-a"],
    ["[a-\\d]", "bad-range", "a-\\d"],
    ["*a", "bad-quantifier", "*"],
    ["a**", "bad-quantifier", "*"],
    ["a{2}{3}", "bad-quantifier", "{"],
    ["(?i)+", "bad-quantifier", "+"],
    ["(+)", "bad-quantifier", "+"],
    ["a{3,2}", "bad-quantifier", "{3,2}"],
    ["a{,2}", "bad-quantifier", "{"],
    [`a{${JAVA_REGEX_REPEAT_MAX + 1}}`, "repeat-too-large", `{${JAVA_REGEX_REPEAT_MAX + 1}}`],
    ["(?:(?:a{99}){99}){2}", "repeat-too-large", "{2}"],
    ["(?:a??)*", "empty-repetition", "*"],
    ["(?:|a){2}", "empty-repetition", "{2}"],
    ["(?<=a*)b", "unbounded-look-behind", "*"],
    ["(?<=(?>a|b))c", "atomic-in-look-behind", "(?<=(?>a|b))c"],
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
