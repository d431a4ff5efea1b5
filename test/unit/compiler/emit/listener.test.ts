/** What listeners become: whose word they take, as numbers where it is written out; and only what they say ships. */
import { describe, expect, it } from "vitest";
import { bundleProgram } from "#compiler/6-bundle/bundle.ts";
import { compile, type EmittedModule } from "#compiler/compile.ts";
import { SourceFile } from "#compiler/source/source-file.ts";

async function modulesOf(listener: string, environment = ""): Promise<readonly EmittedModule[]> {
  const { modules, diagnostics } = await compile([
    new SourceFile("gateway.yaml", `kind: Gateway\nstore: { kind: memory }\nlisteners: [{ port: 1${listener} }]\n`),
    new SourceFile("environments/prod.yaml", `kind: Environment\n${environment}`),
    new SourceFile(
      "proxies/p/proxy.yaml",
      "kind: ApiProxy\nproxyEndpoints: [{ basePath: /p, routeRules: [{ name: none }] }]\n",
    ),
  ]);
  if (modules === undefined) throw new Error(diagnostics.all.map(({ message }) => message).join("\n"));
  return modules;
}

/** The generated text on one line, without what formatting adds. */
async function programOf(listener: string, environment = ""): Promise<string> {
  const text = (await modulesOf(listener, environment)).find(({ path }) => path === "program/program.ts")?.text ?? "";
  return text.replaceAll(/\s+/g, " ").replaceAll(/,? ([\]})])/g, "$1").replaceAll(/([[{(]) /g, "$1");
}

describe("a listener", () => {
  it.each([
    [
      ", forwarded: { trustedProxies: [10.0.0.0/8] }",
      'forwarding: trustedProxies({header: "x-forwarded-for", trustedProxies: [{family: 4, words: [167772160], bits: 8}]})',
    ],
    [
      ", forwarded: { header: forwarded, trustedProxies: { env: LB } }",
      'forwarding: trustedProxies({header: "forwarded", trustedProxies: ipRanges(settings.lb)})',
    ],
    [", proxyProtocol: v2", 'preface: proxyProtocol({version: "v2", trustedProxies: null})'],
    [
      ", proxyProtocol: { version: any, trustedProxies: { env: LB, default: none } }",
      'preface: proxyProtocol({version: "any", trustedProxies: ipRanges(settings.lb)})',
    ],
  ])("{ port: 1%s }", async (listener, expected) => {
    expect(await programOf(listener)).toContain(expected);
  });

  it("that says nothing has nothing of it", async () => {
    expect(await programOf("")).not.toMatch(/forwarding|preface|clientIp/);
  });
});

it("an environment's clientIpResolution is found by its name", async () => {
  const trusting = ", forwarded: { trustedProxies: [::1] }";
  const program = await programOf(trusting, "clientIpResolution: { header: X-Edge, index: -2 }\n");
  expect(program).toContain('clientIp: new Map([["prod", clientIpFrom("x-edge", -2)]])');
});

it.each([
  ["", "", []],
  [", forwarded: { trustedProxies: [::1] }", "", ["client/forwarded-header", "client/forwarded", "client/ip-ranges"]],
  [", proxyProtocol: v1", "", ["client/ip-ranges", "listen/proxied", "listen/proxy-protocol"]],
  [", forwarded: { trustedProxies: [::1] }", "clientIpResolution: { header: x, index: 0 }\n",
    ["client/client-ip", "client/forwarded-header", "client/forwarded", "client/ip-ranges"]],
])("%j with %j ships %j", async (listener, environment, expected) => {
  const { inputs } = await bundleProgram(await modulesOf(listener, environment), { minify: false });
  const optional = /^runtime\/((?:client|listen)\/(?:client-ip|forwarded(?:-header)?|ip-ranges|proxied|proxy-protocol))\.ts$/;
  expect(inputs.flatMap(({ path }) => optional.exec(path)?.[1] ?? []).sort()).toEqual([...expected].sort());
});
