/** GenerateJWT for encrypted tokens: the claims that the policy names, or a signed token of them, in a JWE. */
import { Buffer } from "node:buffer";
import type { Exchange } from "../context.ts";
import { fault, faultIn } from "../fault.ts";
import { jwtFaults } from "../fault/jwt.ts";
import { encryptCompact } from "../token/encrypting.ts";
import type { Encrypting, EncryptingProblem } from "../token/encrypting.ts";
import { claimsOf, isUnresolved } from "../token/jwt-content.ts";
import type { JwtContent } from "../token/jwt-content.ts";
import type { KeyText } from "../token/private-key.ts";
import type { signCompact, SigningProblem, SigningRules } from "../token/signing.ts";

export interface GenerateEncryptedJwtConfig extends Encrypting {
  /** Name of the policy. */
  readonly name: string;
  /** The token within, when it is to be a signed one. */
  readonly nested: null | { readonly rules: SigningRules; readonly sign: typeof signCompact };
  /** What has no value is left out, instead of a fault. */
  readonly ignoreUnresolved: boolean;
  /** Somebody reads `jwt.<policy>.generated_jwt`. */
  readonly keep: boolean;
}

/** The keys as they were read at start; `nested` signs the token within, and its kid is that token's. */
export interface GenerateEncryptedJwtKeys extends KeyText {
  readonly nested: null | (KeyText & { readonly kid?: string | null });
}

/** Makes the token and hands it to `assign`. Throws the faults of `steps.jwt`. */
export async function generateEncryptedJwt(
  x: Exchange,
  config: GenerateEncryptedJwtConfig,
  keys: GenerateEncryptedJwtKeys,
  content: JwtContent,
  assign: ((token: string) => void) | null,
): Promise<void> {
  const made = await encrypted(x, config, keys, content);
  if (made === "KeySetUnavailable") throw fault("gateway.KeySetUnavailable", "", config.name);
  if (typeof made === "string") throw faultIn(jwtFaults, `steps.jwt.${made}`, config.name, config.name);
  if (config.keep) x.keep(config.name, { kind: "issued", fields: new Map([["generated_jwt", made.token]]) });
  assign?.(made.token);
}

async function encrypted(
  x: Exchange,
  config: GenerateEncryptedJwtConfig,
  keys: GenerateEncryptedJwtKeys,
  content: JwtContent,
): Promise<{ readonly token: string } | EncryptingProblem | SigningProblem | "FailedToResolveVariable"> {
  const isIncomplete = isUnresolved(content) || (config.nested !== null && keys.nested?.kid === null);
  if (!config.ignoreUnresolved && isIncomplete) return "FailedToResolveVariable";
  const claims = claimsOf(x, content);
  if (typeof claims === "string") return claims;
  const payload = Buffer.from(JSON.stringify(claims), "utf8");
  const { nested } = config;
  if (nested === null || keys.nested === null) {
    return encryptCompact(x, config, keys, content, { payload, isNested: false });
  }
  const { kid = null } = keys.nested;
  const signed = await nested.sign(x, nested.rules, keys.nested, { kid }, { payload, type: "JWT" });
  if (typeof signed === "string") return signed;
  return encryptCompact(x, config, keys, content, { payload: Buffer.from(signed.token, "ascii"), isNested: true });
}
