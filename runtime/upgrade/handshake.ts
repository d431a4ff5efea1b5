/**
 * One upgrade, from its request head to the 101 or to the answer that refuses it: guards, policies, the target's verified
 * handshake, response flows, the last look at revocations. All policies run here; none after the 101. It moves no frames.
 */
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { clientCertificate } from "../client-certificate.ts";
import { noLabels } from "../access/credential.ts";
import type { Timer } from "../clock.ts";
import type { Exchange } from "../context.ts";
import { enter, peerAddress, type Entered } from "../entry.ts";
import { fault, isFault, type Fault } from "../fault.ts";
import { listHas } from "../field-grammar.ts";
import type { Gateway } from "../gateway.ts";
import { hygieneResponse, upgradeOffer, write101, writeRequestHead } from "../head.ts";
import type { UpgradeAgreement, UpgradeOffer } from "../head.ts";
import type { Listener } from "../listen.ts";
import { isPending } from "../maybe.ts";
import { ResponseMessage } from "../message.ts";
import { originRefusal } from "../origin.ts";
import { chainsOf, failExchange, faultResponse, runChain, type ChainOwner } from "../run.ts";
import { addressTarget } from "../target/address.ts";
import { pickServer } from "../target/target.ts";
import type { AnswerFraming } from "./answer-body.ts";
import { closeFrameForTarget } from "./close-frame.ts";
import { closeReasons, TARGET_CLOSE_CODE, type CloseReasonId } from "./close-reason.ts";
import { RefusalAnswer } from "./refusal-answer.ts";
import { Session, type SessionAbort } from "./session.ts";
import { disown, HeldSocket, own, type SocketOwner } from "./socket-owner.ts";
import { Splice } from "./splice.ts";
import { TargetHandshake, type HandshakeOwner, type HandshakeResult } from "./target-handshake.ts";

/** What Connection holds and nothing else, nearly always. */
const UPGRADE = "Upgrade";

/** Which chain runs now; tells what its end means. */
type Stage = "request" | "target" | "response" | "answer" | "fault" | "refusing" | "over";

/** Takes an upgrade from a listener. The socket is this handshake's until the splice has it, or HTTP again. */
export function beginHandshake(gateway: Gateway, listener: Listener, incoming: IncomingMessage, socket: Socket, head: Buffer): void {
  new Handshake(gateway, listener, incoming, socket, head).begin(incoming);
}

class Handshake implements ChainOwner, HandshakeOwner, SessionAbort, SocketOwner {
  readonly #gateway: Gateway;
  readonly #listener: Listener;
  readonly #socket: Socket;
  readonly #address: string;
  readonly #startedMs: number;
  readonly #userAgent: string | null;
  readonly #method: string;
  /** The client wants no further answer on this connection (`Connection: close`). */
  readonly #asksToClose: boolean;
  /** Canonical path as the client asked for it; flows and targets may write another. */
  #path: string | null = null;
  #early: Buffer;
  #entered: Entered | null = null;
  #x: Exchange | null = null;
  #session: Session | null = null;
  #offer: UpgradeOffer | null = null;
  #target: TargetHandshake | null = null;
  #targetSentMs = 0;
  /** Set once the target has answered 101. */
  #accepted: { readonly socket: Socket; readonly rest: Buffer; readonly agreement: UpgradeAgreement } | null = null;
  /** Set once the target has answered anything else. */
  #answered: { readonly socket: Socket; readonly rest: Buffer; readonly framing: AnswerFraming } | null = null;
  #stage: Stage = "request";
  #apiTimer: Timer | null = null;
  #isCounted = false;
  /** What the record says when the target had accepted and nothing came of it. */
  #abandonReason: CloseReasonId = "refusedAfterAccept";

  constructor(gateway: Gateway, listener: Listener, incoming: IncomingMessage, socket: Socket, head: Buffer) {
    this.#gateway = gateway;
    this.#listener = listener;
    this.#socket = socket;
    this.#address = peerAddress(socket);
    this.#startedMs = gateway.clock.monotonicMs();
    this.#userAgent = gateway.log.access ? (incoming.headers["user-agent"] ?? null) : null;
    this.#method = incoming.method ?? "GET";
    this.#early = head;
    const { connection } = incoming.headers;
    this.#asksToClose = connection !== undefined && connection.length > UPGRADE.length && listHas(connection, "close");
    // Reading goes on while the decision is open, so that a client that leaves is noticed.
    own(socket, this);
  }

