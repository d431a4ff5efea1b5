import { expect, test } from "vitest";
import { flowCallout, parametersOf } from "#compiler/policies/flow-callout.ts";
import { policyByKind, policyDefinitions } from "#compiler/policies/index.ts";
import type { FlowCalloutModel } from "#compiler/policies/flow-callout.ts";
import { analyzed, emitted } from "../../support/policy-emit.ts";

const model: FlowCalloutModel = {
  kind: "FlowCallout",
  sharedFlowBundle: "security",
  parameters: [
    { name: "role", value: "{user}-reader" },
    { name: "level", ref: "my.level" },
    { name: "fixed", value: "1" },
  ],
};

test("parameters become variables of the call", () => {
  expect(emitted(flowCallout, model)).toEqual([
    'set("role of P-1", template("{user}-reader"));',
    'set("level of P-1", get("my.level"));',
    'set("fixed of P-1", "1");',
  ]);
  expect(parametersOf("P-1", model)).toEqual([["role", "role of P-1"], ["level", "level of P-1"], ["fixed", "fixed of P-1"]]);
  expect(parametersOf("P-1", { ...model, kind: "AssignMessage" })).toEqual([]);
  expect(emitted(flowCallout, { kind: "FlowCallout", sharedFlowBundle: "security" })).toEqual([]);
});

test("notes what they read and write", () => {
  expect(analyzed(flowCallout, model)).toMatchObject({
    reads: ["user", "my.level"],
    writes: ["role of P-1", "level of P-1", "fixed of P-1"],
    reports: [],
    obligations: [],
  });
});

test.each(["request.header.x-by", "message.content", "proxy.name", "target.url", "developer.email"])("%s is no parameter", (name) => {
  const parameters = [{ name, value: "me" }];
  expect(analyzed(flowCallout, { ...model, parameters }).reports).toEqual([expect.stringMatching(/^AGW3105 parameters\.0\.name /)]);
});

test("every policy is found by its kind, and has names of its own", () => {
  for (const definition of policyDefinitions) expect(policyByKind(definition.kind)).toBe(definition);
  expect(policyByKind("Quota")).toBeNull();
  expect(policyByKind("constructor")).toBeNull();
  expect(new Set(policyDefinitions.map(({ basename }) => basename)).size).toBe(policyDefinitions.length);
});
