/**
 * OAuthV2 for opaque tokens of the store: verify and invalidate. Issuing is oauth-v2-issue.ts, JWT is
 * oauth-v2-jwt.ts.
 */
import { admit, askStore, callOf } from "../access/admission.ts";
import type { AccessGrant } from "../access/model.ts";
import { findToken, invalidateToken as invalidate } from "../access/tokens.ts";
import type { Exchange, Value } from "../context.ts";
import { fault } from "../fault.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { demandScopes, presentedToken, refusal } from "../token/access-token.ts";
import type { ScopeRules, TokenSource } from "../token/access-token.ts";
import type { IssuedVariables } from "../token/issued.ts";

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
    if (typeof grant === "string") throw refusal(x, grant, config.name);
    demandScopes(x, config, grant.token?.scopes ?? []);
    admit(x, { policy: config.name, epoch, grant });
    if (config.keep) x.keep(config.name, { kind: "issued", fields: tokenFields(x, grant) } satisfies IssuedVariables);
  });
}

/** What a verified token tells of itself; never the token. */
function tokenFields(x: Exchange, { token, key, app, developer }: AccessGrant): ReadonlyMap<string, string> {
  if (token === null) return new Map();
  const leftMs = token.expiresAtMs === null ? -1000 : token.expiresAtMs - x.gateway.clock.wallMs();
  return new Map([
    ["application_name", app.id],
    ["client_id", key.clientId],
    ["developer.email", developer.email],
    ["expires_in", String(Math.floor(leftMs / 1000))],
    ["grant_type", token.grantType],
    ["issued_at", String(token.issuedAtMs)],
    ["organization_name", x.gateway.organization],
    ["scope", token.scopes.join(" ")],
    ["status", token.status],
    ["token_type", "BearerToken"],
  ]);
}

/** One token that InvalidateToken revokes. */
export interface TokenToInvalidate {
  readonly type: "accesstoken" | "refreshtoken";
  /** Also the token that was issued with it. */
  readonly cascade: boolean;
  /** The variable that holds it, for the fault's text. */
  readonly variable: string;
  readonly value: Value;
}

/** Operation InvalidateToken: revokes tokens one after the other; their sessions end at once. */
export function invalidateToken(x: Exchange, name: string, tokens: readonly TokenToInvalidate[]): Maybe<void> {
  return invalidateFrom(x, name, tokens, 0);
}

function invalidateFrom(x: Exchange, name: string, tokens: readonly TokenToInvalidate[], at: number): Maybe<void> {
  const token = tokens[at];
  if (token === undefined) return undefined;
  const { type, cascade, variable, value } = token;
  if (value === null || value === "") throw fault("steps.oauth.v2.FailedToResolveToken", variable, name);
  const presented = String(value);
  return andThen(askStore(name, () => findToken(x.gateway.store, presented)), (record) => {
    if (record === null) throw fault("keymanagement.service.invalid_access_token", "", name);
    const isAccess = record.kind === "access";
    if (isAccess !== (type === "accesstoken")) throw fault("steps.oauth.v2.InvalidTokenType", "", name);
    return andThen(askStore(name, () => invalidate(x.gateway, presented, { cascade })), () =>
      invalidateFrom(x, name, tokens, at + 1),
    );
  });
}
