/** Flow variables as expressions and assignments. The only place that knows where a variable's value lives at run time. */
import type { BuiltinVariable, FlowVariable, MessageName } from "../flow-variable.ts";
import { code, identifier, literalText, unbracketed, type Code } from "./code.ts";
import type { FileWriter } from "./file.ts";

const X = identifier("x");

/** What is needed to write variables in one file. */
export interface VariableScope {
  readonly file: FileWriter;
  readonly messageKind: "request" | "response";
  /** Field of a custom variable. */
  field(name: string): string;
  /** Facts that hold for the whole proxy or endpoint. */
  readonly proxy: string;
  readonly organization: string;
}

/** An expression of type `Value` for a variable. */
export function readVariable(variable: FlowVariable, scope: VariableScope): Code {
  const { file } = scope;
  switch (variable.kind) {
    case "custom":
      return code`${X}.${identifier(scope.field(variable.name))}`;
    case "builtin":
      return readBuiltin(variable.id, scope);
    case "header":
      return readHeader(variable, scope);
    case "headers": {
      const names = code`${file.symbol("headerNames")}(${message(variable.message, scope)})`;
      return variable.what === "count" ? code`(${names}?.length ?? null)` : code`${file.symbol("listText")}(${names})`;
    }
    case "queryParam":
      return isRequest(variable.message, scope) ? readQuery(variable.name, variable.part, file) : code`null`;
    case "queryParams": {
      if (!isRequest(variable.message, scope)) return code`null`;
      const names = code`${file.symbol("queryParamNames")}(${X})`;
      return variable.what === "count" ? code`${names}.length` : code`${file.symbol("listText")}(${names})`;
    }
    case "formParam":
      return code`${file.symbol("formParam")}(${X}, ${variable.name})`;
    case "start-line":
      return readStartLine(variable.message, variable.what, scope);
    case "time":
      return code`${file.symbol("timePart")}(${X}, ${variable.what})`;
    case "failed":
      return code`${file.symbol("hasFailed")}(${X}, ${variable.policy})`;
    case "failure":
      return code`${file.symbol("failureVariable")}(${X}, ${variable.policy}, ${variable.what})`;
    case "access":
      return readAccess(variable.policy, variable.path, file);
    case "jwt":
      return code`${file.symbol("jwtVariable")}(${X}, ${variable.policy}, ${variable.path.join(".")})`;
    case "rate":
      return code`${file.symbol("rateVariable")}(${X}, ${variable.policy}, ${variable.name})`;
    case "issued":
      return code`${file.symbol("issuedVariable")}(${X}, ${variable.policy}, ${variable.name})`;
  }
}

/**
 * A statement that writes a variable for a policy; `given` is an expression of type `Value`. Nothing for what is not there:
 * the response of a request flow, the query of a response.
 */
export function writeVariable(variable: FlowVariable, given: Code, policy: string, scope: VariableScope): Code {
  const { file } = scope;
  if ("message" in variable && isAbsent(variable.message, scope)) return code``;
  const value = unbracketed(given);
  const text = literalText(value) === null ? code`${file.symbol("textOr")}(${value}, "")` : value;
  switch (variable.kind) {
    case "custom":
      return code`${X}.${identifier(scope.field(variable.name))} = ${value};`;
    case "header": {
      const target = writable(variable.message, scope);
      if (typeof variable.part !== "number") return code`${target}.setHeader(${variable.name}, ${text});`;
      return code`${file.symbol("writeHeaderPart")}(${target}, ${variable.name}, ${variable.part}, ${text});`;
    }
    case "queryParam":
      if (!isRequest(variable.message, scope)) return code``;
      return code`${file.symbol("writeQueryParam")}(${X}, ${variable.name}, ${text});`;
    case "start-line":
      return writeStartLine(variable, value, text, policy, scope);
    case "builtin":
      return code`${X}.${builtinField(variable.id)} = ${value};`;
    default:
      throw new TypeError(`invariant: ${variable.kind} variables are read-only`);
  }
}

function builtinField(id: BuiltinVariable): Code {
  switch (id) {
    case "target.url":
      return identifier("targetUrl");
    case "target.copy.pathsuffix":
      return identifier("copyPathSuffix");
    case "target.copy.queryparams":
      return identifier("copyQueryParams");
    case "target.header.host":
      return identifier("targetHost");
    default:
      throw new TypeError(`invariant: ${id} is read-only`);
  }
}

/** True when a name means the request. */
function isRequest(name: MessageName, scope: VariableScope): boolean {
  return name === "request" || (name === "message" && scope.messageKind === "request");
}

/** True when a name means an answer in a flow that has none yet. */
function isAbsent(name: MessageName, scope: VariableScope): boolean {
  return scope.messageKind === "request" && !isRequest(name, scope);
}

/** The message a name means, for reading: `x.request`, or `x.response`, which may be null. `error` is there in fault flows. */
function message(name: MessageName, scope: VariableScope): Code {
  if (isRequest(name, scope)) return code`${X}.request`;
  return name === "error" ? code`(${X}.fault === null ? null : ${X}.response)` : code`${X}.response`;
}

