/**
 * One plain HTTP exchange: the same entry and the same chain as an upgrade, bodies streamed through untouched with
 * back-pressure unless a policy looks into them (body.ts). It owns what happens when; client-answer.ts writes to the
 * client, target/http.ts talks to the target.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { bringsBody, hasBody } from "../body/framing.ts";
import { ClientAnswer, type AnswerOwner } from "./client-answer.ts";
import { noteAnswering } from "../flow/client-times.ts";
import type { Timer } from "../clock.ts";
import type { Exchange, Wire } from "../context.ts";
import { enter, openExchange, traceRefusal, type Entered } from "./entry.ts";
import type { EventFlows } from "../body/event-stream.ts";
import type { Recoding } from "../body/compression.ts";
import { fault, isFault, type Fault } from "../fault.ts";
import type { Gateway } from "../gateway.ts";
import { hygieneResponse } from "../message/head.ts";
import type { Listener } from "../listen/listen.ts";
import { isPending, type Maybe } from "../maybe.ts";
import { ResponseMessage } from "../message/message.ts";
import type { TargetMark } from "../observe/analytics-exchange.ts";
import { asked, exchangePlace, type Asked } from "../observe/place.ts";
import {
  answerNull, breakExchange, endCalls, enterCall, failExchange, faultResponse, leaveCall, runAnswer, runChain, runPostClient,
  type ChainOwner,
} from "../flow/run.ts";
import type { TargetAnswer } from "../target/answer.ts";
import { HttpTarget, type HttpTargetOwner } from "../target/http.ts";
import { answerTrailers } from "../message/trailers.ts";

/** Serves one request. */
export function serveRequest(gateway: Gateway, listener: Listener, incoming: IncomingMessage, outgoing: ServerResponse): void {
  new HttpExchange(gateway, listener, incoming, outgoing).begin();
}

type Stage = "request" | "target" | "response" | "fault" | "sending" | "over";

class HttpExchange implements ChainOwner, HttpTargetOwner, Wire, AnswerOwner {
  readonly #gateway: Gateway;
  readonly incoming: IncomingMessage;
  /** The target's answer; null until it came. */
  answer: TargetAnswer | null = null;
  /** See Wire. */
  events: EventFlows | null = null;
  readonly #outgoing: ServerResponse;
  readonly #client: ClientAnswer;
  readonly #startedMs: number;
  readonly #asked: Asked;
  #entered: Entered | null = null;
  #x: Exchange | null = null;
  #target: HttpTarget | null = null;
  /** For analytics. */
  readonly #mark: TargetMark = { sentMs: 0, answeredMs: 0, status: 0 };
  #stage: Stage = "request";
  #hasAsked = false;
  #apiTimer: Timer | null = null;
  #isCounted = false;
  /** The gateway ended an answer whose head had left. */
  #isBroken = false;
  /** Why there was no exchange. */
  #refusal: Fault | null = null;

