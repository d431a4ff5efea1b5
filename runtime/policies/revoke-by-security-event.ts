/**
 * RevokeBySecurityEvent: an identity provider tells that a login, a subject or a token is over, and every replica ends
 * what it admitted. The token is verified like any other; it is no credential, and binds no session.
 */
import { askStore } from "../access/admission.ts";
import { revokeTokensOfDeveloper } from "../access/change.ts";
import { revokeTokensOf } from "../access/cutoff.ts";
import { digest } from "../access/digest.ts";
import { developerIdOf, endUserOf } from "../access/identity.ts";
import type { Identity } from "../access/identity.ts";
import { revokeJwts } from "../access/jwt-revocation.ts";
import type { Exchange, Value } from "../context.ts";
import { fault, faultIn } from "../fault.ts";
import { securityEventFaults } from "../fault/security-event.ts";
import type { Fault } from "../fault.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { ResponseMessage } from "../message/message.ts";
import { claimProblem, issuedAtMs } from "../token/claims.ts";
import type { ClaimValues } from "../token/claims.ts";
import { textMember } from "../token/compact.ts";
import { signedTokens } from "../token/jwt.ts";
import type { JwtRules } from "../token/jwt.ts";
import type { ReadNotice, SecurityNotice, SubjectRules } from "../token/security-event.ts";
import type { JwtProblem, JwtProver, ProvenJwt } from "../token/verified-jwts.ts";

export interface RevokeBySecurityEventConfig extends JwtRules {
  /** How the claims are read: as a logout token, or as a Security Event Token. */
  readonly read: ReadNotice;
  /** A Security Event Token is answered as RFC 8935 says, a logout token as OpenID Connect does. */
  readonly answer: "push" | "logout";
  /** Issuers besides the token's own whose subjects it may name. */
  readonly subjectIssuers: readonly string[];
  /** What subjects are here, by their format. */
  readonly meanings: SubjectRules["meanings"];
  /** How long a revocation is remembered: as long as the issuer's longest token lives. */
  readonly rememberMs: number;
  /** Content-Type that the request must have; null: any. */
  readonly contentType: string | null;
  /** The policy answers the request. */
  readonly respond: boolean;
  /** Somebody reads `securityevent.<policy>.*`. */
  readonly keep: boolean;
}

/** Why a token is refused: the last part of the fault's name. */
type Refusal = "AuthenticationFailed" | "InvalidAudience" | "InvalidIssuer" | "InvalidKey" | "InvalidRequest";

/** The error codes of RFC 8935 section 2.4. */
const ERRORS: Readonly<Record<Refusal, string>> = {
  AuthenticationFailed: "authentication_failed",
  InvalidAudience: "invalid_audience",
  InvalidIssuer: "invalid_issuer",
  InvalidKey: "invalid_key",
  InvalidRequest: "invalid_request",
};

