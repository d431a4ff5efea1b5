/** When an answer left for the client (`client.sent.*`, apigee-core section 6.2), where the proxy reads that. */
import type { Exchange } from "../context.ts";

/** Wall clock in milliseconds; null: not yet. */
export interface ClientTimes {
  start: number;
  end: number | null;
}

/** The answer begins to leave. */
export function noteAnswering(x: Exchange): void {
  if (x.program.readsClientTimes === true) x.clientTimes = { start: x.gateway.clock.wallMs(), end: null };
}

/** It has left, or its client has. */
export function noteSentAnswer(x: Exchange): void {
  if (x.clientTimes !== null) x.clientTimes.end = x.gateway.clock.wallMs();
}

/** `client.sent.start.timestamp` and its kin; -1 until everything has left, as for a flow that reads it too early. */
export function clientSent({ clientTimes }: Exchange, moment: keyof ClientTimes): number {
  return clientTimes === null || clientTimes.end === null ? -1 : (clientTimes[moment] ?? -1);
}

/** The same as text, in the form of `system.time`; empty until then. */
export function clientSentText(x: Exchange, moment: keyof ClientTimes): string {
  const ms = clientSent(x, moment);
  return ms < 0 ? "" : new Date(ms).toUTCString();
}
