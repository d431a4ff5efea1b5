/**
 * VerifyJWT: signature and claims of a JWT, whoever issued it. It knows nothing of apps and products.
 */
import { askStore } from "../access/admission.ts";
import type { Exchange, Value } from "../context.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { ClaimValues } from "../token/claims.ts";
import { verifySignature } from "../token/jwt.ts";
import type { JwtRules } from "../token/jwt.ts";
import { admitJwt, presentedJwt } from "../token/jwt-admission.ts";
import type { JwtAdmissionRules } from "../token/jwt-admission.ts";

export interface VerifyJwtConfig extends JwtRules, JwtAdmissionRules {}

/** Verifies a token and binds the session to its expiry and to the revocation of what names it. */
export function verifyJwt(
  x: Exchange,
  config: VerifyJwtConfig,
  keyText: string,
  presented: Value,
  values: ClaimValues,
): Maybe<void> {
  const token = presentedJwt(config, presented, values);
  const { epoch } = x.gateway.revocations;
  const verified = askStore(config.name, () => verifySignature(x, config, keyText, token));
  return andThen(verified, (jwt) => admitJwt(x, config, values, epoch, jwt));
}
