/** Program to plan: what is folded away, which variables have a place, what sessions are held to, what is linked. */
import { describe, expect, it } from "vitest";
import { compile } from "#compiler/compile.ts";
import type { Plan, PlanItem } from "#compiler/ir/plan.ts";
import { SourceFile } from "#compiler/source/source-file.ts";

const mark = "kind: AssignMessage\nactions: [{ set: { headers: { x: y } } }]\n";

async function planned(proxy: string, more: Readonly<Record<string, string>> = {}, env?: string): Promise<Plan> {
  const files = { "gateway.yaml": "kind: Gateway\n", "proxies/p/proxy.yaml": proxy, "proxies/p/policies/AM.yaml": mark, ...more };
  const options = { until: "plan", ...(env === undefined ? {} : { env }) } as const;
  const { plan, diagnostics } = await compile(Object.entries(files).map(([path, text]) => new SourceFile(path, text)), options);
  if (plan === undefined) throw new Error(diagnostics.all.map(({ message }) => message).join("\n"));
  return plan;
}

function endpoint(steps: string, more = ""): string {
  return `kind: ApiProxy\nproxyEndpoints: [{ basePath: /p, preFlow: { request: [${steps}] }${more} }]\ntargetEndpoints: [{ url: "http://t:1" }]\n`;
}

function shape(items: readonly PlanItem[]): string[] {
  return items.flatMap((item) => {
    if (item.kind === "flow-name") return [`flow ${item.name}`];
    if (item.kind === "body") return [`reads ${item.body}`];
    if (item.kind === "shared") return ["shared"];
    if (item.kind === "choice") return item.branches.map((branch) => `${branch.name} ${branch.when.kind}`);
    return [`${item.step.policy.name} ${item.when.kind} ${item.skipped ?? "runs"}`];
  });
}

describe("steps that never run", () => {
  const cases: readonly [title: string, steps: string, expected: string[]][] = [
    ["a condition on the proxy's name holds or does not", `{ name: AM, condition: 'apiproxy.name = "p"' }`, ["AM always runs"]],
    ["the base path is known", `{ name: AM, condition: 'proxy.basepath = "/q"' }`, [`AM never its condition is always false: proxy.basepath = "/q"`]],
    ["what depends on the request stays", `{ name: AM, condition: 'request.verb = "GET"' }`, ["AM test runs"]],
    ["steps behind an unconditional RaiseFault", "RF, AM", ["RF always runs", "AM always behind RF, which always raises its fault"]],
    ["but not behind one that may not run", `{ name: RF, condition: 'request.verb = "GET"' }, AM`, ["RF test runs", "AM always runs"]],
    ["and not behind one that carries on", "RC, AM", ["RC always runs", "AM always runs"]],
    ["disabled policies", "DI, AM", ["DI always the policy is not enabled", "AM always runs"]],
    ["and a disabled RaiseFault ends nothing", "RD, AM", ["RD always the policy is not enabled", "AM always runs"]],
  ];

  it.each(cases)("%s", async (_, steps, expected) => {
    const plan = await planned(endpoint(steps), {
      "proxies/p/policies/RF.yaml": "kind: RaiseFault\n",
      "proxies/p/policies/RC.yaml": "kind: RaiseFault\ncontinueOnError: true\n",
      "proxies/p/policies/RD.yaml": "kind: RaiseFault\nenabled: false\n",
      "proxies/p/policies/DI.yaml": `enabled: false\n${mark}`,
    });
    expect(shape(plan.proxies[0]?.endpoints[0]?.request ?? [])).toEqual(expected);
  });
});

