/**
 * The answer of a target to a plain request, as whoever passes it on reads it: the head, then the content as a stream
 * with back-pressure. It knows no socket; connection.ts feeds it.
 */
import { Readable } from "node:stream";
import type { HeaderLines } from "../message/message.ts";
import type { ReadHead } from "./response-head.ts";

/** What an answer takes from its head. */
export type AnswerHead = Pick<ReadHead, "status" | "reason" | "lines">;

/** Where an answer's content comes from. */
export interface AnswerSource {
  /** The reader takes content again. */
  resumeAnswer(): void;
  /** The reader wants no more of it. */
  dropAnswer(): void;
}

export class TargetAnswer extends Readable {
  readonly statusCode: number;
  readonly statusMessage: string;
  /** Header lines, name and value in turn, as sent. */
  readonly rawHeaders: HeaderLines;
  /** Trailer lines; known at the end of the content. */
  rawTrailers: HeaderLines = [];
  /** What the head says of the content's length; 0 where it says nothing. */
  readonly declaredBytes: number;
  /** True when the whole content has come. An answer that closes without is cut short. */
  complete = false;
  readonly #source: AnswerSource;

  constructor(head: AnswerHead, declaredBytes: number, source: AnswerSource) {
    super();
    this.statusCode = head.status;
    this.statusMessage = head.reason;
    this.rawHeaders = head.lines;
    this.declaredBytes = declaredBytes;
    this.#source = source;
  }

  /** The whole content has come. */
  finish(trailers: HeaderLines): void {
    this.complete = true;
    this.rawTrailers = trailers;
    this.push(null);
  }

  override _read(): void {
    this.#source.resumeAnswer();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (!this.complete) this.#source.dropAnswer();
    done(error);
  }
}
