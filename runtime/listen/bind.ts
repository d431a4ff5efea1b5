/**
 * Binding a server to where it listens: host and port, a Unix socket, or a socket that was opened for us (systemd).
 * It owns the differences between systems; it never changes what was asked for except where a system lacks shared
 * ports.
 */
import { chmodSync, unlinkSync } from "node:fs";
import { connect, isIPv6, type ListenOptions, type Server } from "node:net";

/** Where to listen. */
export type ListenAt =
  /** Port 0: any free one. `reusePort`: other processes may listen on it at the same time. */
  | { readonly host: string; readonly port: number; readonly reusePort: boolean }
  /** A Unix socket, for this user only. */
  | { readonly socketPath: string }
  /** An open, listening file descriptor. */
  | { readonly fd: number };

/** Where a server listens; the port is 0 for a Unix socket. */
export interface Bound {
  readonly address: string;
  readonly port: number;
}

/** Connections that the kernel keeps until they are accepted; Linux cuts it to net.core.somaxconn. */
const BACKLOG = 4_096;

/** Binds and listens. Rejects with the system's error. */
export async function bind(server: Server, at: ListenAt): Promise<Bound> {
  if ("fd" in at) await listen(server, { fd: at.fd });
  else if ("socketPath" in at) await listenOnPath(server, at.socketPath);
  else await listenOnPort(server, at.host, at.port, at.reusePort);
  const address = server.address();
  if (address === null || typeof address === "string") return { address: address ?? "", port: 0 };
  const host = isIPv6(address.address) ? `[${address.address}]` : address.address;
  return { address: `${host}:${address.port}`, port: address.port };
}

/** macOS and Windows have no shared ports that balance; there the port is simply not shared. */
async function listenOnPort(server: Server, host: string, port: number, reusePort: boolean): Promise<void> {
  try {
    await listen(server, { host, port, reusePort, exclusive: true, backlog: BACKLOG });
  } catch (error) {
    if (!reusePort || codeOf(error) !== "ENOTSUP") throw error;
    await listen(server, { host, port, exclusive: true, backlog: BACKLOG });
  }
}

/** A socket file outlives a process that was killed: one that nobody answers on is replaced. */
async function listenOnPath(server: Server, path: string): Promise<void> {
  try {
    await listen(server, { path, exclusive: true, backlog: BACKLOG });
  } catch (error) {
    if (codeOf(error) !== "EADDRINUSE" || (await answers(path))) throw error;
    unlinkSync(path);
    await listen(server, { path, exclusive: true, backlog: BACKLOG });
  }
  chmodSync(path, 0o600);
}

function listen(server: Server, options: ListenOptions | { readonly fd: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
