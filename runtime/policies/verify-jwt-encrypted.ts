/** VerifyJWT for encrypted tokens: decryption, the signature within where there is one, and claims. */
import { askStore } from "../access/admission.ts";
import type { Exchange, Value } from "../context.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { ClaimValues } from "../token/claims.ts";
import { encryptedTokens } from "../token/encrypted-jwt.ts";
import type { EncryptedJwtKeys, EncryptedJwtRules } from "../token/encrypted-jwt.ts";
import { admitJwt, presentedJwt } from "../token/jwt-admission.ts";
import type { JwtAdmissionRules } from "../token/jwt-admission.ts";
import { verifiedJwt } from "../token/verified-jwts.ts";

export interface VerifyEncryptedJwtConfig extends EncryptedJwtRules, JwtAdmissionRules {}

/** Proves a token and binds the session to its expiry and to the revocation of what names it. */
export function verifyEncryptedJwt(
  x: Exchange,
  config: VerifyEncryptedJwtConfig,
  keys: EncryptedJwtKeys,
  presented: Value,
  values: ClaimValues,
): Maybe<void> {
  const token = presentedJwt(config, presented, values);
  const { epoch } = x.gateway.revocations;
  const verified = askStore(config.name, () => verifiedJwt(x, token, config, keys, encryptedTokens));
  return andThen(verified, (jwt) => admitJwt(x, config, values, epoch, jwt));
}
