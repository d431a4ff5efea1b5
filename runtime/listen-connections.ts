/**
 * The client connections of one listener: how many there are and whose turn it is on each (fresh, answering, idle,
 * upgraded, refused). It owns the bookkeeping that node's server lacks: closing idle connections must not cut one
 * that was just accepted, nor one in the middle of a request head.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** One connection as HTTP sees it. */
interface Turn {
  /** Answers under way; more than one when requests are pipelined. */
  answering: number;
  /** The answer that began last; null while none is under way. */
  answer: ServerResponse | null;
  /** `socket.bytesRead` when the last answer ended; -1 before the first. Any further byte belongs to a new request. */
  bytesReadAtIdle: number;
  refused: boolean;
}

/** Of a socket that is not HTTP's any more; shared, so that a session costs no turn of its own. */
const upgraded: Turn = Object.freeze({ answering: 0, answer: null, bytesReadAtIdle: -1, refused: false });

export class Connections {
  /** Bounded by the server's maxConnections. */
  readonly #turns = new Map<Socket, Turn>();
  /** Connections accepted since the start. */
  accepted = 0;
  readonly #onClose: (this: Socket) => void;
  readonly #onAnswerClose: (this: ServerResponse) => void;

  constructor() {
    const turns = this.#turns;
    this.#onClose = function (): void {
      turns.delete(this);
    };
    this.#onAnswerClose = function (): void {
      endAnswer(turns.get(this.req.socket), this);
    };
  }

  get size(): number {
    return this.#turns.size;
  }

  /** Takes up a new socket; from its first tick on it has a listener for errors. */
  add(socket: Socket): void {
    if (this.#turns.has(socket)) return;
    this.accepted++;
    this.#turns.set(socket, freshTurn());
    socket.on("error", ignoreError);
    socket.on("close", this.#onClose);
  }

  /** A request arrived on it. */
  begin(request: IncomingMessage, response: ServerResponse): void {
    const turn = this.#turns.get(request.socket);
    if (turn === undefined) return;
    turn.answering++;
    turn.answer = response;
    response.on("close", this.#onAnswerClose);
  }

  /** The socket leaves HTTP. */
  upgrade(socket: Socket): void {
    if (this.#turns.has(socket)) this.#turns.set(socket, upgraded);
  }

  /** It comes back: fresh, as if just accepted. */
  reattach(socket: Socket): void {
    if (this.#turns.has(socket)) this.#turns.set(socket, freshTurn());
  }

  /**
   * Whether a fixed answer may be written to it, which happens once: `answer` when nothing of another answer went
   * out, `drop` when something did, `ignore` when it was refused before, `unknown` when HTTP never had it.
   */
  refusal(socket: Socket): "answer" | "drop" | "ignore" | "unknown" {
    const turn = this.#turns.get(socket);
    if (turn === undefined) return "unknown";
    if (turn.refused) return "ignore";
    if (turn === upgraded) return "drop";
    turn.refused = true;
    if (turn.answering === 0) return "answer";
    return turn.answering === 1 && turn.answer?.headersSent === false ? "answer" : "drop";
  }

  /** Answers that did not begin yet say `Connection: close`. */
  lastAnswers(): void {
    for (const { answer } of this.#turns.values()) if (answer?.headersSent === false) answer.shouldKeepAlive = false;
  }

  /** Closes connections that had an answer and sent nothing since. */
  closeIdle(): void {
    for (const [socket, turn] of this.#turns) {
      const isIdle = turn.answering === 0 && turn.bytesReadAtIdle >= 0;
      if (isIdle && turn.bytesReadAtIdle === socket.bytesRead) socket.destroy();
    }
  }

  destroyAll(): void {
    for (const socket of this.#turns.keys()) socket.destroy();
  }
}

function freshTurn(): Turn {
  return { answering: 0, answer: null, bytesReadAtIdle: -1, refused: false };
}

function endAnswer(turn: Turn | undefined, response: ServerResponse): void {
  if (turn === undefined || turn === upgraded) return;
  turn.answering--;
  if (turn.answer === response) turn.answer = null;
  turn.bytesReadAtIdle = response.req.socket.bytesRead;
}

/** Errors of a socket are followed by its close, which is where they are dealt with. */
function ignoreError(): void {}
