/**
 * The upgrade of one exchange at its target: a handshake with one server after the other, until one has answered or
 * none is left. A handshake is a GET without a body, so that it may be repeated until the first byte of an answer.
 */
import type { Socket } from "node:net";
import type { Exchange } from "../context.ts";
import { fault } from "../fault.ts";
import { writeRequestHead, type Forwarded, type UpgradeOffer } from "../message/head.ts";
import { addressTarget, hostFor } from "../target/address.ts";
import { firstServer, isUnhealthyAnswer, logTargetFailure, nextServer, serverFailed } from "../target/attempts.ts";
import type { Target, TargetServer } from "../target/target.ts";
import { noteAnswer, noteReceived, noteSent, noteTry } from "../target/times.ts";
import { TargetHandshake, type HandshakeOwner, type HandshakeResult } from "./target-handshake.ts";

export class TargetAttempts implements HandshakeOwner {
  readonly #x: Exchange;
  readonly #target: Target;
  readonly #offer: UpgradeOffer;
  readonly #forwarded: Forwarded;
  readonly #owner: HandshakeOwner;
  #server: TargetServer;
  #handshake: TargetHandshake | null = null;

  /**
   * Begins at once. Throws a fault when the address or a header is not valid, or no server is there. The owner hears of
   * the last result alone.
   */
  constructor(x: Exchange, target: Target, offer: UpgradeOffer, forwarded: Forwarded, owner: HandshakeOwner) {
    this.#x = x;
    this.#target = target;
    this.#offer = offer;
    this.#forwarded = forwarded;
    this.#owner = owner;
    this.#server = firstServer(x, target, addressTarget(x, target).server);
    try {
      this.#try();
    } catch (thrown) {
      this.#server.state?.leave();
      throw thrown;
    }
  }

  /** Drops the handshake; the owner hears nothing more. */
  abort(): void {
    this.#handshake?.abort();
    this.#handshake = null;
  }

  /** The time for the whole handshake is over: a server that was silent until now has failed. */
  expire(): void {
    if (this.#handshake !== null) serverFailed(this.#x, this.#target, "api.timeout");
    this.abort();
  }

  /** See HandshakeOwner. */
  handshakeDone(result: HandshakeResult): void {
    const x = this.#x;
    this.#handshake = null;
    if (result.kind === "failed") {
      logTargetFailure(x, result.fault, result.detail);
      serverFailed(x, this.#target, result.detail);
      if (!result.isAnswering && this.#tryNext()) return;
    } else if (isUnhealthyAnswer(x, this.#target, result.head.status) && this.#tryNext()) {
      result.socket.destroy();
      return;
    }
    if (result.kind !== "failed") noteAnswer(x, result.head.status);
    if (result.kind === "accepted") noteReceived(x);
    this.#owner.handshakeDone(result);
  }

  #tryNext(): boolean {
    const next = nextServer(this.#x, this.#target);
    if (next === null) return false;
    this.#server = next;
    this.#try();
    return true;
  }

  #try(): void {
    const { gateway, request, program } = this.#x;
    const { state, transport, host: address, port } = this.#server;
    const host = hostFor(this.#x, this.#server);
    const parts = { host, upgrade: this.#offer, forwarded: this.#forwarded, retained: this.#target.retainedHeaders };
    const head = writeRequestHead(request, parts);
    if (typeof head !== "string") throw fault("steps.assignmessage.SetVariableFailed", head.refused);
    const { limits, clock, scheduler, metrics } = gateway;
    const { connectTimeoutMs, ioTimeoutMs } = this.#target;
    const settings = { limits, clock, scheduler, connectTimeoutMs, ioTimeoutMs, isTls: transport.scheme === "https" };
    noteTry(this.#x);
    this.#x.trace?.asked(head, null);
    const socket: Socket = transport.connect(address, port);
    this.#x.targetSocket = socket;
    // The head leaves as soon as the connection stands.
    if (this.#x.targetTimes !== null) {
      socket.once(settings.isTls ? "secureConnect" : "connect", () => noteSent(this.#x));
    }
    socket.on("close", metrics.upstreamOpened(program, this.#target.name));
    // The server keeps the session until its connection is gone.
    if (state !== null) socket.on("close", state.leave);
    this.#handshake = new TargetHandshake(socket, head, this.#offer, settings, this);
  }
}