describe("variables", () => {
  it("have a place when somebody reads them, whoever writes them", async () => {
    const assign = "kind: AssignMessage\nactions: [{ assignVariable: { name: read, ref: request.verb } }, { assignVariable: { name: unread, ref: request.verb } }]\n";
    const plan = await planned(endpoint(`AV, { name: AM, condition: 'read = "a"' }`), { "proxies/p/policies/AV.yaml": assign });
    expect(plan.proxies[0]?.variables).toEqual(["read"]);
  });

  const readers: readonly [title: string, proxy: string, more: Readonly<Record<string, string>>][] = [
    ["a step's condition", endpoint(`{ name: AM, condition: 'current.flow.name = "PreFlow"' }`), {}],
    ["a template", endpoint("AT"), { "proxies/p/policies/AT.yaml": mark.replace("x: y", 'x: "{current.flow.name}"') }],
    ["a fault rule's step", endpoint("AM", `, faultRules: [{ name: f, steps: [{ name: AM, condition: 'current.flow.name = "a"' }] }]`), {}],
    [
      "the URL of a target endpoint",
      `kind: ApiProxy\nproxyEndpoints: [{ basePath: /p, preFlow: { request: [AM] } }]\n`
        + `targetEndpoints: [{ url: "http://t:1/{proxy.flow.name}" }]\n`,
      {},
    ],
    [
      "a step inside a shared flow",
      endpoint("FC"),
      {
        "proxies/p/policies/FC.yaml": "kind: FlowCallout\nsharedFlowBundle: s\n",
        "shared-flows/s/flow.yaml": `kind: SharedFlow\nsteps: [{ name: AM, condition: 'current.flow.name = "PreFlow"' }]\n`,
        "shared-flows/s/policies/AM.yaml": mark,
      },
    ],
  ];

  it.each(readers)("flows announce themselves for %s", async (_, proxy, more) => {
    const plan = await planned(proxy, more);
    expect(shape(plan.proxies[0]?.endpoints[0]?.request ?? [])[0]).toBe("flow PreFlow");
  });

  it("and do not when nobody asks", async () => {
    const plan = await planned(endpoint("AM"));
    expect(shape(plan.proxies[0]?.endpoints[0]?.request ?? [])).toEqual(["AM always runs"]);
  });
});

describe("conditional flows", () => {
  it("leave out what can never match, and keep what has nothing to do in this direction", async () => {
    const flows = `, flows: [{ name: never, condition: 'proxy.basepath = "/q"', request: [AM] }, { name: silent, condition: 'request.verb = "PUT"' }, { name: rest, request: [AM] }]`;
    const plan = await planned(endpoint("", flows));
    expect(shape(plan.proxies[0]?.endpoints[0]?.request ?? [])).toEqual(["silent test", "rest always"]);
    expect(shape(plan.proxies[0]?.endpoints[0]?.response ?? [])).toEqual([]);
  });
});

describe("sessions", () => {
  const key = { "proxies/p/policies/VK.yaml": "kind: VerifyAPIKey\napiKey: { ref: request.header.k }\n" };

  it("watch the credentials that admitted them", async () => {
    const plan = await planned(endpoint("VK"), key);
    const session = plan.proxies[0]?.endpoints[0]?.session;
    expect(session).toMatchObject({ level: "tracked", ambientCredential: false });
    expect(session?.obligations).toMatchObject([{ kind: "credential", what: "key", policy: "VK" }]);
  });

  it("are denied where the endpoint says so, and have an ambient credential where none is verified", async () => {
    const denied = await planned(endpoint("AM", ", webSocket: deny"));
    expect(denied.proxies[0]?.endpoints[0]?.session.level).toBe("denied");
    expect((await planned(endpoint("AM"))).proxies[0]?.endpoints[0]?.session.ambientCredential).toBe(true);
  });

  it("watch those of the targets that their routes reach, too", async () => {
    const proxy = 'kind: ApiProxy\nproxyEndpoints: [{ basePath: /p }]\ntargetEndpoints: [{ url: "http://t:1", preFlow: { request: [VK] } }]\n';
    const plan = await planned(proxy, key);
    expect(plan.proxies[0]?.endpoints[0]?.session.obligations.length).toBe(1);
  });
});

