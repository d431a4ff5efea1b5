/** VerifyJWT at compile time. */
import { code, literal } from "../5-emit/code.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { PolicyDefinition } from "./definition.ts";
import { checksCredential } from "./parts/credential.ts";
import {
  analyzeKey,
  analyzeValues,
  keyRules,
  keyTextCode,
  milliseconds,
  valuesCode,
  type KeyModel,
  type ValuesModel,
} from "./parts/jwt-rules.ts";
import { frozen } from "./parts/values.ts";

export interface VerifyJwtModel extends PolicyModel, KeyModel, ValuesModel {
  readonly kind: "VerifyJWT";
  readonly algorithm: string;
  readonly source?: string;
  readonly requiredClaims?: readonly string[];
  readonly maxLifespan?: string;
  readonly timeAllowance?: string;
  readonly ignoreIssuedAt?: boolean;
  readonly ignoreCriticalHeaders?: boolean;
  readonly knownHeaders?: readonly string[];
  readonly ignoreUnresolvedVariables?: boolean;
}

const AUTHORIZATION = "request.header.authorization";

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
      name: e.name,
      id: e.id,
      ...keyRules(e),
      type: null,
      prefix: source.toLowerCase() === AUTHORIZATION ? "Bearer" : "",
      timeAllowanceMs: milliseconds(model.timeAllowance ?? "0s"),
      ignoreIssuedAt: model.ignoreIssuedAt ?? false,
      ignoreCriticalHeaders: model.ignoreCriticalHeaders ?? false,
      knownHeaders: model.knownHeaders ?? [],
      requiredClaims: model.requiredClaims ?? [],
      lifespanMaxMs: model.maxLifespan === undefined ? null : milliseconds(model.maxLifespan),
      ignoreUnresolved: model.ignoreUnresolvedVariables ?? false,
      keep: e.isRead(`jwt.${e.name}.`),
    });
    const rules = e.constant("verifyJwt", frozen(config));
    const keyText = keyTextCode(e);
    e.wait(code`${e.symbol("verifyJwt")}(${e.x}, ${rules}, ${keyText}, ${e.variable(source)}, ${valuesCode(e)})`);
  },
} satisfies PolicyDefinition<VerifyJwtModel>;
