/**
 * Keys that verify tokens: read from the text of a key set, a PEM or a secret, then looked up by `kid` and
 * algorithm. It fetches nothing and follows no reference in a token (jku, x5u, jwk, x5c).
 */
import { createPublicKey, createSecretKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { keyMisfit } from "./algorithm.ts";
import type { Algorithm } from "./algorithm.ts";
import { isObject, member, textMember } from "./compact.ts";
import type { JsonObject } from "./compact.ts";
import { importPublicJwk } from "./public-jwk.ts";
import { secretBytes } from "./secret.ts";
import type { SecretEncoding } from "./secret.ts";
import { isWeakRsa } from "./weak-rsa.ts";

/** What a policy's key text is. `kid` of a key without a set to name it: the one that its tokens have, or count as. */
export type KeyForm =
  | { readonly form: "jwks" }
  /** The text is the URL of a key set. */
  | { readonly form: "url"; readonly allowPrivateAddresses: boolean }
  | { readonly form: "public"; readonly kid?: string }
  | { readonly form: "secret"; readonly encoding: SecretEncoding; readonly kid?: string };

/** One key of a set; `algorithm` null: its set does not say. */
interface SetKey {
  readonly key: KeyObject;
  readonly algorithm: string | null;
}

/** The keys of one policy. */
export type Keys =
  | { readonly form: "one"; readonly key: KeyObject; readonly kid?: string }
  | KeySet;

/** Keys of a set, by `kid`. */
export interface KeySet {
  readonly form: "set";
  readonly byKid: ReadonlyMap<string, readonly SetKey[]>;
}

/** Why there is no key. Names are those of the `steps.jwt` faults, but for the set that cannot be fetched. */
export type KeyProblem =
  | "AlgorithmMismatch"
  | "InsufficientKeyLength"
  | "KeyIdMissing"
  | "KeyParsingFailed"
  | "KeySetUnavailable"
  | "NoMatchingPublicKey"
  | "WrongKeyType";

/** Reads a key text. `keysMax` bounds a set; what is no key for signatures in it is left out (RFC 7517 section 5). */
export function readKeys(text: string, form: KeyForm, keysMax: number): Keys | KeyProblem {
  switch (form.form) {
    case "jwks":
      return readSet(text, keysMax);
    case "public":
      return readPublicKey(text);
    case "secret":
      return readSecret(text, form.encoding);
    case "url":
      return "KeyParsingFailed";
  }
}

/** The key for a token's algorithm and `kid` (null: it has none). */
export function pickKey(keys: Keys, algorithm: Algorithm, kid: string | null): KeyObject | KeyProblem {
  if (keys.form === "one") {
    const isAnother = keys.kid !== undefined && kid !== null && kid !== keys.kid;
    return isAnother ? "NoMatchingPublicKey" : fitting(keys.key, algorithm);
  }
  if (kid === null) return "KeyIdMissing";
  const named = keys.byKid.get(kid) ?? [];
  const [first, ...others] = named.filter((entry) => entry.algorithm === null || entry.algorithm === algorithm);
  if (first === undefined) return named.length === 0 ? "NoMatchingPublicKey" : "AlgorithmMismatch";
  const found = fitting(first.key, algorithm);
  return typeof found !== "string" ? found : pickOther(others, algorithm, found);
}

/** Keys of several kinds may share a kid (RFC 7517 section 4.5). */
function pickOther(others: readonly SetKey[], algorithm: Algorithm, problem: KeyProblem): KeyObject | KeyProblem {
  const other = others.find(({ key }) => keyMisfit(key, algorithm) === null);
  return other === undefined ? problem : other.key;
}

function fitting(key: KeyObject, algorithm: Algorithm): KeyObject | KeyProblem {
  const misfit = keyMisfit(key, algorithm);
  if (misfit === null) return key;
  return misfit === "kind" ? "AlgorithmMismatch" : "InsufficientKeyLength";
}

/** True when the set has that key under that kid. */
export function holdsKey(set: KeySet, key: KeyObject, kid: string | null): boolean {
  return kid !== null && (set.byKid.get(kid)?.some((entry) => entry.key === key) ?? false);
}

/** Reads a set. Keys that `before` has under the same kid are taken from there: they are told by identity. */
export function readSet(text: string, keysMax: number, before: KeySet | null = null): KeySet | KeyProblem {
  const set = parseJson(text);
  const list = isObject(set) ? member(set, "keys") : undefined;
  if (!Array.isArray(list)) return "KeyParsingFailed";
  const byKid = new Map<string, SetKey[]>();
  for (const entry of list.slice(0, keysMax)) {
    const kid = isObject(entry) ? textMember(entry, "kid") : null;
    const read = isObject(entry) && isForVerifying(entry) ? importPublicJwk(entry) : null;
    if (kid === null || read === null || !isObject(entry)) continue;
    const named = byKid.get(kid);
    const known = before?.byKid.get(kid)?.find(({ key }) => key.equals(read));
    const found: SetKey = { key: known?.key ?? read, algorithm: textMember(entry, "alg") };
    if (named === undefined) byKid.set(kid, [found]);
    else named.push(found);
  }
  return { form: "set", byKid };
}

/** Secrets and private keys have no place in a key set, whoever wrote it. */
function isForVerifying(jwk: JsonObject): boolean {
  if (member(jwk, "kty") === "oct" || member(jwk, "d") !== undefined) return false;
  const use = member(jwk, "use");
  const operations = member(jwk, "key_ops");
  if (use !== undefined && use !== "sig") return false;
  return operations === undefined || (Array.isArray(operations) && operations.includes("verify"));
}

function readPublicKey(text: string): Keys | KeyProblem {
  const pem = text.trim();
  if (!pem.startsWith("-----BEGIN ")) return "KeyParsingFailed";
  // createPublicKey would derive the public half of a private key, and the mistake would go unseen.
  if (pem.includes("PRIVATE KEY")) return "WrongKeyType";
  try {
    const key = createPublicKey(pem);
    return isWeakRsa(key) ? "KeyParsingFailed" : { form: "one", key };
  } catch {
    return "KeyParsingFailed";
  }
}

/** A PEM or a key set as a secret is public knowledge used as one. */
function readSecret(text: string, encoding: SecretEncoding): Keys | KeyProblem {
  if (text.includes("-----BEGIN ") || isObject(parseJson(text))) return "WrongKeyType";
  const bytes = secretBytes(text, encoding);
  return bytes === null ? "KeyParsingFailed" : { form: "one", key: createSecretKey(bytes) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
