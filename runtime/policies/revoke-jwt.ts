/** RevokeJWT: refuses JWTs by what names them, on every replica, and ends their sessions. It sees no token. */
import { askStore } from "../access/admission.ts";
import { jtiIdentity, kidIdentity, sidIdentity, subjectIdentity } from "../access/identity.ts";
import { revokeJwts } from "../access/jwt-revocation.ts";
import type { Exchange } from "../context.ts";
import { faultIn } from "../fault.ts";
import { jwtFaults } from "../fault/jwt.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";

export interface RevokeJwtConfig {
  readonly name: string;
  /** Which name of a token is given. */
  readonly by: "jti" | "kid" | "sid" | "subject";
  /** How long it is remembered; null: for ever. */
  readonly rememberMs: number | null;
}

const IDENTITIES = { jti: jtiIdentity, kid: kidIdentity, sid: sidIdentity, subject: subjectIdentity } as const;

/** Revokes. Null is a variable without a value, and a fault: nobody would be meant. */
export function revokeJwt(
  x: Exchange,
  { name, by, rememberMs }: RevokeJwtConfig,
  issuer: string | null,
  named: string | null,
): Maybe<void> {
  if (issuer === null || named === null || named === "") throw faultIn(jwtFaults, "steps.jwt.FailedToResolveVariable", name, name);
  const untilMs = rememberMs === null ? null : x.gateway.clock.wallMs() + rememberMs;
  const revoked = askStore(name, () => revokeJwts(x.gateway, IDENTITIES[by](issuer, named), untilMs));
  return andThen(revoked, () => undefined);
}
