/** Flow variables by name, looked up one question after the other (apigee-core section 6). */
import { STATUS_CODES } from "node:http";
import type { ProgramTarget } from "#compiler/ir/program.ts";
import type { Value } from "../outcome.ts";
import { expiryOf, type Grant } from "./access.ts";
import { configuredUrl } from "./target-url.ts";
import { dataOf, writeEvent } from "./events.ts";
import { categoryOf, raised } from "./faults.ts";
import { queryNames, queryValues, setQuery } from "./message.ts";
import { giveContent, giveStatus, type OracleRequest, type OracleResponse, type Transaction } from "./transaction.ts";

/** The value of a variable; null when it is unresolved. */
export function read(t: Transaction, name: string): Value {
  const fixed = builtins[name];
  if (fixed !== undefined) return fixed(t);
  const [message, rest] = partOf(t, name);
  if (message !== undefined && rest !== undefined) {
    const value = ofMessage(t, message, rest);
    if (value !== undefined) return value;
  }
  const [, prefix, policy, last] = /^([^.]+)\.([^.]+)\.(.+)$/.exec(name) ?? [];
  if (policy !== undefined && last !== undefined && t.place.proxy.policies.some((other) => other.name === policy)) {
    if (last === "failed") return t.failed.has(policy);
    if (prefix === "ratelimit") return rate(t, policy, last);
    if (prefix === "verifyapikey") return granted(t, t.grants.get(policy) ?? null, last);
  }
  if (/^(client_id|expires_in)$|^(app|developer|apiproduct)\./.test(name)) return granted(t, t.access, name);
  if (name.startsWith("propertyset.")) return t.place.proxy.properties.get(t.place.environment)?.get(name) ?? null;
  return t.custom.get(name) ?? null;
}

/** Writes a variable for a policy; a text that becomes part of a line is checked first. */
export function write(t: Transaction, name: string, value: Value, policy: string): void {
  if (writeEvent(t, name, value)) return;
  const [message, rest] = partOf(t, name);
  if (message !== undefined && rest !== undefined && writeMessage(t, message, rest, value, policy)) return;
  switch (name) {
    case "target.url":
    case "target.evaluated.url":
      if (t.phase === "request" && t.inTarget) t.targetUrl = value;
      return;
    case "target.copy.pathsuffix":
      t.copyPathSuffix = value;
      return;
    case "target.copy.queryparams":
      t.copyQueryParams = value;
      return;
    case "target.header.host":
      t.targetHost = value;
      return;
    default:
      t.custom.set(name, value);
  }
}

/** A message's name and the rest; nothing for what is no part of a message. */
function partOf(t: Transaction, name: string): readonly string[] {
  const dot = name.indexOf(".");
  const message = name.slice(0, dot);
  const isMessage = /^(request|response|message|error)$/.test(message) || madeType(t, message) !== null;
  return dot > 0 && isMessage ? [message, name.slice(dot + 1)] : [];
}

/** What policies make under a name: the first of them says which. */
export function madeType(t: Transaction, name: string): "request" | "response" | null {
  for (const { model } of t.place.proxy.policies) {
    const to: unknown = model.kind === "AssignMessage" ? model["assignTo"] : undefined;
    if (typeof to !== "object" || to === null || !("name" in to) || to.name !== name) continue;
    if (!/^(request|response|message|error)$/.test(name)) return "type" in to && to.type === "response" ? "response" : "request";
  }
  return null;
}

/** A text as it may stand in a header line: one line, single bytes. */
export function lineText(text: string, policy: string): string {
  for (const letter of text) {
    const code = letter.codePointAt(0) ?? 0;
    if ((code < 0x20 && code !== 9) || code === 0x7f) throw raised("steps.assignmessage.SetVariableFailed", policy,
      policy);
  }
  return [...text].every((letter) => (letter.codePointAt(0) ?? 0) <= 0xff)
    ? text
    : String.fromCharCode(...new TextEncoder().encode(text));
}

/** A status that a policy may give to an answer; a 101 stays as it is. */
export function finalStatus(t: Transaction, text: string, policy: string): number {
  refuseSwitched(t, policy);
  return statusOf(text, policy);
}

/** 200 to 599. */
export function statusOf(text: string, policy: string): number {
  if (!/^[2-5][0-9][0-9]$/.test(text)) throw raised("steps.assignmessage.SetVariableFailed", policy, policy);
  return Number(text);
}

/** The target's 101 has neither another status nor a body. */
export function refuseSwitched(t: Transaction, policy: string): void {
  if (t.phase !== "response" || t.response?.status !== 101) return;
  throw raised("steps.assignmessage.SetVariableFailed", policy, policy);
}

/** The message that a name means at this point; null when there is none. */
export function messageOf(t: Transaction, name: string): OracleRequest | OracleResponse | null {
  if (madeType(t, name) !== null) return t.messages.get(name) ?? null;
  if (name === "request" || (name === "message" && t.phase === "request")) return t.request;
  if (t.phase === "request" || (name === "error" && t.fault === null)) return null;
  return t.response;
}

