import { describe, expect, test } from "vitest";
import type { Fault } from "#runtime/fault.ts";
import type { Value } from "#runtime/context.ts";
import { raiseFault } from "#compiler/policies/raise-fault.ts";
import type { RaiseFaultModel } from "#compiler/policies/raise-fault.ts";
import { analyzed, emitted } from "../../support/policy-emit.ts";
import type { StepOptions } from "../../support/policy-emit.ts";
import { faultOf, PolicyFixture } from "../../support/policy-fixture.ts";
import { runEmitted } from "../../support/run-emitted.ts";

async function raised(
  model: Omit<RaiseFaultModel, "kind">,
  variables = new Map<string, Value>(),
  step: StepOptions = {},
): Promise<Fault> {
  const x = new PolicyFixture().exchange({ headers: ["X-A", "1"] });
  return faultOf(() => runEmitted(emitted(raiseFault, { ...model, kind: "RaiseFault" }, step), x, variables));
}

describe("RaiseFault", () => {
  test("without actions: 500 and the default body", async () => {
    const found = await raised({});
    expect(found).toMatchObject({
      code: "steps.raisefault.RaiseFault",
      status: 500,
      text: "Raising fault. Fault name : P-1",
      policy: "P-1",
    });
    expect(JSON.parse(found.response?.content ?? "")).toEqual({
      fault: { faultstring: "Raising fault. Fault name : P-1", detail: { errorcode: "steps.raisefault.RaiseFault" } },
    });
    expect(found.response?.lines).toEqual(["Content-Type", "application/json"]);
  });

  test("with everything", async () => {
    const found = await raised(
      {
        actions: [
          {
            set: {
              statusCode: 403,
              reasonPhrase: "No",
              headers: { "x-why": "{why}" },
              payload: { contentType: "text/plain", value: "no: {why}" },
            },
          },
          { add: { headers: { "x-why": "too" } } },
          { copy: { source: "request", headers: ["x-a"] } },
          { assignVariable: { name: "seen", value: "1" } },
        ],
      },
      new Map([["why", "late"]]),
    );
    expect(found).toMatchObject({ status: 403, response: { status: 403, reason: "No", content: "no: late" } });
    expect(found.response?.lines).toEqual(["x-why", "late", "Content-Type", "text/plain", "x-why", "too", "X-A", "1"]);
  });

  test("an unresolved variable is empty, unless it must not be", async () => {
    const actions = [{ set: { headers: { "x-why": "{none}" } } }];
    expect((await raised({ actions })).response?.header("x-why")).toBe("");
    expect(await raised({ actions, ignoreUnresolvedVariables: false })).toMatchObject({
      code: "steps.assignmessage.UnresolvedVariable",
    });
  });

  test("a status from a variable sets the fault's status, whatever the flow", async () => {
    const variables = new Map<string, Value>([["s", 429]]);
    for (const phase of ["request", "response", "fault"] as const) {
      expect(await raised({ actions: [{ set: { statusCode: "{s}" } }] }, variables, { phase })).toMatchObject({
        status: 429,
      });
    }
  });

  test("the short text, and an answer that has no body", async () => {
    expect(await raised({ shortFaultReason: true })).toMatchObject({ text: "Raising fault" });
    expect((await raised({ actions: [{ set: { statusCode: 204 } }] })).response?.content).toBe("");
    expect((await raised({ actions: [{ set: { payload: "" } }] })).response?.content).toBe("");
  });

  test("emits a block of its own", () => {
    expect(emitted(raiseFault, { kind: "RaiseFault", actions: [{ set: { statusCode: 401 } }] })).toEqual([
      'const raiseFault = { name: "P-1", isShort: false } as const',
      "{ const answer = faultResponse(); answer.status = 401; raiseFault(raiseFault, answer); }",
    ]);
  });

  test("its status and payload may be set in every flow of an endpoint that admits upgrades", () => {
    const model: RaiseFaultModel = { kind: "RaiseFault", actions: [{ set: { statusCode: 401, payload: "x" } }] };
    for (const phase of ["request", "response", "fault"] as const) {
      expect(analyzed(raiseFault, model, { phase }).reports).toEqual([]);
    }
    const own: RaiseFaultModel = {
      kind: "RaiseFault",
      actions: [{ set: { headers: { Connection: "close", "x-why": "y" } } }],
    };
    expect(analyzed(raiseFault, own)).toMatchObject({ reports: [expect.stringMatching(/^AGW3101/)], owned: [] });
  });
});
