/**
 * All replicas that share a store, asked about their sessions at once. Where nothing is shared a fleet is the process
 * alone, which this file has; fleet-store.ts reaches the others.
 */
import type { Gateway } from "../gateway.ts";
import { replicaOf } from "../process/instance.ts";
import type { FleetAnswer, FleetQuestion, ReplicaRecord } from "../state/fleet-record.ts";
import { sessionsNamed } from "../upgrade/revocation.ts";
import { shown } from "./admin-sessions.ts";

/** What a replica needs to tell of itself. */
export type FleetGateway = Pick<
  Gateway,
  "build" | "clock" | "defect" | "draining" | "instance" | "limits" | "metrics" | "sessions" | "store"
>;

/** A replica and what it answered; null: nothing in time. */
export interface AskedReplica {
  readonly replica: ReplicaRecord;
  readonly answer: FleetAnswer | null;
}

export interface Fleet {
  /** Begins to answer. */
  start(): void;
  /** All replicas in the order of their ids, within limits.fleetAnswerMs. Rejects as the store fails. */
  ask(question: FleetQuestion): Promise<readonly AskedReplica[]>;
  /** Answers no more. */
  close(): void;
}

/** The fleet of a process that shares nothing. */
export function fleetOfOne(gateway: FleetGateway): Fleet {
  return {
    start: () => undefined,
    ask: async (question) => [{ replica: replicaOf(gateway), answer: answerOf(gateway, question) }],
    close: () => undefined,
  };
}

/** What this process answers. */
export function answerOf({ instance, sessions }: FleetGateway, question: FleetQuestion): FleetAnswer {
  const { behind, credentialKind, filter, rows } = question;
  const named = credentialKind === undefined ? { identities: filter } : { identities: filter, credentialKind };
  const counts = { replica: instance.uuid, sessions: sessions.count, matched: sessionsNamed(sessions, named).length };
  if (rows === 0) return { ...counts, rows: [], isMore: false };
  const page = sessions.list(filter, { after: behind[instance.uuid] ?? 0, limit: rows });
  const found = page.sessions.map((session) => ({ serial: session.serial, session: shown(session) }));
  return { ...counts, rows: found, isMore: page.after !== null };
}
