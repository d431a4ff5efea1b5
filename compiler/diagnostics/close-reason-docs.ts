/**
 * One line about each close reason, for `explain` and the reference. Here and not in the table, so that artifacts do
 * not carry it.
 */
import type { CloseReasonId } from "#runtime/upgrade/close-reason.ts";

/** When a session ends for each reason. */
export const closeReasonDocs: { readonly [reason in CloseReasonId]: string } = {
  clientClosed: "The client closed: with a close frame, or by ending its TCP connection.",
  targetClosed: "The target closed with a close frame.",
  clientLost: "The client's connection broke without a close frame.",
  targetLost: "The target's connection broke without a close frame.",
  tokenExpired: "A token that admitted the connection reached its expiry, and no renewal came.",
  keyExpired: "The API key that admitted the connection reached its expiry.",
  certificateExpired: "The client certificate reached its notAfter.",
  tokenRevoked: "A token that admitted the connection was revoked.",
  accessRevoked: "The key, app, developer or product behind the connection was revoked.",
  accessChanged: "After a change of access data the connection would no longer be admitted.",
  ended: "An operator ended the session over the admin API.",
  idle: "No byte passed in either direction for idleTimeout.",
  lifetime: "The connection reached maxDuration.",
  writeStall: "A peer took no bytes for writeStallTimeout while bytes waited for it.",
  halfClose: "One side ended and the other stayed open for halfCloseTimeout.",
  revocationLag: "The gateway heard of no revocations for longer than `revocation.maxLag`, and `onLag` is `end`.",
  protocolError: "A peer sent bytes that are no WebSocket frames (RFC 6455 section 5).",
  overload: "The gateway is at one of its limits.",
  drain: "The gateway is stopping and a successor serves.",
  shutdown: "The gateway is stopping and no successor is known.",
  refusedAfterAccept: "A response flow refused the connection after the target had accepted it.",
  internal: "A fault of the gateway's own.",
  gatewayKilled: "The gateway's process was killed. Only rows of analytics say so: the next process on their file writes them.",
};
