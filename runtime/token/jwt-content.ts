/** The claims of a token that a policy makes, from texts of the bundle and of flow variables. It signs nothing. */
import type { Exchange } from "../context.ts";
import { instantMs, spanMs } from "../language/instant.ts";
import type { ClaimValue } from "./claims.ts";
import { parseObject } from "./compact.ts";
import { addMembers, noMembers } from "./members.ts";
import type { MadeHeader, Members } from "./members.ts";

/** What goes into the token; a member that is absent is not asked for, null is a variable without a value. */
export interface JwtContent extends MadeHeader {
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
  /** Further claims as a JSON object. */
  readonly claimsJson?: string | null;
}

/** Claims that the policy itself decides, whatever a variable says. */
const OWN_CLAIMS: readonly string[] = ["iss", "sub", "aud", "iat", "exp", "nbf", "jti"];

/** The claims; what has no value is left out. */
export function claimsOf(x: Exchange, content: JwtContent): Members | "GenerationFailed" {
  const { subject, issuer, audience, id, claims = [], claimsJson } = content;
  const nowMs = x.gateway.clock.wallMs();
  const made = noMembers();
  if (claimsJson !== undefined && claimsJson !== null) {
    const further = parseObject(claimsJson);
    if (further === null || OWN_CLAIMS.some((name) => Object.hasOwn(further, name))) return "GenerationFailed";
    for (const [name, value] of Object.entries(further)) made[name] = value;
  }
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

/** True when a variable has no value. */
export function isUnresolved({ kid, headers, claims, ...values }: JwtContent): boolean {
  if (kid === null || Object.values(values).includes(null)) return true;
  return [...(headers ?? []), ...(claims ?? [])].some(({ value }) => value === null);
}
