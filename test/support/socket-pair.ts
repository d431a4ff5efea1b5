/**
 * Two ends of one real TCP connection on loopback, and a way to read one of them by the byte.
 */
import { Buffer } from "node:buffer";
import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";

export interface SocketPair {
  /** The end that a gateway would hold (accepted side). */
  readonly near: net.Socket;
  /** The peer's end (connecting side). */
  readonly far: net.Socket;
}

/** A fresh connection, both ends half-open capable and without listeners of their own. The listener is closed again. */
export async function connectedPair(): Promise<SocketPair> {
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const accepted = new Promise<net.Socket>((resolve) => server.once("connection", resolve));
  const far = net.connect({ port: address.port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
  const [near] = await Promise.all([accepted, once(far, "connect")]);
  server.close();
  return { near, far };
}

/** The same over TLS 1.2 with a shared key, which needs no certificates. */
export async function securePair(): Promise<SocketPair> {
  const psk = Buffer.alloc(32, 7);
  const shared = { ciphers: "PSK", maxVersion: "TLSv1.2", allowHalfOpen: true } as const;
  const server = tls.createServer({ ...shared, pskCallback: () => psk });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const accepted = new Promise<net.Socket>((resolve) => server.once("secureConnection", resolve));
  const far = tls.connect({
    ...shared, port: address.port, host: "127.0.0.1", checkServerIdentity: () => undefined,
    pskCallback: () => ({ psk, identity: "test" }),
  });
  const [near] = await Promise.all([accepted, once(far, "secureConnect")]);
  near.pause();
  server.close();
  return { near, far };
}

export interface Reader {
  /** Everything received so far. */
  readonly bytes: Buffer;
  readonly finished: boolean;
  /** Code of the connection's error ("ECONNRESET"), or null. */
  readonly error: string | null;
  /** Resolves when at least `size` bytes have come; rejects when the connection ends before. */
  received(size: number): Promise<Buffer>;
  /** Resolves with all bytes when the peer's FIN came. */
  end(): Promise<Buffer>;
  /** Resolves when the socket is gone. */
  closed(): Promise<void>;
}

/** Collects what a socket receives. Must be called before anything arrives; errors are noted, never thrown. */
export function read(socket: net.Socket): Reader {
  const chunks: Buffer[] = [];
  let size = 0;
  let finished = false;
  let closed = false;
  let error: string | null = null;
  const waits = new Set<() => void>();
  const wake = (): void => {
    for (const wait of waits) wait();
  };
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    wake();
  });
  socket.on("end", () => {
    finished = true;
    wake();
  });
  socket.on("error", (caught: NodeJS.ErrnoException) => {
    error = caught.code ?? caught.message;
  });
  socket.on("close", () => {
    closed = true;
    wake();
  });
  const until = (met: () => boolean, broken: () => boolean, what: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!met() && !broken()) return;
        waits.delete(look);
        if (met()) resolve();
        else reject(new Error(`over (${error ?? "FIN"}) before ${what}; got ${Buffer.concat(chunks).toString("hex")}`));
      };
      waits.add(look);
      look();
    });
  return {
    get bytes() {
      return Buffer.concat(chunks);
    },
    get finished() {
      return finished;
    },
    get error() {
      return error;
    },
    async received(wanted) {
      await until(() => size >= wanted, () => finished || closed, `${wanted} bytes`);
      return Buffer.concat(chunks);
    },
    async end() {
      await until(() => finished, () => closed, "its end");
      return Buffer.concat(chunks);
    },
    async closed() {
      await until(() => closed, () => false, "close");
    },
  };
}
