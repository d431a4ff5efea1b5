/**
 * Flow variables that are more than a field: what generated code calls to read and write them (apigee-core section 6).
 * One small function each, so that an artifact carries only those its bundle names.
 */
import { STATUS_CODES } from "node:http";
import { attributeOf, type AccessGrant, type Attributes, type ProductQuota } from "../access/model.ts";
import type { Exchange, Value } from "../context.ts";
import { fault, faultName } from "../fault.ts";
import { isForm } from "../message/form.ts";
import type { Message, RequestMessage, ResponseMessage } from "../message/message.ts";
import { requestMethod, statusCode, switchedProtocols, unresolved } from "../policies/assign-message.ts";
import { queryNames, queryParam, queryParamValues, setQueryParam, setQueryValue } from "../message/query.ts";

/** A value as the text that templates put in: null is the fallback. */
export function textOr(value: Value, fallback: string): string {
  return value === null ? fallback : String(value);
}

/** A value as text, null when unresolved. */
export function textOrNull(value: Value): string | null {
  return value === null ? null : String(value);
}

/** A value as text; unresolved raises AssignMessage's fault (apigee-policies section 1.2). */
export function needText(value: Value, policy: string, variable: string): string {
  if (value === null) unresolved(policy, variable);
  return String(value);
}

/** The text between a prefix and a suffix may be anything, but they may not overlap. */
export function hasAffixes(value: Value, prefix: string, suffix: string): boolean {
  if (value === null) return false;
  const text = String(value);
  return text.length >= prefix.length + suffix.length && text.startsWith(prefix) && text.endsWith(suffix);
}

/** The response of a response or fault flow, where there always is one. */
export function responseOf(x: Exchange): ResponseMessage {
  if (x.response === null) throw new TypeError("invariant: response flows have a response");
  return x.response;
}

/** `request.uri`: path and query. */
export function requestUri(message: RequestMessage | null): string | null {
  if (message === null) return null;
  const { path, query } = message;
  return query === null ? path : `${path}?${query}`;
}

/** `request.url`: what was asked of the target, without a port; null until that has answered. */
export function calledUrl({ isAnswered, server, request }: Exchange): string | null {
  if (!isAnswered || server === null) return null;
  const host = server.host.includes(":") ? `[${server.host}]` : server.host;
  return `${server.transport.scheme}://${host}${requestUri(request) ?? ""}`;
}

/** `proxy.url`: the inbound URL, whatever flows and targets have made of it since. */
export function proxyUrl(x: Exchange): string {
  const { inboundPath, inboundQuery } = x;
  return `${x.client.scheme}://${x.host}${inboundPath}${inboundQuery === null ? "" : `?${inboundQuery}`}`;
}

/** Names of the subject of a client certificate (RFC 4519 attribute types). */
export type SubjectField = "CN" | "C" | "emailAddress" | "L" | "O" | "OU" | "ST";

/**
 * `client.cn` and its kin: a field of the client certificate's subject. A certificate that did not verify, or has
 * expired since its connection began, is nobody's: where certificates are only asked for, anybody can show any.
 */
export function clientSubject(x: Exchange, field: SubjectField): string | null {
  const { socket } = x;
  if (!("authorized" in socket) || socket.authorized !== true) return null;
  if (!("getPeerCertificate" in socket) || typeof socket.getPeerCertificate !== "function") return null;
  const certificate: unknown = socket.getPeerCertificate();
  if (typeof certificate !== "object" || certificate === null || !("subject" in certificate)) return null;
  const { subject } = certificate;
  const endsAtMs = "valid_to" in certificate ? Date.parse(String(certificate.valid_to)) : Number.NaN;
  if (!(x.gateway.clock.wallMs() < endsAtMs)) return null;
  if (typeof subject !== "object" || subject === null || !Object.hasOwn(subject, field)) return null;
  const value: unknown = Reflect.get(subject, field);
  return typeof value === "string" ? value : Array.isArray(value) ? String(value[0]) : null;
}

/** `request.queryparam.<name>.<n>`, `.values`, `.values.count`; null without any. */
export function queryValues(message: RequestMessage | null, name: string): string[] | null {
  const values = queryParamValues(message?.query ?? null, name);
  return values.length === 0 ? null : values;
}

