/** Faults of HMAC: a part of the closed table (fault.ts), linked where they can be raised. */
import type { FaultRow } from "./row.ts";

const row = /* @__NO_SIDE_EFFECTS__ */ (text: string): FaultRow => ({
  status: 401,
  text,
  category: "Step",
  subcategory: "Authentication",
  failedPrefix: "hmac",
});

/** By error code. */
export const hmacFaults = {
  "steps.hmac.UnresolvedVariable": row("HMAC[{}]: unable to resolve variable"),
  "steps.hmac.EmptySecretKey": row("HMAC[{}]: the secret key is empty"),
  "steps.hmac.HmacCalculationFailed": row("HMAC[{}]: the hash cannot be calculated"),
  "steps.hmac.EmptyVerificationValue": row("HMAC[{}]: the verification value is empty"),
  "steps.hmac.HmacVerificationFailed": row("HMAC[{}]: the hash is not the expected one"),
} as const satisfies Record<string, FaultRow>;
