/**
 * Emitted chains, executed: whatever a step answers (a value, a promise), in the plain and in the traced form, the same
 * steps run in the same order and faults go to the same rules.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { accessFault, type AccessFaultCode } from "#runtime/fault/access.ts";
import { emittedProgram, type BundleFiles, type EmittedProgram, type Outcome, type StubbedStep } from "../../../support/emitted-program.ts";

const key = "kind: VerifyAPIKey\napiKey: { ref: request.queryparam.apikey }\n";
const carried = `${key}continueOnError: true\n`;
const mark = (name: string): string => `kind: AssignMessage\nactions: [{ add: { headers: { x-step: ${name} } } }]\n`;
const raise = (status: number, more = ""): string => `kind: RaiseFault\n${more}actions: [{ set: { statusCode: ${status} } }]\n`;

/** Policies by the first letters of their names: `V` verifies, `C` verifies and carries on, `A` marks, `R` raises. */
function bundle(proxy: string, policies: readonly string[], more: BundleFiles = {}): BundleFiles {
  const files: Record<string, string> = { "gateway.yaml": "kind: Gateway\nstore: { kind: memory }\nobservability: { policyTimes: 1 }\n", "proxies/p/proxy.yaml": proxy, ...more };
  for (const name of policies) files[`proxies/p/policies/${name}.yaml`] = policyText(name);
  return files;
}

function policyText(name: string): string {
  if (name.startsWith("V")) return key;
  if (name.startsWith("C")) return carried;
  return name.startsWith("R") ? raise(Number(name.slice(1, 4))) : mark(name);
}

/** Faults that steps raise, by policy; the others succeed. */
type Faults = Readonly<Record<string, AccessFaultCode>>;

const forms = [
  { answer: "at once", traced: false },
  { answer: "later", traced: false },
  { answer: "at once", traced: true },
  { answer: "later", traced: true },
] as const;

function stepOf(answer: "at once" | "later", faults: Faults): StubbedStep {
  return (policy) => {
    const code = faults[policy];
    if (answer === "at once") {
      if (code !== undefined) throw accessFault(code, "", policy);
      return undefined;
    }
    return Promise.resolve().then(() => {
      if (code !== undefined) throw accessFault(code, "", policy);
    });
  };
}

interface Case {
  readonly name: string;
  readonly url?: string;
  readonly verb?: string;
  readonly status?: number;
  readonly headers?: string[];
  readonly faults?: Faults;
  readonly expected: Partial<Outcome>;
}

/** Runs each case in all four forms against one bundle. */
function suite(title: string, files: BundleFiles, cases: readonly Case[]): void {
  describe(title, () => {
    let program: EmittedProgram;
    beforeAll(async () => {
      program = await emittedProgram(files);
    });
    it.each(cases)("$name", async ({ url = "/p", faults = {}, expected, ...options }) => {
      for (const { answer, traced } of forms) {
        const found = await program.run(url, stepOf(answer, faults), { ...options, traced });
        expect(found, `${answer}, ${traced ? "traced" : "plain"}`).toMatchObject(expected);
      }
    });
  });
}

const target = 'targetEndpoints: [{ url: "http://t:1" }]\n';
const bad = "oauth.v2.InvalidApiKey";

suite(
  "steps that wait",
  bundle(`kind: ApiProxy\nproxyEndpoints: [{ basePath: /p, preFlow: { request: [A1, V1, A2, V2, A3] } }]\n${target}`, ["A1", "V1", "A2", "V2", "A3"]),
  [
    { name: "run in order", expected: { steps: ["A1", "V1", "A2", "V2", "A3"], fault: null, target: "default" } },
    { name: "end the flow with their fault", faults: { V1: bad }, expected: { steps: ["A1", "V1"], fault: bad, target: null, status: 401 } },
    { name: "end it at the second cut", faults: { V2: bad }, expected: { steps: ["A1", "V1", "A2", "V2"], fault: bad } },
  ],
);

