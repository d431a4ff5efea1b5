/**
 * The ordinary HTTP answer to an upgrade that does not become a WebSocket: written on the raw socket, with a body of
 * the gateway's own or the target's streamed through. Behind it the connection is HTTP again, or ends.
 */
import type { Socket } from "node:net";
import { answerLines, plainReason } from "../exchange/answer-head.ts";
import { takesBody } from "../body/framing.ts";
import type { Clock } from "../clock.ts";
import { writeResponseHead } from "../message/head.ts";
import type { Limits } from "../limits.ts";
import type { ResponseMessage } from "../message/message.ts";
import type { AnswerFraming } from "../target/answer-framing.ts";
import { AnswerRelay, type AnswerSink } from "./answer-body.ts";
import { endInOrder } from "../socket-owner.ts";

/** A target's answer whose body follows. */
export interface AnsweredBody {
  readonly socket: Socket;
  readonly rest: Buffer;
  readonly framing: AnswerFraming;
}

export interface RefusalSettings {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly ioTimeoutMs: number;
  /** The connection ends behind the answer. */
  readonly close: boolean;
  /** The client sent bytes while the answer was on its way: they were dropped, and the connection ends behind it. */
  readonly onLateBytes: (bytes: number) => void;
  /** The answer has left, or the client has: body bytes written, and whether the socket may serve HTTP again. */
  readonly onDone: (bytesOut: number, isReusable: boolean) => void;
}

const NO_BYTES: Buffer = /* @__PURE__ */ Buffer.alloc(0);
/** Written in place of an answer whose head cannot be: a policy put something into it that is no header. */
const FALLBACK_HEAD = "HTTP/1.1 500 Internal Server Error\r\n";

export class RefusalAnswer implements AnswerSink {
  readonly #socket: Socket;
  readonly #response: ResponseMessage;
  /** The target's body, while it is to be relayed. */
  readonly #body: AnsweredBody | null;
  readonly #settings: RefusalSettings;
  #relay: AnswerRelay | null = null;
  #bytesOut = 0;
  #isChunked = false;
  #isLast: boolean;
  #isOver = false;

  constructor(socket: Socket, response: ResponseMessage, body: AnsweredBody | null, settings: RefusalSettings) {
    this.#socket = socket;
    this.#response = response;
    // A policy may have given the target's answer a status that no body goes with.
    if (!takesBody(response.status)) body?.socket.destroy();
    this.#body = takesBody(response.status) ? body : null;
    this.#settings = settings;
    this.#isLast = settings.close;
  }

  start(): void {
    const socket = this.#socket;
    if (socket.destroyed || !socket.writable) {
      this.#body?.socket.destroy();
      return this.#finish(false);
    }
    socket.on("close", this.#onClose);
    if (this.#body === null) return this.#writeWhole();
    const { framing, rest } = this.#body;
    this.#isChunked = framing.bytes === null;
    this.#write(this.#head(framing.bytes));
    // Reading goes on: a client that leaves is noticed, and a pipelined request cannot come back to life in pieces.
    socket.on("data", this.#onData);
    this.#relay = new AnswerRelay(this.#body.socket, framing, this.#settings, this);
    socket.on("drain", this.#onDrain);
    this.#relay.start(rest);
  }

  /** See AnswerSink. */
  content(bytes: Buffer): boolean {
    this.#bytesOut += bytes.length;
    if (!this.#isChunked) return this.#socket.write(bytes);
    this.#socket.write(`${bytes.length.toString(16)}\r\n`, "latin1");
    this.#socket.write(bytes);
    return this.#socket.write("\r\n", "latin1");
  }

  /** See AnswerSink. */
  end(problem: string | null): void {
    this.#relay = null;
    if (problem !== null) {
      // The body is short of what its head said: only a broken connection tells the client so.
      this.#socket.destroy();
      return this.#finish(false);
    }
    if (this.#isChunked) this.#write("0\r\n\r\n");
    this.#close();
  }

  #writeWhole(): void {
    const { body, status } = this.#response;
    const content = body !== null && takesBody(status) ? body : NO_BYTES;
    // What the target had encoded is gone.
    if (body !== null) this.#response.removeHeader("content-encoding");
    this.#bytesOut = content.length;
    this.#write(this.#head(content.length));
    if (content.length > 0) this.#socket.write(content);
    this.#close();
  }

  /** `bytes`: length of the body; null: chunked. */
  #head(bytes: number | null): string {
    const { status } = this.#response;
    this.#response.removeHeader("content-length");
    this.#response.removeHeader("transfer-encoding");
    this.#response.removeHeader("connection");
    const lines = answerLines(this.#response, bytes, this.#isLast);
    if (bytes === null) lines.push("Transfer-Encoding", "chunked");
    if (this.#isLast) lines.push("Connection", "close");
    const head = writeResponseHead(status, plainReason(this.#response), lines);
    if (typeof head === "string") return head;
    const framing = bytes === null ? "Transfer-Encoding: chunked" : `Content-Length: ${bytes}`;
    return `${FALLBACK_HEAD}${framing}\r\n${this.#isLast ? "Connection: close\r\n" : ""}\r\n`;
  }

  #write(text: string): void {
    this.#socket.write(text, "latin1");
  }

  #close(): void {
    const { clock, limits } = this.#settings;
    const socket = this.#socket;
    // A client that has ended its sending asks nothing more.
    if (!this.#isLast && !socket.readableEnded) return this.#finish(true);
    endInOrder(socket, clock, limits.closeTimeoutMs);
    this.#finish(false);
  }

  readonly #onData = (bytes: Buffer): void => {
    this.#isLast = true;
    this.#settings.onLateBytes(bytes.length);
  };

  readonly #onDrain = (): void => {
    this.#relay?.resume();
  };

  readonly #onClose = (): void => {
    this.#relay?.abort();
    this.#relay = null;
    this.#finish(false);
  };

  #finish(isReusable: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#socket.off("data", this.#onData).off("drain", this.#onDrain).off("close", this.#onClose);
    this.#settings.onDone(this.#bytesOut, isReusable);
  }
}
