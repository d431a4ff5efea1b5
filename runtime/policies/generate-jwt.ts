/** GenerateJWT: a signed token of the claims that the policy names (RFC 7519). It verifies and remembers nothing. */
import { Buffer } from "node:buffer";
import type { Exchange } from "../context.ts";
import { fault } from "../fault.ts";
import type { Fault } from "../fault.ts";
import { instantMs, spanMs } from "../language/instant.ts";
import type { ClaimValue } from "../token/claims.ts";
import { addMembers, noMembers, signCompact } from "../token/signing.ts";
import type { Members, SigningHeader, SigningKey, SigningProblem, SigningRules } from "../token/signing.ts";

export interface GenerateJwtConfig extends SigningRules {
  /** What has no value is left out, instead of a fault. */
  readonly ignoreUnresolved: boolean;
  /** Somebody reads `jwt.<policy>.generated_jwt`. */
  readonly keep: boolean;
}

/** What goes into the token; a member that is absent is not asked for, null is a variable without a value. */
export interface JwtContent extends SigningHeader {
  readonly subject?: string | null;
  readonly issuer?: string | null;
  /** Several are parted by commas. */
  readonly audience?: string | null;
  /** Empty: a random one. */
  readonly id?: string | null;
  /** A span. */
  readonly expiresIn?: string | null;
  /** A span or an instant. */
  readonly notBefore?: string | null;
  readonly claims?: readonly ClaimValue[];
}

/** Makes the token and hands it to `assign`. Throws the faults of `steps.jwt`. */
export async function generateJwt(
  x: Exchange,
  config: GenerateJwtConfig,
  key: SigningKey,
  content: JwtContent,
  assign: ((token: string) => void) | null,
): Promise<void> {
  if (!config.ignoreUnresolved && isUnresolved(content)) throw refused(config, "FailedToResolveVariable");
  const claims = claimsOf(x, content);
  if (typeof claims === "string") throw refused(config, claims);
  const payload = Buffer.from(JSON.stringify(claims), "utf8");
  const signed = await signCompact(x, config, key, content, { payload, type: "JWT" });
  if (typeof signed === "string") throw refused(config, signed);
  if (config.keep) x.keep(config.name, { kind: "issued", fields: new Map([["generated_jwt", signed.token]]) });
  assign?.(signed.token);
}

function claimsOf(x: Exchange, content: JwtContent): Members | SigningProblem {
  const { subject, issuer, audience, id, claims = [] } = content;
  const nowMs = x.gateway.clock.wallMs();
  const made = noMembers();
  if (issuer !== undefined && issuer !== null) made["iss"] = issuer;
  if (subject !== undefined && subject !== null) made["sub"] = subject;
  if (audience !== undefined && audience !== null) made["aud"] = audiencesIn(audience);
  made["iat"] = Math.floor(nowMs / 1000);
  if (!addTimes(made, content, nowMs)) return "GenerationFailed";
  if (id !== undefined && id !== null) made["jti"] = id === "" ? x.gateway.clock.randomId() : id;
  return addMembers(made, claims) ?? made;
}

/** False when a time cannot be read. */
function addTimes(made: Members, { expiresIn, notBefore }: JwtContent, nowMs: number): boolean {
  if (expiresIn !== undefined && expiresIn !== null) {
    const span = spanMs(expiresIn);
    if (span === null) return false;
    made["exp"] = Math.floor((nowMs + span) / 1000);
  }
  if (notBefore !== undefined && notBefore !== null) {
    const span = spanMs(notBefore);
    const at = span === null ? instantMs(notBefore) : nowMs + span;
    if (at === null) return false;
    made["nbf"] = Math.floor(at / 1000);
  }
  return true;
}

/** One audience is a text, several are a list (RFC 7519 section 4.1.3). */
function audiencesIn(text: string): string | readonly string[] {
  const list = text.split(",").map((one) => one.trim());
  return list.length === 1 ? (list[0] ?? "") : list;
}

function isUnresolved({ kid, headers, claims, ...values }: JwtContent): boolean {
  if (kid === null || Object.values(values).includes(null)) return true;
  return [...(headers ?? []), ...(claims ?? [])].some(({ value }) => value === null);
}

function refused(config: GenerateJwtConfig, problem: SigningProblem | "FailedToResolveVariable"): Fault {
  return fault(`steps.jwt.${problem}`, config.name, config.name);
}
