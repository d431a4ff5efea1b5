/**
 * FlowCallout at compile time: its parameters become variables of the call. The shared flow's steps were put in its
 * place when the bundle was resolved, and mean those variables by the parameters' names; nothing else remains of it.
 */
import { variableTemplate } from "#runtime/language/template.ts";
import { flowVariable, parameterVariable } from "../flow-variable.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { PolicyDefinition } from "./definition.ts";

export interface FlowCalloutModel extends PolicyModel {
  readonly kind: "FlowCallout";
  readonly sharedFlowBundle: string;
  readonly parameters?: readonly { readonly name: string; readonly value?: string; readonly ref?: string }[];
}

/** A policy's parameters, and the variables that its shared flow means by them; none for other policies. */
export function parametersOf(id: string, model: PolicyModel): readonly (readonly [string, string])[] {
  if (!isFlowCallout(model)) return [];
  return (model.parameters ?? []).map(({ name }) => [name, parameterVariable(name, id)]);
}

function isFlowCallout(model: PolicyModel): model is FlowCalloutModel {
  return model.kind === "FlowCallout";
}

export const flowCallout = {
  kind: "FlowCallout",
  basename: "flow-callout",
  phases: ["request", "response", "fault"],
  failedPrefix: "flowcallout",
  variablePrefixes: [],
  timing: () => "sync",
  changes: () => [],
  analyze(step) {
    step.model.parameters?.forEach(({ name, value = "", ref }, at) => {
      if (ref !== undefined) step.reads(ref, ["parameters", at, "ref"]);
      const text = step.template(value, ["parameters", at, "value"]);
      const given = ref === undefined ? text : variableTemplate(ref);
      step.writes(parameterVariable(name, step.id), ["parameters", at, "name"], given);
      if (flowVariable(name, () => false).kind === "custom") return;
      const expected = "a parameter is a variable of its own, not one of the gateway's or a part of a message";
      step.report("AGW3105", ["parameters", at, "name"], { what: "the parameter name", value: name, expected });
    });
  },
  emit(e) {
    for (const { name, value = "", ref } of e.model.parameters ?? []) {
      const given = ref === undefined ? e.template(e.parse(value), "empty") : e.variable(ref);
      e.line(e.assign(parameterVariable(name, e.id), given));
    }
  },
} satisfies PolicyDefinition<FlowCalloutModel>;
