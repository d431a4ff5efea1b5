/**
 * Verifies the signature of a JWT. The grammar, the algorithm and the key are settled before
 * jose sees the token, because it decodes leniently and takes what it is given. What the claims say is claims.ts's
 * business.
 */
import { JOSEError, JWTClaimValidationFailed, JWTExpired } from "jose/errors";
import { jwtVerify } from "jose/jwt/verify";
import type { KeyObject } from "node:crypto";
import { digest } from "../access/digest.ts";
import { jtiIdentity, kidIdentity, sidIdentity, subjectIdentity } from "../access/identity.ts";
import type { Identity } from "../access/identity.ts";
import { isJwtRevoked } from "../access/jwt-revocation.ts";
import type { Exchange } from "../context.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { Algorithm } from "./algorithm.ts";
import { issuedAtMs } from "./claims.ts";
import { parseCompact, textMember } from "./compact.ts";
import type { CompactToken, JsonObject } from "./compact.ts";
import { algorithmOf, criticalNames, headerProblem } from "./header.ts";
import type { CriticalNames, HeaderProblem, HeaderRules } from "./header.ts";
import type { KeySource, OpenKeys } from "./key-source.ts";
import type { KeyForm, KeyProblem } from "./keys.ts";

/** What a policy says about the tokens it takes. */
export interface JwtRules extends HeaderRules {
  /** Name of the policy, and what tells it from others of its proxy. */
  readonly name: string;
  readonly id: string;
  readonly keyForm: KeyForm;
  /** Opens the keys, once. */
  readonly openKeys: OpenKeys;
  /** Leeway for exp, nbf and iat. */
  readonly timeAllowanceMs: number;
}

/** A token whose signature was verified. */
export interface VerifiedJwt {
  readonly kind: "jwt";
  readonly header: JsonObject;
  readonly claims: JsonObject;
  readonly headerJson: string;
  readonly claimsJson: string;
  readonly algorithm: Algorithm;
  readonly kid: string | null;
  readonly issuer: string | null;
  readonly subject: string | null;
  readonly jti: string | null;
  /** Wall clock; 0 when it does not say. */
  readonly issuedAtMs: number;
  /** What a revocation can name. */
  readonly identities: readonly Identity[];
}

/** Why a token does not verify. Names are those of the `steps.jwt` faults. */
export type JwtProblem =
  | KeyProblem
  | HeaderProblem
  | "InvalidClaim"
  | "TokenExpired"
  | "TokenNotYetValid";

interface Entry {
  readonly jwt: VerifiedJwt;
  /** The key that verified it. */
  readonly key: KeyObject;
  /** Epoch up to which no event concerns the token. */
  epoch: number;
}

/** What a policy keeps while the gateway runs. */
interface State {
  readonly kind: "jwt";
  readonly keys: KeySource;
  /** By digest of the token. When full, the one that came first goes. */
  readonly verified: Map<string, Entry>;
}

/**
 * Verifies a token, from memory where it was seen before and its key is still there. `keyText` is the key set, PEM or
 * secret that was read at start, or the URL of a set. "revoked": it verifies, and was revoked (access/jwt-revocation). Times are to be
 * checked by the caller, each time.
 */
export function verifySignature(
  x: Exchange,
  rules: JwtRules,
  keyText: string,
  token: string,
): Maybe<VerifiedJwt | JwtProblem | "revoked"> {
  const { gateway } = x;
  gateway.revocations.assertHearing();
  if (token.length > gateway.limits.jwtCharsMax) return "FailedToDecode";
  const state = stateOf(x, rules, keyText);
  const at = digest(token);
  const known = state.verified.get(at);
  if (known === undefined) return verifyAnew(x, rules, { state, at, token });
  return andThen(state.keys.holds(known.key, known.jwt.kid), (held) => {
    if (held) return unlessRevoked(x, state, at, known);
    state.verified.delete(at);
    return verifyAnew(x, rules, { state, at, token });
  });
}

