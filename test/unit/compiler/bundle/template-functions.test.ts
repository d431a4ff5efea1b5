/** Template functions in artifacts: those that a bundle calls ship, the others do not. */
import { expect, test } from "vitest";
import { bundleProgram } from "#compiler/6-bundle/bundle.ts";
import { compile } from "#compiler/compile.ts";
import { SourceFile } from "#compiler/source/source-file.ts";

/** Calls, and the one file that each brings. */
const calls = [
  ["{md5Hex(client.ip)}", "runtime/template/digest.ts"],
  ["{hmacSha256(request.header.k,client.ip)}", "runtime/template/hmac.ts"],
  ["{encodeBase64(client.ip)}", "runtime/template/base64.ts"],
  ["{randomLong()}", "runtime/template/random-long.ts"],
  ["{replaceAll(client.ip,'a',client.scheme)}", "runtime/template/replace.ts"],
  ["{escapeXML(client.ip)}", "runtime/language/functions/escape.ts"],
  ["{substring(client.ip,0,client.port)}", "runtime/language/functions/substring.ts"],
  ["{timeFormatUTCMs('y',system.timestamp)}", "runtime/language/functions/time-format.ts"],
  ["{jsonPath($.a,client.ip)}", "runtime/language/functions/json-path.ts"],
  ["{xeger('[a-z]+')}", "runtime/template/xeger.ts"],
] as const;

/** Calls that bring several files. */
const families = [
  ["{jsonPath($..a,client.ip)}", ["language/functions/json-path.ts", "language/functions/json-query.ts"]],
  ["{xpath('/a',client.ip)}", ["xml-document", "xpath-axis", "xpath-function", "xpath-value", "xpath"].map((name) => `template/${name}.ts`)],
] as const;

/** Calls that need no file: they are computed, or written out in place. */
const free = [
  "{md5Hex('a')}{escapeXML('<')}{timeFormatUTC('y',0)}{jsonPath($.a,'{}')}{encodeBase64('a')}",
  "{createUuid()}{toUpperCase(client.ip)}{substring(client.ip,1,2)}{firstnonnull(client.ip,'a')}",
  "{replaceAll(client.ip,'a','b')}",
];

interface Shipped {
  readonly functions: readonly string[];
  /** Names of the packages. */
  readonly packages: readonly string[];
  readonly code: string;
}

async function filesOf(template: string): Promise<Shipped> {
  const { modules, diagnostics } = await compile([
    new SourceFile("gateway.yaml", "kind: Gateway\nstore: { kind: memory }\n"),
    new SourceFile(
      "proxies/p/proxy.yaml",
      "kind: ApiProxy\nproxyEndpoints: [{ basePath: /p, preFlow: { request: [AM] }, routeRules: [{ name: none }] }]\n",
    ),
    new SourceFile(
      "proxies/p/policies/AM.yaml",
      `kind: AssignMessage\nactions: [{ set: { headers: { x: ${JSON.stringify(template)} } } }]\n`,
    ),
  ]);
  if (modules === undefined) throw new Error(diagnostics.all.map(({ message }) => message).join("\n"));
  const { inputs, code } = await bundleProgram(modules, { minify: false });
  const ofFunctions = /^runtime\/(?:template|language\/functions)\//;
  const functions = inputs.map(({ path }) => path).filter((path) => ofFunctions.test(path));
  const packages = [...new Set(inputs.flatMap(({ path }) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []))];
  return { functions, packages, code };
}

test.each(calls)("%s ships %s", async (template, file) => {
  const { functions } = await filesOf(template);
  expect(functions).toContain(file);
  // A signature's key may be base64.
  expect(functions.length).toBe(template.startsWith("{hmac") ? 2 : 1);
});

test.each(families)("%s ships its own files", async (template, files) => {
  const { functions, packages } = await filesOf(template);
  expect(functions).toEqual(files.map((file) => `runtime/${file}`));
  expect(packages).toEqual(template.startsWith("{xpath") ? ["@xmldom/xmldom"] : []);
});

test.each(["plain {client.ip}", ...free])("%s ships none", async (template) => {
  expect((await filesOf(template)).functions).toEqual([]);
});

test("of one file only the functions that are called", async () => {
  const { code } = await filesOf("{escapeXML(client.ip)}");
  expect(code).toContain("function escapeXml(");
  expect(code).not.toContain("function escapeHtml(");
});
