/** What GenerateJWT and GenerateJWS share: the key, the algorithm that must fit it, further headers, the output. */
import type { SigningForm } from "#runtime/token/signing.ts";
import type { SecretEncoding } from "#runtime/token/secret.ts";
import { code, identifier, literal, type Code, type Embeddable } from "../../5-emit/code.ts";
import type { PolicyModel, RefOr, SecretSource } from "../../ir/model.ts";
import type { Path, PolicyAnalysis, PolicyEmit, SettingRequest } from "../definition.ts";
import { assignedCode, assignsVariable } from "./assigned-variable.ts";
import { analyzeMembers, claimCode, type ClaimModel } from "./jwt-rules.ts";
import { readsValue, textCode } from "./values.ts";

/** An algorithm with `privateKey` or `secretKey`. */
export interface SignerModel {
  readonly algorithm?: string;
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
}

/** What every policy that makes a token says of it. */
export interface MadeTokenModel {
  readonly additionalHeaders?: readonly ClaimModel[];
  readonly criticalHeaders?: readonly string[];
  readonly outputVariable?: string;
  readonly ignoreUnresolvedVariables?: boolean;
}

/** A policy that signs. */
export interface SigningModel extends SignerModel, MadeTokenModel {}

/** Under which the policy's variables stand. */
type Kind = "jws" | "jwt";

/** Members of a header that the policy itself decides. */
const OWN_HEADERS: readonly string[] = ["alg", "typ", "kid", "crit", "b64"];

/** Reports a key that does not fit, and asks for the key at start. */
export function analyzeSigner<M extends PolicyModel>(step: PolicyAnalysis<M>, model: SignerModel, at: Path = []): void {
  const { algorithm = "", privateKey, secretKey } = model;
  const isSecret = secretKey !== undefined;
  if (algorithm.startsWith("HS") !== isSecret) {
    step.report("AGW4102", [...at, "algorithm"], { algorithm, key: isSecret ? "secret key" : "private key" });
  }
  const owner = [...at, isSecret ? "secretKey" : "privateKey"];
  readsValue(step, (secretKey ?? privateKey)?.id, [...owner, "id"]);
  const { key, password } = settingsOf(model);
  step.setting(key, [...owner, "value"]);
  if (password !== null) step.setting(password, [...owner, "password"]);
}

/** Reports headers that cannot be. */
export function analyzeHeaders<M extends PolicyModel & MadeTokenModel>(step: PolicyAnalysis<M>): void {
  const { additionalHeaders = [], criticalHeaders = [] } = step.model;
  analyzeMembers(step, additionalHeaders, { list: "additionalHeaders", what: "header", own: OWN_HEADERS });
  criticalHeaders.forEach((name, at) => {
    if (additionalHeaders.some((header) => header.name === name)) return;
    const expected = "it is not among additionalHeaders";
    step.report("AGW3105", ["criticalHeaders", at], { what: "critical header", value: JSON.stringify(name), expected });
  });
}

/** What says how a policy signs. */
export function signerRules<M extends PolicyModel>({ name, id }: PolicyEmit<M>, { algorithm, secretKey }: SignerModel) {
  const form: SigningForm =
    secretKey === undefined ? { form: "private" } : { form: "secret", encoding: secretKey.encoding ?? "utf-8" };
  return { name, id, algorithm: algorithm ?? "", keyForm: { ...form } };
}

/** Members of the configuration that every such policy has. */
export function madeTokenRules<M extends PolicyModel & MadeTokenModel>(e: PolicyEmit<M>, kind: Kind) {
  const { criticalHeaders = [], ignoreUnresolvedVariables = false } = e.model;
  return {
    critical: criticalHeaders,
    ignoreUnresolved: ignoreUnresolvedVariables,
    keep: e.isRead(`${kind}.${e.name}.`),
  };
}

/** Entries of the key as it was read at start (`KeyText`). */
export function signingKeyEntries<M extends PolicyModel>(e: PolicyEmit<M>, model: SignerModel) {
  const { key, password } = settingsOf(model);
  return { text: e.setting(key), password: password === null ? null : e.setting(password) };
}

/** The kid that goes with the key. */
export function signerKid({ privateKey, secretKey }: SignerModel): RefOr<string> | undefined {
  return (secretKey ?? privateKey)?.id;
}

/** Entries of `MadeHeader`. */
export function headerEntries<M extends PolicyModel & MadeTokenModel>(
  e: PolicyEmit<M>,
  id: RefOr<string> | undefined,
): [string, Embeddable][] {
  const { additionalHeaders } = e.model;
  const entries: [string, Embeddable][] = [];
  if (id !== undefined) entries.push(["kid", textCode(e, id)]);
  if (additionalHeaders === undefined) return entries;
  return [...entries, ["headers", additionalHeaders.map((header) => claimCode(e, header))]];
}

/** True when neither the kid nor a header comes from a variable. */
export function hasConstantHeader({ additionalHeaders = [] }: MadeTokenModel, id: RefOr<string> | undefined): boolean {
  return typeof id !== "object" && additionalHeaders.every(({ ref }) => ref === undefined);
}

/** Notes the variable that the token is written to. */
export function analyzeOutput<M extends PolicyModel & MadeTokenModel>(step: PolicyAnalysis<M>, kind: Kind): void {
  const variable = outputVariable(step, kind);
  if (variable !== null) assignsVariable(step, variable, ["outputVariable"]);
}

/** A function that writes the token to that variable; null where nobody reads it. */
export function outputCode<M extends PolicyModel & MadeTokenModel>(e: PolicyEmit<M>, kind: Kind): Code {
  const variable = outputVariable(e, kind);
  const assigned = variable === null ? code`` : assignedCode(e, variable, identifier("token"));
  return assigned.text === "" ? literal(null) : code`(token) => {\n${assigned}\n}`;
}

/** Null for the variable that carries the policy's name, which is always there. */
function outputVariable(
  { model: { outputVariable: variable }, name }: { readonly model: MadeTokenModel; readonly name: string },
  kind: Kind,
): string | null {
  return variable === undefined || variable === `${kind}.${name}.generated_${kind}` ? null : variable;
}

function settingsOf({ privateKey, secretKey }: SignerModel): {
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
