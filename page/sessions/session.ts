/** Sessions as the admin API tells them, and what of them is asked for. */
import type { Query } from "../connection.ts";

export interface SessionRow {
  readonly id: string;
  readonly state: "handshake" | "open" | "closing" | "closed";
  readonly environment: string;
  readonly proxy: string;
  readonly endpoint: string;
  readonly target: string | null;
  readonly clientAddress: string;
  readonly app: string | null;
  readonly developer: string | null;
  readonly product: string | null;
  readonly keyFingerprint: string | null;
  readonly startedAt: string;
  readonly ageMs: number;
  readonly credentials: readonly {
    readonly kind: string;
    readonly policy: string;
    readonly expiresAt: string | null;
  }[];
  readonly traffic: {
    readonly bytesFromClient: number;
    readonly bytesFromTarget: number;
    readonly framesFromClient: number;
    readonly framesFromTarget: number;
  } | null;
}

/** Something that changed for a session, with what it had carried until then. */
export interface SessionEvent {
  readonly event: string;
  readonly reason: string | null;
  /** How often it happened in a row. */
  readonly count: number;
  /** Since the 101. */
  readonly atMs: number;
  readonly bytesFromClient: number;
  readonly bytesFromTarget: number;
}

/** One session, asked for by its id. */
export interface SessionDetail extends SessionRow {
  readonly events?: readonly SessionEvent[];
}

export interface SessionPage {
  readonly sessions: readonly SessionRow[];
  /** How many the filter means. */
  readonly matched: number;
  /** How many there are. */
  readonly total: number;
}

/** What sessions can be found by: every field must fit exactly. */
export const filterFields = [
  { name: "proxy", label: "Proxy", width: 9 },
  { name: "app", label: "App", width: 9, hint: "name or id" },
  { name: "developer", label: "Developer", width: 11, hint: "email or id" },
  { name: "product", label: "Product", width: 8 },
  { name: "key", label: "Key", width: 9, hint: "fingerprint" },
  { name: "subject", label: "Subject", width: 9, hint: "of a token" },
  { name: "issuer", label: "Issuer", width: 9, hint: "of the subject" },
  { name: "session", label: "Session", width: 9, hint: "id" },
] as const;

/** The part of an address that filters sessions. */
export function sessionFilter(filter: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = filterFields.flatMap(({ name }) => {
    const value = filter[name]?.trim() ?? "";
    return value === "" ? [] : [[name, value] as const];
  });
  return Object.fromEntries(entries);
}

/** One page of a list. */
export function pageQuery(filter: Readonly<Record<string, string>>, skip: number, limit: number): Query {
  return { ...filter, ...(skip > 0 ? { skip } : {}), limit };
}

/** Time until the first of its credentials expires; null: none does. */
export function expiresInMs({ credentials }: SessionRow, nowMs: number): number | null {
  const times = credentials.flatMap(({ expiresAt }) => (expiresAt === null ? [] : [Date.parse(expiresAt) - nowMs]));
  return times.length === 0 ? null : Math.min(...times);
}

/** A developer's id is `organization@@@email`; who reads it knows the organization. */
export function emailOf(developer: string): string {
  return developer.slice(developer.indexOf("@@@") < 0 ? 0 : developer.indexOf("@@@") + "@@@".length);
}
