/**
 * Signature algorithms (RFC 7518 section 3, RFC 8037) and the keys that fit them. The algorithm is the policy's
 * choice; a token's header can only agree with it.
 */
import type { KeyObject } from "node:crypto";

/** What an algorithm demands of its key. */
export type KeyDemand =
  | { readonly type: "secret"; readonly bytesMin: number }
  | { readonly type: "rsa" }
  | { readonly type: "ec"; readonly curve: string }
  | { readonly type: "ed25519" };

/** Algorithms by name. `none` is not among them. */
export const algorithms = {
  HS256: { type: "secret", bytesMin: 32 },
  HS384: { type: "secret", bytesMin: 48 },
  HS512: { type: "secret", bytesMin: 64 },
  RS256: { type: "rsa" },
  RS384: { type: "rsa" },
  RS512: { type: "rsa" },
  PS256: { type: "rsa" },
  PS384: { type: "rsa" },
  PS512: { type: "rsa" },
  ES256: { type: "ec", curve: "prime256v1" },
  ES384: { type: "ec", curve: "secp384r1" },
  ES512: { type: "ec", curve: "secp521r1" },
  EdDSA: { type: "ed25519" },
} as const satisfies Record<string, KeyDemand>;

/** Name of an algorithm. */
export type Algorithm = keyof typeof algorithms;

/** RFC 7518 section 3.3. */
const RSA_BITS_MIN = 2048;

/** Why a key does not do: of another kind, or too small. */
export type KeyMisfit = "kind" | "size";

/** Null when the key, or the half of a pair that is asked for, fits the algorithm. */
export function keyMisfit(
  key: KeyObject,
  algorithm: Algorithm,
  half: "public" | "private" = "public",
): KeyMisfit | null {
  const demand: KeyDemand = algorithms[algorithm];
  if (demand.type === "secret") {
    if (key.type !== "secret") return "kind";
    return (key.symmetricKeySize ?? 0) < demand.bytesMin ? "size" : null;
  }
  if (key.type !== half || key.asymmetricKeyType !== demand.type) return "kind";
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (demand.type === "rsa") return modulusLength < RSA_BITS_MIN ? "size" : null;
  return demand.type === "ec" && namedCurve !== demand.curve ? "kind" : null;
}
