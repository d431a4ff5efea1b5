/** GenerateJWS at compile time. */
import { code, identifier, literal } from "../5-emit/code.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { PolicyDefinition } from "./definition.ts";
import { assignedCode, assignsVariable } from "./parts/assigned-variable.ts";
import {
  analyzeSigning,
  assignCode,
  headerEntries,
  signingKeyCode,
  signingRules,
  type SigningModel,
} from "./parts/signing-rules.ts";
import { readsTemplate, templateValue } from "./parts/template-value.ts";
import { frozen, type Ref } from "./parts/values.ts";

export interface GenerateJwsModel extends PolicyModel, SigningModel {
  readonly kind: "GenerateJWS";
  readonly payload: string | Ref;
  readonly detachContent?: boolean;
  readonly outputVariable?: string;
  readonly ignoreUnresolvedVariables?: boolean;
}

export const generateJws = {
  kind: "GenerateJWS",
  basename: "generate-jws",
  phases: ["request", "response", "fault"],
  failedPrefix: "jws",
  variablePrefixes: ["jws"],
  timing: () => "async",
  analyze(step) {
    analyzeSigning(step);
    readsTemplate(step, step.model.payload, ["payload"]);
    const output = outputVariable(step);
    if (output !== null) assignsVariable(step, output, ["outputVariable"]);
  },
  emit(e) {
    const { model, name, id } = e;
    const { ignoreUnresolvedVariables = false } = model;
    const rules = literal({
      name,
      id,
      ...signingRules(model),
      detach: model.detachContent ?? false,
      ignoreUnresolved: ignoreUnresolvedVariables,
      keep: e.isRead(`jws.${name}.`),
    });
    const config = e.constant("generateJws", frozen(rules));
    const payload = templateValue(e, model.payload, ignoreUnresolvedVariables ? "empty" : "null");
    const content = literal({ ...Object.fromEntries(headerEntries(e)), payload });
    const output = outputVariable(e);
    const assign = assignCode(output === null ? code`` : assignedCode(e, output, identifier("token")));
    e.wait(code`${e.symbol("generateJws")}(${e.x}, ${config}, ${signingKeyCode(e)}, ${content}, ${assign})`);
  },
} satisfies PolicyDefinition<GenerateJwsModel>;

/** Null for the variable that carries the policy's name, which is always there. */
function outputVariable({ model, name }: { readonly model: GenerateJwsModel; readonly name: string }): string | null {
  const { outputVariable: variable } = model;
  return variable === undefined || variable === `jws.${name}.generated_jws` ? null : variable;
}
