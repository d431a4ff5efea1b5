/**
 * Authorization codes (RFC 6749 section 4.1) with PKCE (RFC 7636): made, and taken for a grant. A code is good once:
 * the write that names its grant decides, in every store. Who uses one twice has stolen it or was robbed, and what came
 * of it is revoked (section 4.1.2). The store has digests of codes and verifiers only.
 */
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { AccessServices } from "./change.ts";
import { digest, matches } from "./digest.ts";
import { openGrant, replayed } from "./grants.ts";
import type { AuthorizationCode, KeyRecord } from "./model.ts";
import { isPast, keyRefusal, ownerOf } from "./resolve.ts";
import { keptUntilMs, secretText, tokenOwner } from "./tokens.ts";
import type { IssuedToken, TokenOwner, TokenRefusal, TokenWish } from "./tokens.ts";

/** How a challenge was made of its verifier. */
export type ChallengeMethod = "S256" | "plain";

export interface Challenge {
  readonly method: ChallengeMethod;
  readonly text: string;
}

/** What a code is to be. */
export interface CodeWish extends Omit<TokenWish, "expiresInMs" | "grantType" | "token"> {
  readonly expiresInMs: number;
  /** As the request gave it; null when it gave none. */
  readonly redirectUri: string | null;
  readonly challenge: Challenge | null;
  /** A code that another server has issued; absent: one is made. */
  readonly code?: string;
}

/** A code as its client gets it, once, and its record. */
export interface IssuedCode {
  readonly code: string;
  readonly record: AuthorizationCode;
  readonly owner: TokenOwner;
}

const INVALID = "keymanagement.service.invalid_request-authorization_code_invalid";
const EXPIRED = "keymanagement.service.authorization_code_expired";

/** Why a code brings nothing. */
export type CodeRefusal = typeof INVALID | typeof EXPIRED;

/** A client that may be sent somewhere. */
export interface RedirectedClient {
  readonly key: KeyRecord;
  /** Where its user agent goes. */
  readonly redirectTo: string;
}

/** Why a client is sent nowhere: its user agent must see the refusal itself (RFC 6749 section 4.1.2.1). */
export type RedirectRefusal = TokenRefusal | "redirect";

/** What may stand in a Location header and takes a query of ours. */
const REDIRECT_URI = /^[a-z][a-z0-9+.-]*:[\x21\x22\x24-\x7e]+$/i;
const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;
const S256 = /^[A-Za-z0-9_-]{43}$/;

/**
 * The client of an authorization request, and the address that is registered for it. An address in the request must be
 * the same, character for character; without a registered one nobody is sent anywhere.
 */
export function redirectedClient(
  { store, clock }: AccessServices,
  clientId: string,
  redirectUri: string | null,
): Maybe<RedirectedClient | RedirectRefusal> {
  return andThen(store.get("key", digest(clientId)), (key) => {
    if (key === null) return "steps.oauth.v2.InvalidClientIdentifier";
    const refusal = keyRefusal(key, clock);
    if (refusal !== null) return refusal;
    return andThen(ownerOf(store, clock, key.appId), (owner) => {
      if (typeof owner === "string") return owner;
      const { callbackUrl } = owner.app;
      const isRegistered = callbackUrl !== null && (redirectUri === null || redirectUri === callbackUrl);
      return isRegistered && REDIRECT_URI.test(callbackUrl) ? { key, redirectTo: callbackUrl } : "redirect";
    });
  });
}

/** The challenge of a request, null when it is malformed. */
export function challengeOf(text: string, method: ChallengeMethod): Challenge | null {
  return (method === "S256" ? S256 : VERIFIER).test(text) ? { method, text } : null;
}

