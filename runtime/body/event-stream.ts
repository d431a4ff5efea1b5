/**
 * EventFlow (apigee-core section 3.4): a target's event stream on its way to the client, each event of it through the
 * flows of the endpoints that it passes. Linked where a bundle has such a flow; it writes to no socket.
 */
import { bringsBody } from "./framing.ts";
import type { Exchange } from "../context.ts";
import { EventSplitter } from "./event-splitter.ts";
import { fault, type Fault } from "../fault.ts";
import { HeldBytes } from "./held-bytes.ts";
import type { Maybe } from "../maybe.ts";
import type { ResponseMessage } from "../message/message.ts";
import { ServerEvent } from "./server-event.ts";

/** What the body of an answer goes through on its way to the client. */
export interface AnswerFilter {
  /** What ended it; null while nothing has. */
  readonly failure: { readonly thrown: unknown } | null;
  /** What goes on of these bytes; may be none. */
  take(bytes: Buffer): Buffer;
  /** The body has ended: what is left. */
  end(): Buffer;
}

/** An answer's filter, as the flows of several endpoints share it. */
export interface EventFlows extends AnswerFilter {
  /** Lets a flow see every event, behind those that are there. It waits for nothing. */
  add<X extends Exchange>(x: X, flow: (x: X) => Maybe<void>): void;
}

/**
 * Puts a flow into the way of the exchange's answer, if that is an event stream of a target. Throws
 * `UnsupportedEncoding` (502) for an encoded one, whose events nobody can see.
 */
export function eventFlow<X extends Exchange>(x: X, flow: (x: X) => Maybe<void>): void {
  const { wire, response } = x;
  if (wire === null || wire.answer === null || response === null || response.isHeld) return;
  if (!isEventStream(response) || !bringsBody(x, wire.answer)) return;
  const coding = response.headerJoined("content-encoding")?.trim().toLowerCase() ?? "";
  if (coding !== "" && coding !== "identity") {
    throw { ...fault("protocol.http.UnsupportedEncoding"), status: 502 } satisfies Fault;
  }
  // What goes out may be longer or shorter.
  response.removeHeader("content-length");
  (wire.events ??= new EventStream(x)).add(x, flow);
}

function isEventStream(response: ResponseMessage): boolean {
  const type = response.headerLine("content-type") ?? "";
  return type.split(";", 1)[0]?.trim().toLowerCase() === "text/event-stream";
}

class EventStream implements EventFlows {
  readonly #splitter: EventSplitter;
  readonly #flows: ((event: ServerEvent) => void)[] = [];
  #count = 0;

  constructor(x: Exchange) {
    const bytesMax = x.gateway.limits.eventBytesMax;
    const tooBig: Fault = { ...fault("protocol.http.TooBigBody"), status: 502 };
    const held = new HeldBytes(clientExchange(x), bytesMax, tooBig, 0);
    this.#splitter = new EventSplitter(held, { bytesMax, tooBig }, (bytes) => this.#event(bytes));
  }

  get failure(): { readonly thrown: unknown } | null {
    return this.#splitter.failure;
  }

  add<X extends Exchange>(x: X, flow: (x: X) => Maybe<void>): void {
    this.#flows.push((event) => {
      x.event = event;
      try {
        void flow(x);
      } finally {
        x.event = null;
      }
    });
  }

  take(bytes: Buffer): Buffer {
    return this.#splitter.take(bytes);
  }

  end(): Buffer {
    return this.#splitter.end();
  }

  #event(bytes: Buffer): Buffer {
    const event = new ServerEvent(bytes, ++this.#count);
    for (const flow of this.#flows) flow(event);
    return event.bytes;
  }
}

/** The exchange that the client began: its end gives back what is held. */
function clientExchange(x: Exchange): Exchange {
  let first = x;
  while (first.caller !== null) first = first.caller;
  return first;
}
