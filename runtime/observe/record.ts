/**
 * The record of one session: written once, when it has ended, for people and for bills. It owns the shape; log.ts
 * writes its line and metrics.ts counts it. It holds names, digest fingerprints and numbers, never a credential.
 */
import type { SpanId } from "../otlp/span.ts";
import type { HandshakeMark } from "./analytics-exchange.ts";
import type { FlightEvent } from "./flight-recorder.ts";
import type { CloseReasonId } from "../upgrade/close-reason.ts";

/** Who decided that the session ends. */
export type ClosedBy = "client" | "target" | "gateway";

/** Which deadline fired; null in a record when none did. */
export type SessionTimer = "idle" | "maxDuration" | "credential" | "writeStall" | "halfClose";

export interface SessionRecord {
  /** The id that the line at the 101 carried, and that the admin API lists. */
  readonly sessionId: string;
  readonly environment: string;
  readonly proxy: string;
  /** Name of the proxy endpoint. */
  readonly endpoint: string;
  /** Name of the target endpoint; null when none was reached. */
  readonly target: string | null;
  /** Names of what admitted the session; null where no credential tells. */
  readonly app: string | null;
  readonly developer: string | null;
  readonly product: string | null;
  /** First characters of the key's digest. */
  readonly keyFingerprint: string | null;
  readonly clientAddress: string;
  /**
   * The target's status: always 101, also where a response flow refused it afterwards (reason `refusedAfterAccept`).
   */
  readonly status: 101;
  /** Wall clock at the first byte of the request. */
  readonly startedAtMs: number;
  /** Wall clock when both sockets were gone. */
  readonly endedAtMs: number;
  /** From the request to the 101, monotonic. */
  readonly handshakeMs: number;
  /** From the 101 to the end, monotonic. */
  readonly durationMs: number;
  readonly closedBy: ClosedBy;
  readonly reason: CloseReasonId;
  /** Close code seen or sent; 1005: a close frame without one, 1006: no close frame (RFC 6455 section 7.4.1). */
  readonly code: number;
  /** Text of the close frame; a peer's own text is untrusted. */
  readonly text: string;
  /** True when a socket was reset because its peer did not let it end in order. */
  readonly forced: boolean;
  readonly timer: SessionTimer | null;
  /** Times that another token was put in the place of the one before. */
  readonly renewals: number;
  /** The span of its handshake; null or absent where the gateway takes no part in traces. */
  readonly span?: SpanId | null;
  readonly bytesFromClient: number;
  readonly bytesFromTarget: number;
  readonly framesFromClient: number;
  readonly framesFromTarget: number;
  /** What happened to it last, where it ended otherwise than its peers wanted; absent for all others. */
  readonly events?: readonly FlightEvent[];
  /** What its row of analytics says of the handshake; null without analytics. */
  readonly mark: HandshakeMark | null;
}