  begin(incoming: IncomingMessage): void {
    if (this.#gateway.refusing) return this.#refuseEarly(fault("gateway.Draining", "", null, ["Retry-After", "1"]), true);
    const entered = enter(this.#gateway, incoming, true);
    if ("fault" in entered) return this.#refuseEarly(entered.fault, entered.close);
    this.#entered = entered;
    this.#path = entered.request.path;
    const { program, session: route } = entered.deployed;
    if (program.webSocket.mode === "deny") return this.#refuseEarly(fault("protocol.websocket.UpgradeDenied"), false);
    const { request } = entered;
    const refusal = originRefusal(request, program.webSocket, this.#listener.scheme);
    if (refusal !== null) return this.#refuseEarly(fault("protocol.websocket.OriginDenied"), false);
    if (!this.#count()) return this.#refuseEarly(fault("gateway.Overload", "", null, ["Retry-After", "1"]), false);
    this.#offer = upgradeOffer(request);
    const session = Session.begin(this.#gateway.sessionServices, route, this.#address, this);
    if (session === null) return this.#refuseEarly(fault("gateway.Overload", "", null, ["Retry-After", "1"]), false);
    this.#session = session;
    if (!this.#watchCertificate(session)) return;
    const x = program.open({
      gateway: this.#gateway,
      program,
      request,
      socket: this.#socket,
      host: entered.host,
      pathSuffix: entered.pathSuffix,
      session,
      scheme: this.#listener.scheme,
    });
    this.#x = x;
    const { apiTimeoutMs } = program;
    if (apiTimeoutMs !== null) this.#apiTimer = this.#gateway.clock.setTimer(this.#onApiTimeout, apiTimeoutMs);
    runChain(x, chainsOf(x).request, this);
  }

  /** See ChainOwner. */
  chainDone(): void {
    const x = this.#x;
    if (x === null || this.#stage === "over" || this.#stage === "refusing") return;
    switch (this.#stage) {
      case "request":
        return x.target === null ? this.#nullRoute(x) : this.#connect(x);
      case "response":
        return this.#confirm(x);
      case "answer":
        return this.#answer(x);
      case "target":
      case "fault":
        return;
    }
  }

  /** See ChainOwner. */
  chainFaulted(): void {
    const x = this.#x;
    if (x === null || this.#stage === "over" || this.#stage === "refusing") return;
    this.#dropAccepted();
    this.#answer(x);
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
    if (result.kind === "failed") {
      this.#gateway.log.event("target_failed", { target: name, fault: result.fault, detail: result.detail }, "warn");
      return failExchange(x, fault(result.fault, result.detail), this);
    }
    this.#gateway.metrics.upstreamAnswered(x.program, name, this.#gateway.clock.monotonicMs() - this.#targetSentMs);
    const { head, socket, rest } = result;
    hygieneResponse(head);
    x.response = head;
    if (result.kind === "accepted") {
      this.#accepted = { socket, rest, agreement: result.agreement };
      this.#stage = "response";
      runChain(x, this.#chains(x).response, this);
      if (this.#stage === "response") this.#hold(socket);
      return;
    }
    head.removeHeader("content-length");
    this.#answered = { socket, rest, framing: result.framing };
    this.#stage = "answer";
    if (x.target?.isSuccess(head.status) === true) return runChain(x, this.#chains(x).response, this);
    const cause: Fault = { ...fault("messaging.adaptors.http.flow.ErrorResponseCode"), status: head.status, response: head };
    failExchange(x, cause, this);
  }

  /** See SessionAbort: a revocation, an expiry or an operator came before the 101. */
  onAbort(reason: CloseReasonId): void {
    this.#refuseFor(reason);
  }

  #chains(x: Exchange) {
    return x.trace === null ? x.program.plain : (x.program.traced ?? x.program.plain);
  }

  #nullRoute(x: Exchange): void {
    this.#stage = "answer";
    x.response ??= new ResponseMessage(200, "", []);
    x.response.content ??= "";
    runChain(x, this.#chains(x).response, this);
  }

  #connect(x: Exchange): void {
    const { target } = x;
    const offer = this.#offer;
    if (target === null || offer === null) throw new TypeError("invariant: a routed upgrade has a target and an offer");
    this.#stage = "target";
    let head: ReturnType<typeof writeRequestHead>;
    let address: ReturnType<typeof addressTarget>;
    try {
      address = addressTarget(x, target, pickServer(target));
      const host = x.request.headerLine("host") ?? x.host;
      const forwarded = { for: this.#address, proto: this.#listener.scheme, host };
      head = writeRequestHead(x.request, { host: address.host, upgrade: offer, forwarded });
    } catch (thrown) {
      return failExchange(x, thrown, this);
    }
    if (typeof head !== "string") {
      return failExchange(x, fault("steps.assignmessage.SetVariableFailed", head.refused), this);
    }
    if (this.#session !== null) this.#session.target = target.name;
    this.#targetSentMs = this.#gateway.clock.monotonicMs();
    const { limits, clock, scheduler } = this.#gateway;
    const { connectTimeoutMs, ioTimeoutMs } = target;
    const settings = { limits, clock, scheduler, connectTimeoutMs, ioTimeoutMs, isTls: target.scheme === "https" };
    const socket = target.connect(address.server, clock);
    socket.on("close", this.#gateway.metrics.upstreamOpened(x.program, target.name));
    this.#target = new TargetHandshake(socket, head, offer, settings, this);
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
    const isChanged = x.response.status !== 101 || x.response.content !== null;
    if (isChanged) return failExchange(x, fault("steps.assignmessage.SetVariableFailed", "a 101 has no other status and no body"), this);
    const head = write101(x.response, accepted.agreement);
    if (typeof head !== "string") {
      return failExchange(x, fault("steps.assignmessage.SetVariableFailed", head.refused), this);
    }
    this.#stage = "over";
    this.#uncount();
    const socket = this.#socket;
    socket.write(head, "latin1");
    const splice = new Splice(socket, accepted.socket, session, entered.deployed.splice, this.#gateway.clock);
    session.opened(splice);
    splice.open(this.#early, accepted.rest);
    this.#opened(x, session, accepted.agreement);
  }

  #opened(x: Exchange, session: Session, agreement: UpgradeAgreement): void {
    const { metrics, log, clock } = this.#gateway;
    const handshakeMs = clock.monotonicMs() - this.#startedMs;
    metrics.handshake(x.program, 101, handshakeMs);
    metrics.sessionOpened(x.program);
    if (log.access) log.upgraded({ ...this.#place(), id: session.id, handshakeMs, subprotocol: protocolLabel(agreement.protocol) });
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
    this.#dropAccepted();
    this.#answerWith(faultResponse(cause), cause);
  }

  /** A refusal that no fault rule sees. */
  #refuseEarly(cause: Fault, close: boolean): void {
    this.#answerWith(faultResponse(cause), cause, close);
  }

  #answerWith(response: ResponseMessage, cause: Fault | null, close = false): void {
    if (this.#stage === "over" || this.#stage === "refusing") return;
    this.#stage = "refusing";
    this.#target?.abort();
    this.#target = null;
    this.#leaveSession();
    this.#uncount();
    const { metrics, log, clock } = this.#gateway;
    const durationMs = clock.monotonicMs() - this.#startedMs;
    metrics.handshake(this.#entered?.deployed.program ?? null, response.status, durationMs);
    const socket = this.#socket;
    const earlyBytes = this.#early.length;
    // Bytes behind the head may be a smuggled request: they are dropped, and the connection with them.
    if (earlyBytes > 0) metrics.count("earlyBytes", earlyBytes);
    const isLast = close || this.#asksToClose || earlyBytes > 0 || this.#gateway.refusing;
    const answered = response.content === null ? this.#answered : null;
    if (answered === null) this.#answered?.socket.destroy();
    this.#answered = null;
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
        if (!log.access) return;
        const fault = cause?.code ?? null;
        const policy = cause?.policy ?? null;
        const line = { ...this.#place(), status: response.status, fault, policy, bytesIn: earlyBytes, bytesOut };
        log.exchange({ ...line, durationMs: clock.monotonicMs() - this.#startedMs });
      },
    });
    answer.start();
  }

  /** The target had accepted and the gateway refuses: it gets a close frame, then its connection ends. */
  #dropAccepted(): void {
    const accepted = this.#accepted;
    if (accepted === null) return;
    const { socket } = accepted;
    disown(socket);
    const { clock, limits } = this.#gateway;
    socket.end(closeFrameForTarget(TARGET_CLOSE_CODE, closeReasons.refusedAfterAccept.text, clock));
    socket.resume();
    clock.setTimer(() => socket.destroy(), limits.closeTimeoutMs);
  }

  #leaveSession(reason: CloseReasonId = this.#abandonReason): void {
    const session = this.#session;
    this.#session = null;
    if (session === null) return;
    session.abandon(this.#accepted !== null, reason);
  }

  /** See SocketOwner: the client's bytes before the 101. */
  socketData(bytes: Buffer): void {
    const total = this.#early.length + bytes.length;
    if (total > this.#gateway.limits.earlyBytesMax) {
      // What follows an upgrade request before its answer is refused; a client must wait for the 101 (RFC 6455 section 4.1).
      this.#dropAccepted();
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
    this.#target?.abort();
    this.#target = null;
    this.#dropAccepted();
    this.#answered?.socket.destroy();
    this.#leaveSession("clientLost");
    this.#uncount();
    const { metrics, log, clock } = this.#gateway;
    const durationMs = clock.monotonicMs() - this.#startedMs;
    metrics.handshake(this.#entered?.deployed.program ?? null, closeReasons.clientLost.status, durationMs);
    const socket = this.#socket;
    disown(socket);
    socket.destroy();
    if (!log.access) return;
    const line = { ...this.#place(), status: closeReasons.clientLost.status, fault: null, policy: null };
    log.exchange({ ...line, durationMs, bytesIn: this.#early.length, bytesOut: 0 });
  }

  readonly #onApiTimeout = (): void => {
    const x = this.#x;
    if (x === null || this.#stage === "over" || this.#stage === "refusing" || this.#stage === "answer") return;
    this.#target?.abort();
    this.#target = null;
    this.#stage = "fault";
    failExchange(x, fault("flow.APITimedOut"), this);
  };

  /** The response flows wait for something: until they go on, nothing is read of the target, whose end must be noticed. */
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

  /** A verified client certificate admits like any credential: the session ends when it expires. */
  #watchCertificate(session: Session): boolean {
    if (this.#listener.scheme !== "https") return true;
    const certificate = clientCertificate(this.#socket);
    if (certificate === null) return true;
    const credential = {
      kind: "certificate",
      policy: "",
      epoch: this.#gateway.revocations.epoch,
      expiresAtMs: certificate.notAfterMs,
      identities: [`certificate:${certificate.fingerprint}`],
      labels: noLabels,
      basis: null,
    } as const;
    session.addCredential(credential);
    if (session.expired() === null) return true;
    this.#refuseFor("certificateExpired");
    return false;
  }

  #count(): boolean {
    const { limits, handshakesByAddress } = this.#gateway;
    const ofAddress = handshakesByAddress.get(this.#address) ?? 0;
    if (this.#gateway.handshakes >= limits.handshakesMax || ofAddress >= limits.handshakesPerAddressMax) return false;
    this.#gateway.handshakes++;
    handshakesByAddress.set(this.#address, ofAddress + 1);
    this.#isCounted = true;
    return true;
  }

  /** The handshake is no longer under way. */
  #uncount(): void {
    if (this.#apiTimer !== null) this.#gateway.clock.clearTimer(this.#apiTimer);
    this.#apiTimer = null;
    if (!this.#isCounted) return;
    this.#isCounted = false;
    const { handshakesByAddress } = this.#gateway;
    this.#gateway.handshakes--;
    const left = (handshakesByAddress.get(this.#address) ?? 1) - 1;
    if (left > 0) handshakesByAddress.set(this.#address, left);
    else handshakesByAddress.delete(this.#address);
  }

  #place() {
    const entered = this.#entered;
    const program = entered?.deployed.program ?? null;
    const access = this.#x?.access ?? null;
    return {
      id: this.#x?.id ?? this.#gateway.clock.randomId(),
      environment: program?.environment ?? null,
      proxy: program?.proxy ?? null,
      endpoint: program?.endpoint ?? null,
      route: program?.basePath ?? null,
      target: this.#x?.target?.name ?? null,
      method: this.#method,
      path: this.#path,
      scheme: this.#listener.scheme,
      host: entered?.host ?? null,
      version: "1.1",
      clientAddress: this.#address,
      userAgent: this.#userAgent,
      app: access?.app.name ?? null,
      developer: access?.developer.id ?? null,
    };
  }
}

/** A subprotocol for the log. Clients put tokens among the subprotocols they offer, so what may be one is not written. */
function protocolLabel(protocol: string | null): string | null {
  return protocol === null || /^[A-Za-z0-9.-]{1,24}$/.test(protocol) ? protocol : "(not shown)";
}
