/**
 * The address of a target whose URL or path is a template: a step of the gateway's own behind
 * the target request flow (apigee-core section 2.4). No bundle can name it; what a flow has written to `target.url`
 * goes first.
 */
import { code } from "../5-emit/code.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { LocalTargetModel, RouteRuleModel, TargetEndpointModel } from "../ir/proxy-model.ts";
import type { PolicyDefinition } from "./definition.ts";

/** A template of a bundle that makes a part of a target's address. */
export interface AddressTemplate {
  /** Whose `url` or `path` it is; its place in the file is that of the template. */
  readonly owner: TargetEndpointModel | RouteRuleModel | LocalTargetModel;
  readonly key: "url" | "path";
  readonly template: string;
}

export interface TargetAddressModel extends PolicyModel, AddressTemplate {
  readonly kind: "TargetEndpoint";
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
    const { key } = step.model;
    const template = step.template(step.model.template, ["owner", key]);
    if (key === "url") step.writes(VARIABLE, ["owner", key], template);
  },
  emit(e) {
    const text = e.template(e.parse(e.model.template), "empty");
    if (e.model.key === "path") e.line(code`${e.x}.targetPath = ${text}`);
    else e.line(code`if (${e.x}.targetUrl === null) ${e.assign(VARIABLE, text)}`);
  },
} satisfies PolicyDefinition<TargetAddressModel>;
