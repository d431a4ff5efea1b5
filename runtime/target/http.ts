/**
 * One HTTP request to a target over its kept connections: head written anew, body streamed with back-pressure, bounded
 * in time, sent to another server where that repeats nothing. Failures become faults (apigee-core section 3.9).
 */
import type { IncomingMessage } from "node:http";
import type { Exchange } from "../context.ts";
import type { Recoding } from "../body/compression.ts";
import { fault, type Fault, type CoreFaultCode } from "../fault.ts";
import { fieldLines, writeRequestHead, type Forwarded } from "../message/head.ts";
import type { HeaderLines } from "../message/message.ts";
import { announcedTrailers, requestTrailers, takesTrailers } from "../message/trailers.ts";
import type { CodedSink, Transcoder } from "../body/transcoder.ts";
import type { ReadHead } from "./response-head.ts";
import { NOT_SCHEDULED, type Scheduled } from "../scheduler.ts";
import { addressTarget, hostFor } from "./address.ts";
import type { TargetAnswer } from "./answer.ts";
import { firstServer, isUnhealthyAnswer, logTargetFailure, nextServer, serverFailed } from "./attempts.ts";
import type { BodyFraming, ExchangeUser, TargetConnection } from "./connection.ts";
import type { Target, TargetServer } from "./target.ts";
import { noteAnswer, noteReceived, noteSent, noteTry } from "./times.ts";

/** Hears what became of the request. */
export interface HttpTargetOwner {
  /** The final head; its body follows on the answer. */
  targetAnswered(answer: TargetAnswer, waitedMs: number): void;
  /** No answer, or none that is whole. Also after `targetAnswered`, when the body breaks off. */
  targetFailed(cause: Fault): void;
  /** An interim answer other than 101. */
  targetInformed(status: number, lines: string[]): void;
}

/** How often a request may meet a kept connection that its target has just ended. */
const REPEATS_MAX = 2;
/** RFC 9110 section 9.2.2: twice is the same as once. */
const idempotent: ReadonlySet<string> = /* @__PURE__ */ new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

const stageFaults = {
  connect: "messaging.adaptors.http.flow.ServiceUnavailable",
  secure: "messaging.adaptors.http.flow.SslHandshakeFailed",
  exchange: "messaging.adaptors.http.flow.UnexpectedEOFAtTarget",
} as const;

/** What is sent behind the head. */
export interface RequestBody {
  /** What is sent at once; null: nothing, or the client's body as it comes. */
  readonly body: Buffer | null;
  /** Puts what comes from the client into another coding; a `body` has been. */
  readonly recoding: Recoding | null;
}

export class HttpTarget implements ExchangeUser, Scheduled, CodedSink {
  readonly #x: Exchange;
  readonly #target: Target;
  readonly #incoming: IncomingMessage;
  readonly #owner: HttpTargetOwner;
  readonly #forwarded: Forwarded;
  /** What is sent at once; null: nothing, or the client's body as it comes. */
  readonly #body: Buffer | null;
  readonly #framing: BodyFraming;
  readonly #recoding: Recoding | null;
  #transcoder: Transcoder | null = null;
  readonly #sentMs: number;
  #server: TargetServer;
  #connection: TargetConnection | null = null;
  #repeats = 0;
  #isConnected = false;
  /** The final head has come. */
  #isAnswered = false;
  /** The client's body is being read: what was read is gone. */
  #isFlowing = false;
  #isOver = false;
  /** Body bytes sent. */
  bytesSent = 0;
  /** See Scheduled. */
  dueMs: number;
  /** The scheduler's own. */
  scheduledAt = NOT_SCHEDULED;

  /** Sends at once. Throws a fault when the address or a header is not valid, or no server is there. */
  constructor(
    x: Exchange,
    incoming: IncomingMessage,
    { body, recoding }: RequestBody,
    forwarded: Forwarded,
    owner: HttpTargetOwner,
  ) {
    const { target, gateway } = x;
    if (target === null) throw new TypeError("invariant: only routed exchanges have a target");
    this.#x = x;
    this.#target = target;
    this.#incoming = incoming;
    this.#owner = owner;
    this.#forwarded = forwarded;
    this.#body = body;
    this.#recoding = recoding;
    const isChunked = body === null
      ? recoding !== null || incoming.headers["transfer-encoding"] !== undefined
      : !x.request.isRewritten && incoming.rawTrailers.length > 0;
    const hasLength = body !== null || x.request.headerLine("content-length") !== null;
    this.#framing = isChunked ? "chunked" : hasLength ? "length" : "none";
    this.#server = firstServer(x, target, addressTarget(x, target).server);
    this.#sentMs = gateway.clock.monotonicMs();
    this.dueMs = this.#sentMs + target.connectTimeoutMs;
    try {
      this.#send(false);
    } catch (thrown) {
      this.#end();
      throw thrown;
    }
    if (incoming.socket.destroyed && this.#isStreaming) this.abort();
    else gateway.scheduler.schedule(this);
  }

  get #isStreaming(): boolean {
    return this.#body === null && this.#framing !== "none";
  }

