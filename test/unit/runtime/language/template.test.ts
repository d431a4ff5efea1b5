/** Message templates: which braces are references, where they stand, and how functions are called. */
import { describe, expect, it } from "vitest";
import {
  TEMPLATE_LENGTH_MAX,
  constantText,
  delimitersProblem,
  neededVariables,
  parseTemplate,
  templateVariables,
} from "#runtime/language/template.ts";
import { TEMPLATE_FUNCTIONS } from "#runtime/language/template-functions.ts";
import type { Template, VariablePart } from "#runtime/language/template.ts";

/** Parts in short: text as it is, references in angle brackets. */
function short(template: Template): string {
  return template.parts
    .map((part) => {
      if (part.kind === "literal") return part.text;
      if (part.kind === "variable") return `<${shortVariable(part)}>`;
      const args = part.args.map((arg) => (arg.kind === "literal" ? JSON.stringify(arg.text) : shortVariable(arg)));
      return `<${part.name}(${args.join(" ")})>`;
    })
    .join("");
}

function shortVariable({ name, fallback }: VariablePart): string {
  return fallback === undefined ? name : `${name}|${fallback}`;
}

describe("parts", () => {
  it.each([
    ["", ""],
    ["plain", "plain"],
    ["{a}", "<a>"],
    ["x{a.b-c_d}y", "x<a.b-c_d>y"],
    ["{a}{b}", "<a><b>"],
    ["{a:b}", "<a|b>"],
    ["{a:}", "<a|>"],
    ["{a:b:c d/e}", "<a|b:c d/e>"],
    ["https://{host}/x?y={z:1}", "https://<host>/x?y=<z|1>"],
    ['"{a}"', "<a>"],
    ['"a" and "b"', '"a" and "b"'],
    ['"', '"'],
    ['""', ""],
    ['{"a":1}', '{"a":1}'],
    ['{"a":"{b}"}', '{"a":"<b>"}'],
    ['{a:"b"}', '{a:"b"}'],
    ["{ a }", "{ a }"],
    ["{a b}", "{a b}"],
    ["{1a}", "{1a}"],
    ["{}", "{}"],
    ["{a", "{a"],
    ["a}", "a}"],
    ["{a{b}}", "{a<b>}"],
    ["{a:{b}}", "{a:<b>}"],
    ["{{a}}", "{<a>}"],
    ["{a:\n}", "{a:\n}"],
    ["function f() { return {x: 1} }", "function f() { return <x| 1> }"],
  ])("%j", (text, expected) => {
    const template = parseTemplate(text);
    expect(short(template)).toBe(expected);
    expect(template.problems).toEqual([]);
  });
});

describe("other delimiters", () => {
  it.each([
    ["%", "#", '{"a":"%b.c#"}', '{"a":"<b.c>"}'],
    ["%", "#", "%a:x y#%toUpperCase(a)#{a}", '<a|x y><toUpperCase(a)>{a}'],
    ["%", "#", "100% of #1", "100% of #1"],
    ["@", "#", "@a @b#", "@a <b>"],
    ["^", "~", "^a:b^c~", "^a:b<c>"],
    ["%", "%", "%a%%b:1%%", "<a><b|1>%"],
    ["${", "}", "${a}{b}$", "<a>{b}$"],
    ["<<", ">>", "<<substring(a,1,-2)>>", '<substring(a "1" "-2")>'],
  ])("%s %s in %j", (prefix, suffix, text, expected) => {
    const delimiters = { prefix, suffix };
    expect(delimitersProblem(delimiters)).toBeNull();
    const template = parseTemplate(text, { delimiters });
    expect(short(template)).toBe(expected);
    expect(template.parts.map((part) => text.slice(part.start, part.end)).join("")).toBe(text);
  });

  it.each([["", "#"], ["%", "a"], ["(", ")"], [":", "#"], [" ", "#"], ["%", "_"], ["'", "'"], ["%".repeat(9), "#"]])(
    "cannot be %j and %j",
    (prefix, suffix) => {
      expect(delimitersProblem({ prefix, suffix })).toContain("cannot stand around a variable");
    },
  );
});

it("puts sure texts where a function needs an argument that is known when compiling, and nowhere else", () => {
  const literals = new Map([["p", "$.a"], ["r", "[x]"], ["t", "text"]]);
  const parsed = (text: string): string => short(parseTemplate(text, { literals }));
  expect(parsed("{jsonPath(p,t,t)}")).toBe('<jsonPath("$.a" t "text")>');
  expect(parsed("{replaceAll(t,r,t)}{t}")).toBe('<replaceAll(t "[x]" t)><t>');
  expect(parsed("{xpath(r,t,p,p)}")).toBe('<xpath("[x]" t "$.a" "$.a")>');
  expect(parsed("{jsonPath(p:$.b,t)}")).toBe("<jsonPath(p|$.b t)>");
  expect(parsed("{hmacSha256(t,t,p)}")).toBe('<hmacSha256(t t "$.a")>');
});

it("gives every part its place, and no gap between them", () => {
  const text = '"a{b:c}d{e}"';
  const { parts } = parseTemplate(text);
  expect(parts.map((part) => text.slice(part.start, part.end))).toEqual(["a", "{b:c}", "d", "{e}"]);
});

