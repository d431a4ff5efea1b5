/**
 * First contents of the store, from a bundle's `access/` files. It creates what is absent and touches nothing that is
 * there, nor what was removed at run time: a revocation outlives every restart and deploy.
 */
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { RecordKind, Records, Store } from "../state/store.ts";
import { removedMark } from "./change.ts";
import { digest, fingerprint } from "./digest.ts";
import type { ApiProduct, App, ApprovalStatus, Attributes, Developer, KeyProduct, KeyRecord } from "./model.ts";

/** A key or secret: its digest as compiled in, or the text itself as read when the gateway starts. */
export type SeedSecret = { readonly digest: string } | { readonly secret: string };

/** One credential of an app. */
export interface SeedKey {
  readonly key: SeedSecret;
  /** Null: the key cannot ask for tokens. */
  readonly secret: SeedSecret | null;
  readonly appId: string;
  readonly status: ApprovalStatus;
  /** Wall clock; null: never. */
  readonly expiresAtMs: number | null;
  readonly products: readonly KeyProduct[];
  readonly scopes: readonly string[];
  readonly attributes: Attributes;
}

/** Everything under `access/`. */
export interface Seed {
  readonly products: readonly ApiProduct[];
  readonly developers: readonly Developer[];
  readonly apps: readonly App[];
  readonly keys: readonly SeedKey[];
}

/** What became of it. */
export interface SeedReport {
  readonly created: number;
  /** Records that were there, or had been removed at run time. */
  readonly kept: number;
}

/** Creates what is absent; keys last, so that none is there before what it depends on. Rejects as the store fails. */
export async function seedAccess(store: Store, seed: Seed): Promise<SeedReport> {
  let created = 0;
  let kept = 0;
  const create = async <K extends RecordKind>(kind: K, id: string, record: Records[K]): Promise<void> => {
    if (await createAbsent(store, kind, id, record)) created++;
    else kept++;
  };
  for (const product of seed.products) await create("product", product.name, product);
  for (const developer of seed.developers) await create("developer", developer.id, developer);
  for (const app of seed.apps) await create("app", app.id, app);
  for (const key of seed.keys) {
    const record = keyRecordOf(key);
    await create("key", record.id, record);
  }
  return { created, kept };
}

function createAbsent<K extends RecordKind>(
  store: Store,
  kind: K,
  id: string,
  record: Records[K],
): Maybe<boolean> {
  return andThen(store.get("meta", removedMark(kind, id)), (mark) =>
    mark === null ? store.put(kind, id, record, { ifAbsent: true }) : false,
  );
}

function keyRecordOf(seed: SeedKey): KeyRecord {
  const id = digestOf(seed.key);
  return {
    id,
    clientId: fingerprint(id),
    appId: seed.appId,
    status: seed.status,
    expiresAtMs: seed.expiresAtMs,
    products: seed.products,
    secretDigest: seed.secret === null ? null : digestOf(seed.secret),
    scopes: seed.scopes,
    attributes: seed.attributes,
  };
}

function digestOf(source: SeedSecret): string {
  return "digest" in source ? source.digest : digest(source.secret);
}
