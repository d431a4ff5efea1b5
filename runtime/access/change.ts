/**
 * Changes of access data at run time: revoke, lift, create, remove. Each is one write that carries its event, made
 * against the record as it was read, so that two changes at once never undo a revocation and a crash leaves both or
 * neither.
 */
import type { Clock } from "../clock.ts";
import type { Limits } from "../limits.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { StoreFailure } from "../state/store.ts";
import type { PutOptions, RecordKind, Records, RevocationEvent, Store } from "../state/store.ts";
import type { CredentialKind } from "./credential.ts";
import { digest, fingerprint } from "./digest.ts";
import { appIdentity, developerIdentity, keyIdentity, productIdentity } from "./identity.ts";
import type { Identity } from "./identity.ts";
import type { ApiProduct, App, ApprovalStatus, Attributes, Developer, KeyProduct, KeyRecord } from "./model.ts";

/** What changing access data needs. */
export interface AccessServices {
  readonly store: Store;
  readonly clock: Clock;
  readonly limits: Limits;
}

/** Records that operators keep. */
export type ChangeableKind = "developer" | "app" | "product" | "key";

/** What a change makes of a record; null leaves it as it is. */
export interface Change<K extends RecordKind> {
  readonly record: Records[K];
  readonly event?: RevocationEvent;
  readonly expiresAtMs?: number | null;
}

/** Times a change is tried again because another one came first. */
const TRIES_MAX = 16;
/** Random bytes of keys, secrets and tokens. */
const SECRET_BYTES = 32;

/**
 * Reads a record, changes it and writes it back, again from the start when it changed meanwhile. The record as it
 * stands afterwards, null when there is none.
 */
export function changeRecord<K extends RecordKind>(
  store: Store,
  kind: K,
  id: string,
  change: (record: Records[K]) => Change<K> | null,
  triesLeft = TRIES_MAX,
): Maybe<Records[K] | null> {
  return andThen(store.get(kind, id), (present) => {
    const next = present === null ? null : change(present);
    if (present === null || next === null) return present;
    const options: PutOptions<K> = {
      ifStill: present,
      ...(next.event === undefined ? {} : { event: next.event }),
      ...(next.expiresAtMs === undefined ? {} : { expiresAtMs: next.expiresAtMs }),
    };
    return andThen(store.put(kind, id, next.record, options), (wasWritten) => {
      if (wasWritten) return next.record;
      if (triesLeft <= 1) throw new StoreFailure("unavailable", `a ${kind} record changes faster than it is written`);
      return changeRecord(store, kind, id, change, triesLeft - 1);
    });
  });
}

/** An event that happens now. */
export function eventNow(
  clock: Clock,
  effect: RevocationEvent["effect"],
  identities: readonly Identity[],
  credentialKind?: CredentialKind,
): RevocationEvent {
  const event = { effect, identities, atMs: clock.wallMs() };
  return credentialKind === undefined ? event : { ...event, credentialKind };
}

/** Revokes or approves a key. Revoking ends the sessions that it, or a token it asked for, admitted. */
export function setKeyStatus(
  { store, clock }: AccessServices,
  keyDigest: string,
  status: ApprovalStatus,
): Maybe<KeyRecord | null> {
  return changeRecord(store, "key", keyDigest, (record) => ({
    record: { ...record, status },
    ...(status === "approved" ? {} : { event: eventNow(clock, "revoked", [keyIdentity(keyDigest)]) }),
  }));
}

/** Revokes or approves one product of a key. Sessions that no other product covers end. Null: no such key. */
export function setKeyProductStatus(
  { store, clock }: AccessServices,
  keyDigest: string,
  product: string,
  status: ApprovalStatus,
): Maybe<KeyRecord | null> {
  return changeRecord(store, "key", keyDigest, (record) => ({
    record: {
      ...record,
      products: withStatus(record.products, product, status),
    },
    event: eventNow(clock, "changed", [keyIdentity(keyDigest)]),
  }));
}

/** In place, because the order of products says which is looked at first. */
function withStatus(products: KeyRecord["products"], name: string, status: ApprovalStatus): readonly KeyProduct[] {
  if (!products.some((bond) => bond.name === name)) return [...products, { name, status }];
  return products.map((bond) => (bond.name === name ? { ...bond, status } : bond));
}

/** Revokes or approves an app with all its keys and tokens. */
export function setAppStatus(
  { store, clock }: AccessServices,
  appId: string,
  status: App["status"],
): Maybe<App | null> {
  return changeRecord(store, "app", appId, (record) => ({
    record: { ...record, status },
    ...(status === "approved" ? {} : { event: eventNow(clock, "revoked", [appIdentity(appId)]) }),
  }));
}

