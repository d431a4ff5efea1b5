/** Masks of a bundle: names, places in JSON and XML, and what happens to bodies that cannot be read. */
import { describe, expect, it } from "vitest";
import { HIDDEN, Mask } from "#runtime/debug/mask.ts";
import { hideInJson } from "#runtime/debug/mask-json.ts";
import type { MaskPath, MaskRules } from "#runtime/debug/mask-rules.ts";
import { hideInXml } from "#runtime/debug/mask-xml.ts";
import { parseJsonPath } from "#runtime/language/functions/json-path-syntax.ts";
import { parseXPath } from "#runtime/language/functions/xpath-syntax.ts";

function path(text: string): MaskPath {
  const parsed = parseJsonPath(text);
  if ("problem" in parsed) throw new Error(parsed.problem);
  return parsed.steps as MaskPath;
}

function hidden(text: string, json: string): unknown {
  const root: unknown = JSON.parse(json);
  expect(hideInJson(root, [path(text)], HIDDEN, () => undefined)).toBe(true);
  return root;
}

describe("places in JSON", () => {
  it.each([
    ["$.a", '{"a":1,"b":2}', { a: HIDDEN, b: 2 }],
    ["$.a.b", '{"a":{"b":[1,2]},"b":3}', { a: { b: HIDDEN }, b: 3 }],
    ["$['a'][0]", '{"a":["x","y"]}', { a: [HIDDEN, "y"] }],
    ["$.a[-1]", '{"a":["x","y"]}', { a: ["x", HIDDEN] }],
    ["$.a[1:].b", '{"a":[{"b":1},{"b":2}]}', { a: [{ b: 1 }, { b: HIDDEN }] }],
    ["$.*", '{"a":1,"b":{"c":2}}', { a: HIDDEN, b: HIDDEN }],
    ["$..ssn", '{"ssn":1,"a":[{"ssn":2,"b":{"ssn":null}}]}', { ssn: HIDDEN, a: [{ ssn: HIDDEN, b: { ssn: HIDDEN } }] }],
    ["$['a','b']", '{"a":1,"b":2,"c":3}', { a: HIDDEN, b: HIDDEN, c: 3 }],
    ["$.a.b", '{"a":"text"}', { a: "text" }],
    ["$.__proto__.x", '{"a":1}', { a: 1 }],
    ["$[0]", '{"0":1}', { 0: 1 }],
  ])("%s of %s", (text, json, expected) => expect(hidden(text, json)).toEqual(expected));

  it("of a document that nests deeper than the stack", () => {
    const root: unknown = JSON.parse(`${'{"a":'.repeat(5_000)}1${"}".repeat(5_000)}`);
    const found: unknown[] = [];
    expect(hideInJson(root, [path("$..a.b")], HIDDEN, (value) => found.push(value))).toBe(true);
    expect(found).toEqual([]);
  });

  it("gives up on one that is too large", () => {
    expect(hideInJson(Array.from({ length: 300_000 }, () => 1), [path("$[*]")], HIDDEN, () => undefined)).toBe(false);
  });
});

const none = { request: [], response: [], fault: [] } as const;
const rules: MaskRules = {
  environment: "prod", proxy: "chat", variables: ["customer.*", "room"], headers: ["x-session"], parameters: ["ssn"], bodies: [],
  json: none, xml: none,
};

describe("masks of a bundle", () => {
  it("hide names besides those that are always hidden", () => {
    const mask = new Mask({ secrets: [], rules });
    expect(mask.header("X-Session", "abc")).toBe(HIDDEN);
    expect(mask.text("/a?ssn=12&b=1")).toBe(`/a?ssn=${HIDDEN}&b=1`);
    for (const name of ["customer.name", "room", "private.x"]) expect(mask.hidesVariable(name)).toBe(true);
    for (const name of ["customer", "customers.name", "rooms"]) expect(mask.hidesVariable(name)).toBe(false);
    mask.learnHeader("x-session", "session of ann");
    expect(mask.text("it is the session of ann")).toBe(`it is the ${HIDDEN}`);
  });

  it("hide places of bodies, and what stood there elsewhere", () => {
    const json = { ...none, response: [path("$.card")], fault: [path("$.detail")] };
    const mask = new Mask({ secrets: [], rules: { ...rules, json } });
    expect(mask.withoutPaths(["request"], '{"card":"4711-0815"}')).toBe('{"card":"4711-0815"}');
    expect(mask.withoutPaths(["response"], '{"card":"4711-0816","detail":1}')).toBe(`{"card":"${HIDDEN}","detail":1}`);
    expect(mask.withoutPaths(["response", "fault"], '{"card":1,"detail":2}')).toBe(`{"card":"${HIDDEN}","detail":"${HIDDEN}"}`);
    expect(mask.text("paid with 4711-0816")).toBe(`paid with ${HIDDEN}`);
    expect(mask.withoutPaths(["response"], "no document")).toBe("no document");
  });

  it("hide whole what they cannot read", () => {
    const mask = new Mask({ secrets: [], rules: { ...rules, json: { ...none, request: [path("$.a")] } } });
    for (const text of ['{"a":1', "[1,2", ` {"a":"${"x".repeat(300_000)}"}`]) expect(mask.withoutPaths(["request"], text)).toBe(HIDDEN);
    const all = new Mask({ secrets: [], rules: { ...rules, bodies: ["request"] } });
    expect(all.withoutPaths(["request"], "anything")).toBe(HIDDEN);
    expect(all.withoutPaths(["response"], "anything")).toBe("anything");
  });

  it("hide places of XML by XPath", () => {
    const expressions = ["//s:ssn", "/a/@id", "/a/b[2]"].map((text) => {
      const parsed = parseXPath(text, new Map([["s", "urn:s"]]));
      if ("problem" in parsed) throw new Error(parsed.problem.message);
      return parsed.expression;
    });
    const mask = new Mask({ secrets: [], rules: { ...rules, xml: { ...none, request: expressions } }, hideInXml });
    const xml = '<a id="seven" xmlns:s="urn:s"><b>1</b><b>two <i>of</i></b><s:ssn>123-45</s:ssn></a>';
    expect(mask.withoutPaths(["request"], xml)).toBe(
      `<a id="${HIDDEN}" xmlns:s="urn:s"><b>1</b><b>${HIDDEN}</b><s:ssn>${HIDDEN}</s:ssn></a>`,
    );
    expect(mask.text("ssn 123-45 of seven")).toBe(`ssn ${HIDDEN} of ${HIDDEN}`);
    for (const text of ["<a><b></a>", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>']) {
      expect(mask.withoutPaths(["request"], text)).toBe(HIDDEN);
    }
  });
});
