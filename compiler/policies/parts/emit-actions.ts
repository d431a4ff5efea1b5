/**
 * The actions of AssignMessage and RaiseFault as statements. What has no effect here was reported and becomes
 * nothing.
 */
import { constantText, neededVariables, templateVariables } from "#runtime/language/template.ts";
import type { Template } from "#runtime/language/template.ts";
import { code, identifier, join, literal, unbracketed, type Code } from "../../5-emit/code.ts";
import type { PolicyEmit } from "../definition.ts";
import type { Destination } from "./analyze-actions.ts";
import { assignedCode, isGatewayHeader, lineValue } from "./assigned-variable.ts";
import { literalsBefore } from "./literal-variables.ts";
import type {
  ActionModel,
  ActionsModel,
  AssignVariableModel,
  CopyModel,
  NamesModel,
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

/** Statements of all actions, in order. */
export function actionStatements<M extends ActionsModel>(target: ActionTarget<M>): readonly Code[] {
  const actions = target.e.model.actions ?? [];
  const literals = literalsBefore(actions);
  return actions.flatMap((action, at) => statementsOf({ ...target, literals: literals[at] ?? new Map() }, action));
}

function statementsOf<M extends ActionsModel>(target: ActionTarget<M>, action: ActionModel): Code[] {
  const { set, add, remove, copy, assignVariable } = action;
  if (set !== undefined) {
    const edits = [...headers(target, "setHeader", set.headers), ...query(target, "setQueryParam", set.queryParams)];
    return [...edits, ...startLine(target, set)];
  }
  if (add !== undefined) {
    return [...headers(target, "addHeader", add.headers), ...query(target, "addQueryParam", add.queryParams)];
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
  const { e, destination, isStrict } = target;
  if (destination !== "request" || given === undefined) return [];
  return Object.entries(given).map(([name, value]) => {
    const text = templateCode(e, parsed(target, value), isStrict);
    return code`${e.x}.request.query = ${e.symbol(helper)}(${e.x}.request.query, ${name}, ${text});`;
  });
}

function startLine<M extends ActionsModel>(target: ActionTarget<M>, set: SetModel): Code[] {
  const { e, destination, message, isStrict } = target;
  const lines: Code[] = [];
  if (destination === "request") {
    if (set.verb === undefined) return lines;
    const verb = code`${e.symbol("requestMethod")}(${e.name}, ${templateCode(e, parsed(target, set.verb), isStrict)})`;
    // An upgrade is a GET (RFC 6455 section 4.1) and stays one.
    return [code`if (${e.x}.session === null) ${e.x}.request.verb = ${verb};`];
  }
  if (set.statusCode !== undefined || set.payload !== undefined) lines.push(...guardSwitch(target));
  if (set.statusCode !== undefined) lines.push(code`${message}.status = ${statusValue(target, set.statusCode)};`);
  if (set.reasonPhrase !== undefined) lines.push(code`${message}.reason = ${lineCode(target, set.reasonPhrase)};`);
  if (set.payload === undefined) return lines;
  const { contentType = undefined, value } = typeof set.payload === "string" ? { value: set.payload } : set.payload;
  if (contentType !== undefined) {
    lines.push(code`${message}.setHeader("Content-Type", ${lineCode(target, contentType)});`);
  }
  lines.push(code`${message}.content = ${templateCode(e, parsed(target, value), isStrict)};`);
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
  if (destination === "request") {
    if (remove.queryParams === true) lines.push(code`${e.x}.request.query = null;`);
    for (const name of namesOf(remove.queryParams)) {
      lines.push(code`${e.x}.request.query = ${e.symbol("removeQueryParam")}(${e.x}.request.query, ${name});`);
    }
  } else if (remove.payload === true) {
    lines.push(...guardSwitch(target), code`${message}.content = "";`);
  }
  return lines;
}

function copying<M extends ActionsModel>(target: ActionTarget<M>, copy: CopyModel): Code[] {
  const { e, destination, message } = target;
  const { source = "message" } = copy;
  const named = source === "message" ? e.messageKind : source;
  if (named === destination || (named === "response" && e.messageKind === "request")) return [];
  const from = named === "request" ? code`${e.x}.request` : e.message;
  const isWhole = [copy.headers, copy.statusCode, copy.reasonPhrase].every((part) => part === undefined);
  const lines: Code[] = [];
  if (copy.headers !== undefined || isWhole) {
    const isAll = copy.headers === undefined || copy.headers === true;
    const names = isAll ? null : namesOf(copy.headers).map((name) => name.toLowerCase());
    lines.push(code`${e.symbol("copyHeaders")}(${from}, ${message}, ${names});`);
  }
  if (named !== "response" || destination === "request") return lines;
  if (copy.statusCode === true || isWhole) lines.push(code`${message}.status = ${from}.status;`);
  if (copy.reasonPhrase === true || isWhole) lines.push(code`${message}.reason = ${from}.reason;`);
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