/** Activates or deactivates a developer with all apps. */
export function setDeveloperStatus(
  { store, clock }: AccessServices,
  developerId: string,
  status: Developer["status"],
): Maybe<Developer | null> {
  return changeRecord(store, "developer", developerId, (record) => ({
    record: { ...record, status },
    ...(status === "active" ? {} : { event: eventNow(clock, "revoked", [developerIdentity(developerId)]) }),
  }));
}

/** Revokes every token of an app issued until now; its keys go on working, also to ask for new tokens. */
export function revokeTokensOfApp({ store, clock }: AccessServices, appId: string): Maybe<App | null> {
  return changeRecord(store, "app", appId, (record) => ({
    record: { ...record, tokensRevokedAtMs: Math.max(clock.wallMs(), record.tokensRevokedAtMs ?? 0) },
    event: eventNow(clock, "revoked", [appIdentity(appId)], "token"),
  }));
}

/** Revokes every token of a developer's apps issued until now. */
export function revokeTokensOfDeveloper(
  { store, clock }: AccessServices,
  developerId: string,
): Maybe<Developer | null> {
  return changeRecord(store, "developer", developerId, (record) => ({
    record: { ...record, tokensRevokedAtMs: Math.max(clock.wallMs(), record.tokensRevokedAtMs ?? 0) },
    event: eventNow(clock, "revoked", [developerIdentity(developerId)], "token"),
  }));
}

/**
 * Writes what a change makes of a record. What was verified with it is looked up again, and sessions that depend on it
 * are checked again. Null: there is no such record.
 */
export function updateRecord<K extends ChangeableKind>(
  { store, clock }: AccessServices,
  kind: K,
  id: string,
  change: (record: Records[K]) => Records[K],
): Maybe<Records[K] | null> {
  const event = eventNow(clock, "changed", [identityOfRecord[kind](id)]);
  return changeRecord(store, kind, id, (record) => ({ record: change(record), event }));
}

/**
 * Removes a record for good: a mark keeps the seed from creating it again. Sessions that depend on it are checked
 * again. True when there was one.
 */
export function removeRecord(
  { store, clock }: AccessServices,
  kind: ChangeableKind,
  id: string,
): Maybe<boolean> {
  const mark = { note: "removed", atMs: clock.wallMs() };
  const identity = identityOfRecord[kind](id);
  const effect = kind === "product" ? "changed" : "revoked";
  return andThen(store.put("meta", removedMark(kind, id), mark), () =>
    store.remove(kind, id, eventNow(clock, effect, [identity])),
  );
}

/** Where the mark of a removed record is kept (kind `meta`). */
export function removedMark(kind: RecordKind, id: string): string {
  return `removed:${kind}:${id}`;
}

/** What a new key is to be. */
export interface NewKey {
  readonly appId: string;
  /** By name: approved, for as long as the key. */
  readonly products: readonly (string | KeyProduct)[];
  /** Wall clock; null: never. */
  readonly expiresAtMs: number | null;
  readonly scopes?: readonly string[];
  readonly attributes?: Attributes;
  /** The key and its secret, where somebody else has made them; absent: random ones. */
  readonly key?: string | null;
  readonly secret?: string | null;
}

/** A key as its owner gets it, once. */
export interface CreatedKey {
  readonly key: string;
  readonly secret: string;
  readonly record: KeyRecord;
}

/** Makes a key and its secret for an app. Null: no such app. `taken`: there is such a key already. */
export function createKey({ store, clock }: AccessServices, wanted: NewKey): Maybe<CreatedKey | "taken" | null> {
  return andThen(store.get("app", wanted.appId), (app) => {
    if (app === null) return null;
    const key = wanted.key ?? randomSecret(clock);
    const secret = wanted.secret ?? randomSecret(clock);
    const id = digest(key);
    const record: KeyRecord = {
      id,
      clientId: fingerprint(id),
      appId: app.id,
      status: "approved",
      expiresAtMs: wanted.expiresAtMs,
      products: wanted.products.map((bond) => (typeof bond === "string" ? { name: bond, status: "approved" } : bond)),
      secretDigest: digest(secret),
      scopes: wanted.scopes ?? [],
      attributes: wanted.attributes ?? {},
    };
    return andThen(store.put("key", id, record, { ifAbsent: true }), (isNew) =>
      isNew ? { key, secret, record } : "taken",
    );
  });
}

/** Keys whose fingerprint begins so, at most `limit`: normally one. */
export function keysByFingerprint(store: Store, start: string, limit: number): Maybe<readonly KeyRecord[]> {
  const prefix = `sha256:${start}`;
  return andThen(store.list("key", { after: prefix, limit }), (listed) =>
    listed.map(({ record }) => record).filter((record) => record.id.startsWith(prefix)),
  );
}

/** A new key, secret or token: 256 random bits as 43 base64url characters. */
export function randomSecret(clock: Clock): string {
  return clock.randomBytes(SECRET_BYTES).toString("base64url");
}

const identityOfRecord = {
  developer: developerIdentity,
  app: appIdentity,
  product: productIdentity,
  key: keyIdentity,
} as const;
