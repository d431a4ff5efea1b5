/**
 * Opaque access tokens of the gateway's own: issue, look up, revoke. A token leaves this file once, in the answer to
 * whoever asked for it; the store has its digest.
 */
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { Limits } from "../limits.ts";
import type { ListedRecord, Store } from "../state/store.ts";
import { changeRecord, eventNow, randomSecret } from "./change.ts";
import type { AccessServices } from "./change.ts";
import { digest, matches } from "./digest.ts";
import { tokenIdentity } from "./identity.ts";
import type { App, Attributes, Developer, KeyRecord, TokenRecord } from "./model.ts";
import { approvedProducts, keyRefusal, ownerOf } from "./resolve.ts";
import type { Refusal } from "./resolve.ts";

/** What a token is to be. */
export interface TokenWish {
  /** Asked-for scopes; empty: all that the client may have. */
  readonly scopes: readonly string[];
  /** Lifetime; null: it never expires. */
  readonly expiresInMs: number | null;
  readonly grantType: string;
  /** The end user; null when the client acts for itself. */
  readonly subject?: string | null;
  readonly attributes?: Attributes;
}

/** A token as its client gets it, and what stands behind it. */
export interface IssuedToken {
  readonly token: string;
  readonly record: TokenRecord;
  readonly key: KeyRecord;
  readonly app: App;
  readonly developer: Developer;
}

/** Why no token is issued; `invalid_request`: none of the scopes asked for can be had. */
export type TokenRefusal = Refusal | "steps.oauth.v2.InvalidClientIdentifier" | "steps.oauth.v2.invalid_request";

/** Compared with when there is no such client, so that unknown clients take as long as wrong secrets. */
const NO_SECRET = "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/**
 * Issues a token to a client that proves itself with its secret. What is wrong with a client only its secret's owner
 * hears.
 */
export function issueToken(
  services: AccessServices,
  client: { readonly id: string; readonly secret: string },
  wish: TokenWish,
): Maybe<IssuedToken | TokenRefusal> {
  return andThen(services.store.get("key", digest(client.id)), (key) => {
    const isProven = matches(client.secret, key?.secretDigest ?? NO_SECRET);
    if (key === null || key.secretDigest === null || !isProven) return "steps.oauth.v2.InvalidClientIdentifier";
    return mintToken(services, key, wish);
  });
}

/** Issues a token to a client whose identity somebody else has established. */
export function mintToken(
  services: AccessServices,
  key: KeyRecord,
  wish: TokenWish,
): Maybe<IssuedToken | TokenRefusal> {
  const { store, clock, limits } = services;
  const refusal = keyRefusal(key, clock);
  if (refusal !== null) return refusal;
  return andThen(ownerOf(store, key.appId), (owner) => {
    if (typeof owner === "string") return owner;
    return andThen(scopesFor(store, key, wish.scopes), (scopes) => {
      if (scopes === null) return "steps.oauth.v2.invalid_request";
      const token = randomSecret(clock);
      const record = recordOf(digest(token), key, owner.developer, scopes, wish, clock.wallMs());
      const issued: IssuedToken = { token, record, key, app: owner.app, developer: owner.developer };
      const expiresAtMs = keptUntilMs(record, limits);
      return andThen(store.put("token", record.id, record, { ifAbsent: true, expiresAtMs }), () => issued);
    });
  });
}

/** What a status change may reach beyond the token itself. */
export interface TokenStatusOptions {
  /** Also the refresh token that was issued with it, or the reverse. */
  readonly cascade?: boolean;
}

/**
 * Revokes a token, or lifts its revocation. Revoking ends its sessions, also when it was revoked before. The sibling is
 * revoked first: whoever is interrupted between the two has not been told that it is done. Null: no such token.
 */
