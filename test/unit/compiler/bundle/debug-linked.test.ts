/** What records ships where somebody can ask for recordings, and nowhere else. */
import { expect, it } from "vitest";
import { bundleProgram } from "#compiler/6-bundle/bundle.ts";
import { compile } from "#compiler/compile.ts";
import { SourceFile } from "#compiler/source/source-file.ts";

async function inputs(gateway: string): Promise<readonly string[]> {
  const { diagnostics, modules } = await compile([
    new SourceFile("gateway.yaml", `kind: Gateway\nstore: { kind: memory }\n${gateway}`),
    new SourceFile("proxies/p/proxy.yaml", 'kind: ApiProxy\nproxyEndpoints: [{ basePath: /p }]\ntargetEndpoints: [{ url: "http://t:1" }]\n'),
  ]);
  if (modules === undefined) throw new Error(diagnostics.all.map(({ message }) => message).join("\n"));
  return (await bundleProgram(modules, { minify: true })).inputs.map(({ path }) => path);
}

const admin = "admin: { port: 9091, secret: { env: ADMIN_SECRET } }\n";
const recorder = ["runtime/debug/debug.ts", "runtime/observe/tracing.ts", "runtime/observe/trace.ts"];
const ofXml = ["runtime/debug/mask-xml.ts", "runtime/template/xml-document.ts"];

it("ships beside an admin listener", async () => {
  const found = await inputs(admin);
  expect(found).toEqual(expect.arrayContaining(recorder));
  for (const file of ofXml) expect(found).not.toContain(file);
});

it("reads XML only where a mask has an XPath", async () => {
  expect(await inputs(`${admin}observability: { masks: { requestXPaths: [//card] } }\n`)).toEqual(expect.arrayContaining(ofXml));
});

it.each([
  ["without an admin listener", ""],
  ["with debug: off", `${admin}observability: { debug: off, masks: { requestXPaths: [//card] } }\n`],
])("does not ship %s", async (_, gateway) => {
  const found = await inputs(gateway);
  expect(found).toContain("runtime/context.ts");
  for (const file of [...recorder, ...ofXml]) expect(found).not.toContain(file);
});
