/** What VerifyJWT and OAuthV2 share about JWTs: algorithms, keys, and the demands on claims. */
import type { KeyForm } from "#runtime/token/keys.ts";
import type { SecretEncoding } from "#runtime/token/secret.ts";
import type { FileSource, PolicyModel, RefOr, SecretSource } from "../../ir/model.ts";
import { code, literal, type Code, type Embeddable } from "../../5-emit/code.ts";
import type { PolicyAnalysis, PolicyEmit, SettingRequest } from "../definition.ts";
import { textCode } from "./values.ts";

/** `publicKey` and `secretKey`, of which there is one. */
export interface KeyModel {
  readonly algorithm?: string;
  readonly publicKey?: {
    readonly jwks?: { readonly file: FileSource };
    readonly value?: SecretSource;
    readonly certificate?: SecretSource;
  };
  readonly secretKey?: { readonly encoding?: SecretEncoding; readonly value: SecretSource };
}

/** A claim that VerifyJWT demands. */
export interface ClaimModel {
  readonly name: string;
  readonly ref?: string;
  readonly value?: string | number | boolean;
  readonly type?: "string" | "number" | "boolean" | "map";
  readonly array?: boolean;
}

/** Demanded values; absent ones demand nothing. */
export interface ValuesModel {
  readonly issuer?: RefOr<string>;
  readonly subject?: RefOr<string>;
  readonly audience?: RefOr<string>;
  readonly id?: RefOr<string>;
  readonly additionalClaims?: readonly ClaimModel[];
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const VALUES = ["issuer", "subject", "audience", "id"] as const;

/** The policy's algorithms, in its order, each once. */
export function algorithmsOf(model: KeyModel): readonly string[] {
  const names = (model.algorithm ?? "").split(",").map((name) => name.trim());
  return [...new Set(names)].filter((name) => name !== "");
}

/** Milliseconds of a duration that the schema has checked. */
export function milliseconds(duration: string): number {
  const [, digits, unit] = /^([0-9]+)(ms|s|m|h|d)$/.exec(duration) ?? [];
  return Number(digits ?? 0) * (UNIT_MS[unit ?? ""] ?? 0);
}

/**
 * Where the key text is read at start, and what it is. Public keys are read as secrets are: the content of a file,
 * not its path.
 */
export function keySetting(model: KeyModel): { readonly request: SettingRequest; readonly form: KeyForm } | null {
  const { publicKey, secretKey } = model;
  if (secretKey !== undefined) {
    const form: KeyForm = { form: "secret", encoding: secretKey.encoding ?? "utf-8" };
    return { request: { source: secretKey.value, kind: "secret" }, form };
  }
  if (publicKey?.jwks !== undefined) {
    return { request: { source: { file: publicKey.jwks.file }, kind: "secret" }, form: { form: "jwks" } };
  }
  const source = publicKey?.value ?? publicKey?.certificate;
  return source === undefined ? null : { request: { source, kind: "secret" }, form: { form: "public" } };
}

/** Reports algorithms that the key cannot verify, and asks for the key at start. */
export function analyzeKey<M extends PolicyModel & KeyModel>(step: PolicyAnalysis<M>): void {
  const isSecret = step.model.secretKey !== undefined;
  for (const algorithm of algorithmsOf(step.model)) {
    if (algorithm.startsWith("HS") === isSecret) continue;
    step.report("AGW4102", ["algorithm"], { algorithm, key: isSecret ? "secret key" : "public key" });
  }
  const setting = keySetting(step.model);
  if (setting !== null) step.setting(setting.request, isSecret ? ["secretKey", "value"] : ["publicKey"]);
}

/** Notes the variables that demanded values come from, and reports values that cannot be met. */
export function analyzeValues<M extends PolicyModel & ValuesModel>(step: PolicyAnalysis<M>): void {
  for (const name of VALUES) {
    const value = step.model[name];
    if (typeof value === "object") step.reads(value.ref, [name, "ref"]);
  }
  step.model.additionalClaims?.forEach((claim, at) => {
    if (claim.ref !== undefined) step.reads(claim.ref, ["additionalClaims", at, "ref"]);
    const expected = claimMistake(claim);
    if (expected === null) return;
    const params = { what: `the value of claim "${claim.name}"`, value: JSON.stringify(claim.value), expected };
    step.report("AGW3105", ["additionalClaims", at, "value"], params);
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
  if (model.additionalClaims !== undefined) {
    entries.push(["claims", model.additionalClaims.map((claim) => claimCode(e, claim))]);
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
  return model.additionalClaims?.every((claim) => claim.ref === undefined) ?? true;
}

/** Why a literal value is not of its type; null when it is. */
export function claimMistake({ type = "string", array = false, value }: ClaimModel): string | null {
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
