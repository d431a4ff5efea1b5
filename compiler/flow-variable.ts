/**
 * What a flow variable's name means (apigee-core section 6): where its value lives, whether flows may write it, which
 * type it has. Pure classification; 5-emit/variable.ts turns the result into code.
 */

/** A message that a policy makes under a name of its own. */
export interface NamedMessage {
  readonly name: string;
  readonly type: "request" | "response";
}

/** The messages of a flow. `message` means the one of the segment. */
export type FlowMessage = "request" | "response" | "message" | "error";

/** The messages that variables name. */
export type MessageName = FlowMessage | NamedMessage;

/** Which part of a multi-valued header or parameter. */
export type Part = "first" | "values" | "count" | "line" | number;

export type FlowVariable =
  | { readonly kind: "header"; readonly message: MessageName; readonly name: string; readonly part: Part }
  | { readonly kind: "headers"; readonly message: MessageName; readonly what: "count" | "names" }
  | { readonly kind: "queryParam"; readonly message: MessageName; readonly name: string; readonly part: Part }
  | { readonly kind: "queryParams"; readonly message: MessageName; readonly what: "count" | "names" }
  | { readonly kind: "formParam"; readonly message: MessageName; readonly name: string; readonly part: Part }
  | { readonly kind: "formParams"; readonly message: MessageName; readonly what: "count" | "names" | "string" }
  | { readonly kind: "start-line"; readonly message: MessageName; readonly what: StartLine }
  | { readonly kind: "builtin"; readonly id: BuiltinVariable }
  /** `system.time.hour` and its kin. */
  | { readonly kind: "time"; readonly what: string }
  /** What was verified: `app.name`, `developer.email`, `apiproduct.tier`; `policy` where the name carries one. */
  | { readonly kind: "access"; readonly policy: string | null; readonly path: readonly string[] }
  | { readonly kind: "jwt"; readonly policy: string; readonly path: readonly string[] }
  /** `oauthv2accesstoken.<policy>.*` of operations that issue tokens, `hmac.`, `jws.`, `securityevent.<policy>.*`. */
  | { readonly kind: "issued"; readonly policy: string; readonly name: string }
  /** `ratelimit.<policy>.*` of SpikeArrest. */
  | { readonly kind: "rate"; readonly policy: string; readonly name: string }
  | { readonly kind: "failed"; readonly policy: string }
  /** `propertyset.<set>.<key>`; null where no set of the environment or the proxy has it. */
  | { readonly kind: "property"; readonly name: string }
  /** `oauthV2.<policy>.fault.name` and `.fault.cause`. */
  | { readonly kind: "failure"; readonly policy: string; readonly what: "name" | "cause" }
  /** `response.event.current.*`: the server-sent event of an EventFlow. */
  | { readonly kind: "event"; readonly what: "content" | "data" | "count" }
  /** `apigee.metrics.policy.<policy>.timeTaken`. */
  | { readonly kind: "policy-time"; readonly policy: string }
  | { readonly kind: "custom"; readonly name: string };

export type StartLine =
  | "verb" | "path" | "uri" | "querystring" | "version" | "status" | "reason" | "url"
  | "content" | "base64" | "base64url";

/** What a variable needs of a message's body: all of it, or the form that an urlencoded one holds. */
export interface BodyNeed {
  readonly message: FlowMessage;
  readonly form: boolean;
}

/** The body that a variable is part of; null for most. Messages that policies make have theirs in memory. */
export function bodyOf(variable: FlowVariable): BodyNeed | null {
  if (!("message" in variable) || typeof variable.message === "object") return null;
  const { kind, message } = variable;
  if (kind === "formParam" || kind === "formParams") return { message, form: true };
  const isBody = kind === "start-line" && ["content", "base64", "base64url"].includes(variable.what);
  return isBody ? { message, form: false } : null;
}

