/**
 * OAuthV2 for JWT access tokens (RFC 9068): signature and claims, then the client's app and product as for any other
 * token. A token of a client that the store does not know is refused, whoever signed it.
 */
import { askStore, callOf, watch } from "../access/admission.ts";
import type { AccessGrant } from "../access/model.ts";
import { areTokensRevoked, isEndUserCut } from "../access/cutoff.ts";
import type { Exchange, Value } from "../context.ts";
import { fault } from "../fault.ts";
import type { AccessFaultCode } from "../fault/access.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { demandScopes, presentedToken, refusal } from "../token/access-token.ts";
import type { ScopeRules, TokenSource } from "../token/access-token.ts";
import { claimProblem, expiryMs } from "../token/claims.ts";
import type { ClaimProblem, ClaimRules, ClaimValues } from "../token/claims.ts";
import { member, textMember } from "../token/compact.ts";
import type { JsonObject } from "../token/compact.ts";
import { verifySignature } from "../token/jwt.ts";
import type { JwtRules } from "../token/jwt.ts";
import type { JwtProblem, VerifiedJwt } from "../token/verified-jwts.ts";

export interface VerifyJwtAccessTokenConfig extends TokenSource, ScopeRules, JwtRules, ClaimRules {
  /** Somebody reads `jwt.<policy>.*`. */
  readonly keep: boolean;
}

/** Verifies the token, fills the exchange's access and binds the session to the token and to its client. */
export function verifyJwtAccessToken(
  x: Exchange,
  config: VerifyJwtAccessTokenConfig,
  keyText: string,
  presented: Value,
  values: ClaimValues,
): Maybe<void> {
  const token = presentedToken(x, config, presented);
  const { epoch } = x.gateway.revocations;
  return andThen(askStore(config.name, () => verifySignature(x, config, keyText, token)), (jwt) => {
    if (typeof jwt === "string") throw refusal(x, codeOf(jwt), config);
    const problem = claimProblem(jwt.claims, config, values, x.gateway.clock.wallMs());
    if (problem !== null) throw refusal(x, codeOf(problem), config);
    const clientId = textMember(jwt.claims, "client_id");
    if (clientId === null) throw refusal(x, codeOf("InvalidClaim"), config);
    return andThen(askStore(config.name, () => x.gateway.verified.key(clientId, callOf(x))), (grant) => {
      if (typeof grant === "string") throw refusal(x, clientCode(grant), config);
      return andThen(askStore(config.name, () => isRevokedInBulk(x, jwt, grant)), (isRevoked) => {
        if (isRevoked) throw refusal(x, codeOf("revoked"), config);
        demandScopes(x, config, scopesOf(jwt.claims));
        x.access = grant;
        watchToken(x, config, epoch, jwt, grant);
        if (config.keep) x.keep(config.name, jwt);
      });
    });
  });
}

/** With the app's tokens, or those of its end user there. The store is asked again only behind an event about both. */
function isRevokedInBulk({ gateway }: Exchange, jwt: VerifiedJwt, grant: AccessGrant): Maybe<boolean> {
  const { revocations, store } = gateway;
  const { epoch } = revocations;
  const { issuedAtMs, subject } = jwt;
  if (areTokensRevoked(issuedAtMs, grant)) return true;
  if (subject === null) return false;
  const { uncutEpoch: since } = jwt;
  const hasNews = (): boolean =>
    since === undefined || revocations.revokedSince(since, [...jwt.identities, ...grant.identities], "jwt") !== null;
  if (since === epoch || !hasNews()) {
    jwt.uncutEpoch = epoch;
    return false;
  }
  return andThen(isEndUserCut(store, { appId: grant.app.id, endUser: subject }, issuedAtMs), (isCut) => {
    if (!isCut) jwt.uncutEpoch = epoch;
    return isCut;
  });
}

function watchToken(
  x: Exchange,
  config: VerifyJwtAccessTokenConfig,
  epoch: number,
  jwt: VerifiedJwt,
  grant: AccessGrant,
): void {
  const ends = [expiryMs(jwt.claims, config.timeAllowanceMs), grant.expiresAtMs].filter((end) => end !== null);
  watch(x, {
    kind: "jwt",
    policy: config.name,
    epoch,
    expiresAtMs: ends.length === 0 ? null : Math.min(...ends),
    identities: [...jwt.identities, ...grant.identities],
    issuedAtMs: jwt.issuedAtMs,
    labels: grant.labels,
    scopes: scopesOf(jwt.claims),
    basis: { kind: "key", digest: grant.key.id, call: callOf(x) },
  });
}

/** A policy's own mistakes keep their names; everything about the token is Apigee's three. */
function codeOf(problem: JwtProblem | ClaimProblem | "revoked"): AccessFaultCode {
  switch (problem) {
    case "TokenExpired":
      return "keymanagement.service.access_token_expired";
    case "revoked":
      return "keymanagement.service.access_token_not_approved";
    case "FailedToDecode":
      return "oauth.v2.InvalidAccessToken";
    case "KeySetUnavailable":
      return "gateway.KeySetUnavailable";
    default:
      return "keymanagement.service.invalid_access_token";
  }
}

/** What is wrong with the client's key, in the words for tokens. */
function clientCode(code: AccessFaultCode): AccessFaultCode {
  if (code === "oauth.v2.InvalidApiKey") return "keymanagement.service.invalid_access_token";
  if (code === "oauth.v2.InvalidApiKeyForGivenResource") {
    return "keymanagement.service.InvalidAPICallAsNoApiProductMatchFound";
  }
  return code;
}

/** `scope` as RFC 9068 writes it, parted by spaces, or the list that some issuers send. */
function scopesOf(claims: JsonObject): readonly string[] {
  const scope = member(claims, "scope");
  if (typeof scope === "string") return scope.split(" ");
  return Array.isArray(scope) ? scope.filter((one) => typeof one === "string") : [];
}
