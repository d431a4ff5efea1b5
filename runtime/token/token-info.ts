/** What the store knows of a token, as flow variables tell it (apigee-policies section 3.14). It decides nothing. */
import { bulkRevocation } from "../access/cutoff.ts";
import type { RevokeReason } from "../access/cutoff.ts";
import type { App, Developer, KeyRecord, TokenGrant, TokenRecord } from "../access/model.ts";
import type { Exchange, Value } from "../context.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";

/** A token's variables by name, and why it is revoked; null when it is not. */
export interface TokenInfo {
  readonly fields: ReadonlyMap<string, Value>;
  readonly revoked: RevokeReason | null;
}

/** Everything that can be told of a token; `presented` is the token itself, for the variable of its name. */
export function tokenInfo(x: Exchange, token: TokenRecord, presented: string): Maybe<TokenInfo> {
  const { store } = x.gateway;
  return andThen(store.get("app", token.appId), (app) =>
    andThen(store.get("developer", token.developerId), (developer) =>
      andThen(store.get("key", token.clientKeyDigest), (key) =>
        andThen(token.grantId === undefined ? null : store.get("grant", token.grantId), (grant) =>
          andThen(revocationOf(x, token, grant, app, developer), (revoked) =>
            andThen(currentRefresh(x, token, grant), (refresh) => ({
              fields: fieldsOf(x, { token, presented, app, developer, key, grant, refresh, revoked }),
              revoked,
            })),
          ),
        ),
      ),
    ),
  );
}

interface Known {
  readonly token: TokenRecord;
  readonly presented: string;
  readonly app: App | null;
  readonly developer: Developer | null;
  readonly key: KeyRecord | null;
  readonly grant: TokenGrant | null;
  readonly refresh: TokenRecord | null;
  readonly revoked: RevokeReason | null;
}

function revocationOf(
  x: Exchange,
  token: TokenRecord,
  grant: TokenGrant | null,
  app: App | null,
  developer: Developer | null,
): Maybe<RevokeReason | null> {
  const isOver = token.grantId !== undefined && grant?.status !== "approved";
  if (token.status !== "approved" || isOver || app === null || developer === null) return "TOKEN_REVOKED";
  return bulkRevocation(x.gateway.store, token, { app, developer });
}

/** The refresh token that prolongs the grant now, which is not always the one that came with the token. */
function currentRefresh(x: Exchange, token: TokenRecord, grant: TokenGrant | null): Maybe<TokenRecord | null> {
  if (token.kind === "refresh") return token;
  return grant === null || grant.refreshDigest === "" ? null : x.gateway.store.get("token", grant.refreshDigest);
}

function fieldsOf(x: Exchange, known: Known): ReadonlyMap<string, Value> {
  const { token, presented, app, developer, key, grant, refresh, revoked } = known;
  const status = revoked === null ? "approved" : "revoked";
  return new Map<string, Value>([
    [token.kind === "access" ? "access_token" : "refresh_token", presented],
    ["application_name", token.appId],
    ["api_product_list", `[${token.products.join(", ")}]`],
    ["app_enduser", token.subject],
    ["client_id", key?.clientId ?? null],
    ["developer.app.id", token.appId],
    ["developer.app.name", app?.name ?? null],
    ["developer.email", developer?.email ?? null],
    ["developer.id", token.developerId],
    ["expires_in", leftSeconds(x, token)],
    ["grant_type", token.grantType],
    ["issued_at", String(token.issuedAtMs)],
    ["organization_name", x.gateway.organization],
    ["refresh_count", String(grant?.refreshCount ?? 0)],
    ["refresh_token_expires_in", refresh === null ? "0" : leftSeconds(x, refresh)],
    ["refresh_token_issued_at", refresh === null ? null : String(refresh.issuedAtMs)],
    ["refresh_token_status", refresh === null ? null : refreshStatus(known)],
    ["revoke_reason", revoked],
    ["scope", token.scopes.join(" ")],
    ["status", status],
    ["token_type", "BearerToken"],
    ...Object.entries(token.attributes).map(([name, value]): [string, Value] => [`accesstoken.${name}`, value]),
  ]);
}

function refreshStatus({ token, refresh, grant, revoked }: Known): string {
  if (token === refresh) return revoked === null ? "approved" : "revoked";
  return refresh?.status === "approved" && grant?.status === "approved" ? "approved" : "revoked";
}

function leftSeconds(x: Exchange, { expiresAtMs }: TokenRecord): string {
  return expiresAtMs === null ? "-1" : String(Math.max(0, Math.floor((expiresAtMs - x.gateway.clock.wallMs()) / 1000)));
}
