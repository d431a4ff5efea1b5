/**
 * Revoked JWTs. The gateway did not issue them and has no record of them, so the store keeps a mark for what was
 * revoked: one token, all tokens of a signing key, of a login session or of a subject. It reads no token.
 */
import { andThen, isPending } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { Store } from "../state/store.ts";
import { eventNow } from "./change.ts";
import type { AccessServices } from "./change.ts";
import { isEndUserCut } from "./cutoff.ts";
import { appIdOf, endUserOf, isSubject } from "./identity.ts";
import type { Identity } from "./identity.ts";
import type { MetaRecord } from "./model.ts";

/** What is known of a token when one asks whether it was revoked. */
export interface NamedJwt {
  readonly identities: readonly Identity[];
  /** Wall clock; a token that does not say when it was issued counts as the oldest. */
  readonly issuedAtMs: number;
}

/** Identities that can be revoked here. */
const MARKED = ["jti:", "kid:", "sid:", "subject:"];

/**
 * Refuses every JWT with that identity (`jtiIdentity`, `kidIdentity`, `sidIdentity`, `subjectIdentity`) and ends its
 * sessions, for ever or until `expiresAtMs` (wall clock). Of a subject only what was issued until now: a subject may
 * log in again.
 */
export function revokeJwts(
  { store, clock }: AccessServices,
  identity: Identity,
  expiresAtMs: number | null,
): Maybe<boolean> {
  const mark = { note: "revoked", atMs: clock.wallMs() };
  const event = eventNow(clock, "revoked", [identity]);
  return store.put("meta", markOf(identity), mark, { expiresAtMs, event });
}

/** Takes a revocation back. True when there was one. Sessions that it ended stay ended. */
export function approveJwts({ store }: AccessServices, identity: Identity): Maybe<boolean> {
  return store.remove("meta", markOf(identity));
}

/** True when one of the token's identities was revoked. A distant store is asked about all of them at once. */
export function isJwtRevoked(store: Store, { identities, issuedAtMs }: NamedJwt): Maybe<boolean> {
  const asked = identities.filter((identity) => MARKED.some((prefix) => identity.startsWith(prefix)));
  const isMeant = (mark: MetaRecord | null, identity: Identity): boolean =>
    mark !== null && (!isSubject(identity) || issuedAtMs <= mark.atMs);
  const answers = asked.map((identity) =>
    andThen(store.get("meta", markOf(identity)), (mark) => isMeant(mark, identity)),
  );
  const endUser = identities.map(endUserOf).find((user) => user !== null);
  if (endUser !== undefined) {
    const apps = [null, ...identities.map(appIdOf).filter((appId) => appId !== null)];
    answers.push(...apps.map((appId) => isEndUserCut(store, { appId, endUser }, issuedAtMs)));
  }
  return answers.some(isPending) ? Promise.all(answers).then((all) => all.includes(true)) : answers.includes(true);
}

function markOf(identity: Identity): string {
  return `revoked:${identity}`;
}