suite(
  "conditional flows",
  bundle(
    `kind: ApiProxy
proxyEndpoints:
  - basePath: /p
    preFlow: { request: [A0] }
    flows:
      - { name: a, condition: 'proxy.pathsuffix = "/a"', request: [V1, { name: V2, condition: 'request.verb = "POST"' }, A1] }
      - { name: b, condition: 'proxy.pathsuffix = "/b"', request: [A2], response: [A7] }
      - { name: also-b, condition: 'proxy.pathsuffix StartsWith "/b"', request: [A3] }
      - { name: silent, condition: 'proxy.pathsuffix = "/s"' }
      - { name: ends, condition: 'proxy.pathsuffix = "/e"', request: [V1, { name: V2, condition: 'request.verb = "POST"' }] }
      - { name: refuses, condition: 'proxy.pathsuffix = "/r"', request: [R403] }
      - { name: rest, request: [V3] }
    postFlow: { request: [A9], response: [A8] }
${target}`,
    ["A0", "A1", "A2", "A3", "A7", "A8", "A9", "V1", "V2", "V3", "R403"],
  ),
  [
    { name: "the first that holds runs, then the post-flow", url: "/p/b", expected: { steps: ["A0", "A2", "A9"], answered: ["A7", "A8"] } },
    { name: "the next is tried when one does not hold", url: "/p/bb", expected: { steps: ["A0", "A3", "A9"], answered: ["A8"] } },
    { name: "a skipped step that could wait goes on", url: "/p/a", expected: { steps: ["A0", "V1", "A1", "A9"] } },
    { name: "the same step runs when its condition holds", url: "/p/a", verb: "POST", expected: { steps: ["A0", "V1", "V2", "A1", "A9"] } },
    { name: "a flow without steps is taken all the same", url: "/p/s", expected: { steps: ["A0", "A9"] } },
    { name: "a flow may end with a skipped step", url: "/p/e", expected: { steps: ["A0", "V1", "A9"] } },
    { name: "a flow may end with a step that waits", url: "/p/e", verb: "POST", expected: { steps: ["A0", "V1", "V2", "A9"] } },
    { name: "a flow that always refuses", url: "/p/r", expected: { steps: ["A0"], fault: "steps.raisefault.RaiseFault", status: 403 } },
    { name: "the last flow takes what is left", url: "/p/x", expected: { steps: ["A0", "V3", "A9"] } },
  ],
);

suite(
  "flows that wait with nothing behind them",
  bundle(
    `kind: ApiProxy
proxyEndpoints: [{ basePath: /p, preFlow: { request: [A0] } }]
targetEndpoints:
  - url: "http://t:1"
    flows:
      - { name: a, condition: 'proxy.pathsuffix = "/a"', request: [{ name: V1, condition: 'request.verb = "POST"' }] }
      - { name: b, condition: 'proxy.pathsuffix StartsWith "/"', request: [A1] }
      - { name: c, request: [A2] }
`,
    ["A0", "A1", "A2", "V1"],
  ),
  [
    { name: "only one of them runs, also when its last step is skipped", url: "/p/a", expected: { steps: ["A0"] } },
    { name: "and when it is not", url: "/p/a", verb: "POST", expected: { steps: ["A0", "V1"] } },
    { name: "the second", url: "/p/b", expected: { steps: ["A0", "A1"] } },
    { name: "the last", expected: { steps: ["A0", "A2"] } },
  ],
);

suite(
  "continueOnError",
  bundle(
    `kind: ApiProxy
proxyEndpoints:
  - basePath: /p
    preFlow:
      request: [RX, A1, C1, A2, { name: A3, condition: 'oauthV2.C1.failed = true' }, { name: C2, condition: 'request.verb = "POST"' }, A4]
${target}`,
    ["A1", "A2", "A3", "A4", "C1", "C2"],
    { "proxies/p/policies/RX.yaml": raise(500, "continueOnError: true\n") },
  ),
  [
    { name: "a step that succeeds has not failed", expected: { steps: ["A1", "C1", "A2", "A4"], fault: null } },
    { name: "the flow goes on after a fault, which is noted", faults: { C1: bad }, expected: { steps: ["A1", "C1", "A2", "A3", "A4"], fault: null, target: "default" } },
    { name: "also under a condition", faults: { C2: bad }, verb: "POST", expected: { steps: ["A1", "C1", "A2", "C2", "A4"], fault: null } },
  ],
);

