/**
 * Verified grants in front of a store: a key or token seen before costs one hash and one map look-up. An entry lives
 * until its credential expires, an event names one of its identities, or its time is over. Refusals are never kept.
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
    return this.#find(at, "key") ?? this.#keep(at, () => resolveKeyDigest(this.#store, this.#clock, keyDigest, call));
  }

  /** `resolveToken` through the cache. */
  token(presentedToken: string, call: AccessCall): Maybe<AccessGrant | Refusal> {
    this.#events.assertHearing();
    const tokenDigest = digest(presentedToken);
    const at = entryKey("token", tokenDigest, call);
    return (
      this.#find(at, "token") ?? this.#keep(at, () => resolveTokenDigest(this.#store, this.#clock, tokenDigest, call))
    );
  }

  /** Forgets everything. */
  clear(): void {
    this.#entries.clear();
  }

  #find(at: string, kind: CredentialKind): AccessGrant | null {
    const entry = this.#entries.get(at);
    if (entry === undefined) return null;
    if (this.#isGood(entry, kind)) return entry.grant;
    this.#entries.delete(at);
    return null;
  }

  #isGood(entry: Entry, kind: CredentialKind): boolean {
    if (isPast(entry.grant.expiresAtMs, this.#clock) || this.#clock.monotonicMs() >= entry.staleAtMs) return false;
    const { epoch } = this.#events;
    if (entry.epoch === epoch) return true;
    const { identities } = entry.grant;
    if (this.#events.revokedSince(entry.epoch, identities, kind) !== null) return false;
    // A key's grant tells JWT policies since when tokens of its app count, which events about tokens change.
    if (kind === "key" && this.#events.revokedSince(entry.epoch, identities, "token") !== null) return false;
    entry.epoch = epoch;
    return true;
  }

  /** The epoch is read before the store, so that an event in between makes the entry stale and not wrong. */
  #keep(at: string, resolve: () => Maybe<AccessGrant | Refusal>): Maybe<AccessGrant | Refusal> {
    const { epoch } = this.#events;
    return andThen(resolve(), (found) => {
      if (typeof found !== "string" && at !== "") this.#add(at, found, epoch);
      return found;
    });
  }

  #add(at: string, grant: AccessGrant, epoch: number): void {
    this.#entries.delete(at);
    if (this.#entries.size >= this.#entriesMax) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
    this.#entries.set(at, { grant, epoch, staleAtMs: this.#clock.monotonicMs() + this.#ttlMs });
  }
}

/** Where a grant is kept; "" for a call that is not. Only the suffix, which comes last, is the caller's own text. */
function entryKey(kind: "key" | "token", ofDigest: string, call: AccessCall): string {
  if (call.pathSuffix.length > CACHED_SUFFIX_CHARS_MAX) return "";
  return `${kind} ${ofDigest} ${call.environment} ${call.proxy} ${call.verb} ${call.pathSuffix}`;
}
