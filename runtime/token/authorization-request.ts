/**
 * Authorization requests (RFC 6749 sections 4.1.1 and 4.2.1): whose they are, where their user agents go, and how a
 * refusal gets there. Nobody is sent to an address that is not registered for the client.
 */
import { askStore } from "../access/admission.ts";
import { redirectedClient } from "../access/codes.ts";
import type { RedirectedClient } from "../access/codes.ts";
import type { TokenWish } from "../access/tokens.ts";
import type { Exchange, Value } from "../context.ts";
import { accessFault, type AccessFaultCode } from "../fault/access.ts";
import type { Fault } from "../fault.ts";
import { andThen } from "../maybe.ts";
import type { Maybe } from "../maybe.ts";
import { ResponseMessage } from "../message/message.ts";
import { refusedRequest, rfcError, textOf, wordsOf } from "./token-answer.ts";
import type { AnswerRules } from "./token-answer.ts";
import type { RequestedAttribute } from "./token-request.ts";

/** What the request says, read from flow variables. */
export interface AuthorizationRequest {
  readonly responseType: Value;
  readonly clientId: Value;
  readonly redirectUri: Value;
  readonly scope: Value;
  readonly state: Value;
  readonly appEndUser: Value;
  readonly expiresInMs: Value;
  readonly attributes: readonly RequestedAttribute[];
  /** What another server said of the request; present where it has the say. */
  readonly externalStatus?: Value;
  /** That server's token. */
  readonly externalAccessToken?: Value;
}

/** A request that may be granted. */
export interface Authorization extends RedirectedClient {
  readonly wish: Omit<TokenWish, "expiresInMs" | "grantType">;
  /** The fault that says no; in RFC form its answer leads back to the client. */
  refuse(code: AccessFaultCode, detail: string): Fault;
}

/** Checks the request and grants it. */
export function authorize(
  x: Exchange,
  rules: AnswerRules,
  request: AuthorizationRequest,
  responseType: "code" | "token",
  grant: (authorization: Authorization) => Maybe<void>,
): Maybe<void> {
  const clientId = textOf(request.clientId);
  if (clientId === "") throw refusedRequest(x, rules, "steps.oauth.v2.invalid_request", "client_id");
  const redirectUri = textOf(request.redirectUri) || null;
  return andThen(askStore(rules.name, () => redirectedClient(x.gateway, clientId, redirectUri)), (client) => {
    if (client === "redirect") throw refusedRequest(x, rules, "steps.oauth.v2.invalid_request", "redirect_uri");
    if (typeof client === "string") throw refusedRequest(x, rules, client, "");
    const separator = responseType === "code" ? "?" : "#";
    const refuse = (code: AccessFaultCode, detail: string): Fault =>
      refusedThere(x, rules, { redirectTo: client.redirectTo, separator, state: textOf(request.state) }, code, detail);
    const { externalStatus } = request;
    if (externalStatus !== undefined && textOf(externalStatus) !== "true") {
      throw refuse("steps.oauth.v2.InvalidClientIdentifier", "");
    }
    const type = textOf(request.responseType);
    if (type === "") throw refuse("steps.oauth.v2.invalid_request", "response_type");
    if (type !== responseType) throw refuse("steps.oauth.v2.invalid_request", `response_type=${responseType}`);
    const endUser = textOf(request.appEndUser);
    const { attributes } = request;
    const wish = {
      scopes: wordsOf(request.scope),
      subject: endUser === "" ? null : endUser,
      attributes: Object.fromEntries(attributes.map(({ name, value }) => [name, textOf(value)])),
      hidden: attributes.filter(({ display }) => !display).map(({ name }) => name),
    };
    return grant({ ...client, wish, refuse });
  });
}

interface Address {
  readonly redirectTo: string;
  readonly separator: "?" | "#";
  readonly state: string;
}

/** RFC 6749 section 4.1.2.1: in RFC form the client hears of it, through the user agent. */
function refusedThere(x: Exchange, rules: AnswerRules, to: Address, code: AccessFaultCode, detail: string): Fault {
  if (!rules.isRfc) return refusedRequest(x, rules, code, detail);
  const made = accessFault(code, detail, rules.name);
  const error = detail.startsWith("response_type=") ? "unsupported_response_type" : authorizationError(code, detail);
  const { redirectTo, separator, state } = to;
  const response = redirectAnswer(redirectTo, separator, { error, error_description: made.text, state });
  if (rules.respondErrors) x.response = response;
  return { ...made, response };
}

function authorizationError(code: AccessFaultCode, detail: string): string {
  const error = rfcError(code, detail);
  return error === "invalid_client" ? "unauthorized_client" : error;
}

/** 302 to the client's address with those values; empty ones are left out. */
export function redirectAnswer(
  redirectTo: string,
  separator: "?" | "#",
  values: Readonly<Record<string, string>>,
): ResponseMessage {
  const present = Object.entries(values).filter(([, value]) => value !== "");
  const added = new URLSearchParams(present).toString();
  const joint = separator === "?" && redirectTo.includes("?") ? "&" : separator;
  const lines = ["Location", `${redirectTo}${joint}${added}`, "Cache-Control", "no-store", "Pragma", "no-cache"];
  const response = new ResponseMessage(302, "", lines);
  response.content = "";
  return response;
}