/** Verifies a token, revokes what it names and answers. Throws the faults of `steps.securityevent`. */
export function revokeBySecurityEvent(
  x: Exchange,
  config: RevokeBySecurityEventConfig,
  keyText: string,
  presented: Value,
  values: ClaimValues,
): Maybe<void> {
  const token = presented === null ? "" : String(presented).trim();
  const type = x.request.header("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (config.contentType !== null && type !== config.contentType) throw refused(x, config, "InvalidRequest");
  if (token === "") throw refused(x, config, "InvalidRequest");
  return andThen(proverOf(x, config, keyText).prove(x, token), (proven) => {
    if (typeof proven === "string") throw ofProof(x, config, proven);
    const refusal = claimRefusal(x, config, proven, values);
    if (refusal !== null) throw refused(x, config, refusal);
    const { header, claims } = proven.token;
    const issuer = textMember(claims, "iss") ?? "";
    const { meanings, subjectIssuers } = config;
    const { organization } = x.gateway;
    const notice = config.read(header, claims, { issuers: [issuer, ...subjectIssuers], meanings, organization });
    if (notice === null) throw refused(x, config, "InvalidRequest");
    return andThen(askStore(config.name, () => carriedOut(x, config, proven, notice)), (isNew) => {
      tell(x, config, issuer, notice, isNew);
    });
  });
}

/** True when it was; false for a token that was carried out before, which must not end what began since. */
function carriedOut(
  x: Exchange,
  config: RevokeBySecurityEventConfig,
  { token: { claims } }: ProvenJwt,
  { identities }: SecurityNotice,
): Maybe<boolean> {
  const { store, clock, limits } = x.gateway;
  const at = `seen:${digest(JSON.stringify([textMember(claims, "iss"), textMember(claims, "jti")]))}`;
  const isOver = issuedAtMs(claims) + limits.securityEventAgeMaxMs + config.timeAllowanceMs;
  return andThen(store.get("meta", at), (seen) => {
    if (seen !== null) return false;
    // Marked as seen last: a gateway that dies in between hears of it again.
    return andThen(revokeAll(x, config, identities, 0), () =>
      andThen(store.put("meta", at, { note: "seen", atMs: clock.wallMs() }, { expiresAtMs: isOver }), () => true),
    );
  });
}

function revokeAll(
  x: Exchange,
  config: RevokeBySecurityEventConfig,
  identities: readonly Identity[],
  at: number,
): Maybe<void> {
  const identity = identities[at];
  if (identity === undefined) return undefined;
  return andThen(revokeOne(x, config, identity), () => revokeAll(x, config, identities, at + 1));
}

function revokeOne(x: Exchange, { rememberMs }: RevokeBySecurityEventConfig, identity: Identity): Maybe<unknown> {
  const { gateway } = x;
  const [developer, endUser] = [developerIdOf(identity), endUserOf(identity)];
  if (developer !== null) return revokeTokensOfDeveloper(gateway, developer);
  if (endUser === null) return revokeJwts(gateway, identity, gateway.clock.wallMs() + rememberMs);
  return revokeTokensOf(gateway, { appId: null, endUser }, { untilMs: null, cascade: true });
}

function tell(
  x: Exchange,
  config: RevokeBySecurityEventConfig,
  issuer: string,
  { events, identities, unknown }: SecurityNotice,
  isNew: boolean,
): void {
  const { log, metrics } = x.gateway;
  const [names, revoked] = [events.map(shortName).join(","), isNew ? identities.length : 0];
  metrics.count("securityEvents");
  metrics.count("securityEventsUnknown", unknown);
  log.event("security_event", { policy: config.name, issuer, events: names, revoked, unknown, replayed: !isNew });
  if (config.keep) {
    const fields: readonly [string, Value][] = [
      ["issuer", issuer],
      ["events", names],
      ["revoked", revoked],
      ["replayed", !isNew],
    ];
    x.keep(config.name, { kind: "issued", fields: new Map(fields) });
  }
  if (!config.respond) return;
  x.response = new ResponseMessage(config.answer === "push" ? 202 : 200, "", ["Cache-Control", "no-store"]);
  x.response.content = "";
}

/** Names of events are the sender's: what is no URL of a sane length is not shown. */
function shortName(event: string): string {
  const name = /([A-Za-z0-9_-]{1,64})\/?$/.exec(event)?.[1];
  return name ?? "other";
}

function claimRefusal(
  x: Exchange,
  config: RevokeBySecurityEventConfig,
  { token: { claims } }: ProvenJwt,
  values: ClaimValues,
): Refusal | null {
  const { timeAllowanceMs } = config;
  const rules = { timeAllowanceMs, ignoreIssuedAt: false, requiredClaims: ["iat", "jti"], lifespanMaxMs: null };
  const wallMs = x.gateway.clock.wallMs();
  const problem = claimProblem(claims, rules, values, wallMs);
  if (problem === "JwtIssuerMismatch") return "InvalidIssuer";
  if (problem === "JwtAudienceMismatch") return "InvalidAudience";
  if (problem !== null || textMember(claims, "jti") === null) return "InvalidRequest";
  // Older ones can no longer be told from those that were carried out.
  return wallMs - issuedAtMs(claims) > x.gateway.limits.securityEventAgeMaxMs ? "InvalidRequest" : null;
}

function ofProof(x: Exchange, config: RevokeBySecurityEventConfig, problem: JwtProblem): Fault {
  switch (problem) {
    case "KeySetUnavailable":
      return fault("gateway.KeySetUnavailable", "", config.name);
    case "AlgorithmMismatch":
    case "InsufficientKeyLength":
    case "KeyIdMissing":
    case "KeyParsingFailed":
    case "NoMatchingPublicKey":
    case "WrongKeyType":
      return refused(x, config, "InvalidKey");
    case "InvalidToken":
      return refused(x, config, "AuthenticationFailed");
    default:
      return refused(x, config, "InvalidRequest");
  }
}

/** The fault with the body that its sender understands. */
function refused(x: Exchange, config: RevokeBySecurityEventConfig, refusal: Refusal): Fault {
  x.gateway.metrics.count("securityEventsRefused");
  const made = faultIn(securityEventFaults, `steps.securityevent.${refusal}`, config.name, config.name);
  if (!config.respond) return made;
  const body =
    config.answer === "push"
      ? { err: ERRORS[refusal], description: made.text }
      : { error: "invalid_request", error_description: made.text };
  const response = new ResponseMessage(400, "", ["Content-Type", "application/json", "Cache-Control", "no-store"]);
  response.content = JSON.stringify(body);
  return { ...made, response };
}

/** What a policy keeps while the gateway runs. */
interface State {
  readonly kind: "events";
  readonly prover: JwtProver;
}

function proverOf(x: Exchange, config: RevokeBySecurityEventConfig, keyText: string): JwtProver {
  const { counters } = x.gateway;
  const at = `events ${x.program.environment} ${x.program.proxy} ${config.id}`;
  const present = counters.get(at);
  if (isState(present)) return present.prover;
  const state: State = { kind: "events", prover: signedTokens(x, config, keyText) };
  counters.set(at, state);
  return state.prover;
}

function isState(value: unknown): value is State {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "events" && "prover" in value;
}
