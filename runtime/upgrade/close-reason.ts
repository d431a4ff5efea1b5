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
  /** One line for docs/reference/close-reasons.md. */
  readonly doc: string;
}

/** All reasons. The key is the identifier in code, configuration (`webSocket.close`) and `apigw-compile explain`. */
export const closeReasons = {
  clientClosed: row("client", 0, 499, "", false, false, "The client closed: with a close frame, or by ending its TCP connection."),
  targetClosed: row("upstream", 0, 502, "", false, false, "The target closed with a close frame."),
  clientLost: row("client_lost", 0, 499, "", true, false, "The client's connection broke without a close frame."),
  targetLost: row("upstream_lost", 1014, 502, "target lost", true, false, "The target's connection broke without a close frame."),
  tokenExpired: row("token_expired", 3000, 401, "token expired", false, true, "A token that admitted the connection reached its expiry."),
  keyExpired: row("key_expired", 3000, 401, "key expired", false, true, "The API key that admitted the connection reached its expiry."),
  certificateExpired: row("certificate_expired", 3000, 401, "certificate expired", false, true, "The client certificate reached its notAfter."),
  tokenRevoked: row("token_revoked", 3003, 401, "token revoked", false, true, "A token that admitted the connection was revoked."),
  accessRevoked: row("access_revoked", 3003, 401, "access revoked", false, true, "The key, app, developer or product behind the connection was revoked."),
  accessChanged: row("access_changed", 3003, 403, "access changed", false, true, "After a change of access data the connection would no longer be admitted."),
  ended: row("ended", 3003, 403, "ended by the operator", false, true, "An operator ended the session over the admin API."),
  idle: row("idle", 3008, 408, "idle timeout", false, false, "No byte passed in either direction for idleTimeout."),
  lifetime: row("lifetime", 3008, 408, "maximum duration reached", false, false, "The connection reached maxDuration."),
  writeStall: row("write_stall", 3008, 408, "peer does not read", true, true, "A peer took no bytes for writeStallTimeout while bytes waited for it."),
  halfClose: row("half_close", 3008, 408, "half-closed too long", true, false, "One side ended and the other stayed open for halfCloseTimeout."),
  protocolError: row("protocol_error", 1002, 400, "protocol error", true, true, "A peer sent bytes that are no WebSocket frames (RFC 6455 section 5)."),
  overload: row("overload", 1013, 503, "try again later", true, false, "The gateway is at one of its limits."),
  drain: row("drain", 1012, 503, "service restart", false, false, "The gateway is stopping and a successor serves."),
  shutdown: row("shutdown", 1001, 503, "going away", false, false, "The gateway is stopping and no successor is known."),
  refusedAfterAccept: row("refused", 1001, 500, "refused by policy", true, true, "A response flow refused the connection after the target had accepted it."),
  internal: row("error", 1011, 500, "internal error", true, true, "A fault of the gateway's own."),
} as const satisfies Record<string, CloseReason>;

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
  doc: string,
): CloseReason {
  return { label, code, status, text, isError, cutsTraffic, doc };
}
