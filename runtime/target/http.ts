/**
 * One HTTP request to a target over its keep-alive pools: head written anew, body streamed with back-pressure, bounded
 * in time, sent to another server where that repeats nothing. Failures become faults (apigee-core section 3.9).
 */
import { request as requestHttp, type ClientRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Timer } from "../clock.ts";
import type { Exchange } from "../context.ts";
import { fault, type Fault } from "../fault.ts";
import { outgoingRequest, type Forwarded } from "../head.ts";
import { addressTarget, hostFor } from "./address.ts";
import { firstServer, hasOthers, isUnhealthyAnswer, logTargetFailure, nextServer, serverFailed } from "./attempts.ts";
import { ignoreError } from "./connect.ts";
import { connectFault } from "./failure.ts";
import type { Target, TargetServer } from "./target.ts";

/** Hears what became of the request. */
export interface HttpTargetOwner {
  /** The final head; its body follows on the message. */
  targetAnswered(answer: IncomingMessage, waitedMs: number): void;
  /** No answer, or none that is whole. Also after `targetAnswered`, when the body breaks off. */
  targetFailed(cause: Fault): void;
  /** An interim answer other than 101. */
  targetInformed(status: number, lines: string[]): void;
}

/** How often a request may meet a kept connection that its target has just ended. */
const REPEATS_MAX = 2;
/** RFC 9110 section 9.2.2: twice is the same as once. */
const idempotent: ReadonlySet<string> = /* @__PURE__ */ new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

export class HttpTarget {
  readonly #x: Exchange;
  readonly #target: Target;
  readonly #incoming: IncomingMessage;
  readonly #owner: HttpTargetOwner;
  readonly #forwarded: Forwarded;
  /** What is sent at once; null: nothing, or the client's body as it comes. */
  readonly #body: Buffer | null;
  readonly #isStreaming: boolean;
  readonly #sentMs: number;
  #server: TargetServer;
  #request: ClientRequest;
  #repeats = 0;
  #timer: Timer;
  #dueMs: number;
  #isConnected = false;
  /** Bytes of an answer have come over the connection. */
  #isAnswering = false;
  /** The final head has come. */
  #isAnswered = false;
  /** The client's body is being read: what was read is gone. */
  #isFlowing = false;
  #isOver = false;
  /** Body bytes sent. */
  bytesSent = 0;

