/**
 * Brings the store's events to the sessions they name, and remembers the last ones, so that a handshake can be told
 * just before its 101 whether something happened since its credentials were verified. It changes no record.
 */
import type { Credential, CredentialBasis, CredentialKind } from "../access/credential.ts";
import type { Identity } from "../access/identity.ts";
import type { AccessGrant } from "../access/model.ts";
import { heldIdentities } from "../access/renewal.ts";
import type { NamedJwt } from "../access/jwt-revocation.ts";
import type { Limits } from "../limits.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { StoreFailure } from "../state/store.ts";
import type { RevocationEvent, Store, StoredEvent, StoreListener } from "../state/store.ts";
import type { CloseReasonId, CloseWords } from "./close-reason.ts";
import { Doubts } from "./doubts.ts";
import type { Session } from "./session.ts";
import type { Sessions } from "./session-index.ts";

/** What the rest of the gateway adds. */
export interface RevocationOptions {
  /**
   * False when what admitted a session would not admit it any more (access/resolve `resolveBasis`); else what holds
   * now, or true where that is not known.
   */
  isStillGood(basis: CredentialBasis): Maybe<boolean | AccessGrant>;
  /** True when that JWT was revoked (access/jwt-revocation). */
  isRevoked?(jwt: NamedJwt): Maybe<boolean>;
  /** Sessions may live on by another token (renewal.ts). Must not throw. */
  onRenewal?(event: RevocationEvent): void;
  /** An event was carried out: how many sessions it named. */
  onEvent?(event: StoredEvent, sessionsNamed: number): void;
  /** The store failed while sessions were checked again. */
  onFailure?(cause: unknown): void;
}

/** Says whether too much may have been missed (revocation-lag.ts). */
export interface Hearing {
  refuses(): boolean;
}

/** Times a handshake is checked again because access data changed once more; then it is refused. */
const CONFIRM_TRIES_MAX = 8;
/** Identities that stand for the token itself. */
const TOKEN_PREFIX = "token:";
const TOKEN_PREFIXES = [TOKEN_PREFIX, "grant:", "jti:", "kid:"];

/** The watcher. `start` it before the first handshake. */
export class Revocations implements StoreListener {
  readonly #store: Store;
  readonly #sessions: Sessions;
  readonly #rememberedMax: number;
  readonly #options: RevocationOptions;
  readonly #doubts: Doubts;
  #hearing: Hearing | null = null;
  /** The last events, oldest first, as a ring: the oldest stands at `#oldest`. */
  readonly #ring: StoredEvent[] = [];
  #oldest = 0;
  /** The same events by the first identity they name. */
  readonly #byIdentity = new Map<Identity, StoredEvent[]>();
  /** Every event behind this one is remembered. */
  #floor = 0;
  #epoch = 0;
  #unwatch: (() => void) | null = null;

