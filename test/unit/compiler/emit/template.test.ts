/**
 * Templates as they run: each is the value of a header in a compiled proxy, and what the target would get is compared.
 */
import { createHash, createHmac } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import { emittedProgram, type EmittedProgram } from "../../../support/emitted-program.ts";

/** Header lines of the request. */
const headers = {
  low: "abcDEF",
  alphabet: "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
  key: "Jefe",
  hexkey: "4a656665",
  base64key: "SmVmZQ==",
  said: "what do ya want for nothing?",
  markup: `<a href="x">'&'</a>`,
  start: "-3",
  end: "-1",
  dollar: "$1$&",
  format: "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'",
  seconds: "1735430400",
  empty: "",
  coded: "aMOpbGxv",
} as const;
/** A variable that the policy assigns first: a header's value would end at a comma. */
const json = '{"a":{"b":["x","y"]},"n":12345678901234567890,"s":"t"}';
const xml = '<o><i n="1">one</i><i n="2">two &amp; \u00b2</i><j xmlns="urn:x">in x</j></o>';
const lines = Object.entries(headers).flatMap(([name, value]) => [name, value]);
const h = (name: keyof typeof headers | "none"): string => `request.header.${name}`;
const hex = (algorithm: string, text: string): string => createHash(algorithm).update(text).digest("hex");
const base64 = (algorithm: string, text: string): string => createHash(algorithm).update(text).digest("base64");
const signed = (algorithm: string, encoding: "hex" | "base64"): string => {
  return createHmac(algorithm, "Jefe").update(headers.said).digest(encoding);
};

