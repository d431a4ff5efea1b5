/**
 * The answer to a client of plain HTTP: head, body from memory or streamed from the target with back-pressure, and what
 * becomes of a request body that nobody read. It decides nothing about the answer.
 */
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from "node:http";
import { answerLines, plainReason } from "./answer-head.ts";
import { takesBody } from "./body-framing.ts";
import type { Timer } from "./clock.ts";
import type { AnswerFilter } from "./event-stream.ts";
import type { Gateway } from "./gateway.ts";
import type { ResponseMessage } from "./message.ts";
import { spender } from "./spent-bytes.ts";
import type { TargetAnswer } from "./target/answer.ts";

/** What an answer is written for. */
export interface AnswerOwner {
  /** Bytes of the target's body came. */
  touchTarget(): void;
  /** What the body goes through has ended it. */
  answerBroken(thrown: unknown): void;
  /** The head could not be written, because a policy put something into it that is no header. */
  answerRefused(): void;
}

/** Time between bytes that a client is given to read its answer while it still sends. */
const LINGER_MS = 500;
/** Sends a head that was written, and nothing else. */
const NO_BYTES: Buffer = /* @__PURE__ */ Buffer.alloc(0);

export class ClientAnswer {
  readonly #gateway: Gateway;
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  readonly #owner: AnswerOwner;
  /** The target's answer, while its body is relayed. */
  #source: TargetAnswer | null = null;
  /** What its body goes through; null: it passes untouched. */
  #filter: AnswerFilter | null = null;
  /** Runs while the whole answer is written and the client has not taken it, or has not said all it wanted. */
  #timer: Timer | null = null;
  /** Body bytes written. */
  bytes = 0;

  constructor(gateway: Gateway, incoming: IncomingMessage, outgoing: ServerResponse, owner: AnswerOwner) {
    this.#gateway = gateway;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#owner = owner;
  }

