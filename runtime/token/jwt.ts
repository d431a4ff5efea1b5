/**
 * Proves signed JWTs. The grammar, the algorithm and the key are settled before jose sees the token, because it decodes
 * leniently and takes what it is given. What the claims say is claims.ts's business.
 */
import { JOSEError, JWTClaimValidationFailed, JWTExpired } from "jose/errors";
import { jwtVerify } from "jose/jwt/verify";
import type { KeyObject } from "node:crypto";
import type { Exchange } from "../context.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { Algorithm } from "./algorithm.ts";
import { parseCompact, textMember } from "./compact.ts";
import { algorithmOf, criticalNames, headerProblem } from "./header.ts";
import type { CriticalNames, HeaderRules } from "./header.ts";
import type { KeySource, OpenKeys } from "./key-source.ts";
import type { KeyForm } from "./keys.ts";
import { verifiedJwt } from "./verified-jwts.ts";
import type { JwtProblem, JwtProver, ProvenJwt, VerifiedJwt } from "./verified-jwts.ts";

/** What a policy says about the tokens it takes. */
export interface JwtRules extends HeaderRules {
  /** Name of the policy, and what tells it from others of its proxy. */
  readonly name: string;
  readonly id: string;
  readonly keyForm: KeyForm;
  /** Opens the keys, once. */
  readonly openKeys: OpenKeys;
  /** They are access tokens of clients of ours. */
  readonly areOfEndUsers?: true;
  /** Leeway for exp, nbf and iat. */
  readonly timeAllowanceMs: number;
}

/**
 * Verifies a token, from memory where it was seen before and its key is still there. `keyText` is the key set, PEM or
 * secret that was read at start, or the URL of a set.
 */
export function verifySignature(
  x: Exchange,
  rules: JwtRules,
  keyText: string,
  token: string,
): Maybe<VerifiedJwt | JwtProblem | "revoked"> {
  return verifiedJwt(x, token, rules, keyText, signedTokens);
}

/** The prover of a policy's signed tokens. */
export function signedTokens(x: Exchange, rules: JwtRules, keyText: string): JwtProver {
  const keys = rules.openKeys(x.gateway, rules.keyForm, keyText);
  return {
    prove: (asker, token) => proveSigned(asker, rules, keys, token),
    holds: ({ key, kid }) => keys.holds(key, kid),
  };
}

function proveSigned(x: Exchange, rules: JwtRules, keys: KeySource, token: string): Maybe<ProvenJwt | JwtProblem> {
  const parsed = parseCompact(token, x.gateway.limits.jwtCharsMax);
  if (parsed === null) return "FailedToDecode";
  const algorithm = algorithmOf(parsed.header, rules);
  if (typeof algorithm === "string") return algorithm;
  const problem = headerProblem(parsed.header, rules);
  if (problem !== null) return problem;
  // What a revocation by kid names must not be the sender's choice.
  const kid = textMember(parsed.header, "kid") ?? keys.kid ?? null;
  const crit = criticalNames(parsed.header);
  return andThen(keys.pick(algorithm.name, kid), (key) => {
    if (typeof key === "string") return key;
    const proven = { token: parsed, algorithm: algorithm.name, kid, key };
    return signatureProblem(x, rules, token, { key, algorithm: algorithm.name, crit }).then((wrong) => wrong ?? proven);
  });
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
