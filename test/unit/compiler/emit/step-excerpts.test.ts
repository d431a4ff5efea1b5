/** The YAML that recordings show beside steps: what of a policy's document is in the artifact, and what must not be. */
import { describe, expect, it } from "vitest";
import { compile } from "#compiler/compile.ts";
import { SourceFile } from "#compiler/source/source-file.ts";

const ADMIN = "admin: { port: 9091, secret: { env: ADMIN_SECRET } }\n";

async function emitted(policies: Readonly<Record<string, string>>, gateway = ADMIN, proxy = ""): Promise<string | null> {
  const steps = Object.keys(policies).join(", ");
  const { diagnostics, modules } = await compile([
    new SourceFile("gateway.yaml", `kind: Gateway\nstore: { kind: memory }\n${gateway}`),
    new SourceFile(
      "proxies/p/proxy.yaml",
      `kind: ApiProxy\nproxyEndpoints: [{ basePath: /p, preFlow: { request: [${steps}] }, routeRules: [{ name: none }] }]\n${proxy}`,
    ),
    ...Object.entries(policies).map(([name, text]) => new SourceFile(`proxies/p/policies/${name}.yaml`, text)),
  ]);
  if (modules === undefined) throw new Error(diagnostics.all.map(({ message }) => message).join("\n"));
  return modules.find(({ path }) => path === "program/step-excerpts.ts")?.text ?? null;
}

/** By file and line, as the artifact tells them. */
async function excerpts(...given: Parameters<typeof emitted>): Promise<Readonly<Record<string, string>>> {
  const text = (await emitted(...given)) ?? "";
  const entries = [...text.matchAll(/^ +("(?:[^"\\]|\\.)*"):\s+("(?:[^"\\]|\\.)*"),$/gm)];
  return Object.fromEntries(entries.map(([, place = "", yaml = ""]) => [JSON.parse(place), JSON.parse(yaml)]));
}

async function one(policy: string, gateway?: string): Promise<string> {
  const [only] = Object.values(await excerpts({ P: policy }, gateway));
  return only ?? "";
}

describe("the excerpt of a policy", () => {
  it("is its document, under its file and line, without comments and empty lines", async () => {
    const text = "# whose\n\nkind: AssignMessage   # why\n\nactions:\n  # what\n  - set: { headers: { x-a: 'no # comment' } }\n";
    expect(await excerpts({ P: text })).toEqual({
      "proxies/p/policies/P.yaml:3": "kind: AssignMessage\nactions:\n  - set: { headers: { x-a: 'no # comment' } }",
    });
  });

  it("keeps signs of comments that stand in texts, and loses comments behind them", async () => {
    const value = "          # text\n          #2\n";
    const text = `kind: AssignMessage\nactions:\n  - set:\n      headers: { a: 'it''s #1' }   # c # d\n`
      + `      payload:\n        contentType: text/plain # e\n        value: |\n${value}#f\n`;
    expect(await one(text)).toBe(
      `kind: AssignMessage\nactions:\n  - set:\n      headers: { a: 'it''s #1' }\n`
        + `      payload:\n        contentType: text/plain\n        value: |\n${value.trimEnd()}`,
    );
  });

  it("is cut in length and width", async () => {
    const headers = Array.from({ length: 30 }, (_, at) => `          x-${at}: y\n`).join("");
    const text = `kind: AssignMessage\nactions:\n  - set:\n      headers:\n          x-long: ${"y".repeat(900)}\n${headers}`;
    const lines = (await one(text)).split("\n");
    expect(lines).toHaveLength(15);
    expect(lines[4]).toBe(`          x-long: ${"y".repeat(142)}…`);
    expect(lines[14]).toBe("…");
  });

  it("is the flow hook's where one calls a shared flow", async () => {
    const { diagnostics, modules } = await compile([
      new SourceFile("gateway.yaml", `kind: Gateway\nstore: { kind: memory }\n${ADMIN}environmentGroups: [{ name: g, hostnames: [a.b], environments: [test] }]`),
      new SourceFile("environments/test.yaml", "kind: Environment\nflowHooks: { preProxy: { sharedFlow: guard, continueOnError: false } }"),
      new SourceFile("shared-flows/guard/flow.yaml", "kind: SharedFlow\nsteps: [AM-In]"),
      new SourceFile("shared-flows/guard/policies/AM-In.yaml", 'kind: AssignMessage\nactions: [{ set: { headers: { X-In: "1" } } }]'),
      new SourceFile("proxies/p/proxy.yaml", "kind: ApiProxy\nproxyEndpoints: [{ basePath: /p, routeRules: [{ name: none }] }]"),
    ]);
    expect(diagnostics.all).toEqual([]);
    const text = modules?.find(({ path }) => path === "program/step-excerpts.ts")?.text ?? "";
    expect(text).toContain('"environments/test.yaml:2": "{ sharedFlow: guard, continueOnError: false }"');
    expect(text).toContain("X-In");
  });

  it("is there once for a policy that several steps run, and in the same order from any order of files", async () => {
    const text = "kind: AssignMessage\nactions: [{ set: { headers: { a: b } } }]\n";
    const found = await excerpts({ B: text, A: text });
    expect(Object.keys(found)).toEqual(["proxies/p/policies/A.yaml:1", "proxies/p/policies/B.yaml:1"]);
  });
});

