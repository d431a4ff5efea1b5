/**
 * What the replicas of a fleet tell each other through the store: who is there, what somebody asks, and what each
 * answers. Types only; no key or token is part of any.
 */
import type { CredentialKind } from "../access/credential.ts";
import type { Identity } from "../access/identity.ts";

/** A replica that is there; its record expires unless it is renewed. */
export interface ReplicaRecord {
  /** `system.uuid`: new for each start. */
  readonly id: string;
  readonly pod: string | null;
  readonly region: string | null;
  /** Digest of the program that it runs. */
  readonly build: string;
  /** Wall clock. */
  readonly startedAtMs: number;
  readonly isDraining: boolean;
}

/** What all replicas are asked at once. */
export interface FleetQuestion {
  /** Sessions that carry all of these; none: all. */
  readonly filter: readonly Identity[];
  /** Of them, where only numbers are asked for, those that a credential of this kind with the first one admitted. */
  readonly credentialKind?: CredentialKind;
  /** Sessions that each replica shows; 0: it only counts. */
  readonly rows: number;
  /** By replica: the place in its order of arrival behind which it begins. */
  readonly behind: Readonly<Record<string, number>>;
}

/** What one replica answers. */
export interface FleetAnswer {
  readonly replica: string;
  /** All its sessions. */
  readonly sessions: number;
  /** Those that the filter means. */
  readonly matched: number;
  readonly rows: readonly FleetRow[];
  /** There are more rows than these. */
  readonly isMore: boolean;
}

/** A session as the admin API shows it, and its place in the replica's order of arrival. */
export interface FleetRow {
  readonly serial: number;
  readonly session: object;
}
