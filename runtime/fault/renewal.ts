/** Faults of RenewSession: a part of the closed table (fault.ts), linked where they can be raised. */
import type { FaultRow } from "./row.ts";

const row = /* @__NO_SIDE_EFFECTS__ */ (status: number, text: string): FaultRow => ({
  status,
  text,
  category: "Step",
  subcategory: "Policy",
  failedPrefix: "renewsession",
});

/** By error code. */
export const renewalFaults = {
  "steps.renewsession.NothingProven": row(401, "No token to renew with"),
  "steps.renewsession.NoSession": row(400, "No session is named"),
  "steps.renewsession.NotRenewable": row(409, "The session has no token that this one can follow"),
  "steps.renewsession.AppDiffers": row(403, "The session belongs to another app"),
  "steps.renewsession.SubjectDiffers": row(403, "The session belongs to another subject"),
  "steps.renewsession.ScopeMissing": row(403, "The token lacks a scope of the session's"),
  "steps.renewsession.AccessDenied": row(403, "The token does not cover the session"),
} as const satisfies Record<string, FaultRow>;
