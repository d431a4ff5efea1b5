/**
 * Opens plain TCP connections to targets. It waits for nothing: who asked for the connection watches it, with its own
 * deadline.
 */
import { connect } from "node:net";
import type { LookupFunction, Socket } from "node:net";

/** Where a target listens. */
export interface TargetAddress {
  /** Name or IP address. All addresses of a name are tried, IPv6 and IPv4 in turn (RFC 8305). */
  readonly host: string;
  readonly port: number;
  /** TCP keep-alive probes begin after this much silence. */
  readonly tcpKeepAliveMs: number;
  /** Instead of the system's resolver. */
  readonly lookup?: LookupFunction;
}

/**
 * A connection that is being made: half-closable, without Nagle's delay, with keep-alive, and with an error listener
 * from this moment on, so that its failure can never be unhandled. Failures show as `error` and `close`.
 */
export function connectTcp(address: TargetAddress): Socket {
  const socket = connect({
    host: address.host,
    port: address.port,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: address.tcpKeepAliveMs,
    autoSelectFamily: true,
    ...(address.lookup === undefined ? {} : { lookup: address.lookup }),
  });
  socket.on("error", ignoreError);
  return socket;
}

/** Stands on every target socket; whoever watches the socket hears of errors through its own listener. */
export function ignoreError(): void {}
