/**
 * A refused upgrade told to a browser, which shows no page why a handshake failed: a 101 of the gateway's own, and at
 * once a close frame that says why. No target takes part and no session begins; linked only where an endpoint asks.
 */
import type { Socket } from "node:net";
import { STATUS_CODES } from "node:http";
import type { Clock } from "../clock.ts";
import { faultBody, type Fault } from "../fault.ts";
import { write101, type UpgradeOffer } from "../message/head.ts";
import { ResponseMessage } from "../message/message.ts";
import { endInOrder } from "../socket-owner.ts";
import { acceptFor } from "./accept.ts";
import { closeFrameForClient } from "./close-frame.ts";

/** What the client would have been answered, and what it offered. */
export interface RefusalToTell {
  readonly response: ResponseMessage;
  /** Why; null where a target or a flow answered otherwise. */
  readonly cause: Fault | null;
  /** The close frame of a session that ended in its handshake; null: the status decides. */
  readonly close: CloseOfRefusal | null;
  readonly offer: UpgradeOffer;
  /** See PresentedCredential. */
  readonly echo: string | null;
}

/** Code and text of the frame. */
export interface CloseOfRefusal {
  readonly code: number;
  readonly text: string;
}

/** Tells the browser, and ends the connection in order. False: it cannot be told, and nothing was written. */
export type TellRefusal = (socket: Socket, refusal: RefusalToTell, clock: Clock, timeoutMs: number) => boolean;

/** See TellRefusal. */
export const closeRefused: TellRefusal = (socket, { response, cause, close, offer, echo }, clock, timeoutMs) => {
  if (socket.destroyed || !socket.writable) return false;
  const first = offer.protocols?.split(",", 1)[0]?.trim();
  // A browser that offered subprotocols and is told of none fails before it sees the frame.
  const protocol = echo ?? first ?? null;
  const agreement = { accept: acceptFor(offer.key), protocol, extensions: null };
  const head = write101(new ResponseMessage(101, "", []), agreement);
  if (typeof head !== "string") return false;
  const { code, text } = close ?? { code: closeCode(response.status), text: reasonOf(response, cause) };
  socket.write(head, "latin1");
  socket.write(closeFrameForClient(code, text));
  endInOrder(socket, clock, timeoutMs);
  return true;
};

/** The close code nearest to a status (RFC 6455 section 7.4.1 and the IANA registry). */
function closeCode(status: number): number {
  switch (status) {
    case 401: return 3000;
    case 403: return 3003;
    case 408: case 504: return 3008;
    case 429: case 503: return 1013;
    case 502: return 1014;
    default: return status >= 500 ? 1011 : 1008;
  }
}

/** The fault's own text, unless a flow has written another answer; then its reason phrase. Never the body. */
function reasonOf(response: ResponseMessage, cause: Fault | null): string {
  const isUntouched = cause !== null && cause.status === response.status
    && response.content === faultBody(cause.text, cause.code);
  if (isUntouched) return cause.text;
  return response.reason === "" ? (STATUS_CODES[response.status] ?? "") : response.reason;
}