/** The same for writing, where there must be one. */
export function writable(name: MessageName, scope: VariableScope): Code {
  return isRequest(name, scope) ? code`${X}.request` : code`${scope.file.symbol("responseOf")}(${X})`;
}

/** `x.request.<call>` or `(x.response?.<call> ?? null)`. */
function ofMessage(name: MessageName, call: Code, scope: VariableScope): Code {
  const base = message(name, scope);
  return base.text === "x.request" ? code`${base}.${call}` : code`(${base}?.${call} ?? null)`;
}

function readHeader(variable: Extract<FlowVariable, { kind: "header" }>, scope: VariableScope): Code {
  const { file } = scope;
  const { message: of, name, part } = variable;
  if (part === "first") return ofMessage(of, code`header(${name})`, scope);
  if (part === "line") return ofMessage(of, code`headerJoined(${name})`, scope);
  if (part === "count") return ofMessage(of, code`headerCount(${name})`, scope);
  if (part === "values") return code`${file.symbol("listText")}(${file.symbol("headerValues")}(${message(of, scope)}, ${name}))`;
  return ofMessage(of, code`headerPart(${name}, ${part})`, scope);
}

function readQuery(name: string, part: Extract<FlowVariable, { kind: "queryParam" }>["part"], file: FileWriter): Code {
  if (part === "first") return code`${file.symbol("queryValue")}(${X}, ${name})`;
  const values = code`${file.symbol("queryValues")}(${X}, ${name})`;
  if (part === "count") return code`(${values}?.length ?? 0)`;
  if (typeof part === "number") return code`(${values}?.[${part - 1}] ?? null)`;
  return code`${file.symbol("listText")}(${values})`;
}

function readStartLine(of: MessageName, what: Extract<FlowVariable, { kind: "start-line" }>["what"], scope: VariableScope): Code {
  const { file } = scope;
  const ofRequest = isRequest(of, scope);
  const answer = message(of, scope);
  switch (what) {
    case "verb":
      return ofRequest ? code`${X}.request.verb` : code`null`;
    case "path":
      return ofRequest ? code`${X}.request.path` : code`null`;
    case "uri":
      return ofRequest ? code`${file.symbol("requestUri")}(${X})` : code`null`;
    case "url":
      return code`null`;
    case "querystring":
      return ofRequest ? code`(${X}.request.query ?? "")` : code`null`;
    case "version":
      return ofRequest ? code`${X}.request.version` : code`(${answer} === null ? null : "HTTP/1.1")`;
    case "status":
      return ofRequest ? code`null` : code`(${answer}?.status ?? null)`;
    case "reason":
      return ofRequest ? code`null` : code`${file.symbol("reasonPhrase")}(${unbracketed(answer)})`;
    case "content":
      return ofRequest ? code`null` : code`(${answer}?.content ?? null)`;
  }
}

function writeStartLine(
  { message: of, what }: Extract<FlowVariable, { kind: "start-line" }>,
  value: Code,
  text: Code,
  policy: string,
  scope: VariableScope,
): Code {
  const { file } = scope;
  if (isRequest(of, scope)) {
    if (what === "verb") return code`${file.symbol("writeVerb")}(${X}, ${policy}, ${text});`;
    return what === "path" || what === "version" ? code`${X}.request.${identifier(what)} = ${text};` : code``;
  }
  if (what === "status") return code`${file.symbol("writeStatus")}(${X}, ${policy}, ${value});`;
  if (what === "reason") return code`${file.symbol("responseOf")}(${X}).reason = ${text};`;
  if (what === "content") return code`${file.symbol("writeContent")}(${X}, ${policy}, ${text});`;
  // Verb and path of a response, status of a request: silently nothing, as in Apigee.
  return code``;
}

/** Variables that are one expression, whatever the file. */
const plainBuiltins = {
  "apiproxy.revision": code`${X}.program.hash`,
  "apiproxy.basepath": code`${"/"}`,
  "environment.name": code`${X}.program.environment`,
  "proxy.name": code`${X}.program.endpoint`,
  "proxy.basepath": code`${X}.program.basePath`,
  "proxy.pathsuffix": code`${X}.pathSuffix`,
  "client.scheme": code`${X}.scheme`,
  "client.ssl.enabled": code`String(${X}.scheme === "https")`,
  "client.received.start.timestamp": code`${X}.startedWallMs`,
  "current.flow.name": code`${X}.flow`,
  messageid: code`${X}.id`,
  "route.name": code`${X}.route`,
  "system.timestamp": code`${X}.gateway.clock.wallMs()`,
  "is.error": code`(${X}.fault !== null)`,
  "target.basepath": code`(${X}.target?.basePath || null)`,
  "route.target": code`(${X}.target?.name ?? null)`,
  "target.name": code`(${X}.target?.name ?? null)`,
} as const satisfies { readonly [id in BuiltinVariable]?: Code };

function isPlainBuiltin(id: BuiltinVariable): id is keyof typeof plainBuiltins {
  return Object.hasOwn(plainBuiltins, id);
}

