/** Texts of bundles in XML: which are found, how they are judged, and what the report says. */
import { expect, it } from "vitest";
import { judged, pageWith, reportOf } from "../../../scripts/real-texts.ts";
import { textsOf, type RealText } from "../../../scripts/xml-texts.ts";

const policy = `<?xml version="1.0"?>
<!-- <Condition>not this</Condition> -->
<AssignMessage name="AM">
  <AssignVariable><Name>path</Name><Value>$.a</Value></AssignVariable>
  <AssignVariable><Name>a</Name><Template>{jsonPath(path,b)}</Template></AssignVariable>
  <AssignVariable><Name>path</Name><Ref>b</Ref></AssignVariable>
  <Set>
    <Payload variablePrefix="%" variableSuffix="#">{"a":"%b#"}</Payload>
    <Headers><Header name="x"><![CDATA[{c}&]]></Header></Headers>
    <Path> {jsonPath(path,b)} </Path>
  </Set>
  <Add><Payload><a b="1">{c}</a></Payload></Add>
</AssignMessage>`;

const flow = `<ProxyEndpoint>
  <Flow><Condition>a &lt; 1 and
    b = "x"</Condition></Flow>
  <Flow><Condition><![CDATA[ a > 1 ]]></Condition></Flow>
  <Flow><Condition>a /~ "x"</Condition></Flow>
  <Flow><Condition>a /~ "x"</Condition></Flow>
</ProxyEndpoint>`;

function found(xml: string): readonly RealText[] {
  const texts = textsOf(xml);
  if (texts === null) throw new Error("no XML");
  return texts;
}

it("are found where conditions and templates stand, and read as they are read there", () => {
  expect(found(flow).map(({ kind, text }) => [kind, text])).toEqual([
    ["condition", 'a < 1 and\n    b = "x"'],
    ["condition", "a > 1"],
    ["condition", 'a /~ "x"'],
    ["condition", 'a /~ "x"'],
  ]);
  const templates = found(policy);
  expect(templates.map(({ text }) => text)).toEqual([
    "{jsonPath(path,b)}", '{"a":"%b#"}', "{c}&", "{jsonPath(path,b)}", '<a b="1">{c}</a>',
  ]);
  expect(templates.map(({ reading }) => reading.literals?.get("path"))).toEqual(["$.a", undefined, undefined, undefined, undefined]);
  expect(templates[1]?.reading.delimiters).toEqual({ prefix: "%", suffix: "#" });
  expect(textsOf("no xml")).toBeNull();
});

it("are accepted or refused with the compiler's own reason", async () => {
  const verdicts = await judged([...found(flow), ...found(policy)]);
  const refused = verdicts.flatMap(({ text, count, refusal }) => (refusal === null ? [] : [[text.text, count, refusal.slice(0, 7)]]));
  expect(refused).toEqual([
    ['a /~ "x"', 2, "AGW3001"],
    ["{jsonPath(path,b)}", 1, "AGW3005"],
  ]);
  const report = reportOf({ files: 2, unreadable: 1, texts: [] }, verdicts);
  expect(report).toContain("Of 2 XML files (1 of them are no XML):");
  expect(report).toContain("| conditions | 4 | 3 | 2 | 1 |");
  expect(report).toContain("| templates | 5 | 5 | 4 | 1 |");
  expect(report).toContain("| 1 | AGW3001: /~ is not an operator");
});

it("are reported between two marks of the page, as often as one likes", () => {
  const empty = "before\n<!-- written by scripts/real-texts.ts -->\n<!-- end of what scripts/real-texts.ts writes -->\nafter\n";
  const once = pageWith(empty, "table");
  expect(once).toContain("-->\ntable\n<!--");
  expect(pageWith(once, "table")).toBe(once);
  expect(() => pageWith("no marks", "table")).toThrow("lacks the lines");
});
