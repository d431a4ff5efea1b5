/**
 * The one interface of everything a gateway remembers, and its event stream. It owns no behaviour: memory.ts,
 * embedded.ts and redis.ts implement it, test/contract/store.ts says what they have in common. Nothing here needs more
 * of an engine than get, set, compare-and-set, delete, scan, and an ordered stream with a wake-up.
 */
import type { Maybe } from "../maybe.ts";
import type {
  ApiProduct,
  App,
  AuthorizationCode,
  Developer,
  KeyRecord,
  MetaRecord,
  TicketRecord,
  TokenCutoff,
  TokenGrant,
  TokenRecord,
} from "../access/model.ts";
import type { CredentialKind } from "../access/credential.ts";
import type { Identity } from "../access/identity.ts";
import type { CloseWords } from "../upgrade/close-reason.ts";
import type { FleetAnswer, FleetQuestion, ReplicaRecord } from "./fleet-record.ts";
import type { Renewal, RenewalAnswer } from "../access/renewal.ts";

/**
 * What can be stored, by kind. Keys, tokens, codes and tickets have their digest as id, products their name, grants a
 * random one. Records are plain JSON.
 */
export interface Records {
  readonly developer: Developer;
  readonly app: App;
  readonly product: ApiProduct;
  readonly key: KeyRecord;
  readonly token: TokenRecord;
  readonly grant: TokenGrant;
  readonly code: AuthorizationCode;
  readonly cutoff: TokenCutoff;
  readonly ticket: TicketRecord;
  readonly renewal: RenewalAnswer;
  readonly meta: MetaRecord;
  readonly replica: ReplicaRecord;
  readonly answer: FleetAnswer;
}
export type RecordKind = keyof Records;

/** Something that live sessions must hear. */
export interface RevocationEvent {
  /**
   * `revoked`: access is gone. `changed`: check again. `ended`: an operator ends sessions, access stays as it is.
   * `asked`: a question to all replicas, which no session hears. `renewed`: sessions may live on by another token.
   */
  readonly effect: "revoked" | "changed" | "ended" | "asked" | "renewed";
  /** A session is meant when it carries all of these. Never empty. */
  readonly identities: readonly Identity[];
  /** Of `renewed`: the other token. */
  readonly renewal?: Renewal;
  /** Only sessions that a credential of this kind with the first identity admitted; absent: any. */
  readonly credentialKind?: CredentialKind;
  /** Of `ended`: what clients are told in place of the reason's own code and text. */
  readonly close?: CloseWords;
  /** Wall clock. */
  readonly atMs: number;
  /** Of `asked`: the question, and which replica asks. */
  readonly question?: FleetQuestion;
  readonly by?: string;
}

/** An event with its place in the stream: positive, growing. */
export interface StoredEvent {
  readonly sequence: number;
  readonly event: RevocationEvent;
}

/** A stretch of the stream. */
export interface EventPage {
  readonly events: readonly StoredEvent[];
  /** False when events between the asked place and the first of these were already forgotten. */
  readonly isComplete: boolean;
}

/** Who listens to the stream. Must not throw. */
export interface StoreListener {
  /** Called once for each event, in order; for one's own event before `append`, `put` or `remove` answers. */
  storeEvent(event: StoredEvent): void;
  /** Events passed that can no longer be read: everything learned before is in doubt. */
  storeEventsLost(lastSequence: number): void;
}

/** Conditions and companions of one write. */
export interface PutOptions<K extends RecordKind> {
  /** Write only when there is no such record. */
  readonly ifAbsent?: boolean;
  /** Write only when the record is still this one, as it was read. */
  readonly ifStill?: Records[K];
  /** Wall clock; from then on the record is gone. */
  readonly expiresAtMs?: number | null;
  /** Appended together with the write, or not at all. */
  readonly event?: RevocationEvent;
}

/** One record of a list. */
export interface ListedRecord<K extends RecordKind> {
  readonly id: string;
  readonly record: Records[K];
}

/**
 * A store. A local one answers with values and throws, a distant one with promises and rejects; either way only a
 * StoreFailure. Records that it hands out are not to be modified.
 */
export interface Store {
  /** The record, null when there is none or it has expired. */
  get<K extends RecordKind>(kind: K, id: string): Maybe<Records[K] | null>;
  /** True when written, false when a condition did not hold. A true answer survives a crash of the process. */
  put<K extends RecordKind>(kind: K, id: string, record: Records[K], options?: PutOptions<K>): Maybe<boolean>;
  /** True when there was one. The event goes with the removal, whether or not there was one. */
  remove(kind: RecordKind, id: string, event?: RevocationEvent): Maybe<boolean>;
  /** Removes the record and gives it, null when there is none or it has expired: of many who ask one gets it. */
  take<K extends RecordKind>(kind: K, id: string): Maybe<Records[K] | null>;
  /** Up to `limit` records with an id greater than `after`, ordered by id (by UTF-8 bytes). */
  list<K extends RecordKind>(
    kind: K,
    page: { readonly after?: string; readonly limit: number },
  ): Maybe<readonly ListedRecord<K>[]>;
  /** Adds an event to the stream; its sequence number. */
  append(event: RevocationEvent): Maybe<number>;
  /** Up to `limit` events behind a sequence number; at least the last `revocationsRememberedMax` are kept. */
  events(after: number, limit: number): Maybe<EventPage>;
  /** Sequence number of the last event, 0 before the first. */
  lastEvent(): Maybe<number>;
  /** Hears every event from now on, those of other processes included; the answer stops it. */
  watch(listener: StoreListener): () => void;
  /**
   * Monotonic time up to which every event has been told to the listeners; the present where none can be missed.
   * -Infinity before the first look at a distant store.
   */
  heardUntilMs(): number;
  /** True when it can answer now. */
  ready(): Maybe<boolean>;
  /** Lets go of files, timers and listeners; later calls fail with `closed`. May be called again. */
  close(): Maybe<void>;
}

/** Hears how a distant store fares. Must not throw. */
export interface StoreReport {
  /** Commands go through, for the first time or again. */
  connected(): void;
  /** They do not any more. The reason is for people and holds no data. */
  lost(reason: string): void;
  /** One command failed. */
  failed(): void;
}

/** Why a store did not answer. */
export type StoreFailureCode = "full" | "closed" | "unavailable";

/**
 * The store's own failure: answered 503 (gateway.StoreUnavailable) by whoever needed the record. Its text holds no
 * data.
 */
export class StoreFailure extends Error {
  readonly code: StoreFailureCode;

  constructor(code: StoreFailureCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "StoreFailure";
    this.code = code;
  }
}
