/**
 * The flow variables `oauthv2accesstoken.<policy>.*`, read by name. It issues nothing.
 */
import type { Exchange, Value } from "../context.ts";

/** What a policy of OAuthV2 keeps for its variables. */
export interface IssuedVariables {
  readonly kind: "issued";
  /** By the variable's last part: `access_token`, `expires_in`, `developer.email`. */
  readonly fields: ReadonlyMap<string, string>;
}

/** `oauthv2accesstoken.<policy>.<name>`; null while the policy has not succeeded, and for what it does not tell. */
export function issuedVariable(x: Exchange, policy: string, name: string): Value {
  const kept = x.results?.[policy];
  return isIssued(kept) ? (kept.fields.get(name) ?? null) : null;
}

function isIssued(value: unknown): value is IssuedVariables {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "issued" && "fields" in value;
}
