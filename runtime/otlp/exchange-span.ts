/**
 * The place of one exchange in its trace: continued from what the client said or begun here, told to the target.
 * Whether anybody records it is decided once, when the exchange begins.
 */
import type { Clock } from "../clock.ts";
import type { Exchange } from "../context.ts";
import type { RequestMessage } from "../message/message.ts";
import type { SpanId } from "./span.ts";
import { isInShare, newSpanId, newTraceId, readTraceParent, writeTraceParent } from "./trace-context.ts";

/** Which exchanges of a proxy are recorded: a share of all, and those for which a condition holds. */
export interface Sampling {
  /** 0: none, 1: all. */
  readonly share: number;
  /** Decides before any flow runs; null: no condition is written. */
  readonly when: ((x: Exchange) => boolean) | null;
}

export class ExchangeSpan implements SpanId {
  readonly traceId: string;
  readonly spanId: string;
  /** The span that this one belongs to: the client's, or that of the calling proxy. Null: the trace begins here. */
  readonly parentId: string | null;
  /** The span of the request to the target. */
  readonly targetSpanId: string;
  readonly isSampled: boolean;
  readonly #isRandom: boolean;

  constructor(clock: Clock, x: Exchange, sampling: Sampling, followsParent: boolean) {
    this.spanId = newSpanId(clock);
    this.targetSpanId = newSpanId(clock);
    const caller = x.caller?.span ?? null;
    if (caller !== null) {
      this.traceId = caller.traceId;
      this.parentId = caller.spanId;
      this.isSampled = caller.isSampled;
      this.#isRandom = caller.#isRandom;
      return;
    }
    const parent = readTraceParent(x.request);
    this.traceId = parent?.traceId ?? newTraceId(clock);
    this.parentId = parent?.spanId ?? null;
    this.#isRandom = parent?.isRandom ?? true;
    const isAsked = followsParent && parent?.isSampled === true;
    this.isSampled = isAsked || isInShare(this.traceId, sampling.share) || isWanted(x, sampling);
  }

  /** Tells the target where in the trace its request stands, in place of what the client said or a policy wrote. */
  passOn(request: RequestMessage): void {
    const { traceId, targetSpanId: spanId, isSampled, parentId } = this;
    writeTraceParent(request, { traceId, spanId, isSampled, isRandom: this.#isRandom }, parentId !== null);
  }
}

function isWanted(x: Exchange, { when }: Sampling): boolean {
  if (when === null) return false;
  try {
    return when(x);
  } catch (defect) {
    x.gateway.defect(defect);
    return false;
  }
}
