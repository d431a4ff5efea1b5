/**
 * Grants: what a refresh token prolongs. One refresh token of a grant is good at a time; the write that puts another in
 * its place decides, so that of two refreshes at once one is too late. Using a replaced one again means that somebody
 * has stolen one, and revokes the whole grant (RFC 9700 section 4.14.2). Replacing one ends no session.
 */
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { changeRecord } from "./change.ts";
import type { AccessServices } from "./change.ts";
import { bulkRevocation } from "./cutoff.ts";
import { digest } from "./digest.ts";
import { attributeOf } from "./model.ts";
import type { KeyRecord, TokenGrant, TokenRecord } from "./model.ts";
import { isPast } from "./resolve.ts";
import { keptUntilMs, putToken, setGrantStatus, tokenOwner } from "./tokens.ts";
import type { IssuedToken, NewToken, TokenOwner, TokenRefusal, TokenWish } from "./tokens.ts";

/** What the two tokens are to be. */
export interface GrantWish extends TokenWish {
  /** Lifetime of the refresh token; null: it never expires. */
  readonly refreshExpiresInMs: number | null;
  /** Another server's refresh token; absent: one is made. */
  readonly refreshToken?: string;
  /** What was agreed to before, and when (wall clock): the grant is never more. */
  readonly consent?: { readonly scopes: readonly string[]; readonly atMs: number };
}

/** What a refresh is to bring: scopes and attributes that it does not name stay as they were. */
export interface RefreshWish extends Omit<GrantWish, "grantType" | "subject" | "consent"> {
  /** The presented refresh token goes on being good; public clients get another one all the same. */
  readonly isReused: boolean;
}

const INVALID = "keymanagement.service.invalid_refresh_token";
const EXPIRED = "keymanagement.service.refresh_token_expired";
const NOT_APPROVED = "keymanagement.service.refresh_token_not_approved";

/** Why a refresh token brings nothing. */
export type RefreshRefusal = typeof INVALID | typeof EXPIRED | typeof NOT_APPROVED;

/**
 * Begins a grant with its first two tokens. Null: it was revoked before it began, because its code was used twice at
 * once or its app's tokens were revoked.
 */
export function openGrant(
  services: AccessServices,
  key: KeyRecord,
  grantId: string,
  wish: GrantWish,
): Maybe<IssuedToken | TokenRefusal | null> {
  return andThen(tokenOwner(services, key, wish.scopes), (owner) => {
    if (typeof owner === "string") return owner;
    const { consent, subject = null } = wish;
    const scopes = consent === undefined ? owner.scopes : narrowed(consent.scopes, owner.scopes, []);
    if (scopes === null) return "steps.oauth.v2.invalid_request";
    const own = { ...owner, scopes };
    if (consent === undefined) return beginGrant(services, own, grantId, wish);
    const token = { kind: "code", issuedAtMs: consent.atMs, subject } as const;
    return andThen(bulkRevocation(services.store, token, owner), (reason) =>
      reason === null ? beginGrant(services, own, grantId, wish) : null,
    );
  });
}

function beginGrant(
  services: AccessServices,
  owner: TokenOwner,
  grantId: string,
  wish: GrantWish,
): Maybe<IssuedToken | TokenRefusal | null> {
  return andThen(putBoth(services, owner, wish, owner.scopes, grantId), (both) => {
    if (typeof both === "string") return both;
    const { access, refresh } = both;
    const endsAtMs = later(access.record.expiresAtMs, refresh.record.expiresAtMs);
    const refreshDigest = refresh.record.id;
    const issuer = issuerOf(wish);
    const grant: TokenGrant = { id: grantId, status: "approved", refreshDigest, refreshCount: 0, endsAtMs, ...issuer };
    const expiresAtMs = keptUntilMs(endsAtMs, services.limits);
    return andThen(services.store.put("grant", grantId, grant, { ifAbsent: true, expiresAtMs }), (isNew) =>
      isNew ? issued(owner, access, { ...refresh, grant }) : null,
    );
  });
}

/** Issues an access token for a refresh token, and another refresh token unless this one is reused. */
export function refreshGrant(
  services: AccessServices,
  key: KeyRecord,
  presentedToken: string,
  wish: RefreshWish,
): Maybe<IssuedToken | TokenRefusal | RefreshRefusal> {
  return andThen(goodRefreshToken(services, key, presentedToken), (record) => {
    if (typeof record === "string") return record;
    return andThen(tokenOwner(services, key, []), (owner) => {
      if (typeof owner === "string") return owner;
      const scopes = narrowed(record.scopes, owner.scopes, wish.scopes);
      if (scopes === null) return "steps.oauth.v2.invalid_request";
      return andThen(bulkRevocation(services.store, record, owner), (reason) => {
        if (reason !== null) return NOT_APPROVED;
        const known = { ...wish, ...inherited(record, wish) };
        // A public client proves itself by nothing but this token (RFC 9700 section 2.2.2).
        const isReused = wish.isReused && key.secretDigest !== null;
        const presented: NewToken = { token: presentedToken, record };
        const own = { ...owner, scopes };
        const made = putBoth(services, own, known, record.scopes, record.grantId, isReused ? presented : null);
        return andThen(made, (both) =>
          typeof both === "string" ? both : prolong(services, owner, record, both, issuerOf(wish)),
        );
      });
    });
  });
}