/** Variables with a place of their own, by name. */
const builtinVariables = {
  "organization.name": row("text", false),
  "environment.name": row("text", false),
  "apiproxy.name": row("text", false),
  "apiproxy.revision": row("text", false),
  "apiproxy.basepath": row("text", false),
  "proxy.name": row("text", false),
  "proxy.basepath": row("text", false),
  "proxy.pathsuffix": row("text", false),
  "proxy.url": row("text", false),
  "proxy.client.ip": row("text", false),
  "current.flow.name": row("text", false),
  messageid: row("text", false),
  "route.name": row("text", false),
  "route.target": row("text", false),
  "system.timestamp": row("number", false),
  "system.time": row("text", false),
  "client.ip": row("text", false),
  "client.resolved.ip": row("text", false),
  "client.host": row("text", false),
  "client.port": row("number", false),
  "client.scheme": row("text", false),
  "client.ssl.enabled": row("text", false),
  "client.cn": row("text", false),
  "client.country": row("text", false),
  "client.email.address": row("text", false),
  "client.locality": row("text", false),
  "client.organization": row("text", false),
  "client.organization.unit": row("text", false),
  "client.state": row("text", false),
  "client.received.start.timestamp": row("number", false),
  "client.received.start.time": row("text", false),
  "client.received.end.timestamp": row("number", false),
  "client.received.end.time": row("text", false),
  "client.sent.start.timestamp": row("number", false),
  "client.sent.start.time": row("text", false),
  "client.sent.end.timestamp": row("number", false),
  "client.sent.end.time": row("text", false),
  "system.uuid": row("text", false),
  "system.pod.name": row("text", false),
  "system.region.name": row("text", false),
  "is.error": row("boolean", false),
  "error.state": row("any", false),
  "error.message": row("text", false),
  "fault.name": row("text", false),
  "fault.reason": row("text", false),
  "fault.category": row("text", false),
  "fault.subcategory": row("text", false),
  "target.name": row("text", false),
  "target.url": row("any", true),
  "target.evaluated.url": row("any", true),
  "target.copy.pathsuffix": row("any", true),
  "target.copy.queryparams": row("any", true),
  "target.header.host": row("any", true),
  "target.basepath": row("text", false),
  "target.scheme": row("text", false),
  "target.host": row("text", false),
  "target.port": row("number", false),
  "target.ssl.enabled": row("boolean", false),
  "target.ip": row("text", false),
  "target.expectedcn": row("text", false),
  "target.cn": row("text", false),
  "target.country": row("text", false),
  "target.email.address": row("text", false),
  "target.locality": row("text", false),
  "target.organization": row("text", false),
  "target.organization.unit": row("text", false),
  "target.state": row("text", false),
  "target.sent.start.timestamp": row("any", false),
  "target.sent.start.time": row("text", false),
  "target.sent.end.timestamp": row("any", false),
  "target.sent.end.time": row("text", false),
  "target.received.start.timestamp": row("any", false),
  "target.received.start.time": row("text", false),
  "target.received.end.timestamp": row("any", false),
  "target.received.end.time": row("text", false),
  "target.received.status.code": row("any", false),
  "loadbalancing.targetserver": row("text", false),
  "loadbalancing.isfallback": row("any", false),
  "loadbalancing.failedservers": row("text", false),
  "websocket.closed.by": row("text", false),
  "websocket.close.code": row("any", false),
  "websocket.close.reason": row("text", false),
  "websocket.close.text": row("text", false),
  "websocket.duration": row("any", false),
  "websocket.client.bytes": row("any", false),
  "websocket.client.frames": row("any", false),
  "websocket.target.bytes": row("any", false),
  "websocket.target.frames": row("any", false),
  "websocket.credential": row("text", false),
  "websocket.credential.source": row("text", false),
} as const;

export type BuiltinVariable = keyof typeof builtinVariables;

/** Variables that change when a flow begins (apigee-core section 6.1): the name or description of which one. */
export const flowPlaceVariables = [
  "current.flow.name", "current.flow.description", "proxy.flow.name", "proxy.flow.description", "target.flow.name",
  "target.flow.description",
] as const;

export type FlowPlaceVariable = (typeof flowPlaceVariables)[number];

/** True for what only the flows themselves write; but for the first, these live where custom variables do. */
function isFlowPlace(name: string): name is FlowPlaceVariable {
  return flowPlaceVariables.some((other) => other === name);
}

/** Names that Apigee gives a value and this gateway does not (apigee-core section 6). */
const ABSENT = new RegExp(
  "^(?:system\\.interface\\..+|target\\.(?:sent|received)\\..+" +
    "|(?:loadbalancing|apigee|servicecallout|mint|graphql|virtualhost|router|application)\\..+)$",
);

/** True for a variable of Apigee's that is not built here, so that it never has a value of its own. */
export function isAbsent(name: string): boolean {
  return ABSENT.test(name);
}

const COOKIE = /^[^.]+\.header\.cookie(\.|$)/i;

/** True for where a browser's own credential stands: it travels without the page's doing. */
export function isSentByBrowsers(name: string): boolean {
  return COOKIE.test(name);
}

/** The variable that holds a parameter of a call while the shared flow runs; no name of the user's is the same. */
export function parameterVariable(parameter: string, callout: string): string {
  return `${parameter} of ${callout}`;
}

const AT_ENTRY = /^(?:(?:organization|environment|apiproxy|proxy|client|system)\.(?!sent\.|received\.end\.)|messageid$)/;

