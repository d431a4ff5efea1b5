/**
 * The relay of the body of a target's ordinary answer to an upgrade, bounded in bytes and time. The socket it
 * came over is destroyed behind it and never used again.
 */
import type { Socket } from "node:net";
import type { Clock, Timer } from "../clock.ts";
import type { Limits } from "../limits.ts";
import type { AnswerFraming } from "../target/answer-framing.ts";
import { ChunkedBody } from "../target/chunked-body.ts";

/** Takes an answer's content. */
export interface AnswerSink {
  /** The next content. False asks to wait until {@link AnswerRelay.resume}. */
  content(bytes: Buffer): boolean;
  /** The end, once: null when the body is complete, else what went wrong, for the log. */
  end(problem: string | null): void;
}

/** What a relay needs besides the answer. */
export interface RelaySettings {
  readonly limits: Limits;
  readonly clock: Clock;
  /** Time without a byte of the target after which the body counts as lost. */
  readonly ioTimeoutMs: number;
}

/** One answer's body on its way. It holds no bytes: what the sink does not take waits in the socket. */
export class AnswerRelay {
  readonly #socket: Socket;
  readonly #framing: AnswerFraming;
  readonly #settings: RelaySettings;
  readonly #sink: AnswerSink;
  readonly #chunked: ChunkedBody | null;
  #relayedBytes = 0;
  #isOver = false;
  #wantsMore = true;
  #timer: Timer | null = null;
  #lastByteMs = 0;

  constructor(socket: Socket, framing: AnswerFraming, settings: RelaySettings, sink: AnswerSink) {
    this.#socket = socket;
    this.#framing = framing;
    this.#settings = settings;
    this.#sink = sink;
    this.#chunked = framing.kind === "chunked" ? new ChunkedBody(settings.limits) : null;
  }

  /** Begins with what came behind the head. The socket must be paused and have an error listener. */
  start(rest: Buffer): void {
    if (this.#framing.kind === "none") return this.#finish(null);
    this.#lastByteMs = this.#settings.clock.monotonicMs();
    this.#socket.on("data", this.#onData).on("end", this.#onEnd).on("close", this.#onClose);
    this.#armTimer(this.#settings.ioTimeoutMs);
    if (rest.length > 0) this.#onData(rest);
    if (this.#isOver) return;
    if (this.#socket.destroyed) return this.#onClose();
    if (this.#wantsMore) this.#socket.resume();
  }

  /** The sink takes content again. */
  resume(): void {
    if (this.#isOver || this.#wantsMore) return;
    this.#wantsMore = true;
    this.#socket.resume();
  }

  /** Ends without another call to the sink: nobody wants the rest. */
  abort(): void {
    if (!this.#isOver) this.#release();
  }

  readonly #onData = (bytes: Buffer): void => {
    this.#lastByteMs = this.#settings.clock.monotonicMs();
    if (this.#chunked !== null) {
      const used = this.#chunked.push(bytes, this.#take);
      if (this.#isOver) return;
      if (used < 0) return this.#finish("chunked coding of the answer is broken");
      if (this.#chunked.done) this.#finish(null);
      return;
    }
    const left = (this.#framing.bytes ?? Infinity) - this.#relayedBytes;
    this.#take(bytes.length > left ? bytes.subarray(0, left) : bytes);
    if (!this.#isOver && this.#relayedBytes === this.#framing.bytes) this.#finish(null);
  };

  readonly #take = (content: Buffer): void => {
    if (this.#isOver) return;
    const allowed = this.#settings.limits.refusalBodyBytesMax - this.#relayedBytes;
    const taken = content.length > allowed ? content.subarray(0, allowed) : content;
    this.#relayedBytes += taken.length;
    if (taken.length > 0 && !this.#sink.content(taken)) {
      this.#wantsMore = false;
      this.#socket.pause();
    }
    if (taken.length < content.length) this.#finish("answer is larger than what is relayed");
  };

  readonly #onEnd = (): void => {
    this.#finish(this.#framing.kind === "close" ? null : "answer ended before its body did");
  };

  readonly #onClose = (): void => {
    this.#finish("connection broke inside the answer");
  };

  readonly #onTimer = (): void => {
    const quietMs = this.#settings.clock.monotonicMs() - this.#lastByteMs;
    this.#timer = null;
    if (quietMs < this.#settings.ioTimeoutMs) return this.#armTimer(this.#settings.ioTimeoutMs - quietMs);
    this.#finish(this.#wantsMore ? "answer stopped inside its body" : "answer was not taken in time");
  };

  #armTimer(delayMs: number): void {
    this.#timer = this.#settings.clock.setTimer(this.#onTimer, delayMs);
  }

  #finish(problem: string | null): void {
    if (this.#isOver) return;
    this.#release();
    this.#sink.end(problem);
  }

  #release(): void {
    this.#isOver = true;
    if (this.#timer !== null) this.#settings.clock.clearTimer(this.#timer);
    this.#socket.off("data", this.#onData).off("end", this.#onEnd).off("close", this.#onClose);
    this.#socket.destroy();
  }
}
