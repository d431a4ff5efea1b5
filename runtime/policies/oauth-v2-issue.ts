/**
 * OAuthV2 operations GenerateAccessToken and RefreshAccessToken: who asks, for what, and the answer. What a grant type
 * demands stands in the files beside this one; an artifact has those that its bundle serves. Tokens stand in the answer
 * and in this policy's variables, and nowhere else.
 */
import { askStore } from "../access/admission.ts";
import type { KeyRecord } from "../access/model.ts";
import { knownClient, provenClient } from "../access/clients.ts";
import { mintToken } from "../access/tokens.ts";
import type { JwtWish } from "../access/tokens.ts";
import type { Client } from "../access/clients.ts";
import type { Exchange } from "../context.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import type { IssuedVariables } from "../token/issued.ts";
import { jsonAnswer } from "../token/json-answer.ts";
import { refusedRequest, textOf, tokenBody, tokenFields } from "../token/token-answer.ts";
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

/** Issues tokens to the client, and answers with them. `signing`: how its access tokens are signed; null: opaque. */
export function generateAccessToken(
  x: Exchange,
  config: GenerateAccessTokenConfig,
  request: TokenRequest,
  signing: ((clientId: string) => JwtWish) | null = null,
): Maybe<void> {
  const { name } = config;
  const client = clientOf(request);
  const grantType = textOf(request.grantType);
  const grant = Object.hasOwn(config.grants, grantType) ? config.grants[grantType] : undefined;
  if (grantType === "") throw refusedRequest(x, config, "steps.oauth.v2.invalid_request", "grant_type");
  if (grant === undefined) throw refusedRequest(x, config, "steps.oauth.v2.UnSupportedGrantType", grantType);
  const missing = client.id === "" ? "client_id" : grant.missing(request);
  if (missing !== null) throw refusedRequest(x, config, "steps.oauth.v2.invalid_request", missing);
  const own = wishOf(request, grantType, name);
  const wish = signing === null ? own : { ...own, jwt: signing(client.id) };
  const asking = askStore(name, () => {
    return andThen(clientKey(x, request, client, grant.isPublic), (key) =>
      typeof key === "string" ? key : grant.issue(x, { name, key, request, wish }),
    );
  });
  return andThen(asking, (issued) => {
    if (typeof issued === "string") {
      const detail = issued === "steps.oauth.v2.invalid_request" ? "scope" : externalDetail(issued);
      throw refusedRequest(x, config, issued, detail, client.isBasic);
    }
    const fields = tokenFields(x, issued, client.id);
    if (config.respond) x.response = jsonAnswer(tokenBody(issued, fields, config.isRfc));
    if (config.keep) x.keep(name, { kind: "issued", fields } satisfies IssuedVariables);
  });
}

/** The client's key: proven by its secret, or by another server where that has the say. */
function clientKey(
  x: Exchange,
  { externalStatus }: TokenRequest,
  client: Client,
  mayBePublic: boolean,
): Maybe<KeyRecord | "steps.oauth.v2.InvalidClientIdentifier"> {
  if (externalStatus === undefined) return provenClient(x.gateway, client, mayBePublic);
  if (textOf(externalStatus) !== "true") return "steps.oauth.v2.InvalidClientIdentifier";
  return knownClient(x.gateway, client.id);
}

function externalDetail(code: string): string {
  return code === "steps.oauth.v2.InvalidParameter" ? "a token of another server" : "";
}
