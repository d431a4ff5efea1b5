/**
 * One HTTP/1.1 connection to a target, carrying one exchange after another: writes a checked head and a body, reads the
 * answer strictly (RFC 9112). Whatever is in doubt ends the connection, never the process; deadlines are its user's.
 */
import type { Socket } from "node:net";
import type { Clock } from "../clock.ts";
import type { Limits } from "../limits.ts";
import { ResponseMessage } from "../message/message.ts";
import { spender } from "../body/spent-bytes.ts";
import { announcesBody, answerFraming, type AnswerFraming } from "./answer-framing.ts";
import { ChunkedBody } from "./chunked-body.ts";
import { ResponseHeadReader, type ReadHead } from "./response-head.ts";
import { own, ownerOf, type SocketOwner } from "../socket-owner.ts";
import { TargetAnswer, type AnswerSource } from "./answer.ts";

/** Hears of one exchange; calls come from the connection's own events. */
export interface ExchangeUser {
  /** The connection stands, TLS included. */
  connected(): void;
  /** An interim answer other than 101. */
  informed(head: ReadHead): void;
  /** The final head; the content follows on the answer. */
  answered(answer: TargetAnswer): void;
  /** Content of the answer has come. */
  received(): void;
  /** Body bytes that waited have been taken. */
  drained(): void;
  /**
   * The exchange failed before its answer was whole, `secure`: while TLS began. An answer that was begun is destroyed.
   * `detail` is for the log and quotes nothing that the target sent.
   */
  broke(stage: "connect" | "secure" | "exchange", detail: string): void;
}

/** Who takes connections back. */
export interface ConnectionKeeper {
  release(connection: TargetConnection, keepMs: number): void;
  gone(connection: TargetConnection): void;
}

export interface ConnectionSettings {
  /** Of what a pool keeps together. */
  readonly key: string;
  readonly isTls: boolean;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly keeper: ConnectionKeeper;
}

/** How a request's body goes out; what the head says of it must agree. */
export type BodyFraming = "none" | "length" | "chunked";

/** Sent at the end of a chunked body; trailers and an empty line follow (RFC 9112 section 7.1). */
const LAST_CHUNK = "0\r\n";
/** Taken off what a target says it keeps a connection for: the next request must arrive within it. */
const KEEP_ALIVE_MARGIN_MS = 1_000;

export class TargetConnection implements SocketOwner, AnswerSource {
  readonly key: string;
  readonly clock: Clock;
  /** Monotonic time until which it may be used again; the pool's. */
  idleUntilMs = 0;
  /** True when it has carried an exchange: its target may be ending it just now. */
  isReused = false;
  readonly #socket: Socket;
  readonly #limits: Limits;
  readonly #keeper: ConnectionKeeper;
  readonly #reader: ResponseHeadReader;
  #user: ExchangeUser | null = null;
  #verb = "";
  #framing: BodyFraming = "none";
  #isBodySent = true;
  #answer: TargetAnswer | null = null;
  #answerFraming: AnswerFraming | null = null;
  #bytesLeft = 0;
  #chunked: ChunkedBody | null = null;
  #keepMs = 0;
  #interimAnswers = 0;
  #isConnected: boolean;
  #isSecuring = false;
  #isGone = false;
  /** Bytes of an answer to the present request have come. */
  hasBegun = false;

  /** `socket`: connecting, with an error listener. */
  constructor(socket: Socket, { key, isTls, limits, clock, keeper }: ConnectionSettings) {
    this.#socket = socket;
    this.key = key;
    this.clock = clock;
    this.#limits = limits;
    this.#keeper = keeper;
    this.#reader = new ResponseHeadReader(limits);
    this.#isConnected = !isTls && !socket.connecting;
    own(socket, this);
    if (isTls) socket.once("connect", onTcpConnect).once("secureConnect", onConnect);
    else if (socket.connecting) socket.once("connect", onConnect);
  }

  /** The socket, for what variables tell of it. */
  get socket(): Socket {
    return this.#socket;
  }

