/**
 * HMAC: a keyed hash of a text, compared with an expected one in constant time (RFC 2104). Neither the key nor the hash
 * that would have been right is part of any message.
 */
import { Buffer } from "node:buffer";
import { createHmac, timingSafeEqual } from "node:crypto";
import type { Exchange, Value } from "../context.ts";
import { faultIn } from "../fault.ts";
import { hmacFaults } from "../fault/hmac.ts";
import { secretBytes } from "../token/secret.ts";
import type { SecretEncoding } from "../token/secret.ts";

/** How hashes are written. */
export type HashEncoding = "hex" | "base64" | "base64url";

export interface HmacConfig {
  readonly name: string;
  readonly algorithm: "md5" | "sha1" | "sha224" | "sha256" | "sha384" | "sha512";
  readonly keyEncoding: SecretEncoding;
  readonly outputEncoding: HashEncoding;
  /** How the expected hash is written; null: none is expected. */
  readonly verificationEncoding: HashEncoding | null;
  /** Somebody reads `hmac.<policy>.*`. */
  readonly keep: boolean;
}

/** The hash as text. `message` null: a variable of it has no value. Throws the faults of `steps.hmac`. */
export function calculateHmac(
  x: Exchange,
  config: HmacConfig,
  secret: Value,
  message: string | null,
  expected: Value,
): string {
  const { name, algorithm, keyEncoding, outputEncoding, verificationEncoding } = config;
  if (secret === null || message === null) throw faultIn(hmacFaults, "steps.hmac.UnresolvedVariable", name, name);
  if (secret === "") throw faultIn(hmacFaults, "steps.hmac.EmptySecretKey", name, name);
  const key = secretBytes(String(secret), keyEncoding);
  if (key === null) throw faultIn(hmacFaults, "steps.hmac.HmacCalculationFailed", name, name);
  const hash = createHmac(algorithm, key).update(message, "utf8").digest();
  if (verificationEncoding !== null) verify(name, hash, expected, verificationEncoding);
  const output = hash.toString(outputEncoding);
  if (config.keep) {
    const fields = new Map([["message", message], ["output", output], ["outputencoding", outputEncoding]]);
    x.keep(name, { kind: "issued", fields });
  }
  return output;
}

function verify(policy: string, hash: Buffer, expected: Value, encoding: HashEncoding): void {
  if (expected === null || expected === "") throw faultIn(hmacFaults, "steps.hmac.EmptyVerificationValue", policy, policy);
  const bytes = secretBytes(String(expected), encoding);
  const isSame = bytes !== null && bytes.length === hash.length && timingSafeEqual(bytes, hash);
  if (!isSame) throw faultIn(hmacFaults, "steps.hmac.HmacVerificationFailed", policy, policy);
}
