/** VerifyJWS at compile time. */
import { code, literal } from "../5-emit/code.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { PolicyDefinition } from "./definition.ts";
import { checksCredential } from "./parts/credential.ts";
import {
  analyzeKey,
  analyzeValues,
  keyRules,
  keyTextCode,
  valuesCode,
  verifyRules,
  type ClaimModel,
  type VerifyModel,
} from "./parts/jwt-rules.ts";
import { AUTHORIZATION } from "./parts/presented-token.ts";
import { frozen } from "./parts/values.ts";

export interface VerifyJwsModel extends PolicyModel, VerifyModel {
  readonly kind: "VerifyJWS";
  readonly algorithm: string;
  readonly source?: string;
  readonly detachedContent?: string;
  readonly additionalHeaders?: readonly ClaimModel[];
}

export const verifyJws = {
  kind: "VerifyJWS",
  basename: "verify-jws",
  phases: ["request", "response", "fault"],
  failedPrefix: "jws",
  variablePrefixes: ["jws"],
  timing: () => "maybe",
  analyze(step) {
    const { source, detachedContent } = step.model;
    const at = source === undefined ? [] : ["source"];
    // A signature that a request brings is a credential of its client; one of a response is not.
    if (step.phase === "request") checksCredential(step, source ?? AUTHORIZATION, at, "signature");
    else step.reads(source ?? AUTHORIZATION, at);
    if (detachedContent !== undefined) step.reads(detachedContent, ["detachedContent"]);
    analyzeKey(step, step.model);
    analyzeValues(step);
  },
  emit(e) {
    const { source = AUTHORIZATION, detachedContent } = e.model;
    const config = literal({
      ...verifyRules(e, keyRules(e, e.model), { kind: "jws", source }),
      isDetached: detachedContent !== undefined,
    });
    const rules = e.constant("verifyJws", frozen(config));
    const content = detachedContent === undefined ? null : e.variable(detachedContent);
    const keyText = keyTextCode(e, e.model);
    const presented = literal({ jws: e.variable(source), content });
    e.wait(code`${e.symbol("verifyJws")}(${e.x}, ${rules}, ${keyText}, ${presented}, ${valuesCode(e)})`);
  },
} satisfies PolicyDefinition<VerifyJwsModel>;
