/** BasicAuthentication at compile time. It admits nobody, so it leaves no obligation. */
import { code, literal } from "../5-emit/code.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { PolicyAnalysis, PolicyDefinition, PolicyEmit } from "./definition.ts";
import { assignedCode, assignsVariable } from "./parts/assigned-variable.ts";
import { frozen, type Ref } from "./parts/values.ts";

export interface BasicAuthenticationModel extends PolicyModel {
  readonly kind: "BasicAuthentication";
  readonly operation: "Encode" | "Decode";
  readonly user: Ref;
  readonly password: Ref;
  readonly assignTo?: string | { readonly value: string; readonly createNew?: boolean };
  readonly source?: string;
  readonly ignoreUnresolvedVariables?: boolean;
}

export const basicAuthentication = {
  kind: "BasicAuthentication",
  basename: "basic-authentication",
  phases: ["request", "response", "fault"],
  failedPrefix: "BasicAuthentication",
  variablePrefixes: ["BasicAuthentication"],
  timing: () => "sync",
  analyze(step) {
    if (step.model.operation === "Encode") analyzeEncode(step);
    else analyzeDecode(step);
  },
  emit(e) {
    if (e.model.operation === "Encode") emitEncode(e);
    else emitDecode(e);
  },
} satisfies PolicyDefinition<BasicAuthenticationModel>;

function analyzeEncode(step: PolicyAnalysis<BasicAuthenticationModel>): void {
  const { user, password } = step.model;
  step.reads(user.ref, ["user", "ref"]);
  step.reads(password.ref, ["password", "ref"]);
  const { variable, isAlways } = destinationOf(step.model);
  const at = typeof step.model.assignTo === "object" ? ["assignTo", "value"] : ["assignTo"];
  if (!isAlways) step.reads(variable, at);
  assignsVariable(step, variable, at);
}

function analyzeDecode(step: PolicyAnalysis<BasicAuthenticationModel>): void {
  const { source = "", user, password } = step.model;
  step.reads(source, ["source"]);
  assignsVariable(step, user.ref, ["user", "ref"]);
  assignsVariable(step, password.ref, ["password", "ref"]);
  // A browser that was once asked for them sends them along, whichever page asks (RFC 7617 section 2.2).
  step.fillsAmbient(user.ref);
  step.fillsAmbient(password.ref);
}

function emitEncode(e: PolicyEmit<BasicAuthenticationModel>): void {
  const { user, password } = e.model;
  const { variable, isAlways } = destinationOf(e.model);
  const call = code`${e.symbol("encodeBasic")}(${configOf(e)}, ${e.variable(user.ref)}, ${e.variable(password.ref)})`;
  const assigned = assignedCode(e, variable, call);
  const statement = assigned.text === "" ? code`${call};` : assigned;
  e.line(isAlways ? statement : code`if (${e.variable(variable)} === null) {\n${statement}\n}`);
}

function emitDecode(e: PolicyEmit<BasicAuthenticationModel>): void {
  const { source = "", user, password } = e.model;
  const call = code`${e.symbol("decodeBasic")}(${configOf(e)}, ${e.variable(source)})`;
  const lines = [
    assignedCode(e, user.ref, code`basic.user`),
    assignedCode(e, password.ref, code`basic.password`),
  ].filter(({ text }) => text !== "");
  const [first, second] = lines;
  if (first === undefined) e.line(code`${call};`);
  else e.line(code`{\nconst basic = ${call};\n${first}${second === undefined ? code`` : code`\n${second}`}\n}`);
}

function configOf(e: PolicyEmit<BasicAuthenticationModel>) {
  const config = literal({ name: e.name, ignoreUnresolved: e.model.ignoreUnresolvedVariables ?? true });
  return e.constant("basicAuthentication", frozen(config));
}

function destinationOf({ assignTo = "" }: BasicAuthenticationModel) {
  if (typeof assignTo === "string") return { variable: assignTo, isAlways: false };
  return { variable: assignTo.value, isAlways: assignTo.createNew ?? false };
}
