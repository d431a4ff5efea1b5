/**
 * Syslog over TCP (RFC 6587): a connection whose receiver never says anything. Linked only where a policy asks for it.
 */
import { connect, type Socket } from "node:net";
import type { LinkOwner, OpenLink, SyslogLink, SyslogReceiver } from "./sender.ts";

/** Where the receiver is. */
export interface SyslogAddress {
  readonly host: string;
  readonly port: number;
}

/** A receiver of TCP connections. */
export function tcpReceiver({ host, port }: SyslogAddress): SyslogReceiver {
  const open: OpenLink = (owner) => {
    return streamLink(connect({ host, port, noDelay: true, keepAlive: true }), "connect", owner);
  };
  return { name: `tcp ${host} ${port}`, open };
}

/** A link over a socket that connects; `event` tells that it stands. */
export function streamLink(socket: Socket, event: "connect" | "secureConnect", owner: LinkOwner): SyslogLink {
  let detail = "connection closed";
  socket.on("error", (error: NodeJS.ErrnoException) => (detail = error.code ?? error.name));
  socket.once(event, () => owner.ready()).on("drain", () => owner.drained()).on("close", () => owner.lost(detail));
  // What a receiver says is read and dropped, so that its end is noticed.
  socket.resume();
  // The gateway does not live on for it.
  socket.unref();
  return {
    write: (message) => socket.write(message),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
  };
}
