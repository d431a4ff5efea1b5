/**
 * Records as text in the embedded store. Tokens are many, so they are packed: values without names, in a fixed order,
 * and without the id, which is their key. All else is JSON as it is.
 */
import type { TokenRecord } from "../access/model.ts";
import type { RecordKind, Records } from "./store.ts";

const DIGEST_PREFIX = "sha256:";

/** The text of a record that is kept under `id`. */
export function textOfRecord<K extends RecordKind>(kind: K, id: string, record: Records[K]): string {
  return kind === "token" && isTokenOf(record, id) ? packed(record) : JSON.stringify(record);
}

/** The record again: this file alone writes the text. */
export function recordOfText<K extends RecordKind>(kind: K, id: string, text: string): Records[K] {
  const value: unknown = JSON.parse(text);
  return (kind === "token" && Array.isArray(value) ? unpacked(id, value) : value) as Records[K];
}

function isTokenOf(record: object, id: string): record is TokenRecord {
  return "clientKeyDigest" in record && "id" in record && record.id === id;
}

function packed(record: TokenRecord): string {
  const { id: _id, kind, clientKeyDigest, appId, developerId, products, scopes, issuedAtMs, ...more } = record;
  const { expiresAtMs, status, attributes, subject, grantType, ...rest } = more;
  const isDigest = clientKeyDigest.startsWith(DIGEST_PREFIX);
  const key = isDigest ? clientKeyDigest.slice(DIGEST_PREFIX.length) : [clientKeyDigest];
  const values = [
    kind,
    key,
    appId,
    developerId,
    products,
    scopes,
    issuedAtMs,
    expiresAtMs,
    status,
    attributes,
    subject,
    grantType,
  ];
  return JSON.stringify(Object.keys(rest).length === 0 ? values : [...values, rest]);
}

function unpacked(id: string, values: readonly unknown[]): object {
  const [kind, key, appId, developerId, products, scopes, issuedAtMs, expiresAtMs, ...more] = values;
  const [status, attributes, subject, grantType, rest] = more;
  const clientKeyDigest = typeof key === "string" ? DIGEST_PREFIX + key : unprefixed(key);
  const first = { id, kind, clientKeyDigest, appId, developerId, products, scopes, issuedAtMs, expiresAtMs };
  return { ...first, status, attributes, subject, grantType, ...(typeof rest === "object" ? rest : {}) };
}

/** A digest that is none is kept whole, in a list of its own. */
function unprefixed(key: unknown): unknown {
  const [whole]: readonly unknown[] = Array.isArray(key) ? key : [];
  return whole;
}
