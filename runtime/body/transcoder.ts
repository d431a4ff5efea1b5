/**
 * Bodies from one content coding into another while they stream: with back-pressure, without waiting for more than has
 * come, what is decoded within a bound. It knows no messages.
 */
import { constants, createDeflate, createGzip, deflate, gzip, type Gunzip, type Gzip } from "node:zlib";
import { decoder, type Coding } from "./encoding.ts";
import type { Fault } from "../fault.ts";

/** From where to where, and within what. */
export interface RecodingSpec {
  /** Null: the body is not encoded. */
  readonly from: Coding | null;
  readonly to: Coding | null;
  /** Of a body that has to be decoded: a small one may become large. */
  readonly decodedBytesMax: number;
  readonly tooBig: Fault;
  /** The body is not encoded as it says. */
  readonly broken: Fault;
}

/** Takes what comes out. */
export interface CodedSink {
  /** False: it takes no more before {@link Transcoder.drained}. */
  coded(bytes: Buffer): boolean;
  /** Everything has come out. */
  codedEnd(): void;
  /** The body cannot be decoded; nothing more comes. */
  codedFailed(cause: Fault): void;
  /** What goes in is taken again, after `write` returned false. */
  codedReady(): void;
}

type Stage = Gunzip | Gzip;

export class Transcoder {
  readonly #spec: RecodingSpec;
  readonly #sink: CodedSink;
  /** Null until the first bytes tell which decoder it takes, and where there is nothing to undo. */
  #decoder: Stage | null = null;
  readonly #encoder: Stage | null;
  #first: Buffer | null = null;
  #decodedBytes = 0;
  #isOver = false;

  constructor(spec: RecodingSpec, sink: CodedSink) {
    this.#spec = spec;
    this.#sink = sink;
    const last = encoder(spec.to);
    this.#encoder = last;
    if (last === null) return;
    last.on("data", (bytes: Buffer) => this.#hand(last, bytes)).on("end", () => this.#ended());
    last.on("error", () => this.#fail(spec.broken));
    last.on("drain", () => {
      if (this.#decoder === null) sink.codedReady();
      else this.#decoder.resume();
    });
  }

  /** Takes more of the body. False: wait for `codedReady`. */
  write(bytes: Buffer): boolean {
    if (this.#isOver || bytes.length === 0) return true;
    const { from } = this.#spec;
    if (from === null) return this.#encoder?.write(bytes) ?? true;
    if (this.#decoder !== null) return this.#decoder.write(bytes);
    const begun = this.#first === null ? bytes : Buffer.concat([this.#first, bytes]);
    this.#first = begun;
    if (begun.length < 2) return true;
    return this.#begin(from, begun).write(begun);
  }

  /** The body is complete. */
  end(): void {
    if (this.#isOver) return;
    const { from } = this.#spec;
    if (from === null) return void this.#encoder?.end();
    if (this.#decoder !== null) return void this.#decoder.end();
    // Nothing is nothing in every coding; one byte is nothing in any.
    if (this.#first !== null) return this.#fail(this.#spec.broken);
    if (this.#encoder !== null) return void this.#encoder.end();
    this.#ended();
  }

  /** The sink takes bytes again. */
  drained(): void {
    (this.#encoder ?? this.#decoder)?.resume();
  }

  /** Nobody wants the rest. */
  destroy(): void {
    this.#isOver = true;
    this.#decoder?.destroy();
    this.#encoder?.destroy();
  }

  #begin(from: Coding, begun: Buffer): Stage {
    const stage = decoder(from, begun[0] ?? 0, begun[1] ?? 0);
    this.#decoder = stage;
    stage.on("error", () => this.#fail(this.#spec.broken)).on("drain", () => this.#sink.codedReady());
    stage.on("data", (bytes: Buffer) => this.#decoded(stage, bytes));
    stage.on("end", () => {
      if (this.#encoder === null) this.#ended();
      else this.#encoder.end();
    });
    return stage;
  }

  #decoded(stage: Stage, bytes: Buffer): void {
    this.#decodedBytes += bytes.length;
    if (this.#decodedBytes > this.#spec.decodedBytesMax) return this.#fail(this.#spec.tooBig);
    if (this.#encoder === null) return this.#hand(stage, bytes);
    if (!this.#encoder.write(bytes)) stage.pause();
  }

  /** What comes out of the last stage. */
  #hand(stage: Stage, bytes: Buffer): void {
    if (!this.#isOver && !this.#sink.coded(bytes)) stage.pause();
  }

  #ended(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sink.codedEnd();
  }

  #fail(cause: Fault): void {
    if (this.#isOver) return;
    this.destroy();
    this.#sink.codedFailed(cause);
  }
}

/** The same for a body in memory. Rejects with a fault. */
export function recode(body: Buffer, spec: RecodingSpec): Promise<Buffer> {
  const { from, to } = spec;
  if (from === null && to !== null) return encoded(body, to);
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    const transcoder = new Transcoder(spec, {
      coded: (bytes) => pieces.push(bytes) > 0,
      codedEnd: () => resolve(Buffer.concat(pieces)),
      codedFailed: reject,
      codedReady: () => undefined,
    });
    transcoder.write(body);
    transcoder.end();
  });
}

function encoded(body: Buffer, coding: Coding): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, bytes: Buffer): void => (error === null ? resolve(bytes) : reject(error));
    if (coding === "gzip") gzip(body, done);
    else deflate(body, done);
  });
}

/** What has come leaves at once: whoever waits for an event, or for a first page, does not wait for a block to fill. */
function encoder(coding: Coding | null): Stage | null {
  const options = { flush: constants.Z_SYNC_FLUSH };
  if (coding === null) return null;
  return coding === "gzip" ? createGzip(options) : createDeflate(options);
}
