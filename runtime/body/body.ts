/**
 * Reads bodies into memory for what looks into them: decoded, within a bound for each body and one for the process, and
 * within a time from byte to byte. Bodies that nobody looks into never come here. It decides nothing about where they
 * go.
 */
import type { Readable } from "node:stream";
import { bringsBody, declaredBytes, hasBody } from "./framing.ts";
import type { Exchange } from "../context.ts";
import { codingOf, decode, encode, type Coding } from "./encoding.ts";
import { fault, type Fault } from "../fault.ts";
import { isForm } from "../message/form.ts";
import { HeldBytes } from "./held-bytes.ts";
import type { Maybe } from "../maybe.ts";
import type { Message } from "../message/message.ts";

const NO_BYTES: Buffer = /* @__PURE__ */ Buffer.alloc(0);

/** Reads the request's body; done at once when it is in memory, when there is none, or when it has left. */
export function requestBody(x: Exchange): Maybe<void> {
  const { request, wire } = x;
  if (request.isHeld) return;
  // An upgrade has none.
  if (wire === null) return request.hold(NO_BYTES, null);
  const { incoming } = wire;
  // Somebody else reads it, or one attempt has failed.
  if (incoming.readableFlowing !== null) return;
  if (!hasBody(incoming)) return request.hold(NO_BYTES, null);
  const coding = codingOf(request, 415);
  const bytesMax = x.program.requestBytesMax ?? x.gateway.limits.bodyBytesMax;
  const tooBig = fault("protocol.http.TooBigBody");
  const declared = declaredBytes(incoming);
  if (declared > bytesMax) throw tooBig;
  wire.askForBody();
  return new BodyReading(x, incoming, {
    declaredBytes: declared,
    bytesMax,
    tooBig,
    broken: fault("messaging.adaptors.http.flow.DecompressionFailureAtRequest"),
    idle: { timeoutMs: x.gateway.limits.ioTimeoutMs, tooSlow: fault("messaging.adaptors.http.flow.RequestTimeOut") },
  }).into(request, coding);
}

/** Reads the request's body where it is urlencoded; every other streams by. */
export function requestForm(x: Exchange): Maybe<void> {
  return isForm(x.request) ? requestBody(x) : undefined;
}

/** Reads the body of the target's answer; done at once when it is in memory or when there is none. */
export function responseBody(x: Exchange): Maybe<void> {
  const { response, wire } = x;
  if (wire === null || response === null || response.isHeld) return;
  const { answer } = wire;
  if (answer === null || answer.readableFlowing !== null) return;
  if (!bringsBody(x, answer)) return response.hold(NO_BYTES, null);
  const coding = codingOf(response, 502);
  const bytesMax = x.target?.responseBytesMax ?? x.gateway.limits.bodyBytesMax;
  const tooBig: Fault = { ...fault("protocol.http.TooBigBody"), status: 502 };
  if (answer.declaredBytes > bytesMax) throw tooBig;
  const broken = fault("messaging.adaptors.http.flow.DecompressionFailureAtResponse");
  // The request to the target has a deadline of its own.
  const bounds = { declaredBytes: answer.declaredBytes, bytesMax, tooBig, broken, idle: null };
  return new BodyReading(x, answer, bounds).into(response, coding);
}

interface ReadingBounds {
  /** What the head says of the length; 0 where it says nothing. */
  readonly declaredBytes: number;
  readonly bytesMax: number;
  readonly tooBig: Fault;
  /** What a body is that is not encoded as it says. */
  readonly broken: Fault;
  /** Time without a byte; null where somebody else watches. */
  readonly idle: { readonly timeoutMs: number; readonly tooSlow: Fault } | null;
}

/** One body on its way into memory. */
class BodyReading {
  readonly #x: Exchange;
  readonly #stream: Readable;
  readonly #bounds: ReadingBounds;
  readonly #held: HeldBytes;
  #lastMs: number;
  #resolve: (body: Buffer) => void = () => undefined;
  #reject: (cause: Fault) => void = () => undefined;
  #stopTimer: () => void = () => undefined;

  constructor(x: Exchange, stream: Readable, bounds: ReadingBounds) {
    this.#x = x;
    this.#stream = stream;
    this.#bounds = bounds;
    this.#held = new HeldBytes(x, bounds.bytesMax, bounds.tooBig, bounds.declaredBytes);
    this.#lastMs = x.gateway.clock.monotonicMs();
  }

  /** Reads to the end. Rejects with a fault; never settles when the sender breaks off, which its owner notices. */
  async into(message: Message, coding: Coding | null): Promise<void> {
    const encoded = await this.#all();
    if (coding === null || encoded.length === 0) {
      message.hold(encoded, null);
      this.#x.trace?.held(message);
      return;
    }
    const { bytesMax, tooBig, broken } = this.#bounds;
    const decoded = new HeldBytes(this.#x, bytesMax, tooBig, 0);
    await decode(encoded, coding, decoded, broken);
    message.hold(decoded.bytes, { bytes: encoded, again: (body) => encode(body, coding) });
    this.#x.trace?.held(message);
  }

  #all(): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      this.#stream.on("data", this.#onData).on("end", this.#onEnd).on("close", this.#stop);
      this.#watch();
    });
  }

  readonly #onData = (bytes: Buffer): void => {
    const cause = this.#held.append(bytes);
    if (cause !== null) return this.#fail(cause);
    this.#lastMs = this.#x.gateway.clock.monotonicMs();
  };

  readonly #onEnd = (): void => {
    this.#stop();
    this.#resolve(this.#held.bytes);
  };

  #watch(): void {
    const { idle } = this.#bounds;
    if (idle === null) return;
    const { clock } = this.#x.gateway;
    const leftMs = this.#lastMs + idle.timeoutMs - clock.monotonicMs();
    if (leftMs <= 0) return this.#fail(idle.tooSlow);
    const timer = clock.setTimer(() => this.#watch(), leftMs);
    this.#stopTimer = () => clock.clearTimer(timer);
  }

  #fail(cause: Fault): void {
    this.#stop();
    // What still comes is nobody's; whoever answers decides how much of it is waited for.
    this.#stream.pause();
    this.#reject(cause);
  }

  readonly #stop = (): void => {
    this.#stopTimer();
    this.#stream.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#stop);
  };
}