describe("settings", () => {
  it("are read once for one source, and named by it", async () => {
    const proxy = (name: string): string => `kind: ApiProxy\nproxyEndpoints: [{ basePath: /${name} }]\ntargetEndpoints: [{ url: { env: CHAT_URL } }]\n`;
    const plan = await planned(proxy("p"), {
      "proxies/q/proxy.yaml": proxy("q"),
      "gateway.yaml": 'kind: Gateway\nlisteners: [{ port: { env: PORT, default: 1 }, host: { env: "port" } }]\n',
    });
    expect(plan.settings.map(({ id, kind }) => `${id} ${kind}`)).toEqual(["port text", "port2 port", "chatUrl text"]);
  });

  it("of an environment that was left out are not read", async () => {
    const environment = (name: string): string => `kind: Environment\nreferences: { corp: { caFile: { env: CA_${name} } } }\n`;
    const files = { "environments/prod.yaml": environment("PROD"), "environments/test.yaml": environment("TEST") };
    const ids = async (env?: string): Promise<string[]> => (await planned(endpoint("AM"), files, env)).settings.map(({ id }) => id);
    expect(await ids()).toEqual(["port", "caProd", "caTest"]);
    expect(await ids("prod")).toEqual(["port", "caProd"]);
  });
});

describe("features", () => {
  const cases: readonly [title: string, gateway: string, expected: object][] = [
    ["nothing but the default store", "kind: Gateway\n", { tlsListener: false, store: "embedded", admin: false, ops: false }],
    ["memory", "kind: Gateway\nstore: { kind: memory }\n", { store: "memory" }],
    ["redis", "kind: Gateway\nstore: { kind: redis, url: { env: REDIS_URL } }\n", { store: "redis" }],
    ["a TLS listener", "kind: Gateway\nlisteners: [{ port: 1, tls: { certFile: a, keyFile: b } }]\n", { tlsListener: true }],
    ["the side doors", "kind: Gateway\nops: { port: 1 }\nadmin: { port: 2, secret: { env: S } }\n", { ops: true, admin: true }],
  ];

  it.each(cases)("%s", async (_, gateway, expected) => {
    const plan = await planned(endpoint("AM"), { "gateway.yaml": gateway });
    expect(plan.features).toMatchObject(expected);
  });
});

describe("a credential that the browser itself sends", () => {
  const key = (variable: string): string => `kind: VerifyAPIKey\napiKey: { ref: ${variable} }\n`;
  const assign = (name: string, what: string): string =>
    `kind: AssignMessage\nactions: [{ assignVariable: { name: ${name}, ${what} } }]\n`;
  const cases: readonly [title: string, steps: string, more: Readonly<Record<string, string>>, ambient: boolean][] = [
    ["a query parameter is not", "VK", { VK: key("request.queryparam.key") }, false],
    ["a cookie is", "VK", { VK: key("request.header.Cookie") }, true],
    ["a copy of a query parameter is not", "AV, VK", { VK: key("k"), AV: assign("k", "ref: request.queryparam.key") }, false],
    ["a copy of a cookie is", "AV, VK", { VK: key("k"), AV: assign("k", "ref: request.header.cookie, value: none") }, true],
    [
      "a part of a copy is, whichever step comes first",
      "VK, AW, AV",
      {
        VK: key("k"),
        AW: assign("k", `template: "{substring(raw,4)}"`),
        AV: assign("raw", `template: "{request.header.cookie} {k}"`),
      },
      true,
    ],
  ];

  it.each(cases)("%s", async (_, steps, policies, ambient) => {
    const files = Object.entries(policies).map(([name, text]) => [`proxies/p/policies/${name}.yaml`, text]);
    const plan = await planned(endpoint(steps), Object.fromEntries(files));
    expect(plan.proxies[0]?.endpoints[0]?.session.ambientCredential).toBe(ambient);
  });

  it("is one also as the parameter of a shared flow", async () => {
    const shared = (ref: string): Readonly<Record<string, string>> => ({
      "proxies/p/policies/FC.yaml": `kind: FlowCallout\nsharedFlowBundle: check\nparameters: [{ name: given, ref: ${ref} }]\n`,
      "shared-flows/check/flow.yaml": "kind: SharedFlow\nsteps: [VK]\n",
      "shared-flows/check/policies/VK.yaml": key("given"),
    });
    const ambient = async (ref: string): Promise<boolean | undefined> =>
      (await planned(endpoint("FC"), shared(ref))).proxies[0]?.endpoints[0]?.session.ambientCredential;
    expect(await ambient("request.header.cookie")).toBe(true);
    expect(await ambient("request.queryparam.key")).toBe(false);
  });
});
