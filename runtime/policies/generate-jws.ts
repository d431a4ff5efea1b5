/** GenerateJWS: a signature over any text, with the text in it or left out (RFC 7515 appendix F). */
import { Buffer } from "node:buffer";
import type { Exchange } from "../context.ts";
import { faultIn } from "../fault.ts";
import { jwsFaults } from "../fault/jws.ts";
import type { MadeHeader } from "../token/members.ts";
import type { KeyText } from "../token/private-key.ts";
import { signCompact } from "../token/signing.ts";
import type { SigningRules } from "../token/signing.ts";

export interface GenerateJwsConfig extends SigningRules {
  /** The payload is left out of the result. */
  readonly detach: boolean;
  /** A header without a value is left out, instead of a fault. */
  readonly ignoreUnresolved: boolean;
  /** Somebody reads `jws.<policy>.generated_jws`. */
  readonly keep: boolean;
}

/** What is signed; null: a variable of it has no value. */
export interface JwsContent extends MadeHeader {
  readonly payload: string | null;
}

/** Signs and hands the result to `assign`. Throws the faults of `steps.jws`. */
export async function generateJws(
  x: Exchange,
  config: GenerateJwsConfig,
  key: KeyText,
  content: JwsContent,
  assign: ((token: string) => void) | null,
): Promise<void> {
  const { name, detach, ignoreUnresolved, keep } = config;
  const { payload, kid, headers = [] } = content;
  const isUnresolved = kid === null || headers.some(({ value }) => value === null);
  if (payload === null || (isUnresolved && !ignoreUnresolved)) {
    throw faultIn(jwsFaults, "steps.jws.FailedToResolveVariable", name, name);
  }
  if (payload === "") throw faultIn(jwsFaults, "steps.jws.MissingPayload", name, name);
  const signed = await signCompact(x, config, key, content, { payload: Buffer.from(payload, "utf8"), type: null });
  if (typeof signed === "string") throw faultIn(jwsFaults, `steps.jws.${signed}`, name, name);
  const result = detach ? signed.token.replace(/\..*\./, "..") : signed.token;
  if (keep) x.keep(name, { kind: "issued", fields: new Map([["generated_jws", result]]) });
  assign?.(result);
}
