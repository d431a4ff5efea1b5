/**
 * A target endpoint as the runtime knows it: where its servers are, how each is reached, how long it may take.
 * plain.ts, secure.ts and balanced.ts make them.
 */
import type { Socket } from "node:net";
import type { Compression } from "../body/compression.ts";
import type { Exchange } from "../context.ts";
import type { ConnectionPool } from "./pool.ts";

/** How servers are reached: plainly or over TLS. */
export interface Transport {
  readonly scheme: "http" | "https";
  /** Kept connections for plain HTTP; never used for upgrades. */
  readonly pool: ConnectionPool;
  /** Opens a connection of its own, for an upgrade. Error listener attached, not yet connected. */
  readonly connect: (host: string, port: number) => Socket;
  /** Name expected in certificates instead of the host (Apigee: CommonName); null: the host. */
  readonly expectedName: string | null;
}

/** Moments of the last try at a target, wall clock in milliseconds; null: not yet. And the status of its answer. */
export interface TargetTimes {
  sentStart: number | null;
  /** The head of an upgrade, or the whole request, is written. */
  sentEnd: number | null;
  /** The head of the answer has come. */
  receivedStart: number | null;
  receivedEnd: number | null;
  status: number | null;
}

/** One server of a target. */
export interface TargetServer {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly transport: Transport;
  /** Used only when all others are out of rotation (Apigee: IsFallback). */
  readonly isFallback: boolean;
  /** Its part in a load balancer; null where there is none. */
  readonly state: ServerState | null;
}

/** What a load balancer knows of one server. Written by rotation.ts and its algorithms, read by everybody. */
export interface ServerState {
  /** In rotation. */
  isUp: boolean;
  /** HTTP requests under way and WebSocket sessions, handshakes included. */
  open: number;
  /** Failures since the last good answer. */
  failures: number;
  /** All failures since the start. */
  failuresTotal: number;
  /** How often another server was tried because this one had failed. */
  retriesTotal: number;
  /** The request or session that a `pick` began is over. One function for all of them. */
  readonly leave: () => void;
}

/** Chooses servers and remembers which of them fail (apigee-core section 2.7). Times are monotonic milliseconds. */
export interface Balancer {
  readonly servers: readonly TargetServer[];
  /** A request whose server fails may go to another one. */
  readonly retryEnabled: boolean;
  /** A server in rotation that is not among `tried`, counted as open from now on; null: there is none. */
  pick(tried: readonly TargetServer[], nowMs: number): TargetServer | null;
  /** No answer, or one that counts as none. True: that took it out of rotation. */
  failed(state: ServerState, nowMs: number): boolean;
  /** A good answer. True: that brought it back. */
  answered(state: ServerState): boolean;
  /** A health check went well. True: that brought it back. */
  recovered(state: ServerState): boolean;
  /** Statuses that count as failures (Apigee: ServerUnhealthyResponse). */
  isUnhealthy(status: number): boolean;
}

export interface Target {
  readonly name: string;
  /** What a URL that a flow has written is reached by. */
  readonly transport: Transport;
  /** That of the other scheme, where a template says which of the two; absent: `transport` has the only one. */
  readonly otherTransport?: Transport;
  /** Those of the load balancer, or the one of the URL; none for a template. */
  readonly servers: readonly TargetServer[];
  /** Null for a URL. */
  readonly balancer: Balancer | null;
  /** Path in front of the suffix, "" for none; and query of the configured URL, null for none. */
  readonly basePath: string;
  readonly query: string | null;
  readonly connectTimeoutMs: number;
  readonly ioTimeoutMs: number;
  /**
   * Bytes of an answer's body where a policy looks into it (`response.payload.parse.limit`); absent:
   * limits.bodyBytesMax.
   */
  readonly responseBytesMax?: number;
  /** Opens the exchange of the proxy that is called; absent: a server is asked. May throw a fault. */
  readonly call?: (x: Exchange) => Exchange;
  /** Statuses that are no fault (success.codes). */
  readonly isSuccess: (status: number) => boolean;
  /** Headers of requests that go on (request.retain.headers), lower-case; absent: all. */
  readonly retainedHeaders?: ReadonlySet<string>;
  /** Headers of its answers that response flows see (response.retain.headers), lower-case; absent: all. */
  readonly retainedResponseHeaders?: ReadonlySet<string>;
  /** Query parameters of requests that go on (retain.queryparams); absent: all. */
  readonly retainedQueryParams?: ReadonlySet<string>;
  /** What becomes of the bodies of requests (compression.algorithm); absent: they go as they are. */
  readonly compression?: Compression;
  /** A 405 without Allow is a fault (ignore.allow.header.for.405 is false). */
  readonly needsAllowHeader: boolean;
}
