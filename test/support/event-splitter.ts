/** Runs pieces of an event stream through a splitter. */
import { Buffer } from "node:buffer";
import { EventSplitter } from "#runtime/body/event-splitter.ts";
import { fault } from "#runtime/fault.ts";
import type { Exchange } from "#runtime/context.ts";
import { HeldBytes } from "#runtime/body/held-bytes.ts";

export interface SplitOutcome {
  readonly events: readonly string[];
  readonly sent: Buffer;
  readonly failure: unknown;
}

/** What goes out of all pieces together, and which events there were. */
export function splitter(
  pieces: readonly Buffer[],
  change: (event: Buffer, count: number) => Buffer,
  bytesMax = 1_000_000,
): SplitOutcome {
  const gateway = { heldBytes: 0, limits: { heldBodiesBytesMax: 10_000_000 } };
  const x = { gateway, wire: {}, heldBytes: 0 } as unknown as Exchange;
  const tooBig = fault("protocol.http.TooBigBody");
  const events: string[] = [];
  const split = new EventSplitter(new HeldBytes(x, bytesMax, tooBig, 0), { bytesMax, tooBig }, (event) => {
    events.push(event.toString("latin1"));
    return change(event, events.length);
  });
  const sent: Buffer[] = [];
  for (const bytes of pieces) if (split.failure === null) sent.push(Buffer.from(split.take(bytes)));
  if (split.failure === null) sent.push(split.end());
  return { events, sent: Buffer.concat(sent), failure: split.failure?.thrown ?? null };
}
