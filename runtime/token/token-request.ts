/**
 * Requests for tokens: what they say, who sends them, and what a grant type has to tell. Nothing is issued here.
 */
import { Buffer } from "node:buffer";
import type { CodeRefusal } from "../access/codes.ts";
import type { RefreshRefusal } from "../access/grants.ts";
import type { KeyRecord } from "../access/model.ts";
import type { Client } from "../access/clients.ts";
import type { IssuedToken, TokenRefusal, TokenWish } from "../access/tokens.ts";
import type { Exchange, Value } from "../context.ts";
import { accessFault } from "../fault/access.ts";
import type { Maybe } from "../maybe.ts";
import { textOf, wordsOf } from "./token-answer.ts";

/** How a client says who it is. */
export interface ClientCredentials {
  /** The Authorization header. */
  readonly authorization: Value;
  readonly clientId: Value;
  readonly clientSecret: Value;
}

/** What the request says, read from flow variables. */
export interface TokenRequest extends ClientCredentials {
  readonly grantType: Value;
  /** Scopes asked for, parted by spaces. */
  readonly scope: Value;
  /** Milliseconds, or -1 for a token that never expires. */
  readonly expiresInMs: Value;
  readonly attributes: readonly RequestedAttribute[];
  /** The end user, where a variable tells; the grant type says who it is otherwise. */
  readonly appEndUser?: Value;
  /** Of the grant types that give refresh tokens. */
  readonly refreshExpiresInMs?: Value;
  readonly reuseRefreshToken?: boolean;
  readonly refreshToken?: Value;
  readonly userName?: Value;
  readonly passWord?: Value;
  readonly code?: Value;
  readonly redirectUri?: Value;
  readonly codeVerifier?: Value;
  /** What another server said of the client; present where it is asked instead of the client's secret. */
  readonly externalStatus?: Value;
  /** Tokens of that server. */
  readonly externalAccessToken?: Value;
  readonly externalRefreshToken?: Value;
}

export interface RequestedAttribute {
  readonly name: string;
  readonly value: Value;
  readonly display: boolean;
}

/** One grant type: says what is missing, or issues. */
export interface Grant {
  /** Clients without a secret may use it. */
  readonly isPublic: boolean;
  /** The parameter that is missing, null when none is. */
  missing(request: TokenRequest): string | null;
  issue(x: Exchange, asked: AskedToken): Maybe<IssuedToken | TokenRefusal | RefreshRefusal | CodeRefusal>;
}

/** What a grant type issues for. */
export interface AskedToken {
  readonly name: string;
  readonly key: KeyRecord;
  readonly request: TokenRequest;
  readonly wish: TokenWish;
}

/** A client as it presents itself, and where. */
export interface PresentedClient extends Client {
  readonly isBasic: boolean;
}

/** The wish of a request; throws the fault of a lifetime that is none. */
export function wishOf(request: TokenRequest, grantType: string, policy: string): TokenWish {
  const { attributes, scope, expiresInMs, appEndUser = null } = request;
  const endUser = textOf(appEndUser);
  return {
    scopes: wordsOf(scope),
    expiresInMs: lifetimeMs(expiresInMs, policy),
    grantType,
    subject: endUser === "" ? null : endUser,
    attributes: Object.fromEntries(attributes.map(({ name, value }) => [name, textOf(value)])),
    hidden: attributes.filter(({ display }) => !display).map(({ name }) => name),
    ...(request.externalAccessToken === undefined ? {} : { token: textOf(request.externalAccessToken) }),
  };
}

/** Basic credentials (RFC 6749 section 2.3.1), else the form's. */
export function clientOf({ authorization, clientId, clientSecret }: ClientCredentials): PresentedClient {
  const [scheme = "", encoded = ""] = textOf(authorization).trim().split(/ +/, 2);
  if (scheme.toLowerCase() !== "basic") {
    return { id: textOf(clientId), secret: textOf(clientSecret), isBasic: false };
  }
  const decoded = Buffer.from(encoded, "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  if (colon < 0) return { id: "", secret: "", isBasic: true };
  return { id: decoded.slice(0, colon), secret: decoded.slice(colon + 1), isBasic: true };
}

/** A lifetime in milliseconds, null for one without end; anything else is the policy's own mistake. */
export function lifetimeMs(
  value: Value,
  policy: string,
  code: "InvalidValueForExpiresIn" | "InvalidValueForRefreshTokenExpiresIn" = "InvalidValueForExpiresIn",
): number | null {
  const ms = value === null || value === "" ? Number.NaN : Number(value);
  if (ms === -1) return null;
  if (!Number.isSafeInteger(ms) || ms <= 0) throw accessFault(`steps.oauth.v2.${code}`, textOf(value), policy);
  return ms;
}

/** What a refresh token is to be. */
export function refreshWishOf({ request, name }: AskedToken): {
  readonly refreshExpiresInMs: number | null;
  readonly refreshToken?: string;
} {
  const code = "InvalidValueForRefreshTokenExpiresIn";
  const refreshExpiresInMs = lifetimeMs(request.refreshExpiresInMs ?? null, name, code);
  const { externalRefreshToken } = request;
  if (externalRefreshToken === undefined) return { refreshExpiresInMs };
  return { refreshExpiresInMs, refreshToken: textOf(externalRefreshToken) };
}