/** Issues a code to a client. */
export function issueCode(
  services: AccessServices,
  key: KeyRecord,
  wish: CodeWish,
): Maybe<IssuedCode | TokenRefusal> {
  return andThen(tokenOwner(services, key, wish.scopes), (owner) => {
    if (typeof owner === "string") return owner;
    const { store, clock, limits } = services;
    const code = secretText(clock, wish.code);
    if (code === null) return "steps.oauth.v2.InvalidParameter";
    const nowMs = clock.wallMs();
    const { redirectUri, challenge, subject = null, attributes = {}, hidden = [] } = wish;
    const record: AuthorizationCode = {
      id: digest(code),
      clientKeyDigest: key.id,
      scopes: owner.scopes,
      subject,
      attributes,
      hidden,
      redirectUri,
      verifierDigest: challenge === null ? null : verifierDigest(challenge),
      issuedAtMs: nowMs,
      expiresAtMs: nowMs + wish.expiresInMs,
      grantId: null,
    };
    const expiresAtMs = keptUntilMs(record.expiresAtMs, limits);
    const put = store.put("code", record.id, record, { ifAbsent: true, expiresAtMs });
    return andThen(put, (isNew) => (isNew ? { code, record, owner } : "steps.oauth.v2.InvalidParameter"));
  });
}

/** What stands in the token request beside the code. */
export interface CodeProof {
  readonly redirectUri: string | null;
  readonly verifier: string | null;
}

/** What the tokens of a code are to be beyond what its consent said. */
export interface CodeTokenWish extends Omit<TokenWish, "scopes"> {
  readonly refreshExpiresInMs: number | null;
  readonly refreshToken?: string;
}

/** Takes a code: an access token and a refresh token for the client that it was issued to. */
export function redeemCode(
  services: AccessServices,
  key: KeyRecord,
  presentedCode: string,
  proof: CodeProof,
  wish: CodeTokenWish,
): Maybe<IssuedToken | TokenRefusal | CodeRefusal> {
  const { store, clock, limits } = services;
  return andThen(store.get("code", digest(presentedCode)), (code) => {
    if (code === null || code.clientKeyDigest !== key.id) return INVALID;
    if (code.grantId !== null) return andThen(replayed(services, code.grantId), () => INVALID);
    if (isPast(code.expiresAtMs, clock)) return EXPIRED;
    if (!isProven(code, key, proof)) return INVALID;
    const grantId = clock.randomId();
    const options = { ifStill: code, expiresAtMs: keptUntilMs(code.expiresAtMs, limits) };
    return andThen(store.put("code", code.id, { ...code, grantId }, options), (isFirst) => {
      // Somebody was faster: the second look finds the grant, and revokes it.
      if (!isFirst) return redeemCode(services, key, presentedCode, proof, wish);
      const { subject, scopes, issuedAtMs } = code;
      const consent = { scopes, atMs: issuedAtMs };
      const attributes = { ...code.attributes, ...wish.attributes };
      const stillHidden = code.hidden.filter((name) => !Object.hasOwn(wish.attributes ?? {}, name));
      const hidden = [...stillHidden, ...(wish.hidden ?? [])];
      const whole = { ...wish, scopes: [], subject: subject ?? wish.subject ?? null, attributes, hidden, consent };
      return andThen(openGrant(services, key, grantId, whole), (issued) => issued ?? INVALID);
    });
  });
}

/** The redirect address was the same, and whoever brings the code also has the verifier of its challenge. */
function isProven(code: AuthorizationCode, key: KeyRecord, { redirectUri, verifier }: CodeProof): boolean {
  if (code.redirectUri !== null && code.redirectUri !== redirectUri) return false;
  // Without a challenge a verifier says that somebody cut the challenge out (RFC 9700 section 4.8.2).
  if (code.verifierDigest === null) return verifier === null && key.secretDigest !== null;
  return verifier !== null && VERIFIER.test(verifier) && matches(verifier, code.verifierDigest);
}

/** Both methods come to the digest of the verifier: S256 is that digest already. */
function verifierDigest({ method, text }: Challenge): string {
  return method === "S256" ? `sha256:${text}` : digest(text);
}
