/** Which conditions are decided once, and what keeps them from it. */
import { describe, expect, it } from "vitest";
import { assign, planLines, proxy } from "./planned.ts";

const set = (header: string): string => `kind: AssignMessage\nactions: [{ set: { headers: { ${header}: y } } }]\n`;
const policies = {
  A: set("x-a"),
  B: set("x-b"),
  ASK: assign({ v: "ref: request.header.v" }),
  SA: "kind: SpikeArrest\nrate: 10ps\n",
  VK: "kind: VerifyAPIKey\napiKey: { ref: request.queryparam.apikey }\n",
  COPY: "kind: AssignMessage\nactions: [{ copy: { source: request, headers: [a] } }]\n",
};

const A_IS_1 = 'request.header.x-a = "1"';
const step = (name: string, condition: string): string => `{ name: ${name}, condition: '${condition}' }`;

async function decidedOnce(request: string, more = ""): Promise<readonly string[]> {
  const lines = await planLines(proxy(request, more), policies);
  return lines.flatMap((line) => (line.startsWith("decided once: ") ? [line.slice("decided once: ".length)] : []));
}

describe("decided once", () => {
  const cases: readonly [title: string, request: string, expected: readonly string[]][] = [
    ["what two steps ask", `${step("B", A_IS_1)}, ${step("B", A_IS_1)}`, [A_IS_1]],
    ["also denied", `${step("B", A_IS_1)}, ${step("B", `not (${A_IS_1})`)}`, [A_IS_1]],
    ["also behind another part", `${step("B", A_IS_1)}, ${step("B", `request.verb = "GET" and ${A_IS_1}`)}`, [A_IS_1]],
    ["a whole condition rather than its parts",
      `${step("B", `${A_IS_1} and request.verb = "GET"`)}, ${step("B", `${A_IS_1} and request.verb = "GET"`)}`,
      [`${A_IS_1} and request.verb = "GET"`]],
    ["past steps that change other things", `${step("B", A_IS_1)}, SA, ASK, ${step("B", A_IS_1)}`, [A_IS_1]],
    ["a variable until it is written", `ASK, ${step("B", 'v = "1"')}, ${step("B", 'v = "1"')}, ASK, ${step("B", 'v = "1"')}`,
      ['v = "1"']],
    ["anew where a step may have changed it",
      `${step("B", A_IS_1)}, ${step("B", A_IS_1)}, A, ${step("B", A_IS_1)}, ${step("B", A_IS_1)}`, [A_IS_1, A_IS_1]],
    ["anew behind a wait",
      `${step("B", A_IS_1)}, ${step("B", A_IS_1)}, VK, ${step("B", A_IS_1)}, ${step("B", A_IS_1)}`, [A_IS_1, A_IS_1]],
  ];

  it.each(cases)("%s", async (_, request, expected) => {
    expect(await decidedOnce(request)).toEqual(expected);
  });

  it("in each flow that asks twice", async () => {
    const flow = (name: string, verb: string): string =>
      `{ name: ${name}, condition: 'request.verb = "${verb}"', request: [${step("B", A_IS_1)}, ${step("B", A_IS_1)}] }`;
    expect(await decidedOnce("", `, flows: [${flow("f", "GET")}, ${flow("g", "POST")}]`)).toEqual([A_IS_1, A_IS_1]);
  });

  it("what several flows ask", async () => {
    const flow = (name: string, verb: string): string =>
      `{ name: ${name}, condition: '${A_IS_1} and request.verb = "${verb}"', request: [B] }`;
    expect(await decidedOnce("", `, flows: [${flow("f", "GET")}, ${flow("g", "POST")}]`)).toEqual([A_IS_1]);
  });
});

describe("decided each time", () => {
  const cases: readonly [title: string, request: string][] = [
    ["what the first step writes", `${step("A", A_IS_1)}, ${step("B", A_IS_1)}`],
    ["a header, behind a policy that says nothing of what it changes", `${step("B", A_IS_1)}, COPY, ${step("B", A_IS_1)}`],
    ["what stands on both sides of a wait", `${step("B", A_IS_1)}, VK, ${step("B", A_IS_1)}`],
    ["what the first condition may not reach", `${step("B", `request.verb = "GET" and ${A_IS_1}`)}, ${step("B", A_IS_1)}`],
    ["what a policy finds out", `VK, ${step("B", 'app.name = "a"')}, ${step("B", 'app.name = "a"')}`],
    ["what only one step asks", step("B", A_IS_1)],
  ];

  it.each(cases)("%s", async (_, request) => {
    expect(await decidedOnce(request)).toEqual([]);
  });
});
