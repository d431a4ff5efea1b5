/** GenerateJWT at compile time. */
import { instantMs, spanMs } from "#runtime/language/instant.ts";
import { code, literal, type Code, type Embeddable } from "../5-emit/code.ts";
import type { PolicyModel, RefOr } from "../ir/model.ts";
import type { PolicyAnalysis, PolicyDefinition, PolicyEmit } from "./definition.ts";
import {
  analyzeEncryptionKey,
  analyzeType,
  encryptionKeyEntries,
  encryptionKid,
  encryptionRules,
  saltBytes,
  type EncryptionModel,
} from "./parts/encryption-rules.ts";
import { analyzeClaims, areConstant, claimEntries, type ClaimsModel } from "./parts/jwt-rules.ts";
import {
  analyzeHeaders,
  analyzeOutput,
  analyzeSigner,
  hasConstantHeader,
  headerEntries,
  madeTokenRules,
  outputCode,
  signerKid,
  signerRules,
  signingKeyEntries,
  type MadeTokenModel,
  type SignerModel,
} from "./parts/signing-rules.ts";
import { frozen, readsValue, textCode } from "./parts/values.ts";

export interface GenerateJwtModel extends PolicyModel, MadeTokenModel, EncryptionModel {
  readonly kind: "GenerateJWT";
  /** One of this and `algorithms`. */
  readonly algorithm?: string;
  /** Of the signed token within an encrypted one. */
  readonly nested?: SignerModel;
  readonly subject?: RefOr<string>;
  readonly issuer?: RefOr<string>;
  readonly audience?: RefOr<string>;
  readonly id?: RefOr<string>;
  readonly expiresIn?: RefOr<string>;
  readonly notBefore?: RefOr<string>;
  readonly additionalClaims?: ClaimsModel;
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
    analyzeKeys(step);
    analyzeHeaders(step);
    for (const name of VALUES) readsValue(step, step.model[name], [name]);
    analyzeTime(step, "expiresIn", spanMs, "a time such as 5m");
    analyzeTime(step, "notBefore", (text) => spanMs(text) ?? instantMs(text), "a time such as 5m, or an instant");
    analyzeClaims(step, step.model.additionalClaims, OWN_CLAIMS);
    analyzeOutput(step, "jwt");
  },
  emit(e) {
    const { model } = e;
    const kid = kidOf(model);
    if (model.algorithms !== undefined) return emitEncrypted(e, kid);
    const rules = { ...signerRules(e, model), ...madeTokenRules(e, "jwt") };
    const config = e.constant("generateJwt", frozen(literal(rules)));
    const [key, output] = [literal(signingKeyEntries(e, model)), outputCode(e, "jwt")];
    e.wait(code`${e.symbol("generateJwt")}(${e.x}, ${config}, ${key}, ${contentCode(e, kid)}, ${output})`);
  },
} satisfies PolicyDefinition<GenerateJwtModel>;

function analyzeKeys(step: PolicyAnalysis<GenerateJwtModel>): void {
  const { algorithm = "", algorithms, nested, publicKey, privateKey, secretKey } = step.model;
  analyzeType(step);
  if (algorithms === undefined) {
    if (publicKey !== undefined) step.report("AGW4102", ["publicKey"], { algorithm, key: "public key" });
    else if (privateKey !== undefined || secretKey !== undefined) analyzeSigner(step, step.model);
    return;
  }
  analyzeEncryptionKey(step, "publicKey");
  readsValue(step, encryptionKid(step.model), ["algorithms", "key"]);
  if (nested !== undefined) analyzeSigner(step, nested, ["nested"]);
  if (publicKey?.jwks === undefined || publicKey.id !== undefined) return;
  const expected = "publicKey.id must say which of its keys";
  step.report("AGW3105", ["publicKey", "jwks"], { what: "key", value: "a key set", expected });
}

function emitEncrypted(e: PolicyEmit<GenerateJwtModel>, kid: RefOr<string> | undefined): void {
  const { model, name, id } = e;
  const { nested } = model;
  const within =
    nested === undefined ? null : { rules: { ...signerRules(e, nested), critical: [] }, sign: e.symbol("signCompact") };
  const fetched = model.publicKey?.jwks?.uri === undefined ? {} : { findKey: e.symbol("remoteRecipient") };
  const encryption = { ...encryptionRules(model, "publicKey"), saltBytes: saltBytes(model), ...fetched };
  const rules = literal({ name, id, encryption, nested: within, ...madeTokenRules(e, "jwt") });
  const config = e.constant("generateEncryptedJwt", frozen(rules));
  const nestedKid = nested === undefined ? undefined : signerKid(nested);
  const nestedKey = nested === undefined ? null : {
    ...signingKeyEntries(e, nested),
    ...(nestedKid === undefined ? {} : { kid: textCode(e, nestedKid) }),
  };
  const keys = literal({ ...encryptionKeyEntries(e, "publicKey"), nested: nestedKey });
  const [content, output] = [contentCode(e, kid), outputCode(e, "jwt")];
  e.wait(code`${e.symbol("generateEncryptedJwt")}(${e.x}, ${config}, ${keys}, ${content}, ${output})`);
}

function kidOf(model: GenerateJwtModel): RefOr<string> | undefined {
  return model.algorithms === undefined ? signerKid(model) : encryptionKid(model);
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
function contentCode(e: PolicyEmit<GenerateJwtModel>, kid: RefOr<string> | undefined): Code {
  const { model } = e;
  const entries: [string, Embeddable][] = headerEntries(e, kid);
  for (const name of VALUES) {
    const value = model[name];
    if (value !== undefined) entries.push([name, textCode(e, value)]);
  }
  entries.push(...claimEntries(e, model.additionalClaims));
  const content = literal(Object.fromEntries(entries));
  return isConstant(model, kid) ? e.constant("content", code`${content} as const`) : content;
}

function isConstant(model: GenerateJwtModel, kid: RefOr<string> | undefined): boolean {
  if (VALUES.some((name) => typeof model[name] === "object") || !hasConstantHeader(model, kid)) return false;
  return areConstant(model.additionalClaims);
}
