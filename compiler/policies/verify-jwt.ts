/** VerifyJWT at compile time. */
import { code, literal, type Embeddable } from "../5-emit/code.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { PolicyDefinition, PolicyEmit } from "./definition.ts";
import { checksCredential } from "./parts/credential.ts";
import {
  analyzeEncryptionKey,
  analyzeType,
  encryptionKeyEntries,
  encryptionRules,
  isOpenToAll,
  type EncryptionModel,
} from "./parts/encryption-rules.ts";
import {
  analyzeKey,
  analyzeValues,
  keyRules,
  keyTextCode,
  milliseconds,
  valuesCode,
  verifyRules,
  type KeyModel,
  type ValuesModel,
  type VerifyModel,
} from "./parts/jwt-rules.ts";
import { AUTHORIZATION } from "./parts/presented-token.ts";
import { frozen } from "./parts/values.ts";

export interface VerifyJwtModel extends PolicyModel, VerifyModel, ValuesModel, EncryptionModel {
  readonly kind: "VerifyJWT";
  /** One of this and `algorithms`. */
  readonly algorithm?: string;
  /** Of the signed token within an encrypted one. */
  readonly nested?: KeyModel;
  readonly source?: string;
  readonly requiredClaims?: readonly string[];
  readonly maxLifespan?: string | { readonly value: string; readonly useIssueTime?: boolean };
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
    const { source, algorithms, nested, privateKey } = step.model;
    checksCredential(step, source ?? AUTHORIZATION, source === undefined ? [] : ["source"], "jwt");
    analyzeType(step);
    if (algorithms === undefined) {
      if (privateKey !== undefined) {
        step.report("AGW4102", ["privateKey"], { algorithm: step.model.algorithm ?? "", key: "private key" });
      } else if (step.model.publicKey !== undefined || step.model.secretKey !== undefined) {
        analyzeKey(step, step.model);
      }
    } else {
      analyzeEncryptionKey(step, "privateKey");
      if (step.model.secretKey?.id !== undefined) {
        const why = "nobody signs an encrypted token by itself: its kid is the sender's word";
        step.report("AGW3103", ["secretKey", "id"], { what: "id", why });
      }
      if (nested !== undefined) analyzeKey(step, nested, ["nested"]);
      else if (isOpenToAll(step.model)) step.report("AGW4106", ["algorithms", "key"], { algorithm: algorithms.key });
    }
    analyzeValues(step);
  },
  emit(e) {
    const { algorithms, source = AUTHORIZATION } = e.model;
    if (algorithms !== undefined) return emitEncrypted(e, source);
    const rules = { ...verifyRules(e, keyRules(e, e.model), { kind: "jwt", source }), ...claimRules(e.model) };
    const config = e.constant("verifyJwt", frozen(literal(rules)));
    const keyText = keyTextCode(e, e.model);
    e.wait(code`${e.symbol("verifyJwt")}(${e.x}, ${config}, ${keyText}, ${e.variable(source)}, ${valuesCode(e)})`);
  },
} satisfies PolicyDefinition<VerifyJwtModel>;

function emitEncrypted(e: PolicyEmit<VerifyJwtModel>, source: string): void {
  const { model } = e;
  const proof = { encryption: encryptionRules(model, "privateKey"), nested: nestedRules(e) };
  const rules = literal({ ...verifyRules(e, proof, { kind: "jwt", source }), ...claimRules(model) });
  const config = e.constant("verifyEncryptedJwt", frozen(rules));
  const nested = model.nested === undefined ? null : keyTextCode(e, model.nested);
  const keys = literal({ ...encryptionKeyEntries(e, "privateKey"), nested });
  const presented = e.variable(source);
  e.wait(code`${e.symbol("verifyEncryptedJwt")}(${e.x}, ${config}, ${keys}, ${presented}, ${valuesCode(e)})`);
}

/** How the token within is verified: by the rules of the policy, with a key of its own. */
function nestedRules(e: PolicyEmit<VerifyJwtModel>): Embeddable {
  const { nested, ignoreCriticalHeaders = false, knownHeaders = [], timeAllowance = "0s" } = e.model;
  if (nested === undefined) return null;
  const rules = {
    name: e.name,
    id: e.id,
    ...keyRules(e, nested),
    type: null,
    ignoreCriticalHeaders,
    knownHeaders,
    timeAllowanceMs: milliseconds(timeAllowance),
  };
  return { rules, open: e.symbol("signedTokens") };
}

function claimRules({ timeAllowance, ignoreIssuedAt, requiredClaims, maxLifespan }: VerifyJwtModel) {
  const span = typeof maxLifespan === "object" ? maxLifespan.value : maxLifespan;
  return {
    timeAllowanceMs: milliseconds(timeAllowance ?? "0s"),
    ignoreIssuedAt: ignoreIssuedAt ?? false,
    requiredClaims: requiredClaims ?? [],
    lifespanMaxMs: span === undefined ? null : milliseconds(span),
    ...(typeof maxLifespan === "object" && maxLifespan.useIssueTime === true ? { lifespanFromIssue: true } : {}),
  };
}
