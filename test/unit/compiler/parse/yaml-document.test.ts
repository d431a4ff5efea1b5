/** The subset of YAML that is read, and that nothing in a file makes the parser throw. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commentsOf, parseYaml } from "#compiler/1-parse/yaml-document.ts";
import { Diagnostics } from "#compiler/diagnostics/diagnostic.ts";
import { PositionIndex } from "#compiler/source/position-index.ts";
import { SourceFile } from "#compiler/source/source-file.ts";

function parse(text: string): { values: unknown[]; codes: string[] } {
  const diagnostics = new Diagnostics();
  const documents = parseYaml(new SourceFile("a.yaml", text), new PositionIndex(), diagnostics);
  return { values: documents.map(({ value }) => value), codes: diagnostics.all.map(({ code }) => code) };
}

describe("parseYaml", () => {
  it("reads YAML 1.2 core, where yes and no are texts", () => {
    const { values, codes } = parse(
      "a: yes\nb: no\nc: true\nd: 0o17\ne: 1e3\nf: 012\ng: ~\nh: 2001-01-01\ni: 1_000\n5: x\n",
    );
    expect(codes).toEqual([]);
    expect(values).toEqual([
      { a: "yes", b: "no", c: true, d: 15, e: 1000, f: 12, g: null, h: "2001-01-01", i: "1_000", "5": "x" },
    ]);
  });

  it("reads several documents, a byte order mark and CRLF", () => {
    expect(parse("\ufeffa: 1\r\n---\r\nb: 2\r\n...\r\n").values).toEqual([{ a: 1 }, { b: 2 }]);
  });

  it("gives no object a prototype of the file's choosing", () => {
    const { values, codes } = parse('a: { "__proto__": { polluted: true } }\n');
    expect(codes).toEqual(["AGW1011"]);
    expect(values).toEqual([null]);
    expect("polluted" in {}).toBe(false);
  });

  it.each([
    [
      "alias bomb",
      `a: &a [x, x]\n${Array.from({ length: 30 }, (_, i) => `b${String(i)}: [*a, *a, *a]`).join("\n")}`,
      "AGW1009",
    ],
    ["deep brackets", "[".repeat(100_000), "AGW1018"],
    ["deep braces", "a: " + "{a: ".repeat(50_000), "AGW1018"],
    ["deep indentation", Array.from({ length: 900 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"), "AGW1018"],
    ["deep dashes", "- ".repeat(3_000) + "a", "AGW1018"],
    ["merge key", "<<: {a: 1}", "AGW1010"],
    ["complex key", "? [a]\n: b", "AGW1019"],
    ["tag on a key", "!!str a: b", "AGW1008"],
    ["anchor on a key", "&a a: b", "AGW1009"],
    ["anchor on a map", "a: &x\n  b: 1", "AGW1009"],
    ["non-specific tag", "a: ! b", "AGW1008"],
    ["NUL", "\u0000", "AGW1017"],
    ["tag directive", "%TAG ! tag:example.com,2000:\n---\na: 1", "AGW1001"],
  ])("refuses: %s", (_, text, code) => {
    const { codes, values } = parse(text);
    expect(codes).toContain(code);
    expect(values.every((value) => value === null)).toBe(true);
  });

  it("a quoted << is an ordinary key", () => {
    expect(parse('"<<": 1').values).toEqual([{ "<<": 1 }]);
  });

  it("never throws, and says something whenever it gives nothing", () => {
    const fragments = [
      "a",
      ": ",
      "\n",
      "  ",
      "- ",
      "[",
      "]",
      "{",
      "}",
      '"',
      "'",
      "|",
      ">",
      "#",
      "&x ",
      "*x",
      "!t ",
      "? ",
      "---\n",
      "...",
      "%",
      "\t",
      ",",
      "\r\n",
      "é",
      "\u0000",
      "0",
      "~",
      "<<",
      "\ufeff",
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...fragments), { maxLength: 60 }), (parts) => {
        const { values, codes } = parse(parts.join(""));
        expect(values.length === 0 || values.includes(null)).toBe(codes.length > 0);
      }),
      { numRuns: 1_500 },
    );
  });
});

describe("commentsOf", () => {
  it("finds comments and nothing that only looks like one", () => {
    const text = [
      "# one",
      'a: "# no" # two',
      "b: |",
      "  # no",
      "c: 'x' #three",
      "d: x#no",
      "e:",
      "  # four",
      "  - f",
    ].join("\n");
    const file = new SourceFile("a.yaml", text);
    const found = commentsOf(file);
    expect(found.map((comment) => comment.text)).toEqual(["# one", "# two", "#three", "# four"]);
    for (const { text: words, offset } of found) expect(file.text.slice(offset, offset + words.length)).toBe(words);
  });
});