/** `request.queryparams.names`. */
export function queryParamNames(message: RequestMessage): string[];
export function queryParamNames(message: RequestMessage | null): string[] | null;
export function queryParamNames(message: RequestMessage | null): string[] | null {
  return message === null ? null : queryNames(message.query);
}

/** `request.queryparam.<name>`: the first value. */
export function queryValue(message: RequestMessage | null, name: string): string | null {
  return queryParam(message?.query ?? null, name);
}

/** Writes `request.queryparam.<name>`; nothing where there is no message. */
export function writeQueryParam(message: RequestMessage | null, name: string, value: string): void {
  if (message !== null) message.query = setQueryParam(message.query, name, value);
}

/** Writes `request.queryparam.<name>.<n>`. */
export function writeQueryPart(message: RequestMessage | null, name: string, index: number, value: string): void {
  if (message !== null) message.query = setQueryValue(message.query, name, index, value);
}

/** A collection as Apigee prints it: `[a, b]`. */
export function listText(values: readonly string[] | null): string | null {
  return values === null ? null : `[${values.join(", ")}]`;
}

/** `<message>.header.<name>.values`. */
export function headerValues(message: Message | null, name: string): string[] | null {
  const joined = message?.headerJoined(name) ?? null;
  return joined === null ? null : joined.split(",").map((part) => part.trim());
}

/** `<message>.headers.names`. */
export function headerNames(message: Message | null): string[] | null {
  return message === null ? null : [...new Set(message.names)];
}

/** Writes the n-th part (from 1) of a header; parts beyond the last are appended. */
export function writeHeaderPart(message: Message, name: string, index: number, value: string): void {
  const parts = headerValues(message, name) ?? [];
  parts[Math.min(index - 1, parts.length)] = value;
  message.setHeader(name, parts.join(", "));
}

/**
 * Writes into a message that a policy makes; nothing happens while nobody has made it. The value has been made by then,
 * and may have failed.
 */
export function ifMade<M extends Message>(
  message: M | null,
  text: string,
  write: (made: M, text: string) => void,
): void {
  if (message !== null) write(message, text);
}

/** `response.reason.phrase`: what was set, else the standard phrase. */
export function reasonPhrase(message: ResponseMessage | null): string | null {
  if (message === null) return null;
  return message.reason === "" ? (STATUS_CODES[message.status] ?? "") : message.reason;
}

/** Writes `response.status.code`: a final status, 200 to 599, or the policy's fault. */
export function writeStatus(x: Exchange, policy: string, value: Value): void {
  const response = unswitched(x, policy);
  response.status = statusCode(policy, textOr(value, ""));
}

/** Writes `response.content`. */
export function writeContent(x: Exchange, policy: string, text: string): void {
  unswitched(x, policy).content = text;
}

/** Writes `request.verb`; an upgrade is a GET (RFC 6455 section 4.1) and stays one. */
export function writeVerb(x: Exchange, policy: string, text: string): void {
  if (x.session === null) x.request.verb = requestMethod(policy, text);
}

/** The response, unless it is the target's 101: that one keeps its status and has no body. */
function unswitched(x: Exchange, policy: string): ResponseMessage {
  const response = responseOf(x);
  if (response.status === 101 && x.fault === null) switchedProtocols(policy);
  return response;
}

/** `error.state`: where the error occurred, 1 to 4 in the order of flows (docs/differences.md); null without one. */
export function errorState({ fault, inTarget, isAnswered }: Exchange): number | null {
  if (fault === null) return null;
  if (inTarget) return isAnswered ? 3 : 2;
  return isAnswered ? 4 : 1;
}

/** `is.error` is a field; `fault.name` and its kin are read from the fault. */
export function faultVariable(x: Exchange, what: "name" | "reason" | "category" | "subcategory"): string | null {
  if (x.fault === null) return null;
  const { row } = x.fault;
  switch (what) {
    case "name":
      return faultName(x.fault.code);
    case "reason":
      return x.fault.text;
    case "category":
      return row.category;
    case "subcategory":
      return row.subcategory;
  }
}

/** `<prefix>.<policy>.failed`. */
export function hasFailed(x: Exchange, policy: string): boolean {
  return x.failed !== null && x.failed.includes(policy);
}

/**
 * `oauthV2.<policy>.fault.name` and `.fault.cause`; null while the policy has not failed. The name keeps the prefix of
 * the codes that come from the access data (apigee-policies section 3.28).
 */
