/**
 * One upgrade handshake with a target, from a socket that is connecting to a verified 101, an ordinary answer, or a
 * failure. It sends a head that is written already and tells nobody anything before the final answer is judged.
 */
import type { Socket } from "node:net";
import type { Clock } from "../clock.ts";
import type { UpgradeAgreement, UpgradeOffer } from "../message/head.ts";
import type { Limits } from "../limits.ts";
import { ResponseMessage } from "../message/message.ts";
import { announcesBody, answerFraming, type AnswerFraming } from "../target/answer-framing.ts";
import { ResponseHeadReader } from "../target/response-head.ts";
import type { ReadHead } from "../target/response-head.ts";
import { NOT_SCHEDULED, type Scheduled, type Scheduler } from "../scheduler.ts";
import { disown, own, ownerOf, type SocketOwner } from "../socket-owner.ts";
import { checkSwitch } from "./switch-check.ts";

/** Fault codes a handshake can fail with; the last one is ours, the others are Apigee's. */
export type HandshakeFault =
  | "messaging.adaptors.http.flow.ServiceUnavailable"
  | "messaging.adaptors.http.flow.SslHandshakeFailed"
  | "messaging.adaptors.http.flow.GatewayTimeout"
  | "messaging.adaptors.http.flow.UnexpectedEOFAtTarget"
  | "messaging.adaptors.http.flow.BadUpgradeResponse";

/**
 * How a handshake came out. An accepted socket flows on: own it (socket-owner.ts) or pause it in the same turn, what
 * comes until then is dropped. An answered one is paused and, but for errors, has no listeners.
 */
export type HandshakeResult =
  | {
      readonly kind: "accepted";
      readonly head: ResponseMessage;
      readonly agreement: UpgradeAgreement;
      /** Bytes of the target's first frames that came with its head. */
      readonly rest: Buffer;
      readonly socket: Socket;
    }
  | {
      readonly kind: "answered";
      readonly head: ResponseMessage;
      readonly framing: AnswerFraming;
      readonly rest: Buffer;
      readonly socket: Socket;
    }
  | {
      readonly kind: "failed";
      readonly fault: HandshakeFault;
      /** For the log; quotes nothing the target sent. */
      readonly detail: string;
      /** Bytes of an answer had come. */
      readonly isAnswering: boolean;
    };

/** What handshakes of one route share. */
export interface HandshakeSettings {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** Time for the connection to stand, TLS included. */
  readonly connectTimeoutMs: number;
  /** Time from then until the final head is complete: a target that trickles bytes gains nothing by it. */
  readonly ioTimeoutMs: number;
  /** True when the socket is usable at `secureConnect` instead of `connect`. */
  readonly isTls: boolean;
}

/** Hears of the result, once, unless the handshake was aborted before. */
export interface HandshakeOwner {
  handshakeDone(result: HandshakeResult): void;
}

/** A handshake under way. */
export class TargetHandshake implements SocketOwner, Scheduled {
  readonly #socket: Socket;
  readonly #head: string;
  readonly #offer: UpgradeOffer;
  readonly #settings: HandshakeSettings;
  readonly #owner: HandshakeOwner;
  readonly #reader: ResponseHeadReader;
  #interimResponses = 0;
  #isConnected = false;
  /** TLS only: the TCP connection stands, so what fails now is the TLS handshake. */
  #isSecuring = false;
  #isAnswering = false;
  #isOver = false;
  /** See Scheduled. */
  dueMs: number;
  /** The scheduler's own. */
  scheduledAt = NOT_SCHEDULED;

  /**
   * Begins at once: watches the socket, and sends `head` (latin1) as soon as it is usable. The socket is connecting, or
   * connected if it is plain TCP, and has an error listener that stays.
   */
  constructor(socket: Socket, head: string, offer: UpgradeOffer, settings: HandshakeSettings, owner: HandshakeOwner) {
    this.#socket = socket;
    this.#head = head;
    this.#offer = offer;
    this.#settings = settings;
    this.#owner = owner;
    this.#reader = new ResponseHeadReader(settings.limits);
    this.dueMs = settings.clock.monotonicMs() + settings.connectTimeoutMs;
    settings.scheduler.schedule(this);
    own(socket, this);
    if (settings.isTls) socket.on("connect", onTcpConnect).on("secureConnect", onConnect);
    else socket.on("connect", onConnect);
    if (!settings.isTls && !socket.connecting) this.connected();
  }