function isRequest(message: OracleRequest | OracleResponse): message is OracleRequest {
  return "verb" in message;
}

/** Undefined for what is no part of a message. */
function ofMessage(t: Transaction, name: string, part: string): Value | undefined {
  const message = messageOf(t, name);
  const [, header, count] = /^header\.(.+?)(\.\d+|\.values|\.values\.count|\.values\.string)?$/.exec(part) ?? [];
  if (header !== undefined) return message === null ? null : headerPart(message, header, count);
  const [, kind, query, which] = /^(queryparam|formparam)\.(.+?)(\.\d+|\.values|\.values\.count)?$/.exec(part) ?? [];
  if (query !== undefined && name !== "response" && name !== "error" && madeType(t, name) !== "response") {
    if (message === null || !isRequest(message)) return which === ".values.count" && madeType(t, name) !== null ? 0 : null;
    return queryPart(kind === "queryparam" ? message.query : formOf(message), query, which);
  }
  switch (part) {
    case "headers.count":
      return message?.headers.names().length ?? null;
    case "queryparams.count":
      return message !== null && isRequest(message) ? queryNames(message.query).length : null;
    case "verb":
    case "path":
    case "uri":
    case "querystring":
      return message !== null && isRequest(message) ? startLine(message, part) : null;
    case "status.code":
      return message === null || isRequest(message) ? null : message.status;
    case "reason.phrase":
      if (message === null || isRequest(message)) return null;
      return message.reason === "" ? (STATUS_CODES[message.status] ?? "") : message.reason;
    case "content":
      return message?.content ?? null;
    case "content.as.base64":
      return message === null || message.content === null ? null : Buffer.from(message.content, "utf8").toString("base64");
    case "formstring":
      return message !== null && isRequest(message) ? formOf(message) : null;
    case "formparams.count": {
      const form = message !== null && isRequest(message) ? formOf(message) : null;
      return form === null ? null : queryNames(form).length;
    }
    default:
      return undefined;
  }
}

function startLine({ verb, path, query }: OracleRequest, part: "verb" | "path" | "uri" | "querystring"): string {
  if (part === "verb") return verb;
  if (part === "path") return path;
  if (part === "querystring") return query ?? "";
  return query === null ? path : `${path}?${query}`;
}

function headerPart(message: OracleRequest | OracleResponse, name: string, which: string | undefined): Value {
  const parts = message.headers.parts(name);
  if (which === undefined) return parts?.[0] ?? null;
  if (which === ".values.count") return parts?.length ?? 0;
  if (which === ".values.string") return message.headers.joined(name);
  if (which === ".values") return parts === null ? null : `[${parts.join(", ")}]`;
  return parts?.[Number(which.slice(1)) - 1] ?? null;
}

/** The body of a message whose type is urlencoded. */
export function formOf({ headers, content }: OracleRequest | OracleResponse): string | null {
  const [type = ""] = headers.values("content-type");
  return type.split(";")[0]?.trim().toLowerCase() === "application/x-www-form-urlencoded" ? (content ?? "") : null;
}

function queryPart(pairs: string | null, name: string, which: string | undefined): Value {
  const values = queryValues(pairs, name);
  if (which === undefined) return values[0] ?? null;
  if (which === ".values.count") return values.length;
  if (which === ".values") return values.length === 0 ? null : `[${values.join(", ")}]`;
  return values[Number(which.slice(1)) - 1] ?? null;
}

/** False for what is no part of a message. What is not there is not written. */
function writeMessage(t: Transaction, name: string, part: string, value: Value, policy: string): boolean {
  const message = messageOf(t, name);
  const text = value === null ? "" : String(value);
  const [, header, index] = /^header\.(.+?)(?:\.(\d+))?$/.exec(part) ?? [];
  if (header !== undefined) {
    if (message === null) return true;
    const line = lineText(text, policy);
    if (index === undefined) message.headers.set(header, line);
    else message.headers.setPart(header, Number(index), line);
    return true;
  }
  const [, form] = /^formparam\.(.+)$/.exec(part) ?? [];
  if (form !== undefined) {
    const pairs = message !== null && isRequest(message) ? formOf(message) : null;
    if (message !== null && pairs !== null) message.content = setQuery(pairs, form, text);
    return true;
  }
  const [, query] = /^queryparam\.(.+)$/.exec(part) ?? [];
  if (query !== undefined) {
    if (message !== null && isRequest(message)) message.query = setQuery(message.query, query, text);
    return true;
  }
  if (!["verb", "path", "status.code", "reason.phrase", "content"].includes(part)) return false;
  if (message === null) return true;
  if (isRequest(message)) {
    if (part === "path") message.path = text;
    if (part === "content") message.content = text;
    if (part === "verb") setVerb(t, message, text, policy);
    return true;
  }
  const isOwn = message === t.response;
  if (part === "status.code") giveStatus(message, isOwn ? finalStatus(t, text, policy) : statusOf(text, policy));
  if (part === "reason.phrase") message.reason = lineText(text, policy);
  if (part === "content") {
    if (isOwn) refuseSwitched(t, policy);
    giveContent(message, text);
  }
  return true;
}

