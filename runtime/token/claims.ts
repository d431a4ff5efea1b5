/**
 * What a verified token's claims must say (RFC 7519 section 4.1, Apigee's VerifyJWT). Times are judged by the
 * caller's wall clock on every use, also of remembered tokens.
 */
import { isDeepStrictEqual } from "node:util";
import { isObject, member, parseObject, textMember } from "./compact.ts";
import type { JsonObject } from "./compact.ts";

/** Constant demands of a policy. */
export interface ClaimRules {
  readonly timeAllowanceMs: number;
  readonly ignoreIssuedAt: boolean;
  readonly requiredClaims: readonly string[];
  /** Longest time between nbf (else iat) and exp; null: any. */
  readonly lifespanMaxMs: number | null;
  /** That time begins with iat, whatever nbf says. */
  readonly lifespanFromIssue?: true;
}

/**
 * Demands whose values may come from flow variables; a member that is absent demands nothing, null matches nothing.
 */
export interface ClaimValues {
  readonly issuer?: string | null;
  readonly subject?: string | null;
  /** One of a comma-separated list must be among the token's audiences. */
  readonly audience?: string | null;
  readonly id?: string | null;
  readonly claims?: readonly ClaimValue[];
  /** A JSON object whose every member the token must have alike. */
  readonly claimsJson?: string | null;
  /** Of the token's header, not of its claims. */
  readonly headers?: readonly ClaimValue[];
}

/** A demanded further claim or header. */
export interface ClaimValue {
  readonly name: string;
  readonly type: "string" | "number" | "boolean" | "map";
  /** The claim is a list that has every value of the comma-separated `value`. */
  readonly isArray: boolean;
  readonly value: string | null;
}

/** Names are those of the `steps.jwt` faults. */
export type ClaimProblem =
  | "InvalidClaim"
  | "JwtAudienceMismatch"
  | "JwtIssuerMismatch"
  | "JwtSubjectMismatch"
  | "TokenExpired"
  | "TokenNotYetValid";

/** The last instant that a Date can hold; later expiries count as this one. */
const WALL_MS_MAX = 8_640_000_000_000_000;

/** When the token stops being accepted: its exp and the leeway (wall clock); null: never. */
export function expiryMs(claims: JsonObject, timeAllowanceMs: number): number | null {
  const expiry = member(claims, "exp");
  return typeof expiry === "number" ? Math.min(expiry * 1000 + timeAllowanceMs, WALL_MS_MAX) : null;
}

/** When the token was issued (wall clock); one that does not say counts as the oldest. */
export function issuedAtMs(claims: JsonObject): number {
  const issuedAt = member(claims, "iat");
  return typeof issuedAt === "number" ? issuedAt * 1000 : 0;
}

/** The first thing that is wrong, null when nothing is. */
export function claimProblem(
  claims: JsonObject,
  rules: ClaimRules,
  values: ClaimValues,
  wallMs: number,
): ClaimProblem | null {
  return timeProblem(claims, rules, wallMs) ?? demandProblem(claims, rules, values);
}

/** What is wrong whatever the time, null when nothing is. */
export function demandProblem(claims: JsonObject, rules: ClaimRules, values: ClaimValues): ClaimProblem | null {
  const { issuer, subject, audience, id } = values;
  if (issuer !== undefined && (issuer === null || textMember(claims, "iss") !== issuer)) return "JwtIssuerMismatch";
  if (subject !== undefined && (subject === null || textMember(claims, "sub") !== subject)) return "JwtSubjectMismatch";
  if (audience !== undefined && !isAddressedTo(claims, audience)) return "JwtAudienceMismatch";
  if (id !== undefined && (id === null || textMember(claims, "jti") !== id)) return "InvalidClaim";
  if (rules.requiredClaims.some((name) => member(claims, name) === undefined)) return "InvalidClaim";
  if (values.claims?.some((demand) => !meets(claims, demand)) === true) return "InvalidClaim";
  if (values.claimsJson !== undefined && !holdsAll(claims, values.claimsJson)) return "InvalidClaim";
  return isShortEnough(claims, rules) ? null : "InvalidClaim";
}