export function setTokenStatus(
  services: AccessServices,
  tokenDigest: string,
  status: TokenRecord["status"],
  options: TokenStatusOptions = {},
): Maybe<TokenRecord | null> {
  return andThen(services.store.get("token", tokenDigest), (token) => {
    if (token === null) return null;
    const { siblingDigest } = token;
    if (options.cascade !== true || siblingDigest === null) return setStatus(services, tokenDigest, status);
    return andThen(setStatus(services, siblingDigest, status), () => setStatus(services, tokenDigest, status));
  });
}

/** `setTokenStatus(revoked)` for a token as presented. */
export function invalidateToken(
  services: AccessServices,
  presentedToken: string,
  options: TokenStatusOptions = {},
): Maybe<TokenRecord | null> {
  return setTokenStatus(services, digest(presentedToken), "revoked", options);
}

/** A token's record, null when there is none. */
export function findToken(store: Store, presentedToken: string): Maybe<TokenRecord | null> {
  return store.get("token", digest(presentedToken));
}

/** One page of tokens for people. `after` is the last id of the page before; `isLast` when nothing follows. */
export interface TokenPage {
  readonly tokens: readonly TokenRecord[];
  readonly after: string | null;
}

/** Tokens of an app, or all, from one page of the store; a page may be empty and yet not the last. */
export function listTokens(
  store: Store,
  filter: { readonly appId?: string },
  page: { readonly after?: string; readonly limit: number },
): Maybe<TokenPage> {
  return andThen(store.list("token", page), (listed: readonly ListedRecord<"token">[]) => ({
    tokens: listed.map(({ record }) => record).filter(({ appId }) => (filter.appId ?? appId) === appId),
    after: listed.length < page.limit ? null : (listed.at(-1)?.id ?? null),
  }));
}

function setStatus(
  { store, clock, limits }: AccessServices,
  tokenDigest: string,
  status: TokenRecord["status"],
): Maybe<TokenRecord | null> {
  return changeRecord(store, "token", tokenDigest, (record) => ({
    record: { ...record, status },
    expiresAtMs: keptUntilMs(record, limits),
    ...(status === "approved" ? {} : { event: eventNow(clock, "revoked", [tokenIdentity(tokenDigest)]) }),
  }));
}

/** Expired tokens stay a while, so that their owners hear "expired" and not "unknown". */
function keptUntilMs(record: TokenRecord, limits: Limits): number | null {
  return record.expiresAtMs === null ? null : record.expiresAtMs + limits.expiredTokensKeptMs;
}

function recordOf(
  id: string,
  key: KeyRecord,
  developer: Developer,
  scopes: readonly string[],
  wish: TokenWish,
  nowMs: number,
): TokenRecord {
  return {
    id,
    kind: "access",
    clientKeyDigest: key.id,
    appId: key.appId,
    developerId: developer.id,
    products: approvedProducts(key),
    scopes,
    issuedAtMs: nowMs,
    expiresAtMs: wish.expiresInMs === null ? null : nowMs + wish.expiresInMs,
    status: "approved",
    attributes: wish.attributes ?? {},
    subject: wish.subject ?? null,
    grantType: wish.grantType,
    siblingDigest: null,
  };
}

/** The scopes a client gets: of those it may have, all or the ones asked for. Null when it asked and none remains. */
function scopesFor(store: Store, key: KeyRecord, wanted: readonly string[]): Maybe<readonly string[] | null> {
  return andThen(scopesOfProducts(store, approvedProducts(key), 0, []), (ofProducts) => {
    const allowed = key.scopes.length === 0 ? ofProducts : ofProducts.filter((scope) => key.scopes.includes(scope));
    if (wanted.length === 0) return allowed;
    const granted = allowed.filter((scope) => wanted.includes(scope));
    return granted.length === 0 ? null : granted;
  });
}

function scopesOfProducts(
  store: Store,
  names: readonly string[],
  at: number,
  found: readonly string[],
): Maybe<readonly string[]> {
  const name = names[at];
  if (name === undefined) return found;
  return andThen(store.get("product", name), (product) => {
    const fresh = product === null ? [] : product.scopes.filter((scope) => !found.includes(scope));
    return scopesOfProducts(store, names, at + 1, [...found, ...fresh]);
  });
}
