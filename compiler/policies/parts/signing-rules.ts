/** What GenerateJWT and GenerateJWS share: the key, the algorithm that must fit it, further headers, the output. */
import type { SigningForm } from "#runtime/token/signing.ts";
import type { SecretEncoding } from "#runtime/token/secret.ts";
import { code, identifier, literal, type Code, type Embeddable } from "../../5-emit/code.ts";
import type { PolicyModel, RefOr, SecretSource } from "../../ir/model.ts";
import type { PolicyAnalysis, PolicyEmit, SettingRequest } from "../definition.ts";
import { assignedCode, assignsVariable } from "./assigned-variable.ts";
import { analyzeMembers, claimCode, type ClaimModel } from "./jwt-rules.ts";
import { readsValue, textCode } from "./values.ts";

/** `privateKey` or `secretKey`. */
export interface SigningModel {
  readonly algorithm: string;
  readonly privateKey?: {
    readonly value: SecretSource;
    readonly password?: SecretSource;
    readonly id?: RefOr<string>;
  };
  readonly secretKey?: {
    readonly encoding?: SecretEncoding;
    readonly value: SecretSource;
    readonly id?: RefOr<string>;
  };
  readonly additionalHeaders?: readonly ClaimModel[];
  readonly criticalHeaders?: readonly string[];
  readonly outputVariable?: string;
  readonly ignoreUnresolvedVariables?: boolean;
}

/** Under which the policy's variables stand. */
type Kind = "jws" | "jwt";

/** Members of a header that the policy itself decides. */
const OWN_HEADERS: readonly string[] = ["alg", "typ", "kid", "crit", "b64"];

/** Reports a key that does not fit and headers that cannot be, and asks for the key at start. */
export function analyzeSigning<M extends PolicyModel & SigningModel>(step: PolicyAnalysis<M>): void {
  const { algorithm, privateKey, secretKey, additionalHeaders = [], criticalHeaders = [] } = step.model;
  const isSecret = secretKey !== undefined;
  if (algorithm.startsWith("HS") !== isSecret) {
    step.report("AGW4102", ["algorithm"], { algorithm, key: isSecret ? "secret key" : "private key" });
  }
  const owner = isSecret ? "secretKey" : "privateKey";
  readsValue(step, (secretKey ?? privateKey)?.id, [owner, "id"]);
  const { key, password } = settingsOf(step.model);
  step.setting(key, [owner, "value"]);
  if (password !== null) step.setting(password, ["privateKey", "password"]);
  analyzeMembers(step, additionalHeaders, { list: "additionalHeaders", what: "header", own: OWN_HEADERS });
  criticalHeaders.forEach((name, at) => {
    if (additionalHeaders.some((header) => header.name === name)) return;
    const expected = "it is not among additionalHeaders";
    step.report("AGW3105", ["criticalHeaders", at], { what: "critical header", value: JSON.stringify(name), expected });
  });
}

/** Members of the configuration that both policies have. */
export function signingRules<M extends PolicyModel & SigningModel>(e: PolicyEmit<M>, kind: Kind) {
  const { model, name, id } = e;
  const { algorithm, secretKey, criticalHeaders = [], ignoreUnresolvedVariables = false } = model;
  const form: SigningForm =
    secretKey === undefined ? { form: "private" } : { form: "secret", encoding: secretKey.encoding ?? "utf-8" };
  return {
    name,
    id,
    algorithm,
    keyForm: { ...form },
    critical: criticalHeaders,
    ignoreUnresolved: ignoreUnresolvedVariables,
    keep: e.isRead(`${kind}.${name}.`),
  };
}

/** The key as it was read at start (`SigningKey`). */
export function signingKeyCode<M extends PolicyModel & SigningModel>(e: PolicyEmit<M>): Code {
  const { key, password } = settingsOf(e.model);
  return literal({ text: e.setting(key), password: password === null ? null : e.setting(password) });
}

/** Entries of `SigningHeader`. */
export function headerEntries<M extends PolicyModel & SigningModel>(e: PolicyEmit<M>): [string, Embeddable][] {
  const { privateKey, secretKey, additionalHeaders } = e.model;
  const { id } = secretKey ?? privateKey ?? {};
  const entries: [string, Embeddable][] = [];
  if (id !== undefined) entries.push(["kid", textCode(e, id)]);
  if (additionalHeaders === undefined) return entries;
  return [...entries, ["headers", additionalHeaders.map((header) => claimCode(e, header))]];
}

/** True when neither the kid nor a header comes from a variable. */
export function hasConstantHeader({ privateKey, secretKey, additionalHeaders = [] }: SigningModel): boolean {
  const { id } = secretKey ?? privateKey ?? {};
  return typeof id !== "object" && additionalHeaders.every(({ ref }) => ref === undefined);
}

/** Notes the variable that the token is written to. */
export function analyzeOutput<M extends PolicyModel & SigningModel>(step: PolicyAnalysis<M>, kind: Kind): void {
  const variable = outputVariable(step, kind);
  if (variable !== null) assignsVariable(step, variable, ["outputVariable"]);
}

/** A function that writes the token to that variable; null where nobody reads it. */
export function outputCode<M extends PolicyModel & SigningModel>(e: PolicyEmit<M>, kind: Kind): Code {
  const variable = outputVariable(e, kind);
  const assigned = variable === null ? code`` : assignedCode(e, variable, identifier("token"));
  return assigned.text === "" ? literal(null) : code`(token) => {\n${assigned}\n}`;
}

/** Null for the variable that carries the policy's name, which is always there. */
function outputVariable(
  { model: { outputVariable: variable }, name }: { readonly model: SigningModel; readonly name: string },
  kind: Kind,
): string | null {
  return variable === undefined || variable === `${kind}.${name}.generated_${kind}` ? null : variable;
}

function settingsOf({ privateKey, secretKey }: SigningModel): {
  readonly key: SettingRequest;
  readonly password: SettingRequest | null;
} {
  const source = secretKey?.value ?? privateKey?.value;
  if (source === undefined) throw new TypeError("invariant: the schema demands a key");
  const password = privateKey?.password;
  return {
    key: { source, kind: "secret" },
    password: password === undefined ? null : { source: password, kind: "secret" },
  };
}
