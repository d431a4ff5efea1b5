/**
 * Signed access tokens that somebody wants to take back: proven like any other, because a forged one could name another
 * client's token, but whatever their times say. It revokes nothing.
 */
import { digest } from "../access/digest.ts";
import type { SignedToken } from "../access/signed-tokens.ts";
import type { Exchange } from "../context.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { expiryMs } from "./claims.ts";
import { textMember } from "./compact.ts";
import { signedTokens } from "./jwt.ts";
import type { JwtRules } from "./jwt.ts";
import { provenJwt } from "./verified-jwts.ts";

/** Which signed tokens a policy knows. */
export interface SignedTokens {
  readonly find: typeof signedAccessToken;
  readonly rules: Omit<JwtRules, "timeAllowanceMs">;
  readonly keyText: string;
  /** The `iss` that they have; absent: any. */
  readonly issuer?: string | null;
}

/**
 * What the token says of itself. Null: it is none that these keys have signed. "NoName": it cannot be named: it has no
 * `jti`, `iss` or `client_id`, or the policy's issuer has no value.
 */
export function signedAccessToken(
  x: Exchange,
  { issuer: wanted, keyText, rules }: SignedTokens,
  token: string,
): Maybe<SignedToken | null | "NoName" | "KeySetUnavailable"> {
  // A variable without a value must not look like a token that is gone already.
  if (wanted === null) return "NoName";
  const timeless = { ...rules, timeAllowanceMs: Number.MAX_SAFE_INTEGER };
  return andThen(provenJwt(x, token, timeless, keyText, signedTokens), (jwt) => {
    if (typeof jwt === "string") return jwt === "KeySetUnavailable" ? jwt : null;
    const { claims, identities, issuedAtMs, issuer, jti } = jwt;
    if (wanted !== undefined && issuer !== wanted) return null;
    const clientId = textMember(claims, "client_id");
    if (issuer === null || jti === null || clientId === null) return "NoName";
    const clientKeyDigest = digest(clientId);
    const [sid, expiresAtMs] = [textMember(claims, "sid"), expiryMs(claims, 0)];
    return { issuer, jti, sid, clientKeyDigest, expiresAtMs, identities, issuedAtMs };
  });
}
