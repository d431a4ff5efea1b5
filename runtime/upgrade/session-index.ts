/**
 * All sessions of the process, those whose handshake is still under way included, and who they belong to: by id, and by
 * every identity that a revocation can name. It finds and tells sessions to end; it does not know why.
 */
import type { Limits } from "../limits.ts";
import { sessionIdOf } from "../access/identity.ts";
import type { Identity } from "../access/identity.ts";
import type { CloseReasonId, CloseWords } from "./close-reason.ts";
import type { Session } from "./session.ts";

/** What the index asks of a session. */
export interface IndexedSession {
  readonly id: string;
  /** The index's own: place in the order of arrival, 0 while not in the index. */
  serial: number;
  /** Every identity it is indexed under, each once. */
  identities(): readonly Identity[];
  /** Harmless when it has ended already. May remove it from the index at once. */
  end(reason: CloseReasonId, words?: CloseWords): void;
}

/** Sessions that carry all of these identities; none named: every session. */
export type SessionFilter = readonly Identity[];

/** Which page of a list. */
export interface SessionPageWish {
  readonly after?: number;
  readonly limit: number;
  /** Sessions left out behind `after`. */
  readonly skip?: number;
}

export interface EndOptions {
  /** Only counts. */
  readonly dryRun?: boolean;
  readonly words?: CloseWords;
}

/** One page of a list, in order of arrival. */
export interface SessionPage<S> {
  readonly sessions: readonly S[];
  /** Give it back to get the next page; null when nothing followed. */
  readonly after: number | null;
  /** Sessions that the filter means, on whatever page. */
  readonly matched: number;
}

/**
 * What the index holds in place of a session, and empties when the session leaves: V8 links the old table of a Map or
 * Set with much coming and going to the new one, so that a promoted old table would keep sessions alive, sockets and
 * all, until the next full collection.
 */
interface IndexTicket<S> {
  session: S | null;
}

/** The index. Its order, and so paging, is stable while sessions come and go. */
export class Sessions<S extends IndexedSession = Session> {
  readonly #sessionsMax: number;
  readonly #byId = new Map<string, IndexTicket<S>>();
  /** Most identities (tokens, keys) belong to one session; only those with more pay for a Set. */
  readonly #byIdentity = new Map<Identity, IndexTicket<S> | Set<IndexTicket<S>>>();
  #lastSerial = 0;

  constructor(limits: Pick<Limits, "sessionsMax">) {
    this.#sessionsMax = limits.sessionsMax;
  }

  /** Sessions in the index, handshakes included. */
  get count(): number {
    return this.#byId.size;
  }

  /** Identities under which any session stands; for tests and metrics. */
  get identityCount(): number {
    return this.#byIdentity.size;
  }

