/**
 * The records that one credential was verified with, so that the same credential at another path, or with another
 * method, needs no store. It decides nothing: resolve.ts reads it as it reads a store, and verified-cache.ts says how
 * long it holds.
 */
import { isPending } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { Records } from "../state/store.ts";
import {
  appIdentity,
  developerIdentity,
  endUserIdentity,
  grantIdentity,
  keyIdentity,
  productIdentity,
  tokenIdentity,
} from "./identity.ts";
import type { Identity } from "./identity.ts";

/** Kinds of records that verification reads. */
export type ReadKind = "app" | "cutoff" | "developer" | "grant" | "key" | "product" | "token";

/** As much of a store as verification needs. */
export interface RecordReader {
  get<K extends ReadKind>(kind: K, id: string): Maybe<Records[K] | null>;
}

/** A record as it was read; null: there was none. */
interface Read<K extends ReadKind> {
  readonly id: string;
  readonly record: Records[K] | null;
}

/** What events about a record name. A cutoff's have the names of records that were read before it. */
const NAMES: { readonly [K in ReadKind]: (record: Records[K]) => readonly Identity[] } = {
  app: ({ id }) => [appIdentity(id)],
  cutoff: () => [],
  developer: ({ id }) => [developerIdentity(id)],
  grant: ({ id }) => [grantIdentity(id)],
  key: ({ id }) => [keyIdentity(id)],
  product: ({ name }) => [productIdentity(name)],
  token: ({ id, subject }) => [tokenIdentity(id), ...(subject === null ? [] : [endUserIdentity(subject)])],
};

export class RecalledRecords implements RecordReader {
  readonly #store: RecordReader;
  /** Number of the last event. */
  readonly #epochNow: () => number;
  readonly #read: { readonly [K in ReadKind]: Read<K>[] } = {
    app: [],
    cutoff: [],
    developer: [],
    grant: [],
    key: [],
    product: [],
    token: [],
  };
  readonly #identities: Identity[] = [];

  constructor(store: RecordReader, epochNow: () => number) {
    this.#store = store;
    this.#epochNow = epochNow;
  }

  /** What events about these records name. */
  get identities(): readonly Identity[] {
    return this.#identities;
  }

  get<K extends ReadKind>(kind: K, id: string): Maybe<Records[K] | null> {
    for (const known of this.#read[kind]) if (known.id === id) return known.record;
    const epoch = this.#epochNow();
    const read = this.#store.get(kind, id);
    if (!isPending(read)) return this.#keep(kind, id, read);
    // Whoever looked for events meanwhile did not know that this record is one to look for.
    return read.then((record) => (this.#epochNow() === epoch ? this.#keep(kind, id, record) : record));
  }

  #keep<K extends ReadKind>(kind: K, id: string, record: Records[K] | null): Records[K] | null {
    // An event tells when a cutoff appears. When another record does nobody hears of it: its absence is not kept.
    if (record === null && kind !== "cutoff") return null;
    // Requests that come at once ask the store at once.
    if (this.#read[kind].some((known) => known.id === id)) return record;
    this.#read[kind].push({ id, record });
    if (record !== null) this.#identities.push(...NAMES[kind](record));
    return record;
  }
}
