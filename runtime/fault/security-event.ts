/** Faults of RevokeBySecurityEvent: a part of the closed table (fault.ts), linked where they can be raised. */
import type { FaultRow } from "./row.ts";

const row = /* @__NO_SIDE_EFFECTS__ */ (status: number, text: string): FaultRow => ({
  status,
  text,
  category: "Step",
  subcategory: "Policy",
  failedPrefix: "securityevent",
});

/** By error code. */
export const securityEventFaults = {
  "steps.securityevent.InvalidRequest": row(400, "Not a security event that can be read: policy({})"),
  "steps.securityevent.InvalidKey": row(400, "No key verifies the security event: policy({})"),
  "steps.securityevent.InvalidIssuer": row(400, "Issuer mismatch: policy({})"),
  "steps.securityevent.InvalidAudience": row(400, "Audience mismatch: policy({})"),
  "steps.securityevent.AuthenticationFailed": row(400, "The security event does not verify: policy({})"),
} as const satisfies Record<string, FaultRow>;