describe("functions", () => {
  it.each([
    ["{createUuid()}", "<createUuid()>"],
    ["{toLowerCase(a)}", "<toLowerCase(a)>"],
    ["{toLowerCase(a.b:FOO)}", "<toLowerCase(a.b|FOO)>"],
    ["{substring(a,-8,-4)}", '<substring(a "-8" "-4")>'],
    ["{replaceAll(a,'x,(y)','')}", '<replaceAll(a "x,(y)" "")>'],
    ["{escapeXML('it''s')}", `<escapeXML("it's")>`],
    ["{escapeXML('''')}", `<escapeXML("'")>`],
    ["{timeFormatUTC('''T''',a)}", `<timeFormatUTC("'T'" a)>`],
    ["{firstnonnull('','',a)}", '<firstnonnull("" "" a)>'],
    ["{jsonPath($.a[0]['b,c)'].*,doc)}", `<jsonPath("$.a[0]['b,c)'].*" doc)>`],
    ["{jsonPath($,doc,true)}", '<jsonPath("$" doc "true")>'],
    ["{jsonPath($.a,doc,trueish)}", '<jsonPath("$.a" doc trueish)>'],
    ["{firstnonnull(true)}", "<firstnonnull(true)>"],
  ])("%s is read", (text, expected) => {
    const template = parseTemplate(text);
    expect(short(template)).toBe(expected);
    expect(template.problems).toEqual([]);
    expect(template.parts).toMatchObject([{ start: 0, end: text.length }]);
  });

  it.each([
    ["{createUuid(a)}", "takes no arguments, and 1 is given"],
    ["{toUpperCase()}", "takes 1 argument, and none is given"],
    ["{toUpperCase(a,b)}", "takes 1 argument, and 2 are given"],
    ["{substring(a)}", "takes 2 or 3 arguments, and 1 is given"],
    ["{hmacMd5(a)}", "takes 2 to 4 arguments, and 1 is given"],
    ["{replaceAll(a,'b')}", "takes 3 arguments, and 2 are given"],
    ["{firstnonnull()}", "takes at least 1 argument, and none is given"],
    ["{randomLong(1,2,3)}", "takes 0 to 2 arguments, and 3 are given"],
  ])("%s has the wrong number of arguments", (text, words) => {
    const { problems } = parseTemplate(text);
    expect(problems).toMatchObject([{ kind: "wrong-arguments", start: 0, end: text.length }]);
    expect(problems[0]?.message).toContain(words);
  });

  it.each([
    ["{foo(a)}", "unknown-function", undefined],
    ["{touppercase(a)}", "unknown-function", "toUpperCase"],
    ["{substring(a, 1)}", "malformed-call", undefined],
    ["{toUpperCase(toLowerCase(a))}", "malformed-call", undefined],
    ["{toUpperCase(a}", "malformed-call", undefined],
    ["{toUpperCase(a,)}", "malformed-call", undefined],
    ["{toUpperCase('a)}", "malformed-call", undefined],
    ["{toUpperCase('a''b''')}{toUpperCase('''c)}", "malformed-call", undefined],
    ["{toUpperCase($.a)}", "malformed-call", undefined],
    ["{jsonPath(doc,$.a)}", "malformed-call", undefined],
    ["{jsonPath($[a,doc)}", "malformed-call", undefined],
  ])("%s", (text, kind, suggestion) => {
    const { problems } = parseTemplate(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ kind, start: text.lastIndexOf("{") });
    expect(problems[0]?.suggestion).toBe(suggestion);
  });

  it("takes scripts for text", () => {
    const script = "if (x) {foo(a, b);}";
    expect(parseTemplate(script)).toMatchObject({ parts: [{ kind: "literal", text: script }], problems: [] });
  });

  it("knows every documented function", () => {
    expect(TEMPLATE_FUNCTIONS.size).toBe(38);
  });
});

describe("constants", () => {
  it.each([
    ["", ""],
    ["abc", "abc"],
    ['"abc"', "abc"],
    ["a{b}", undefined],
    ["{createUuid()}", undefined],
  ])("%j", (text, value) => {
    expect(constantText(parseTemplate(text))).toBe(value);
  });

  it.each([
    ["a{b}{c:1}{b}", [["b"]]],
    ["{toUpperCase(a)}{substring(b:x,c)}", [["a"], ["c"]]],
    ["{firstnonnull(a,b)}{c}", [["a", "b"], ["c"]]],
    ["{firstnonnull(a,b:x)}{firstnonnull(a,'x')}{createUuid()}", []],
  ])("%s needs %j", (text, expected) => expect(neededVariables(parseTemplate(text))).toEqual(expected));

  it("lists variables, those of arguments too", () => {
    expect(templateVariables(parseTemplate("{a}{b:1}{a}{toUpperCase(c)}"))).toEqual(["a", "b", "c"]);
  });
});

describe("bounds", () => {
  it("refuses what is too long", () => {
    expect(parseTemplate("x".repeat(TEMPLATE_LENGTH_MAX)).problems).toEqual([]);
    expect(parseTemplate("x".repeat(TEMPLATE_LENGTH_MAX + 1)).problems).toMatchObject([{ kind: "too-long" }]);
  });

  it.each(["{", "{a", "{a:", "{a:{", "{f(", "{f('", "{f(a,", "''", "{f('''", "{f($["])("reads a megabyte of %j in one pass", (piece) => {
    const text = piece.repeat(Math.floor(TEMPLATE_LENGTH_MAX / piece.length));
    expect(constantText(parseTemplate(text))).toBe(text);
  });

  it("reports a bounded number of problems", () => {
    expect(parseTemplate("{foo()}".repeat(100)).problems).toHaveLength(20);
  });
});
