/**
 * VerifyAPIKey: the key belongs to an approved app of an active developer, and a product of the key covers this call.
 */
import { admit, askStore, callOf } from "../access/admission.ts";
import type { Exchange, Value } from "../context.ts";
import { accessFault } from "../fault/access.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";

export interface VerifyApiKeyConfig {
  readonly name: string;
  /** The variable that holds the key, for the fault's text. */
  readonly variable: string;
  /** Somebody reads `verifyapikey.<policy>.*`. */
  readonly keep: boolean;
}

/** Fills the exchange's access and binds the session to the key. Faults: Apigee's of VerifyAPIKey. */
export function verifyApiKey(x: Exchange, config: VerifyApiKeyConfig, presented: Value): Maybe<void> {
  const { name, variable, keep } = config;
  if (presented === null || presented === "") throw accessFault("steps.oauth.v2.FailedToResolveAPIKey", variable, name);
  const key = String(presented);
  const { revocations, verified } = x.gateway;
  // Before the look-up: an event from here on is noticed, at the latest just before the 101.
  const { epoch } = revocations;
  return andThen(askStore(name, () => verified.key(key, callOf(x))), (grant) => {
    if (typeof grant === "string") throw accessFault(grant, "", name);
    admit(x, { policy: name, epoch, grant });
    if (keep) x.keep(name, grant);
  });
}
