/**
 * One request to the admin API on its way to its endpoint, and how its words (an app's name, a key's fingerprint)
 * become records. Types and look-ups; endpoints live in the file of their subject.
 */
import { keysByFingerprint } from "../access/change.ts";
import type { CredentialKind } from "../access/credential.ts";
import { digest, isDigest } from "../access/digest.ts";
import type { Identity } from "../access/identity.ts";
import type { App, Developer, KeyRecord } from "../access/model.ts";
import { recordsWhere } from "../access/removal.ts";
import type { Gateway } from "../gateway.ts";
import type { FieldValue } from "../observe/json-line.ts";
import type { RecordKind, Records } from "../state/store.ts";
import { sessionsNamed } from "../upgrade/revocation.ts";
import { badRequest, errorAnswer, jsonAnswer, type Answer } from "./answer.ts";
import type { Fields } from "./admin-body.ts";

/** What the admin API needs of the gateway. */
export type AdminGateway = Pick<
  Gateway,
  | "analytics"
  | "clock"
  | "defect"
  | "deployed"
  | "draining"
  | "fleet"
  | "build"
  | "instance"
  | "limits"
  | "log"
  | "metrics"
  | "organization"
  | "policyTimes"
  | "sessions"
  | "store"
>;

export interface AdminCall {
  readonly gateway: AdminGateway;
  /** The body's fields; of GET and DELETE the query's. */
  readonly fields: Fields;
  /** The part of the path that names a thing, decoded; "" where there is none. */
  readonly id: string;
  /** The same for a thing that belongs to that one. */
  readonly child: string;
  /** Notes a change: one line in the log, one in the metrics. Fields hold names, digests and counts. */
  audit(action: string, fields: Readonly<Record<string, FieldValue>>): void;
  /** Begins to drain; a second call would cut it short. */
  drain(): void;
}

/** An endpoint. It asks `fields.problem()` before it changes anything. */
export type Endpoint = (call: AdminCall) => Answer | Promise<Answer>;

/** A fingerprint shorter than this is a guess. */
const FINGERPRINT_CHARS_MIN = 8;

export const notFound = (what: string): Answer => errorAnswer(404, "not_found", `No such ${what}`);

export function isAnswer(value: object): value is Answer {
  return "status" in value && "contentType" in value;
}

/** The key that `key` (in clear), `digest` or `fingerprint` names; exactly one of them is to be given. */
export async function keyOf(gateway: AdminGateway, fields: Fields): Promise<KeyRecord | Answer> {
  const clear = fields.text("key");
  const given = fields.text("digest");
  const fingerprint = fields.text("fingerprint");
  const problem = fields.problem();
  if (problem !== null) return problem;
  if ([clear, given, fingerprint].filter((text) => text !== null).length !== 1) {
    return badRequest("exactly one of key, digest and fingerprint is needed");
  }
  if (fingerprint !== null) return keyByFingerprint(gateway, fingerprint);
  const id = clear === null ? (given ?? "") : digest(clear);
  return (await gateway.store.get("key", id)) ?? notFound("key");
}

/** The key with a digest, or with the only fingerprint that begins so. */
export async function keyByFingerprint(gateway: AdminGateway, text: string): Promise<KeyRecord | Answer> {
  if (isDigest(text)) return (await gateway.store.get("key", text)) ?? notFound("key");
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length < FINGERPRINT_CHARS_MIN) {
    return badRequest(`a fingerprint has at least ${FINGERPRINT_CHARS_MIN} base64url characters`);
  }
  const [first, second] = await keysByFingerprint(gateway.store, text, 2);
  if (first === undefined) return notFound("key");
  return second === undefined ? first : errorAnswer(409, "ambiguous", "Several keys begin so: give more of it");
}

/** The app with that id, or else the only one with that name. */
export async function appOf(gateway: AdminGateway, idOrName: string): Promise<App | Answer> {
  const app = await gateway.store.get("app", idOrName);
  if (app !== null) return app;
  const [first, second] = await recordsWhere(gateway, "app", ({ name }) => name === idOrName);
  if (first === undefined) return notFound("app");
  return second === undefined ? first : errorAnswer(409, "ambiguous", "Several apps have that name: give its id");
}

/** The developer with that id, or else with that email address. */
export async function developerOf(gateway: AdminGateway, idOrEmail: string): Promise<Developer | Answer> {
  const developer = await gateway.store.get("developer", idOrEmail);
  if (developer !== null) return developer;
  const [found] = await recordsWhere(gateway, "developer", ({ email }) => email === idOrEmail);
  return found ?? notFound("developer");
}

/** How many sessions a change concerns, and how many replicas did not say. */
export interface Concerned {
  readonly sessions: number;
  readonly silent: number;
}

export const nobody: Concerned = { sessions: 0, silent: 0 };

/**
 * What a change of these identities concerns: in a dry run everywhere, where a fleet can be asked. A change does not
 * wait for the others: it tells of this process alone.
 */
export async function concerned(
  { fleet, sessions }: AdminGateway,
  identities: readonly Identity[],
  { dryRun = false, kind }: { readonly dryRun?: boolean; readonly kind?: CredentialKind | undefined } = {},
): Promise<Concerned> {
  const named = kind === undefined ? {} : { credentialKind: kind };
  const isAsked = dryRun && fleet !== null;
  if (!isAsked) return { sessions: sessionsNamed(sessions, { identities, ...named }).length, silent: 0 };
  const asked = await fleet.ask({ filter: identities, rows: 0, behind: {}, ...named });
  return {
    sessions: asked.reduce((sum, { answer }) => sum + (answer?.matched ?? 0), 0),
    silent: asked.filter(({ answer }) => answer === null).length,
  };
}

/** Which part of a list is asked for. */
export interface ListPage {
  readonly limit: number;
  readonly after: string;
}

/** Rows of a page when the request names no limit. */
const PAGE_ROWS = 100;

export function pageOf({ fields, gateway }: AdminCall): ListPage {
  const limit = fields.integer("limit", 1, gateway.limits.adminPageMax) ?? PAGE_ROWS;
  return { limit: Math.min(limit, gateway.limits.adminPageMax), after: fields.text("after") ?? "" };
}

/**
 * One page of records in the order of their ids. With a filter it looks at no more than adminPageMax of them, so that
 * a page may hold few or none and yet not be the last.
 */
export async function listRecords<K extends RecordKind>(
  { gateway }: AdminCall,
  kind: K,
  { after, limit }: ListPage,
  isWanted: ((record: Records[K]) => boolean) | null,
  shown: (record: Records[K]) => object,
): Promise<Answer> {
  const readMax = isWanted === null ? limit : gateway.limits.adminPageMax;
  const read = await gateway.store.list(kind, { after, limit: readMax });
  const rows: object[] = [];
  let next: string | null = null;
  for (const { id, record } of read) {
    if (rows.length === limit) break;
    next = id;
    if (isWanted === null || isWanted(record)) rows.push(shown(record));
  }
  const isLast = read.length < readMax && next === (read.at(-1)?.id ?? null);
  return jsonAnswer(200, { [`${kind}s`]: rows, next: isLast ? null : next });
}

/** Null for never. */
export function isoOrNull(wallMs: number | null): string | null {
  return wallMs === null ? null : new Date(wallMs).toISOString();
}
