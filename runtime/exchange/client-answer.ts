/**
 * The answer to a client of plain HTTP: head, body from memory or streamed from the target with back-pressure, and what
 * becomes of a request body that nobody read. It decides nothing about the answer.
 */
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from "node:http";
import { answerLines, plainReason } from "./answer-head.ts";
import { takesBody } from "../body/framing.ts";
import type { Timer } from "../clock.ts";
import type { Recoding } from "../body/compression.ts";
import type { AnswerFilter } from "../body/event-stream.ts";
import type { Fault } from "../fault.ts";
import { sameName } from "../message/field-grammar.ts";
import type { Gateway } from "../gateway.ts";
import type { HeaderLines, ResponseMessage } from "../message/message.ts";
import { spender } from "../body/spent-bytes.ts";
import type { TargetAnswer } from "../target/answer.ts";
import { announcedTrailers, answerTrailers } from "../message/trailers.ts";
import type { CodedSink, Transcoder } from "../body/transcoder.ts";

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

/** What the body of a streamed answer goes through: first the filter, then the coding. */
export interface AnswerWay {
  readonly filter: AnswerFilter | null;
  readonly recoding: Recoding | null;
}

export class ClientAnswer implements CodedSink {
  readonly #gateway: Gateway;
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  readonly #owner: AnswerOwner;
  /** The target's answer, while its body is relayed. */
  #source: TargetAnswer | null = null;
  /** What its body goes through; null: it passes untouched. */
  #filter: AnswerFilter | null = null;
  /** Puts it into another content coding; null: it leaves as it is. */
  #transcoder: Transcoder | null = null;
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

  /**
   * Writes an answer whose body is in memory; null: empty. `lingers`: the client still sends, and nobody wants it.
   * `trailers`: what the target sent behind this body, filtered.
   */
  whole(response: ResponseMessage, body: Buffer | null, lingers: boolean, trailers: HeaderLines = []): void {
    const outgoing = this.#outgoing;
    if (outgoing.destroyed || outgoing.headersSent) return;
    // Where no body follows, an untouched answer of the target keeps the length that it said (RFC 9110 section 8.6).
    const isHead = this.#incoming.method === "HEAD" || response.status === 304;
    const keepsLength = isHead && response.isHeld && !response.isRewritten;
    if (!keepsLength) response.removeHeader("content-length");
    const hasContent = body !== null && body.length > 0 && takesBody(response.status);
    const trails = hasContent && !isHead && trailers.length > 0 && this.#incoming.httpVersion !== "1.0";
    if (!this.#head(response, keepsLength || trails ? null : (body?.length ?? 0))) return;
    if (trails) outgoing.addTrailers(pairs(trailers));
    this.bytes = hasContent ? body.length : 0;
    if (lingers) return this.#linger(hasContent ? body : NO_BYTES);
    if (hasContent) outgoing.end(body);
    else outgoing.end();
    if (!this.#incoming.complete) this.#incoming.resume();
    this.#awaitTaking();
  }

  /** Writes the target's answer and relays its body on that way. `isEmpty`: none follows. */
  stream(response: ResponseMessage, source: TargetAnswer, isEmpty: boolean, way: AnswerWay): void {
    const outgoing = this.#outgoing;
    if (outgoing.destroyed || outgoing.headersSent) return;
    // A length that no body follows would make the next answer part of this one.
    const saysNone = isEmpty && takesBody(response.status) && this.#incoming.method !== "HEAD";
    if (response.status === 204 || saysNone) response.removeHeader("content-length");
    if (!isEmpty && !response.names.includes("content-length")) announce(response, source);
    if (!this.#head(response, saysNone ? 0 : null)) return void source.destroy();
    this.#source = source;
    this.#filter = way.filter;
    this.#transcoder = isEmpty ? null : (way.recoding?.stream(this) ?? null);
    source.on("data", this.#onData).on("end", this.#onEnd).on("error", ignoreError).on("close", this.#onSourceClose);
    outgoing.on("drain", this.#onDrain);
    // Not flushHeaders: it writes the head as UTF-8, and a target's bytes above 0x7f would become two each.
    outgoing.write(NO_BYTES);
  }

  /** The exchange is over. */
  forget(): void {
    this.#transcoder?.destroy();
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
    if (this.#transcoder !== null) return this.#encode(this.#transcoder, bytes);
    this.bytes += bytes.length;
    if (!this.#outgoing.write(bytes, spender(bytes))) this.#source?.pause();
  };

  /** Writes what a filter lets through. */
  #passOn(bytes: Buffer, { failure }: AnswerFilter): void {
    if (failure !== null) return this.#breakOff(bytes, failure.thrown);
    if (bytes.length === 0) return;
    if (this.#transcoder !== null) return this.#encode(this.#transcoder, bytes);
    if (!this.coded(bytes)) this.#source?.pause();
  }

  #encode(transcoder: Transcoder, bytes: Buffer): void {
    if (!transcoder.write(bytes)) this.#source?.pause();
  }

  /** See CodedSink. */
  coded(bytes: Buffer): boolean {
    this.bytes += bytes.length;
    return this.#outgoing.write(bytes);
  }

  /** See CodedSink. */
  codedEnd(): void {
    this.#finish();
  }

  /** See CodedSink. */
  codedFailed(cause: Fault): void {
    this.#breakOff(NO_BYTES, cause);
  }

  /** See CodedSink. */
  codedReady(): void {
    this.#source?.resume();
  }

  /** What came before still leaves; then the connection ends, and with it an answer that is visibly not whole. */
  #breakOff(bytes: Buffer, thrown: unknown): void {
    const outgoing = this.#outgoing;
    this.#owner.answerBroken(thrown);
    this.#source?.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onSourceClose).destroy();
    this.#source = null;
    this.bytes += bytes.length;
    outgoing.write(bytes, () => outgoing.destroy());
    this.#awaitTaking();
  }

  readonly #onDrain = (): void => {
    if (this.#transcoder === null) this.#source?.resume();
    else this.#transcoder.drained();
  };

  readonly #onEnd = (): void => {
    if (this.#filter !== null) {
      this.#passOn(this.#filter.end(), this.#filter);
      if (this.#filter.failure !== null) return;
    }
    if (this.#transcoder === null) this.#finish();
    else this.#transcoder.end();
  };

  /** The whole body is written. */
  #finish(): void {
    const outgoing = this.#outgoing;
    const trailers = answerTrailers(this.#source?.rawTrailers ?? [], this.#transcoder !== null);
    if (trailers.length > 0 && outgoing.chunkedEncoding) outgoing.addTrailers(pairs(trailers));
    outgoing.end();
    this.#awaitTaking();
  }

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

/** Says which trailers may follow, if the target has said so. */
function announce(response: ResponseMessage, { rawHeaders }: TargetAnswer): void {
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (!sameName(rawHeaders[at] ?? "", "trailer")) continue;
    const names = announcedTrailers(rawHeaders[at + 1]);
    if (names !== null) response.addHeader("Trailer", names);
  }
}

/** Header lines as node takes trailers. */
function pairs(lines: HeaderLines): [string, string][] {
  const all: [string, string][] = [];
  for (let at = 0; at < lines.length; at += 2) all.push([lines[at] ?? "", lines[at + 1] ?? ""]);
  return all;
}

/** Errors are followed by 'close', which is what counts. */
function ignoreError(): void {}
