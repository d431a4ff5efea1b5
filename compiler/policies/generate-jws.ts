/** GenerateJWS at compile time. */
import { code, literal } from "../5-emit/code.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { PolicyDefinition } from "./definition.ts";
import {
  analyzeOutput,
  analyzeHeaders,
  analyzeSigner,
  headerEntries,
  madeTokenRules,
  outputCode,
  signerKid,
  signerRules,
  signingKeyEntries,
  type SigningModel,
} from "./parts/signing-rules.ts";
import { readsTemplate, templateValue } from "./parts/template-value.ts";
import { frozen, type Ref } from "./parts/values.ts";

export interface GenerateJwsModel extends PolicyModel, SigningModel {
  readonly kind: "GenerateJWS";
  readonly payload: string | Ref;
  readonly detachContent?: boolean;
}

export const generateJws = {
  kind: "GenerateJWS",
  basename: "generate-jws",
  phases: ["request", "response", "fault"],
  failedPrefix: "jws",
  variablePrefixes: ["jws"],
  timing: () => "async",
  analyze(step) {
    analyzeSigner(step, step.model);
    analyzeHeaders(step);
    readsTemplate(step, step.model.payload, ["payload"]);
    analyzeOutput(step, "jws");
  },
  emit(e) {
    const { payload: written, detachContent = false, ignoreUnresolvedVariables = false } = e.model;
    const rules = { ...signerRules(e, e.model), ...madeTokenRules(e, "jws"), detach: detachContent };
    const config = e.constant("generateJws", frozen(literal(rules)));
    const payload = templateValue(e, written, ignoreUnresolvedVariables ? "empty" : "null");
    const key = literal(signingKeyEntries(e, e.model));
    const content = literal({ ...Object.fromEntries(headerEntries(e, signerKid(e.model))), payload });
    const output = outputCode(e, "jws");
    e.wait(code`${e.symbol("generateJws")}(${e.x}, ${config}, ${key}, ${content}, ${output})`);
  },
} satisfies PolicyDefinition<GenerateJwsModel>;
