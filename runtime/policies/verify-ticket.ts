/**
 * VerifyTicket: admits with a one-time ticket, and binds the session to everything that the ticket stands for. It is
 * spent whatever comes of it.
 */
import { askStore, callOf, watch } from "../access/admission.ts";
import { redeemTicket } from "../access/tickets.ts";
import type { Exchange, Value } from "../context.ts";
import { accessFault } from "../fault/access.ts";
import { ticketFaults } from "../fault/ticket.ts";
import { faultIn } from "../fault.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";

const INVALID = "steps.ticket.InvalidTicket";

/** `presented`: `websocket.credential`. */
export function verifyTicket(x: Exchange, name: string, presented: Value): Maybe<void> {
  if (presented === null || presented === "") throw faultIn(ticketFaults, INVALID, "", name);
  const { gateway } = x;
  const { revocations } = gateway;
  const { epoch } = revocations;
  const asking = askStore(name, () => {
    revocations.assertHearing();
    return redeemTicket(gateway, String(presented), callOf(x), epoch);
  });
  return andThen(asking, (redeemed) => {
    if (redeemed === INVALID) throw faultIn(ticketFaults, INVALID, "", name);
    if (typeof redeemed === "string") throw accessFault(redeemed, "", name);
    const { credentials, grant } = redeemed;
    // A key beside the ticket must be of the same app: else one client's ticket would be another one's access.
    if (grant !== null && x.access !== null && x.access.app.id !== grant.app.id) throw faultIn(ticketFaults, INVALID, "", name);
    x.access = grant ?? x.access;
    for (const credential of credentials) watch(x, credential);
  });
}
