/**
 * The address of a target endpoint whose URL is a template: a step of the gateway's own behind the target request flow
 * (apigee-core section 2.4). No bundle can name it; what a flow has written to `target.url` goes first.
 */
import { code } from "../5-emit/code.ts";
import type { PolicyModel, TargetEndpointModel } from "../ir/model.ts";
import type { PolicyDefinition } from "./definition.ts";

export interface TargetAddressModel extends PolicyModel {
  readonly kind: "TargetEndpoint";
  /** Whose `url` it is; its place in the file is that of the template. */
  readonly endpoint: TargetEndpointModel;
  readonly template: string;
}

const VARIABLE = "target.url";

export const targetAddress = {
  kind: "TargetEndpoint",
  basename: "target-address",
  phases: ["request"],
  failedPrefix: "targetaddress",
  variablePrefixes: [],
  timing: () => "sync",
  changes: () => [],
  analyze(step) {
    const template = step.template(step.model.template, ["endpoint", "url"]);
    step.writes(VARIABLE, ["endpoint", "url"], template);
  },
  emit(e) {
    const url = e.template(e.parse(e.model.template), "empty");
    e.line(code`if (${e.variable(VARIABLE)} === null) ${e.assign(VARIABLE, url)}`);
  },
} satisfies PolicyDefinition<TargetAddressModel>;