/** Template and result. */
const cases: readonly (readonly [template: string, expected: string])[] = [
  ...["md5", "sha1", "sha256", "sha384", "sha512"].flatMap((name) => [
    [`{${name}Hex(${h("low")})}`, hex(name, "abcDEF")] as const,
    [`{${name}Base64(${h("low")})}`, base64(name, "abcDEF")] as const,
    [`{${name}Hex('abc')}`, hex(name, "abc")] as const,
    [`{${name}Base64('')}`, base64(name, "")] as const,
    [`{${name}Hex(${h("none")}:abc)}`, hex(name, "abc")] as const,
    [`{${name}Hex(${h("none")})}`, hex(name, "")] as const,
  ]),
  ...["Md5", "Sha1", "Sha224", "Sha256", "Sha384", "Sha512"].flatMap((name) => [
    [`{hmac${name}(${h("key")},${h("said")})}`, signed(name, "base64")] as const,
    [`{hmac${name}(${h("key")},${h("said")},'UTF-8','HEX')}`, signed(name, "hex")] as const,
    [`{hmac${name}(${h("hexkey")},${h("said")},'base16')}`, signed(name, "base64")] as const,
    [`{hmac${name}(${h("base64key")},'what do ya want for nothing?','base64','base16')}`, signed(name, "hex")] as const,
  ]),
  ["{sha256Hex('abc')}", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  ["{sha256Base64('abc')}", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="],
  [`{encodeBase64(${h("low")})}`, "YWJjREVG"],
  ["{encodeBase64('a')}", "YQ=="],
  [`{decodeBase64('YWJj')}{decodeBase64(${h("base64key")})}`, "abcJefe"],
  ["{decodeBase64('-_8=')}", ""],
  [`{toUpperCase(${h("low")})}-{toLowerCase(${h("low")})}`, "ABCDEF-abcdef"],
  [`{toLowerCase(${h("none")}:FOO)}`, "foo"],
  ["{toUpperCase('a')}b{toLowerCase('C')}", "Abc"],
  ["{toUpperCase(apiproxy.name)}", "P"],
  [`{substring(${h("alphabet")},-8,-4)}`, "STUV"],
  [`{substring(${h("alphabet")},23)}`, "XYZ"],
  [`{substring(${h("alphabet")},${h("start")},${h("end")})}`, "XY"],
  [`{substring(${h("alphabet")},${h("start")})}`, "XYZ"],
  [`{substring(${h("alphabet")},1,${h("none")}:3)}`, "BC"],
  [`{substring(${h("alphabet")},${h("none")})}`, ""],
  [`{replaceAll(${h("low")},'[a-c]','x')}`, "xxxDEF"],
  [`{replaceFirst(${h("low")},'[a-z]','x')}`, "xbcDEF"],
  [`{replaceAll(${h("low")},'(?i)([b-e])','<$1>')}`, "a<b><c><D><E>F"],
  [`{replaceAll('2024-01-05','^(\\d{4})-(\\d+)-(\\d+)','$3/$2/$1')}`, "05/01/2024"],
  [`{replaceAll(${h("low")},'a',${h("dollar")})}`, "$1$&bcDEF"],
  [`{replaceAll(${h("low")},'[a-z]',${h("none")})}`, "DEF"],
  [`{escapeJSON(${h("markup")})}`, `<a href=\\"x\\">'&'</a>`],
  [`{escapeXML(${h("markup")})}`, "&lt;a href=&quot;x&quot;&gt;&apos;&amp;&apos;&lt;/a&gt;"],
  [`{escapeXML11(${h("markup")})}`, "&lt;a href=&quot;x&quot;&gt;&apos;&amp;&apos;&lt;/a&gt;"],
  [`{encodeHTML(${h("markup")})}`, "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;"],
  [`{escapeHTML('<')}`, "&lt;"],
  ["{timeFormatUTCMs('yyyy-MM-dd HH:mm',system.timestamp)}", "2030-01-01 12:00"],
  ["{timeFormatMs('yyyy''Y''',system.timestamp)}", "2030Y"],
  [`{timeFormatUTC(${h("format")},${h("seconds")})}`, "2024-12-29T00:00:00.000Z"],
  [`{timeFormat('yyyyMM',1735430400)}`, "202412"],
  ["{timeFormatUTCMs('yyyy',0)}", "1970"],
  [`{jsonPath($.a.b[1],json)}`, "y"],
  [`{jsonPath($.a.b,json)}`, "x"],
  [`{jsonPath($.a.b,json,true)}`, '["x","y"]'],
  [`{jsonPath('$.a[''b''][*]',json,'true')}`, '["x","y"]'],
  [`{jsonPath($.n,json)}{jsonPath($.none,json)}`, "12345678901234567890"],
  [`{firstnonnull(${h("none")},${h("low")})}`, "abcDEF"],
  [`{firstnonnull(${h("none")},${h("empty")},${h("low")})}`, ""],
  [`{firstnonnull(${h("none")},'last')}`, "last"],
  [`{firstnonnull(${h("none")}:mid,'last')}`, "mid"],
  [`{firstnonnull(${h("none")},apiproxy.name,${h("low")})}`, "p"],
  [`{firstnonnull(response.header.x,response.status.code,${h("low")})}`, "abcDEF"],
  [`[{firstnonnull(${h("none")})}]`, "[]"],
  ["{firstnonnull(apiproxy.name)}{firstnonnull('a')}", "pa"],
  [`{jsonPath($..b[0],json)}`, "x"],
  [`{jsonPath('$.a[?(@.b)]',json,true)}`, '[{"b":["x","y"]}]'],
  ["{xpath('/o/i[@n=''2'']/text()',xml)}", "two & \u00b2"],
  ["{xpath('count(//i)',xml,'number')}-{xpath('//i',xml,'boolean')}", "2-true"],
  ["{xpath('/o/x:j',xml,'string','x:urn:x')}", "in x"],
  ["{xpath('//none',xml)}{xpath('/o',json)}", ""],
  ["{xeger('x{3}')}{xeger('^[a-a]{2}$')}", "xxxaa"],
  ["{createUuid()}", "00000000-0000-4000-8000-000000000001"],
  ["{randomLong(7,7)}", "7"],
  [`{randomLong(${h("end")},-1)}`, "-1"],
];

/** A policy that sets each template as one more header `x-step`. */
function policy(templates: readonly string[], isLenient: boolean): string {
  const actions = templates.map((text) => `  - add: { headers: { x-step: ${JSON.stringify(text)} } }\n`);
  const document = `  - assignVariable: { name: json, value: ${JSON.stringify(json)} }\n`;
  const markup = `  - assignVariable: { name: xml, value: ${JSON.stringify(xml)} }\n`;
  return `kind: AssignMessage\nignoreUnresolvedVariables: ${isLenient}\nactions:\n${document}${markup}${actions.join("")}`;
}

function project(policies: Readonly<Record<string, string>>): Record<string, string> {
  const steps = Object.keys(policies).map((name) => `{ name: ${name}, condition: 'proxy.pathsuffix = "/${name}"' }`);
  const files: Record<string, string> = {
    "gateway.yaml": "kind: Gateway\nstore: { kind: memory }\nobservability: { policyTimes: 1 }\n",
    "proxies/p/proxy.yaml":
      `kind: ApiProxy\nproxyEndpoints: [{ basePath: /p, preFlow: { request: [${steps.join(", ")}] }, ` +
      "routeRules: [{ name: none }] }]\n",
  };
  for (const [name, text] of Object.entries(policies)) files[`proxies/p/policies/${name}.yaml`] = text;
  return files;
}

describe("results", () => {
  let program: EmittedProgram;
  beforeAll(async () => {
    program = await emittedProgram(project({ all: policy(cases.map(([template]) => template), true) }));
  });

  it.each([false, true])("are those of the functions (traced: %s)", async (traced) => {
    const { steps, fault } = await program.run("/p/all", undefined, { traced, headers: lines });
    expect(fault).toBeNull();
    expect(steps.length).toBe(cases.length);
    cases.forEach(([template, expected], at) => expect(steps[at], template).toBe(expected));
  });
});

describe("without values", () => {
  const strict = {
    known: [`{sha256Hex(${h("low")})}`, "ok"],
    unknown: [`{sha256Hex(${h("none")})}`, "unresolved"],
    default: [`{sha256Hex(${h("none")}:)}`, "ok"],
    second: [`{replaceAll(${h("low")},'a',${h("none")})}`, "unresolved"],
    first: [`{firstnonnull(${h("none")},${h("low")})}`, "ok"],
    neither: [`{firstnonnull(${h("none")},response.header.x)}`, "unresolved"],
    blank: [`{hmacSha256(${h("empty")},'a')}`, "refused"],
    constant: ["{toUpperCase('a')}", "ok"],
  } as const;
  const lenient = {
    key: [`{hmacSha256(${h("none")},'a')}`, "refused"],
    odd: [`{hmacSha256(${h("key")},'a','hex')}`, "refused"],
    plain: [`{hmacSha256(${h("key")},${h("none")})}`, "ok"],
  } as const;
  const faults = {
    ok: null,
    unresolved: "steps.assignmessage.UnresolvedVariable",
    refused: "steps.assignmessage.SetVariableFailed",
  } as const;
  let program: EmittedProgram;
  beforeAll(async () => {
    const policies: Record<string, string> = {};
    for (const [name, [template]] of Object.entries(strict)) policies[name] = policy([template], false);
    for (const [name, [template]] of Object.entries(lenient)) policies[name] = policy([template], true);
    program = await emittedProgram(project(policies));
  });

  it.each(Object.entries({ ...strict, ...lenient }))("%s: %s", async (name, [, outcome]) => {
    const { fault, steps } = await program.run(`/p/${name}`, undefined, { headers: lines });
    expect(fault).toBe(faults[outcome]);
    expect(steps.length).toBe(outcome === "ok" ? 1 : 0);
  });
});

describe("in AssignVariable with a fallback", () => {
  it.each([
    [`{toUpperCase(${h("low")})}`, "ABCDEF"],
    [`{toUpperCase(${h("none")})}`, "fallback"],
    [`{firstnonnull(${h("none")},${h("low")})}`, "abcDEF"],
    [`{firstnonnull(${h("none")},request.header.no)}`, "fallback"],
    [`{firstnonnull(${h("none")},${h("low")})}{request.header.no}`, "fallback"],
    [`{firstnonnull(${h("none")},'x')}`, "x"],
  ])("%s is %s", async (template, expected) => {
    const assign = `  - assignVariable: { name: v, template: ${JSON.stringify(template)}, value: fallback }\n`;
    const text = `kind: AssignMessage\nactions:\n${assign}  - add: { headers: { x-step: "{v}" } }\n`;
    const program = await emittedProgram(project({ a: text }));
    expect((await program.run("/p/a", undefined, { headers: lines })).steps).toEqual([expected]);
  });
});
