/**
 * The flow variables `jwt.<policy>.*` of a token that was verified, decoded or generated, read by name when somebody
 * asks. It verifies nothing and needs no jose.
 */
import type { Exchange, Value } from "../context.ts";
import { audiencesOf } from "./claims.ts";
import { member, textMember } from "./compact.ts";
import type { CompactToken, JsonObject } from "./compact.ts";
import { issuedVariable } from "./issued.ts";

/** What VerifyJWT (`jwt`) and DecodeJWT keep. */
export interface KeptJwt extends CompactToken {
  readonly kind: "jwt" | "decodedJwt";
}

/** Registered claims and headers under Apigee's longer names. */
const CLAIMS: Readonly<Record<string, string>> = {
  subject: "sub",
  issuer: "iss",
  audience: "aud",
  expiry: "exp",
  issuedat: "iat",
  notbefore: "nbf",
  id: "jti",
};
const HEADERS: Readonly<Record<string, string>> = { algorithm: "alg", type: "typ" };

/**
 * `jwt.<policy>.<name>`, such as `claim.subject` or `decoded.header.kid`; null while the policy has not succeeded.
 */
export function jwtVariable(x: Exchange, policy: string, name: string): Value {
  const kept = x.results?.[policy];
  if (!isKeptJwt(kept)) return issuedVariable(x, policy, name);
  if (name.startsWith("claim.")) return claimVariable(kept.claims, name.slice("claim.".length));
  if (name.startsWith("header.")) return headerVariable(kept.header, name.slice("header.".length));
  if (name.startsWith("decoded.claim.")) return asValue(member(kept.claims, name.slice("decoded.claim.".length)));
  if (name.startsWith("decoded.header.")) return asValue(member(kept.header, name.slice("decoded.header.".length)));
  return ownVariable(x, kept, name);
}

function ownVariable(x: Exchange, jwt: KeptJwt, name: string): Value {
  switch (name) {
    case "valid":
      return jwt.kind === "jwt" ? true : null;
    case "header-json":
      return jwt.headerJson;
    case "payload-json":
      return jwt.claimsJson;
    case "payload-claim-names":
      return Object.keys(jwt.claims).join(",");
    case "is_expired":
      return secondsLeft(x, jwt) === 0;
    case "seconds_remaining":
      return secondsLeft(x, jwt);
    case "time_remaining_formatted":
      return timeLeftText(x, jwt);
    case "expiry_formatted":
      return expiryText(jwt);
    default:
      return null;
  }
}

/** Whole seconds until exp, 0 when it has passed, null without exp. */
function secondsLeft(x: Exchange, jwt: KeptJwt): number | null {
  const expiry = member(jwt.claims, "exp");
  if (typeof expiry !== "number") return null;
  return Math.max(0, Math.floor(expiry - x.gateway.clock.wallMs() / 1000));
}

/** Hours, minutes, seconds and milliseconds until exp: `00:59:59.926`. */
function timeLeftText(x: Exchange, jwt: KeptJwt): string | null {
  const expiry = member(jwt.claims, "exp");
  if (typeof expiry !== "number") return null;
  const leftMs = Math.max(0, expiry * 1000 - x.gateway.clock.wallMs());
  const padded = (number: number, digits: number): string => String(Math.floor(number)).padStart(digits, "0");
  const [hours, minutes, seconds] = [leftMs / 3_600_000, (leftMs / 60_000) % 60, (leftMs / 1000) % 60];
  return `${padded(hours, 2)}:${padded(minutes, 2)}:${padded(seconds, 2)}.${padded(leftMs % 1000, 3)}`;
}

function expiryText(jwt: KeptJwt): string | null {
  const expiry = member(jwt.claims, "exp");
  const date = new Date(typeof expiry === "number" ? expiry * 1000 : Number.NaN);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** Apigee counts these times in milliseconds. */
function claimVariable(claims: JsonObject, name: string): Value {
  if (name === "audience") return audiencesOf(claims).join(",") || null;
  const claim = member(claims, Object.hasOwn(CLAIMS, name) ? (CLAIMS[name] ?? name) : name);
  const isTime = name === "expiry" || name === "issuedat" || name === "notbefore";
  return isTime && typeof claim === "number" ? claim * 1000 : asValue(claim);
}

function headerVariable(header: JsonObject, name: string): Value {
  return textMember(header, Object.hasOwn(HEADERS, name) ? (HEADERS[name] ?? name) : name);
}

/** Text, numbers and booleans as they are; lists and objects as JSON. */
function asValue(value: unknown): Value {
  if (value === undefined || value === null) return null;
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  return JSON.stringify(value);
}

function isKeptJwt(value: unknown): value is KeptJwt {
  if (typeof value !== "object" || value === null || !("kind" in value)) return false;
  return (value.kind === "jwt" || value.kind === "decodedJwt") && "claims" in value;
}
