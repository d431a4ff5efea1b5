/**
 * OAuthV2 operations GenerateJWTAccessToken and RefreshJWTAccessToken: access tokens that are signed (RFC 9068) and
 * that no store holds. Refresh tokens and codes are the same as for opaque ones, and revoking a grant reaches its JWTs
 * by their `sid`.
 */
import { Buffer } from "node:buffer";
import type { JwtWish } from "../access/tokens.ts";
import type { Exchange } from "../context.ts";
import { faultIn } from "../fault.ts";
import { accessFault } from "../fault/access.ts";
import { jwtFaults } from "../fault/jwt.ts";
import type { Maybe } from "../maybe.ts";
import type { KeyText } from "../token/private-key.ts";
import { signCompact } from "../token/signing.ts";
import type { SigningRules } from "../token/signing.ts";
import type { TokenRequest } from "../token/token-request.ts";
import { generateAccessToken } from "./oauth-v2-issue.ts";
import type { GenerateAccessTokenConfig } from "./oauth-v2-issue.ts";

/** The key that signs, and what tokens say of where they come from; null: a variable did not resolve. */
export interface AccessTokenSigner extends KeyText {
  readonly issuer: string | null;
  readonly audience: string | null;
  readonly kid?: string | null;
}

/** Issues a signed access token to the client, and answers with it. */
export function generateJwtAccessToken(
  x: Exchange,
  config: GenerateAccessTokenConfig,
  rules: SigningRules,
  signer: AccessTokenSigner,
  request: TokenRequest,
): Maybe<void> {
  const { name } = config;
  const { issuer, audience, kid = null } = signer;
  if (issuer === null || audience === null) throw faultIn(jwtFaults, "steps.jwt.FailedToResolveVariable", name, name);
  const signing = (clientId: string): JwtWish => ({
    issuer,
    async sign({ subject, scopes, issuedAtMs, expiresAtMs, grantId, attributes, hidden = [] }) {
      if (expiresAtMs === null) throw accessFault("steps.oauth.v2.InvalidValueForExpiresIn", "-1", name);
      const claims = {
        iss: issuer,
        sub: subject ?? clientId,
        aud: audience,
        exp: Math.floor(expiresAtMs / 1000),
        iat: Math.floor(issuedAtMs / 1000),
        jti: x.gateway.clock.randomId(),
        client_id: clientId,
        ...(scopes.length === 0 ? {} : { scope: scopes.join(" ") }),
        ...(grantId === undefined ? {} : { sid: grantId }),
      };
      const shown = Object.fromEntries(Object.entries(attributes).filter(([attribute]) => !hidden.includes(attribute)));
      const payload = Buffer.from(JSON.stringify({ ...shown, ...claims }), "utf8");
      const signed = await signCompact(x, rules, signer, { kid }, { payload, type: "at+jwt" });
      if (typeof signed === "string") throw faultIn(jwtFaults, `steps.jwt.${signed}`, name, name);
      return signed.token;
    },
  });
  return generateAccessToken(x, config, request, signing);
}
