/**
 * VerifyJWT: signature and claims of a JWT, whoever issued it. It knows nothing of apps and products.
 */
import { askStore, watch } from "../access/admission.ts";
import { noLabels } from "../access/credential.ts";
import { appIdentity } from "../access/identity.ts";
import type { Exchange, Value } from "../context.ts";
import { fault } from "../fault.ts";
import type { Fault } from "../fault.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { tokenIn } from "../token/bearer.ts";
import { claimProblem, expiryMs, meetsHeaders } from "../token/claims.ts";
import type { ClaimProblem, ClaimRules, ClaimValues } from "../token/claims.ts";
import { textMember } from "../token/compact.ts";
import { verifySignature } from "../token/jwt.ts";
import type { JwtProblem, JwtRules, VerifiedJwt } from "../token/jwt.ts";

export interface VerifyJwtConfig extends JwtRules, ClaimRules {
  /** Word in front of the token, without the space; empty: none. */
  readonly prefix: string;
  /** Somebody reads `jwt.<policy>.*`. */
  readonly keep: boolean;
  /** A demanded value that does not resolve is empty, which no token matches, instead of a fault of its own. */
  readonly ignoreUnresolved: boolean;
}

/** Verifies a token and binds the session to its expiry and to the revocation of its jti, kid and subject. */
export function verifyJwt(
  x: Exchange,
  config: VerifyJwtConfig,
  keyText: string,
  presented: Value,
  values: ClaimValues,
): Maybe<void> {
  const token = presented === null ? "" : tokenIn(String(presented), config.prefix);
  if (token === "" || (!config.ignoreUnresolved && isUnresolved(values))) {
    throw refused(config, "FailedToResolveVariable");
  }
  const { epoch } = x.gateway.revocations;
  return andThen(askStore(config.name, () => verifySignature(x, config, keyText, token)), (jwt) => {
    if (typeof jwt === "string") throw refused(config, jwt === "revoked" ? "InvalidToken" : jwt);
    const problem = claimProblem(jwt.claims, config, values, x.gateway.clock.wallMs());
    if (problem !== null) throw refused(config, problem);
    if (!meetsHeaders(jwt.header, values)) throw refused(config, "InvalidClaim");
    watchToken(x, config, epoch, jwt);
    if (config.keep) x.keep(config.name, jwt);
  });
}

function watchToken(x: Exchange, config: VerifyJwtConfig, epoch: number, jwt: VerifiedJwt): void {
  const clientId = textMember(jwt.claims, "client_id");
  watch(x, {
    kind: "jwt",
    policy: config.name,
    epoch,
    expiresAtMs: expiryMs(jwt.claims, config.timeAllowanceMs),
    identities: clientId === null ? jwt.identities : [...jwt.identities, appIdentity(clientId)],
    issuedAtMs: jwt.issuedAtMs,
    labels: noLabels,
    basis: null,
  });
}

function isUnresolved({ issuer, subject, audience, id, claims = [], headers = [] }: ClaimValues): boolean {
  if (issuer === null || subject === null || audience === null || id === null) return true;
  return [claims, headers].some((demands) => demands.some(({ value }) => value === null));
}

function refused(config: VerifyJwtConfig, problem: JwtProblem | ClaimProblem | "FailedToResolveVariable"): Fault {
  if (problem === "KeySetUnavailable") return fault("gateway.KeySetUnavailable", "", config.name);
  return fault(`steps.jwt.${problem}`, config.name, config.name);
}
