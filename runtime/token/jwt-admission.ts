/**
 * What VerifyJWT does around a token's proof: finding it in what was presented, the demands on its claims, and the
 * credential that the session watches. It proves nothing, and knows nothing of apps and products.
 */
import { watch } from "../access/admission.ts";
import { noLabels } from "../access/credential.ts";
import type { Credential } from "../access/credential.ts";
import { appIdentity } from "../access/identity.ts";
import type { Exchange, Value } from "../context.ts";
import { fault, faultIn } from "../fault.ts";
import { jwtFaults } from "../fault/jwt.ts";
import type { Fault } from "../fault.ts";
import { tokenIn } from "./bearer.ts";
import { demandProblem, expiryMs, meetsHeaders, timeProblem } from "./claims.ts";
import type { ClaimProblem, ClaimRules, ClaimValue, ClaimValues } from "./claims.ts";
import { textMember } from "./compact.ts";
import type { JwtProblem, VerifiedJwt } from "./verified-jwts.ts";

export interface JwtAdmissionRules extends ClaimRules {
  /** Name of the policy. */
  readonly name: string;
  /** Word in front of the token, without the space; empty: none. */
  readonly prefix: string;
  /** Somebody reads `jwt.<policy>.*`. */
  readonly keep: boolean;
  /** A demanded value that does not resolve is empty, which no token matches, instead of a fault of its own. */
  readonly ignoreUnresolved: boolean;
}

/** The token; throws when there is none, or when a demanded value does not resolve. */
export function presentedJwt(rules: JwtAdmissionRules, presented: Value, values: ClaimValues): string {
  const token = presented === null ? "" : tokenIn(String(presented), rules.prefix);
  if (token !== "" && (rules.ignoreUnresolved || !isUnresolved(values))) return token;
  throw refused(rules, "FailedToResolveVariable");
}

/**
 * Checks the claims of a proven token and binds the session to its expiry and to what a revocation can name. `epoch`:
 * `Revocations.epoch` as read before the proof. Throws the faults of `steps.jwt`.
 */
export function admitJwt(
  x: Exchange,
  rules: JwtAdmissionRules,
  values: ClaimValues,
  epoch: number,
  jwt: VerifiedJwt | JwtProblem | "revoked",
): void {
  if (typeof jwt === "string") throw refused(rules, jwt === "revoked" ? "InvalidToken" : jwt);
  const problem = timeProblem(jwt.claims, rules, x.gateway.clock.wallMs()) ?? unmetDemand(rules, values, jwt);
  if (problem !== null) throw refused(rules, problem);
  watchToken(x, rules, epoch, jwt);
  if (rules.keep) x.keep(rules.name, jwt);
}

/**
 * What the token does not say that it must; null when nothing. A remembered token belongs to one policy, and demands that
 * are constants are one object each time: what it met once it meets.
 */
function unmetDemand(rules: JwtAdmissionRules, values: ClaimValues, jwt: VerifiedJwt): ClaimProblem | null {
  if (jwt.met === values) return null;
  const problem = demandProblem(jwt.claims, rules, values);
  if (problem !== null) return problem;
  if (!meetsHeaders(jwt.header, values)) return "InvalidClaim";
  jwt.met = values;
  return null;
}

/** A remembered token belongs to one policy, so that only the epoch tells one of its credentials from the next. */
function watchToken(x: Exchange, rules: JwtAdmissionRules, epoch: number, jwt: VerifiedJwt): void {
  if (jwt.admitted?.epoch !== epoch) jwt.admitted = credentialOf(rules, epoch, jwt);
  watch(x, jwt.admitted);
}

function credentialOf(rules: JwtAdmissionRules, epoch: number, jwt: VerifiedJwt): Credential {
  const clientId = textMember(jwt.claims, "client_id");
  return {
    kind: "jwt",
    policy: rules.name,
    epoch,
    expiresAtMs: expiryMs(jwt.claims, rules.timeAllowanceMs),
    identities: clientId === null ? jwt.identities : [...jwt.identities, appIdentity(clientId)],
    issuedAtMs: jwt.issuedAtMs,
    labels: noLabels,
    basis: null,
  };
}

function isUnresolved({ audience, claims, claimsJson, headers, id, issuer, subject }: ClaimValues): boolean {
  if (issuer === null || subject === null || audience === null || id === null || claimsJson === null) return true;
  return hasUnresolved(claims) || hasUnresolved(headers);
}

function hasUnresolved(demands: readonly ClaimValue[] | undefined): boolean {
  return demands !== undefined && demands.some(({ value }) => value === null);
}

function refused(
  rules: JwtAdmissionRules,
  problem: JwtProblem | ClaimProblem | "FailedToResolveVariable",
): Fault {
  if (problem === "KeySetUnavailable") return fault("gateway.KeySetUnavailable", "", rules.name);
  return faultIn(jwtFaults, `steps.jwt.${problem}`, rules.name, rules.name);
}
