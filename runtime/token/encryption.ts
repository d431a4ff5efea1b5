/**
 * Encryption algorithms of tokens (RFC 7518 sections 4 and 5, RFC 8037) and the keys that fit them. Both algorithms are
 * the policy's choice; a token's header can only agree with them. It encrypts nothing.
 */
import { createPublicKey, createSecretKey, X509Certificate } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { isObject, member, parseObject, textMember } from "./compact.ts";
import type { JsonObject } from "./compact.ts";
import { readPrivateKey } from "./private-key.ts";
import type { KeyText } from "./private-key.ts";
import { importPublicJwk } from "./public-jwk.ts";
import { secretBytes } from "./secret.ts";
import type { SecretEncoding } from "./secret.ts";

/** What a key management algorithm demands of its key. */
export type ManagementDemand =
  | { readonly type: "rsa" }
  | { readonly type: "agreement" }
  | { readonly type: "wrap"; readonly bytes: number }
  /** The key is the content's. */
  | { readonly type: "direct" }
  | { readonly type: "password" };

/** Key management by name. RSA1_5 and RSA-OAEP with SHA-1 are not among them. */
export const managementAlgorithms = {
  "RSA-OAEP-256": { type: "rsa" },
  "ECDH-ES": { type: "agreement" },
  "ECDH-ES+A128KW": { type: "agreement" },
  "ECDH-ES+A192KW": { type: "agreement" },
  "ECDH-ES+A256KW": { type: "agreement" },
  A128KW: { type: "wrap", bytes: 16 },
  A192KW: { type: "wrap", bytes: 24 },
  A256KW: { type: "wrap", bytes: 32 },
  A128GCMKW: { type: "wrap", bytes: 16 },
  A192GCMKW: { type: "wrap", bytes: 24 },
  A256GCMKW: { type: "wrap", bytes: 32 },
  "PBES2-HS256+A128KW": { type: "password" },
  "PBES2-HS384+A192KW": { type: "password" },
  "PBES2-HS512+A256KW": { type: "password" },
  dir: { type: "direct" },
} as const satisfies Record<string, ManagementDemand>;
export type ManagementAlgorithm = keyof typeof managementAlgorithms;

/** Content encryption by name, with the bytes of its key. */
export const contentAlgorithms = {
  A128GCM: 16,
  A192GCM: 24,
  A256GCM: 32,
  "A128CBC-HS256": 32,
  "A192CBC-HS384": 48,
  "A256CBC-HS512": 64,
} as const;
export type ContentAlgorithm = keyof typeof contentAlgorithms;

/** What a policy's key text is. `set`: a key set, of which `kid` names one key; `url`: where one is. */
export type EncryptionKeyForm =
  | { readonly form: "private" }
  | { readonly form: "public" }
  | { readonly form: "set" }
  | { readonly form: "url"; readonly allowPrivateAddresses: boolean }
  | { readonly form: "secret"; readonly encoding: SecretEncoding };

/** What a policy says about encryption. */
export interface EncryptionRules {
  readonly management: ManagementAlgorithm;
  readonly content: ContentAlgorithm;
  readonly keyForm: EncryptionKeyForm;
  /** Rounds of a password's derivation (PBES2): a token is made with as many, and may ask for at most as many. */
  readonly iterations: number;
}

/** Why a key does not do. Names are those of the `steps.jwt` faults. */
export type EncryptionKeyProblem =
  | "AlgorithmMismatch"
  | "InsufficientKeyLength"
  | "InvalidSecretKey"
  | "KeyParsingFailed"
  | "NoMatchingPublicKey"
  | "WrongKeyType";

const RSA_BITS_MIN = 2048;
/** Values of `key_ops` by which a public key may encrypt. */
const ENCRYPTING: readonly unknown[] = ["encrypt", "wrapKey", "deriveKey", "deriveBits"];
const CURVES: readonly string[] = ["prime256v1", "secp384r1", "secp521r1"];

/** Keys of a set that tokens can be encrypted for. */
export interface Recipients {
  readonly byKid: ReadonlyMap<string, readonly KeyObject[]>;
}