/** A method in upper case; an upgrade stays a GET (RFC 6455 section 4.1). */
export function setVerb(t: Transaction, message: OracleRequest, text: string, policy: string): void {
  if (t.upgrade && message === t.request) return;
  if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(text)) throw raised("steps.assignmessage.SetVariableFailed", policy,
    policy);
  message.verb = text.toUpperCase();
}

function rate(t: Transaction, policy: string, name: string): Value {
  const result = t.rates.get(policy);
  if (result === undefined) return null;
  if (name === "allowed.count") return result.allowed;
  if (name === "available.count") return result.available;
  return name === "exceed.count" ? result.exceeded : null;
}

function granted(t: Transaction, grant: Grant | null, name: string): Value {
  if (grant === null) return null;
  const { app, developer, product, keyDigest } = grant;
  const expiresAtMs = expiryOf(grant);
  switch (name) {
    case "client_id":
      return keyDigest.slice("sha256:".length, "sha256:".length + 12);
    case "expires_in":
      return expiresAtMs === null ? null : Math.max(0, Math.floor((expiresAtMs - t.world.wallMs) / 1000));
    case "app.name":
    case "app.id":
    case "developer.app.name":
    case "developer.app.id":
      return app.name;
    case "app.status":
      return app.value.status ?? "approved";
    case "developer.email":
      return developer.email;
    case "developer.userName":
      return developer.userName ?? developer.email;
    case "developer.status":
      return developer.status ?? "active";
    case "developer.id":
      return `${grant.organization}@@@${developer.email}`;
    case "apiproduct.name":
      return product.name;
    case "apiproduct.operation.resource":
      return grant.operation;
    case "apiproduct.developer.quota.limit":
      return product.value.quota?.limit ?? null;
  }
  const [owner = "", ...rest] = name.split(".");
  const key = rest.join(".");
  if (owner === "app") return app.value.attributes?.[key] ?? null;
  if (owner === "developer") return developer.attributes?.[key] ?? null;
  return owner === "apiproduct" ? (product.value.attributes?.[key] ?? null) : null;
}

function faultPart(t: Transaction, part: "name" | "reason" | "category" | "subcategory"): Value {
  if (t.fault === null) return null;
  const { code, text } = t.fault;
  if (part === "name") return code.split(".").at(-1) ?? null;
  if (part === "reason") return text;
  return categoryOf(code)[part === "category" ? 0 : 1];
}

const builtins: Readonly<Record<string, (t: Transaction) => Value>> = {
  "organization.name": (t) => t.world.program.organization,
  "environment.name": (t) => t.place.environment,
  "apiproxy.name": (t) => t.place.proxy.name,
  "proxy.name": (t) => t.place.endpoint.name,
  "proxy.basepath": (t) => t.place.endpoint.basePath,
  "proxy.pathsuffix": (t) => t.place.pathSuffix,
  "proxy.url": (t) => `http://${t.host}${t.inboundUri}`,
  "client.ip": (t) => t.clientAddress,
  "client.port": () => 50_000,
  "client.sent.end.timestamp": () => -1,
  "client.scheme": () => "http",
  "client.ssl.enabled": () => "false",
  "current.flow.name": (t) => t.flow,
  "route.name": (t) => t.route,
  "route.target": (t) => t.target?.name ?? null,
  "target.name": (t) => t.target?.name ?? null,
  "target.url": targetUrl,
  "target.evaluated.url": targetUrl,
  "target.copy.pathsuffix": (t) => t.copyPathSuffix,
  "target.copy.queryparams": (t) => t.copyQueryParams,
  "target.header.host": (t) => t.targetHost,
  "target.scheme": targetScheme,
  "target.ssl.enabled": (t) => targetScheme(t) === "https",
  "system.timestamp": (t) => t.world.wallMs,
  "is.error": (t) => t.fault !== null,
  "fault.name": (t) => faultPart(t, "name"),
  "fault.reason": (t) => faultPart(t, "reason"),
  "response.event.current.content": (t) => t.event?.content ?? null,
  "response.event.current.data": (t) => (t.event === null ? null : dataOf(t.event.content)),
  "response.event.current.count": (t) => t.event?.count ?? null,
  "error.message": (t) => faultPart(t, "reason"),
  "fault.category": (t) => faultPart(t, "category"),
  "fault.subcategory": (t) => faultPart(t, "subcategory"),
};

/** What a flow has written, else what the bundle says of the endpoint. */
function targetUrl({ target, targetUrl: written }: Transaction): Value {
  if (written !== null || target === null || target.url === null) return written;
  const { path, query, server } = configuredUrl(target.url);
  return `http://${server}${path}${query === null ? "" : `?${query}`}`;
}

/** Known from the bundle, unless a template that begins with a variable is still to be filled. */
function targetScheme({ target, scheme }: Transaction): Value {
  return scheme ?? (target === null || hasOpenScheme(target) ? null : "http");
}

/** True where a template that begins with a variable, or what is written in its place, decides about TLS. */
export function hasOpenScheme({ template }: ProgramTarget): boolean {
  return template !== null && !/^https?:/i.test(template.text);
}
