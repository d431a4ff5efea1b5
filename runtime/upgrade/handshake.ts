/**
 * One upgrade, from its request head to the 101 or to the answer that refuses it: guards, policies, the target's
 * verified handshake, response flows, the last look at revocations. All policies run here; none after the 101. It
 * moves no frames.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { certificateCredential } from "../client/certificate.ts";
import { noteAnswering } from "../flow/client-times.ts";
import type { Timer } from "../clock.ts";
import type { Exchange } from "../context.ts";
import { enter, openExchange, type Entered } from "../exchange/entry.ts";
import { fault, isFault, type Fault } from "../fault.ts";
import { listHas } from "../message/field-grammar.ts";
import type { Gateway } from "../gateway.ts";
import { hygieneResponse, upgradeOffer, write101 } from "../message/head.ts";
import type { UpgradeAgreement, UpgradeOffer } from "../message/head.ts";
import type { Listener } from "../listen/listen.ts";
import { isPending } from "../maybe.ts";
import { ResponseMessage } from "../message/message.ts";
import type { TargetMark } from "../observe/analytics-exchange.ts";
import { asked, type Asked } from "../observe/place.ts";
import { originRefusal } from "../exchange/origin.ts";
import {
  answerNull, endCalls, enterCall, failExchange, faultResponse, leaveCall, runAnswer, runChain, runSessionEnd,
  type ChainOwner,
} from "../flow/run.ts";
import type { AnswerFraming } from "../target/answer-framing.ts";
import { closeFrameForTarget } from "./close-frame.ts";
import { closeReasons, TARGET_CLOSE_CODE, type CloseReasonId } from "./close-reason.ts";
import { reportOpened, reportRefused, type HandshakePlace } from "./handshake-report.ts";
import { RefusalAnswer } from "./refusal-answer.ts";
import { agreedWith } from "./presented-credential.ts";
import type { CloseOfRefusal } from "./refusal-close.ts";
import { Session, type SessionAbort } from "./session.ts";
import { disown, endInOrder, HeldSocket, own, type SocketOwner } from "../socket-owner.ts";
import { Splice } from "./splice.ts";
import { TargetAttempts } from "./target-attempts.ts";
import type { HandshakeOwner, HandshakeResult } from "./target-handshake.ts";

/** What Connection holds and nothing else, nearly always. */
const UPGRADE = "Upgrade";

/** Which chain runs now; tells what its end means. */
type Stage = "request" | "target" | "response" | "answer" | "fault" | "refusing" | "over";

/** Takes an upgrade from a listener. The socket is this handshake's until the splice has it, or HTTP again. */
export function beginHandshake(
  gateway: Gateway,
  listener: Listener,
  incoming: IncomingMessage,
  socket: Socket,
  head: Buffer,
): void {
  new Handshake(gateway, listener, incoming, socket, head).begin(incoming);
}

class Handshake implements ChainOwner, HandshakeOwner, SessionAbort, SocketOwner {
  readonly #gateway: Gateway;
  readonly #listener: Listener;
  readonly #socket: Socket;
  readonly #asked: Asked;
  readonly #startedMs: number;
  /** The client wants no further answer on this connection (`Connection: close`). */
  readonly #asksToClose: boolean;
  #early: Buffer;
  #entered: Entered | null = null;
  #x: Exchange | null = null;
  #session: Session | null = null;
  #offer: UpgradeOffer | null = null;
  #target: TargetAttempts | null = null;
  readonly #mark: TargetMark = { sentMs: 0, answeredMs: 0, status: 0 };
  /** Set once the target has answered 101. */
  #accepted: { readonly socket: Socket; readonly rest: Buffer; readonly agreement: UpgradeAgreement } | null = null;
  /** Set once the target has answered anything else. */
  #answered: { readonly socket: Socket; readonly rest: Buffer; readonly framing: AnswerFraming } | null = null;
  #stage: Stage = "request";
  #apiTimer: Timer | null = null;
  #isCounted = false;
  /** Why it came to nothing after the target's 101. */
  #endedBy: CloseReasonId | null = null;
  /** It bears an Origin, as the handshakes of browsers do (RFC 6455 section 4.1). */
  readonly #isFromPage: boolean;
  /** What the record says when the target had accepted and nothing came of it. */
  #abandonReason: CloseReasonId = "refusedAfterAccept";

