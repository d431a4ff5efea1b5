/**
 * Tokens that one policy has proven, in memory: one seen before costs a digest and a look-up, as long as the key that
 * proved it is there and no revocation names it. How a token is proven is its prover's business, what its claims say
 * claims.ts's.
 */
import type { KeyObject } from "node:crypto";
import type { Credential } from "../access/credential.ts";
import { digest } from "../access/digest.ts";
import { endUserIdentity, jtiIdentity, kidIdentity, sidIdentity, subjectIdentity } from "../access/identity.ts";
import type { Identity } from "../access/identity.ts";
import { isJwtRevoked } from "../access/jwt-revocation.ts";
import type { Exchange } from "../context.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { issuedAtMs } from "./claims.ts";
import type { ClaimValues } from "./claims.ts";
import { textMember } from "./compact.ts";
import type { CompactToken } from "./compact.ts";
import type { HeaderProblem } from "./header.ts";
import type { KeyProblem } from "./keys.ts";

/** What a prover found: header and claims that somebody who has the key vouches for. */
export interface ProvenJwt {
  readonly token: CompactToken;
  readonly algorithm: string;
  readonly kid: string | null;
  /** The key that proved it. */
  readonly key: KeyObject;
}

/** How a policy proves a token that it has not seen before. */
export interface JwtProver {
  prove(x: Exchange, token: string): Maybe<ProvenJwt | JwtProblem>;
  /** False once the key that proved a token is gone. */
  holds(proven: ProvenJwt): Maybe<boolean>;
}

/** A token that was proven, and what a revocation can name. */
export interface VerifiedJwt extends CompactToken {
  readonly kind: "jwt";
  readonly algorithm: string;
  readonly kid: string | null;
  readonly issuer: string | null;
  readonly subject: string | null;
  readonly jti: string | null;
  /** Wall clock; 0 when it does not say. */
  readonly issuedAtMs: number;
  readonly identities: readonly Identity[];
  /** Epoch up to which no bulk revocation concerns it and its client's app; oauth-v2-jwt.ts keeps it here. */
  uncutEpoch?: number;
  /** The credential that was last made of it; jwt-admission.ts keeps it here, so that sessions can share it. */
  admitted?: Credential;
  /** The demands that its claims were last found to meet; jwt-admission.ts keeps them here. */
  met?: ClaimValues;
}

/** Why a token does not verify. Names are those of the `steps.jwt` faults. */
export type JwtProblem =
  | KeyProblem
  | HeaderProblem
  | "InvalidClaim"
  | "InvalidJsonFormat"
  | "InvalidSecretKey"
  | "TokenExpired"
  | "TokenNotYetValid";

interface Entry {
  readonly jwt: VerifiedJwt;
  readonly proven: ProvenJwt;
  /** Epoch up to which no event concerns the token. */
  epoch: number;
}

/** What a policy keeps while the gateway runs. */
interface State {
  readonly kind: "jwt";
  readonly prover: JwtProver;
  /** By digest of the token. When full, the one that came first goes. */
  readonly verified: Map<string, Entry>;
}

/** What a policy says of its tokens here. */
interface PolicyRules {
  /** Tells it from others of its proxy. */
  readonly id: string;
  /** They are access tokens of clients of ours: their subjects are end users, like those of opaque tokens. */
  readonly areOfEndUsers?: true;
}

/**
 * The proven token. `open` makes its prover of rules and keys, once.
 * "revoked": the token is proven, and was revoked (access/jwt-revocation). Times are to be checked by the caller, each
 * time.
 */
export function verifiedJwt<R extends PolicyRules, K>(
  x: Exchange,
  token: string,
  rules: R,
  keys: K,
  open: (x: Exchange, rules: R, keys: K) => JwtProver,
): Maybe<VerifiedJwt | JwtProblem | "revoked"> {
  const { gateway } = x;
  gateway.revocations.assertHearing();
  if (token.length > gateway.limits.jwtCharsMax) return "FailedToDecode";
  const state = stateOf(x, rules, keys, open);
  const at = digest(token);
  const known = state.verified.get(at);
  if (known === undefined) return proveAnew(x, state, at, token, rules);
  return andThen(state.prover.holds(known.proven), (held) => {
    if (held) return unlessRevoked(x, state, at, known);
    state.verified.delete(at);
    return proveAnew(x, state, at, token, rules);
  });
}

/** The same without memory, and without asking whether it was revoked: for whoever revokes. */
export function provenJwt<R extends PolicyRules, K>(
  x: Exchange,
  token: string,
  rules: R,
  keys: K,
  open: (x: Exchange, rules: R, keys: K) => JwtProver,
): Maybe<VerifiedJwt | JwtProblem> {
  const { prover } = stateOf(x, rules, keys, open);
  return andThen(prover.prove(x, token), (proven) => (typeof proven === "string" ? proven : verifiedOf(proven, rules)));
}

function proveAnew(
  x: Exchange,
  state: State,
  at: string,
  token: string,
  rules: PolicyRules,
): Maybe<VerifiedJwt | JwtProblem | "revoked"> {
  const { epoch } = x.gateway.revocations;
  return andThen(state.prover.prove(x, token), (proven) => {
    if (typeof proven === "string") return proven;
    const jwt = verifiedOf(proven, rules);
    return andThen(isJwtRevoked(x.gateway.store, jwt), (revoked) => {
      if (revoked) return "revoked";
      remember(x, state, at, { jwt, proven, epoch });
      return jwt;
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

function stateOf<R extends PolicyRules, K>(
  x: Exchange,
  rules: R,
  keys: K,
  open: (x: Exchange, rules: R, keys: K) => JwtProver,
): State {
  const { counters } = x.gateway;
  const at = `jwt ${x.program.environment} ${x.program.proxy} ${rules.id}`;
  const present = counters.get(at);
  if (isState(present)) return present;
  const state: State = { kind: "jwt", prover: open(x, rules, keys), verified: new Map() };
  counters.set(at, state);
  return state;
}

function isState(value: unknown): value is State {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "jwt" && "verified" in value;
}

function verifiedOf({ token, algorithm, kid }: ProvenJwt, { areOfEndUsers }: PolicyRules): VerifiedJwt {
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
  if (subject !== null && areOfEndUsers === true) identities.push(endUserIdentity(subject));
  const known = { issuer, subject, jti, issuedAtMs: issuedAtMs(claims), identities };
  return { kind: "jwt", ...token, algorithm, kid, ...known };
}