  /**
   * Sends a request head (latin1, checked, framing lines included). With `framing` other than "none" the body follows
   * by {@link write} and {@link end}. The user hears of nothing before this returns.
   */
  send(head: string, verb: string, framing: BodyFraming, user: ExchangeUser): void {
    this.#user = user;
    this.#verb = verb;
    this.#framing = framing;
    this.#isBodySent = framing === "none";
    this.#interimAnswers = 0;
    this.hasBegun = false;
    this.#socket.write(head, "latin1");
  }

  /** True when it could be written to at once. */
  get isConnected(): boolean {
    return this.#isConnected;
  }

  /**
   * Sends more of the body. `isSpent`: nobody needs these bytes any more once they have left. False: wait for
   * `drained`.
   */
  write(bytes: Buffer, isSpent: boolean): boolean {
    if (this.#isGone || this.#isBodySent) return true;
    const socket = this.#socket;
    const spend = isSpent ? spender(bytes) : undefined;
    if (this.#framing !== "chunked") return socket.write(bytes, spend);
    if (bytes.length === 0) return true;
    socket.cork();
    socket.write(`${bytes.length.toString(16)}\r\n`, "latin1");
    socket.write(bytes, spend);
    const isTaken = socket.write("\r\n", "latin1");
    socket.uncork();
    return isTaken;
  }

  /** The body is complete. `trailers`: header lines, checked, each with its line end; only behind a chunked body. */
  end(trailers = ""): void {
    if (this.#isGone || this.#isBodySent) return;
    if (this.#framing === "chunked") this.#socket.write(`${LAST_CHUNK}${trailers}\r\n`, "latin1");
    this.#isBodySent = true;
  }

  /** Ends the exchange and the connection; the user hears nothing more. */
  abort(): void {
    this.#user = null;
    this.close();
  }

  /** Ends the connection. */
  close(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#socket.destroy();
    this.#keeper.gone(this);
  }

  /** @internal */
  connected(): void {
    this.#isConnected = true;
    this.#user?.connected();
  }

  /** @internal TCP is connected and TLS begins. */
  securing(): void {
    this.#isSecuring = true;
  }

  /** See AnswerSource. */
  resumeAnswer(): void {
    if (this.#answer !== null && this.#socket.isPaused()) this.#socket.resume();
  }

  /** See AnswerSource. */
  dropAnswer(): void {
    if (this.#answer !== null) this.close();
  }

  /** See SocketOwner. */
  socketData(bytes: Buffer): void {
    if (this.#isGone) return;
    if (this.#answer !== null) return this.#readContent(bytes);
    this.hasBegun = true;
    // Nobody has asked for anything.
    if (this.#user === null) return this.#break("bytes that no request asked for");
    let left = bytes;
    do {
      const read = this.#reader.push(left);
      if (read === null) return;
      if (read.kind === "problem") return this.#break(read.reason);
      if (read.status >= 200) return this.#begin(read);
      if (read.status === 101) return this.#break("unasked switch of protocols");
      if (announcesBody(new ResponseMessage(read.status, "", read.lines))) {
        return this.#break("interim answer announces a body");
      }
      this.#interimAnswers++;
      if (this.#interimAnswers > this.#limits.interimResponsesMax) return this.#break("too many interim answers");
      this.#user?.informed(read);
      left = read.rest;
    } while (left.length > 0 && !this.#isGone);
  }

  /** See SocketOwner. */
  socketEnd(): void {
    if (this.#answer !== null && this.#answerFraming?.kind === "close") {
      this.#keepMs = 0;
      return this.#complete([]);
    }
    this.#break("target ended the connection");
  }

  /** See SocketOwner. */
  socketClose(): void {
    const error: NodeJS.ErrnoException | null = this.#socket.errored;
    this.#break(error === null ? "connection closed" : (error.code ?? error.name));
  }

  /** See SocketOwner. */
  socketDrain(): void {
    this.#user?.drained();
  }

  /** The final head. */
  #begin(head: ReadHead): void {
    const message = new ResponseMessage(head.status, "", head.lines);
    const framing = answerFraming(message, head.version, this.#verb === "HEAD");
    if (typeof framing === "string") return this.#break(framing);
    this.#answerFraming = framing;
    const isLast = framing.kind === "close" || (framing.kind === "none" && announcesContent(message));
    this.#keepMs = isLast ? 0 : keepMs(message, head.version);
    this.#bytesLeft = framing.bytes ?? 0;
    this.#chunked = framing.kind === "chunked" ? new ChunkedBody(this.#limits) : null;
    const answer = new TargetAnswer(head, framing.bytes ?? 0, this);
    this.#answer = answer;
    this.#user?.answered(answer);
    if (this.#isGone) return;
    if (framing.kind === "none") {
      if (head.rest.length > 0) this.#keepMs = 0;
      this.#complete([]);
    } else if (head.rest.length > 0) this.#readContent(head.rest);
  }

  #readContent(bytes: Buffer): void {
    this.#user?.received();
    if (this.#chunked !== null) return this.#readChunks(this.#chunked, bytes);
    if (this.#answerFraming?.kind === "close") return this.#hand(bytes);
    const isWhole = bytes.length >= this.#bytesLeft;
    if (bytes.length > this.#bytesLeft) this.#keepMs = 0;
    const content = bytes.length > this.#bytesLeft ? bytes.subarray(0, this.#bytesLeft) : bytes;
    this.#bytesLeft -= content.length;
    this.#hand(content);
    if (isWhole && this.#answer !== null) this.#complete([]);
  }

  #readChunks(chunked: ChunkedBody, bytes: Buffer): void {
    const used = chunked.push(bytes, this.#handChunk);
    if (this.#answer === null) return;
    if (used < 0) return this.#break("chunked coding of the answer is broken");
    if (!chunked.done) return;
    if (used < bytes.length) this.#keepMs = 0;
    const trailers = chunked.trailers();
    if (trailers === null) return this.#break("a trailer of the answer is no header line");
    this.#complete(trailers);
  }

  readonly #handChunk = (content: Buffer): void => {
    if (this.#answer !== null) this.#hand(content);
  };

  #hand(content: Buffer): void {
    if (this.#answer?.push(content) === false) this.#socket.pause();
  }

  /** The answer is whole. */
  #complete(trailers: string[]): void {
    const answer = this.#answer;
    this.#answer = null;
    this.#chunked = null;
    answer?.finish(trailers);
    this.#user = null;
    this.#answerFraming = null;
    if (this.#isGone) return;
    // A target that has answered does not wait for the rest of the request's body.
    if (!this.#isBodySent) return this.close();
    if (this.#socket.isPaused()) this.#socket.resume();
    this.isReused = true;
    if (this.#keepMs > 0) this.#keeper.release(this, this.#keepMs);
    else this.close();
  }

  /** The connection is of no more use, for a reason that is not the user's. */
  #break(detail: string): void {
    const user = this.#user;
    const answer = this.#answer;
    this.#user = null;
    this.#answer = null;
    this.close();
    answer?.destroy();
    const stage = this.#isConnected ? "exchange" : this.#isSecuring ? "secure" : "connect";
    user?.broke(stage, detail);
  }
}

/**
 * True for an answer without content (to HEAD, 204, 304) that announces some. There are targets that then send it, and
 * what they send would be the answer to the next request.
 */
function announcesContent(head: ResponseMessage): boolean {
  return announcesBody(head) && head.headerJoined("content-length") !== "0";
}

/** How long a target keeps the connection of this answer (RFC 9112 section 9.3); Infinity where it does not say. */
function keepMs(head: ResponseMessage, version: string): number {
  const connection = head.headerJoined("connection")?.toLowerCase() ?? "";
  if (version !== "1.1" || /(?:^|[,\s])close(?:$|[,\s])/.test(connection)) return 0;
  const hint = /(?:^|[,\s])timeout=(\d{1,9})(?:$|[,\s])/.exec(head.headerJoined("keep-alive")?.toLowerCase() ?? "");
  return hint === null ? Infinity : Number(hint[1]) * 1000 - KEEP_ALIVE_MARGIN_MS;
}

function onConnect(this: Socket): void {
  const owner = ownerOf(this);
  if (owner instanceof TargetConnection) owner.connected();
}

function onTcpConnect(this: Socket): void {
  const owner = ownerOf(this);
  if (owner instanceof TargetConnection) owner.securing();
}
