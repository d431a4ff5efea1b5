/**
 * The one table of reasons for which a connection ends: close code, HTTP status before the 101, whether it counts as an
 * error, metric label, text for people. Nothing else may invent a reason.
 *
 * Codes are from RFC 6455 section 7.4.1 and the IANA WebSocket close code registry.
 */
export interface CloseReason {
  /** Metric label and value of `apigw.ws.close_reason` in the session record. */
  readonly label: string;
  /** Code of the close frame to the client. 0: the frame (or its absence) is the peer's own, the gateway sends none. */
  readonly code: number;
  /** Status that a handshake gets which ends for this reason before its 101. */
  readonly status: number;
  /** Reason text of the close frame, at most 123 bytes. */
  readonly text: string;
  /** True when the session did not end the way its peers wanted. */
  readonly isError: boolean;
  /** True when no byte received after the decision may be relayed (RFC 6455 frames in flight included). */
  readonly cutsTraffic: boolean;
}

/** All reasons. The key is the identifier in code, configuration (`webSocket.close`) and `apigw-compile explain`. */
export const closeReasons = {
  clientClosed: row("client", 0, 499, "", false, false),
  targetClosed: row("upstream", 0, 502, "", false, false),
  clientLost: row("client_lost", 0, 499, "", true, false),
  targetLost: row("upstream_lost", 1014, 502, "target lost", true, false),
  tokenExpired: row("token_expired", 3000, 401, "token expired", false, true),
  keyExpired: row("key_expired", 3000, 401, "key expired", false, true),
  certificateExpired: row("certificate_expired", 3000, 401, "certificate expired", false, true),
  tokenRevoked: row("token_revoked", 3003, 401, "token revoked", false, true),
  accessRevoked: row("access_revoked", 3003, 401, "access revoked", false, true),
  accessChanged: row("access_changed", 3003, 403, "access changed", false, true),
  revocationLag: row("revocation_lag", 1013, 503, "try again later", true, true),
  ended: row("ended", 3003, 403, "ended by the operator", false, true),
  idle: row("idle", 3008, 408, "idle timeout", false, false),
  lifetime: row("lifetime", 3008, 408, "maximum duration reached", false, false),
  writeStall: row("write_stall", 3008, 408, "peer does not read", true, true),
  halfClose: row("half_close", 3008, 408, "half-closed too long", true, false),
  protocolError: row("protocol_error", 1002, 400, "protocol error", true, true),
  overload: row("overload", 1013, 503, "try again later", true, false),
  drain: row("drain", 1012, 503, "service restart", false, false),
  shutdown: row("shutdown", 1001, 503, "going away", false, false),
  refusedAfterAccept: row("refused", 1001, 500, "refused by policy", true, true),
  internal: row("error", 1011, 500, "internal error", true, true),
  gatewayKilled: row("gateway_killed", 0, 503, "", true, false),
} as const satisfies Record<string, CloseReason>;

/** What a close frame to the client says in place of its reason's own code and text. */
export interface CloseWords {
  readonly code: number;
  /** As much of it as fits into a close frame. */
  readonly text: string;
}

/** Identifier of a reason. */
export type CloseReasonId = keyof typeof closeReasons;

/** Close code that the target gets when the gateway ends a session (RFC 6455: going away). */
export const TARGET_CLOSE_CODE = 1001;

/** Bytes that fit into the reason of a close frame (RFC 6455 section 5.5: 125 less the code). */
export const CLOSE_TEXT_BYTES_MAX = 123;

/* @__NO_SIDE_EFFECTS__ */ function row(
  label: string,
  code: number,
  status: number,
  text: string,
  isError: boolean,
  cutsTraffic: boolean,
): CloseReason {
  return { label, code, status, text, isError, cutsTraffic };
}
