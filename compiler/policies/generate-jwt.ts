/** GenerateJWT at compile time. */
import { instantMs, spanMs } from "#runtime/language/instant.ts";
import { code, identifier, literal, type Code, type Embeddable } from "../5-emit/code.ts";
import type { PolicyModel, RefOr } from "../ir/model.ts";
import type { PolicyAnalysis, PolicyDefinition, PolicyEmit } from "./definition.ts";
import { assignedCode, assignsVariable } from "./parts/assigned-variable.ts";
import { claimCode, type ClaimModel } from "./parts/jwt-rules.ts";
import {
  analyzeMembers,
  analyzeSigning,
  assignCode,
  hasConstantHeader,
  headerEntries,
  signingKeyCode,
  signingRules,
  type SigningModel,
} from "./parts/signing-rules.ts";
import { frozen, readsValue, textCode } from "./parts/values.ts";

export interface GenerateJwtModel extends PolicyModel, SigningModel {
  readonly kind: "GenerateJWT";
  readonly subject?: RefOr<string>;
  readonly issuer?: RefOr<string>;
  readonly audience?: RefOr<string>;
  readonly id?: RefOr<string>;
  readonly expiresIn?: RefOr<string>;
  readonly notBefore?: RefOr<string>;
  readonly additionalClaims?: readonly ClaimModel[];
  readonly outputVariable?: string;
  readonly ignoreUnresolvedVariables?: boolean;
}

const VALUES = ["subject", "issuer", "audience", "id", "expiresIn", "notBefore"] as const;
/** Claims with a key of their own. */
const OWN_CLAIMS: readonly string[] = ["kid", "iss", "sub", "aud", "iat", "exp", "nbf", "jti"];

export const generateJwt = {
  kind: "GenerateJWT",
  basename: "generate-jwt",
  phases: ["request", "response", "fault"],
  failedPrefix: "jwt",
  variablePrefixes: ["jwt"],
  timing: () => "async",
  analyze(step) {
    const { additionalClaims = [] } = step.model;
    analyzeSigning(step);
    for (const name of VALUES) readsValue(step, step.model[name], [name]);
    analyzeTime(step, "expiresIn", spanMs, "a time such as 5m");
    analyzeTime(step, "notBefore", (text) => spanMs(text) ?? instantMs(text), "a time such as 5m, or an instant");
    analyzeMembers(step, additionalClaims, { list: "additionalClaims", what: "claim", own: OWN_CLAIMS });
    const output = outputVariable(step);
    if (output !== null) assignsVariable(step, output, ["outputVariable"]);
  },
  emit(e) {
    const { model, name, id } = e;
    const rules = literal({
      name,
      id,
      ...signingRules(model),
      ignoreUnresolved: model.ignoreUnresolvedVariables ?? false,
      keep: e.isRead(`jwt.${name}.`),
    });
    const config = e.constant("generateJwt", frozen(rules));
    const output = outputVariable(e);
    const assign = assignCode(output === null ? code`` : assignedCode(e, output, identifier("token")));
    e.wait(code`${e.symbol("generateJwt")}(${e.x}, ${config}, ${signingKeyCode(e)}, ${contentCode(e)}, ${assign})`);
  },
} satisfies PolicyDefinition<GenerateJwtModel>;

/** Null for the variable that carries the policy's name, which is always there. */
function outputVariable({ model, name }: { readonly model: GenerateJwtModel; readonly name: string }): string | null {
  const { outputVariable: variable } = model;
  return variable === undefined || variable === `jwt.${name}.generated_jwt` ? null : variable;
}

function analyzeTime(
  step: PolicyAnalysis<GenerateJwtModel>,
  key: "expiresIn" | "notBefore",
  read: (text: string) => number | null,
  expected: string,
): void {
  const value = step.model[key];
  const text = typeof value === "object" ? value.value : value;
  if (text === undefined || read(text) !== null) return;
  const at = typeof value === "object" ? [key, "value"] : [key];
  step.report("AGW3105", at, { what: key, value: JSON.stringify(text), expected: `it must be ${expected}` });
}

/** The object of what goes in (`JwtContent`): a constant unless something comes from a variable. */
function contentCode(e: PolicyEmit<GenerateJwtModel>): Code {
  const { model } = e;
  const entries: [string, Embeddable][] = headerEntries(e);
  for (const name of VALUES) {
    const value = model[name];
    if (value !== undefined) entries.push([name, textCode(e, value)]);
  }
  const { additionalClaims } = model;
  if (additionalClaims !== undefined) entries.push(["claims", additionalClaims.map((claim) => claimCode(e, claim))]);
  const content = literal(Object.fromEntries(entries));
  return isConstant(model) ? e.constant("content", code`${content} as const`) : content;
}

function isConstant(model: GenerateJwtModel): boolean {
  if (VALUES.some((name) => typeof model[name] === "object") || !hasConstantHeader(model)) return false;
  return model.additionalClaims?.every(({ ref }) => ref === undefined) ?? true;
}
