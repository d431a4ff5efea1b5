/** GenerateJWT at compile time. */
import { instantMs, spanMs } from "#runtime/language/instant.ts";
import { code, literal, type Code, type Embeddable } from "../5-emit/code.ts";
import type { PolicyModel, RefOr } from "../ir/model.ts";
import type { PolicyAnalysis, PolicyDefinition, PolicyEmit } from "./definition.ts";
import { analyzeMembers, claimCode, type ClaimModel } from "./parts/jwt-rules.ts";
import {
  analyzeOutput,
  analyzeSigning,
  hasConstantHeader,
  headerEntries,
  outputCode,
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
    analyzeOutput(step, "jwt");
  },
  emit(e) {
    const config = e.constant("generateJwt", frozen(literal(signingRules(e, "jwt"))));
    const output = outputCode(e, "jwt");
    e.wait(code`${e.symbol("generateJwt")}(${e.x}, ${config}, ${signingKeyCode(e)}, ${contentCode(e)}, ${output})`);
  },
} satisfies PolicyDefinition<GenerateJwtModel>;

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
