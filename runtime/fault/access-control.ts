/** Faults of AccessControl: a part of the closed table (fault.ts), linked where they can be raised. */
import type { FaultRow } from "./row.ts";

const row = /* @__NO_SIDE_EFFECTS__ */ (status: number, text: string): FaultRow => ({
  status,
  text,
  category: "Step",
  subcategory: "Policy",
  failedPrefix: "acl",
});

/** By error code. */
export const accessControlFaults = {
  "accesscontrol.IPDeniedAccess": row(403, "Access Denied for client ip : {}"),
  "accesscontrol.InvalidRulePattern": row(500, "Invalid IP rule pattern {}"),
  "accesscontrol.InvalidIPAddressInVariable": row(500, "Invalid IP address in variable {}"),
} as const satisfies Record<string, FaultRow>;