  constructor(store: Store, sessions: Sessions, limits: Limits, options: RevocationOptions) {
    this.#store = store;
    this.#sessions = sessions;
    this.#rememberedMax = limits.revocationsRememberedMax;
    this.#options = options;
    this.#doubts = new Doubts({
      isGood: (session) => this.#areStillGood(session),
      end: (session, reason) => this.#end(session, reason),
      failed: (cause) => options.onFailure?.(cause),
    }, limits.recheckedAtOnceMax);
  }

  /** Sequence number of the last event that was carried out. Read it before a verification begins. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Sessions that are being checked again, or wait for it. */
  get inDoubt(): number {
    return this.#doubts.count;
  }

  /** From now on nobody is admitted while `hearing` refuses. */
  heed(hearing: Hearing): void {
    this.#hearing = hearing;
  }

  /** Throws a StoreFailure when so much may have been missed that no credential can be trusted. */
  assertHearing(): void {
    if (this.#hearing?.refuses() === true) throw new StoreFailure("unavailable", "revocations may have been missed");
  }

  /** Checks those sessions again about which the store could not tell. */
  retryDoubts(): void {
    if (this.#doubts.count > 0) this.#doubts.retry();
  }

  /** Events remembered. */
  get remembered(): number {
    return this.#ring.length;
  }

  /** Listens from now on. Fails as the store fails. */
  start(): Maybe<void> {
    this.#unwatch ??= this.#store.watch(this);
    return andThen(this.#store.lastEvent(), (last) => {
      if (this.#ring.length > 0) return;
      this.#epoch = Math.max(this.#epoch, last);
      this.#floor = this.#epoch;
    });
  }

  /** Stops listening. */
  close(): void {
    this.#unwatch?.();
    this.#unwatch = null;
  }

  /**
   * The first event behind `epoch` that names these identities, null when there is none, "unknown" when events since
   * then are no longer remembered. `changed` events count: the caller must check again.
   * `own`: the identities of the credential of that `kind`, when `identities` holds others too.
   */
  revokedSince(
    epoch: number,
    identities: readonly Identity[],
    kind: CredentialKind,
    own: readonly Identity[] = identities,
  ): RevocationEvent | null | "unknown" {
    if (epoch >= this.#epoch) return null;
    if (epoch < this.#floor) return "unknown";
    let first: StoredEvent | null = null;
    for (const identity of identities) {
      for (const stored of this.#byIdentity.get(identity) ?? []) {
        if (stored.sequence <= epoch || (first !== null && first.sequence <= stored.sequence)) continue;
        const areCarried = stored.event.identities.every((named) => identities.includes(named));
        if (areCarried && isMeant(stored.event, kind, own)) first = stored;
      }
    }
    return first === null ? null : first.event;
  }

  /**
   * To be asked just before the 101 leaves: null when the session may open, else the reason to refuse it. It waits only
   * when access data changed since the verification and the store is distant. Fails as the store fails.
   */
  confirm(session: Session, triesLeft = CONFIRM_TRIES_MAX): Maybe<CloseReasonId | null> {
    const reason = session.endReason ?? session.expired();
    if (reason !== null) return reason;
    if (session.credentials.length > 0) this.assertHearing();
    let isInDoubt = false;
    for (const { epoch: verified, kind, basis, identities: own } of session.credentials) {
      const since = Math.max(verified, session.confirmedEpoch);
      if (since >= this.#epoch) continue;
      const event = this.revokedSince(since, session.identities(), kind, own);
      if (event === null) continue;
      if (event !== "unknown" && event.effect !== "changed") return reasonOf(event);
      if (event === "unknown" && basis === null) return "accessChanged";
      isInDoubt = true;
    }
    if (!isInDoubt) return null;
    if (triesLeft === 0) return "accessChanged";
    const epoch = this.#epoch;
    return andThen(this.#areStillGood(session), (areGood) => {
      if (!areGood) return "accessChanged";
      // What happened while the store was asked is another gap.
      session.confirmedEpoch = epoch;
      return this.confirm(session, triesLeft - 1);
    });
  }

  storeEvent(stored: StoredEvent): void {
    if (stored.sequence <= this.#epoch) return;
    this.#epoch = stored.sequence;
    const { event } = stored;
    if (event.effect === "asked") return;
    if (event.effect === "renewed") return this.#options.onRenewal?.(event);
    this.#remember(stored);
    const named = sessionsNamed(this.#sessions, event);
    for (const session of named) {
      if (event.effect === "changed") this.#doubts.add(session, "accessChanged");
      else this.#end(session, reasonOf(event), event.close);
    }
    this.#options.onEvent?.(stored, named.length);
    this.retryDoubts();
  }

  /** A session that cannot end as it should must not keep the others from ending. */
  #end(session: Session, reason: CloseReasonId, words?: CloseWords): void {
    if (session.state === "open" && session.route.survives?.includes(reason) === true) return;
    try {
      session.end(reason, words);
    } catch (cause) {
      this.#options.onFailure?.(cause);
    }
  }

  /** Nobody knows what was missed: what was verified is in doubt, and every session is checked again. */
  storeEventsLost(lastSequence: number): void {
    this.#epoch = Math.max(this.#epoch, lastSequence);
    this.#floor = this.#epoch;
    this.#ring.length = 0;
    this.#oldest = 0;
    this.#byIdentity.clear();
    for (const session of this.#sessions.find([])) this.#doubts.add(session, null);
  }

  #areStillGood(session: Session): Maybe<boolean> {
    return this.#areGood(session.credentials, session);
  }

  /** True when all of these would still be verified. Fails as the store fails. */
  areGood(credentials: readonly Credential[]): Maybe<boolean> {
    return this.#areGood(credentials, null);
  }

  /** `session`: it takes on what has changed of its credentials. */
  #areGood(credentials: readonly Credential[], session: Session | null): Maybe<boolean> {
    return andThen(this.#areAllGood(session, credentials, 0), (areGood) => {
      return areGood && andThen(this.#areUnrevoked(jwtsOf(credentials), 0), (areUnrevoked) => {
        return areUnrevoked && this.#areTokensGood(formerTokens(credentials), 0);
      });
    });
  }

  /** Tokens that others have renewed: they have expired, and only their revocation counts. */
  #areTokensGood(tokens: readonly Identity[], at: number): Maybe<boolean> {
    const token = tokens[at];
    if (token === undefined) return true;
    return andThen(this.#store.get("token", token.slice(TOKEN_PREFIX.length)), (record) => {
      return record?.status !== "revoked" && this.#areTokensGood(tokens, at + 1);
    });
  }

  /** The store remembers revoked JWTs by themselves: no basis leads to them. */
  #areUnrevoked(jwts: readonly NamedJwt[], at: number): Maybe<boolean> {
    const jwt = jwts[at];
    if (jwt === undefined || this.#options.isRevoked === undefined) return true;
    return andThen(this.#options.isRevoked(jwt), (isRevoked) => !isRevoked && this.#areUnrevoked(jwts, at + 1));
  }

  #areAllGood(session: Session | null, credentials: readonly Credential[], at: number): Maybe<boolean> {
    const credential = credentials[at];
    if (credential === undefined) return true;
    const { basis } = credential;
    if (basis === null) return this.#areAllGood(session, credentials, at + 1);
    return andThen(this.#options.isStillGood(basis), (found) => {
      if (found === false) return false;
      if (found !== true && session !== null) adopt(session, credential, found);
      return this.#areAllGood(session, credentials, at + 1);
    });
  }

  #remember(stored: StoredEvent): void {
    if (this.#ring.length < this.#rememberedMax) {
      this.#ring.push(stored);
    } else {
      const oldest = this.#ring[this.#oldest];
      if (oldest !== undefined) this.#forget(oldest);
      this.#ring[this.#oldest] = stored;
      this.#oldest = (this.#oldest + 1) % this.#rememberedMax;
    }
    const identity = stored.event.identities[0] ?? "";
    const present = this.#byIdentity.get(identity);
    if (present === undefined) this.#byIdentity.set(identity, [stored]);
    else present.push(stored);
  }

  #forget(stored: StoredEvent): void {
    this.#floor = stored.sequence;
    const identity = stored.event.identities[0] ?? "";
    const present = this.#byIdentity.get(identity);
    if (present === undefined || present.length === 1) this.#byIdentity.delete(identity);
    else present.shift();
  }
}

