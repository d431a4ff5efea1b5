/**
 * Listeners whose clients come through a proxy that speaks the PROXY protocol. Linked only when a bundle has one. It
 * owns the time before HTTP and TLS get a connection: until its header is read they do not see it.
 */
import type { Server, Socket } from "node:net";
import { peerAddress, setSource, type ConnectionSource } from "../client/client.ts";
import { inRanges } from "../client/ip-ranges.ts";
import { parseIpAddress, type IpRange } from "../language/ip-address.ts";
import type { ListenerPreface, PrefaceHost } from "./listen.ts";
import { readProxyHeader, type ProxyVersion } from "./proxy-protocol.ts";

/** What a listener says of the proxies in front of it. */
export interface ProxyProtocolSettings {
  readonly version: ProxyVersion;
  /** Who may connect; null: anybody. */
  readonly trustedProxies: readonly IpRange[] | null;
}

/** Kept on sockets that HTTP hands back (Listener.reattach): their header was read long ago. */
const READ = Symbol("apigw.proxied");
type ProxiedSocket = Socket & { [READ]?: true };

const NO_BYTES: Buffer = /* @__PURE__ */ Buffer.alloc(0);

/** Every connection of the listener begins with a header; one that does not is destroyed. */
export function proxyProtocol(settings: ProxyProtocolSettings): ListenerPreface {
  return (server, host) => {
    const handlers = server.listeners("connection");
    const sources = host.isTls ? relateToTls(server) : null;
    server.removeAllListeners("connection");
    server.on("connection", (socket: ProxiedSocket) => {
      const pass = (): void => {
        for (const handler of handlers) Reflect.apply(handler, server, [socket]);
      };
      if (socket[READ] === true) return pass();
      readHeader(socket, settings, host, (source) => {
        socket[READ] = true;
        if (source !== null) setSource(socket, source);
        if (source !== null) sources?.(socket, source);
        pass();
      });
    });
  };
}

/** Reads the header, in whatever pieces it comes, and gives back what followed it. */
function readHeader(
  socket: Socket,
  { version, trustedProxies }: ProxyProtocolSettings,
  { clock, limits, onRead, onRefused }: PrefaceHost,
  done: (source: ConnectionSource | null) => void,
): void {
  let bytes = NO_BYTES;
  const refuse = (): void => {
    stop();
    onRefused();
    socket.destroy();
  };
  const timer = clock.setTimer(refuse, limits.proxyHeaderTimeoutMs);
  const stop = (): void => {
    clock.clearTimer(timer);
    socket.off("readable", onReadable).off("end", onEnd).off("close", stop);
  };
  const onEnd = (): void => {
    stop();
    socket.destroy();
  };
  const onReadable = (): void => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) return;
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    const header = readProxyHeader(bytes, version, limits.proxyHeaderBytesMax);
    if (header === "more") return;
    if (header === "invalid") return refuse();
    stop();
    if (bytes.length > header.length) socket.unshift(bytes.subarray(header.length));
    onRead(socket, header.length);
    done(header.source);
  };
  const peer = trustedProxies === null ? null : parseIpAddress(peerAddress(socket));
  if (trustedProxies !== null && (peer === null || !inRanges(peer, trustedProxies))) return refuse();
  socket.on("readable", onReadable).on("end", onEnd).on("close", stop);
}

/**
 * TLS makes a socket of its own over the connection and does not say which; the other end's address and port do, as no
 * two open connections of a listener share them. Bounded by the server's maxConnections.
 */
function relateToTls(server: Server): (socket: Socket, source: ConnectionSource) => void {
  const sources = new Map<string, ConnectionSource>();
  const key = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort}`;
  server.prependListener("secureConnection", (secured: Socket) => {
    const source = sources.get(key(secured));
    if (source !== undefined) setSource(secured, source);
  });
  return (socket, source) => {
    const of = key(socket);
    sources.set(of, source);
    socket.once("close", () => sources.delete(of));
  };
}
