/**
 * Whose request it is: the client's address as far as it is known, and that of the hop which handed the request over.
 * It owns what both mean and how a socket tells; whom to believe beyond the socket is the listener's to say.
 */
import type { Socket } from "node:net";
import type { RequestMessage } from "../message/message.ts";

/** Who sent a request. Without trusted proxies the client is the peer. */
export interface Client {
  /** The client's address: the peer's, or what trusted proxies say; "" when the socket is gone. */
  readonly address: string;
  /** Null when the client's address came from a header, which has no port for it. */
  readonly port: number | null;
  /** How the client spoke to the first trusted proxy, or to us. */
  readonly scheme: "http" | "https";
  /** Address of the connection's other end: the last hop, which no header can change. */
  readonly peer: string;
  /** What its forwarding headers are read by; null when they are not believed. */
  readonly forwarding: Forwarding | null;
}

/** What trusted proxies say of a client. */
export interface ForwardedClient {
  readonly address: string;
  /** Null when they do not say. */
  readonly scheme: "http" | "https" | null;
}

/** What a listener believes of the proxies in front of it; see forwarded.ts. */
export interface Forwarding {
  /** The client behind a peer; null when that peer is not trusted. `lines`: name, value ... as received. */
  client(peer: string, lines: readonly string[]): ForwardedClient | null;
  /** Leaves in a trusted peer's request what the next hop may believe, in the form that it is sent on. */
  tidy(request: RequestMessage, client: Client): void;
}

/** Picks the client's address from a trusted peer's header lines; null when it is not there. See client-ip.ts. */
export type ClientIpRule = (lines: readonly string[]) => string | null;

/** What a connection's own beginning says of its source (PROXY protocol). */
export interface ConnectionSource {
  readonly address: string;
  readonly port: number;
}

/** Kept on sockets whose other end only relays a client's connection. */
const SOURCE = Symbol("apigw.source");
type SourcedSocket = Socket & { [SOURCE]?: ConnectionSource };

/** From here on the socket's other end counts as being there. */
export function setSource(socket: SourcedSocket, source: ConnectionSource): void {
  socket[SOURCE] = source;
}

/** Address of the connection's other end, without the prefix of mapped IPv4 and without zone; "" when it is gone. */
export function peerAddress(socket: SourcedSocket): string {
  return socket[SOURCE]?.address ?? plainAddress(socket.remoteAddress ?? "");
}

/** Its port; null when it is gone. */
export function peerPort(socket: SourcedSocket): number | null {
  return socket[SOURCE]?.port ?? socket.remotePort ?? null;
}

/** A zone (fe80::1%eth0) names a link of this machine, not the peer. */
function plainAddress(address: string): string {
  if (address.startsWith("::ffff:") && address.includes(".")) return address.slice(7);
  const zone = address.indexOf("%");
  return zone < 0 ? address : address.slice(0, zone);
}

/** The client of a connection that nobody relays, and nobody forwards requests over. */
export function directClient(socket: Socket, scheme: "http" | "https"): Client {
  return { address: peerAddress(socket), port: peerPort(socket), scheme, peer: peerAddress(socket), forwarding: null };
}