/** True for what has its value before any flow runs, and without a look at a body. */
export function isKnownAtEntry(variable: FlowVariable): boolean {
  if (variable.kind === "time" || variable.kind === "property") return true;
  if (variable.kind === "builtin") return AT_ENTRY.test(variable.id);
  if (!("message" in variable) || bodyOf(variable) !== null) return false;
  return variable.message === "request" || variable.message === "message";
}

/** True for the variables that replace a target's URL: in request flows of target endpoints, and nowhere else. */
export function isTargetUrl(variable: FlowVariable): boolean {
  return variable.kind === "builtin" && (variable.id === "target.url" || variable.id === "target.evaluated.url");
}

/** What static types know of a value. `text`: string or null; `any`: everything. */
export type ValueType = "text" | "number" | "boolean" | "any";

const MESSAGE = /^(request|response|message|error)\.(.+)$/;
const TIME_TAKEN = /^apigee\.metrics\.policy\.(.+)\.timeTaken$/;
const TIME = /^system\.time\.(year|month|day|dayofweek|hour|minute|second|millisecond|zone)$/;

/**
 * Classifies a variable's name. `isPolicy` tells which names are those of the proxy's policies, `messages` what they
 * make.
 */
export function flowVariable(
  name: string,
  isPolicy: (name: string) => boolean,
  messages: readonly NamedMessage[] = [],
): FlowVariable {
  const made = messages.find((other) => name.startsWith(`${other.name}.`));
  const part = made === undefined ? null : messageVariable(made, name.slice(made.name.length + 1));
  if (part !== null) return part;
  if (isBuiltin(name)) return { kind: "builtin", id: name };
  const event = eventVariables.get(name);
  if (event !== undefined) return { kind: "event", what: event };
  const time = TIME.exec(name)?.[1];
  if (time !== undefined) return { kind: "time", what: time };
  const [, message, rest] = MESSAGE.exec(name) ?? [];
  if (isMessage(message) && rest !== undefined) return messageVariable(message, rest) ?? { kind: "custom", name };
  if (name.startsWith("propertyset.")) return { kind: "property", name };
  const timed = TIME_TAKEN.exec(name)?.[1];
  if (timed !== undefined && isPolicy(timed)) return { kind: "policy-time", policy: timed };
  return policyVariable(name, isPolicy) ?? accessVariable(name) ?? { kind: "custom", name };
}

/** True when flows may write the variable. */
export function isWritable(variable: FlowVariable): boolean {
  switch (variable.kind) {
    case "custom":
      return !isFlowPlace(variable.name);
    case "header":
      return variable.part === "first" || typeof variable.part === "number";
    case "queryParam":
    case "formParam":
      return variable.part === "first" || typeof variable.part === "number";
    case "start-line":
      return ["verb", "path", "version", "status", "reason", "content"].includes(variable.what);
    case "event":
      return variable.what !== "count";
    case "builtin":
      return builtinVariables[variable.id].writable;
    default:
      return false;
  }
}

/** The static type of a variable's value. */
export function valueType(variable: FlowVariable): ValueType {
  switch (variable.kind) {
    case "header":
    case "queryParam":
    case "formParam":
      return variable.part === "count" ? "number" : "text";
    case "headers":
    case "queryParams":
    case "formParams":
      return variable.what === "count" ? "number" : "text";
    case "start-line":
      return variable.what === "status" ? "number" : "text";
    case "builtin":
      return builtinVariables[variable.id].type;
    case "event":
      return variable.what === "count" ? "number" : "text";
    case "time":
      return variable.what === "zone" ? "text" : "number";
    case "failed":
      return "boolean";
    case "failure":
    case "property":
      return "text";
    case "access":
    case "jwt":
    case "issued":
    case "rate":
    case "policy-time":
    case "custom":
      return "any";
  }
}

function messageVariable(message: MessageName, rest: string): FlowVariable | null {
  const header = multiValued(rest, "header.");
  if (header !== null) return { kind: "header", message, name: header.name.toLowerCase(), part: header.part };
  if (rest === "headers.count") return { kind: "headers", message, what: "count" };
  if (rest === "headers.names" || rest === "headers.names.string") return { kind: "headers", message, what: "names" };
  const isRequest = typeof message === "object" ? message.type === "request" : message === "request" || message === "message";
  const query = isRequest ? multiValued(rest, "queryparam.") : null;
  if (query !== null) return { kind: "queryParam", message, name: query.name, part: query.part };
  if (isRequest && rest === "queryparams.count") return { kind: "queryParams", message, what: "count" };
  if (isRequest && rest.startsWith("queryparams.names")) return { kind: "queryParams", message, what: "names" };
  const form = isRequest ? multiValued(rest, "formparam.") : null;
  if (form !== null) return { kind: "formParam", message, name: form.name, part: form.part };
  if (isRequest && rest === "formparams.count") return { kind: "formParams", message, what: "count" };
  if (isRequest && rest.startsWith("formparams.names")) return { kind: "formParams", message, what: "names" };
  if (isRequest && rest === "formstring") return { kind: "formParams", message, what: "string" };
  const start = Object.hasOwn(startLines, rest) ? startLines[rest] : undefined;
  return start === undefined ? null : { kind: "start-line", message, what: start };
}

