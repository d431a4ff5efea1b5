/** Policies that leave nothing to do cost nothing: the artifact has the same bytes with and without them. */
import { describe, expect, it } from "vitest";
import { bundleProgram } from "#compiler/6-bundle/bundle.ts";
import { compile } from "#compiler/compile.ts";
import { SourceFile } from "#compiler/source/source-file.ts";

interface Attached {
  readonly steps: string;
  readonly policies: Readonly<Record<string, string>>;
}

const OBSERVED = "kind: AssignMessage\nactions: [{ set: { headers: { x-mark: y } } }]\n";
const UNREAD = "kind: AssignMessage\nactions: [{ assignVariable: { name: nobody.reads, value: a } }]\n";
const KEY = "kind: VerifyAPIKey\napiKey: { ref: request.queryparam.apikey }\n";

async function artifact({ steps, policies }: Attached, debug = false): Promise<string> {
  const gateway = `kind: Gateway\nstore: { kind: memory }\nobservability: { policyTimes: 1, debug: ${debug ? "on" : "off"} }\n`;
  const proxy = `kind: ApiProxy\nproxyEndpoints:\n  - basePath: /p\n    preFlow: { request: [{ name: FIRST, condition: 'request.verb = "GET"' }${steps}] }\n`
    + `targetEndpoints: [{ url: "http://t:1" }]\n`;
  const all = { FIRST: OBSERVED.replace("x-mark", "x-first"), ...policies };
  const { diagnostics, modules } = await compile([
    new SourceFile("gateway.yaml", gateway),
    new SourceFile("proxies/p/proxy.yaml", proxy),
    ...Object.entries(all).map(([name, text]) => new SourceFile(`proxies/p/policies/${name}.yaml`, text)),
  ]);
  const errors = diagnostics.all.filter(({ severity }) => severity === "error");
  if (modules === undefined || errors.length > 0) throw new Error(errors.map(({ message }) => message).join("\n"));
  return (await bundleProgram(modules, { minify: true })).code;
}

const NONE: Attached = { steps: "", policies: {} };

describe("the artifact has the same bytes with", () => {
  const cases: readonly [title: string, attached: Attached][] = [
    ["a step whose condition never holds", { steps: `, { name: A, condition: 'proxy.basepath = "/q"' }`, policies: { A: KEY } }],
    ["a disabled policy", { steps: ", A", policies: { A: `enabled: false\n${KEY}` } }],
    ["a variable that nobody reads", { steps: ", A", policies: { A: UNREAD } }],
    ["one under a condition of the request", { steps: `, { name: A, condition: 'request.verb = "PUT"' }`, policies: { A: UNREAD } }],
    ["a policy that no step names", { steps: "", policies: { A: KEY } }],
    ["a credential that a literal switches off", {
      steps: `, SWITCH, { name: A, condition: 'mode = "strict"' }`,
      policies: { SWITCH: "kind: AssignMessage\nactions: [{ assignVariable: { name: mode, value: off } }]\n", A: UNREAD },
    }],
  ];

  it.each(cases)("%s", async (_, attached) => {
    expect(await artifact(attached)).toBe(await artifact(NONE));
  });

  it("but not with one that does something", async () => {
    expect(await artifact({ steps: ", A", policies: { A: OBSERVED } })).not.toBe(await artifact(NONE));
  });

  it("and not where traced twins list every step", async () => {
    const attached = { steps: ", A", policies: { A: UNREAD } };
    expect(await artifact(attached, true)).not.toBe(await artifact(NONE, true));
  });
});
