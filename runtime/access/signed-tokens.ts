/**
 * Signed access tokens (RFC 9068), of which no store has a record: taken back by their `jti`, and given back. It proves
 * no token.
 */
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { AccessServices } from "./change.ts";
import { jtiIdentity } from "./identity.ts";
import { approveJwts, revokeJwts } from "./jwt-revocation.ts";
import type { NamedJwt } from "./jwt-revocation.ts";
import type { TokenRecord } from "./model.ts";
import { keptUntilMs, setGrantStatus } from "./tokens.ts";
import type { TokenStatusOptions } from "./tokens.ts";

/** What a proven token says of itself. */
export interface SignedToken extends NamedJwt {
  readonly issuer: string;
  readonly jti: string;
  /** The grant that it came of, where this gateway has issued it. */
  readonly sid: string | null;
  /** Digest of the client's key. */
  readonly clientKeyDigest: string;
  /** Wall clock; null: never. */
  readonly expiresAtMs: number | null;
}

/**
 * Revokes a token until nobody takes it any more, or lifts that. Revoking ends its sessions, also those that live on by
 * another token since.
 */
export function setSignedTokenStatus(
  services: AccessServices,
  { issuer, jti, sid, expiresAtMs }: SignedToken,
  status: TokenRecord["status"],
  { cascade = false }: TokenStatusOptions = {},
): Maybe<void> {
  const { clock, limits, store } = services;
  const setOwn = (): Maybe<void> => {
    const identity = jtiIdentity(issuer, jti);
    if (status === "approved") return andThen(approveJwts(services, identity), () => undefined);
    const endsAtMs = expiresAtMs === null ? null : Math.max(expiresAtMs, clock.wallMs());
    return andThen(revokeJwts(services, identity, keptUntilMs(endsAtMs, limits)), () => undefined);
  };
  if (!cascade || sid === null) return setOwn();
  // The grant first, as with tokens of the store. A `sid` of another issuer names no grant of ours.
  return andThen(store.get("grant", sid), (grant) => {
    return grant?.issuer === issuer ? andThen(setGrantStatus(services, sid, status), setOwn) : setOwn();
  });
}
