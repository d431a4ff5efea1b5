/**
 * The store of a process that may forget: maps, bounded by limits.memoryRecordsMax, and the last events. It answers
 * with values, never with promises. Nothing survives the process; revocations lifted by a restart are the price, and
 * documented.
 */
import type { Clock } from "../clock.ts";
import type { Limits } from "../limits.ts";
import { StoreFailure } from "./store.ts";
import type {
  EventPage,
  ListedRecord,
  PutOptions,
  RecordKind,
  Records,
  RevocationEvent,
  Store,
  StoredEvent,
  StoreListener,
} from "./store.ts";

interface Entry<K extends RecordKind> {
  readonly record: Records[K];
  readonly expiresAtMs: number | null;
}

/** Entries with an expiry that each write looks at, so that sweeping keeps pace with writing and never stalls it. */
const SWEPT_PER_WRITE = 4;
const SWEEP_ALL_PAUSE_MS = 1_000;

/** Records of one kind. The sorted ids are made when a list is asked for and dropped when the set of ids changes. */
class Shelf<K extends RecordKind> {
  readonly entries = new Map<string, Entry<K>>();
  sortedIds: string[] | null = null;

  put(id: string, entry: Entry<K>): void {
    if (!this.entries.has(id)) this.sortedIds = null;
    this.entries.set(id, entry);
  }

  remove(id: string): boolean {
    if (!this.entries.delete(id)) return false;
    this.sortedIds = null;
    return true;
  }

  ids(): readonly string[] {
    return (this.sortedIds ??= [...this.entries.keys()].sort(compareByCodePoint));
  }
}