function verifyAnew(
  x: Exchange,
  rules: JwtRules,
  { state, at, token }: { readonly state: State; readonly at: string; readonly token: string },
): Maybe<VerifiedJwt | JwtProblem | "revoked"> {
  const { gateway } = x;
  const { epoch } = gateway.revocations;
  const parsed = parseCompact(token, gateway.limits.jwtCharsMax);
  if (parsed === null) return "FailedToDecode";
  const algorithm = algorithmOf(parsed.header, rules);
  if (typeof algorithm === "string") return algorithm;
  const problem = headerProblem(parsed.header, rules);
  if (problem !== null) return problem;
  const kid = textMember(parsed.header, "kid");
  const crit = criticalNames(parsed.header);
  return andThen(state.keys.pick(algorithm.name, kid), (key) => {
    if (typeof key === "string") return key;
    return signatureProblem(x, rules, token, { key, algorithm: algorithm.name, crit }).then((wrong) => {
      if (wrong !== null) return wrong;
      const jwt = verifiedOf(parsed, algorithm.name, kid);
      return andThen(isJwtRevoked(x.gateway.store, jwt), (revoked) => {
        if (revoked) return "revoked";
        remember(x, state, at, { jwt, key, epoch });
        return jwt;
      });
    });
  });
}

/** A token from memory: only an event since then sends it back to the store. */
function unlessRevoked(x: Exchange, state: State, at: string, entry: Entry): Maybe<VerifiedJwt | "revoked"> {
  const { revocations } = x.gateway;
  const { epoch } = revocations;
  if (entry.epoch === epoch) return entry.jwt;
  if (revocations.revokedSince(entry.epoch, entry.jwt.identities, "jwt") === null) {
    entry.epoch = epoch;
    return entry.jwt;
  }
  return andThen(isJwtRevoked(x.gateway.store, entry.jwt), (revoked) => {
    if (revoked) {
      state.verified.delete(at);
      return "revoked";
    }
    entry.epoch = epoch;
    return entry.jwt;
  });
}

function remember(x: Exchange, state: State, at: string, entry: Entry): void {
  if (state.verified.size >= x.gateway.limits.verifiedJwtsMax) {
    for (const oldest of state.verified.keys()) {
      state.verified.delete(oldest);
      break;
    }
  }
  state.verified.set(at, entry);
}

function stateOf(x: Exchange, rules: JwtRules, keyText: string): State {
  const { counters } = x.gateway;
  const at = `jwt ${x.program.environment} ${x.program.proxy} ${rules.id}`;
  const present = counters.get(at);
  if (isState(present)) return present;
  const keys = rules.openKeys(x.gateway, rules.keyForm, keyText);
  const state: State = { kind: "jwt", keys, verified: new Map() };
  counters.set(at, state);
  return state;
}

function isState(value: unknown): value is State {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "jwt" && "verified" in value;
}

async function signatureProblem(
  x: Exchange,
  rules: JwtRules,
  token: string,
  { key, algorithm, crit }: { readonly key: KeyObject; readonly algorithm: Algorithm; readonly crit: CriticalNames },
): Promise<JwtProblem | null> {
  try {
    await jwtVerify(token, key, {
      algorithms: [algorithm],
      currentDate: new Date(x.gateway.clock.wallMs()),
      clockTolerance: rules.timeAllowanceMs / 1000,
      crit,
    });
    return null;
  } catch (cause) {
    return problemOf(cause);
  }
}

/** What is no JOSEError is a defect of ours and stays one. */
function problemOf(cause: unknown): JwtProblem {
  if (cause instanceof JWTExpired) return "TokenExpired";
  if (cause instanceof JWTClaimValidationFailed) {
    return cause.claim === "nbf" && cause.reason === "check_failed" ? "TokenNotYetValid" : "InvalidClaim";
  }
  if (cause instanceof JOSEError) return "InvalidToken";
  throw cause;
}

function verifiedOf(token: CompactToken, algorithm: Algorithm, kid: string | null): VerifiedJwt {
  const { claims } = token;
  const issuer = textMember(claims, "iss");
  const subject = textMember(claims, "sub");
  const jti = textMember(claims, "jti");
  const sid = textMember(claims, "sid");
  const identities: Identity[] = [];
  if (jti !== null) identities.push(jtiIdentity(issuer ?? "", jti));
  if (kid !== null) identities.push(kidIdentity(issuer ?? "", kid));
  if (sid !== null) identities.push(sidIdentity(issuer ?? "", sid));
  if (subject !== null) identities.push(subjectIdentity(issuer ?? "", subject));
  const known = { issuer, subject, jti, issuedAtMs: issuedAtMs(claims), identities };
  return { kind: "jwt", ...token, algorithm, kid, ...known };
}