  constructor(gateway: Gateway, listener: Listener, incoming: IncomingMessage, outgoing: ServerResponse) {
    this.#gateway = gateway;
    this.incoming = incoming;
    this.#outgoing = outgoing;
    this.#client = new ClientAnswer(gateway, incoming, outgoing, this);
    this.#startedMs = gateway.clock.monotonicMs();
    this.#asked = asked(gateway, listener, incoming);
    outgoing.on("error", ignoreError);
    incoming.on("error", ignoreError);
    outgoing.on("close", this.#onClose);
  }

  begin(): void {
    const gateway = this.#gateway;
    if (gateway.refusing) return this.#refuse(fault("gateway.Draining", "", null, ["Retry-After", "1"]), true);
    gateway.exchanges++;
    this.#isCounted = true;
    const entered = enter(gateway, this.incoming, this.#asked, false);
    if ("fault" in entered) return this.#refuse(entered.fault, entered.close);
    this.#entered = entered;
    const { program } = entered.deployed;
    gateway.metrics.httpStarted(program);
    if (program.webSocket.mode === "only") {
      const headers = ["Upgrade", "websocket"];
      return this.#refuse(fault("protocol.http.UpgradeRequired", "", null, headers), false);
    }
    const x = openExchange(gateway, entered, this.incoming.socket, this.#asked, null);
    x.wire = this;
    this.#x = x;
    if (program.apiTimeoutMs !== null) this.#apiTimer = gateway.clock.setTimer(this.#onApiTimeout, program.apiTimeoutMs);
    runChain(x, x.chains.request, this);
  }

  /** See ChainOwner. */
  chainDone(): void {
    const x = this.#x;
    if (x === null || this.#stage === "over") return;
    if (this.#stage === "response") return this.#finish(x);
    if (this.#stage !== "request") return;
    if (x.target === null) this.#nullRoute(x);
    else if (x.target.call === undefined) this.#forward(x);
    else this.#call(x, x.target.call);
  }

  /** See ChainOwner. */
  chainFaulted(): void {
    const x = this.#x;
    if (x === null || this.#stage === "over") return;
    this.#finish(x);
  }

  /** See HttpTargetOwner. */
  targetAnswered(answer: TargetAnswer, waitedMs: number): void {
    const x = this.#x;
    if (x === null || this.#stage !== "target" || x.target === null) {
      answer.destroy();
      return;
    }
    this.answer = answer;
    this.#gateway.metrics.upstreamAnswered(x.program, x.target.name, waitedMs);
    const status = answer.statusCode;
    this.#noteAnswer(status, waitedMs);
    const response = new ResponseMessage(status, answer.statusMessage, answer.rawHeaders);
    hygieneResponse(response);
    response.removeHeader("transfer-encoding");
    x.trace?.answered(response);
    this.#stage = "response";
    runAnswer(x, response, this);
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

  /** See HttpTargetOwner: an interim answer (RFC 9110 section 15.2) passes through. */
  targetInformed(status: number, lines: string[]): void {
    // The client's own 100 was the gateway's to send.
    if (this.#stage !== "target" || this.incoming.httpVersion === "1.0" || status === 100) return;
    if (this.#outgoing.destroyed || !this.#hasTurn) return;
    const head = new ResponseMessage(status, "", lines);
    hygieneResponse(head);
    head.removeHeader("content-length");
    this.#outgoing.writeInformation(status, head.lines);
  }

  #nullRoute(x: Exchange): void {
    this.#stage = "response";
    answerNull(x);
    runChain(x, x.chains.response, this);
  }

  #call(x: Exchange, call: (x: Exchange) => Exchange): void {
    const inner = enterCall(x, call, this);
    if (inner === null) return;
    this.#x = inner;
    runChain(inner, inner.chains.request, this);
  }

  /** The answer of an exchange is there: for the client, or for the exchange that called. */
  #finish(x: Exchange): void {
    if (x.fault === null && x.chains.events !== undefined) {
      try {
        x.chains.events(x);
      } catch (thrown) {
        return failExchange(x, thrown, this);
      }
    }
    if (x.caller === null) return this.#send(x);
    this.#x = x.caller;
    this.#stage = "response";
    leaveCall(x, x.caller, this);
  }

  #forward(x: Exchange): void {
    this.#stage = "target";
    // What nobody looked into streams, and what there never was stays away.
    const isOwn = x.request.isRewritten || hasBody(this.incoming);
    this.#withBody(isOwn ? x.request.outgoingBody() : null, (body) => {
      const recoding = isOwn ? (x.target?.compression?.request(x) ?? null) : null;
      if (body === null || recoding === null) return this.#sendRequest(x, body, recoding);
      this.#withBody(recoding.whole(body), (recoded) => this.#sendRequest(x, recoded, recoding));
    });
  }

  #sendRequest(x: Exchange, body: Buffer | null, recoding: Recoding | null): void {
    x.span?.passOn(x.request);
    const { peer, scheme } = this.#asked;
    const forwarded = { for: peer, proto: scheme, host: this.#entered?.authority ?? "" };
    try {
      this.#target = new HttpTarget(x, this.incoming, { body, recoding }, forwarded, this);
    } catch (thrown) {
      return failExchange(x, thrown, this);
    }
    if (body === null) this.askForBody();
    // A policy has written another one.
    else if (!this.incoming.complete) this.incoming.resume();
  }

  /** Goes on with a body, unless the exchange has taken another turn while that was encoded. */
  #withBody(body: Maybe<Buffer | null>, next: (body: Buffer | null) => void): void {
    if (!isPending(body)) return next(body);
    const stage = this.#stage;
    const goOn = (encoded: Buffer | null): void => {
      if (this.#stage === stage) next(encoded);
    };
    body.then(goOn).catch((thrown: unknown) => {
      const x = this.#x;
      if (x !== null && isFault(thrown) && this.#stage === stage) return this.#bodyFailed(x, thrown);
      this.#gateway.defect(thrown);
      this.incoming.socket.destroy();
    });
  }

  /** A body in memory is not encoded as it says. */
  #bodyFailed(x: Exchange, cause: Fault): void {
    this.#stage = "fault";
    failExchange(x, cause, this);
  }

  /** See Wire: a client that waits for 100-continue is told once, and only when its body is wanted. */
  askForBody(): void {
    const { incoming } = this;
    if (this.#hasAsked || incoming.httpVersion === "1.0") return;
    this.#hasAsked = true;
    // The guards have let no other expectation in.
    if (incoming.headers.expect === undefined) return;
    const outgoing = this.#outgoing;
    if (this.#hasTurn) outgoing.writeContinue();
    else outgoing.once("socket", () => {
      if (!outgoing.headersSent) outgoing.writeContinue();
    });
  }

  /**
   * No answer that a client waits for is in front of this one. Until then nothing may be written but the answer itself:
   * node keeps it back, and puts its head in front of whatever was written before.
   */
  get #hasTurn(): boolean {
    return this.#outgoing.socket !== null;
  }

  /** See Wire and AnswerOwner. */
  touchTarget(): void {
    this.#target?.received();
  }

  #send(x: Exchange): void {
    const response = x.response ?? faultResponse(fault("gateway.InternalError"));
    const { answer } = this;
    // A body that was written in its place, unread, has taken no event past anybody.
    const isRead = response.isHeld && answer?.readableFlowing !== null;
    if (this.events !== null && isRead && x.fault === null) return this.#refuseUnseen(x);
    this.#stage = "sending";
    noteAnswering(x);
    const lingers = this.#endsUnread(this.#target !== null && !x.request.isRewritten);
    if (answer !== null && !response.isHeld) {
      const recoding = x.program.compression?.answer(x, response) ?? null;
      return this.#client.stream(response, answer, !bringsBody(x, answer), { filter: this.events, recoding });
    }
    // They belong to the body that they came behind.
    const trailers = answer === null || response.isRewritten ? [] : answer.rawTrailers;
    answer?.destroy();
    this.#target?.abort();
    this.#withBody(response.outgoingBody(), (body) => {
      const recoding = x.program.compression?.answer(x, response) ?? null;
      const last = answerTrailers(trailers, recoding !== null);
      if (body === null || recoding === null) return this.#client.whole(response, body, lingers, last);
      this.#withBody(recoding.whole(body), (recoded) => this.#client.whole(response, recoded, lingers, last));
    });
  }

  /** A caller took the events of a called proxy into memory, past the flow that was to see each of them. */
  #refuseUnseen(x: Exchange): void {
    this.#gateway.log.event("event_flow_bypassed", { proxy: x.program.proxy }, "error");
    failExchange(x, fault("gateway.InternalError"), this);
  }

  /**
   * Where the next request begins is known only behind the whole of this one: an answer to a body that nobody takes is
   * the connection's last. True when the client may be sending it; one that was never asked for it sends none.
   */
  #endsUnread(isTaken: boolean): boolean {
    // (Node calls a request without a body incomplete until later.)
    if (isTaken || this.incoming.complete || !hasBody(this.incoming)) return false;
    this.#outgoing.shouldKeepAlive = false;
    return this.#hasAsked || this.incoming.headers.expect === undefined;
  }