  /** Sends at once. Throws a fault when the address or a header is not valid, or no server is there. */
  constructor(
    x: Exchange,
    incoming: IncomingMessage,
    body: Buffer | null,
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
    this.#isStreaming = body === null && this.#framing().length > 0;
    this.#server = firstServer(x, target, addressTarget(x, target).server);
    this.#sentMs = gateway.clock.monotonicMs();
    this.#dueMs = this.#sentMs + target.connectTimeoutMs;
    this.#timer = gateway.clock.setTimer(this.#onTimer, target.connectTimeoutMs);
    try {
      this.#request = this.#open();
    } catch (thrown) {
      this.#end();
      throw thrown;
    }
    if (incoming.socket.destroyed && this.#isStreaming) this.abort();
  }

  #open(): ClientRequest {
    const { host, port, transport } = this.#server;
    const parts = { host: hostFor(this.#x, this.#server), upgrade: null, forwarded: this.#forwarded };
    const outgoing = outgoingRequest(this.#x.request, parts);
    if ("refused" in outgoing) throw fault("steps.assignmessage.SetVariableFailed", outgoing.refused);
    const request = requestHttp({
      agent: transport.agent,
      host,
      port,
      method: outgoing.verb,
      path: outgoing.target,
      headers: [...outgoing.lines, ...this.#framing()],
      setHost: false,
      setDefaultHeaders: false,
      protocol: `${transport.scheme}:`,
      maxHeaderSize: this.#x.gateway.limits.responseHeadBytesMax,
    });
    request.on("socket", this.#onSocket).on("response", this.#onResponse).on("error", this.#onError);
    request.on("information", this.#onInformation).on("upgrade", this.#onUpgrade).on("drain", this.#onDrain);
    if (this.#body !== null) request.end(this.#body);
    else if (!this.#isStreaming) request.end();
    // The target may answer before the body comes, and the client may wait for that.
    else request.flushHeaders();
    return request;
  }

  /** The lines that frame the body. */
  #framing(): string[] {
    if (this.#body !== null) return ["Content-Length", String(this.#body.length)];
    if (this.#incoming.headers["transfer-encoding"] !== undefined) return ["Transfer-Encoding", "chunked"];
    const length = this.#x.request.headerLine("content-length");
    return length === null ? [] : ["Content-Length", length];
  }

  /** Bytes have moved: the target is not silent. */
  touch(): void {
    this.#dueMs = this.#x.gateway.clock.monotonicMs() + this.#target.ioTimeoutMs;
  }

  /** Nobody wants the answer any more; harmless when it is whole. */
  abort(): void {
    if (this.#isOver) return;
    this.#end();
    this.#request.destroy();
  }

  /** The time for the whole call is over: a server that was silent until now has failed. */
  expire(): void {
    if (this.#isOver) return;
    if (!this.#isAnswered && !this.#waitsForClient()) serverFailed(this.#x, this.#target, "api.timeout");
    this.abort();
  }

  readonly #onSocket = (socket: Socket): void => {
    if (this.#request.reusedSocket || hasOthers(this.#target, this.#server)) socket.once("data", this.#onFirstBytes);
    if (!socket.connecting) return this.#connected();
    socket.once(this.#server.transport.scheme === "https" ? "secureConnect" : "connect", this.#connected);
  };

  readonly #onFirstBytes = (): void => {
    this.#isAnswering = true;
  };

  readonly #connected = (): void => {
    if (this.#isOver) return;
    this.#isConnected = true;
    this.#setTimer(this.#target.ioTimeoutMs);
    if (this.#isStreaming && !this.#isFlowing) this.#flow();
  };

  /** Nothing of the body is read before a connection stands, so that until then another server can have it. */
  #flow(): void {
    this.#isFlowing = true;
    this.#incoming.on("data", (bytes: Buffer) => {
      this.bytesSent += bytes.length;
      this.touch();
      if (!this.#isOver && !this.#request.write(bytes)) this.#incoming.pause();
    });
    this.#incoming.on("end", () => {
      if (!this.#isOver) this.#request.end();
    });
  }

  readonly #onDrain = (): void => {
    this.touch();
    this.#incoming.resume();
  };

  readonly #onInformation = (info: { readonly statusCode: number; readonly rawHeaders: string[] }): void => {
    this.#isAnswering = true;
    this.#owner.targetInformed(info.statusCode, info.rawHeaders);
  };

  readonly #onUpgrade = (_answer: IncomingMessage, socket: Socket): void => {
    // Nobody asked for a switch; whatever follows is not HTTP.
    socket.destroy();
    this.#fail(fault("messaging.adaptors.http.flow.UnexpectedEOFAtTarget"), "unasked switch of protocols");
  };

  readonly #onResponse = (answer: IncomingMessage): void => {
    if (this.#isOver) {
      answer.destroy();
      return;
    }
    const isUnhealthy = isUnhealthyAnswer(this.#x, this.#target, answer.statusCode ?? 502);
    answer.on("error", ignoreError);
    if (isUnhealthy && this.#isIdempotent() && this.#tryNext()) return;
    this.#isAnswered = true;
    this.touch();
    answer.on("close", () => {
      if (answer.complete) return this.#end();
      this.#fail(fault("messaging.adaptors.http.flow.UnexpectedEOFAtTarget"), "answer broke off");
    });
    this.#owner.targetAnswered(answer, this.#x.gateway.clock.monotonicMs() - this.#sentMs);
  };

  readonly #onError = (error: NodeJS.ErrnoException): void => {
    const code = error.code ?? error.name;
    const isStale = this.#request.reusedSocket && !this.#isAnswering && this.#repeats < REPEATS_MAX;
    if (isStale && !this.#isOver && !this.#isFlowing && idempotent.has(this.#request.method)) {
      // The target ended a kept connection just when it was used again (RFC 9112 section 9.3.1).
      this.#repeats++;
      this.#reopen();
      return;
    }
    const cause = this.#isConnected ? "messaging.adaptors.http.flow.UnexpectedEOFAtTarget" : connectFault(code);
    this.#fail(fault(cause), code);
  };

  readonly #onTimer = (): void => {
    if (this.#isOver) return;
    const leftMs = this.#dueMs - this.#x.gateway.clock.monotonicMs();
    if (leftMs > 0) return this.#setTimer(leftMs);
    if (this.#waitsForClient()) return this.#giveUp(fault("messaging.adaptors.http.flow.RequestTimeOut"));
    if (this.#isConnected) this.#fail(fault("messaging.adaptors.http.flow.GatewayTimeout"), "silent for too long");
    else this.#fail(fault("messaging.adaptors.http.flow.ServiceUnavailable"), "no connection in time");
  };

  /** The target has taken everything there is, and the client owes the rest of its body. */
  #waitsForClient(): boolean {
    return this.#isFlowing && !this.#incoming.readableEnded && !this.#incoming.isPaused();
  }

  #setTimer(delayMs: number): void {
    const { clock } = this.#x.gateway;
    clock.clearTimer(this.#timer);
    this.#dueMs = clock.monotonicMs() + delayMs;
    this.#timer = clock.setTimer(this.#onTimer, delayMs);
  }

  /** This try has failed: another server, where nothing is repeated that must not be, or the end. */
  #fail(cause: Fault, detail: string): void {
    if (this.#isOver) return;
    logTargetFailure(this.#x, cause.code, detail);
    if (this.#isAnswered) return this.#giveUp(cause);
    serverFailed(this.#x, this.#target, detail);
    const isHarmless = !this.#isConnected || (!this.#isAnswering && this.#isIdempotent());
    if (!isHarmless || !this.#tryNext()) this.#giveUp(cause);
  }

  /** The end of it, without another try. */
  #giveUp(cause: Fault): void {
    this.#end();
    this.#request.destroy();
    this.#owner.targetFailed(cause);
  }

  /** Once more is the same as once, and nothing of the body is gone. */
  #isIdempotent(): boolean {
    return !this.#isFlowing && idempotent.has(this.#request.method);
  }

  #tryNext(): boolean {
    const left = this.#server;
    const next = nextServer(this.#x, this.#target);
    if (next === null) return false;
    left.state?.leave();
    this.#server = next;
    this.#reopen();
    return true;
  }

  /** Sends the request again. What was checked once cannot fail now: only Host differs, by a server's own name. */
  #reopen(): void {
    const last = this.#request;
    last.off("socket", this.#onSocket).off("response", this.#onResponse).off("error", this.#onError);
    last.off("information", this.#onInformation).off("upgrade", this.#onUpgrade).off("drain", this.#onDrain);
    last.on("error", ignoreError);
    last.destroy();
    this.#isConnected = false;
    this.#isAnswering = false;
    this.#setTimer(this.#target.connectTimeoutMs);
    this.#request = this.#open();
  }

  #end(): void {
    this.#isOver = true;
    this.#server.state?.leave();
    // What the client still sends is read and dropped, so that it gets to reading its answer.
    if (!this.#incoming.readableEnded) this.#incoming.resume();
    this.#x.gateway.clock.clearTimer(this.#timer);
  }
}