const shared: BundleFiles = {
  "shared-flows/s/flow.yaml": "kind: SharedFlow\nsteps: [V1, B1]\n",
  "shared-flows/s/policies/V1.yaml": key,
  "shared-flows/s/policies/B1.yaml": mark("B1"),
  "shared-flows/q/flow.yaml": "kind: SharedFlow\nsteps: [B2, { name: R418, condition: 'request.verb = \"POST\"' }, B3]\n",
  "shared-flows/q/policies/B2.yaml": mark("B2"),
  "shared-flows/q/policies/B3.yaml": mark("B3"),
  "shared-flows/q/policies/R418.yaml": raise(418),
  "proxies/p/policies/FS.yaml": "kind: FlowCallout\nsharedFlowBundle: s\n",
  "proxies/p/policies/FSC.yaml": "kind: FlowCallout\nsharedFlowBundle: s\ncontinueOnError: true\n",
  "proxies/p/policies/FQ.yaml": "kind: FlowCallout\nsharedFlowBundle: q\n",
  "proxies/p/policies/FQC.yaml": "kind: FlowCallout\nsharedFlowBundle: q\ncontinueOnError: true\n",
};

suite(
  "shared flows",
  bundle(
    `kind: ApiProxy
proxyEndpoints:
  - basePath: /p
    flows:
      - { name: wait, condition: 'proxy.pathsuffix = "/wait"', request: [FS, A1] }
      - { name: when, condition: 'proxy.pathsuffix = "/when"', request: [{ name: FS, condition: 'request.verb = "POST"' }] }
      - { name: carry, condition: 'proxy.pathsuffix = "/carry"', request: [FSC, A1] }
      - { name: told, condition: 'proxy.pathsuffix = "/told"', request: [FSC, { name: A1, condition: 'oauthV2.V1.failed' }] }
      - { name: cause, condition: 'proxy.pathsuffix = "/cause"', request: [FSC, { name: A1, condition: 'oauthV2.V1.fault.name = "InvalidApiKey" and oauthV2.V1.fault.cause = "Invalid ApiKey"' }, { name: A2, condition: 'oauthV2.V1.fault.name = "keymanagement.service.access_token_expired"' }] }
      - { name: quick, condition: 'proxy.pathsuffix = "/quick"', request: [FQ, A1] }
      - { name: quick-carry, condition: 'proxy.pathsuffix = "/quick-carry"', request: [FQC, A1] }
    postFlow: { request: [A9] }
${target}`,
    ["A1", "A2", "A9"],
    shared,
  ),
  [
    { name: "stand where they are called", url: "/p/wait", expected: { steps: ["V1", "B1", "A1", "A9"] } },
    { name: "are skipped with their callout", url: "/p/when", expected: { steps: ["A9"] } },
    { name: "run under a condition", url: "/p/when", verb: "POST", expected: { steps: ["V1", "B1", "A9"] } },
    { name: "pass their faults on", url: "/p/wait", faults: { V1: bad }, expected: { steps: ["V1"], fault: bad } },
    { name: "are left at a fault when their callout carries on", url: "/p/carry", faults: { V1: bad }, expected: { steps: ["V1", "A1", "A9"], fault: null } },
    { name: "run whole when their callout carries on and nothing fails", url: "/p/carry", expected: { steps: ["V1", "B1", "A1", "A9"] } },
    { name: "tell which of their policies failed when they are carried on from", url: "/p/told", faults: { V1: bad }, expected: { steps: ["V1", "A1", "A9"] } },
    { name: "tell with what it failed", url: "/p/cause", faults: { V1: bad }, expected: { steps: ["V1", "A1", "A9"] } },
    { name: "tell it with its family when access data refused", url: "/p/cause", faults: { V1: "keymanagement.service.access_token_expired" }, expected: { steps: ["V1", "A2", "A9"] } },
    { name: "tell of no failure when there was none", url: "/p/cause", expected: { steps: ["V1", "B1", "A9"] } },
    { name: "tell of no failed policy when none failed", url: "/p/told", expected: { steps: ["V1", "B1", "A9"] } },
    { name: "without waiting", url: "/p/quick", expected: { steps: ["B2", "B3", "A1", "A9"] } },
    { name: "without waiting, with a fault", url: "/p/quick", verb: "POST", expected: { steps: ["B2"], status: 418 } },
    { name: "without waiting, carried on", url: "/p/quick-carry", verb: "POST", expected: { steps: ["B2", "A1", "A9"], fault: null } },
  ],
);

