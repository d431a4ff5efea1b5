/**
 * The flow variables of what a policy made (`oauthv2accesstoken.<policy>.*`, `hmac.<policy>.*`, `jws.<policy>.*`), read
 * by name. It makes nothing.
 */
import type { Exchange, Value } from "../context.ts";

/** What a policy keeps for its variables. */
export interface IssuedVariables {
  readonly kind: "issued";
  /** By the rest of the variable's name: `access_token`, `developer.email`, `output`. */
  readonly fields: ReadonlyMap<string, Value>;
}

/** `<prefix>.<policy>.<name>`; null while the policy has not succeeded, and for what it does not tell. */
export function issuedVariable(x: Exchange, policy: string, name: string): Value {
  const kept = x.results?.[policy];
  return isIssued(kept) ? (kept.fields.get(name) ?? null) : null;
}

function isIssued(value: unknown): value is IssuedVariables {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "issued" && "fields" in value;
}
