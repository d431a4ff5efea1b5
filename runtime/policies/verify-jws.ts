/** VerifyJWS: a signature over any payload. It reads no claim and binds no session to anything. */
import type { Exchange, Value } from "../context.ts";
import { fault, faultIn } from "../fault.ts";
import { jwsFaults } from "../fault/jws.ts";
import type { Fault } from "../fault.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { tokenIn } from "../token/bearer.ts";
import { meetsHeaders } from "../token/claims.ts";
import type { ClaimValues } from "../token/claims.ts";
import { verifyJwsSignature } from "../token/jws.ts";
import type { JwsProblem, JwsRules } from "../token/jws.ts";
import { jwsVariables } from "../token/jws-variables.ts";

export interface VerifyJwsConfig extends JwsRules {
  /** Word in front of the signature, without the space; empty: none. */
  readonly prefix: string;
  /** The payload is beside the signature. */
  readonly isDetached: boolean;
  /** A demanded header that does not resolve is one that no signature has, instead of a fault of its own. */
  readonly ignoreUnresolved: boolean;
  /** Somebody reads `jws.<policy>.*`. */
  readonly keep: boolean;
}

/** What a request presents: the signature, and the payload of a detached one. */
export interface PresentedJws {
  readonly jws: Value;
  readonly content: Value;
}

/** Verifies a signature. Throws the faults of `steps.jws`. */
export function verifyJws(
  x: Exchange,
  config: VerifyJwsConfig,
  keyText: string,
  presented: PresentedJws,
  values: ClaimValues,
): Maybe<void> {
  const jws = presented.jws === null ? "" : tokenIn(String(presented.jws), config.prefix);
  const content = config.isDetached && presented.content !== null ? String(presented.content) : null;
  const isUnresolved = !config.ignoreUnresolved && values.headers?.some(({ value }) => value === null) === true;
  if (jws === "" || isUnresolved) throw refused(config, "FailedToResolveVariable");
  if (config.isDetached && content === null) throw refused(config, "MissingPayload");
  return andThen(verifyJwsSignature(x, config, keyText, { jws, content }), (found) => {
    if (typeof found === "string") throw refused(config, found);
    if (!meetsHeaders(found.header, values)) throw refused(config, "InvalidClaim");
    if (config.keep) x.keep(config.name, jwsVariables(found, true));
  });
}

function refused(config: VerifyJwsConfig, problem: JwsProblem | "FailedToResolveVariable" | "InvalidClaim"): Fault {
  if (problem === "KeySetUnavailable") return fault("gateway.KeySetUnavailable", "", config.name);
  return faultIn(jwsFaults, `steps.jws.${problem}`, config.name, config.name);
}
