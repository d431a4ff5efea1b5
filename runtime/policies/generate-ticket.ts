/**
 * GenerateTicket: a one-time ticket for whatever the policies before it have verified. The ticket stands in the answer
 * and in this policy's variables, and nowhere else.
 */
import { askStore } from "../access/admission.ts";
import { mintTicket } from "../access/tickets.ts";
import type { Exchange } from "../context.ts";
import { faultIn } from "../fault.ts";
import { ticketFaults } from "../fault/ticket.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { IssuedVariables } from "../token/issued.ts";
import { jsonAnswer } from "../token/json-answer.ts";

export interface GenerateTicketConfig {
  readonly name: string;
  readonly lifetimeMs: number;
  /** The policy makes the answer. */
  readonly respond: boolean;
  /** Somebody reads `ticket.<policy>.*`. */
  readonly keep: boolean;
}

/** Makes a ticket, and answers with it. */
export function generateTicket(x: Exchange, { name, lifetimeMs, respond, keep }: GenerateTicketConfig): Maybe<void> {
  const { gateway, program, proven } = x;
  if (proven === null) throw faultIn(ticketFaults, "steps.ticket.NothingProven", "", name);
  const place = { proxy: program.proxy, environment: program.environment };
  return andThen(askStore(name, () => mintTicket(gateway, place, proven, lifetimeMs)), (minted) => {
    const { ticket, record, expiresAtMs } = minted;
    const seconds = Math.max(0, Math.floor((expiresAtMs - gateway.clock.wallMs()) / 1000));
    if (respond) x.response = jsonAnswer(JSON.stringify({ ticket, id: record.id, expires_in: seconds }));
    if (!keep) return;
    const fields = new Map([["value", ticket], ["id", record.id], ["expires_in", String(seconds)]]);
    x.keep(name, { kind: "issued", fields } satisfies IssuedVariables);
  });
}