suite(
  "fault rules",
  bundle(
    `kind: ApiProxy
proxyEndpoints:
  - basePath: /p
    preFlow: { request: [V1], response: [{ name: R502, condition: 'response.status.code = 500' }] }
    faultRules:
      - { name: any, condition: 'fault.name != "Nothing"', steps: [F1] }
      - { name: key, condition: 'fault.name = "InvalidApiKey"', steps: [F2, { name: F9, condition: 'request.verb = "POST"' }] }
    defaultFaultRule: { alwaysEnforce: true, steps: [F3] }
    routeRules:
      - { name: one, condition: 'proxy.pathsuffix = "/one"', targetEndpoint: one }
      - { name: two, condition: 'proxy.pathsuffix = "/two"', targetEndpoint: two }
      - { name: bare, targetEndpoint: bare }
targetEndpoints:
  - name: one
    url: "http://t:1"
    preFlow: { request: [V2] }
    faultRules:
      - { name: any, condition: 'fault.name != "Nothing"', steps: [F4] }
      - { name: key, condition: 'fault.name = "InvalidApiKey"', steps: [F5] }
    defaultFaultRule: { steps: [F6] }
  - name: two
    url: "http://t:2"
    preFlow: { request: [V2] }
    faultRules: [{ name: never, condition: 'fault.name = "Nothing"', steps: [F4] }]
    defaultFaultRule: { steps: [F6] }
  - { name: bare, url: "http://t:3", preFlow: { request: [V2] } }
`,
    ["V1", "V2", "R502", "F1", "F2", "F3", "F4", "F5", "F6", "F9"],
  ),
  [
    { name: "a proxy endpoint's are tried from the last, then the enforced default runs", faults: { V1: bad }, expected: { answered: ["F2", "F3"], status: 401 } },
    { name: "conditions of their steps hold", faults: { V1: bad }, verb: "POST", expected: { answered: ["F2", "F9", "F3"] } },
    { name: "an earlier one matches another fault", faults: { V1: "gateway.StoreUnavailable" }, expected: { answered: ["F1", "F3"], status: 503 } },
    { name: "a target endpoint's are tried from the first, and a match leaves the default out", url: "/p/one", faults: { V2: bad }, expected: { answered: ["F4"] } },
    { name: "without a match the default runs", url: "/p/two", faults: { V2: bad }, expected: { answered: ["F6"] } },
    { name: "a target endpoint without rules leaves the answer as it is", faults: { V2: bad }, expected: { answered: [], status: 401 } },
    { name: "a fault of the proxy's response flow is the proxy endpoint's", url: "/p/one", status: 500, expected: { answered: ["F1", "F3"], status: 502 } },
  ],
);