  /** Sends the request over a kept connection, or over one that has carried nothing before. */
  #send(isFresh: boolean): void {
    const { host, port, transport } = this.#server;
    const { clock } = this.#x.gateway;
    const own = { host: hostFor(this.#x, this.#server), forwarded: this.#forwarded };
    const parts = { ...own, upgrade: null, retained: this.#target.retainedHeaders };
    const head = writeRequestHead(this.#x.request, parts, this.#framingLines());
    if (typeof head !== "string") throw fault("steps.assignmessage.SetVariableFailed", head.refused);
    noteTry(this.#x);
    this.#x.trace?.asked(head, this.#x.request.content);
    const { pool } = transport;
    const connection = isFresh ? pool.open(host, port, clock) : pool.take(host, port, clock);
    if (connection === null) throw fault("messaging.adaptors.http.flow.ServiceUnavailable");
    this.#connection = connection;
    this.#x.targetSocket = connection.socket;
    connection.send(head, this.#x.request.verb, this.#framing, this);
    if (this.#body !== null) connection.write(this.#body, false);
    // The target may answer before the rest of a body comes, and the client may wait for that.
    if (!this.#isStreaming) connection.end(this.#trailers());
    if (connection.isConnected) this.connected();
  }

  /** The lines of this hop: what frames the body, and whether trailers are taken. */
  #framingLines(): HeaderLines {
    const lines = this.#bodyLines();
    return takesTrailers(this.#incoming.headers) ? [...lines, "TE", "trailers", "Connection", "TE"] : lines;
  }

  #bodyLines(): HeaderLines {
    if (this.#framing === "chunked") {
      const names = announcedTrailers(this.#incoming.headers.trailer);
      return ["Transfer-Encoding", "chunked", ...(names === null ? [] : ["Trailer", names])];
    }
    if (this.#body !== null) return ["Content-Length", String(this.#body.length)];
    const length = this.#x.request.headerLine("content-length");
    return length === null ? [] : ["Content-Length", length];
  }

  /** The client's trailers as they go on. */
  #trailers(): string {
    const { rawTrailers } = this.#incoming;
    if (rawTrailers.length === 0 || this.#framing !== "chunked") return "";
    const lines = fieldLines(requestTrailers(rawTrailers, this.#x.program.headers, this.#recoding !== null));
    return typeof lines === "string" ? lines : "";
  }

  /** Nobody wants the answer any more; harmless when it is whole. */
  abort(): void {
    if (this.#isOver) return;
    this.#end();
    this.#connection?.abort();
  }

  /** The time for the whole call is over: a server that was silent until now has failed. */
  expire(): void {
    if (this.#isOver) return;
    if (!this.#isAnswered && !this.#waitsForClient()) serverFailed(this.#x, this.#target, "api.timeout");
    this.abort();
  }

  /** See ExchangeUser. */
  connected(): void {
    if (this.#isOver) return;
    this.#isConnected = true;
    const connectDueMs = this.dueMs;
    this.received();
    // The scheduler looks at a time that comes later by itself, at one that comes sooner when it is told.
    if (this.dueMs < connectDueMs) this.#x.gateway.scheduler.schedule(this);
    if (!this.#isStreaming) return noteSent(this.#x);
    if (!this.#isFlowing) this.#flow();
  }

  /** See ExchangeUser: bytes have moved, so the target is not silent. */
  received(): void {
    if (!this.#isOver) this.dueMs = this.#x.gateway.clock.monotonicMs() + this.#target.ioTimeoutMs;
  }

  /** Nothing of the body is read before a connection stands, so that until then another server can have it. */
  #flow(): void {
    this.#isFlowing = true;
    const transcoder = this.#recoding?.stream(this) ?? null;
    this.#transcoder = transcoder;
    this.#incoming.on("data", (bytes: Buffer) => {
      this.received();
      if (this.#isOver) return;
      const isTaken = transcoder === null ? this.#pass(bytes, true) : transcoder.write(bytes);
      if (!isTaken) this.#incoming.pause();
    });
    this.#incoming.on("end", () => {
      if (this.#isOver) return;
      if (transcoder === null) this.codedEnd();
      else transcoder.end();
    });
  }

  /** `isSpent`: nobody else holds these bytes. */
  #pass(bytes: Buffer, isSpent: boolean): boolean {
    this.bytesSent += bytes.length;
    return this.#connection?.write(bytes, isSpent) !== false;
  }

  /** See CodedSink. */
  coded(bytes: Buffer): boolean {
    return this.#isOver || this.#pass(bytes, false);
  }

  /** See CodedSink. */
  codedEnd(): void {
    if (this.#isOver) return;
    this.#connection?.end(this.#trailers());
    noteSent(this.#x);
  }

  /** See CodedSink. */
  codedFailed(cause: Fault): void {
    if (!this.#isOver) this.#endWith(cause);
  }

  /** See CodedSink. */
  codedReady(): void {
    this.#incoming.resume();
  }

  /** See ExchangeUser. */
  drained(): void {
    this.received();
    if (this.#transcoder === null) this.#incoming.resume();
    else this.#transcoder.drained();
  }

  /** See ExchangeUser. */
  informed(head: ReadHead): void {
    this.received();
    this.#owner.targetInformed(head.status, head.lines);
  }

  /** See ExchangeUser. */
  answered(answer: TargetAnswer): void {
    const isUnhealthy = isUnhealthyAnswer(this.#x, this.#target, answer.statusCode);
    if (isUnhealthy && this.#isIdempotent() && this.#tryNext()) return;
    this.#isAnswered = true;
    noteAnswer(this.#x, answer.statusCode);
    if (this.#x.targetTimes !== null) answer.on("end", () => noteReceived(this.#x));
    this.received();
    answer.on("close", () => {
      if (answer.complete) this.#end();
    });
    this.#owner.targetAnswered(answer, this.#x.gateway.clock.monotonicMs() - this.#sentMs);
  }

  /** See ExchangeUser. */
  broke(stage: "connect" | "secure" | "exchange", detail: string): void {
    if (this.#isOver) return;
    const isStale = this.#connection?.isReused === true && !this.#connection.hasBegun && this.#repeats < REPEATS_MAX;
    if (isStale && this.#isIdempotent()) {
      // The target ended a kept connection just when it was used again (RFC 9112 section 9.3.1).
      this.#repeats++;
      if (this.#resend(true)) return;
    }
    this.#fail(stageFaults[stage], detail);
  }

  /** See Scheduled. */
  fire(): void {
    if (this.#waitsForClient()) return this.#giveUp("messaging.adaptors.http.flow.RequestTimeOut");
    if (this.#isConnected) this.#fail("messaging.adaptors.http.flow.GatewayTimeout", "silent for too long");
    else this.#fail("messaging.adaptors.http.flow.ServiceUnavailable", "no connection in time");
  }

  /** The target has taken everything there is, and the client owes the rest of its body. */
  #waitsForClient(): boolean {
    return this.#isFlowing && !this.#incoming.readableEnded && !this.#incoming.isPaused();
  }

  /** This try has failed: another server, where nothing is repeated that must not be, or the end. */
  #fail(code: CoreFaultCode, detail: string): void {
    if (this.#isOver) return;
    logTargetFailure(this.#x, code, detail);
    if (this.#isAnswered) return this.#giveUp(code);
    serverFailed(this.#x, this.#target, detail);
    const isHarmless = !this.#isConnected || (this.#connection?.hasBegun === false && this.#isIdempotent());
    if (!isHarmless || !this.#tryNext()) this.#giveUp(code);
  }

  /** The end of it, without another try. */
  #giveUp(code: CoreFaultCode): void {
    this.#endWith(fault(code));
  }

  #endWith(cause: Fault): void {
    this.abort();
    this.#owner.targetFailed(cause);
  }

  /** Once more is the same as once, and nothing of the body is gone. */
  #isIdempotent(): boolean {
    return !this.#isFlowing && idempotent.has(this.#x.request.verb);
  }

  #tryNext(): boolean {
    const left = this.#server;
    const next = nextServer(this.#x, this.#target);
    if (next === null) return false;
    left.state?.leave();
    this.#server = next;
    return this.#resend(false);
  }

  /** False: no connection can be had. What was checked once cannot fail now: only Host differs, by a server's name. */
  #resend(isFresh: boolean): boolean {
    this.#connection?.abort();
    this.#isConnected = false;
    const { clock, scheduler } = this.#x.gateway;
    this.dueMs = clock.monotonicMs() + this.#target.connectTimeoutMs;
    try {
      this.#send(isFresh);
    } catch {
      return false;
    }
    scheduler.schedule(this);
    return true;
  }

  #end(): void {
    this.#isOver = true;
    this.#transcoder?.destroy();
    this.dueMs = Infinity;
    this.#x.gateway.scheduler.cancel(this);
    this.#server.state?.leave();
    // What the client still sends is read and dropped, so that it gets to reading its answer.
    if (!this.#incoming.readableEnded) this.#incoming.resume();
  }
}
