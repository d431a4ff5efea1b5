/**
 * Flow variables as expressions and assignments. With the three files for single kinds of variables the only place
 * that knows where a variable's value lives at run time.
 */
import type { FlowVariable, MessageName, NamedMessage, StartLine } from "../flow-variable.ts";
import { code, identifier, literal, literalText, unbracketed, type Code } from "./code.ts";
import type { ProgramProperties } from "../ir/program.ts";
import { propertyValues, sameValue } from "../property-value.ts";
import { readAccess } from "./access-variable.ts";
import { builtinField, readBuiltin } from "./builtin-variable.ts";
import type { FileWriter } from "./file.ts";
import type { RuntimeSymbol } from "./symbols.ts";

const X = identifier("x");

/** What is needed to write variables in one file. */
export interface VariableScope {
  readonly file: FileWriter;
  readonly messageKind: "request" | "response";
  /** Field of a custom variable. */
  field(name: string): string;
  /** Field of a message that a policy makes. */
  messageField(name: string): string;
  /** Facts that hold for the whole proxy or endpoint. */
  readonly proxy: string;
  readonly properties: ProgramProperties;
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
      return isRequest(variable.message, scope) ? readPairs(queryReaders, variable, scope) : code`null`;
    case "queryParams": {
      if (!isRequest(variable.message, scope)) return code`null`;
      const of = message(variable.message, scope);
      const names = code`${file.symbol("queryParamNames")}(${of})`;
      const isSure = of.text === "x.request";
      if (variable.what === "count") return isSure ? code`${names}.length` : code`(${names}?.length ?? null)`;
      return code`${file.symbol("listText")}(${names})`;
    }
    case "formParam":
      return isRequest(variable.message, scope) ? readPairs(formReaders, variable, scope) : code`null`;
    case "formParams": {
      if (!isRequest(variable.message, scope)) return code`null`;
      const of = message(variable.message, scope);
      if (variable.what === "string") return code`${file.symbol("formText")}(${of})`;
      const names = code`${file.symbol("formNames")}(${of})`;
      return variable.what === "count" ? code`(${names}?.length ?? null)` : code`${file.symbol("listText")}(${names})`;
    }
    case "start-line":
      return readStartLine(variable.message, variable.what, scope);
    case "time":
      return code`${file.symbol("timePart")}(${X}, ${variable.what})`;
    case "failed":
      return code`${file.symbol("hasFailed")}(${X}, ${variable.policy})`;
    case "failure":
      return code`${file.symbol("failureVariable")}(${X}, ${variable.policy}, ${variable.what})`;
    case "property":
      return readProperty(variable.name, scope);
    case "access":
      return readAccess(variable.policy, variable.path, file);
    case "jwt":
      return code`${file.symbol("jwtVariable")}(${X}, ${variable.policy}, ${variable.path.join(".")})`;
    case "rate":
      return code`${file.symbol("rateVariable")}(${X}, ${variable.policy}, ${variable.name})`;
    case "policy-time":
      return code`${file.symbol("policyTime")}(${X}, ${variable.policy})`;
    case "event":
      return code`(${X}.event?.${identifier(variable.what)} ?? null)`;
    case "issued":
      return code`${file.symbol("issuedVariable")}(${X}, ${variable.policy}, ${variable.name})`;
  }
}

/**
 * A statement that writes a variable for a policy; `given` is an expression of type `Value`. Nothing for what is not
 * there: the response of a request flow, the query of a response.
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
      const { message: of } = variable;
      if (typeof of === "object") return writeNamedHeader(variable, of, text, policy, scope);
      const target = writable(of, scope);
      if (typeof variable.part !== "number") return code`${target}.setHeader(${variable.name}, ${text});`;
      return code`${file.symbol("writeHeaderPart")}(${target}, ${variable.name}, ${variable.part}, ${text});`;
    }
    case "queryParam":
      if (!isRequest(variable.message, scope)) return code``;
      return writeParam(variable, { one: "writeQueryPart", all: "writeQueryParam" }, text, scope);
    case "formParam":
      if (!isRequest(variable.message, scope)) return code``;
      return writeParam(variable, { one: "writeFormPart", all: "writeFormParam" }, text, scope);
    case "start-line":
      return writeStartLine(variable, value, text, policy, scope);
    case "event":
      return code`if (${X}.event !== null) ${X}.event.${identifier(variable.what)} = ${text};`;
    case "builtin":
      return code`${X}.${builtinField(variable.id)} = ${value};`;
    default:
      throw new TypeError(`invariant: ${variable.kind} variables are read-only`);
  }
}

/** A literal where all environments agree, else a look into a table by the environment of the route. */
function readProperty(name: string, { file, properties }: VariableScope): Code {
  const values = propertyValues(properties, name);
  const same = file.optimisations.has("fold-lookups") ? sameValue(values) : undefined;
  if (same !== undefined) return literal(same);
  const type = "Readonly<Record<string, string | null>>";
  const table = file.constant(name.slice("propertyset.".length), literal(Object.fromEntries(values)), type);
  return code`(${table}[${X}.program.environment] ?? null)`;
}

/** A parameter of a query or a form. */
type Parameter = Extract<FlowVariable, { kind: "queryParam" | "formParam" }>;

function writeParam(
  { message: of, name, part }: Parameter,
  helpers: { readonly one: RuntimeSymbol; readonly all: RuntimeSymbol },
  text: Code,
  scope: VariableScope,
): Code {
  const base = message(of, scope);
  if (typeof part !== "number") return code`${scope.file.symbol(helpers.all)}(${base}, ${name}, ${text});`;
  return code`${scope.file.symbol(helpers.one)}(${base}, ${name}, ${part}, ${text});`;
}

