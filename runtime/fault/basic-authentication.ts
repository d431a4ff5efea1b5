/** Faults of BasicAuthentication: a part of the closed table (fault.ts), linked where they can be raised. */
import type { FaultRow } from "./row.ts";

const row = /* @__NO_SIDE_EFFECTS__ */ (status: number, text: string): FaultRow => ({
  status,
  text,
  category: "Step",
  subcategory: "Policy",
  failedPrefix: "BasicAuthentication",
});

/** By error code. */
export const basicAuthenticationFaults = {
  "steps.basicauthentication.UnresolvedVariable": row(500, "BasicAuthentication[{}]: unable to resolve variable"),
  "steps.basicauthentication.InvalidBasicAuthenticationSource": row(500, "BasicAuthentication[{}]: the source is no valid Basic credential"),
} as const satisfies Record<string, FaultRow>;
