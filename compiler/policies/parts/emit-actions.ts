/**
 * The actions of AssignMessage and RaiseFault as statements. What has no effect here was reported and becomes
 * nothing.
 */
import { constantText, neededVariables, templateVariables } from "#runtime/language/template.ts";
import type { Template } from "#runtime/language/template.ts";
import { code, identifier, join, literal, unbracketed, type Code } from "../../5-emit/code.ts";
import type { PolicyEmit } from "../definition.ts";
import { copiedParts, isRequestKind, payloadDelimiters, sourceOf, type Destination } from "./analyze-actions.ts";
import { assignedCode, isGatewayHeader, lineValue } from "./assigned-variable.ts";
import { literalsBefore } from "./literal-variables.ts";
import type {
  ActionModel,
  ActionsModel,
  AssignVariableModel,
  CopyModel,
  NamesModel,
  PayloadModel,
  RemoveModel,
  SetModel,
} from "./message-model.ts";

/** Where the statements go. */
export interface ActionTarget<M extends ActionsModel> {
  readonly e: PolicyEmit<M>;
  readonly destination: Destination;
  /** The message that is changed. */
  readonly message: Code;
  /** An unresolved variable is a fault. */
  readonly isStrict: boolean;
  /** What variables hold for sure; nothing is known of the others. */
  readonly literals?: ReadonlyMap<string, string>;
}

/** Statements of all actions, in order. `renews`: what the message was goes first. */
export function actionStatements<M extends ActionsModel>(target: ActionTarget<M>, renews = false): readonly Code[] {
  const { e, message } = target;
  const actions = e.model.actions ?? [];
  const literals = literalsBefore(actions);
  const first = renews ? [...guardSwitch(target), code`${e.symbol("renewMessage")}(${message});`] : [];
  const known = (at: number): ReadonlyMap<string, string> => literals[at] ?? new Map();
  return [...first, ...actions.flatMap((action, at) => statementsOf({ ...target, literals: known(at) }, action))];
}

function statementsOf<M extends ActionsModel>(target: ActionTarget<M>, action: ActionModel): Code[] {
  const { set, add, remove, copy, assignVariable } = action;
  if (set !== undefined) {
    const edits = [...headers(target, "setHeader", set.headers), ...query(target, "setQueryParam", set.queryParams)];
    const body = [...payload(target, set), ...form(target, "setFormParam", set.formParams)];
    return [...edits, ...startLine(target, set), ...body];
  }
  if (add !== undefined) {
    const edits = [...headers(target, "addHeader", add.headers), ...query(target, "addQueryParam", add.queryParams)];
    return [...edits, ...form(target, "addFormParam", add.formParams)];
  }
  if (remove !== undefined) return removal(target, remove);
  if (copy !== undefined) return copying(target, copy);
  return assignVariable === undefined ? [] : [assignment(target, assignVariable)];
}

function headers<M extends ActionsModel>(
  target: ActionTarget<M>,
  method: "setHeader" | "addHeader",
  given: Readonly<Record<string, string>> | undefined,
): Code[] {
  const { message } = target;
  return Object.entries(given ?? {}).map(([name, value]) => {
    const text = lineCode(target, value);
    return code`${message}.${identifier(method)}(${name}, ${text});`;
  });
}

function query<M extends ActionsModel>(
  target: ActionTarget<M>,
  helper: "setQueryParam" | "addQueryParam",
  given: Readonly<Record<string, string>> | undefined,
): Code[] {
  const { e, destination, message, isStrict } = target;
  if (!isRequestKind(destination) || given === undefined) return [];
  return Object.entries(given).map(([name, value]) => {
    const text = templateCode(e, parsed(target, value), isStrict);
    return code`${message}.query = ${e.symbol(helper)}(${message}.query, ${name}, ${text});`;
  });
}

function form<M extends ActionsModel>(
  target: ActionTarget<M>,
  helper: "setFormParam" | "addFormParam",
  given: Readonly<Record<string, string>> | undefined,
): Code[] {
  const { e, destination, message, isStrict } = target;
  if (!isRequestKind(destination) || given === undefined) return [];
  return Object.entries(given).map(([name, value]) => {
    return code`${e.symbol(helper)}(${message}, ${name}, ${templateCode(e, parsed(target, value), isStrict)});`;
  });
}

