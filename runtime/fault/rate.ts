/** Faults of SpikeArrest: a part of the closed table (fault.ts), linked where they can be raised. */
import type { FaultRow } from "./row.ts";

const row = /* @__NO_SIDE_EFFECTS__ */ (status: number, text: string): FaultRow => ({
  status,
  text,
  category: "Step",
  subcategory: "Policy",
  failedPrefix: "ratelimit",
});

/** By error code. */
export const rateFaults = {
  "policies.ratelimit.SpikeArrestViolation": row(429, "Spike arrest violation. Allowed rate : {}"),
  "policies.ratelimit.FailedToResolveSpikeArrestRate": row(500, "Failed to resolve Spike Arrest Rate reference {}"),
  "policies.ratelimit.InvalidMessageWeight": row(500, "Invalid message weight value {}"),
} as const satisfies Record<string, FaultRow>;
