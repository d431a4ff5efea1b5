/** What an exchange's log lines say of where it came from and where it went, wherever on its way it ended. */
import type { IncomingMessage } from "node:http";
import { peerAddress, peerPort, type Client } from "../client/client.ts";
import type { Exchange } from "../context.ts";
import type { Entered } from "../exchange/entry.ts";
import type { Gateway } from "../gateway.ts";
import type { Listener } from "../listen/listen.ts";
import type { ExchangePlace } from "./log-lines.ts";

/** Who asked, and how; known before anything is decided. */
export interface Asked extends Client {
  readonly method: string;
  readonly version: string;
  readonly userAgent: string | null;
  /** Header lines as they came. */
  readonly lines: readonly string[];
}

/** Takes from a request head what its line will say of it, and from whom it is. */
export function asked(gateway: Gateway, listener: Listener, incoming: IncomingMessage): Asked {
  const { socket, rawHeaders } = incoming;
  const peer = peerAddress(socket);
  const behind = listener.forwarding?.client(peer, rawHeaders) ?? null;
  return {
    address: behind?.address ?? peer,
    port: behind === null || behind.address === peer ? peerPort(socket) : null,
    scheme: behind?.scheme ?? listener.scheme,
    peer,
    forwarding: behind === null ? null : listener.forwarding,
    method: incoming.method ?? "",
    version: incoming.httpVersion,
    lines: rawHeaders,
    userAgent: gateway.log.access || gateway.analytics !== null ? (incoming.headers["user-agent"] ?? null) : null,
  };
}

export function exchangePlace(
  gateway: Gateway,
  request: Asked,
  entered: Entered | null,
  x: Exchange | null,
): ExchangePlace {
  const program = entered?.deployed.program;
  const { method, scheme, version, userAgent } = request;
  return {
    method,
    scheme,
    version,
    userAgent,
    clientAddress: entered?.clientAddress ?? request.address,
    peerAddress: request.peer,
    query: x?.inboundQuery ?? entered?.request.query ?? null,
    requestLines: request.lines,
    responseLines: x?.response?.lines ?? [],
    span: x?.span ?? null,
    id: x?.id ?? gateway.clock.randomId(),
    environment: program?.environment ?? null,
    proxy: program?.proxy ?? null,
    endpoint: program?.endpoint ?? null,
    route: program?.basePath ?? null,
    target: x?.target?.name ?? null,
    // Flows may write another path; a request that no flow has seen still has its own.
    path: x?.inboundPath ?? entered?.request.path ?? null,
    host: entered?.host ?? null,
    app: x?.access?.app.name ?? null,
    developer: x?.access?.developer.id ?? null,
  };
}
