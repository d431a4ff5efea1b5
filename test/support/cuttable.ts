/**
 * A TCP connection that a test can spoil: it passes bytes on to a port, until it is told to break off and to refuse, to
 * break off in the middle of what goes by, or to take its time.
 */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface Cuttable extends AsyncDisposable {
  readonly port: number;
  /** Connections that are open now. */
  readonly open: number;
  /** Breaks off every connection and closes new ones at once. */
  cut(): void;
  /** Passes so many more bytes in one direction, then breaks off as `cut` does. */
  cutAfter(direction: "toServer" | "toClient", bytes: number): void;
  /** Holds back everything for so long, in both directions; 0: no more. */
  slow(ms: number): void;
  /** Passes new connections on again, at full speed. */
  mend(): void;
}

/** One in front of a loopback port. */
export async function cuttable(to: number): Promise<Cuttable> {
  const sockets = new Set<Socket>();
  let isCut = false;
  let slowMs = 0;
  let left: { direction: "toServer" | "toClient"; bytes: number } | null = null;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on("error", () => undefined).on("close", () => void sockets.delete(socket));
  };
  const breakOff = (): void => sockets.forEach((socket) => socket.destroy());
  const cut = (): void => {
    isCut = true;
    left = null;
    breakOff();
  };
  /** Passes a piece on, or its beginning if that is all that may pass. */
  const pass = (direction: "toServer" | "toClient", piece: Buffer, there: Socket): void => {
    if (left?.direction !== direction || piece.length < left.bytes) {
      if (left?.direction === direction) left.bytes -= piece.length;
      there.write(piece);
      return;
    }
    const last = piece.subarray(0, left.bytes);
    left = null;
    if (last.length === 0) return cut();
    there.write(last, cut);
  };
  const relay = (direction: "toServer" | "toClient", from: Socket, there: Socket): void => {
    from.on("data", (piece: Buffer) => {
      if (slowMs === 0) return pass(direction, piece, there);
      setTimeout(() => void (there.destroyed || pass(direction, piece, there)), slowMs).unref();
    });
    from.on("end", () => there.end());
    from.on("close", () => there.destroy());
  };
  const server = createServer((near) => {
    keep(near);
    if (isCut) return void near.destroy();
    const far = keep(connect(to, "127.0.0.1"));
    relay("toServer", near, far);
    relay("toClient", far, near);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    get open() {
      return sockets.size;
    },
    cut,
    cutAfter: (direction, bytes) => void (left = { direction, bytes }),
    slow: (ms) => void (slowMs = ms),
    mend() {
      isCut = false;
      slowMs = 0;
      left = null;
    },
    async [Symbol.asyncDispose]() {
      breakOff();
      server.close();
      await once(server, "close");
    },
  };
}
