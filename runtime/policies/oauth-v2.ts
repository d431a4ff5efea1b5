/**
 * OAuthV2 for opaque tokens of the store: verify, invalidate and validate, the latter two for signed ones too. Issuing
 * is oauth-v2-issue.ts, verifying signed ones oauth-v2-jwt.ts.
 */
import { admit, askStore, callOf } from "../access/admission.ts";
import type { AccessGrant, TokenRecord } from "../access/model.ts";
import { isJwtRevoked } from "../access/jwt-revocation.ts";
import { setSignedTokenStatus } from "../access/signed-tokens.ts";
import { findToken, setTokenStatus } from "../access/tokens.ts";
import type { Exchange, Value } from "../context.ts";
import { fault } from "../fault.ts";
import { accessFault } from "../fault/access.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { demandScopes, presentedToken, refusal } from "../token/access-token.ts";
import type { ScopeRules, TokenSource } from "../token/access-token.ts";
import type { IssuedVariables } from "../token/issued.ts";
import type { SignedTokens } from "../token/signed-access-token.ts";

export interface VerifyAccessTokenConfig extends TokenSource, ScopeRules {
  /** Somebody reads `oauthv2accesstoken.<policy>.*`. */
  readonly keep: boolean;
}

/** Operation VerifyAccessToken: fills the exchange's access and binds the session to the token. */
export function verifyAccessToken(x: Exchange, config: VerifyAccessTokenConfig, presented: Value): Maybe<void> {
  const token = presentedToken(x, config, presented);
  const { revocations, verified } = x.gateway;
  const { epoch } = revocations;
  return andThen(askStore(config.name, () => verified.token(token, callOf(x))), (grant) => {
    if (typeof grant === "string") throw refusal(x, grant, config);
    demandScopes(x, config, grant.token?.scopes ?? []);
    admit(x, { policy: config.name, epoch, grant });
    if (config.keep) x.keep(config.name, { kind: "issued", fields: tokenFields(x, grant) } satisfies IssuedVariables);
  });
}

/** What a verified token tells of itself; never the token. */
function tokenFields(x: Exchange, { token, key, app, developer }: AccessGrant): ReadonlyMap<string, Value> {
  if (token === null) return new Map();
  const leftMs = token.expiresAtMs === null ? -1000 : token.expiresAtMs - x.gateway.clock.wallMs();
  return new Map<string, Value>([
    ...Object.entries(token.attributes).map(([name, value]): [string, Value] => [`accesstoken.${name}`, value]),
    ["api_product_list", `[${token.products.join(", ")}]`],
    ["app_enduser", token.subject],
    ["application_name", app.id],
    ["client_id", key.clientId],
    ["developer.app.id", app.id],
    ["developer.app.name", app.name],
    ["developer.email", developer.email],
    ["developer.id", developer.id],
    ["expires_in", String(Math.floor(leftMs / 1000))],
    ["grant_type", token.grantType],
    ["issued_at", String(token.issuedAtMs)],
    ["organization_name", x.gateway.organization],
    ["scope", token.scopes.join(" ")],
    ["status", token.status],
    ["token_type", "BearerToken"],
  ]);
}

/** One token that InvalidateToken revokes, or ValidateToken approves. */
export interface TokenToChange {
  readonly type: "accesstoken" | "refreshtoken";
  /** Also every other token of its grant. */
  readonly cascade: boolean;
  /** The variable that holds it, for the fault's text. */
  readonly variable: string;
  readonly value: Value;
}

/** What InvalidateToken and ValidateToken change. */
export interface TokenChange {
  /** Name of the policy. */
  readonly name: string;
  readonly tokens: readonly TokenToChange[];
  /** Access tokens of which the store has no record. */
  readonly signed?: SignedTokens;
}

/** Operation InvalidateToken: revokes tokens one after the other; their sessions end at once. */
export function invalidateToken(x: Exchange, change: TokenChange): Maybe<void> {
  return changeFrom(x, change, "revoked", 0);
}

/** Operation ValidateToken: lifts revocations. A token that something larger revokes is a fault. */
export function validateToken(x: Exchange, change: TokenChange): Maybe<void> {
  return changeFrom(x, change, "approved", 0);
}

function changeFrom(x: Exchange, change: TokenChange, status: TokenRecord["status"], at: number): Maybe<void> {
  const { name, signed, tokens } = change;
  const token = tokens[at];
  if (token === undefined) return undefined;
  const { type, cascade, variable, value } = token;
  if (value === null || value === "") throw accessFault("steps.oauth.v2.FailedToResolveToken", variable, name);
  const presented = String(value);
  const isAccess = type === "accesstoken";
  const onward = (): Maybe<void> => changeFrom(x, change, status, at + 1);
  return andThen(askStore(name, () => findToken(x.gateway.store, presented)), (record) => {
    if (record === null && isAccess && signed !== undefined) {
      return andThen(changeSigned(x, name, signed, presented, { status, cascade }), onward);
    }
    if (record === null) {
      throw accessFault(`keymanagement.service.${isAccess ? "invalid_access_token" : "invalid_refresh_token"}`, "", name);
    }
    if (isAccess !== (record.kind === "access")) throw accessFault("steps.oauth.v2.InvalidTokenType", "", name);
    const changing = askStore(name, () => setTokenStatus(x.gateway, record.id, status, { cascade }));
    return andThen(changing, () => (status === "revoked" ? onward() : andThen(demandGrant(x, name, record), onward)));
  });
}

function changeSigned(
  x: Exchange,
  name: string,
  signed: SignedTokens,
  presented: string,
  { status, cascade }: { readonly status: TokenRecord["status"]; readonly cascade: boolean },
): Maybe<void> {
  return andThen(askStore(name, () => signed.find(x, signed, presented)), (token) => {
    if (token === null) throw accessFault("keymanagement.service.invalid_access_token", "", name);
    if (token === "NoName") throw accessFault("steps.oauth.v2.InvalidTokenType", "", name);
    if (token === "KeySetUnavailable") throw fault("gateway.KeySetUnavailable", "", name);
    const changing = askStore(name, () => setSignedTokenStatus(x.gateway, token, status, { cascade }));
    if (status === "revoked") return changing;
    const { identities, issuedAtMs } = token;
    return andThen(changing, () => {
      return andThen(askStore(name, () => isJwtRevoked(x.gateway.store, { identities, issuedAtMs })), (isRevoked) => {
        if (isRevoked) throw accessFault("keymanagement.service.access_token_not_approved", "", name);
      });
    });
  });
}

/** Throws when the token's grant is revoked: by another cascade, or because a token or code was used twice. */
function demandGrant(x: Exchange, name: string, { kind, grantId }: TokenRecord): Maybe<void> {
  if (grantId === undefined) return;
  return andThen(askStore(name, () => x.gateway.store.get("grant", grantId)), (grant) => {
    if (grant?.status === "approved") return;
    const code = kind === "access" ? "access_token_not_approved" : "refresh_token_not_approved";
    throw accessFault(`keymanagement.service.${code}`, "", name);
  });
}
