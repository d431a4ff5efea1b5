/** What VerifyJWT, VerifyJWS and OAuthV2 share: algorithms, keys, and the demands on claims and headers. */
import type { KeyForm } from "#runtime/token/keys.ts";
import type { SecretEncoding } from "#runtime/token/secret.ts";
import type { FileSource, PolicyModel, RefOr, SecretSource, TextSetting } from "../../ir/model.ts";
import { code, literal, type Code, type Embeddable } from "../../5-emit/code.ts";
import { durationMs } from "../../measure.ts";
import type { Path, PolicyAnalysis, PolicyEmit, SettingRequest } from "../definition.ts";
import { wordBefore } from "./presented-token.ts";
import { readsValue, textCode, type Ref } from "./values.ts";

/** `publicKey` and `secretKey`, of which there is one. */
export interface KeyModel {
  readonly algorithm?: string;
  readonly publicKey?: {
    /** One of file and uri. */
    readonly jwks?: {
      readonly file?: FileSource;
      readonly uri?: TextSetting;
      readonly allowPrivateAddresses?: boolean;
    };
    readonly value?: SecretSource;
    readonly certificate?: SecretSource;
    /** Of a single key; sets name their own. */
    readonly id?: RefOr<string>;
  };
  readonly secretKey?: {
    readonly encoding?: SecretEncoding;
    readonly value: SecretSource;
    readonly id?: RefOr<string>;
  };
}

/** A claim that VerifyJWT demands. */
export interface ClaimModel {
  readonly name: string;
  readonly ref?: string;
  readonly value?: string | number | boolean;
  readonly type?: "string" | "number" | "boolean" | "map";
  readonly array?: boolean;
}

/** Claims one by one, or a variable that holds them all as a JSON object. */
export type ClaimsModel = readonly ClaimModel[] | Ref;

/** What VerifyJWT and VerifyJWS are told of the tokens that they take. */
export interface VerifyModel {
  readonly ignoreCriticalHeaders?: boolean;
  readonly knownHeaders?: readonly string[];
  readonly ignoreUnresolvedVariables?: boolean;
}

/** Demanded values; absent ones demand nothing. */
export interface ValuesModel {
  readonly issuer?: RefOr<string>;
  readonly subject?: RefOr<string>;
  readonly audience?: RefOr<string>;
  readonly id?: RefOr<string>;
  readonly additionalClaims?: ClaimsModel;
  readonly additionalHeaders?: readonly ClaimModel[];
}

const VALUES = ["issuer", "subject", "audience", "id"] as const;

/** The policy's algorithms, in its order, each once. */
function algorithmsOf(model: KeyModel): readonly string[] {
  const names = (model.algorithm ?? "").split(",").map((name) => name.trim());
  return [...new Set(names)].filter((name) => name !== "");
}

/** Milliseconds of a duration that the schema has checked. */
export function milliseconds(duration: string): number {
  const ms = durationMs(duration);
  if (ms === null) throw new TypeError("invariant: the schema demands a duration");
  return ms;
}

/** The key text: a literal URL, or what is read at start. */
type KeyText = { readonly request: SettingRequest } | { readonly url: string };

/**
 * Where the key text comes from, and what it is. Public keys are read as secrets are: the content of a file, not its
 * path.
 */
function keyTextOf({ publicKey, secretKey }: KeyModel): { readonly text: KeyText; readonly form: KeyForm } {
  if (secretKey !== undefined) {
    const form: KeyForm = { form: "secret", encoding: secretKey.encoding ?? "utf-8", ...kidOf(secretKey) };
    return { text: { request: { source: secretKey.value, kind: "secret" } }, form };
  }
  const { file, uri, allowPrivateAddresses = false } = publicKey?.jwks ?? {};
  if (uri !== undefined) {
    const text: KeyText = typeof uri === "string" ? { url: uri } : { request: { source: uri, kind: "text" } };
    return { text, form: { form: "url", allowPrivateAddresses } };
  }
  if (file !== undefined) return { text: { request: { source: { file }, kind: "secret" } }, form: { form: "jwks" } };
  const source = publicKey?.value ?? publicKey?.certificate;
  if (source === undefined) throw new TypeError("invariant: the schema demands a key");
  return { text: { request: { source, kind: "secret" } }, form: { form: "public", ...kidOf(publicKey) } };
}

/** The schema takes a literal where tokens are verified. */
function kidOf(key: { readonly id?: RefOr<string> } | undefined): { readonly kid?: string } {
  return typeof key?.id === "string" ? { kid: key.id } : {};
}

/** Reports algorithms that the key cannot verify, and asks for the key at start. */
export function analyzeKey<M extends PolicyModel>(step: PolicyAnalysis<M>, model: KeyModel, at: Path = []): void {
  const isSecret = model.secretKey !== undefined;
  for (const algorithm of algorithmsOf(model)) {
    if (algorithm.startsWith("HS") === isSecret) continue;
    step.report("AGW4102", [...at, "algorithm"], { algorithm, key: isSecret ? "secret key" : "public key" });
  }
  const { text } = keyTextOf(model);
  if ("request" in text) step.setting(text.request, [...at, ...(isSecret ? ["secretKey", "value"] : ["publicKey"])]);
}

/** Members of the configuration that say which keys verify. */
export function keyRules<M extends PolicyModel>(e: PolicyEmit<M>, model: KeyModel) {
  const { form } = keyTextOf(model);
  const openKeys = e.symbol(form.form === "url" ? "remoteKeys" : "localKeys");
  return { algorithms: algorithmsOf(model), keyForm: { ...form }, openKeys };
}