describe("hidden is", () => {
  const set = (what: string): string => `kind: AssignMessage\nactions: [{ set: { ${what} } }]\n`;
  const assign = (what: string): string => `kind: AssignMessage\nactions: [{ assignVariable: { ${what} } }]\n`;
  const masks = (what: string): string => `${ADMIN}observability: { masks: { ${what} } }\n`;
  const cases: readonly [what: string, policy: string, gateway?: string][] = [
    ["a header that is a credential", set("headers: { Authorization: hush-hush, x-a: shown }")],
    ["one in quotes", set('headers: { X-Api-Key: "hush-hush", x-a: shown }')],
    ["a parameter", set("queryParams: { key: hush-hush, a: shown }")],
    ["a form parameter", set("formParams: { password: hush-hush, a: shown }")],
    ["a private variable", assign("name: private.a, value: hush-hush").replace("}]", "}, { set: { headers: { a: shown } } }]")],
    ["a template of one", assign('name: my.token, template: "hush-hush {shown}"').replace("}]", "}, { set: { headers: { a: shown } } }]")],
    ["a text of several lines", "kind: AssignMessage\nactions:\n  - assignVariable:\n      name: private.a\n      value: |\n        hush-hush\n        hush-hush\n  - set: { headers: { a: shown } }\n"],
    ["a header that a mask names", set("headers: { X-Customer: hush-hush, x-a: shown }"), masks("headers: [x-customer]")],
    ["a variable that a mask means", assign("name: customer.a, value: hush-hush").replace("}]", "}, { set: { headers: { a: shown } } }]"), masks("variables: [customer.*]")],
    ["a payload where paths are hidden", set("payload: hush-hush, headers: { x-a: shown }"), masks("requestJsonPaths: [$.a]")],
    ["one with its type", set("payload: { contentType: text/plain, value: hush-hush }, headers: { x-a: shown }"), masks("variables: [request.content]")],
  ];

  it.each(cases)("%s", async (_, policy, gateway) => {
    const text = await one(policy, gateway);
    expect(text).toContain("******");
    expect(text).toContain("shown");
    expect(text).not.toContain("hush");
  });

  it("nothing that only names where a credential stands", async () => {
    const text = "kind: VerifyAPIKey\napiKey: { ref: request.queryparam.apikey }";
    expect(await one(text)).toBe(text);
  });
});

describe("no excerpts are in an artifact", () => {
  const policies = { P: "kind: AssignMessage\nactions: [{ set: { headers: { a: b } } }]\n" };
  it.each([
    ["without an admin listener", ""],
    ["that times policies only", "observability: { policyTimes: 10 }\n"],
    ["with debug: off", `${ADMIN}observability: { debug: off }\n`],
  ])("%s", async (_, gateway) => {
    expect(await emitted(policies, gateway)).toBeNull();
  });

  it("of a proxy with debug: off", async () => {
    expect(await excerpts(policies)).not.toEqual({});
    expect(await emitted(policies, ADMIN, "observability: { debug: off }\n")).toBeNull();
  });
});