/** What changed short of a revocation holds from now on: another expiry, another product. */
function adopt(session: Session, credential: Credential, grant: AccessGrant): void {
  const { expiresAtMs, labels } = grant;
  const identities = heldIdentities(credential, grant.identities);
  // A JWT has an expiry and a subject of its own, of which the grant of its client knows nothing.
  if (credential.kind !== credential.basis?.kind) return;
  const isSame = expiresAtMs === credential.expiresAtMs && identities.join() === credential.identities.join();
  if (!isSame) session.replaceCredential(credential, { ...credential, expiresAtMs, identities, labels });
}

function jwtsOf(credentials: readonly Credential[]): readonly NamedJwt[] {
  const jwts = credentials.filter(({ kind }) => kind === "jwt");
  return jwts.map(({ identities, issuedAtMs = 0 }) => ({ identities, issuedAtMs }));
}

/** What of an event says whom it means. */
type Meant = Pick<RevocationEvent, "identities" | "credentialKind">;

/** The sessions that an event means. */
export function sessionsNamed(sessions: Sessions, event: Meant): readonly Session[] {
  return sessions.find(event.identities).filter((session) => isNamed(session, event));
}

function formerTokens(credentials: readonly Credential[]): readonly Identity[] {
  const former = credentials.flatMap(({ former = [] }) => former.flat());
  return former.filter((identity) => identity.startsWith(TOKEN_PREFIX));
}

/** True when the event means a session with one of these credentials; all its identities are known to be carried. */
function isNamed(session: Session, event: Meant): boolean {
  if (event.credentialKind === undefined) return true;
  return session.credentials.some(({ kind, identities }) => isMeant(event, kind, identities));
}

/**
 * True when an event means a credential of this kind: one for a single kind must name an identity of its own. A JWT is
 * a token too.
 */
function isMeant(event: Meant, kind: CredentialKind, own: readonly Identity[]): boolean {
  if (event.credentialKind === undefined) return true;
  const isOfKind = event.credentialKind === kind || (event.credentialKind === "token" && kind === "jwt");
  return isOfKind && own.includes(event.identities[0] ?? "");
}

function reasonOf(event: RevocationEvent): CloseReasonId {
  if (event.effect === "ended") return "ended";
  if (event.credentialKind === "token") return "tokenRevoked";
  const first = event.identities[0] ?? "";
  return TOKEN_PREFIXES.some((prefix) => first.startsWith(prefix)) ? "tokenRevoked" : "accessRevoked";
}