/** Nothing happens while nobody has made the message. */
function writeNamedHeader(
  { name, part }: Extract<FlowVariable, { kind: "header" }>,
  of: NamedMessage,
  text: Code,
  policy: string,
  scope: VariableScope,
): Code {
  const { file } = scope;
  const made = message(of, scope);
  return ifMade(made, text, scope, (base, given) => {
    const value = code`${file.symbol("headerValue")}(${policy}, ${given})`;
    if (typeof part !== "number") return code`${base}.setHeader(${name}, ${value})`;
    return code`${file.symbol("writeHeaderPart")}(${base}, ${name}, ${part}, ${value})`;
  });
}

/** True when a name means a request. */
function isRequest(name: MessageName, scope: VariableScope): boolean {
  if (typeof name === "object") return name.type === "request";
  return name === "request" || (name === "message" && scope.messageKind === "request");
}

/** True when a name means an answer in a flow that has none yet. */
function isAbsent(name: MessageName, scope: VariableScope): boolean {
  return typeof name !== "object" && scope.messageKind === "request" && !isRequest(name, scope);
}

/** The message a name means, for reading: `x.request`, or another that may be null. `error` is there in fault flows. */
function message(name: MessageName, scope: VariableScope): Code {
  if (typeof name === "object") return code`${X}.${identifier(scope.messageField(name.name))}`;
  if (isRequest(name, scope)) return code`${X}.request`;
  return name === "error" ? code`(${X}.fault === null ? null : ${X}.response)` : code`${X}.response`;
}

/** The same for writing, where there must be one. */
function writable(name: MessageName, scope: VariableScope): Code {
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

/** Helpers that read the first value and all values of a name. */
interface PairReaders {
  readonly first: RuntimeSymbol;
  readonly all: RuntimeSymbol;
}

const queryReaders: PairReaders = { first: "queryValue", all: "queryValues" };
const formReaders: PairReaders = { first: "formValue", all: "formValues" };

function readPairs(readers: PairReaders, { message: of, name, part }: Parameter, scope: VariableScope): Code {
  const { file } = scope;
  const base = message(of, scope);
  if (part === "first") return code`${file.symbol(readers.first)}(${base}, ${name})`;
  const values = code`${file.symbol(readers.all)}(${base}, ${name})`;
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
    case "path":
      return ofRequest ? ofMessage(of, identifier(what), scope) : code`null`;
    case "uri":
      return ofRequest ? code`${file.symbol("requestUri")}(${answer})` : code`null`;
    case "url":
      return ofRequest && typeof of === "string" ? code`${file.symbol("calledUrl")}(${X})` : code`null`;
    case "querystring":
      return ofRequest ? code`(${answer}${answer.text === "x.request" ? code`` : code`?`}.query ?? "")` : code`null`;
    case "version":
      return ofRequest ? ofMessage(of, code`version`, scope) : code`(${answer} === null ? null : "HTTP/1.1")`;
    case "status":
      return ofRequest ? code`null` : code`(${answer}?.status ?? null)`;
    case "reason":
      return ofRequest ? code`null` : code`${file.symbol("reasonPhrase")}(${unbracketed(answer)})`;
    case "content":
      return ofMessage(of, identifier("content"), scope);
    case "base64":
    case "base64url":
      return code`${file.symbol("contentIn")}(${unbracketed(answer)}, ${what})`;
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
  if (typeof of === "object") return writeNamed(of, what, text, policy, scope);
  if (isRequest(of, scope)) {
    if (what === "verb") return code`${file.symbol("writeVerb")}(${X}, ${policy}, ${text});`;
    if (what === "content") return code`${X}.request.content = ${text};`;
    return what === "path" || what === "version" ? code`${X}.request.${identifier(what)} = ${text};` : code``;
  }
  if (what === "status") return code`${file.symbol("writeStatus")}(${X}, ${policy}, ${value});`;
  if (what === "reason") return code`${file.symbol("responseOf")}(${X}).reason = ${text};`;
  if (what === "content") return code`${file.symbol("writeContent")}(${X}, ${policy}, ${text});`;
  // Verb and path of a response, status of a request: silently nothing, as in Apigee.
  return code``;
}

/** A part of a message that a policy made; nothing happens while nobody has. */
function writeNamed(of: NamedMessage, what: StartLine, text: Code, policy: string, scope: VariableScope): Code {
  const { file } = scope;
  const made = message(of, scope);
  const checks: Readonly<Partial<Record<StartLine, RuntimeSymbol | null>>> =
    of.type === "request"
      ? { content: null, verb: "requestMethod", path: null, version: null }
      : { content: null, status: "statusCode", reason: "headerValue" };
  const check = checks[what];
  if (check === undefined) return code``;
  return ifMade(made, text, scope, (base, given) => {
    const value = check === null ? given : code`${file.symbol(check)}(${policy}, ${given})`;
    return code`${base}.${identifier(what)} = ${value}`;
  });
}

/** Writes into a message if it is there. A value that is no literal is made in any case, because that may fail. */
function ifMade(made: Code, text: Code, { file }: VariableScope, write: (base: Code, given: Code) => Code): Code {
  if (literalText(text) !== null) return code`if (${made} !== null) ${write(made, text)};`;
  const writing = write(identifier("made"), identifier("text"));
  return code`${file.symbol("ifMade")}(${made}, ${text}, (made, text) => { ${writing}; });`;
}
