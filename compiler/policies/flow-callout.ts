/**
 * FlowCallout at compile time: its parameters become assignments. The shared flow's steps were put in its place when
 * the bundle was resolved; nothing of the policy remains at run time.
 */
import { parseTemplate } from "#runtime/language/template.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { PolicyDefinition } from "./definition.ts";

export interface FlowCalloutModel extends PolicyModel {
  readonly kind: "FlowCallout";
  readonly sharedFlowBundle: string;
  readonly parameters?: readonly { readonly name: string; readonly value?: string; readonly ref?: string }[];
}

export const flowCallout = {
  kind: "FlowCallout",
  basename: "flow-callout",
  phases: ["request", "response", "fault"],
  failedPrefix: "flowcallout",
  variablePrefixes: [],
  timing: () => "sync",
  analyze(step) {
    step.model.parameters?.forEach(({ name, value, ref }, at) => {
      if (ref !== undefined) step.reads(ref, ["parameters", at, "ref"]);
      if (value !== undefined) step.template(value, ["parameters", at, "value"]);
      step.writes(name, ["parameters", at, "name"]);
    });
  },
  emit(e) {
    for (const { name, value = "", ref } of e.model.parameters ?? []) {
      const given = ref === undefined ? e.template(parseTemplate(value), "empty") : e.variable(ref);
      e.line(e.assign(name, given));
    }
  },
} satisfies PolicyDefinition<FlowCalloutModel>;
