/**
 * DecodeJWT: takes a token apart; of an encrypted one the header. Nothing that it says is proven, and no session is
 * bound to it.
 */
import type { Exchange, Value } from "../context.ts";
import { faultIn } from "../fault.ts";
import { jwtFaults } from "../fault/jwt.ts";
import { tokenIn } from "../token/bearer.ts";
import { parseCompact, parseJwe } from "../token/compact.ts";
import type { CompactToken } from "../token/compact.ts";

export interface DecodeJwtConfig {
  readonly name: string;
  /** Word in front of the token, without the space; empty: none. */
  readonly prefix: string;
  /** Without a token nothing happens, instead of a fault. */
  readonly ignoreUnresolved: boolean;
  /** Somebody reads `jwt.<policy>.*`. */
  readonly keep: boolean;
}

/** Keeps what the token says for the policy's variables. */
export function decodeJwt(x: Exchange, config: DecodeJwtConfig, presented: Value): void {
  const { name, prefix, ignoreUnresolved, keep } = config;
  const token = presented === null ? "" : tokenIn(String(presented), prefix);
  if (token === "") {
    if (ignoreUnresolved) return;
    throw faultIn(jwtFaults, "steps.jwt.InvalidToken", name, name);
  }
  const decoded = decode(token, x.gateway.limits.jwtCharsMax);
  if (decoded === null) throw faultIn(jwtFaults, "steps.jwt.FailedToDecode", name, name);
  if (keep) x.keep(name, { kind: "decodedJwt", ...decoded });
}

function decode(token: string, charsMax: number): CompactToken | null {
  const signed = parseCompact(token, charsMax);
  if (signed !== null) return signed;
  const encrypted = parseJwe(token, charsMax);
  return encrypted === null ? null : { ...encrypted, claims: {}, claimsJson: "" };
}