function startLine<M extends ActionsModel>(target: ActionTarget<M>, set: SetModel): Code[] {
  const { e, destination, message, isStrict } = target;
  const lines: Code[] = [];
  if (isRequestKind(destination)) {
    if (set.verb !== undefined) {
      const verb = code`${e.symbol("requestMethod")}(${e.name}, ${templateCode(e, parsed(target, set.verb), isStrict)})`;
      // An upgrade is a GET (RFC 6455 section 4.1) and stays one.
      const test = destination === "request" ? code`if (${e.x}.session === null) ` : code``;
      lines.push(code`${test}${message}.verb = ${verb};`);
    }
    for (const part of ["path", "version"] as const) {
      const text = set[part];
      if (text === undefined || destination === "request") continue;
      lines.push(code`${message}.${identifier(part)} = ${templateCode(e, parsed(target, text), isStrict)};`);
    }
    return lines;
  }
  if (set.statusCode !== undefined || set.payload !== undefined) lines.push(...guardSwitch(target));
  if (set.statusCode !== undefined) lines.push(code`${message}.status = ${statusValue(target, set.statusCode)};`);
  if (set.reasonPhrase !== undefined) lines.push(code`${message}.reason = ${lineCode(target, set.reasonPhrase)};`);
  return lines;
}

function payload<M extends ActionsModel>(target: ActionTarget<M>, set: SetModel): Code[] {
  const { e, message, isStrict } = target;
  if (set.payload === undefined) return [];
  const given: PayloadModel = typeof set.payload === "string" ? { value: set.payload } : set.payload;
  const lines: Code[] = [];
  if (given.contentType !== undefined) {
    lines.push(code`${message}.setHeader("Content-Type", ${lineCode(target, given.contentType)});`);
  }
  const { literals = new Map() } = target;
  const delimiters = payloadDelimiters(given);
  const template = e.parse(given.value, delimiters === null ? { literals } : { literals, delimiters });
  lines.push(code`${message}.content = ${templateCode(e, template, isStrict)};`);
  return lines;
}

function statusValue<M extends ActionsModel>(target: ActionTarget<M>, status: number | string): Code {
  if (typeof status === "number") return literal(status);
  const { e, isStrict } = target;
  const template = parsed(target, status);
  const text = constantText(template);
  if (text !== undefined && /^[2-5][0-9]{2}$/.test(text)) return literal(Number(text));
  return code`${e.symbol("statusCode")}(${e.name}, ${templateCode(e, template, isStrict)})`;
}

/** The 101 of an upgrade keeps its status and has no body. */
function guardSwitch<M extends ActionsModel>({ e, destination, message }: ActionTarget<M>): Code[] {
  if (destination !== "response" || e.phase !== "response") return [];
  return [code`if (${message}.status === 101) ${e.symbol("switchedProtocols")}(${e.name});`];
}

function removal<M extends ActionsModel>(target: ActionTarget<M>, remove: RemoveModel): Code[] {
  const { e, destination, message } = target;
  const lines: Code[] = [];
  if (remove.headers === true) lines.push(code`${e.symbol("removeHeaders")}(${message});`);
  for (const name of namesOf(remove.headers)) lines.push(code`${message}.removeHeader(${name.toLowerCase()});`);
  if (isRequestKind(destination)) {
    if (remove.queryParams === true) lines.push(code`${message}.query = null;`);
    for (const name of namesOf(remove.queryParams)) {
      lines.push(code`${message}.query = ${e.symbol("removeQueryParam")}(${message}.query, ${name});`);
    }
    if (remove.formParams === true) lines.push(code`${e.symbol("removeFormParams")}(${message});`);
    for (const name of namesOf(remove.formParams)) {
      lines.push(code`${e.symbol("removeFormParam")}(${message}, ${name});`);
    }
  }
  if (remove.payload === true) lines.push(...guardSwitch(target), code`${message}.content = "";`);
  return lines;
}

