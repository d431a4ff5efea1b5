/**
 * What a splice remembers while its session ends, and the hard way to end a connection. Decides nothing.
 */
import type { Socket } from "node:net";
import { NO_CODE, NO_FRAME } from "./close-frame.ts";
import type { CloseMessage } from "./close-frame.ts";
import type { CloseReasonId } from "./close-reason.ts";

/** Who ended a session first: by close frame, by FIN, or by a connection that broke. */
export type ClosedBy = "client" | "target" | "gateway";

/** Exists only while a session ends. All times are monotonic; Infinity: not awaited. */
export interface Ending {
  readonly reason: CloseReasonId;
  readonly closedBy: ClosedBy;
  code: number;
  text: string;
  forced: boolean;
  /** False while the client has sent a bare FIN and nothing else happened: another reason may still take its place. */
  settled: boolean;
  /** The close frame for the client, once the gateway closes both legs; null while the peers close by themselves. */
  frame: CloseMessage | null;
  /** True when no byte received from now on may pass. */
  cut: boolean;
  halfCloseDueMs: number;
  graceDueMs: number;
  closeDueMs: number;
}

/** An ending for which nothing has been done yet. */
export function newEnding(reason: CloseReasonId, closedBy: ClosedBy, settled: boolean): Ending {
  return {
    reason,
    closedBy,
    code: NO_FRAME,
    text: "",
    forced: false,
    settled,
    frame: null,
    cut: false,
    halfCloseDueMs: Infinity,
    graceDueMs: Infinity,
    closeDueMs: Infinity,
  };
}

/** A client's close frame is answered with its own code (RFC 6455 section 5.5.1). */
export function answerTo(asked: CloseMessage): CloseMessage {
  return asked.code === NO_CODE ? { code: 1000, text: "" } : asked;
}

/**
 * Ends a connection without a close frame and records that: a reset for TCP; TLS cannot be reset, so it is destroyed.
 * Harmless on a socket that is gone.
 *
 * While a FIN is on its way libuv refuses a reset and Node would then never close the handle, so such a socket is
 * destroyed too: it has nothing left to write that could keep it alive.
 */
export function breakOff(socket: Socket, ending: Ending): void {
  if (socket.destroyed) return;
  ending.forced = true;
  const finSent = socket.writableEnded && socket.writableLength === 0;
  if ("encrypted" in socket || finSent) socket.destroy();
  else socket.resetAndDestroy();
}
