/** Model to program: defaults, environments and deployments, targets, and the order in which fault rules are tried. */
import { describe, expect, it } from "vitest";
import { compile } from "#compiler/compile.ts";
import { printProgram } from "#compiler/print.ts";
import type { Program } from "#compiler/ir/program.ts";
import { SourceFile } from "#compiler/source/source-file.ts";

async function resolved(files: Readonly<Record<string, string>>, env?: string): Promise<Program> {
  const sources = Object.entries(files).map(([path, text]) => new SourceFile(path, text));
  const { program, diagnostics } = await compile(sources, { until: "program", ...(env === undefined ? {} : { env }) });
  if (program === undefined) throw new Error(diagnostics.all.map(({ message }) => message).join("\n"));
  return program;
}

const gateway = "kind: Gateway\n";
const proxy = 'kind: ApiProxy\nproxyEndpoints: [{ basePath: /a }]\ntargetEndpoints: [{ url: "http://t:1" }]\n';

describe("what is not written", () => {
  it("is one environment, one group for any host, every proxy deployed", async () => {
    const program = await resolved({ "gateway.yaml": gateway, "proxies/a/proxy.yaml": proxy, "proxies/b/proxy.yaml": proxy.replace("/a", "/b") });
    expect(program.organization).toBe("apigw");
    expect(program.groups.map(({ name, hostnames, environments }) => [name, hostnames.map((host) => host.name), environments])).toEqual([
      ["default", ["*"], ["default"]],
    ]);
    expect(program.deployments.map(({ proxy: name, environment }) => `${name} ${environment}`)).toEqual(["a default", "b default"]);
  });

  it("is a route to the only target, with the times of the gateway's limits", async () => {
    const limited = `${gateway}limits: { connectTimeout: 1s, ioTimeout: 2s }\n`;
    for (const [text, connect, io] of [[gateway, 3_000, 55_000], [limited, 1_000, 2_000]] as const) {
      const program = await resolved({ "gateway.yaml": text, "proxies/a/proxy.yaml": proxy });
      const [endpoint] = program.proxies[0]?.endpoints ?? [];
      expect(endpoint?.routeRules).toMatchObject([{ name: "default", condition: null, target: { name: "default" } }]);
      expect(program.proxies[0]?.targets).toMatchObject([{ connectTimeoutMs: connect, ioTimeoutMs: io, keepAliveTimeoutMs: 60_000 }]);
    }
  });

  it("is a null route without targets", async () => {
    const program = await resolved({ "gateway.yaml": gateway, "proxies/a/proxy.yaml": "kind: ApiProxy\nproxyEndpoints: [{ basePath: / }]\n" });
    const [endpoint] = program.proxies[0]?.endpoints ?? [];
    expect(endpoint).toMatchObject({ name: "default", basePath: "/", segments: [], routeRules: [{ target: null }] });
  });
});

describe("environments", () => {
  const files = {
    "gateway.yaml": `${gateway}environmentGroups: [{ name: g, hostnames: [A.example], environments: [prod, test] }]\ndeployments: { prod: [a], test: [a, b] }\n`.replace("A.", "a."),
    "environments/prod.yaml": "kind: Environment\ntargetServers: [{ name: s, host: prod.internal, port: 1 }]\n",
    "environments/test.yaml": "kind: Environment\ntargetServers: [{ name: s, host: test.internal, port: 2, isEnabled: false }]\n",
    "proxies/a/proxy.yaml": "kind: ApiProxy\nproxyEndpoints: [{ basePath: /a }]\ntargetEndpoints: [{ loadBalancer: { servers: [s] } }]\n",
    "proxies/b/proxy.yaml": proxy.replace("/a", "/b"),
  };

  it("have their own servers and deployments", async () => {
    const program = await resolved(files);
    expect(program.environments.map(({ name, targetServers }) => [name, targetServers.map(({ host, enabled }) => [host, enabled])])).toEqual([
      ["prod", [["prod.internal", true]]],
      ["test", [["test.internal", false]]],
    ]);
    expect(program.deployments.length).toBe(3);
  });

  it("can be narrowed to one, and then hold nothing of the others", async () => {
    const program = await resolved(files, "prod");
    expect(program.environments.map(({ name }) => name)).toEqual(["prod"]);
    expect(program.proxies.map(({ name }) => name)).toEqual(["a"]);
    expect(program.groups.map(({ environments }) => environments)).toEqual([["prod"]]);
    expect(JSON.stringify(program.deployments.map(({ proxy: name, environment }) => [name, environment]))).not.toContain("test");
  });

  it("leave the policies of their hooks out of an artifact for another", async () => {
    const mark = "kind: AssignMessage\nactions: [{ set: { headers: { x-a: y } } }]\n";
    const hooked = {
      ...files,
      "environments/test.yaml": `${files["environments/test.yaml"]}flowHooks: { preProxy: { sharedFlow: s } }\n`,
      "proxies/a/proxy.yaml": files["proxies/a/proxy.yaml"].replace("/a }", "/a, preFlow: { request: [AM] } }"),
      "proxies/a/policies/AM.yaml": mark,
      "shared-flows/s/flow.yaml": "kind: SharedFlow\nsteps: [AM]\n",
      "shared-flows/s/policies/AM.yaml": mark,
    };
    const idsOf = (program: Program): readonly string[] => program.proxies[0]?.policies.map(({ id }) => id) ?? [];
    expect(idsOf(await resolved(hooked, "prod"))).toEqual(["AM"]);
    expect(idsOf(await resolved(hooked, "test"))).toEqual(["AM", "environments/test.yaml/PreProxyFlowHook", "s/AM"]);
  });
});

