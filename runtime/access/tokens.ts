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
import { provenClient } from "./clients.ts";
import type { Client } from "./clients.ts";
import { digest } from "./digest.ts";
import { grantIdentity, sidIdentity, tokenIdentity } from "./identity.ts";
import { approveJwts, revokeJwts } from "./jwt-revocation.ts";
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
  /** A token that another server has issued, to be known here too; absent: one is made. */
  readonly token?: string;
  /** Signs the access token, which then is not stored; absent: an opaque one. */
  readonly jwt?: JwtWish;
}

/** How access tokens are signed. */
export interface JwtWish {
  readonly issuer: string;
  /** The token of that record; throws the policy's fault when it cannot be signed. */
  sign(record: Omit<TokenRecord, "id">): Maybe<string>;
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

/**
 * Why no token is issued. `invalid_request`: none of the scopes asked for can be had. `InvalidParameter`: another
 * server's token is no token, or is known already.
 */
export type TokenRefusal =
  | Refusal
  | "steps.oauth.v2.InvalidClientIdentifier"
  | "steps.oauth.v2.invalid_request"
  | "steps.oauth.v2.InvalidParameter";

/** Issues an access token to a client whose identity somebody else has established. */
export function mintToken(
  services: AccessServices,
  key: KeyRecord,
  wish: TokenWish,
): Maybe<IssuedToken | TokenRefusal> {
  return andThen(tokenOwner(services, key, wish.scopes), (owner) => {
    if (typeof owner === "string") return owner;
    const { key, app, developer } = owner;
    return andThen(putToken(services, owner, wish), (made) =>
      typeof made === "string" ? made : { ...made, key, app, developer },
    );
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
  return andThen(ownerOf(store, clock, key.appId), (owner) => {
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

/** What another server's token or code may be: text that a header can carry (RFC 6750 section 2.1). */
const EXTERNAL = /^[A-Za-z0-9._~+/-]{1,2048}=*$/;
const EXTERNAL_CHARS_MAX = 2048;

/** The text of another server's token or code, or of a new one; null when it cannot be one. */
export function secretText(clock: AccessServices["clock"], external: string | undefined): string | null {
  if (external === undefined) return randomSecret(clock);
  return external.length <= EXTERNAL_CHARS_MAX && EXTERNAL.test(external) ? external : null;
}

/** Makes a token and stores it. */
export function putToken(
  { store, clock, limits }: AccessServices,
  owner: TokenOwner,
  wish: TokenWish,
  { kind = "access", grantId }: TokenPlace = {},
): Maybe<NewToken | "steps.oauth.v2.InvalidParameter"> {
  const nowMs = clock.wallMs();
  const { subject = null, attributes = {}, hidden = [], expiresInMs, grantType } = wish;
  const made: Omit<TokenRecord, "id"> = {
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
  if (wish.jwt !== undefined && kind === "access") {
    return andThen(wish.jwt.sign(made), (token) => ({ token, record: { id: digest(token), ...made } }));
  }
  const token = secretText(clock, wish.token);
  if (token === null) return "steps.oauth.v2.InvalidParameter";
  const record: TokenRecord = { id: digest(token), ...made };
  const expiresAtMs = keptUntilMs(record.expiresAtMs, limits);
  return andThen(store.put("token", record.id, record, { ifAbsent: true, expiresAtMs }), (isNew) =>
    isNew ? { token, record } : "steps.oauth.v2.InvalidParameter",
  );
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

/** Changes what holds for all tokens of a grant; one that was replayed stays so. Null: no such grant. */
export function setGrantStatus(
  services: AccessServices,
  grantId: string,
  status: TokenGrant["status"],
): Maybe<TokenGrant | null> {
  const { store, clock, limits } = services;
  const change = changeRecord(store, "grant", grantId, (grant) => ({
    record: { ...grant, status: grant.status === "replayed" ? grant.status : status },
    expiresAtMs: keptUntilMs(grant.endsAtMs, limits),
    ...(status === "approved" ? {} : { event: eventNow(clock, "revoked", [grantIdentity(grantId)]) }),
  }));
  return andThen(change, (grant) => {
    if (grant?.issuer === undefined) return grant;
    return andThen(markJwts(services, grant, grant.issuer), () => grant);
  });
}

/** What holds for the signed access tokens of a grant, of which there is no record. */
function markJwts(services: AccessServices, { id, status, endsAtMs }: TokenGrant, issuer: string): Maybe<boolean> {
  const identity = sidIdentity(issuer, id);
  if (status === "approved") return approveJwts(services, identity);
  return revokeJwts(services, identity, keptUntilMs(endsAtMs, services.limits));
}

/** A token's record, null when there is none. */
export function findToken(store: Store, presentedToken: string): Maybe<TokenRecord | null> {
  return store.get("token", digest(presentedToken));
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
