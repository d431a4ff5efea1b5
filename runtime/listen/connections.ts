/**
 * The client connections of one listener: how many there are and whose turn it is on each (fresh, answering, idle,
 * upgraded, refused). It owns the bookkeeping that node's server lacks: closing idle connections must not cut one
 * that was just accepted, nor one in the middle of a request head.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** One connection as HTTP sees it. */
interface Turn {
  /** Null once it is closed; see {@link Connections}. */
  socket: Socket | null;
  /** Answers under way; more than one when requests are pipelined. */
  answering: number;
  /** The answer that began last; null while none is under way. */
  answer: ServerResponse | null;
  /** `socket.bytesRead` when the last answer ended; -1 before the first. Any further byte belongs to a new request. */
  bytesReadAtIdle: number;
  /** Bytes at its start that were the proxy's and not the client's. */
  prefaceBytes: number;
  refused: boolean;
  /** The socket is not HTTP's any more. */
  upgraded: boolean;
}

/** Kept on the socket. */
const TURN = Symbol("apigw.turn");
type TurnedSocket = Socket & { [TURN]?: Turn };

/**
 * The set holds turns and not sockets, and a turn lets go of its socket: when a Set or Map that sees much coming and
 * going grows or is tidied, V8 links its old table to the new one, and an old table that was promoted keeps whatever
 * these name alive until the next full collection. Of sockets that is their whole session.
 */
export class Connections {
  /** Bounded by the server's maxConnections. */
  readonly #turns = new Set<Turn>();
  /** Connections accepted since the start. */
  accepted = 0;
  readonly #onClose: (this: Socket) => void;
  readonly #onAnswerClose: (this: ServerResponse) => void;

  constructor() {
    const turns = this.#turns;
    this.#onClose = function (this: TurnedSocket): void {
      const turn = this[TURN];
      if (turn === undefined) return;
      turns.delete(turn);
      turn.socket = null;
    };
    this.#onAnswerClose = function (): void {
      endAnswer(turnOf(this.req.socket), this);
    };
  }

  get size(): number {
    return this.#turns.size;
  }

  /** Takes up a new socket; from its first tick on it has a listener for errors. */
  add(socket: TurnedSocket): void {
    if (socket[TURN] !== undefined) return;
    this.accepted++;
    const turn: Turn = {
      socket, answering: 0, answer: null, bytesReadAtIdle: -1, prefaceBytes: 0, refused: false, upgraded: false,
    };
    socket[TURN] = turn;
    this.#turns.add(turn);
    socket.on("error", ignoreError);
    socket.on("close", this.#onClose);
  }

  /**
   * A request arrived on it. False: an answer that ends the connection has begun, so the request is not to be served
   * (RFC 9112 section 9.6); where the one before it ended may have been in doubt.
   */
  begin(request: IncomingMessage, response: ServerResponse): boolean {
    const turn = turnOf(request.socket);
    if (turn === undefined) return true;
    if (turn.answer?.headersSent === true && !turn.answer.shouldKeepAlive) return false;
    turn.answering++;
    turn.answer = response;
    response.on("close", this.#onAnswerClose);
    return true;
  }

  /** How many answers are under way on it. */
  answering(socket: Socket): number {
    return turnOf(socket)?.answering ?? 0;
  }

  /** The socket leaves HTTP. */
  upgrade(socket: Socket): void {
    const turn = turnOf(socket);
    if (turn !== undefined) turn.upgraded = true;
  }

  /** It comes back behind an answer: idle until it sends the first byte of another request. */
  reattach(socket: Socket): void {
    const turn = turnOf(socket);
    if (turn === undefined) return;
    turn.upgraded = false;
    turn.bytesReadAtIdle = socket.bytesRead;
  }

  /** A proxy in front has said on it whose it is. */
  prefaced(socket: Socket, bytes: number): void {
    const turn = turnOf(socket);
    if (turn !== undefined) turn.prefaceBytes = bytes;
  }

  /** True when it sent nothing since it was accepted, or since its last answer. */
  isSilent(socket: Socket): boolean {
    const turn = turnOf(socket);
    if (turn === undefined || turn.answering > 0) return false;
    return socket.bytesRead === Math.max(turn.bytesReadAtIdle, turn.prefaceBytes);
  }

  /**
   * Whether a fixed answer may be written to it, which happens once: `answer` when nothing of another answer went
   * out, `drop` when something did, `later` when it follows whole requests, whose answers are their own and the
   * connection's last, `ignore` when it was refused before, `unknown` when HTTP never had it.
   */
  refusal(socket: Socket): "answer" | "drop" | "later" | "ignore" | "unknown" {
    const turn = turnOf(socket);
    if (turn === undefined) return "unknown";
    if (turn.refused) return "ignore";
    if (turn.upgraded) return "drop";
    turn.refused = true;
    const { answer, answering } = turn;
    if (answering === 0) return "answer";
    if (answer?.req.complete === true) {
      endBehind(answer, socket);
      return "later";
    }
    return answering === 1 && answer?.headersSent === false ? "answer" : "drop";
  }

  /** Answers that did not begin yet say `Connection: close`. */
  lastAnswers(): void {
    for (const { answer } of this.#turns) if (answer?.headersSent === false) answer.shouldKeepAlive = false;
  }

  /** Closes connections that had an answer and sent nothing since. */
  closeIdle(): void {
    for (const { socket, answering, bytesReadAtIdle, upgraded } of this.#turns) {
      const isIdle = answering === 0 && bytesReadAtIdle >= 0 && !upgraded;
      if (isIdle && bytesReadAtIdle === socket?.bytesRead) socket.destroy();
    }
  }

  destroyAll(): void {
    for (const { socket } of this.#turns) socket?.destroy();
  }
}

/** Undefined when the socket is not of this kind, or closed. */
function turnOf(socket: TurnedSocket): Turn | undefined {
  const turn = socket[TURN];
  return turn === undefined || turn.socket === null ? undefined : turn;
}

function endAnswer(turn: Turn | undefined, response: ServerResponse): void {
  if (turn === undefined || turn.upgraded) return;
  turn.answering--;
  if (turn.answer === response) turn.answer = null;
  turn.bytesReadAtIdle = response.req.socket.bytesRead;
}

/** Ends the connection behind an answer, whose head may have left. */
function endBehind(answer: ServerResponse, socket: Socket): void {
  answer.shouldKeepAlive = false;
  if (answer.writableFinished) socket.destroySoon();
  else answer.once("finish", () => socket.destroySoon());
}

/** Errors of a socket are followed by its close, which is where they are dealt with. */
function ignoreError(): void {}
