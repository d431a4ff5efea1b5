/**
 * Takes down when a target was asked and answered, for exchanges whose proxy reads that; for others it does nothing.
 */
import type { Exchange } from "../context.ts";

/** A try begins; what an earlier one left is gone. */
export function noteTry(x: Exchange): void {
  if (x.program.readsTargetTimes !== true) return;
  const sentStart = x.gateway.clock.wallMs();
  x.targetTimes = { sentStart, sentEnd: null, receivedStart: null, receivedEnd: null, status: null };
}

/** Everything is written. */
export function noteSent(x: Exchange): void {
  if (x.targetTimes !== null) x.targetTimes.sentEnd = x.gateway.clock.wallMs();
}

/** The head of the answer has come. */
export function noteAnswer(x: Exchange, status: number): void {
  if (x.targetTimes === null) return;
  x.targetTimes.receivedStart = x.gateway.clock.wallMs();
  x.targetTimes.status = status;
}

/** The answer is whole. */
export function noteReceived(x: Exchange): void {
  if (x.targetTimes !== null) x.targetTimes.receivedEnd = x.gateway.clock.wallMs();
}