/** The memory store. One for each process; tests make as many as they like. */
export class MemoryStore implements Store {
  readonly #clock: Clock;
  readonly #recordsMax: number;
  readonly #eventsMax: number;
  readonly #shelves: { readonly [K in RecordKind]: Shelf<K> } = {
    developer: new Shelf(),
    app: new Shelf(),
    product: new Shelf(),
    key: new Shelf(),
    token: new Shelf(),
    grant: new Shelf(),
    code: new Shelf(),
    cutoff: new Shelf(),
    ticket: new Shelf(),
    renewal: new Shelf(),
    meta: new Shelf(),
    replica: new Shelf(),
    answer: new Shelf(),
  };
  /** Where entries with an expiry are, in the order in which they came; walked by the sweeper. */
  readonly #expiring = new Map<string, { readonly kind: RecordKind; readonly id: string }>();
  #sweeper = this.#expiring.entries();
  #sweepAllFromMs = Number.NEGATIVE_INFINITY;
  #size = 0;
  #events: StoredEvent[] = [];
  #lastSequence = 0;
  #delivered = 0;
  #isDelivering = false;
  readonly #listeners = new Set<StoreListener>();
  #isClosed = false;

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock;
    this.#recordsMax = limits.memoryRecordsMax;
    this.#eventsMax = limits.revocationsRememberedMax;
  }

  /** Records held, expired ones that no sweep has met included. */
  get size(): number {
    return this.#size;
  }

  get<K extends RecordKind>(kind: K, id: string): Records[K] | null {
    this.#assertOpen();
    return this.#live(kind, id)?.record ?? null;
  }

  put<K extends RecordKind>(kind: K, id: string, record: Records[K], options: PutOptions<K> = {}): boolean {
    this.#assertOpen();
    this.#sweep(SWEPT_PER_WRITE);
    const present = this.#live(kind, id);
    if (options.ifAbsent === true && present !== null) return false;
    if (options.ifStill !== undefined && !isSame(present?.record, options.ifStill)) return false;
    if (present === null) this.#makeRoom();
    const expiresAtMs = options.expiresAtMs ?? null;
    if (present === null) this.#size++;
    this.#shelves[kind].put(id, { record: frozenCopy(record), expiresAtMs });
    if (expiresAtMs === null) this.#expiring.delete(expiryKey(kind, id));
    else this.#expiring.set(expiryKey(kind, id), { kind, id });
    if (options.event !== undefined) this.append(options.event);
    return true;
  }

  remove(kind: RecordKind, id: string, event?: RevocationEvent): boolean {
    this.#assertOpen();
    const wasThere = this.#live(kind, id) !== null;
    this.#drop(kind, id);
    if (event !== undefined) this.append(event);
    return wasThere;
  }

  take<K extends RecordKind>(kind: K, id: string): Records[K] | null {
    this.#assertOpen();
    const record = this.#live(kind, id)?.record ?? null;
    this.#drop(kind, id);
    return record;
  }

  list<K extends RecordKind>(kind: K, page: { readonly after?: string; readonly limit: number }): ListedRecord<K>[] {
    this.#assertOpen();
    const ids = this.#shelves[kind].ids();
    const listed: ListedRecord<K>[] = [];
    for (let at = firstBehind(ids, page.after); at < ids.length && listed.length < page.limit; at++) {
      const id = ids[at] ?? "";
      const entry = this.#shelves[kind].entries.get(id);
      if (entry !== undefined && !this.#isExpired(entry)) listed.push({ id, record: entry.record });
    }
    return listed;
  }

  append(event: RevocationEvent): number {
    this.#assertOpen();
    const stored: StoredEvent = { sequence: ++this.#lastSequence, event: frozenCopy(event) };
    this.#events.push(stored);
    this.#deliver();
    return stored.sequence;
  }

  events(after: number, limit: number): EventPage {
    this.#assertOpen();
    const first = this.#events[0]?.sequence ?? this.#lastSequence + 1;
    const start = Math.max(0, after + 1 - first);
    return { events: this.#events.slice(start, start + limit), isComplete: after + 1 >= first };
  }

  lastEvent(): number {
    this.#assertOpen();
    return this.#lastSequence;
  }

  watch(listener: StoreListener): () => void {
    this.#assertOpen();
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  heardUntilMs(): number {
    return this.#clock.monotonicMs();
  }

  ready(): boolean {
    return !this.#isClosed;
  }

  close(): void {
    this.#isClosed = true;
    this.#listeners.clear();
    this.#expiring.clear();
    this.#events = [];
    for (const shelf of Object.values(this.#shelves)) shelf.entries.clear();
    this.#size = 0;
  }

  /** One event after the other to everybody, also when a listener appends another one meanwhile. */
  #deliver(): void {
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    try {
      for (let stored = this.#nextEvent(); stored !== undefined; stored = this.#nextEvent()) {
        this.#delivered = stored.sequence;
        for (const listener of [...this.#listeners]) listener.storeEvent(stored);
      }
    } finally {
      this.#isDelivering = false;
    }
    if (this.#events.length > 2 * this.#eventsMax) this.#events = this.#events.slice(-this.#eventsMax);
  }

  #nextEvent(): StoredEvent | undefined {
    return this.#events[this.#events.length - (this.#lastSequence - this.#delivered)];
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new StoreFailure("closed", "the memory store is closed");
  }

  #live<K extends RecordKind>(kind: K, id: string): Entry<K> | null {
    const entry = this.#shelves[kind].entries.get(id);
    if (entry === undefined) return null;
    if (!this.#isExpired(entry)) return entry;
    this.#drop(kind, id);
    return null;
  }

  #isExpired(entry: { readonly expiresAtMs: number | null }): boolean {
    return entry.expiresAtMs !== null && entry.expiresAtMs <= this.#clock.wallMs();
  }

  #drop(kind: RecordKind, id: string): void {
    if (!this.#shelves[kind].remove(id)) return;
    this.#size--;
    this.#expiring.delete(expiryKey(kind, id));
  }

  #makeRoom(): void {
    if (this.#size < this.#recordsMax) return;
    this.#sweepAll();
    if (this.#size < this.#recordsMax) return;
    throw new StoreFailure("full", "the memory store holds memoryRecordsMax records");
  }

  /** For a full store, and not for each write that finds it full: it looks at every entry. */
  #sweepAll(): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#sweepAllFromMs) return;
    this.#sweepAllFromMs = nowMs + SWEEP_ALL_PAUSE_MS;
    for (const { kind, id } of this.#expiring.values()) this.#live(kind, id);
  }

  /** Looks at the next few entries that have an expiry; starts over at the end. */
  #sweep(count: number): void {
    for (let looked = 0; looked < count; looked++) {
      const next = this.#sweeper.next();
      if (next.done === true) {
        this.#sweeper = this.#expiring.entries();
        return;
      }
      const { kind, id } = next.value[1];
      this.#live(kind, id);
    }
  }
}

function expiryKey(kind: RecordKind, id: string): string {
  return `${kind}:${id}`;
}

/** What a reader gets must be what a store on disk would give, and nobody's to change. */
function frozenCopy<T>(value: T): T {
  const copy: T = JSON.parse(JSON.stringify(value));
  return deepFrozen(copy);
}

function deepFrozen<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  for (const inner of Object.values(value)) deepFrozen(inner);
  return Object.freeze(value);
}

function isSame(present: unknown, expected: unknown): boolean {
  return present === expected || JSON.stringify(present) === JSON.stringify(expected);
}

/** Index of the first id greater than `after` in sorted ids. */
function firstBehind(ids: readonly string[], after: string | undefined): number {
  if (after === undefined) return 0;
  let low = 0;
  let high = ids.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareByCodePoint(ids[middle] ?? "", after) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Order of the UTF-8 bytes, which other engines sort by; JavaScript's own order differs behind U+D7FF. */
function compareByCodePoint(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const x = a.charCodeAt(at);
    const y = b.charCodeAt(at);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above U+FFFF, so they rank behind every other unit. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
