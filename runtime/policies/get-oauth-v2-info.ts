/**
 * GetOAuthV2Info: the stored profile of an access token, refresh token, authorization code or client as flow variables.
 * It admits nobody and binds no session.
 */
import { askStore, callOf } from "../access/admission.ts";
import { digest } from "../access/digest.ts";
import type { KeyRecord } from "../access/model.ts";
import { resolveTokenDigest } from "../access/resolve.ts";
import type { Exchange, Value } from "../context.ts";
import { accessFault } from "../fault/access.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { IssuedVariables } from "../token/issued.ts";
import { credentialText, storedCode, storedToken } from "../token/stored-credential.ts";
import type { StoredSource } from "../token/stored-credential.ts";
import { textOf } from "../token/token-answer.ts";
import { tokenInfo } from "../token/token-info.ts";

export interface GetAccessTokenConfig extends StoredSource {
  /** Also for a token that has expired or is revoked, and for calls that its products do not cover. */
  readonly ignoreStatus: boolean;
}

const NO_PRODUCT = "keymanagement.service.InvalidAPICallAsNoApiProductMatchFound";

/** `oauthv2accesstoken.<policy>.*` */
export function getAccessTokenInfo(x: Exchange, config: GetAccessTokenConfig, value: Value): Maybe<void> {
  const { store, clock } = x.gateway;
  return askStore(config.name, () =>
    andThen(storedToken(x, config, value, "access", config.ignoreStatus), (token) =>
      andThen(tokenInfo(x, token, textOf(value)), ({ fields, revoked }) => {
        if (config.ignoreStatus) return keep(x, config.name, fields);
        if (revoked !== null) throw accessFault("steps.oauth.v2.access_token_not_approved", "", config.name);
        return andThen(resolveTokenDigest(store, clock, token.id, callOf(x)), (grant) => {
          if (grant === NO_PRODUCT) {
            throw accessFault("steps.oauth.v2.InvalidAPICallAsNoApiProductMatchFound", "", config.name);
          }
          if (typeof grant === "string") throw accessFault("steps.oauth.v2.access_token_not_approved", "", config.name);
          keep(x, config.name, fields);
        });
      }),
    ),
  );
}

/** `oauthv2refreshtoken.<policy>.*`, whatever the token's status is. */
export function getRefreshTokenInfo(x: Exchange, config: StoredSource, value: Value): Maybe<void> {
  return askStore(config.name, () =>
    andThen(storedToken(x, config, value, "refresh"), (token) =>
      andThen(tokenInfo(x, token, textOf(value)), ({ fields }) => keep(x, config.name, fields)),
    ),
  );
}

/** `oauthv2authcode.<policy>.*` */
export function getAuthorizationCodeInfo(x: Exchange, config: StoredSource, value: Value): Maybe<void> {
  return askStore(config.name, () =>
    andThen(storedCode(x, config, value), (code) =>
      andThen(x.gateway.store.get("key", code.clientKeyDigest), (key) => {
        keep(x, config.name, new Map<string, Value>([
          ...Object.entries(code.attributes),
          ["code", textOf(value)],
          ["scope", code.scopes.join(" ")],
          ["redirect_uri", code.redirectUri],
          ["client_id", key?.clientId ?? null],
        ]));
      }),
    ),
  );
}

/** `oauthv2client.<policy>.*` */
export function getClientInfo(x: Exchange, config: StoredSource, value: Value): Maybe<void> {
  const { store } = x.gateway;
  const clientId = credentialText(config, value, "steps.oauth.v2.FailedToResolveClientId");
  return askStore(config.name, () =>
    andThen(store.get("key", digest(clientId)), (key) => {
      const { appId }: Pick<KeyRecord, "appId"> = key ?? unknownClient(config.name);
      return andThen(store.get("app", appId), (app) => {
        const { name, developerId, callbackUrl, attributes } = app ?? unknownClient(config.name);
        return andThen(store.get("developer", developerId), (developer) => {
          keep(x, config.name, new Map<string, Value>([
            ...Object.entries(attributes),
            ["client_id", clientId],
            ["redirection_uris", callbackUrl],
            ["developer.app.name", name],
            ["developer.id", developerId],
            ["developer.email", developer?.email ?? null],
          ]));
        });
      });
    }),
  );
}

function unknownClient(policy: string): never {
  throw accessFault("steps.oauth.v2.invalid_client-invalid_client_id", "", policy);
}

function keep(x: Exchange, policy: string, fields: ReadonlyMap<string, Value>): void {
  x.keep(policy, { kind: "issued", fields } satisfies IssuedVariables);
}
