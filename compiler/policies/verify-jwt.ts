/** VerifyJWT at compile time. */
import { code, literal } from "../5-emit/code.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { PolicyDefinition } from "./definition.ts";
import { checksCredential } from "./parts/credential.ts";
import {
  analyzeKey,
  analyzeValues,
  keyTextCode,
  milliseconds,
  valuesCode,
  verifyRules,
  type ValuesModel,
  type VerifyModel,
} from "./parts/jwt-rules.ts";
import { AUTHORIZATION } from "./parts/presented-token.ts";
import { frozen } from "./parts/values.ts";

export interface VerifyJwtModel extends PolicyModel, VerifyModel, ValuesModel {
  readonly kind: "VerifyJWT";
  readonly algorithm: string;
  readonly source?: string;
  readonly requiredClaims?: readonly string[];
  readonly maxLifespan?: string;
  readonly timeAllowance?: string;
  readonly ignoreIssuedAt?: boolean;
}

export const verifyJwt = {
  kind: "VerifyJWT",
  basename: "verify-jwt",
  phases: ["request"],
  failedPrefix: "jwt",
  variablePrefixes: ["jwt"],
  timing: () => "maybe",
  analyze(step) {
    const { source } = step.model;
    checksCredential(step, source ?? AUTHORIZATION, source === undefined ? [] : ["source"], "jwt");
    analyzeKey(step);
    analyzeValues(step);
  },
  emit(e) {
    const { model } = e;
    const source = model.source ?? AUTHORIZATION;
    const config = literal({
      ...verifyRules(e, "jwt", source),
      timeAllowanceMs: milliseconds(model.timeAllowance ?? "0s"),
      ignoreIssuedAt: model.ignoreIssuedAt ?? false,
      requiredClaims: model.requiredClaims ?? [],
      lifespanMaxMs: model.maxLifespan === undefined ? null : milliseconds(model.maxLifespan),
    });
    const rules = e.constant("verifyJwt", frozen(config));
    const keyText = keyTextCode(e);
    e.wait(code`${e.symbol("verifyJwt")}(${e.x}, ${rules}, ${keyText}, ${e.variable(source)}, ${valuesCode(e)})`);
  },
} satisfies PolicyDefinition<VerifyJwtModel>;
