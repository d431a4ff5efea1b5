/** GenerateJWT: a signed token of the claims that the policy names (RFC 7519). It verifies and remembers nothing. */
import { Buffer } from "node:buffer";
import type { Exchange } from "../context.ts";
import { faultIn } from "../fault.ts";
import { jwtFaults } from "../fault/jwt.ts";
import type { Fault } from "../fault.ts";
import { claimsOf, isUnresolved } from "../token/jwt-content.ts";
import type { JwtContent } from "../token/jwt-content.ts";
import type { KeyText } from "../token/private-key.ts";
import { signCompact } from "../token/signing.ts";
import type { SigningProblem, SigningRules } from "../token/signing.ts";

export interface GenerateJwtConfig extends SigningRules {
  /** What has no value is left out, instead of a fault. */
  readonly ignoreUnresolved: boolean;
  /** Somebody reads `jwt.<policy>.generated_jwt`. */
  readonly keep: boolean;
}

/** Makes the token and hands it to `assign`. Throws the faults of `steps.jwt`. */
export async function generateJwt(
  x: Exchange,
  config: GenerateJwtConfig,
  key: KeyText,
  content: JwtContent,
  assign: ((token: string) => void) | null,
): Promise<void> {
  if (!config.ignoreUnresolved && isUnresolved(content)) throw refused(config, "FailedToResolveVariable");
  const claims = claimsOf(x, content);
  if (typeof claims === "string") throw refused(config, claims);
  const payload = Buffer.from(JSON.stringify(claims), "utf8");
  const signed = await signCompact(x, config, key, content, { payload, type: "JWT" });
  if (typeof signed === "string") throw refused(config, signed);
  if (config.keep) x.keep(config.name, { kind: "issued", fields: new Map([["generated_jwt", signed.token]]) });
  assign?.(signed.token);
}

function refused(config: GenerateJwtConfig, problem: SigningProblem | "FailedToResolveVariable"): Fault {
  return faultIn(jwtFaults, `steps.jwt.${problem}`, config.name, config.name);
}