export function failureVariable(x: Exchange, policy: string, what: "name" | "cause"): string | null {
  const cause = x.failures?.[policy];
  if (cause === undefined) return null;
  if (what === "cause") return cause.text;
  return cause.code.startsWith("keymanagement.service.") ? cause.code : faultName(cause.code);
}

/** What a policy kept under its name; null before it ran. */
export function resultOf<T>(x: Exchange, policy: string): T | null {
  const result = x.results?.[policy];
  return result === undefined ? null : (result as T);
}

/** A custom attribute of an app, developer, product or token. */
export function attribute(owner: { readonly attributes: Attributes } | null | undefined, name: string): string | null {
  return owner === null || owner === undefined ? null : attributeOf(owner.attributes, name);
}

/** The quota that holds for the call: the operation's, else the product's. */
export function quotaOf(grant: AccessGrant | null): ProductQuota | null {
  return grant === null ? null : (grant.operation?.quota ?? grant.product.quota);
}

/** `apiproduct.operation.methods`, in the form of all lists; null where no operation covers the call. */
export function operationMethods(grant: AccessGrant | null): string | null {
  const operation = grant?.operation ?? null;
  return operation === null ? null : `[${operation.methods.join(", ")}]`;
}

/** A custom attribute of the operation that covers the call. */
export function operationAttribute(grant: AccessGrant | null, name: string): string | null {
  const attributes = grant?.operation?.attributes;
  return attributes === undefined ? null : attributeOf(attributes, name);
}

/** `expires_in`: seconds until the credential expires; null when it never does or nothing was verified. */
export function expiresIn(x: Exchange, grant: AccessGrant | null): number | null {
  if (grant === null || grant.expiresAtMs === null) return null;
  return Math.max(0, Math.floor((grant.expiresAtMs - x.gateway.clock.wallMs()) / 1000));
}

/** `system.time.*`: parts of the present instant, UTC. */
export function timePart(x: Exchange, part: string): Value {
  const now = new Date(x.gateway.clock.wallMs());
  switch (part) {
    case "year":
      return now.getUTCFullYear();
    case "month":
      return now.getUTCMonth() + 1;
    case "day":
      return now.getUTCDate();
    case "dayofweek":
      return now.getUTCDay() + 1;
    case "hour":
      return now.getUTCHours();
    case "minute":
      return now.getUTCMinutes();
    case "second":
      return now.getUTCSeconds();
    case "millisecond":
      return now.getUTCMilliseconds();
    default:
      return "UTC";
  }
}

/** An instant as HTTP writes it: `Wed, 21 Aug 2013 19:16:47 GMT`. */
export function timeText(ms: number): string {
  return new Date(ms).toUTCString();
}

/** `<message>.content.as.base64` and `.as.url.safe.base64`. */
export function contentIn(message: Message | null, encoding: "base64" | "base64url"): string | null {
  return message?.body?.toString(encoding) ?? null;
}

/** `request.formstring`: an urlencoded body as it is; null for any other. */
export function formText(message: RequestMessage | null): string | null {
  return message !== null && isForm(message) ? (message.content ?? "") : null;
}

/** `request.formparam.<name>`: the first value. */
export function formValue(message: RequestMessage | null, name: string): string | null {
  return queryParam(formText(message), name);
}

/** `request.formparam.<name>.<n>`, `.values`, `.values.count`; null without any. */
export function formValues(message: RequestMessage | null, name: string): string[] | null {
  const values = queryParamValues(formText(message), name);
  return values.length === 0 ? null : values;
}

/** `request.formparams.names`; null where the body is no form. */
export function formNames(message: RequestMessage | null): string[] | null {
  const text = formText(message);
  return text === null ? null : queryNames(text);
}

/** Writes `request.formparam.<name>`; a body that is no form is left alone. */
export function writeFormParam(message: RequestMessage | null, name: string, value: string): void {
  const text = formText(message);
  if (message !== null && text !== null) message.content = setQueryParam(text, name, value);
}

/** Writes `request.formparam.<name>.<n>`. */
export function writeFormPart(message: RequestMessage | null, name: string, index: number, value: string): void {
  const text = formText(message);
  if (message !== null && text !== null) message.content = setQueryValue(text, name, index, value);
}
