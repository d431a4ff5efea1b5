/**
 * Opaque tokens of the gateway's own: issue, look up, revoke. A token leaves this file once, in the answer to whoever
 * asked for it; the store has its digest. What a refresh token prolongs is grants.ts.
 */
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { Limits } from "../limits.ts";
import type { ListedRecord, Store } from "../state/store.ts";
import { changeRecord, eventNow, randomSecret } from "./change.ts";
import type { AccessServices } from "./change.ts";
import { digest, matches } from "./digest.ts";
import { grantIdentity, tokenIdentity } from "./identity.ts";
import type { App, Attributes, Developer, KeyRecord, TokenGrant, TokenRecord } from "./model.ts";
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
  /** Names of the attributes that answers do not show. */
  readonly hidden?: readonly string[];
}

/** A token as its client gets it, and its record. */
export interface NewToken {
  readonly token: string;
  readonly record: TokenRecord;
}

/** Who gets a token, and which scopes it may have. */
export interface TokenOwner {
  readonly key: KeyRecord;
  readonly app: App;
  readonly developer: Developer;
  readonly scopes: readonly string[];
}

/** A token as its client gets it, and what stands behind it. */
export interface IssuedToken extends NewToken {
  readonly key: KeyRecord;
  readonly app: App;
  readonly developer: Developer;
  /** The refresh token beside it, and the grant of both. */
  readonly refresh?: NewToken & { readonly grant: TokenGrant };
}

/** Why no token is issued; `invalid_request`: none of the scopes asked for can be had. */
export type TokenRefusal = Refusal | "steps.oauth.v2.InvalidClientIdentifier" | "steps.oauth.v2.invalid_request";

/** A client as it presents itself. */
export interface Client {
  readonly id: string;
  readonly secret: string;
}

/** Compared with when there is no such client, so that unknown clients take as long as wrong secrets. */
const NO_SECRET = "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/**
 * The key of a client that proves itself with its secret. What is wrong with a client only its secret's owner hears.
 * `mayBePublic`: a key that has no secret needs none (RFC 6749 section 2.1); something else proves such a client.
 */
export function provenClient(
  { store }: AccessServices,
  client: Client,
  mayBePublic = false,
): Maybe<KeyRecord | "steps.oauth.v2.InvalidClientIdentifier"> {
  return andThen(store.get("key", digest(client.id)), (key) => {
    const isProven = matches(client.secret, key?.secretDigest ?? NO_SECRET);
    if (key === null) return "steps.oauth.v2.InvalidClientIdentifier";
    if (key.secretDigest === null) {
      return mayBePublic && client.secret === "" ? key : "steps.oauth.v2.InvalidClientIdentifier";
    }
    return isProven ? key : "steps.oauth.v2.InvalidClientIdentifier";
  });
}

/** Issues an access token to a client that proves itself. */
export function issueToken(
  services: AccessServices,
  client: Client,
  wish: TokenWish,
): Maybe<IssuedToken | TokenRefusal> {
  return andThen(provenClient(services, client), (key) =>
    typeof key === "string" ? key : mintToken(services, key, wish),
  );
}

/** Issues an access token to a client whose identity somebody else has established. */
export function mintToken(
  services: AccessServices,
  key: KeyRecord,
  wish: TokenWish,
): Maybe<IssuedToken | TokenRefusal> {
  return andThen(tokenOwner(services, key, wish.scopes), (owner) => {
    if (typeof owner === "string") return owner;
    const { key, app, developer } = owner;
    return andThen(putToken(services, owner, wish), (made) => ({ ...made, key, app, developer }));
  });
}

/** Whether a key may have a token at all, and with which of the scopes that are asked for. */
export function tokenOwner(
  { store, clock }: AccessServices,
  key: KeyRecord,
  scopes: readonly string[],
): Maybe<TokenOwner | TokenRefusal> {
  const refusal = keyRefusal(key, clock);
  if (refusal !== null) return refusal;
  return andThen(ownerOf(store, key.appId), (owner) => {
    if (typeof owner === "string") return owner;
    return andThen(scopesFor(store, key, scopes), (granted) =>
      granted === null ? "steps.oauth.v2.invalid_request" : { key, ...owner, scopes: granted },
    );
  });
}

/** What a token is besides its owner's wish. */
export interface TokenPlace {
  readonly kind?: TokenRecord["kind"];
  readonly grantId?: string;
}

/** Makes a token and stores it. */
export function putToken(
  { store, clock, limits }: AccessServices,
  owner: TokenOwner,
  wish: TokenWish,
  { kind = "access", grantId }: TokenPlace = {},
): Maybe<NewToken> {
  const token = randomSecret(clock);
  const nowMs = clock.wallMs();
  const { subject = null, attributes = {}, hidden = [], expiresInMs, grantType } = wish;
  const record: TokenRecord = {
    id: digest(token),
    kind,
    clientKeyDigest: owner.key.id,
    appId: owner.key.appId,
    developerId: owner.developer.id,
    products: approvedProducts(owner.key),
    scopes: owner.scopes,
    issuedAtMs: nowMs,
    expiresAtMs: expiresInMs === null ? null : nowMs + expiresInMs,
    status: "approved",
    attributes,
    subject,
    grantType,
    ...(grantId === undefined ? {} : { grantId }),
    ...(hidden.length === 0 ? {} : { hidden }),
  };
  const expiresAtMs = keptUntilMs(record.expiresAtMs, limits);
  return andThen(store.put("token", record.id, record, { ifAbsent: true, expiresAtMs }), () => ({ token, record }));
}

/** What a status change may reach beyond the token itself. */
export interface TokenStatusOptions {
  /** Every other token of its grant too. */
  readonly cascade?: boolean;
}

/**
 * Revokes a token, or lifts its revocation. Revoking ends its sessions, also when it was revoked before. The grant is
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
    const { grantId } = token;
    if (options.cascade !== true || grantId === undefined) return setStatus(services, tokenDigest, status);
    return andThen(setGrantStatus(services, grantId, status), () => setStatus(services, tokenDigest, status));
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

/** Changes what holds for all tokens of a grant; one that was replayed stays so. Null: no such grant. */
export function setGrantStatus(
  { store, clock, limits }: AccessServices,
  grantId: string,
  status: TokenGrant["status"],
): Maybe<TokenGrant | null> {
  return changeRecord(store, "grant", grantId, (grant) => ({
    record: { ...grant, status: grant.status === "replayed" ? grant.status : status },
    expiresAtMs: keptUntilMs(grant.endsAtMs, limits),
    ...(status === "approved" ? {} : { event: eventNow(clock, "revoked", [grantIdentity(grantId)]) }),
  }));
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

/** Expired tokens stay a while, so that their owners hear "expired" and not "unknown". Wall clock; null: for ever. */
export function keptUntilMs(expiresAtMs: number | null, limits: Limits): number | null {
  return expiresAtMs === null ? null : expiresAtMs + limits.expiredTokensKeptMs;
}

function setStatus(
  { store, clock, limits }: AccessServices,
  tokenDigest: string,
  status: TokenRecord["status"],
): Maybe<TokenRecord | null> {
  return changeRecord(store, "token", tokenDigest, (record) => ({
    record: { ...record, status },
    expiresAtMs: keptUntilMs(record.expiresAtMs, limits),
    ...(status === "approved" ? {} : { event: eventNow(clock, "revoked", [tokenIdentity(tokenDigest)]) }),
  }));
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
