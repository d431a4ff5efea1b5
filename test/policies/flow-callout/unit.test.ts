import { expect, test } from "vitest";
import { flowCallout } from "#compiler/policies/flow-callout.ts";
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

test("parameters become assignments", () => {
  expect(emitted(flowCallout, model)).toEqual([
    'set("role", template("{user}-reader"));',
    'set("level", get("my.level"));',
    'set("fixed", "1");',
  ]);
  expect(emitted(flowCallout, { kind: "FlowCallout", sharedFlowBundle: "security" })).toEqual([]);
});

test("notes what they read and write", () => {
  expect(analyzed(flowCallout, model)).toMatchObject({
    reads: ["user", "my.level"],
    writes: ["role", "level", "fixed"],
    reports: [],
    obligations: [],
  });
});

test("every policy is found by its kind, and has names of its own", () => {
  for (const definition of policyDefinitions) expect(policyByKind(definition.kind)).toBe(definition);
  expect(policyByKind("Quota")).toBeNull();
  expect(policyByKind("constructor")).toBeNull();
  expect(new Set(policyDefinitions.map(({ basename }) => basename)).size).toBe(policyDefinitions.length);
});