  constructor(gateway: Gateway, listener: Listener, incoming: IncomingMessage, socket: Socket, head: Buffer) {
    this.#gateway = gateway;
    this.#listener = listener;
    this.#socket = socket;
    this.#asked = asked(gateway, listener, incoming);
    this.#startedMs = gateway.clock.monotonicMs();
    this.#early = head;
    const { connection, origin } = incoming.headers;
    this.#isFromPage = origin !== undefined;
    this.#asksToClose = connection !== undefined && connection.length > UPGRADE.length && listHas(connection, "close");
    // Reading goes on while the decision is open, so that a client that leaves is noticed.
    own(socket, this);
  }

  begin(incoming: IncomingMessage): void {
    if (this.#gateway.refusing) return this.#refuseEarly(fault("gateway.Draining", "", null, ["Retry-After", "1"]), true);
    const entered = enter(this.#gateway, incoming, this.#asked, true);
    if ("fault" in entered) return this.#refuseEarly(entered.fault, entered.close);
    this.#entered = entered;
    const { request, deployed, clientAddress } = entered;
    const { program } = deployed;
    const { scheme } = this.#asked;
    if (program.webSocket.mode === "deny") return this.#refuseEarly(fault("protocol.websocket.UpgradeDenied"), false);
    const refusal = originRefusal(request, program.webSocket, scheme);
    if (refusal !== null) return this.#refuseEarly(fault("protocol.websocket.OriginDenied"), false);
    this.#isCounted = this.#gateway.handshakes.enter(clientAddress);
    const services = this.#gateway.sessionServices;
    this.#session = this.#isCounted ? Session.begin(services, deployed.session, clientAddress, this) : null;
    const session = this.#session;
    if (session === null) return this.#refuseEarly(fault("gateway.Overload", "", null, ["Retry-After", "1"]), false);
    this.#offer = upgradeOffer(request);
    const certificate = certificateCredential(this.#socket, this.#gateway.revocations.epoch);
    if (certificate !== null) session.addCredential(certificate);
    const expired = session.expired();
    if (expired !== null) return this.#refuseFor(expired);
    const x = openExchange(this.#gateway, entered, this.#socket, this.#asked, session);
    this.#x = x;
    const { apiTimeoutMs } = program;
    if (apiTimeoutMs !== null) this.#apiTimer = this.#gateway.clock.setTimer(this.#onApiTimeout, apiTimeoutMs);
    runChain(x, x.chains.request, this);
  }

  /** See ChainOwner. */
  chainDone(): void {
    const x = this.#x;
    if (x === null || this.#stage === "over" || this.#stage === "refusing") return;
    switch (this.#stage) {
      case "request":
        return this.#route(x);
      case "response":
      case "answer":
        return this.#finish(x);
      case "target":
      case "fault":
        return;
    }
  }

  /** See ChainOwner. */
  chainFaulted(): void {
    const x = this.#x;
    if (x === null || this.#stage === "over" || this.#stage === "refusing") return;
    this.#stage = "answer";
    this.#finish(x);
  }

  /** The answer of an exchange is there: for the client, or for the exchange that called. */
  #finish(x: Exchange): void {
    const { caller } = x;
    if (caller === null) return this.#stage === "response" ? this.#confirm(x) : this.#answer(x);
    this.#x = caller;
    leaveCall(x, caller, this);
  }

  #route(x: Exchange): void {
    const { target } = x;
    if (target === null) return this.#nullRoute(x);
    if (this.#session !== null && x.caller === null) this.#session.target = target.name;
    if (target.call === undefined) return this.#connect(x);
    const inner = enterCall(x, target.call, this);
    if (inner === null) return;
    this.#x = inner;
    runChain(inner, inner.chains.request, this);
  }

  /** See HandshakeOwner. */
  handshakeDone(result: HandshakeResult): void {
    const x = this.#x;
    this.#target = null;
    if (x === null || this.#stage !== "target") {
      if (result.kind !== "failed") result.socket.destroy();
      return;
    }
    const name = x.target?.name ?? "";
    if (result.kind === "failed") return failExchange(x, fault(result.fault, result.detail), this);
    const { head, socket, rest } = result;
    this.#mark.answeredMs = this.#gateway.clock.monotonicMs();
    this.#mark.status = head.status;
    this.#gateway.metrics.upstreamAnswered(x.program, name, this.#mark.answeredMs - this.#mark.sentMs);
    hygieneResponse(head);
    x.trace?.answered(head);
    if (result.kind === "accepted") {
      this.#accepted = { socket, rest, agreement: result.agreement };
      this.#stage = "response";
      runAnswer(x, head, this);
      // Behind a fault in a called proxy its caller may have to wait for something as well.
      if (this.#stage === "response" || this.#stage === "answer") this.#hold(socket);
      return;
    }
    head.removeHeader("content-length");
    this.#answered = { socket, rest, framing: result.framing };
    this.#stage = "answer";
    runAnswer(x, head, this);
  }

  /** See SessionAbort: a revocation, an expiry or an operator came before the 101. */
  onAbort(reason: CloseReasonId): void {
    this.#refuseFor(reason);
  }

  #nullRoute(x: Exchange): void {
    this.#stage = "answer";
    answerNull(x);
    runChain(x, x.chains.response, this);
  }

  #connect(x: Exchange): void {
    const { target } = x;
    const offer = this.#offer;
    if (target === null || offer === null) throw new TypeError("invariant: a routed upgrade has a target and an offer");
    this.#stage = "target";
    this.#mark.sentMs = this.#gateway.clock.monotonicMs();
    x.span?.passOn(x.request);
    const { peer, scheme } = this.#asked;
    const forwarded = { for: peer, proto: scheme, host: this.#entered?.authority ?? "" };
    try {
      this.#target = new TargetAttempts(x, target, offer, forwarded, this);
    } catch (thrown) {
      failExchange(x, thrown, this);
    }
  }

  /** The response flows have run on the 101: the last look before it leaves. */
  #confirm(x: Exchange): void {
    const session = this.#session;
    if (session === null) return;
    let verdict: ReturnType<Gateway["revocations"]["confirm"]>;
    try {
      verdict = this.#gateway.revocations.confirm(session);
    } catch (thrown) {
      return this.#confirmFailed(x, thrown);
    }
    if (!isPending(verdict)) return this.#confirmed(x, verdict);
    verdict
      .then(
        (reason) => this.#confirmed(x, reason),
        (thrown: unknown) => this.#confirmFailed(x, thrown),
      )
      .catch((defect: unknown) => this.#gateway.defect(defect));
  }

  #confirmFailed(x: Exchange, thrown: unknown): void {
    if (this.#stage !== "response") return;
    failExchange(x, isFault(thrown) ? thrown : fault("gateway.StoreUnavailable"), this);
  }

  #confirmed(x: Exchange, reason: CloseReasonId | null): void {
    if (this.#stage !== "response") return;
    if (reason !== null) return this.#refuseFor(reason);
    const accepted = this.#accepted;
    const session = this.#session;
    const entered = this.#entered;
    if (accepted === null || session === null || entered === null || x.response === null) return;
    // Status and body of a 101 are the target's and nobody's (docs/differences.md).
    if (x.response.status !== 101 || x.response.content !== null) {
      return failExchange(x, fault("steps.assignmessage.SetVariableFailed", "a 101 has no other status and no body"), this);
    }
    const { agreement } = accepted;
    const { sessionIdHeader } = entered.deployed.program.webSocket;
    if (sessionIdHeader !== undefined) x.response.setHeader(sessionIdHeader, session.id);
    const head = write101(x.response, agreedWith(agreement, entered.credential));
    if (typeof head !== "string") {
      return failExchange(x, fault("steps.assignmessage.SetVariableFailed", head.refused), this);
    }
    this.#stage = "over";
    this.#letGo();
    const socket = this.#socket;
    noteAnswering(x);
    socket.write(head, "latin1");
    const { analytics } = this.#gateway;
    session.mark = analytics?.mark(this.#asked, x, this.#mark, this.#startedMs) ?? null;
    const splice = new Splice(socket, accepted.socket, session, entered.deployed.splice, this.#gateway.clock);
    if (x.chains.sessionEnd !== undefined) {
      session.onEnd = (record) => {
        runSessionEnd(x, record);
        analytics?.recapture(session.mark, x);
      };
    }
    session.opened(splice);
    splice.open(this.#early, accepted.rest);
    reportOpened(this.#place, x, session, agreement.protocol);
  }

  /** Writes `x.response`: a fault's answer, a null route's, or the target's own other than 101. */
  #answer(x: Exchange): void {
    const response = x.response ?? faultResponse(fault("gateway.InternalError"));
    // An interim status would leave the client waiting for another answer.
    if (response.status < 200) return this.#answerWith(faultResponse(fault("gateway.InternalError")), x.fault);
    this.#answerWith(response, x.fault);
  }

  #refuseFor(reason: CloseReasonId): void {
    const { status, text } = closeReasons[reason];
    const cause = { ...fault("gateway.SessionEnded", text), status };
    const standard = this.#entered?.deployed.session.closes[reason] ?? closeReasons[reason];
    this.#answerWith(faultResponse(cause), cause, false, standard.code === 0 ? null : standard);
  }

  /** A refusal that no fault rule sees. */
  #refuseEarly(cause: Fault, close: boolean): void {
    this.#answerWith(faultResponse(cause), cause, close);
  }

  #answerWith(
    response: ResponseMessage,
    cause: Fault | null,
    close = false,
    ending: CloseOfRefusal | null = null,
  ): void {
    if (this.#stage === "over" || this.#stage === "refusing") return;
    this.#stage = "refusing";
    if (this.#x !== null) noteAnswering(this.#x);
    this.#settle(response.status, this.#abandonReason);
    const { metrics, clock } = this.#gateway;
    const socket = this.#socket;
    const earlyBytes = this.#early.length;
    // Bytes behind the head may be a smuggled request: they are dropped, and the connection with them.
    if (earlyBytes > 0) metrics.count("earlyBytes", earlyBytes);
    const isLast = close || this.#asksToClose || earlyBytes > 0 || this.#gateway.refusing;
    const isTold = earlyBytes === 0 && this.#tell(response, cause, ending);
    const answered = response.content === null && !isTold ? this.#answered : null;
    if (answered === null) this.#answered?.socket.destroy();
    this.#answered = null;
    if (isTold) {
      this.#stage = "over";
      return this.#report(response.status, cause, 0);
    }
    const ioTimeoutMs = this.#x?.target?.ioTimeoutMs ?? this.#gateway.limits.ioTimeoutMs;
    disown(socket);
    const answer = new RefusalAnswer(socket, response, answered, {
      limits: this.#gateway.limits,
      clock,
      ioTimeoutMs,
      close: isLast,
      onLateBytes: (bytes) => metrics.count("earlyBytes", bytes),
      onDone: (bytesOut, isReusable) => {
        this.#stage = "over";
        if (isReusable) this.#listener.reattach(socket);
        this.#report(response.status, cause, bytesOut);
      },
    });
    answer.start();
  }

  /** Tells a browser by a close frame, where the endpoint wants that. False: it gets the ordinary answer. */
  #tell(response: ResponseMessage, cause: Fault | null, close: CloseOfRefusal | null): boolean {
    const entered = this.#entered;
    const offer = this.#isFromPage && entered !== null ? (this.#offer ?? upgradeOffer(entered.request)) : null;
    const tellRefusal = entered?.deployed.program.webSocket.tellRefusal;
    if (entered === null || tellRefusal === undefined || offer === null) return false;
    disown(this.#socket);
    const refusal = { response, cause, close, offer, echo: entered.credential?.echo ?? null };
    return tellRefusal(this.#socket, refusal, this.#gateway.clock, entered.deployed.splice.closeTimeoutMs);
  }

  /** The target had accepted and the gateway refuses: it gets a close frame, then its connection ends. */
  #dropAccepted(): void {
    const accepted = this.#accepted;
    if (accepted === null) return;
    const { socket } = accepted;
    disown(socket);
    const { clock, limits } = this.#gateway;
    socket.write(closeFrameForTarget(TARGET_CLOSE_CODE, closeReasons.refusedAfterAccept.text, clock));
    endInOrder(socket, clock, limits.closeTimeoutMs);
  }

  /** See SocketOwner: the client's bytes before the 101. */
  socketData(bytes: Buffer): void {
    const total = this.#early.length + bytes.length;
    if (total > this.#gateway.limits.earlyBytesMax) {
      // What follows an upgrade request before its answer is refused: a client must wait (RFC 6455 section 4.1).
      return this.#refuseEarly(fault("protocol.http.BadRequest", "too many bytes before the 101"), true);
    }
    this.#early = this.#early.length === 0 ? bytes : Buffer.concat([this.#early, bytes], total);
  }

  /** See SocketOwner. */
  socketEnd(): void {
    this.#left();
  }

  /** See SocketOwner. */
  socketClose(): void {
    this.#left();
  }

  /** See SocketOwner. */
  socketDrain(): void {}

  /** The client is gone, or sends no more, which is the same before the 101. */
  #left(): void {
    if (this.#stage === "over" || this.#stage === "refusing") return;
    this.#stage = "over";
    const { status } = closeReasons.clientLost;
    this.#settle(status, "clientLost");
    this.#answered?.socket.destroy();
    const socket = this.#socket;
    disown(socket);
    socket.destroy();
    this.#report(status, null, 0);
  }

  /** There will be no 101: target and session are let go of. `reason`: what a session's record says, if it has one. */
  #settle(status: number, reason: CloseReasonId): void {
    this.#target?.abort();
    this.#target = null;
    this.#dropAccepted();
    const session = this.#session;
    if (session !== null && this.#accepted !== null) this.#endedBy = session.endReason ?? reason;
    session?.abandon(this.#accepted !== null, reason);
    this.#session = null;
    this.#letGo();
    const { metrics, clock } = this.#gateway;
    metrics.handshake(this.#entered?.deployed.program ?? null, status, clock.monotonicMs() - this.#startedMs);
  }

  /** The handshake is no longer under way. */
  #letGo(): void {
    if (this.#apiTimer !== null) this.#gateway.clock.clearTimer(this.#apiTimer);
    this.#apiTimer = null;
    if (this.#isCounted) this.#gateway.handshakes.leave(this.#entered?.clientAddress ?? "");
    this.#isCounted = false;
  }

  readonly #onApiTimeout = (): void => {
    const x = this.#x;
    if (x === null || this.#stage === "over" || this.#stage === "refusing" || this.#stage === "answer") return;
    this.#target?.expire();
    this.#target = null;
    this.#stage = "fault";
    this.#x = endCalls(x);
    failExchange(this.#x, fault("flow.APITimedOut"), this);
  };

  /**
   * The response flows wait for something: until they go on, nothing is read of the target, whose end must be noticed.
   */
  #hold(socket: Socket): void {
    socket.pause();
    own(socket, new HeldSocket(() => this.#targetLost()));
  }

  #targetLost(): void {
    const x = this.#x;
    if (x === null || this.#stage !== "response") return;
    // The response flow may still wait for something; what becomes of it does not matter any more.
    this.#stage = "fault";
    this.#abandonReason = "targetLost";
    failExchange(x, fault("messaging.adaptors.http.flow.UnexpectedEOFAtTarget"), this);
  }

  /** For the reports about it. */
  get #place(): HandshakePlace {
    return {
      gateway: this.#gateway,
      socket: this.#socket,
      asked: this.#asked,
      entered: this.#entered,
      startedMs: this.#startedMs,
      mark: this.#mark,
    };
  }

  #report(status: number, cause: Fault | null, bytesOut: number): void {
    if (this.#x !== null) this.#x = endCalls(this.#x);
    const bytesIn = this.#early.length;
    reportRefused(this.#place, this.#x, { status, cause, bytesIn, bytesOut, endedBy: this.#endedBy });
  }
}
