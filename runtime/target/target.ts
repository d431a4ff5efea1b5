/**
 * A target endpoint as the runtime knows it: where it is, how it is reached, how long it may take. plain.ts and tls.ts make
 * them.
 */
import type { Agent } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../clock.ts";
import { fault } from "../fault.ts";

/** One server of a target. */
export interface TargetServer {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export interface Target {
  readonly name: string;
  readonly scheme: "http" | "https";
  /** Tried in turn. None when every server is out of rotation. */
  readonly servers: readonly TargetServer[];
  /** Path in front of the suffix, "" for none; and query of the configured URL, null for none. */
  readonly basePath: string;
  readonly query: string | null;
  readonly connectTimeoutMs: number;
  readonly ioTimeoutMs: number;
  /** Statuses that are no fault (success.codes). */
  readonly isSuccess: (status: number) => boolean;
  /** Keep-alive pool for plain HTTP; never used for upgrades. */
  readonly agent: Agent;
  /** Opens a connection of its own, for an upgrade. Error listener attached, not yet connected. */
  readonly connect: (server: TargetServer, clock: Clock) => Socket;
  /** Round-robin position. */
  next: number;
}

/** The next server in turn (Apigee: RoundRobin). Throws `NoActiveTargets` (503) when every server is out of rotation. */
export function pickServer(target: Target): TargetServer {
  const server = target.servers[target.next];
  if (server === undefined) throw fault("messaging.adaptors.http.flow.NoActiveTargets");
  target.next = (target.next + 1) % target.servers.length;
  return server;
}
