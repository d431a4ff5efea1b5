/**
 * Verified grants in front of a store: a key or token seen before costs one hash and one map look-up; at another path
 * or with another method the check is made again, with the records of the first. Both live until the credential
 * expires, an event names one of their identities, or their time is over. Refusals are never kept.
 */
import type { Clock } from "../clock.ts";
import type { Limits } from "../limits.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { RevocationEvent, Store } from "../state/store.ts";
import type { AccessCall, CredentialKind } from "./credential.ts";
import { digest } from "./digest.ts";
import type { Identity } from "./identity.ts";
import type { AccessGrant } from "./model.ts";
import { RecalledRecords } from "./recalled-records.ts";
import { isPast, resolveKeyDigest, resolveTokenDigest } from "./resolve.ts";
import type { Refusal } from "./resolve.ts";

/** What the cache must know of the event stream (upgrade/revocation). */
export interface EventMemory {
  readonly epoch: number;
  /** Throws a StoreFailure while too much may have been missed. */
  assertHearing(): void;
  revokedSince(
    epoch: number,
    identities: readonly Identity[],
    kind: CredentialKind,
  ): RevocationEvent | null | "unknown";
}

/** What is kept of a credential: the records that it was verified with. */
interface Known {
  /** Kind and digest. */
  readonly at: string;
  readonly records: RecalledRecords;
  /** Monotonic. */
  readonly staleAtMs: number;
  /** Epoch up to which no event concerns the records. */
  epoch: number;
}

interface Entry {
  readonly grant: AccessGrant;
  /** Monotonic. */
  readonly staleAtMs: number;
  /** Epoch up to which no event concerns the grant. */
  epoch: number;
}

/** Longer paths are looked up each time, so that one caller cannot fill the cache's memory with text. */
const CACHED_SUFFIX_CHARS_MAX = 512;

/** The cache. When full, the entry that came first goes. */
export class VerifiedCache {
  readonly #store: Store;
  readonly #events: EventMemory;
  readonly #clock: Clock;
  readonly #entriesMax: number;
  readonly #ttlMs: number;
  readonly #entries = new Map<string, Entry>();
  /** By kind and digest. */
  readonly #known = new Map<string, Known>();

  constructor(store: Store, events: EventMemory, clock: Clock, limits: Limits) {
    this.#store = store;
    this.#events = events;
    this.#clock = clock;
    this.#entriesMax = limits.verifiedCacheMax;
    this.#ttlMs = limits.verifiedCacheTtlMs;
  }

  /** Entries held. */
  get size(): number {
    return this.#entries.size;
  }

  /** What a presented consumer key may do, through the cache. */
  key(presentedKey: string, call: AccessCall): Maybe<AccessGrant | Refusal> {
    this.#events.assertHearing();
    const keyDigest = digest(presentedKey);
    const at = entryKey("key", keyDigest, call);
    const found = this.#find(at, "key");
    if (found !== null) return found;
    const known = this.#recall("key", keyDigest);
    return this.#keep(at, known, () => resolveKeyDigest(known.records, this.#clock, keyDigest, call));
  }

  /** `resolveToken` through the cache. */
  token(presentedToken: string, call: AccessCall): Maybe<AccessGrant | Refusal> {
    this.#events.assertHearing();
    const tokenDigest = digest(presentedToken);
    const at = entryKey("token", tokenDigest, call);
    const found = this.#find(at, "token");
    if (found !== null) return found;
    const known = this.#recall("token", tokenDigest);
    return this.#keep(at, known, () => resolveTokenDigest(known.records, this.#clock, tokenDigest, call));
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.clear();
    this.#known.clear();
  }

  #find(at: string, kind: CredentialKind): AccessGrant | null {
    const entry = this.#entries.get(at);
    if (entry === undefined) return null;
    if (this.#isGood(entry, entry.grant.identities, kind) && !isPast(entry.grant.expiresAtMs, this.#clock)) {
      return entry.grant;
    }
    this.#entries.delete(at);
    return null;
  }

  /** Records of a credential that was verified before; else none, to be kept when it is. */
  #recall(kind: "key" | "token", ofDigest: string): Known {
    const at = `${kind} ${ofDigest}`;
    const known = this.#known.get(at);
    if (known !== undefined && this.#isGood(known, known.records.identities, kind)) return known;
    this.#known.delete(at);
    const { epoch } = this.#events;
    const records = new RecalledRecords(this.#store, () => this.#events.epoch);
    return { at, records, epoch, staleAtMs: this.#clock.monotonicMs() + this.#ttlMs };
  }

  #isGood(entry: Pick<Entry, "staleAtMs" | "epoch">, identities: readonly Identity[], kind: CredentialKind): boolean {
    if (this.#clock.monotonicMs() >= entry.staleAtMs) return false;
    const { epoch } = this.#events;
    if (entry.epoch === epoch) return true;
    if (this.#events.revokedSince(entry.epoch, identities, kind) !== null) return false;
    // A key's grant tells JWT policies since when tokens of its app count, which events about tokens change.
    if (kind === "key" && this.#events.revokedSince(entry.epoch, identities, "token") !== null) return false;
    entry.epoch = epoch;
    return true;
  }

  /** The epoch is read before the store, so that an event in between makes the entry stale and not wrong. */
  #keep(at: string, known: Known, resolve: () => Maybe<AccessGrant | Refusal>): Maybe<AccessGrant | Refusal> {
    const { epoch } = this.#events;
    return andThen(resolve(), (found) => {
      if (typeof found === "string") return found;
      const { staleAtMs } = known;
      if (!this.#known.has(known.at)) setBounded(this.#known, known.at, known, this.#entriesMax);
      if (at !== "") setBounded(this.#entries, at, { grant: found, epoch, staleAtMs }, this.#entriesMax);
      return found;
    });
  }
}

/** When the map is full, what came first goes. */
function setBounded<T>(map: Map<string, T>, at: string, value: T, max: number): void {
  map.delete(at);
  if (map.size >= max) {
    for (const oldest of map.keys()) {
      map.delete(oldest);
      break;
    }
  }
  map.set(at, value);
}

/** Where a grant is kept; "" for a call that is not. Only the suffix, which comes last, is the caller's own text. */
function entryKey(kind: "key" | "token", ofDigest: string, call: AccessCall): string {
  if (call.pathSuffix.length > CACHED_SUFFIX_CHARS_MAX) return "";
  return `${kind} ${ofDigest} ${call.environment} ${call.proxy} ${call.verb} ${call.pathSuffix}`;
}