  /** Writes an answer whose body is in memory; null: empty. `lingers`: the client still sends, and nobody wants it. */
  whole(response: ResponseMessage, body: Buffer | null, lingers: boolean): void {
    const outgoing = this.#outgoing;
    if (outgoing.destroyed || outgoing.headersSent) return;
    // Where no body follows, an untouched answer of the target keeps the length that it said (RFC 9110 section 8.6).
    const isHead = this.#incoming.method === "HEAD" || response.status === 304;
    const keepsLength = isHead && response.isHeld && !response.isRewritten;
    if (!keepsLength) response.removeHeader("content-length");
    if (!this.#head(response, keepsLength ? null : (body?.length ?? 0))) return;
    const hasContent = body !== null && body.length > 0 && takesBody(outgoing.statusCode);
    this.bytes = hasContent ? body.length : 0;
    if (lingers) return this.#linger(hasContent ? body : NO_BYTES);
    if (hasContent) outgoing.end(body);
    else outgoing.end();
    if (!this.#incoming.complete) this.#incoming.resume();
    this.#awaitTaking();
  }

  /** Writes the target's answer and relays its body, through the filter if there is one. `isEmpty`: none follows. */
  stream(response: ResponseMessage, source: TargetAnswer, isEmpty: boolean, filter: AnswerFilter | null): void {
    const outgoing = this.#outgoing;
    if (outgoing.destroyed || outgoing.headersSent) return;
    // A length that no body follows would make the next answer part of this one.
    const saysNone = isEmpty && takesBody(response.status) && this.#incoming.method !== "HEAD";
    if (response.status === 204 || saysNone) response.removeHeader("content-length");
    if (!this.#head(response, saysNone ? 0 : null)) return void source.destroy();
    this.#source = source;
    this.#filter = filter;
    source.on("data", this.#onData).on("end", this.#onEnd).on("error", ignoreError).on("close", this.#onSourceClose);
    outgoing.on("drain", this.#onDrain);
    // Not flushHeaders: it writes the head as UTF-8, and a target's bytes above 0x7f would become two each.
    outgoing.write(NO_BYTES);
  }

  /** The exchange is over. */
  forget(): void {
    if (this.#timer !== null) this.#gateway.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  /** False when it could not be written; then another answer was. */
  #head(response: ResponseMessage, bodyBytes: number | null): boolean {
    const outgoing = this.#outgoing;
    outgoing.sendDate = true;
    if (response.status < 200 || response.status > 999) response.status = 500;
    const { status } = response;
    const reason = plainReason(response);
    try {
      const lines = answerLines(response, bodyBytes, !outgoing.shouldKeepAlive);
      outgoing.writeHead(status, reason === "" ? (STATUS_CODES[status] ?? "") : reason, lines);
      return true;
    } catch {
      // Node refuses it before a byte has left.
      this.#owner.answerRefused();
      outgoing.writeHead(500, "Internal Server Error", ["Content-Length", "0"]);
      outgoing.end();
      return false;
    }
  }

  /**
   * The client is still sending, and this is its last answer: closing now would reset the connection under what it has
   * not read yet. So the rest is read and dropped, for a while.
   */
  #linger(body: Buffer): void {
    const outgoing = this.#outgoing;
    const incoming = this.#incoming;
    const { clock, limits } = this.#gateway;
    const endMs = clock.monotonicMs() + limits.closeTimeoutMs;
    const end = (): void => {
      this.forget();
      incoming.off("data", wait).off("end", end);
      outgoing.end();
      this.#awaitTaking();
    };
    const wait = (): void => {
      this.forget();
      this.#timer = clock.setTimer(end, Math.min(LINGER_MS, endMs - clock.monotonicMs()));
    };
    outgoing.write(body);
    wait();
    incoming.on("data", wait).on("end", end);
    incoming.resume();
  }

  readonly #onData = (bytes: Buffer): void => {
    this.#owner.touchTarget();
    if (this.#filter !== null) return this.#passOn(this.#filter.take(bytes), this.#filter);
    this.bytes += bytes.length;
    if (!this.#outgoing.write(bytes, spender(bytes))) this.#source?.pause();
  };

  /** Writes what a filter lets through. */
  #passOn(bytes: Buffer, { failure }: AnswerFilter): void {
    this.bytes += bytes.length;
    if (failure !== null) return this.#breakOff(bytes, failure.thrown);
    if (bytes.length > 0 && !this.#outgoing.write(bytes)) this.#source?.pause();
  }

  /** What came before still leaves; then the connection ends, and with it an answer that is visibly not whole. */
  #breakOff(bytes: Buffer, thrown: unknown): void {
    const outgoing = this.#outgoing;
    this.#owner.answerBroken(thrown);
    this.#source?.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onSourceClose).destroy();
    this.#source = null;
    outgoing.write(bytes, () => outgoing.destroy());
    this.#awaitTaking();
  }

  readonly #onDrain = (): void => {
    this.#source?.resume();
  };

  readonly #onEnd = (): void => {
    if (this.#filter !== null) {
      this.#passOn(this.#filter.end(), this.#filter);
      if (this.#filter.failure !== null) return;
    }
    const trailers = this.#source?.rawTrailers ?? [];
    if (trailers.length > 0 && this.#outgoing.chunkedEncoding) {
      const pairs: [string, string][] = [];
      for (let at = 0; at < trailers.length; at += 2) pairs.push([trailers[at] ?? "", trailers[at + 1] ?? ""]);
      this.#outgoing.addTrailers(pairs);
    }
    this.#outgoing.end();
    this.#awaitTaking();
  };

  readonly #onSourceClose = (): void => {
    if (this.#source?.complete === false) this.#outgoing.destroy();
  };

  /** The whole answer is written, and no deadline of the target's runs any more: the client has to take it. */
  #awaitTaking(): void {
    const { socket } = this.#incoming;
    if (socket.destroyed || this.#outgoing.writableFinished) return;
    const { clock, limits } = this.#gateway;
    const takenBytes = socket.bytesWritten - socket.writableLength;
    this.#timer = clock.setTimer(() => {
      const isStalled = socket.writableLength > 0 && socket.bytesWritten - socket.writableLength === takenBytes;
      if (isStalled) socket.destroy();
      else this.#awaitTaking();
    }, limits.writeStallTimeoutMs);
  }
}

/** Errors are followed by 'close', which is what counts. */
function ignoreError(): void {}
