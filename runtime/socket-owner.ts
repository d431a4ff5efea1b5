/**
 * Who hears of a socket's events while it is in the upgrade path: the handshake with its client or target first, then
 * the splice. The listeners are attached once and shared by all sockets; handing a socket on is one assignment. Decides
 * nothing.
 */
import type { Socket } from "node:net";
import type { Clock } from "./clock.ts";

/** Whoever a socket belongs to. Called in the socket's own events, so a method must not throw. */
export interface SocketOwner {
  socketData(bytes: Buffer): void;
  /** FIN came. */
  socketEnd(): void;
  /** The socket is gone; `Socket.errored` says why, if anything was wrong. No further call follows. */
  socketClose(): void;
  /** Everything written so far was taken. */
  socketDrain(): void;
}

/** Kept on the socket, so that the listeners need no closure. */
const OWNER = Symbol("apigw.owner");
type OwnedSocket = Socket & { [OWNER]?: SocketOwner | undefined };

/** Makes `owner` the one that hears of the socket's events; the first call starts its flow, unless it was paused. */
export function own(socket: OwnedSocket, owner: SocketOwner): void {
  const isNew = socket[OWNER] === undefined;
  socket[OWNER] = owner;
  if (!isNew) return;
  // Listeners and connections bring a listener for errors that stays; a socket from elsewhere gets one here.
  if (socket.listenerCount("error") === 0) socket.on("error", ignoreError);
  socket.on("data", onData).on("end", onEnd).on("drain", onDrain).on("close", onClose);
}

/** Whom the socket belongs to. */
export function ownerOf(socket: OwnedSocket): SocketOwner | undefined {
  return socket[OWNER];
}

/**
 * Ends ownership: nobody hears of the socket's events any more, and what it did not read yet waits until it is resumed.
 */
export function disown(socket: OwnedSocket): void {
  if (socket[OWNER] === undefined) return;
  socket[OWNER] = undefined;
  socket.off("data", onData).off("end", onEnd).off("drain", onDrain).off("close", onClose);
  if (socket.closed) socket.off("error", ignoreError);
}

/** Ends a socket that nobody owns any more in order; it is destroyed when its peer does not follow in time. */
export function endInOrder(socket: Socket, clock: Clock, timeoutMs: number): void {
  socket.end();
  socket.resume();
  const timer = clock.setTimer(() => socket.destroy(), timeoutMs);
  socket.once("close", () => clock.clearTimer(timer));
}

/** Owner of a paused socket whose next owner is not decided yet: only its end can come. */
export class HeldSocket implements SocketOwner {
  readonly #onLost: () => void;

  constructor(onLost: () => void) {
    this.#onLost = onLost;
  }

  socketData(): void {}

  socketEnd(): void {}

  socketClose(): void {
    this.#onLost();
  }

  socketDrain(): void {}
}

function onData(this: OwnedSocket, bytes: Buffer): void {
  this[OWNER]?.socketData(bytes);
}

function onEnd(this: OwnedSocket): void {
  this[OWNER]?.socketEnd();
}

function onDrain(this: OwnedSocket): void {
  this[OWNER]?.socketDrain();
}

function onClose(this: OwnedSocket): void {
  const owner = this[OWNER];
  disown(this);
  owner?.socketClose();
}

/** Errors are followed by 'close', which is what counts; the listener only keeps them from ending the process. */
function ignoreError(): void {}