/** Reads a policy's key and binds it to the algorithm. `keysMax` bounds a set, of which `kid` names the key. */
export function readEncryptionKey(
  rules: EncryptionRules,
  key: KeyText,
  kid: string | null,
  keysMax: number,
): KeyObject | EncryptionKeyProblem {
  if (rules.keyForm.form === "set") {
    const set = readRecipients(key.text, keysMax);
    return set === null ? "KeyParsingFailed" : pickRecipient(rules, set, kid);
  }
  const read = readKey(rules.keyForm, key);
  return typeof read === "string" ? read : (misfit(rules, read) ?? read);
}

/** The key that `kid` names and that fits; of several of one name (RFC 7517 section 4.5) the first that does. */
export function pickRecipient(
  rules: EncryptionRules,
  { byKid }: Recipients,
  kid: string | null,
): KeyObject | EncryptionKeyProblem {
  const named = kid === null ? [] : (byKid.get(kid) ?? []);
  const [first] = named;
  if (first === undefined) return "NoMatchingPublicKey";
  return named.find((key) => misfit(rules, key) === null) ?? misfit(rules, first) ?? first;
}

/** The keys of a set that are public and not for signatures; null when the text is no set. */
export function readRecipients(text: string, keysMax: number): Recipients | null {
  const set = parseObject(text);
  const list: unknown = set === null ? null : member(set, "keys");
  if (!Array.isArray(list)) return null;
  const byKid = new Map<string, KeyObject[]>();
  for (const jwk of list.slice(0, keysMax)) {
    const kid = isObject(jwk) ? textMember(jwk, "kid") : null;
    const key = isObject(jwk) && isForEncrypting(jwk) ? importPublicJwk(jwk) : null;
    if (kid === null || key === null) continue;
    const named = byKid.get(kid);
    if (named === undefined) byKid.set(kid, [key]);
    else named.push(key);
  }
  return { byKid };
}

/** RFC 7517 sections 4.2 and 4.3. */
function isForEncrypting(jwk: JsonObject): boolean {
  const use = member(jwk, "use");
  const operations = member(jwk, "key_ops");
  if (use !== undefined && use !== "enc") return false;
  return operations === undefined || (Array.isArray(operations) && operations.some((one) => ENCRYPTING.includes(one)));
}

function readKey(keyForm: EncryptionKeyForm, key: KeyText): KeyObject | EncryptionKeyProblem {
  switch (keyForm.form) {
    case "private":
      return readPrivateKey(key);
    case "public":
      return readPublicKey(key.text);
    case "set":
    case "url":
      return "KeyParsingFailed";
    case "secret": {
      if (key.text.includes("-----BEGIN ")) return "WrongKeyType";
      const bytes = secretBytes(key.text, keyForm.encoding);
      return bytes === null ? "KeyParsingFailed" : createSecretKey(bytes);
    }
  }
}

function misfit({ management, content, keyForm }: EncryptionRules, key: KeyObject): EncryptionKeyProblem | null {
  const demand: ManagementDemand = managementAlgorithms[management];
  if (demand.type === "password") return key.type === "secret" ? null : "AlgorithmMismatch";
  if (demand.type === "wrap" || demand.type === "direct") {
    const bytes = demand.type === "wrap" ? demand.bytes : contentAlgorithms[content];
    if (key.type !== "secret") return "AlgorithmMismatch";
    const size = key.symmetricKeySize ?? 0;
    return size === bytes ? null : size < bytes ? "InsufficientKeyLength" : "InvalidSecretKey";
  }
  if (key.type !== (keyForm.form === "private" ? "private" : "public")) return "AlgorithmMismatch";
  const { asymmetricKeyType: type, asymmetricKeyDetails: { modulusLength = 0, namedCurve = "" } = {} } = key;
  if (demand.type === "rsa") {
    if (type !== "rsa") return "AlgorithmMismatch";
    return modulusLength < RSA_BITS_MIN ? "InsufficientKeyLength" : null;
  }
  return type === "x25519" || (type === "ec" && CURVES.includes(namedCurve)) ? null : "AlgorithmMismatch";
}

function readPublicKey(text: string): KeyObject | EncryptionKeyProblem {
  const pem = text.trim();
  if (!pem.startsWith("-----BEGIN ")) return "KeyParsingFailed";
  if (pem.includes("PRIVATE KEY")) return "WrongKeyType";
  try {
    return pem.includes("BEGIN CERTIFICATE") ? new X509Certificate(pem).publicKey : createPublicKey(pem);
  } catch {
    return "KeyParsingFailed";
  }
}
