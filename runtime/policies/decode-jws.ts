/** DecodeJWS: takes a signature apart. Nothing that it says is proven. */
import type { Exchange, Value } from "../context.ts";
import { faultIn } from "../fault.ts";
import { jwsFaults } from "../fault/jws.ts";
import { tokenIn } from "../token/bearer.ts";
import { parseJws } from "../token/compact.ts";
import { jwsVariables } from "../token/jws-variables.ts";

export interface DecodeJwsConfig {
  readonly name: string;
  /** Word in front of the signature, without the space; empty: none. */
  readonly prefix: string;
  /** Without a signature nothing happens, instead of a fault. */
  readonly ignoreUnresolved: boolean;
  /** Somebody reads `jws.<policy>.*`. */
  readonly keep: boolean;
}

/** Keeps header and payload for the policy's variables. */
export function decodeJws(x: Exchange, config: DecodeJwsConfig, presented: Value): void {
  const { name, prefix, ignoreUnresolved, keep } = config;
  const jws = presented === null ? "" : tokenIn(String(presented), prefix);
  if (jws === "") {
    if (ignoreUnresolved) return;
    throw faultIn(jwsFaults, "steps.jws.InvalidJws", name, name);
  }
  const decoded = parseJws(jws, x.gateway.limits.jwtCharsMax);
  if (decoded === null) throw faultIn(jwsFaults, "steps.jws.FailedToDecode", name, name);
  if (keep) x.keep(name, jwsVariables(decoded, false));
}
