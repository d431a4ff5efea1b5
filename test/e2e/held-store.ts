/** A store whose answers a test holds back: what a slow or distant one does to handshakes. */
import type { Maybe } from "#runtime/maybe.ts";
import type { EventPage, ListedRecord, PutOptions, RecordKind, Records, RevocationEvent, Store, StoreListener } from "#runtime/state/store.ts";

export class HeldStore implements Store {
  readonly #store: Store;
  #kinds: ReadonlySet<RecordKind> = new Set();
  readonly #waiting: { readonly kind: RecordKind; readonly go: (failure: Error | null) => void }[] = [];

  constructor(store: Store) {
    this.#store = store;
  }

  /** Look-ups that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** From now on look-ups of these kinds wait. */
  hold(...kinds: readonly RecordKind[]): void {
    this.#kinds = new Set(kinds);
  }

  /** Holds nothing that comes from now on; what waits goes on waiting. */
  passNew(): void {
    this.#kinds = new Set();
  }

  /** Holds nothing any more; what waits goes on, or fails. */
  release(failure: Error | null = null): void {
    this.#kinds = new Set();
    for (const { go } of this.#waiting.splice(0)) go(failure);
  }

  get<K extends RecordKind>(kind: K, id: string): Maybe<Records[K] | null> {
    if (!this.#kinds.has(kind)) return this.#store.get(kind, id);
    return new Promise<void>((resolve, reject) => {
      this.#waiting.push({ kind, go: (failure) => (failure === null ? resolve() : reject(failure)) });
    }).then(() => this.#store.get(kind, id));
  }

  put<K extends RecordKind>(kind: K, id: string, record: Records[K], options?: PutOptions<K>): Maybe<boolean> {
    return this.#store.put(kind, id, record, options);
  }

  remove(kind: RecordKind, id: string, event?: RevocationEvent): Maybe<boolean> {
    return this.#store.remove(kind, id, event);
  }

  take<K extends RecordKind>(kind: K, id: string): Maybe<Records[K] | null> {
    if (!this.#kinds.has(kind)) return this.#store.take(kind, id);
    return new Promise<void>((resolve, reject) => {
      this.#waiting.push({ kind, go: (failure) => (failure === null ? resolve() : reject(failure)) });
    }).then(() => this.#store.take(kind, id));
  }

  list<K extends RecordKind>(kind: K, page: { readonly after?: string; readonly limit: number }): Maybe<readonly ListedRecord<K>[]> {
    return this.#store.list(kind, page);
  }

  append(event: RevocationEvent): Maybe<number> {
    return this.#store.append(event);
  }

  events(after: number, limit: number): Maybe<EventPage> {
    return this.#store.events(after, limit);
  }

  lastEvent(): Maybe<number> {
    return this.#store.lastEvent();
  }

  watch(listener: StoreListener): () => void {
    return this.#store.watch(listener);
  }

  heardUntilMs(): number {
    return this.#store.heardUntilMs();
  }

  ready(): Maybe<boolean> {
    return this.#store.ready();
  }

  close(): Maybe<void> {
    return this.#store.close();
  }
}
