/** What records and shows ships where somebody can ask for it, and nowhere else. */
import { expect, it } from "vitest";
import { bundleProgram } from "#compiler/6-bundle/bundle.ts";
import { compile, type EmittedModule } from "#compiler/compile.ts";
import { SourceFile } from "#compiler/source/source-file.ts";

const KEY = "kind: VerifyAPIKey\napiKey: { ref: request.queryparam.apikey }\n";

async function modules(gateway: string, proxy = ""): Promise<readonly EmittedModule[]> {
  const { diagnostics, modules } = await compile([
    new SourceFile("gateway.yaml", `kind: Gateway\nstore: { kind: memory }\n${gateway}`),
    new SourceFile(
      "proxies/p/proxy.yaml",
      "kind: ApiProxy\nproxyEndpoints: [{ basePath: /p, preFlow: { request: [VK] } }]\n"
        + `targetEndpoints: [{ url: "http://t:1" }]\n${proxy}`,
    ),
    new SourceFile("proxies/p/policies/VK.yaml", KEY),
  ]);
  if (modules === undefined) throw new Error(diagnostics.all.map(({ message }) => message).join("\n"));
  return modules;
}

async function inputs(gateway: string): Promise<readonly string[]> {
  return (await bundleProgram(await modules(gateway), { minify: true })).inputs.map(({ path }) => path);
}

/** The proxy's generated text. */
async function proxyText(gateway: string, proxy?: string): Promise<string> {
  const emitted = await modules(gateway, proxy);
  return emitted.find(({ path }) => path === "program/proxies/p.ts")?.text ?? "";
}

const admin = "admin: { port: 9091, secret: { env: ADMIN_SECRET } }\n";
const recorder = ["runtime/debug/debug.ts", "runtime/observe/tracing.ts", "runtime/observe/trace.ts"];
const ofXml = ["runtime/debug/mask-xml.ts", "runtime/template/xml-document.ts"];
const page = ["runtime/side/admin-page.ts", "runtime/side/page.generated.js"];

it("ships beside an admin listener", async () => {
  const found = await inputs(admin);
  expect(found).toEqual(expect.arrayContaining([...recorder, ...page]));
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

it.each([
  ["page: off", "admin: { port: 9091, secret: { env: ADMIN_SECRET }, page: off }\n", true],
  ["no admin listener", "", false],
])("leaves the page out with %s", async (_, gateway, hasAdmin) => {
  const { code, inputs: linked } = await bundleProgram(await modules(gateway), { minify: true });
  const found = linked.map(({ path }) => path);
  for (const file of page) expect(found).not.toContain(file);
  expect(found.includes("runtime/side/admin.ts")).toBe(hasAdmin);
  expect(code).not.toMatch(/<html|preact|script-src/);
});

it.each([
  ["there is an admin listener", `${admin}observability: { policyTimes: 100 }\n`, true],
  ["nobody could ask", "observability: { policyTimes: 100 }\n", false],
  ["none are measured", admin, false],
])("the answer about times of policies ships only where somebody measures and asks: %s", async (_, gateway, isThere) => {
  expect((await inputs(gateway)).includes("runtime/side/admin-policy-times.ts")).toBe(isThere);
});

it.each([
  ["an admin listener", admin],
  ["a collector of traces", 'observability: { traces: { endpoint: "http://localhost:4318/v1/traces" } }\n'],
  ["times of policies", "observability: { policyTimes: 100 }\n"],
])("chains have traced twins for %s", async (_, gateway) => {
  const text = await proxyText(gateway);
  expect(text).toMatch(/traceStep[^]*tracedRequest[^]*traced: \{/);
});

it.each([
  ["nothing could record", "ops: { port: 9090 }\nobservability: { analytics: on }\n", undefined],
  ["the gateway says debug: off", `${admin}observability: { debug: off, policyTimes: 100 }\n`, undefined],
  ["the proxy says debug: off", admin, "observability: { debug: off }\n"],
])("chains have no traced twins where %s", async (_, gateway, proxy) => {
  const text = await proxyText(gateway, proxy);
  expect(text).toMatch(/positions: \[\],[^]*traced: null/);
  expect(text).not.toMatch(/trace[A-Z]|tracedRequest/);
});
