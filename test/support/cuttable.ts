/** A TCP connection that a test can cut: passes bytes on to a port, until it is told to break off and to refuse. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface Cuttable extends AsyncDisposable {
  readonly port: number;
  /** Breaks off every connection and closes new ones at once. */
  cut(): void;
  /** Passes new connections on again. */
  mend(): void;
}

/** One in front of a loopback port. */
export async function cuttable(to: number): Promise<Cuttable> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on("error", () => undefined).on("close", () => void sockets.delete(socket));
  };
  const server = createServer((near) => {
    keep(near);
    if (isCut) return void near.destroy();
    const far = keep(connect(to, "127.0.0.1"));
    near.pipe(far).pipe(near);
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const breakOff = (): void => sockets.forEach((socket) => socket.destroy());
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    cut() {
      isCut = true;
      breakOff();
    },
    mend: () => void (isCut = false),
    async [Symbol.asyncDispose]() {
      breakOff();
      server.close();
      await once(server, "close");
    },
  };
}