suite(
  "fault rules see",
  bundle(
    `kind: ApiProxy
proxyEndpoints:
  - basePath: /p
    preFlow: { request: [AV, V1] }
    faultRules: [{ name: seen, condition: 'who = "ann"', steps: [F1] }]
    defaultFaultRule: { condition: 'request.verb = "POST"', steps: [F2] }
${target}`,
    ["V1", "F1", "F2"],
    { "proxies/p/policies/AV.yaml": "kind: AssignMessage\nactions: [{ assignVariable: { name: who, ref: request.header.who, value: nobody } }]\n" },
  ),
  [
    { name: "what was written before the fault", headers: ["who", "ann"], faults: { V1: bad }, expected: { answered: ["F1"] } },
    { name: "and the default has its own condition", verb: "POST", faults: { V1: bad }, expected: { answered: ["F2"] } },
    { name: "which may not hold", faults: { V1: bad }, expected: { answered: [], status: 401 } },
  ],
);

suite(
  "route rules",
  bundle(
    `kind: ApiProxy
proxyEndpoints:
  - basePath: /p
    postFlow: { response: [A1] }
    routeRules:
      - { name: none, condition: 'request.verb = "OPTIONS"' }
      - { name: beta, condition: 'request.header.beta = "1"', targetEndpoint: beta }
      - { name: url, condition: 'request.header.beta = "2"', url: "http://u:1" }
      - { name: stable, condition: 'request.verb != "DELETE"', targetEndpoint: stable }
targetEndpoints:
  - { name: beta, url: "http://b:1", preFlow: { request: [V1], response: [A2] } }
  - { name: stable, url: "http://s:1" }
`,
    ["A1", "A2", "V1"],
  ),
  [
    { name: "the first that holds, with the target's flows", headers: ["beta", "1"], expected: { route: "beta", target: "beta", steps: ["V1"], answered: ["A2", "A1"] } },
    { name: "a null route", verb: "OPTIONS", headers: ["beta", "1"], expected: { route: "none", target: null, steps: [], answered: ["A1"] } },
    { name: "a URL has no flows", headers: ["beta", "2"], expected: { route: "url", target: "url of default/url", steps: [], answered: ["A1"] } },
    { name: "the last", expected: { route: "stable", target: "stable", answered: ["A1"] } },
    { name: "none holds", verb: "DELETE", expected: { fault: "messaging.runtime.RouteFailed", route: null } },
  ],
);

describe("the traced form", () => {
  const files = bundle(
    `kind: ApiProxy
proxyEndpoints:
  - basePath: /p
    preFlow:
      request: [A1, { name: A2, condition: 'apiproxy.name = "q"' }, { name: A3, condition: 'request.verb = "POST"' }, FS, C1, V2, A4]
${target}`,
    ["A1", "A2", "A3", "A4", "C1", "V2"],
    {
      "shared-flows/s/flow.yaml": "kind: SharedFlow\nsteps: [V1]\n",
      "shared-flows/s/policies/V1.yaml": key,
      "proxies/p/policies/FS.yaml": "kind: FlowCallout\nsharedFlowBundle: s\n",
    },
  );

  it.each(["at once", "later"] as const)("records what became of every step, when steps answer %s", async (answer) => {
    const program = await emittedProgram(files);
    const read = async (faults: Faults): Promise<string[]> => {
      const { trace } = await program.run("/p", stepOf(answer, faults), { traced: true });
      const { positions } = program.route("", "/p") ?? { positions: [] };
      return trace.map((step) => `${positions[step.step]?.policy ?? ""} ${step.outcome}`);
    };
    const begin = ["A1 ran", "A2 folded", "A3 skipped", "FS ran"];
    expect(await read({})).toEqual([...begin, "V1 ran", "C1 ran", "V2 ran", "A4 ran"]);
    expect(await read({ C1: bad })).toEqual([...begin, "V1 ran", "C1 fault", "V2 ran", "A4 ran"]);
    expect(await read({ V2: bad })).toEqual([...begin, "V1 ran", "C1 ran", "V2 fault"]);
    expect(await read({ V1: bad })).toEqual([...begin, "V1 fault"]);
  });
});