  /** Takes a session up under its present identities. False when the process is full (overload) or the id is taken. */
  add(session: S): boolean {
    if (this.#byId.size >= this.#sessionsMax || this.#byId.has(session.id)) return false;
    session.serial = ++this.#lastSerial;
    const ticket: IndexTicket<S> = { session };
    this.#byId.set(session.id, ticket);
    for (const identity of session.identities()) this.#attach(ticket, identity);
    return true;
  }

  /** Lets a session go; harmless when it is not there. Its identities must be those it was indexed under. */
  remove(session: S): void {
    const ticket = this.#byId.get(session.id);
    if (ticket?.session !== session) return;
    this.#byId.delete(session.id);
    for (const identity of session.identities()) this.#detach(ticket, identity);
    ticket.session = null;
    session.serial = 0;
  }

  /** Moves a session of the index: it lost some identities and won others (a credential came, or was renewed). */
  move(session: S, lost: readonly Identity[], won: readonly Identity[]): void {
    const ticket = this.#byId.get(session.id);
    if (ticket?.session !== session) return;
    for (const identity of lost) this.#detach(ticket, identity);
    for (const identity of won) this.#attach(ticket, identity);
  }

  /** The session with that id, null when there is none. */
  byId(id: string): S | null {
    return this.#byId.get(id)?.session ?? null;
  }

  /** Every session, in order of arrival. Do not end or remove any while going through. */
  *all(): IterableIterator<S> {
    for (const { session } of this.#byId.values()) if (session !== null) yield session;
  }

  /** The sessions that a filter means, in order of arrival; a copy, so that they may be ended one by one. */
  find(filter: SessionFilter): readonly S[] {
    if (filter.length === 0) return [...this.all()];
    const found: S[] = [];
    const [smallest, ...others] = this.#sets(filter);
    for (const ticket of smallest ?? []) {
      if (ticket.session !== null && isInAll(ticket, others)) found.push(ticket.session);
    }
    return found.sort(byArrival);
  }

  /** One page of `find`, at most `limit` sessions, `skip` behind the place where the last page ended. */
  list(filter: SessionFilter, page: SessionPageWish): SessionPage<S> {
    if (filter.length === 0) return this.#listAll(page);
    const { after = 0, limit, skip = 0 } = page;
    const found = this.find(filter);
    const first = firstBehind(found, after) + skip;
    const sessions = found.slice(first, first + limit);
    const isLast = first + limit >= found.length;
    return { sessions, after: isLast ? null : (sessions.at(-1)?.serial ?? null), matched: found.length };
  }

  /** Ends every session that the filter means; `dryRun` only counts. How many were meant. */
  end(filter: SessionFilter, reason: CloseReasonId, options: EndOptions = {}): number {
    const meant = this.find(filter);
    if (options.dryRun === true) return meant.length;
    for (const session of meant) session.end(reason, options.words);
    return meant.length;
  }

  /** The index is in order of arrival already: nothing has to be copied for a page of it. */
  #listAll({ after = 0, limit, skip = 0 }: SessionPageWish): SessionPage<S> {
    const sessions: S[] = [];
    let left = skip;
    let isLast = true;
    for (const { session } of this.#byId.values()) {
      if (session === null || session.serial <= after || left-- > 0) continue;
      isLast = sessions.length < limit;
      if (!isLast) break;
      sessions.push(session);
    }
    return { sessions, after: isLast ? null : (sessions.at(-1)?.serial ?? null), matched: this.count };
  }

  /** Who carries each of the identities, the fewest first; none at all when nobody carries one of them. */
  #sets(filter: SessionFilter): readonly ReadonlySet<IndexTicket<S>>[] {
    const sets: ReadonlySet<IndexTicket<S>>[] = [];
    for (const identity of filter) {
      const id = sessionIdOf(identity);
      const found = id === null ? this.#byIdentity.get(identity) : this.#byId.get(id);
      if (found === undefined) return [];
      sets.push(found instanceof Set ? found : new Set([found]));
    }
    return sets.sort((a, b) => a.size - b.size);
  }

  #attach(ticket: IndexTicket<S>, identity: Identity): void {
    const present = this.#byIdentity.get(identity);
    if (present === undefined) this.#byIdentity.set(identity, ticket);
    else if (present instanceof Set) present.add(ticket);
    else if (present !== ticket) this.#byIdentity.set(identity, new Set([present, ticket]));
  }

  #detach(ticket: IndexTicket<S>, identity: Identity): void {
    const present = this.#byIdentity.get(identity);
    if (present === ticket) this.#byIdentity.delete(identity);
    if (!(present instanceof Set) || !present.delete(ticket) || present.size > 1) return;
    for (const last of present) this.#byIdentity.set(identity, last);
  }
}

function isInAll<T>(one: T, sets: readonly ReadonlySet<T>[]): boolean {
  for (const set of sets) if (!set.has(one)) return false;
  return true;
}

/** Where in order of arrival those begin that came later than `serial`. */
function firstBehind(sessions: readonly IndexedSession[], serial: number): number {
  let low = 0;
  let high = sessions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sessions[middle]?.serial ?? Infinity) > serial) high = middle;
    else low = middle + 1;
  }
  return low;
}

function byArrival(a: IndexedSession, b: IndexedSession): number {
  return a.serial - b.serial;
}
