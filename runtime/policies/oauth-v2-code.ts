/**
 * OAuthV2 operation GenerateAuthorizationCode, and the grant type that takes the code (RFC 6749 section 4.1, RFC 7636).
 * Who the end user is and whether they agreed is for the steps before it to say.
 */
import { askStore } from "../access/admission.ts";
import { challengeOf, issueCode, redeemCode } from "../access/codes.ts";
import type { Challenge, ChallengeMethod } from "../access/codes.ts";
import type { Exchange, Value } from "../context.ts";
import { accessFault } from "../fault/access.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { IssuedVariables } from "../token/issued.ts";
import { authorize, redirectAnswer } from "../token/authorization-request.ts";
import type { AuthorizationRequest } from "../token/authorization-request.ts";
import { textOf } from "../token/token-answer.ts";
import type { AnswerRules } from "../token/token-answer.ts";
import { lifetimeMs, refreshWishOf } from "../token/token-request.ts";
import type { Grant } from "../token/token-request.ts";

export interface GenerateAuthorizationCodeConfig extends AnswerRules {
  /** Requests without a challenge are refused; those of clients without a secret always are. */
  readonly requirePkce: boolean;
  readonly challengeMethods: readonly ChallengeMethod[];
  /** Somebody reads `oauthv2authcode.<policy>.*`. */
  readonly keep: boolean;
}

export interface CodeRequest extends AuthorizationRequest {
  readonly codeChallenge: Value;
  readonly codeChallengeMethod: Value;
  /** Another server's code. */
  readonly externalAuthorizationCode?: Value;
}

/** Grant type authorization_code. Clients without a secret may use it with PKCE. */
export const authorizationCodeGrant: Grant = {
  isPublic: true,
  missing: ({ code = null }) => (textOf(code) === "" ? "code" : null),
  issue(x, asked) {
    const { key, request, wish } = asked;
    const { code = null, redirectUri = null, codeVerifier = null } = request;
    const proof = { redirectUri: textOf(redirectUri) || null, verifier: textOf(codeVerifier) || null };
    const codeWish = { ...wish, ...refreshWishOf(asked) };
    return redeemCode(x.gateway, key, textOf(code), proof, codeWish);
  },
};

/** Issues a code and sends the user agent back to the client with it. */
export function generateAuthorizationCode(
  x: Exchange,
  config: GenerateAuthorizationCodeConfig,
  request: CodeRequest,
): Maybe<void> {
  const { name } = config;
  return authorize(x, config, request, "code", ({ key, wish, refuse, redirectTo }) => {
    const challenge = challengeIn(request, config.challengeMethods);
    if (challenge === "malformed") throw refuse("steps.oauth.v2.invalid_request", "code_challenge");
    if (challenge === null && (config.requirePkce || key.secretDigest === null)) {
      throw refuse("steps.oauth.v2.invalid_request", "code_challenge");
    }
    const expiresInMs = lifetimeMs(request.expiresInMs, name);
    if (expiresInMs === null) throw accessFault("steps.oauth.v2.InvalidValueForExpiresIn", "-1", name);
    const redirectUri = textOf(request.redirectUri) || null;
    const { externalAuthorizationCode: external } = request;
    const imported = external === undefined ? {} : { code: textOf(external) };
    const codeWish = { ...wish, expiresInMs, redirectUri, challenge, ...imported };
    return andThen(askStore(name, () => issueCode(x.gateway, key, codeWish)), (issued) => {
      if (typeof issued === "string") throw refuse(issued, issued === "steps.oauth.v2.invalid_request" ? "scope" : "");
      const { code, record } = issued;
      const scope = record.scopes.join(" ");
      if (config.respond) {
        x.response = redirectAnswer(redirectTo, "?", { code, state: textOf(request.state), scope });
      }
      const clientId = textOf(request.clientId);
      const fields = new Map([["code", code], ["redirect_uri", redirectTo], ["scope", scope], ["client_id", clientId]]);
      if (config.keep) x.keep(name, { kind: "issued", fields } satisfies IssuedVariables);
    });
  });
}

/** The challenge of the request, null without one. No method means `plain` (RFC 7636 section 4.3). */
function challengeIn(
  { codeChallenge, codeChallengeMethod }: CodeRequest,
  methods: readonly ChallengeMethod[],
): Challenge | null | "malformed" {
  const text = textOf(codeChallenge);
  const named = textOf(codeChallengeMethod);
  if (text === "") return named === "" ? null : "malformed";
  const method = methods.find((one) => one === (named === "" ? "plain" : named));
  return method === undefined ? "malformed" : (challengeOf(text, method) ?? "malformed");
}
