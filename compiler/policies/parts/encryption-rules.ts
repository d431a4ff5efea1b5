/**
 * What VerifyJWT and GenerateJWT share of encrypted tokens: both algorithms, the one key that fits, what may not stand
 * beside it.
 */
import type { ContentAlgorithm, EncryptionKeyForm, ManagementAlgorithm } from "#runtime/token/encryption.ts";
import type { SecretEncoding } from "#runtime/token/secret.ts";
import { literal } from "../../5-emit/code.ts";
import type { PolicyModel, RefOr, SecretSource } from "../../ir/model.ts";
import type { PolicyAnalysis, PolicyEmit, SettingRequest } from "../definition.ts";
import type { KeyModel } from "./jwt-rules.ts";

/** Keys of encryption; which of them there is, the algorithm decides. */
export interface EncryptionModel {
  readonly type?: "Signed" | "Encrypted";
  readonly algorithms?: { readonly key: ManagementAlgorithm; readonly content: ContentAlgorithm };
  readonly publicKey?: NonNullable<KeyModel["publicKey"]>;
  readonly privateKey?: { readonly value: SecretSource; readonly password?: SecretSource; readonly id?: RefOr<string> };
  readonly secretKey?: SecretModel;
  readonly directKey?: SecretModel;
  readonly passwordKey?: {
    readonly value: SecretSource;
    readonly id?: RefOr<string>;
    readonly saltLength?: number;
    readonly pbkdf2Iterations?: number;
  };
}

interface SecretModel {
  readonly encoding?: SecretEncoding;
  readonly value: SecretSource;
  readonly id?: RefOr<string>;
}

/** Rounds of a password's derivation, where the policy says nothing. */
const ITERATIONS = 10_000;
/** Bytes of its salt. */
const SALT_BYTES = 8;
/** Every key that a policy can have, with its words. */
const KEYS = {
  publicKey: "public key",
  privateKey: "private key",
  secretKey: "secret key",
  directKey: "direct key",
  passwordKey: "password",
} as const;
type KeyName = keyof typeof KEYS;

/** Reports a `type` that says the opposite, and keys that belong to tokens of the other kind. */
export function analyzeType<M extends PolicyModel & EncryptionModel & { readonly algorithm?: string }>(
  step: PolicyAnalysis<M>,
): void {
  const { type, algorithm, algorithms } = step.model;
  const actual = algorithms === undefined ? "Signed" : "Encrypted";
  if (type !== undefined && type !== actual) {
    const expected = `it is ${actual} by its ${algorithms === undefined ? "algorithm" : "algorithms"}`;
    step.report("AGW3105", ["type"], { what: "type", value: type, expected });
  }
  if (algorithms !== undefined || algorithm === undefined) return;
  for (const name of ["directKey", "passwordKey"] as const) {
    if (step.model[name] !== undefined) step.report("AGW4102", [name], { algorithm, key: KEYS[name] });
  }
}

/** Reports keys that the algorithm does not take, and asks for the one it does at start. `half`: of a pair. */
export function analyzeEncryptionKey<M extends PolicyModel & EncryptionModel>(
  step: PolicyAnalysis<M>,
  half: "publicKey" | "privateKey",
): void {
  const { algorithms } = step.model;
  if (algorithms === undefined) return;
  const wanted = keyNameOf(algorithms.key, half);
  const names: readonly KeyName[] = ["publicKey", "privateKey", "secretKey", "directKey", "passwordKey"];
  for (const name of names) {
    if (name === wanted || step.model[name] === undefined) continue;
    step.report("AGW4102", [name], { algorithm: algorithms.key, key: KEYS[name] });
  }
  if (step.model[wanted] === undefined) return;
  const { key, password } = keysOf(step.model, half);
  if (typeof key === "object") step.setting(key, [wanted]);
  if (password !== null) step.setting(password, ["privateKey", "password"]);
}

