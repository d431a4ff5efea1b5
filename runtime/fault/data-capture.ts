/** Faults of DataCapture: a part of the closed table (fault.ts), linked where they can be raised. */
import type { FaultRow } from "./row.ts";

const row = /* @__NO_SIDE_EFFECTS__ */ (status: number, text: string): FaultRow => ({
  status,
  text,
  category: "Step",
  subcategory: "Policy",
  failedPrefix: "datacapture",
});

/** By error code. */
export const dataCaptureFaults = {
  "steps.datacapture.UnresolvedVariable": row(500, "DataCapture[{}]: unable to resolve variable"),
  "steps.datacapture.DataCollectorTypeMismatch": row(500, "DataCapture[{}]: value is not of the data collector's type"),
  "steps.datacapture.VariableCountLimitExceeded": row(500, "DataCapture[{}]: too many variables"),
  "steps.datacapture.VariableValueLimitExceeded": row(500, "DataCapture[{}]: value is too long"),
} as const satisfies Record<string, FaultRow>;
