/**
 * What OAuthV2 answers to whoever asks for tokens: Apigee's fields, the bodies of RFC 6749 sections 5.1 and 5.2, and
 * the faults of both forms. It issues nothing.
 */
import type { IssuedToken } from "../access/tokens.ts";
import type { TokenRecord } from "../access/model.ts";
import type { Exchange, Value } from "../context.ts";
import { accessFault, type AccessFaultCode } from "../fault/access.ts";
import type { Fault, FaultCode } from "../fault.ts";
import { jsonAnswer } from "./json-answer.ts";

/** How a policy answers. */
export interface AnswerRules {
  readonly name: string;
  /** Write the answer; else only variables are set. */
  readonly respond: boolean;
  /** Answers and errors of RFC 6749 instead of Apigee's older form. */
  readonly isRfc: boolean;
  /** Write the answer of an error too, for a flow that carries on from it. */
  readonly respondErrors: boolean;
  /** Realm of challenges; null: the proxy's name. */
  readonly realm: string | null;
}

/** Every field of the token response, as text, which is how Apigee writes them. */
export function tokenFields(x: Exchange, issued: IssuedToken, clientId: string): ReadonlyMap<string, string> {
  const { token, record, app, developer, refresh } = issued;
  return new Map<string, string>([
    ["issued_at", String(record.issuedAtMs)],
    ["application_name", app.id],
    ["scope", record.scopes.join(" ")],
    ["status", record.status],
    ["api_product_list", `[${record.products.join(", ")}]`],
    ["expires_in", lifetimeText(record)],
    ["developer.email", developer.email],
    ["token_type", "BearerToken"],
    ["client_id", clientId],
    ["access_token", token],
    ["organization_name", x.gateway.organization],
    ["grant_type", record.grantType],
    ["refresh_token_expires_in", refresh === undefined ? "0" : leftText(x, refresh.record)],
    ["refresh_count", refresh === undefined ? "0" : String(refresh.grant.refreshCount)],
    ...(refresh === undefined ? [] : refreshFields(refresh)),
  ]);
}

function refreshFields({ token, record }: IssuedToken["refresh"] & {}): [string, string][] {
  return [
    ["refresh_token", token],
    ["refresh_token_issued_at", String(record.issuedAtMs)],
    ["refresh_token_status", record.status],
  ];
}

/** Seconds of the whole lifetime; -1 for a token that never expires. */
function lifetimeText({ issuedAtMs, expiresAtMs }: TokenRecord): string {
  return expiresAtMs === null ? "-1" : String(Math.floor((expiresAtMs - issuedAtMs) / 1000));
}

/** Seconds that are left of it, which is less for a refresh token that is reused. */
function leftText(x: Exchange, { expiresAtMs }: TokenRecord): string {
  return expiresAtMs === null ? "-1" : String(Math.max(0, Math.ceil((expiresAtMs - x.gateway.clock.wallMs()) / 1000)));
}

/** The body of a token response. The response's own fields come last: an attribute cannot take a token's place. */
export function tokenBody(issued: IssuedToken, fields: ReadonlyMap<string, string>, isRfc: boolean): string {
  const { record } = issued;
  if (isRfc) return rfcBody(issued);
  const shown = Object.entries(record.attributes).filter(([name]) => record.hidden?.includes(name) !== true);
  return JSON.stringify(Object.fromEntries([...shown, ...fields, ["api_product_list_json", record.products]]));
}

/** RFC 6749 section 5.1. */
function rfcBody({ token, record, refresh }: IssuedToken): string {
  const lifetime = record.expiresAtMs === null ? {} : { expires_in: Number(lifetimeText(record)) };
  const scope = record.scopes.length === 0 ? {} : { scope: record.scopes.join(" ") };
  const prolonged = refresh === undefined ? {} : { refresh_token: refresh.token };
  return JSON.stringify({ access_token: token, token_type: "Bearer", ...lifetime, ...prolonged, ...scope });
}

/**
 * The fault of a request for tokens; in RFC form with the body of RFC 6749 section 5.2. `isBasic`: the client came with
 * Basic credentials, to which a 401 owes a challenge.
 */
export function refusedRequest(
  x: Exchange,
  rules: AnswerRules,
  code: AccessFaultCode,
  detail: string,
  isBasic = false,
): Fault {
  const made = accessFault(code, detail, rules.name);
  const isChallenged = isBasic && code === "steps.oauth.v2.InvalidClientIdentifier";
  const headers = isChallenged ? ["WWW-Authenticate", `Basic realm="${rules.realm ?? x.program.proxy}"`] : null;
  const answer = jsonAnswer(JSON.stringify(errorBody(rules, made, detail)), made.status);
  if (headers !== null) answer.addHeader("WWW-Authenticate", headers[1] ?? "");
  if (rules.respondErrors) x.response = answer;
  return { ...made, headers, response: rules.isRfc ? answer : null };
}

function errorBody({ isRfc }: AnswerRules, { code, text }: Fault, detail: string): Readonly<Record<string, string>> {
  const error = rfcError(code, detail);
  if (isRfc) return { error, error_description: text };
  return { ErrorCode: error === "invalid_grant" ? "invalid_request" : error, Error: text };
}

/** RFC 6749 section 5.2, RFC 7009 section 2.2.1. */
export function rfcError(code: FaultCode, detail: string): string {
  switch (code) {
    case "steps.oauth.v2.UnSupportedGrantType":
      return "unsupported_grant_type";
    case "steps.oauth.v2.invalid_request":
      return detail === "scope" ? "invalid_scope" : "invalid_request";
    case "keymanagement.service.invalid_refresh_token":
    case "keymanagement.service.refresh_token_expired":
    case "keymanagement.service.refresh_token_not_approved":
    case "keymanagement.service.invalid_request-authorization_code_invalid":
    case "keymanagement.service.authorization_code_expired":
      return "invalid_grant";
    case "steps.oauth.v2.InvalidTokenType":
      return "unsupported_token_type";
    case "steps.oauth.v2.InvalidParameter":
      return "server_error";
    case "gateway.KeySetUnavailable":
      return "temporarily_unavailable";
    default:
      return "invalid_client";
  }
}

/** A variable's value as text, "" when unresolved. */
export function textOf(value: Value): string {
  return value === null ? "" : String(value);
}

/** Words parted by spaces. */
export function wordsOf(value: Value): readonly string[] {
  return textOf(value).split(" ").filter((word) => word !== "");
}