/** What is read at start; a key set's literal URL is none of it. */
function keysOf(
  model: EncryptionModel,
  half: "publicKey" | "privateKey",
): { readonly key: SettingRequest | string; readonly password: SettingRequest | null } {
  const wanted = keyNameOf(algorithmsOf(model).key, half);
  if (wanted === "publicKey") return { key: publicKeyOf(model), password: null };
  const { value } = model[wanted] ?? {};
  if (value === undefined) throw new TypeError("invariant: the schema demands a key");
  const password = wanted === "privateKey" ? model.privateKey?.password : undefined;
  return {
    key: { source: value, kind: "secret" },
    password: password === undefined ? null : { source: password, kind: "secret" },
  };
}

function publicKeyOf({ publicKey }: EncryptionModel): SettingRequest | string {
  const { file, uri } = publicKey?.jwks ?? {};
  if (uri !== undefined) return typeof uri === "string" ? uri : { source: uri, kind: "text" };
  const source = publicKey?.value ?? publicKey?.certificate ?? (file === undefined ? undefined : { file });
  if (source === undefined) throw new TypeError("invariant: the schema demands a key");
  return { source, kind: "secret" };
}

/** Expressions for the key's text, which may be a URL, and for its password (`KeyText`). */
export function encryptionKeyEntries<M extends PolicyModel & EncryptionModel>(
  e: PolicyEmit<M>,
  half: "publicKey" | "privateKey",
) {
  const { key, password } = keysOf(e.model, half);
  const text = typeof key === "string" ? literal(key) : e.setting(key);
  return { text, password: password === null ? null : e.setting(password) };
}

/** The rules (`EncryptionRules`). */
export function encryptionRules(model: EncryptionModel, half: "publicKey" | "privateKey") {
  const { key: management, content } = algorithmsOf(model);
  const iterations = model.passwordKey?.pbkdf2Iterations ?? ITERATIONS;
  return { management, content, keyForm: { ...keyFormOf(model, half) }, iterations };
}

/** Bytes of the salt that a password's derivation is given. */
export function saltBytes({ passwordKey }: EncryptionModel): number {
  return passwordKey?.saltLength ?? SALT_BYTES;
}

/** The kid that goes with the key. */
export function encryptionKid(model: EncryptionModel): RefOr<string> | undefined {
  return model[keyNameOf(algorithmsOf(model).key, "publicKey")]?.id;
}

/** True where whoever has the public key can make such a token. */
export function isOpenToAll({ algorithms }: EncryptionModel): boolean {
  return algorithms !== undefined && keyNameOf(algorithms.key, "publicKey") === "publicKey";
}

function keyFormOf(model: EncryptionModel, half: "publicKey" | "privateKey"): EncryptionKeyForm {
  const wanted = keyNameOf(algorithmsOf(model).key, half);
  switch (wanted) {
    case "publicKey": {
      const { jwks } = model.publicKey ?? {};
      if (jwks?.uri !== undefined) return { form: "url", allowPrivateAddresses: jwks.allowPrivateAddresses ?? false };
      return { form: jwks === undefined ? "public" : "set" };
    }
    case "privateKey":
      return { form: "private" };
    case "passwordKey":
      return { form: "secret", encoding: "utf-8" };
    case "secretKey":
    case "directKey":
      return { form: "secret", encoding: model[wanted]?.encoding ?? "utf-8" };
  }
}

function keyNameOf(algorithm: ManagementAlgorithm, half: "publicKey" | "privateKey"): KeyName {
  if (algorithm === "dir") return "directKey";
  if (algorithm.startsWith("PBES2")) return "passwordKey";
  return algorithm.startsWith("RSA") || algorithm.startsWith("ECDH") ? half : "secretKey";
}

function algorithmsOf({ algorithms }: EncryptionModel): NonNullable<EncryptionModel["algorithms"]> {
  if (algorithms === undefined) throw new TypeError("invariant: asked of encrypted tokens only");
  return algorithms;
}
