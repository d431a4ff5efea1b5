/** A public key written as a JWK (RFC 7517), alone. It follows no reference (x5u, x5c), and takes no private part. */
import { createPublicKey } from "node:crypto";
import type { JsonWebKeyInput, KeyObject } from "node:crypto";
import { member, textMember } from "./compact.ts";
import type { JsonObject } from "./compact.ts";
import { isWeakRsa } from "./weak-rsa.ts";

/** The key; null when it is none, a weak one, or has a private or secret part. */
export function importPublicJwk(jwk: JsonObject): KeyObject | null {
  if (member(jwk, "d") !== undefined || member(jwk, "k") !== undefined) return null;
  const key: JsonWebKeyInput["key"] = {};
  for (const name of ["kty", "n", "e", "crv", "x", "y"] as const) {
    const value = textMember(jwk, name);
    if (value !== null) key[name] = value;
  }
  try {
    const made = createPublicKey({ key, format: "jwk" });
    return isWeakRsa(made) ? null : made;
  } catch {
    return null;
  }
}
