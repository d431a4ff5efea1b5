/**
 * Fixed answers to what is no request: node's parser refused it, it was too large, too slow, or a method that no
 * listener serves. It owns their bytes and the lingering close; it never looks at what the client sent.
 */
import type { Socket } from "node:net";
import type { Clock } from "../clock.ts";
import { fault, faultBody, type CoreFaultCode } from "../fault.ts";
import type { CounterId } from "../observe/metric-slots.ts";

/** Why a connection or a request was refused before anybody saw it. */
export type RefusalKind = "connections" | "badRequest" | "timeout" | "tooLarge" | "method" | "accept" | "tls"
  | "proxyHeader";

interface FixedAnswer {
  readonly kind: RefusalKind;
  readonly text: string;
}

/** Time for a refused client to read its answer: closing with unread bytes would reset the connection under it. */
const LINGER_MS = 500;

const badRequest = answer("badRequest", "400 Bad Request", "protocol.http.BadRequest", "no HTTP request");
const timeout = answer("timeout", "408 Request Timeout", "messaging.adaptors.http.flow.RequestTimeOut", "");
const bodyTooLarge = answer("tooLarge", "413 Content Too Large", "protocol.http.TooBigBody", "");
const headTooLarge = answer(
  "tooLarge", "431 Request Header Fields Too Large", "protocol.http.TooBigHeaders", "the head is too large",
);
const method = answer("method", "405 Method Not Allowed", "protocol.http.BadRequest", "CONNECT is not served here");

/**
 * The answer for an error of node's HTTP server; null when the connection itself broke and nobody is there to answer.
 */
export function answerFor(code: string | undefined): FixedAnswer | null {
  if (code === undefined) return badRequest;
  if (code === "HPE_HEADER_OVERFLOW") return headTooLarge;
  if (code === "HPE_CHUNK_EXTENSIONS_OVERFLOW") return bodyTooLarge;
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return timeout;
  if (code.startsWith("HPE_")) return badRequest;
  return null;
}

/** What a refusal is counted as. */
export function refusalCounter(kind: RefusalKind): CounterId {
  switch (kind) {
    case "connections":
      return "connectionsRefused";
    case "tls":
      return "tlsFailures";
    case "proxyHeader":
      return "proxyHeadersRefused";
    default:
      return "badRequests";
  }
}

/** The answer to CONNECT. */
export function answerToConnect(): FixedAnswer {
  return method;
}

/** Writes an answer, waits a moment for the client to take it, and destroys the socket. */
export function refuse(socket: Socket, { text }: FixedAnswer, clock: Clock): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const timer = clock.setTimer(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clock.clearTimer(timer));
  socket.once("end", () => socket.destroy());
  socket.end(text);
  socket.resume();
}

/* @__NO_SIDE_EFFECTS__ */ function answer(
  kind: RefusalKind,
  status: string,
  code: CoreFaultCode,
  detail: string,
): FixedAnswer {
  const body = faultBody(fault(code, detail).text, code);
  const head = `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
  return { kind, text: `${head}Connection: close\r\n\r\n${body}` };
}