function readBuiltin(id: BuiltinVariable, scope: VariableScope): Code {
  if (isPlainBuiltin(id)) return plainBuiltins[id];
  const { file } = scope;
  switch (id) {
    case "organization.name":
      return code`${scope.organization}`;
    case "apiproxy.name":
      return code`${scope.proxy}`;
    case "proxy.url":
      return code`${file.symbol("proxyUrl")}(${X})`;
    case "proxy.client.ip":
    case "client.ip":
    case "client.resolved.ip":
    case "client.host":
      return code`${file.symbol("clientIp")}(${X})`;
    case "client.port":
      return code`${file.symbol("clientPort")}(${X})`;
    case "client.cn":
    case "client.country":
    case "client.email.address":
    case "client.locality":
    case "client.organization":
    case "client.organization.unit":
    case "client.state":
      return code`${file.symbol("clientSubject")}(${X}, ${subjectFields[id]})`;
    case "client.received.start.time":
      return code`${file.symbol("timeText")}(${X}.startedWallMs)`;
    case "system.time":
      return code`${file.symbol("timeText")}(${X}.gateway.clock.wallMs())`;
    case "error.message":
    case "fault.reason":
      return code`${file.symbol("faultVariable")}(${X}, "reason")`;
    case "fault.name":
      return code`${file.symbol("faultVariable")}(${X}, "name")`;
    case "fault.category":
      return code`${file.symbol("faultVariable")}(${X}, "category")`;
    case "fault.subcategory":
      return code`${file.symbol("faultVariable")}(${X}, "subcategory")`;
    case "target.scheme":
      return code`${file.symbol("targetScheme")}(${X})`;
    case "target.host":
      return code`(${file.symbol("targetServer")}(${X})?.host ?? null)`;
    case "target.port":
      return code`(${file.symbol("targetServer")}(${X})?.port ?? null)`;
    case "target.ssl.enabled":
      return code`(${file.symbol("targetScheme")}(${X}) === "https")`;
    case "target.url":
    case "target.copy.pathsuffix":
    case "target.copy.queryparams":
    case "target.header.host":
      return code`${X}.${builtinField(id)}`;
  }
}

const subjectFields = {
  "client.cn": "CN",
  "client.country": "C",
  "client.email.address": "emailAddress",
  "client.locality": "L",
  "client.organization": "O",
  "client.organization.unit": "OU",
  "client.state": "ST",
} as const;

/** Members of the records that variables name; what is not here is a custom attribute (apigee-core section 6.6). */
const ACCESS_MEMBERS: Readonly<Record<string, string>> = {
  client_id: "key.clientId",
  grant_type: "token?.grantType",
  issued_at: "token?.issuedAtMs",
  status: "token?.status",
  "app.name": "app.name",
  "app.id": "app.id",
  "app.status": "app.status",
  "app.callbackUrl": "app.callbackUrl",
  "developer.app.name": "app.name",
  "developer.app.id": "app.id",
  "developer.id": "developer.id",
  "developer.email": "developer.email",
  "developer.userName": "developer.userName",
  "developer.firstName": "developer.firstName",
  "developer.lastName": "developer.lastName",
  "developer.status": "developer.status",
  "apiproduct.name": "product.name",
  "apiproduct.operation.resource": "operation?.resource",
  "apiproduct.developer.quota.limit": "product.quota?.limit",
  "apiproduct.developer.quota.interval": "product.quota?.interval",
  "apiproduct.developer.quota.timeunit": "product.quota?.timeUnit",
};

function readAccess(policy: string | null, path: readonly string[], file: FileWriter): Code {
  const grantType = policy === null ? "" : file.type("access/model.ts", "AccessGrant");
  const grant =
    policy === null ? code`${X}.access` : code`${file.symbol("resultOf")}<${identifier(grantType)}>(${X}, ${policy})`;
  const name = path.join(".");
  if (Object.hasOwn(ACCESS_MEMBERS, name)) return member(grant, ACCESS_MEMBERS[name] ?? "");
  if (name === "scope") return code`(${grant}?.token?.scopes.join(" ") ?? null)`;
  if (name === "token_type") return code`(${grant}?.token ? "BearerToken" : null)`;
  if (name === "organization_name") return code`${X}.gateway.organization`;
  if (name === "expires_in") return code`${file.symbol("expiresIn")}(${X}, ${grant})`;
  // A token in clear is never kept.
  if (name === "access_token" || name === "client_secret") return code`null`;
  const owners: Readonly<Record<string, string>> = { app: "app", developer: "developer", apiproduct: "product", accesstoken: "token" };
  const owner = owners[path[0] ?? ""];
  if (owner === undefined || path.length < 2) return code`null`;
  return code`${file.symbol("attribute")}(${grant}?.${identifier(owner)}, ${path.slice(1).join(".")})`;
}

/** `(grant?.a.b ?? null)` for a member path of the table above. */
function member(grant: Code, path: string): Code {
  let expression = grant;
  let isOptional = true;
  for (const part of path.split(".")) {
    const name = identifier(part.replace(/\?$/, ""));
    expression = isOptional ? code`${expression}?.${name}` : code`${expression}.${name}`;
    isOptional = part.endsWith("?");
  }
  return code`(${expression} ?? null)`;
}
