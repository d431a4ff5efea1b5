/**
 * One plain HTTP exchange: the same entry and the same chain as an upgrade, bodies streamed through untouched with
 * back-pressure. It owns the client's side; target/http.ts the target's.
 */
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from "node:http";
import type { Timer } from "./clock.ts";
import type { Exchange } from "./context.ts";
import { enter, openExchange, peerAddress, type Entered } from "./entry.ts";
import { fault, type Fault } from "./fault.ts";
import { fieldValueKind, VALUE_PLAIN } from "./field-grammar.ts";
import type { Gateway } from "./gateway.ts";
import { hygieneResponse } from "./head.ts";
import type { Listener } from "./listen.ts";
import { ResponseMessage } from "./message.ts";
import { asked, exchangePlace, type Asked } from "./observe/place.ts";
import { failExchange, faultResponse, runChain, runPostClient, type ChainOwner } from "./run.ts";
import { HttpTarget, type HttpTargetOwner } from "./target/http.ts";
import { readForm } from "./form.ts";

/** Serves one request. */
export function serveRequest(gateway: Gateway, listener: Listener, incoming: IncomingMessage, outgoing: ServerResponse): void {
  new HttpExchange(gateway, listener, incoming, outgoing).begin();
}

type Stage = "request" | "target" | "response" | "fault" | "sending" | "over";

class HttpExchange implements ChainOwner, HttpTargetOwner {
  readonly #gateway: Gateway;
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  readonly #startedMs: number;
  readonly #asked: Asked;
  #entered: Entered | null = null;
  #x: Exchange | null = null;
  #target: HttpTarget | null = null;
  /** The target's answer, whose body is still to come. */
  #answer: IncomingMessage | null = null;
  /** What a form policy has read of the request's body. */
  #body: Buffer | null = null;
  #stage: Stage = "request";
  #bytesOut = 0;
  #interimResponses = 0;
  #apiTimer: Timer | null = null;
  /** Runs while the whole answer is written and the client has not taken it. */
  #stallTimer: Timer | null = null;
  #isCounted = false;
  /** Why there was no exchange. */
  #refusal: Fault | null = null;

