/**
 * OAuthV2 operations GenerateAccessToken and RefreshAccessToken: who asks, for what, and the answer. What a grant type
 * demands stands in the files beside this one; an artifact has those that its bundle serves. Tokens stand in the answer
 * and in this policy's variables, and nowhere else.
 */
import { askStore } from "../access/admission.ts";
import { mintToken, provenClient } from "../access/tokens.ts";
import type { Exchange } from "../context.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { IssuedVariables } from "../token/issued.ts";
import { jsonAnswer, refusedRequest, textOf, tokenBody, tokenFields } from "../token/token-answer.ts";
import type { AnswerRules } from "../token/token-answer.ts";
import { clientOf, wishOf } from "../token/token-request.ts";
import type { Grant, TokenRequest } from "../token/token-request.ts";

export interface GenerateAccessTokenConfig extends AnswerRules {
  /** By name: the grant types that are served. */
  readonly grants: Readonly<Record<string, Grant>>;
  /** Somebody reads `oauthv2accesstoken.<policy>.*`. */
  readonly keep: boolean;
}

/** Grant type client_credentials (RFC 6749 section 4.4). */
export const clientCredentialsGrant: Grant = {
  isPublic: false,
  missing: () => null,
  issue: (x, { key, wish }) => mintToken(x.gateway, key, wish),
};

/** Issues tokens to the client, and answers with them. */
export function generateAccessToken(
  x: Exchange,
  config: GenerateAccessTokenConfig,
  request: TokenRequest,
): Maybe<void> {
  const { name } = config;
  const client = clientOf(request);
  const grantType = textOf(request.grantType);
  const grant = Object.hasOwn(config.grants, grantType) ? config.grants[grantType] : undefined;
  if (grantType === "") throw refusedRequest(x, config, "steps.oauth.v2.invalid_request", "grant_type");
  if (grant === undefined) throw refusedRequest(x, config, "steps.oauth.v2.UnSupportedGrantType", grantType);
  const missing = client.id === "" ? "client_id" : grant.missing(request);
  if (missing !== null) throw refusedRequest(x, config, "steps.oauth.v2.invalid_request", missing);
  const wish = wishOf(request, grantType, name);
  const asking = askStore(name, () => {
    return andThen(provenClient(x.gateway, client, grant.isPublic), (key) =>
      typeof key === "string" ? key : grant.issue(x, { name, key, request, wish }),
    );
  });
  return andThen(asking, (issued) => {
    if (typeof issued === "string") {
      const detail = issued === "steps.oauth.v2.invalid_request" ? "scope" : "";
      throw refusedRequest(x, config, issued, detail, client.isBasic);
    }
    const fields = tokenFields(x, issued, client.id);
    if (config.respond) x.response = jsonAnswer(tokenBody(issued, fields, config.isRfc));
    if (config.keep) x.keep(name, { kind: "issued", fields } satisfies IssuedVariables);
  });
}