/**
 * Members of the configuration that every such policy has. `proof`: those that say how a token is proven. `kind`: under
 * which their variables stand.
 */
export function verifyRules<M extends PolicyModel & VerifyModel, P extends object>(
  e: PolicyEmit<M>,
  proof: P,
  { kind, source }: { readonly kind: "jws" | "jwt"; readonly source: string },
) {
  const { ignoreCriticalHeaders = false, knownHeaders = [], ignoreUnresolvedVariables = false } = e.model;
  return {
    name: e.name,
    id: e.id,
    ...proof,
    type: null,
    prefix: wordBefore(source),
    ignoreCriticalHeaders,
    knownHeaders,
    ignoreUnresolved: ignoreUnresolvedVariables,
    keep: e.isRead(`${kind}.${e.name}.`),
  };
}

/** An expression for the keys' text, or for their URL. */
export function keyTextCode<M extends PolicyModel>(e: PolicyEmit<M>, model: KeyModel): Code {
  const { text } = keyTextOf(model);
  return "url" in text ? literal(text.url) : e.setting(text.request);
}

/** Notes the variables that demanded values come from, and reports values that cannot be met. */
export function analyzeValues<M extends PolicyModel & ValuesModel>(step: PolicyAnalysis<M>): void {
  const { additionalClaims, additionalHeaders = [] } = step.model;
  for (const name of VALUES) readsValue(step, step.model[name], [name]);
  analyzeClaims(step, additionalClaims, []);
  analyzeMembers(step, additionalHeaders, { list: "additionalHeaders", what: "header", own: [] });
}

/** Notes what further claims read; reports those that cannot be. `own`: those that the policy itself decides. */
export function analyzeClaims<M extends PolicyModel>(
  step: PolicyAnalysis<M>,
  claims: ClaimsModel = [],
  own: readonly string[],
): void {
  if ("ref" in claims) step.reads(claims.ref, ["additionalClaims", "ref"]);
  else analyzeMembers(step, claims, { list: "additionalClaims", what: "claim", own });
}

/** Entries of the object that tells the runtime of further claims: `claims`, or `claimsJson`. */
export function claimEntries<M extends PolicyModel>(
  e: PolicyEmit<M>,
  claims: ClaimsModel | undefined,
): [string, Embeddable][] {
  if (claims === undefined) return [];
  if ("ref" in claims) return [["claimsJson", e.text(claims.ref)]];
  return [["claims", claims.map((claim) => claimCode(e, claim))]];
}

/** True when no further claim comes from a variable. */
export function areConstant(claims: ClaimsModel = []): boolean {
  return !("ref" in claims) && claims.every(({ ref }) => ref === undefined);
}

/** Notes what members read; reports those that the policy itself decides and values that are not of their type. */
export function analyzeMembers<M extends PolicyModel>(
  step: PolicyAnalysis<M>,
  members: readonly ClaimModel[],
  { list, what, own }: { readonly list: string; readonly what: string; readonly own: readonly string[] },
): void {
  members.forEach((member, at) => {
    if (member.ref !== undefined) step.reads(member.ref, [list, at, "ref"]);
    if (own.includes(member.name)) {
      const params = { what, value: JSON.stringify(member.name), expected: "the policy itself decides it" };
      step.report("AGW3105", [list, at, "name"], params);
    }
    const expected = claimMistake(member);
    if (expected === null) return;
    const params = { what: `the value of ${what} "${member.name}"`, value: JSON.stringify(member.value), expected };
    step.report("AGW3105", [list, at, "value"], params);
  });
}

/** The object of demanded values (`ClaimValues`): a constant unless one comes from a variable. */
export function valuesCode<M extends PolicyModel & ValuesModel>(e: PolicyEmit<M>): Code {
  const { model } = e;
  const entries: [string, Embeddable][] = [];
  for (const name of VALUES) {
    const value = model[name];
    if (value !== undefined) entries.push([name, textCode(e, value)]);
  }
  entries.push(...claimEntries(e, model.additionalClaims));
  if (model.additionalHeaders !== undefined) {
    entries.push(["headers", model.additionalHeaders.map((header) => claimCode(e, header))]);
  }
  const values = literal(Object.fromEntries(entries));
  return isConstant(model) ? e.constant("claims", code`${values} as const`) : values;
}

/** A claim or header as the runtime wants it (`ClaimValue`). */
export function claimCode<M extends PolicyModel>(e: PolicyEmit<M>, claim: ClaimModel): Embeddable {
  const fallback = claim.value === undefined ? null : String(claim.value);
  const value = claim.ref === undefined ? literal(fallback) : code`(${e.text(claim.ref)} ?? ${fallback})`;
  return { name: claim.name, type: claim.type ?? "string", isArray: claim.array ?? false, value };
}

function isConstant(model: ValuesModel): boolean {
  if (VALUES.some((name) => typeof model[name] === "object")) return false;
  return areConstant(model.additionalClaims) && areConstant(model.additionalHeaders);
}

/** Why a literal value is not of its type; null when it is. */
function claimMistake({ type = "string", array = false, value }: ClaimModel): string | null {
  if (value === undefined) return null;
  const parts = array ? String(value).split(",") : [String(value)];
  if (type === "number" && parts.some((part) => part.trim() === "" || Number.isNaN(Number(part)))) {
    return "the claim is compared as a number";
  }
  if (type === "boolean" && parts.some((part) => part.trim() !== "true" && part.trim() !== "false")) {
    return "the claim is compared as true or false";
  }
  return type === "map" && !isJsonObject(String(value)) ? "the claim is compared as a map, written in JSON" : null;
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