describe("steps", () => {
  it("are put where a shared flow is called, with the shared flow's own policies", async () => {
    const key = "kind: VerifyAPIKey\napiKey: { ref: request.queryparam.k }\n";
    const program = await resolved({
      "gateway.yaml": gateway,
      "proxies/a/proxy.yaml": proxy.replace("/a }", "/a, preFlow: { request: [FC, VK] } }"),
      "proxies/a/policies/FC.yaml": "kind: FlowCallout\nsharedFlowBundle: s\n",
      "proxies/a/policies/VK.yaml": key,
      "shared-flows/s/flow.yaml": "kind: SharedFlow\nsteps: [{ name: VK, condition: 'request.verb = \"GET\"' }]\n",
      "shared-flows/s/policies/VK.yaml": key,
    });
    const steps = program.proxies[0]?.endpoints[0]?.preFlow.request ?? [];
    expect(steps.map((step) => [step.policy.id, step.body?.map((inner) => [inner.policy.id, inner.condition?.text])])).toEqual([
      ["FC", [["s/VK", 'request.verb = "GET"']]],
      ["VK", undefined],
    ]);
    expect(program.proxies[0]?.policies.map(({ id, file }) => [id, file])).toEqual([
      ["FC", "proxies/a/policies/FC.yaml"],
      ["s/VK", "shared-flows/s/policies/VK.yaml"],
      ["VK", "proxies/a/policies/VK.yaml"],
    ]);
    expect(printProgram(program)).toContain("request: VK (VerifyAPIKey)");
  });

  it("of fault rules are tried from the last in proxy endpoints, from the first in target endpoints", async () => {
    const rules = "faultRules: [{ name: one, steps: [] }, { name: two, steps: [] }]";
    const text = `kind: ApiProxy\nproxyEndpoints: [{ basePath: /a, ${rules} }]\ntargetEndpoints: [{ url: "http://t:1", ${rules} }]\n`;
    const program = await resolved({ "gateway.yaml": gateway, "proxies/a/proxy.yaml": text });
    const [found] = program.proxies;
    expect(found?.endpoints[0]?.faultRules.map(({ name }) => name)).toEqual(["two", "one"]);
    expect(found?.targets[0]?.faultRules.map(({ name }) => name)).toEqual(["one", "two"]);
  });
});

describe("targets given by URL in route rules", () => {
  it("are told apart by endpoint and rule", async () => {
    const endpoint = (name: string, url: string): string => `{ name: ${name}, basePath: /${name}, routeRules: [{ name: r, url: "${url}" }] }`;
    const text = `kind: ApiProxy\nproxyEndpoints: [${endpoint("a", "http://one:1")}, ${endpoint("b", "http://two:2")}]\n`;
    const program = await resolved({ "gateway.yaml": gateway, "proxies/a/proxy.yaml": text });
    expect(program.proxies[0]?.targets.map(({ name, url }) => [name, url])).toEqual([
      ["url of a/r", "http://one:1"],
      ["url of b/r", "http://two:2"],
    ]);
  });
});

describe("webSocket", () => {
  it("is read into times, and close texts that say half keep the other half", async () => {
    const webSocket = "webSocket: { mode: only, idleTimeout: 5m, maxDuration: none, close: { idle: { reason: bye }, tokenExpired: { code: 4001 } } }";
    const program = await resolved({ "gateway.yaml": gateway, "proxies/a/proxy.yaml": proxy.replace("/a }", `/a, ${webSocket} }`) });
    expect(program.proxies[0]?.endpoints[0]?.webSocket).toMatchObject({
      mode: "only",
      idleTimeoutMs: 300_000,
      maxDurationMs: null,
      closes: { idle: { code: 3008, text: "bye" }, tokenExpired: { code: 4001, text: "token expired" } },
    });
  });
});
