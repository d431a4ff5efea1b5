/**
 * OAuthV2 operation GenerateAccessTokenImplicitGrant (RFC 6749 section 4.2): a token in the fragment of the client's
 * address, without a refresh token. Everybody who sees the address has the token; codes with PKCE are better.
 */
import { askStore } from "../access/admission.ts";
import { mintToken } from "../access/tokens.ts";
import type { Exchange } from "../context.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { authorize, redirectAnswer } from "../token/authorization-request.ts";
import type { AuthorizationRequest } from "../token/authorization-request.ts";
import type { IssuedVariables } from "../token/issued.ts";
import { textOf, tokenFields } from "../token/token-answer.ts";
import type { AnswerRules } from "../token/token-answer.ts";
import { lifetimeMs } from "../token/token-request.ts";

export interface ImplicitGrantConfig extends AnswerRules {
  /** Somebody reads `oauthv2accesstoken.<policy>.*`. */
  readonly keep: boolean;
}

/** Issues a token and sends the user agent back to the client with it. */
export function generateImplicitToken(
  x: Exchange,
  config: ImplicitGrantConfig,
  request: AuthorizationRequest,
): Maybe<void> {
  const { name } = config;
  return authorize(x, config, request, "token", ({ key, wish, refuse, redirectTo }) => {
    const { externalAccessToken: external } = request;
    const imported = external === undefined ? {} : { token: textOf(external) };
    const expiresInMs = lifetimeMs(request.expiresInMs, name);
    const tokenWish = { ...wish, ...imported, expiresInMs, grantType: "implicit" };
    return andThen(askStore(name, () => mintToken(x.gateway, key, tokenWish)), (issued) => {
      if (typeof issued === "string") throw refuse(issued, issued === "steps.oauth.v2.invalid_request" ? "scope" : "");
      const fields = tokenFields(x, issued, textOf(request.clientId));
      const field = (name: string): string => fields.get(name) ?? "";
      if (config.respond) {
        const endless = issued.record.expiresAtMs === null;
        x.response = redirectAnswer(redirectTo, "#", {
          access_token: issued.token,
          token_type: config.isRfc ? "Bearer" : field("token_type"),
          expires_in: endless ? "" : field("expires_in"),
          scope: field("scope"),
          state: textOf(request.state),
        });
      }
      if (config.keep) x.keep(name, { kind: "issued", fields } satisfies IssuedVariables);
    });
  });
}