/** True when the header has every demanded member. */
export function meetsHeaders(header: JsonObject, { headers }: ClaimValues): boolean {
  return headers?.every((demand) => meets(header, demand)) ?? true;
}

/** What is wrong with the token's times now, null when nothing is. */
export function timeProblem(claims: JsonObject, rules: ClaimRules, wallMs: number): ClaimProblem | null {
  for (const name of ["exp", "nbf", "iat"]) {
    const value = member(claims, name);
    if (value !== undefined && !(typeof value === "number" && Number.isFinite(value))) return "InvalidClaim";
  }
  const expiresAtMs = expiryMs(claims, rules.timeAllowanceMs);
  if (expiresAtMs !== null && wallMs >= expiresAtMs) return "TokenExpired";
  const earliestMs = wallMs + rules.timeAllowanceMs;
  if (secondsMs(claims, "nbf") > earliestMs) return "TokenNotYetValid";
  return !rules.ignoreIssuedAt && secondsMs(claims, "iat") > earliestMs ? "TokenNotYetValid" : null;
}

/** A NumericDate in milliseconds, before all time when absent. */
function secondsMs(claims: JsonObject, name: string): number {
  const value = member(claims, name);
  return typeof value === "number" ? value * 1000 : Number.NEGATIVE_INFINITY;
}

/** A token that does not say when it begins, or ends, has no lifespan that is short enough. */
function isShortEnough(claims: JsonObject, { lifespanFromIssue, lifespanMaxMs }: ClaimRules): boolean {
  if (lifespanMaxMs === null) return true;
  const isFromIssue = lifespanFromIssue === true || member(claims, "nbf") === undefined;
  const startMs = secondsMs(claims, isFromIssue ? "iat" : "nbf");
  const expiry = member(claims, "exp");
  return typeof expiry === "number" && expiry * 1000 - startMs <= lifespanMaxMs;
}

function isAddressedTo(claims: JsonObject, wanted: string | null): boolean {
  if (wanted === null) return false;
  const audiences = audiencesOf(claims);
  return wanted.split(",").some((one) => audiences.includes(one.trim()));
}

/** The token's audiences, also when it names only one. */
export function audiencesOf(claims: JsonObject): readonly string[] {
  const audience = member(claims, "aud");
  if (typeof audience === "string") return [audience];
  return Array.isArray(audience) ? audience.filter((one) => typeof one === "string") : [];
}

function meets(claims: JsonObject, { name, type, isArray, value }: ClaimValue): boolean {
  const claim = member(claims, name);
  if (claim === undefined || value === null) return false;
  if (!isArray) return equals(claim, type, value);
  if (!Array.isArray(claim)) return false;
  return value.split(",").every((one) => claim.some((item: unknown) => equals(item, type, one.trim())));
}

function equals(claim: unknown, type: ClaimValue["type"], value: string): boolean {
  switch (type) {
    case "string":
      return claim === value;
    case "number":
      return typeof claim === "number" && value !== "" && claim === Number(value);
    case "boolean":
      return typeof claim === "boolean" && String(claim) === value;
    case "map":
      return isObject(claim) && equalsMap(claim, value);
  }
}

/** True when every member of the object is among the claims, and the same; a text that is no object never is. */
function holdsAll(claims: JsonObject, json: string | null): boolean {
  const wanted = json === null ? null : parseObject(json);
  if (wanted === null) return false;
  return Object.entries(wanted).every(([name, value]) => isDeepStrictEqual(member(claims, name), value));
}

function equalsMap(claim: JsonObject, text: string): boolean {
  try {
    return isDeepStrictEqual(claim, JSON.parse(text));
  } catch {
    return false;
  }
}