  /** An answer before there is an exchange. */
  #refuse(cause: Fault, close: boolean): void {
    if (this.#entered === null) this.#gateway.metrics.httpStarted(null);
    if (close) this.#outgoing.shouldKeepAlive = false;
    this.#refusal = cause;
    this.#stage = "sending";
    const lingers = this.#endsUnread(false);
    const response = faultResponse(cause);
    this.#client.whole(response, response.body, lingers && !close);
  }

  /** See AnswerOwner: the head has left, so that no fault rule can answer any more. */
  answerBroken(thrown: unknown): void {
    const x = this.#x;
    if (x === null) return;
    this.#isBroken = true;
    const { code, policy } = breakExchange(x, thrown);
    const place = { id: x.id, proxy: x.program.proxy };
    this.#gateway.log.event("response_broken", { ...place, fault: code, policy }, "warn");
  }

  /** See AnswerOwner. */
  answerRefused(): void {
    this.#gateway.log.event("response_refused", { proxy: this.#entered?.deployed.program.proxy ?? null }, "error");
  }

  readonly #onApiTimeout = (): void => {
    const x = this.#x;
    if (x === null || this.#stage === "over" || this.#stage === "sending") return;
    this.#target?.expire();
    this.answer?.destroy();
    this.answer = null;
    this.#stage = "fault";
    this.#x = endCalls(x);
    failExchange(this.#x, fault("flow.APITimedOut"), this);
  };

  /** The answer has left, or the client has. */
  readonly #onClose = (): void => {
    if (this.#stage === "over") return;
    const wasSent = this.#outgoing.writableFinished;
    this.#stage = "over";
    if (this.#isCounted) this.#gateway.exchanges--;
    if (this.#apiTimer !== null) this.#gateway.clock.clearTimer(this.#apiTimer);
    this.#client.forget();
    const x = this.#x === null ? null : endCalls(this.#x);
    if (x !== null) {
      this.#gateway.heldBytes -= x.heldBytes;
      x.wire = null;
    }
    this.#target?.abort();
    this.answer?.destroy();
    const { analytics, log, metrics, clock } = this.#gateway;
    const program = this.#entered?.deployed.program ?? null;
    const status = wasSent || this.#isBroken ? this.#outgoing.statusCode : 499;
    const durationMs = clock.monotonicMs() - this.#startedMs;
    metrics.httpFinished(program, this.incoming.method ?? "", status, durationMs);
    if (x !== null) {
      runPostClient(x);
      x.trace?.finish(x, status);
    } else if (this.#entered !== null) {
      const from = { gateway: this.#gateway, socket: this.incoming.socket, client: this.#asked };
      traceRefusal(from, this.#entered, this.#refusal, status);
    }
    const cause = x?.fault ?? this.#refusal;
    const bytesIn = x?.request.isHeld === true ? (x.request.body?.length ?? 0) : (this.#target?.bytesSent ?? 0);
    const bytesOut = this.#client.bytes;
    analytics?.exchange({
      asked: this.#asked,
      entered: this.#entered,
      x,
      isUpgrade: false,
      status,
      cause,
      startedMs: this.#startedMs,
      durationMs,
      target: this.#mark,
      bytesIn,
      bytesOut,
      closeReason: null,
    });
    if (!log.access) return;
    const place = exchangePlace(this.#gateway, this.#asked, this.#entered, x);
    const faulted = { fault: cause?.code ?? null, policy: cause?.policy ?? null };
    log.exchange({ ...place, status, ...faulted, durationMs, bytesIn, bytesOut });
  };

  #noteAnswer(status: number, waitedMs: number): void {
    this.#mark.answeredMs = this.#gateway.clock.monotonicMs();
    this.#mark.sentMs = this.#mark.answeredMs - waitedMs;
    this.#mark.status = status;
  }
}

/** Errors are followed by 'close', which is what counts. */
function ignoreError(): void {}
