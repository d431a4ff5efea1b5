/** Replacements of Java's String.replaceAll. The results are Java's. */
import { describe, expect, it } from "vitest";
import { translateJavaReplacement } from "#compiler/expression/java-replacement.ts";
import { translateJavaSearch, type JavaScriptRegex } from "#compiler/expression/java-regex.ts";

function search(pattern: string): JavaScriptRegex {
  const regex = translateJavaSearch(pattern);
  if ("problem" in regex) throw new Error(regex.problem.message);
  return regex;
}

describe("replacements", () => {
  it.each<readonly [text: string, pattern: string, replacement: string, all: string, first: string]>([
    ["abc", "x*", "-", "-a-b-c-", "-abc"],
    ["aXbXc", "X", "$0$0", "aXXbXXc", "aXXbXc"],
    ["a/\n", "/$", "", "a\n", "a\n"],
    ["aab", "(?>(?:a)+)(b)", "[$1]", "[b]", "[b]"],
    ["xab", "(x)(?>a)(b)", "$2$1", "bx", "bx"],
    ["aBaB", "(?i:(b))", "<$1>", "a<B>a<B>", "a<B>aB"],
    ["2024-01-05", "(\\d+)-(\\d+)-(\\d+)", "$3/$2/$1", "05/01/2024", "05/01/2024"],
    ["aab", "(a)", "$12", "a2a2b", "a2ab"],
    ["price", "price", "\\$5", "$5", "$5"],
    ["john smith", "(?<f>\\w+) (?<l>\\w+)", "${l} ${f}", "smith john", "smith john"],
    ["a.b.c", "\\.", "", "abc", "ab.c"],
    ["ab", "(a)|(b)", "[$1$2]", "[a][b]", "[a]b"],
    ["AbC", "(?i)[a-c]", "x", "xxx", "xbC"],
    ["a\\b", "\\\\", "/", "a/b", "a/b"],
    ["  trim ", "^\\s+", "", "trim ", "trim "],
    ["\u{1f600}a", ".", "x", "xx", "xa"],
    ["x", "x", "a\\bc", "abc", "abc"],
    // Our own signs of String.replace mean nothing to Java.
    ["abc", "b", "\\$&\\$`\\$'\\$\\$", "a$&$`$'$$c", "a$&$`$'$$c"],
    ["abc", "b", "&`'<n>", "a&`'<n>c", "a&`'<n>c"],
  ])("%j, %j by %j", (text, pattern, replacement, all, first) => {
    const regex = search(pattern);
    const found = translateJavaReplacement(replacement, regex);
    if ("problem" in found) throw new Error(found.problem);
    expect(text.replace(new RegExp(regex.source, `${regex.flags}g`), found.text)).toBe(all);
    expect(text.replace(new RegExp(regex.source, regex.flags), found.text)).toBe(first);
  });

  it("reads many groups as Java does", () => {
    const regex = search("(a)".repeat(12));
    expect(translateJavaReplacement("$12$1$13$123", regex)).toEqual({ text: "$12$01$013$123" });
  });

  it.each([
    ["a", "$1", "no group 1"],
    ["a", "$", "begins a reference"],
    ["a", "$x", "begins a reference"],
    ["a", "${n}", "no group named n"],
    ["(?<n>a)", "${m}", "no group named m"],
    ["a", "x\\", "escapes nothing"],
    ["(?=(.*))", "$1", "inside a look-ahead or look-behind"],
    ["(?:(a)|b)+", "$1", "inside a repetition that may leave it out"],
    ["(a*){2}", "$1", "inside a repetition that may leave it out"],
    ["(?>a|(b))c", "$1", "inside a part that is not reconsidered"],
  ])("of %j by %j are refused", (pattern, replacement, words) => {
    const found = translateJavaReplacement(replacement, search(pattern));
    expect("problem" in found && found.problem).toContain(words);
  });
});

describe("searches", () => {
  it("match anywhere, whole expressions do not", () => {
    expect(search("b|c")).toMatchObject({ source: "b|c", flags: "u" });
    expect(search("^b\\z").source).toBe("^b$");
    // Before a final line end, too.
    expect("a/\n".replace(new RegExp(search("/$").source, "u"), "")).toBe("a\n");
  });

  it("refuse what whole expressions refuse", () => {
    expect(translateJavaSearch("a\\G")).toMatchObject({ problem: { kind: "anchor-escape" } });
  });
});