  constructor(gateway: Gateway, listener: Listener, incoming: IncomingMessage, outgoing: ServerResponse) {
    this.#gateway = gateway;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#startedMs = gateway.clock.monotonicMs();
    this.#asked = asked(gateway, incoming, listener.scheme, peerAddress(incoming.socket));
    outgoing.on("error", ignoreError);
    incoming.on("error", ignoreError);
    outgoing.on("close", this.#onClose);
  }

  begin(): void {
    const gateway = this.#gateway;
    if (gateway.refusing) return this.#refuse(fault("gateway.Draining", "", null, ["Retry-After", "1"]), true);
    gateway.exchanges++;
    this.#isCounted = true;
    const entered = enter(gateway, this.#incoming, false);
    if ("fault" in entered) return this.#refuse(entered.fault, entered.close);
    this.#entered = entered;
    const { program } = entered.deployed;
    gateway.metrics.httpStarted(program);
    if (program.webSocket.mode === "only") {
      const headers = ["Upgrade", "websocket"];
      return this.#refuse(fault("protocol.http.UpgradeRequired", "", null, headers), false);
    }
    const x = openExchange(gateway, entered, this.#incoming.socket, this.#asked.scheme, null);
    this.#x = x;
    if (program.apiTimeoutMs !== null) this.#apiTimer = gateway.clock.setTimer(this.#onApiTimeout, program.apiTimeoutMs);
    if (!program.readsForm) return runChain(x, x.chains.request, this);
    readForm(this.#incoming, this.#outgoing, gateway.limits, (form, body) => {
      if (this.#stage !== "request") return;
      x.form = form;
      this.#body = body;
      runChain(x, x.chains.request, this);
    });
  }

  /** See ChainOwner. */
  chainDone(): void {
    const x = this.#x;
    if (x === null || this.#stage === "over") return;
    if (this.#stage === "request") return x.target === null ? this.#nullRoute(x) : this.#forward(x);
    if (this.#stage === "response") this.#send(x);
  }

  /** See ChainOwner. */
  chainFaulted(): void {
    const x = this.#x;
    if (x === null || this.#stage === "over") return;
    this.#send(x);
  }

  /** See HttpTargetOwner. */
  targetAnswered(answer: IncomingMessage, waitedMs: number): void {
    const x = this.#x;
    if (x === null || this.#stage !== "target" || x.target === null) {
      answer.destroy();
      return;
    }
    this.#answer = answer;
    this.#gateway.metrics.upstreamAnswered(x.program, x.target.name, waitedMs);
    const status = answer.statusCode ?? 502;
    const response = new ResponseMessage(status, answer.statusMessage ?? "", answer.rawHeaders);
    hygieneResponse(response);
    response.removeHeader("transfer-encoding");
    x.response = response;
    this.#stage = "response";
    if (x.target.isSuccess(status)) return runChain(x, x.chains.response, this);
    failExchange(x, { ...fault("messaging.adaptors.http.flow.ErrorResponseCode"), status, response }, this);
  }

  /** See HttpTargetOwner. */
  targetFailed(cause: Fault): void {
    const x = this.#x;
    if (x === null || this.#stage === "over") return;
    // Once the head has left there is no answer but a broken connection.
    if (this.#stage === "sending") return void this.#outgoing.destroy();
    // The rest of a request that did not come in time may still come, and must not be taken for the next one.
    if (cause.code === "messaging.adaptors.http.flow.RequestTimeOut") this.#outgoing.shouldKeepAlive = false;
    this.#stage = "fault";
    failExchange(x, cause, this);
  }

  /** See HttpTargetOwner: an interim answer (RFC 9110 section 15.2) passes through, up to a bound. */
  targetInformed(status: number, lines: string[]): void {
    // The client's own 100 was the gateway's to send.
    if (this.#stage !== "target" || this.#incoming.httpVersion === "1.0" || status === 100) return;
    if (this.#outgoing.destroyed || this.#interimResponses >= this.#gateway.limits.interimResponsesMax) return;
    this.#interimResponses++;
    const head = new ResponseMessage(status, "", lines);
    hygieneResponse(head);
    head.removeHeader("content-length");
    this.#outgoing.writeInformation(status, head.lines);
  }

  #nullRoute(x: Exchange): void {
    this.#stage = "response";
    x.response ??= new ResponseMessage(200, "", []);
    x.response.content ??= "";
    runChain(x, x.chains.response, this);
  }

  #forward(x: Exchange): void {
    this.#stage = "target";
    const { clientAddress, scheme } = this.#asked;
    const forwarded = { for: clientAddress, proto: scheme, host: this.#entered?.authority ?? "" };
    try {
      this.#target = new HttpTarget(x, this.#incoming, this.#body, forwarded, this);
    } catch (thrown) {
      return failExchange(x, thrown, this);
    }
    // A form that was read has been asked for before.
    if (this.#body === null && this.#expectsContinue()) this.#outgoing.writeContinue();
  }

  #expectsContinue(): boolean {
    return this.#incoming.httpVersion !== "1.0" && this.#incoming.headers.expect?.toLowerCase() === "100-continue";
  }

  #send(x: Exchange): void {
    const response = x.response ?? faultResponse(fault("gateway.InternalError"));
    const answer = response.content === null ? this.#answer : null;
    if (answer === null) this.#answer?.destroy();
    if (answer === null) this.#target?.abort();
    this.#write(response, answer);
  }

  /** An answer before there is an exchange. */
  #refuse(cause: Fault, close: boolean): void {
    if (this.#entered === null) this.#gateway.metrics.httpStarted(null);
    if (close) this.#outgoing.shouldKeepAlive = false;
    this.#refusal = cause;
    this.#write(faultResponse(cause), null);
  }

  #write(response: ResponseMessage, answer: IncomingMessage | null): void {
    this.#stage = "sending";
    const outgoing = this.#outgoing;
    if (outgoing.destroyed || outgoing.headersSent) return;
    outgoing.sendDate = true;
    const content = response.content === null ? null : Buffer.from(response.content, "utf8");
    const status = response.status < 200 || response.status > 999 ? 500 : response.status;
    const takesBody = status !== 204 && status !== 304;
    // A length that no body follows would make the next answer part of this one.
    const isEmpty = answer === null || !this.#bringsBody(answer);
    if (status === 204 || (isEmpty && takesBody && this.#incoming.method !== "HEAD") || answer === null) {
      response.removeHeader("content-length");
    }
    // What the target had encoded is gone.
    if (content !== null) response.removeHeader("content-encoding");
    const lines = [...response.lines];
    if (answer === null && takesBody) lines.push("Content-Length", String(content?.length ?? 0));
    else if (isEmpty && takesBody && this.#incoming.method !== "HEAD") lines.push("Content-Length", "0");
    // A body that nobody reads is not worth waiting for. (Node calls a request without one incomplete until later.)
    if (this.#target === null && !this.#incoming.complete && hasBody(this.#incoming)) outgoing.shouldKeepAlive = false;
    // RFC 9110 section 15.5.22; a target's own Upgrade stood for its connection only.
    if (status === 426 && !response.names.includes("upgrade")) lines.push("Upgrade", "websocket");
    if (status === 426 && outgoing.shouldKeepAlive) lines.push("Connection", "Upgrade");
    try {
      // Node's reader lets control characters of a target through in a reason phrase, which nobody needs.
      const isPlain = response.reason !== "" && fieldValueKind(response.reason) === VALUE_PLAIN;
      outgoing.writeHead(status, isPlain ? response.reason : (STATUS_CODES[status] ?? ""), lines);
    } catch {
      // A policy wrote something that is no header; node refuses it before a byte has left.
      this.#gateway.log.event("response_refused", { proxy: this.#entered?.deployed.program.proxy ?? null }, "error");
      answer?.destroy();
      outgoing.writeHead(500, "Internal Server Error", ["Content-Length", "0"]);
      outgoing.end();
      return;
    }
    if (answer === null) {
      this.#bytesOut = content?.length ?? 0;
      if (content === null || content.length === 0 || !takesBody) outgoing.end();
      else outgoing.end(content);
      if (!this.#incoming.complete) this.#incoming.resume();
      this.#awaitTaking();
      return;
    }
    answer.on("data", this.#onAnswerData).on("end", this.#onAnswerEnd).on("error", ignoreError);
    answer.on("close", this.#onAnswerClose);
    outgoing.on("drain", this.#onDrain);
    // Not flushHeaders: it writes the head as UTF-8, and a target's bytes above 0x7f would become two each.
    outgoing.write(NO_BYTES);
  }

  /** Whether a body can follow the target's answer (RFC 9112 section 6.3). */
  #bringsBody(answer: IncomingMessage): boolean {
    const { statusCode } = answer;
    return statusCode !== 204 && statusCode !== 304 && this.#x?.request.verb !== "HEAD";
  }

  readonly #onAnswerData = (bytes: Buffer): void => {
    this.#bytesOut += bytes.length;
    this.#target?.touch();
    if (!this.#outgoing.write(bytes)) this.#answer?.pause();
  };

  readonly #onDrain = (): void => {
    this.#answer?.resume();
  };

  readonly #onAnswerEnd = (): void => {
    const trailers = this.#answer?.rawTrailers ?? [];
    if (trailers.length > 0 && this.#outgoing.chunkedEncoding) {
      const pairs: [string, string][] = [];
      for (let at = 0; at < trailers.length; at += 2) pairs.push([trailers[at] ?? "", trailers[at + 1] ?? ""]);
      this.#outgoing.addTrailers(pairs);
    }
    this.#outgoing.end();
    this.#awaitTaking();
  };

  /** The whole answer is written, and no deadline of the target's runs any more: the client has to take it. */
  #awaitTaking(): void {
    const { socket } = this.#incoming;
    if (socket.destroyed || this.#outgoing.writableFinished) return;
    const { clock, limits } = this.#gateway;
    const takenBytes = socket.bytesWritten - socket.writableLength;
    this.#stallTimer = clock.setTimer(() => {
      const isStalled = socket.writableLength > 0 && socket.bytesWritten - socket.writableLength === takenBytes;
      if (isStalled) socket.destroy();
      else this.#awaitTaking();
    }, limits.writeStallTimeoutMs);
  }

  readonly #onAnswerClose = (): void => {
    if (this.#answer?.complete === false) this.#outgoing.destroy();
  };

  readonly #onApiTimeout = (): void => {
    const x = this.#x;
    if (x === null || this.#stage === "over" || this.#stage === "sending") return;
    this.#target?.expire();
    this.#answer?.destroy();
    this.#answer = null;
    this.#stage = "fault";
    failExchange(x, fault("flow.APITimedOut"), this);
  };

  /** The answer has left, or the client has. */
  readonly #onClose = (): void => {
    if (this.#stage === "over") return;
    const wasSent = this.#outgoing.writableFinished;
    this.#stage = "over";
    if (this.#isCounted) this.#gateway.exchanges--;
    if (this.#apiTimer !== null) this.#gateway.clock.clearTimer(this.#apiTimer);
    if (this.#stallTimer !== null) this.#gateway.clock.clearTimer(this.#stallTimer);
    this.#target?.abort();
    this.#answer?.destroy();
    const { log, metrics, clock } = this.#gateway;
    const program = this.#entered?.deployed.program ?? null;
    const status = wasSent ? this.#outgoing.statusCode : 499;
    const durationMs = clock.monotonicMs() - this.#startedMs;
    metrics.httpFinished(program, this.#incoming.method ?? "", status, durationMs);
    const x = this.#x;
    if (x !== null) runPostClient(x);
    if (!log.access) return;
    const cause = x?.fault ?? this.#refusal;
    log.exchange({
      ...exchangePlace(this.#gateway, this.#asked, this.#entered, x),
      status,
      fault: cause?.code ?? null,
      policy: cause?.policy ?? null,
      durationMs,
      bytesIn: this.#target?.bytesSent ?? this.#body?.length ?? 0,
      bytesOut: this.#bytesOut,
    });
  };
}

/** Sends a head that was written, and nothing else. */
const NO_BYTES: Buffer = /* @__PURE__ */ Buffer.alloc(0);

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}

/** Errors are followed by 'close', which is what counts. */
function ignoreError(): void {}