const eventVariables: ReadonlyMap<string, Extract<FlowVariable, { kind: "event" }>["what"]> = new Map([
  ["response.event.current.content", "content"],
  ["response.event.current.data", "data"],
  ["response.event.current.count", "count"],
] as const);

const startLines: Readonly<Record<string, StartLine>> = {
  verb: "verb",
  path: "path",
  uri: "uri",
  url: "url",
  querystring: "querystring",
  version: "version",
  "status.code": "status",
  "reason.phrase": "reason",
  content: "content",
  "content.as.base64": "base64",
  "content.as.url.safe.base64": "base64url",
};

/** `header.x`, `header.x.2`, `header.x.values`, `.values.count`, `.values.string`. */
function multiValued(rest: string, prefix: string): { name: string; part: Part } | null {
  if (!rest.startsWith(prefix) || rest.length === prefix.length) return null;
  const name = rest.slice(prefix.length);
  for (const [suffix, part] of suffixes) {
    if (name.endsWith(suffix) && name.length > suffix.length) return { name: name.slice(0, -suffix.length), part };
  }
  const index = /^(.+)\.([1-9][0-9]{0,3})$/.exec(name);
  if (index !== null) return { name: index[1] ?? "", part: Number(index[2]) };
  return { name, part: "first" };
}

const suffixes: readonly (readonly [string, Part])[] = [
  [".values.count", "count"],
  [".values.string", "line"],
  [".values", "values"],
];

function policyVariable(name: string, isPolicy: (name: string) => boolean): FlowVariable | null {
  const [prefix, policy, path] = splitPolicy(name, isPolicy) ?? [];
  if (prefix === undefined || policy === undefined || path === undefined) return null;
  if (path.length === 1 && path[0] === "failed") return { kind: "failed", policy };
  const what = path.join(".");
  if (prefix === "oauthV2" && what === "fault.name") return { kind: "failure", policy, what: "name" };
  if (prefix === "oauthV2" && what === "fault.cause") return { kind: "failure", policy, what: "cause" };
  if (prefix === "verifyapikey") return { kind: "access", policy, path };
  if (ISSUED.has(prefix)) return { kind: "issued", policy, name: path.join(".") };
  if (prefix === "ratelimit") return { kind: "rate", policy, name: path.join(".") };
  if (prefix === "jwt") return { kind: "jwt", policy, path };
  return null;
}

/** Prefixes of what policies make (apigee-policies section 3.28). */
const ISSUED: ReadonlySet<string> = new Set([
  "oauthv2accesstoken",
  "oauthv2refreshtoken",
  "oauthv2authcode",
  "oauthv2client",
  "introspection",
  "hmac",
  "jws",
  "securityevent",
  "ticket",
  "renewsession",
]);

/** `<prefix>.<policy>.<path>`, where the policy's name may itself hold dots. */
function splitPolicy(name: string, isPolicy: (name: string) => boolean): [string, string, string[]] | null {
  const parts = name.split(".");
  for (let end = parts.length - 1; end >= 2; end--) {
    const policy = parts.slice(1, end).join(".");
    if (isPolicy(policy)) return [parts[0] ?? "", policy, parts.slice(end)];
  }
  return null;
}

/** Unprefixed variables of VerifyAPIKey and VerifyAccessToken (apigee-core section 6.6). */
const accessNames = new Set([
  "client_id",
  "access_token",
  "grant_type",
  "token_type",
  "issued_at",
  "expires_in",
  "scope",
  "status",
  "organization_name",
]);

function accessVariable(name: string): FlowVariable | null {
  if (accessNames.has(name)) return { kind: "access", policy: null, path: [name] };
  const path = name.split(".");
  const isAccess = ["app", "developer", "apiproduct", "accesstoken"].includes(path[0] ?? "") && path.length > 1;
  return isAccess ? { kind: "access", policy: null, path } : null;
}

function isBuiltin(name: string): name is BuiltinVariable {
  return Object.hasOwn(builtinVariables, name);
}

/** True for the messages that every flow may name. */
export function isMessage(name: string | undefined): name is FlowMessage {
  return name === "request" || name === "response" || name === "message" || name === "error";
}

function row<T extends ValueType>(type: T, writable: boolean): { type: T; writable: boolean } {
  return { type, writable };
}
