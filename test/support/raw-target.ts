/**
 * A target on a real socket that says exactly the bytes a test gives it, and remembers what it was sent. It knows no
 * HTTP.
 */
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

export interface RawTarget extends AsyncDisposable {
  readonly port: number;
  /** Everything received so far, over all connections, as latin1. */
  received(): string;
  /** Connections that are open now. */
  open(): number;
  /** Resolves when no connection is open any more. */
  closed(): Promise<void>;
}

/** What the target does with a connection whose request head is complete. */
export type TargetScript = (socket: Socket, requestHead: string) => void;

/** Starts a target that runs `script` for each connection as soon as it has read a request head. */
export async function rawTarget(script: TargetScript): Promise<RawTarget> {
  let received = "";
  const sockets = new Set<Socket>();
  const waiting: (() => void)[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let head = "";
    let ran = false;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      sockets.delete(socket);
      if (sockets.size === 0) for (const resolve of waiting.splice(0)) resolve();
    });
    socket.on("end", () => socket.end());
    socket.on("data", (bytes) => {
      const text = bytes.toString("latin1");
      received += text;
      head += text;
      if (ran || !head.includes("\r\n\r\n")) return;
      ran = true;
      script(socket, head);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: portOf(server.address()),
    received: () => received,
    open: () => sockets.size,
    closed: () => (sockets.size === 0 ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    async [Symbol.asyncDispose](): Promise<void> {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A port of 127.0.0.1 where nobody listens. */
export async function refusedPort(): Promise<number> {
  const target = await rawTarget(() => undefined);
  const { port } = target;
  await target[Symbol.asyncDispose]();
  return port;
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("the server does not listen on a port");
  return address.port;
}