function copying<M extends ActionsModel>(target: ActionTarget<M>, copy: CopyModel): Code[] {
  const { e, destination, message } = target;
  const source = sourceOf(copy, e.messageKind);
  if (source === destination || (source === "response" && e.messageKind === "request")) return [];
  const isFlow = source === "request" || source === "response";
  const type = isFlow ? source : e.messageType(source);
  if (type === null) return [];
  const from = source === "request" ? code`${e.x}.request` : isFlow ? e.message : e.namedMessage(source);
  const parts = copiedParts(copy, type, destination);
  const lines: Code[] = [];
  const copied = (names: NamesModel): readonly string[] | null => (names === true ? null : namesOf(names));
  if (parts.headers !== null) {
    const names = copied(parts.headers)?.map((name) => name.toLowerCase()) ?? null;
    lines.push(code`${e.symbol("copyHeaders")}(${from}, ${message}, ${names});`);
  }
  if (parts.queryParams !== null) {
    lines.push(code`${e.symbol("copyQueryParams")}(${from}, ${message}, ${copied(parts.queryParams)});`);
  }
  // The source is there wherever the flow's own messages are.
  const only = (part: Code): Code => (isFlow ? part : code`if (${from} !== null) ${part}`);
  const isOwn = destination === "request";
  if (parts.verb) {
    const part = code`${message}.verb = ${from}.verb;`;
    lines.push(isOwn ? only(code`if (${e.x}.session === null) ${part}`) : only(part));
  }
  for (const name of ["path", "version"] as const) {
    if (parts[name]) lines.push(only(code`${message}.${identifier(name)} = ${from}.${identifier(name)};`));
  }
  // A source that nobody has made gives no status, and so none that a 101 could not take.
  if (parts.payload) lines.push(...guardSwitch(target));
  else if (parts.statusCode) lines.push(...guardSwitch(target).map(only));
  if (parts.statusCode) lines.push(only(code`${message}.status = ${from}.status;`));
  if (parts.reasonPhrase) lines.push(only(code`${message}.reason = ${from}.reason;`));
  if (parts.payload) lines.push(code`${e.symbol("copyPayload")}(${from}, ${message});`);
  if (parts.formParams !== null) {
    lines.push(code`${e.symbol("copyFormParams")}(${from}, ${message}, ${copied(parts.formParams)});`);
  }
  return lines;
}

function assignment<M extends ActionsModel>(target: ActionTarget<M>, assign: AssignVariableModel): Code {
  const { e } = target;
  const value = assignedValue(target, assign);
  const written = assignedCode(e, assign.name, value);
  // Where nobody reads the variable, an unresolved one is a fault all the same.
  return written.text === "" && mayFail(target, assign) ? code`${unbracketed(value)};` : written;
}

function mayFail<M extends ActionsModel>(target: ActionTarget<M>, assign: AssignVariableModel): boolean {
  const { ref, template, value } = assign;
  if (!target.isStrict || value !== undefined) return false;
  if (ref !== undefined) return (target.e.known(ref) ?? null) === null;
  return template !== undefined && neededVariables(parsed(target, template)).length > 0;
}

function assignedValue<M extends ActionsModel>(target: ActionTarget<M>, assign: AssignVariableModel): Code {
  const { e, isStrict } = target;
  const { ref, template, value } = assign;
  if (ref !== undefined) return referenced(e, ref, isStrict && value === undefined ? null : (value ?? ""));
  if (template === undefined) return literal(value ?? "");
  const read = parsed(target, template);
  if (value === undefined) return code`(${templateCode(e, read, isStrict)})`;
  const needed = neededVariables(read);
  const result = templateCode(e, read, false);
  if (needed.length === 0) return code`(${result})`;
  const unresolved = needed.map((names) => {
    const nulls = join(names.map((name) => code`${e.variable(name)} === null`), " && ");
    return names.length > 1 && needed.length > 1 ? code`(${nulls})` : nulls;
  });
  return code`(${join(unresolved, " || ")} ? ${value} : ${result})`;
}

/** A variable's value as it is, else the fallback; without one (null) a fault. */
function referenced<M extends ActionsModel>(e: PolicyEmit<M>, name: string, fallback: string | null): Code {
  const known = e.known(name) ?? fallback;
  if (e.known(name) !== undefined && known !== null) return literal(known);
  if (fallback === null) return code`${e.symbol("needValue")}(${e.variable(name)}, ${e.name}, ${name})`;
  return code`${e.symbol("valueOr")}(${e.variable(name)}, ${fallback})`;
}

/** A value that will be part of a line: checked when it runs, unless it is constant and plain. */
function lineCode<M extends ActionsModel>(target: ActionTarget<M>, text: string): Code {
  const { e, isStrict } = target;
  return lineValue(e, templateCode(e, parsed(target, text), isStrict));
}

function parsed<M extends ActionsModel>({ e, literals = new Map() }: ActionTarget<M>, text: string): Template {
  return e.parse(text, { literals });
}

function templateCode<M extends ActionsModel>(e: PolicyEmit<M>, template: Template, isStrict: boolean): Code {
  return e.template(template, isStrict && templateVariables(template).length > 0 ? { policy: e.name } : "empty");
}

/** Names that are listed and may be changed. */
function namesOf(names: NamesModel | undefined): readonly string[] {
  return names === undefined || names === true ? [] : names.filter((name) => !isGatewayHeader(name));
}

