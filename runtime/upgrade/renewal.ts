/**
 * Carries a renewal out where the sessions are: checks the other token against each session that the renewal names,
 * puts it in the place of the old one, and answers through the store. It hears renewals as events, in order with
 * revocations. Linked only where a bundle renews sessions.
 */
import { sessionIdOf, ticketIdentity } from "../access/identity.ts";
import type { Credential } from "../access/credential.ts";
import { isToken, renewalRefusal, renewedCredential } from "../access/renewal.ts";
import type { Renewal, RenewalAnswer, RenewalRefusal } from "../access/renewal.ts";
import { isPast } from "../access/resolve.ts";
import type { Clock } from "../clock.ts";
import type { Instance } from "../process/instance.ts";
import type { Limits } from "../limits.ts";
import { andThen, isPending } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { answerId } from "../state/replicas.ts";
import type { RevocationEvent, Store } from "../state/store.ts";
import type { Revocations } from "./revocation.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./session-index.ts";

/** What a renewal is carried out with. */
export interface RenewalServices {
  readonly store: Store;
  readonly clock: Clock;
  readonly limits: Limits;
  readonly sessions: Sessions;
  readonly revocations: Revocations;
  /** Names this process among those that answer. */
  readonly instance: Instance;
  carriedOut(answer: RenewalAnswer): void;
  /** The store failed: whoever asked hears of no session here. */
  failed(cause: unknown): void;
}

/**
 * Carries out the renewal of an event, and answers, also where no session is meant: whoever asked waits for all. Never
 * throws.
 */
export function carryOutRenewal(services: RenewalServices, { identities, renewal }: RevocationEvent): void {
  if (renewal === undefined) return;
  const named = sessionsOf(services, identities).slice(0, services.limits.renewedAtOnceMax);
  try {
    const done = andThen(renewAll(services, named, renewal, 0, { moved: 0, refused: 0, why: null }), (answer) => {
      if (named.length > 0) services.carriedOut(answer);
      const expiresAtMs = services.clock.wallMs() + services.limits.renewalAnswersKeptMs;
      return services.store.put("renewal", answerId(renewal.id, services.instance.uuid), answer, { expiresAtMs });
    });
    if (isPending(done)) done.catch((cause: unknown) => services.failed(cause));
  } catch (cause) {
    services.failed(cause);
  }
}

/** A session's id may also be its ticket's. */
function sessionsOf({ sessions }: RenewalServices, identities: RevocationEvent["identities"]): readonly Session[] {
  const id = sessionIdOf(identities[0] ?? "");
  const found = sessions.find(identities);
  const meant = id === null || found.length > 0 ? found : sessions.find([ticketIdentity(id)]);
  return meant.filter(({ endReason, state }) => endReason === null && (state === "open" || state === "handshake"));
}

/** One after the other, so that a token of many sessions asks the store for one at a time. */
function renewAll(
  services: RenewalServices,
  named: readonly Session[],
  renewal: Renewal,
  at: number,
  so: RenewalAnswer,
): Maybe<RenewalAnswer> {
  const session = named[at];
  if (session === undefined) return so;
  return andThen(renewOne(services, session, renewal.credential), (why) => {
    const next = why === null ? { ...so, moved: so.moved + 1 } : { ...so, refused: so.refused + 1, why };
    return renewAll(services, named, renewal, at + 1, next);
  });
}

/** Null when the session lives on by the token. */
function renewOne(services: RenewalServices, session: Session, next: Credential): Maybe<RenewalRefusal | null> {
  const { clock, limits, revocations } = services;
  const [old, ...others] = session.credentials.filter(isToken);
  if (old === undefined || others.length > 0) return "NotRenewable";
  // A process that was cut off hears of it late, and a token that has expired meanwhile must not end the session.
  if (isPast(next.expiresAtMs, clock)) return "AccessDenied";
  const refusal = renewalRefusal(old, next);
  if (refusal !== null) return refusal;
  const { epoch } = revocations;
  const renewed = renewedCredential(old, next, epoch, limits.renewedTokensRememberedMax);
  return andThen(revocations.areGood([renewed]), (areGood) => {
    // What was revoked while the store was asked has not found this session under the token.
    const isRevoked = revocations.revokedSince(epoch, renewed.identities, renewed.kind) !== null;
    if (!areGood || isRevoked) return "AccessDenied";
    return session.renew(old, renewed) ? null : "NotRenewable";
  });
}