  /** Drops the handshake and its socket; the owner hears nothing more. Harmless when it is over. */
  abort(): void {
    if (this.#isOver) return;
    this.#release(false);
    this.#socket.destroy();
  }

  /** @internal The socket is usable. */
  connected(): void {
    if (this.#isConnected) return;
    this.#isConnected = true;
    const { clock, scheduler, ioTimeoutMs } = this.#settings;
    this.dueMs = clock.monotonicMs() + ioTimeoutMs;
    this.#socket.write(this.#head, "latin1");
    scheduler.schedule(this);
  }

  /** @internal TCP is connected and TLS begins. */
  securing(): void {
    this.#isSecuring = true;
  }

  /** See SocketOwner. */
  socketData(bytes: Buffer): void {
    if (this.#isOver) return;
    this.#isAnswering = true;
    let left = bytes;
    do {
      const read = this.#reader.push(left);
      if (read === null) return;
      if (read.kind === "problem") return this.#failBadly(read.reason);
      if (read.status >= 200 || read.status === 101) return this.#judge(read);
      if (announcesBody(new ResponseMessage(read.status, read.reason, read.lines))) {
        return this.#failBadly("interim answer announces a body");
      }
      this.#interimResponses++;
      if (this.#interimResponses > this.#settings.limits.interimResponsesMax) {
        return this.#failBadly("too many interim answers");
      }
      left = read.rest;
    } while (left.length > 0);
  }

  /** See SocketOwner. */
  socketEnd(): void {
    if (!this.#isOver) this.#lost("target ended the connection");
  }

  /** See SocketOwner. */
  socketClose(): void {
    if (this.#isOver) return;
    const error: NodeJS.ErrnoException | null = this.#socket.errored;
    this.#lost(error === null ? "connection closed" : (error.code ?? error.name));
  }

  /** See SocketOwner. */
  socketDrain(): void {}

  /** The connection ended or failed before the final head. */
  #lost(detail: string): void {
    if (this.#isConnected) return this.#fail("messaging.adaptors.http.flow.UnexpectedEOFAtTarget", detail);
    if (this.#isSecuring) return this.#fail("messaging.adaptors.http.flow.SslHandshakeFailed", detail);
    this.#fail("messaging.adaptors.http.flow.ServiceUnavailable", detail);
  }

  /** The final head: nothing of it counts before it is verified. */
  #judge(read: ReadHead): void {
    const { limits } = this.#settings;
    const head = new ResponseMessage(read.status, read.reason, read.lines);
    const { rest } = read;
    const socket = this.#socket;
    if (read.status === 101) {
      if (read.version !== "1.1") return this.#failBadly("101 in HTTP/1.0");
      const agreement = checkSwitch(head, this.#offer, limits);
      if (typeof agreement === "string") return this.#failBadly(agreement);
      this.#release(true);
      return this.#owner.handshakeDone({ kind: "accepted", head, agreement, rest, socket });
    }
    const framing = answerFraming(head, read.version);
    if (typeof framing === "string") return this.#failBadly(framing);
    if (framing.bytes !== null && framing.bytes > limits.refusalBodyBytesMax) {
      return this.#failBadly("answer is larger than what is relayed");
    }
    this.#release(false);
    this.#owner.handshakeDone({ kind: "answered", head, framing, rest, socket });
  }

  /** See Scheduled. */
  fire(): void {
    if (this.#isConnected) this.#fail("messaging.adaptors.http.flow.GatewayTimeout", "no answer in time");
    else this.#fail("messaging.adaptors.http.flow.ServiceUnavailable", "no connection in time");
  }

  #failBadly(detail: string): void {
    this.#fail("messaging.adaptors.http.flow.BadUpgradeResponse", detail);
  }

  #fail(fault: HandshakeFault, detail: string): void {
    if (this.#isOver) return;
    this.#release(false);
    this.#socket.destroy();
    this.#owner.handshakeDone({ kind: "failed", fault, detail, isAnswering: this.#isAnswering });
  }

  /** The handshake is over. Unless its socket is handed on as it is, everything but the error listener comes off. */
  #release(isHandedOn: boolean): void {
    this.#isOver = true;
    this.dueMs = Infinity;
    this.#settings.scheduler.cancel(this);
    const socket = this.#socket;
    if (this.#settings.isTls) socket.off("connect", onTcpConnect).off("secureConnect", onConnect);
    else socket.off("connect", onConnect);
    if (isHandedOn) return;
    socket.pause();
    disown(socket);
  }
}

function onConnect(this: Socket): void {
  const owner = ownerOf(this);
  if (owner instanceof TargetHandshake) owner.connected();
}

function onTcpConnect(this: Socket): void {
  const owner = ownerOf(this);
  if (owner instanceof TargetHandshake) owner.securing();
}
