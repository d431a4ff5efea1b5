/**
 * OAuthV2 operation GenerateAccessToken: opaque tokens for clients that prove themselves with their secret (RFC 6749
 * section 4.4). The token stands in the answer and in this policy's variables, and nowhere else.
 */
import { Buffer } from "node:buffer";
import { askStore } from "../access/admission.ts";
import { issueToken } from "../access/tokens.ts";
import type { IssuedToken, TokenRefusal, TokenWish } from "../access/tokens.ts";
import type { Exchange, Value } from "../context.ts";
import { fault } from "../fault.ts";
import type { Fault, FaultCode } from "../fault.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { ResponseMessage } from "../message.ts";
import type { IssuedVariables } from "../token/issued.ts";

export interface GenerateAccessTokenConfig {
  readonly name: string;
  readonly grantTypes: readonly string[];
  /** Write the token response; else only variables are set. */
  readonly respond: boolean;
  /** Answers and errors of RFC 6749 instead of Apigee's older form. */
  readonly isRfc: boolean;
  /** Somebody reads `oauthv2accesstoken.<policy>.*`. */
  readonly keep: boolean;
}

/** What the request says, read from flow variables. */
export interface TokenRequest {
  readonly grantType: Value;
  /** The Authorization header. */
  readonly authorization: Value;
  readonly clientId: Value;
  readonly clientSecret: Value;
  /** Scopes asked for, parted by spaces. */
  readonly scope: Value;
  /** Milliseconds, or -1 for a token that never expires. */
  readonly expiresInMs: Value;
  readonly attributes: readonly { readonly name: string; readonly value: Value; readonly display: boolean }[];
}

interface Client {
  readonly id: string;
  readonly secret: string;
  readonly isBasic: boolean;
}

/** Issues a token to the client, and answers with it. */
export function generateAccessToken(
  x: Exchange,
  config: GenerateAccessTokenConfig,
  request: TokenRequest,
): Maybe<void> {
  const { name } = config;
  const grantType = text(request.grantType);
  if (grantType === "") throw refused(config, "steps.oauth.v2.invalid_request", "grant_type");
  if (!config.grantTypes.includes(grantType)) throw refused(config, "steps.oauth.v2.UnSupportedGrantType", grantType);
  const client = clientOf(request);
  if (client.id === "") throw refused(config, "steps.oauth.v2.invalid_request", "client_id");
  const wish: TokenWish = {
    scopes: words(request.scope),
    expiresInMs: lifetimeMs(request.expiresInMs, name),
    grantType,
    attributes: Object.fromEntries(request.attributes.map((attribute) => [attribute.name, text(attribute.value)])),
  };
  return andThen(askStore(name, () => issueToken(x.gateway, client, wish)), (issued) => {
    if (typeof issued === "string") throw refusedClient(x, config, issued, client);
    const fields = responseFields(x, issued, client.id);
    const shown = request.attributes.filter(({ display }) => display);
    if (config.respond) x.response = tokenResponse(config.isRfc ? rfcBody(issued) : body(fields, issued, shown));
    if (config.keep) x.keep(name, { kind: "issued", fields } satisfies IssuedVariables);
  });
}

/** Basic credentials (RFC 6749 section 2.3.1), else the form's. */
function clientOf({ authorization, clientId, clientSecret }: TokenRequest): Client {
  const [scheme = "", encoded = ""] = text(authorization).trim().split(/ +/, 2);
  if (scheme.toLowerCase() !== "basic") {
    return { id: text(clientId), secret: text(clientSecret), isBasic: false };
  }
  const decoded = Buffer.from(encoded, "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  if (colon < 0) return { id: "", secret: "", isBasic: true };
  return { id: decoded.slice(0, colon), secret: decoded.slice(colon + 1), isBasic: true };
}

function lifetimeMs(value: Value, policy: string): number | null {
  const ms = value === null || value === "" ? Number.NaN : Number(value);
  if (ms === -1) return null;
  if (!Number.isSafeInteger(ms) || ms <= 0) throw fault("steps.oauth.v2.InvalidValueForExpiresIn", text(value), policy);
  return ms;
}

/** Every field of the token response, as text, which is how Apigee writes them. */
function responseFields(x: Exchange, { token, record, app, developer }: IssuedToken, clientId: string) {
  return new Map<string, string>([
    ["issued_at", String(record.issuedAtMs)],
    ["application_name", app.id],
    ["scope", record.scopes.join(" ")],
    ["status", record.status],
    ["api_product_list", `[${record.products.join(", ")}]`],
    ["expires_in", expiresInText(record)],
    ["developer.email", developer.email],
    ["token_type", "BearerToken"],
    ["client_id", clientId],
    ["access_token", token],
    ["organization_name", x.gateway.organization],
    ["grant_type", record.grantType],
    ["refresh_token_expires_in", "0"],
    ["refresh_count", "0"],
  ]);
}

function expiresInText({ issuedAtMs, expiresAtMs }: IssuedToken["record"]): string {
  return expiresAtMs === null ? "-1" : String(Math.floor((expiresAtMs - issuedAtMs) / 1000));
}

function body(
  fields: ReadonlyMap<string, string>,
  { record }: IssuedToken,
  shown: TokenRequest["attributes"],
): string {
  const attributes = shown.map(({ name, value }): [string, string] => [name, text(value)]);
  // The response's own fields come last: an attribute cannot take the place of the token.
  return JSON.stringify(Object.fromEntries([...attributes, ...fields, ["api_product_list_json", record.products]]));
}

/** RFC 6749 section 5.1. */
function rfcBody({ token, record }: IssuedToken): string {
  const lifetime = record.expiresAtMs === null ? {} : { expires_in: Number(expiresInText(record)) };
  const scope = record.scopes.length === 0 ? {} : { scope: record.scopes.join(" ") };
  return JSON.stringify({ access_token: token, token_type: "Bearer", ...lifetime, ...scope });
}

function tokenResponse(content: string, status = 200): ResponseMessage {
  const lines = ["Content-Type", "application/json", "Cache-Control", "no-store", "Pragma", "no-cache"];
  const response = new ResponseMessage(status, "", lines);
  response.content = content;
  return response;
}

function refusedClient(x: Exchange, config: GenerateAccessTokenConfig, code: TokenRefusal, client: Client): Fault {
  const made = refused(config, code, code === "steps.oauth.v2.invalid_request" ? "scope" : "");
  if (code !== "steps.oauth.v2.InvalidClientIdentifier" || !client.isBasic) return made;
  const challenge = ["WWW-Authenticate", `Basic realm="${x.program.proxy}"`];
  made.response?.addHeader("WWW-Authenticate", `Basic realm="${x.program.proxy}"`);
  return { ...made, headers: challenge };
}

/** The fault; in RFC form with the body of RFC 6749 section 5.2. */
function refused(config: GenerateAccessTokenConfig, code: FaultCode, detail: string): Fault {
  const made = fault(code, detail, config.name);
  if (!config.isRfc) return made;
  const answer = { error: rfcError(code, detail), error_description: made.text };
  return { ...made, response: tokenResponse(JSON.stringify(answer), made.status) };
}

function rfcError(code: FaultCode, detail: string): string {
  if (code === "steps.oauth.v2.UnSupportedGrantType") return "unsupported_grant_type";
  if (code !== "steps.oauth.v2.invalid_request") return "invalid_client";
  return detail === "scope" ? "invalid_scope" : "invalid_request";
}

function words(value: Value): readonly string[] {
  return text(value).split(" ").filter((word) => word !== "");
}

function text(value: Value): string {
  return value === null ? "" : String(value);
}
