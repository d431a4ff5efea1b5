/** Faults of GenerateTicket and VerifyTicket: a part of the closed table (fault.ts), linked where they can be raised. */
import type { FaultRow } from "./row.ts";

const row = /* @__NO_SIDE_EFFECTS__ */ (status: number, text: string): FaultRow => ({
  status,
  text,
  category: "Step",
  subcategory: "Policy",
  failedPrefix: "ticket",
});

/** By error code. */
export const ticketFaults = {
  "steps.ticket.NothingProven": row(401, "Nothing proves who asks for a ticket"),
  "steps.ticket.InvalidTicket": row(401, "Invalid ticket"),
} as const satisfies Record<string, FaultRow>;
