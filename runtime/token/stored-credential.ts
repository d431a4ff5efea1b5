/**
 * What GetOAuthV2Info, SetOAuthV2Info and DeleteOAuthV2Info have in common: the stored record behind a credential of
 * the request, and the faults when there is none that counts.
 */
import { digest } from "../access/digest.ts";
import { isPast } from "../access/resolve.ts";
import type { AuthorizationCode, TokenRecord } from "../access/model.ts";
import type { Exchange, Value } from "../context.ts";
import { accessFault, type AccessFaultCode } from "../fault/access.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { textOf } from "./token-answer.ts";

/** A credential of the request. */
export interface StoredSource {
  readonly name: string;
  /** The flow variable that holds it. */
  readonly variable: string;
}

/** The credential's text; throws when the variable holds none. */
export function credentialText(source: StoredSource, value: Value, code: AccessFaultCode): string {
  const text = textOf(value);
  if (text === "") throw accessFault(code, source.variable, source.name);
  return text;
}

/** An access or refresh token's record; throws for one that is unknown or, unless `evenExpired`, has expired. */
export function storedToken(
  x: Exchange,
  source: StoredSource,
  value: Value,
  kind: TokenRecord["kind"],
  evenExpired = false,
): Maybe<TokenRecord> {
  const isAccess = kind === "access";
  const unresolved = isAccess ? "FailedToResolveAccessToken" : "FailedToResolveRefreshToken";
  const text = credentialText(source, value, `steps.oauth.v2.${unresolved}`);
  return andThen(x.gateway.store.get("token", digest(text)), (record) => {
    if (record?.kind !== kind) {
      throw accessFault(`steps.oauth.v2.${isAccess ? "invalid_access_token" : "invalid_refresh_token"}`, "", source.name);
    }
    if (!evenExpired && isPast(record.expiresAtMs, x.gateway.clock)) {
      throw accessFault(`steps.oauth.v2.${isAccess ? "access_token_expired" : "refresh_token_expired"}`, "", source.name);
    }
    return record;
  });
}

/** An authorization code's record; throws for one that is unknown or has expired. */
export function storedCode(x: Exchange, source: StoredSource, value: Value): Maybe<AuthorizationCode> {
  const text = credentialText(source, value, "steps.oauth.v2.FailedToResolveAuthorizationCode");
  return andThen(x.gateway.store.get("code", digest(text)), (record) => {
    if (record === null) throw accessFault("steps.oauth.v2.invalid_request-authorization_code_invalid", "", source.name);
    if (isPast(record.expiresAtMs, x.gateway.clock)) {
      throw accessFault("steps.oauth.v2.authorization_code_expired", "", source.name);
    }
    return record;
  });
}