/** The record of a refresh token that its client may use. One that was replaced revokes its grant. */
function goodRefreshToken(
  services: AccessServices,
  key: KeyRecord,
  presentedToken: string,
): Maybe<(TokenRecord & { readonly grantId: string }) | RefreshRefusal> {
  const { store, clock } = services;
  return andThen(store.get("token", digest(presentedToken)), (record) => {
    if (record?.kind !== "refresh" || record.clientKeyDigest !== key.id) return INVALID;
    if (isPast(record.expiresAtMs, clock)) return EXPIRED;
    const { grantId } = record;
    if (record.status !== "approved" || grantId === undefined) return NOT_APPROVED;
    return andThen(store.get("grant", grantId), (grant) => {
      if (grant === null || grant.status !== "approved") return NOT_APPROVED;
      return grant.refreshDigest === record.id ? { ...record, grantId } : replayed(services, grantId);
    });
  });
}

/** Writes what the refresh made into the grant, unless somebody was faster. */
function prolong(
  services: AccessServices,
  owner: TokenOwner,
  used: TokenRecord & { readonly grantId: string },
  { access, refresh }: { readonly access: NewToken; readonly refresh: NewToken },
  issuer: { readonly issuer?: string },
): Maybe<IssuedToken | RefreshRefusal> {
  const { store, limits } = services;
  const change = changeRecord(store, "grant", used.grantId, (grant) => {
    if (grant.status !== "approved" || grant.refreshDigest !== used.id) return null;
    const endsAtMs = later(grant.endsAtMs, later(access.record.expiresAtMs, refresh.record.expiresAtMs));
    const refreshCount = grant.refreshCount + 1;
    const record = { ...grant, refreshDigest: refresh.record.id, refreshCount, endsAtMs, ...issuer };
    return { record, expiresAtMs: keptUntilMs(endsAtMs, limits) };
  });
  return andThen(change, (grant) => {
    if (grant === null || grant.status !== "approved") return NOT_APPROVED;
    if (grant.refreshDigest === refresh.record.id) return issued(owner, access, { ...refresh, grant });
    return replayed(services, used.grantId);
  });
}

/** Ends a grant of which a refresh token or code was used twice, also one that is only about to begin. */
export function replayed(services: AccessServices, grantId: string): Maybe<typeof INVALID> {
  const { store, clock, limits } = services;
  return andThen(setGrantStatus(services, grantId, "replayed"), (grant) => {
    if (grant !== null) return INVALID;
    const endsAtMs = clock.wallMs();
    const ended: TokenGrant = { id: grantId, status: "replayed", refreshDigest: "", refreshCount: 0, endsAtMs };
    const put = store.put("grant", grantId, ended, { ifAbsent: true, expiresAtMs: keptUntilMs(endsAtMs, limits) });
    return andThen(put, (isNew) => (isNew ? INVALID : replayed(services, grantId)));
  });
}

/** Stores an access token and, unless one is reused, a refresh token that keeps the scopes of the whole grant. */
function putBoth(
  services: AccessServices,
  owner: TokenOwner,
  wish: GrantWish,
  refreshScopes: readonly string[],
  grantId: string,
  reused: NewToken | null = null,
): Maybe<{ readonly access: NewToken; readonly refresh: NewToken } | "steps.oauth.v2.InvalidParameter"> {
  return andThen(putToken(services, owner, wish, { grantId }), (access) => {
    if (typeof access === "string") return access;
    if (reused !== null) return { access, refresh: reused };
    const { token: _, ...lasting } = { ...wish, expiresInMs: wish.refreshExpiresInMs };
    const { refreshToken } = wish;
    const refreshWish = refreshToken === undefined ? lasting : { ...lasting, token: refreshToken };
    const place = { kind: "refresh", grantId } as const;
    const refreshed = putToken(services, { ...owner, scopes: refreshScopes }, refreshWish, place);
    return andThen(refreshed, (refresh) => (typeof refresh === "string" ? refresh : { access, refresh }));
  });
}

/** What the grant must know of signed access tokens. */
function issuerOf({ jwt }: Pick<TokenWish, "jwt">): { readonly issuer?: string } {
  return jwt === undefined ? {} : { issuer: jwt.issuer };
}

function issued(owner: TokenOwner, access: NewToken, refresh: IssuedToken["refresh"] & {}): IssuedToken {
  const { key, app, developer } = owner;
  return { ...access, key, app, developer, refresh };
}

/** Of what was granted and still can be had, all or what is asked for; null when nothing remains of it. */
function narrowed(
  granted: readonly string[],
  allowed: readonly string[],
  wanted: readonly string[],
): readonly string[] | null {
  const present = granted.filter((scope) => allowed.includes(scope));
  const scopes = wanted.length === 0 ? present : present.filter((scope) => wanted.includes(scope));
  return scopes.length === 0 && (granted.length > 0 || wanted.length > 0) ? null : scopes;
}

function inherited(record: TokenRecord, wish: RefreshWish): Omit<TokenWish, "scopes" | "expiresInMs"> {
  const stillHidden = (record.hidden ?? []).filter((name) => attributeOf(wish.attributes ?? {}, name) === null);
  const hidden = [...stillHidden, ...(wish.hidden ?? [])];
  const { grantType, subject } = record;
  return { grantType, subject, attributes: { ...record.attributes, ...wish.attributes }, hidden };
}

function later(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : Math.max(a, b);
}
