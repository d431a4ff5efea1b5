/** Code as a value: what is interpolated is quoted, and nothing leaves its literal or its comment. */
import { describe, expect, it } from "vitest";
import { code, comment, docText, identifier, join, literal, regex, unbracketed, withoutNull, type Embeddable } from "#compiler/5-emit/code.ts";

describe("literals", () => {
  const cases: readonly [value: Embeddable, expected: string][] = [
    ['a"b\n', '"a\\"b\\n"'],
    ["\u2028\u2029", '"\\u2028\\u2029"'],
    ["${x}`*/</script>", '"${x}`*/</script>"'],
    [-0, "-0"],
    [1e21, "1e+21"],
    [true, "true"],
    [null, "null"],
    [[], "[]"],
    [{}, "{}"],
    [{ a: 1, "b-c": "d", __proto__x: 2 }, '{ a: 1, "b-c": "d", __proto__x: 2 }'],
    [Object.fromEntries([["__proto__", 1]]), '{ ["__proto__"]: 1 }'],
    [{ a: identifier("a"), b: code`(c ?? null)` }, "{ a, b: c ?? null }"],
    [["x".repeat(60), "y".repeat(60)], `[\n"${"x".repeat(60)}",\n"${"y".repeat(60)}",\n]`],
  ];

  it.each(cases)("%j", (value, expected) => {
    const { text } = literal(value);
    expect(text).toBe(expected);
  });

  it("in templates are quoted unless they are code", () => {
    expect(code`${identifier("f")}(${"); evil("}, ${3})`.text).toBe('f("); evil(", 3)');
  });
});

describe("identifiers", () => {
  it.each(["a b", "1a", "", "a;b", "a-b"])("refuse %j", (name) => {
    expect(() => identifier(name)).toThrow("invariant");
  });
});

describe("comments", () => {
  it("end where they began", () => {
    expect(comment("a\nb\u2028c\rd").text).toBe("// a b c d");
    expect(docText("/v1/*/x\n*/ evil()")).toBe("/v1/*\\/x *\\/ evil()");
  });
});

describe("brackets", () => {
  const cases: readonly [expression: string, expected: string][] = [
    ["(a ?? null)", "a ?? null"],
    ["(a) + (b)", "(a) + (b)"],
    ["(f(a) ?? g(b))", "f(a) ?? g(b)"],
    ['(a ?? ")(")', 'a ?? ")("'],
    ['(a) + (")")', '(a) + (")")'],
    ["(/\\(/.test(a))", "(/\\(/.test(a))"],
    ["a", "a"],
  ];

  it.each(cases)("%s", (expression, expected) => {
    expect(unbracketed(raw(expression)).text).toBe(expected);
  });

  it("and nulls go where undefined serves", () => {
    expect(withoutNull(raw("(a?.b ?? null)")).text).toBe("a?.b");
    expect(withoutNull(raw('(a ?? "b")')).text).toBe('(a ?? "b")');
    expect(withoutNull(raw("a.b")).text).toBe("a.b");
  });
});

describe("regular expressions", () => {
  it("are literals that say the same", () => {
    for (const source of ["a/b", "[/]", "\u2028", "\\n"]) {
      const made: unknown = new Function(`return ${regex(source, "u").text};`)();
      expect(made instanceof RegExp && made.test(source === "\\n" ? "\n" : source === "[/]" ? "/" : source), source).toBe(true);
    }
    expect(() => regex("(", "")).toThrow();
  });
});

it("joins with fixed separators", () => {
  expect(join([code`a`, code`b`], " && ").text).toBe("a && b");
});

/** Any text as code, for tests of what looks into it. */
function raw(text: string): ReturnType<typeof identifier> {
  const strings = Object.assign([text], { raw: [text] });
  return code(strings);
}
