/**
 * What opaque and JWT access tokens have in common: where a request carries one, how a refusal is answered, which
 * scopes a policy demands. It looks nothing up.
 */
import type { Exchange, Value } from "../context.ts";
import { accessFault, type AccessFaultCode } from "../fault/access.ts";
import type { Fault } from "../fault.ts";
import { challengeLines, prefixedToken } from "./bearer.ts";
import { jsonAnswer } from "./json-answer.ts";

/** Where a policy looks for the token. */
export interface TokenSource {
  /** Name of the policy. */
  readonly name: string;
  /** The flow variable that holds it; null: the Authorization header. */
  readonly variable: string | null;
  /** Word in front of the token, without the space; empty: none. */
  readonly prefix: string;
  /** A refusal has a body in the form of RFC 6749, too. */
  readonly isRfc?: true;
}

/** Which scopes a token must have; an empty list demands none. */
export interface ScopeRules {
  readonly name: string;
  readonly scopes: readonly string[];
  /** All of them, not just one. */
  readonly requireAllScopes: boolean;
  readonly isRfc?: true;
}

/** The token in what the request presented; throws the fault of one that is missing or no token. */
export function presentedToken(x: Exchange, source: TokenSource, presented: Value): string {
  if (source.variable !== null && (presented === null || presented === "")) {
    throw accessFault("steps.oauth.v2.FailedToResolveAccessToken", source.variable, source.name);
  }
  const token = presented === null ? null : prefixedToken(String(presented), source.prefix);
  if (token === null) throw refusal(x, "oauth.v2.InvalidAccessToken", source);
  return token;
}

/** The fault of a refused token, with the challenge that a 401 owes (RFC 6750 section 3). */
export function refusal(x: Exchange, code: AccessFaultCode, { name, isRfc }: Pick<TokenSource, "name" | "isRfc">): Fault {
  const plain = accessFault(code, "", name);
  if (plain.status !== 401) return plain;
  const error = "invalid_token";
  const challenge = challengeLines({ realm: x.program.proxy, error, description: `${code}: ${plain.row.text}` });
  const made = { ...plain, headers: challenge };
  return isRfc === true ? inRfcForm(made, error) : made;
}

/** Throws `InsufficientScope` (403) when the token's scopes do not do. */
export function demandScopes(x: Exchange, rules: ScopeRules, present: readonly string[]): void {
  if (rules.scopes.length === 0) return;
  const has = (scope: string): boolean => present.includes(scope);
  if (rules.requireAllScopes ? rules.scopes.every(has) : rules.scopes.some(has)) return;
  const wanted = rules.scopes.join(" ");
  const error = "insufficient_scope";
  const description = `Required scope(s): ${wanted}`;
  const challenge = challengeLines({ realm: x.program.proxy, error, description, scope: wanted });
  const made = accessFault("steps.oauth.v2.InsufficientScope", wanted, rules.name, challenge);
  throw rules.isRfc === true ? inRfcForm(made, error) : made;
}

/** The same with an answer of its own, which brings the challenge along. */
function inRfcForm(made: Fault, error: string): Fault {
  const response = jsonAnswer(JSON.stringify({ error, error_description: made.text }), made.status);
  const [name = "", value = ""] = made.headers ?? [];
  response.addHeader(name, value);
  return { ...made, response };
}
