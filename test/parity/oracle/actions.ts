/** The actions of AssignMessage and RaiseFault, top to bottom (apigee-policies 3.3). */
import type {
  ActionModel, AssignVariableModel, CopyModel, RemoveModel, SetModel,
} from "#compiler/policies/parts/message-model.ts";
import type { Value } from "../outcome.ts";
import { expand, isUnresolved } from "./template.ts";
import { raised } from "./faults.ts";
import { addQuery, queryNames, queryValues, removeQuery, setQuery } from "./message.ts";
import { giveContent, giveStatus, type OracleRequest, type OracleResponse, type Transaction } from "./transaction.ts";
import {
  finalStatus, formOf, lineText, messageOf, read, refuseSwitched, setVerb, statusOf, write,
} from "./variables.ts";

export interface ActionPlace {
  /** The message that is changed. */
  readonly message: OracleRequest | OracleResponse;
  readonly policy: string;
  readonly isStrict: boolean;
}

export function runActions(t: Transaction, actions: readonly ActionModel[], place: ActionPlace): void {
  for (const { set, add, remove, copy, assignVariable } of actions) {
    if (set !== undefined) runSet(t, set, place);
    if (add !== undefined) runAdd(t, add, place);
    if (remove !== undefined) runRemove(t, remove, place);
    if (copy !== undefined) runCopy(t, copy, place);
    if (assignVariable !== undefined) runAssign(t, assignVariable, place);
  }
}

function text(t: Transaction, template: string, { policy, isStrict }: ActionPlace): string {
  return expand(t, template, isStrict ? policy : null);
}

function line(t: Transaction, template: string, place: ActionPlace): string {
  return lineText(text(t, template, place), place.policy);
}

function runSet(t: Transaction, set: SetModel, place: ActionPlace): void {
  const { message, policy } = place;
  for (const [name, value] of Object.entries(set.headers ?? {})) message.headers.set(name, line(t, value, place));
  if ("verb" in message) {
    for (const [name, value] of Object.entries(set.queryParams ?? {})) {
      message.query = setQuery(message.query, name, text(t, value, place));
    }
    if (set.verb !== undefined) {
      if (message !== t.request || !t.upgrade) setVerb(t, message, text(t, set.verb, place), policy);
    }
    if (message !== t.request && set.path !== undefined) message.path = text(t, set.path, place);
    if (message !== t.request && set.version !== undefined) message.version = text(t, set.version, place);
  } else {
    if ((set.statusCode !== undefined || set.payload !== undefined) && message === t.response) refuseSwitched(t, policy);
    if (set.statusCode !== undefined) {
      const status = typeof set.statusCode === "number" ? String(set.statusCode) : text(t, set.statusCode, place);
      giveStatus(message, message === t.response ? finalStatus(t, status, policy) : statusOf(status, policy));
    }
    if (set.reasonPhrase !== undefined) message.reason = line(t, set.reasonPhrase, place);
  }
  if (set.payload !== undefined) {
    if (typeof set.payload !== "string" && set.payload.contentType !== undefined) {
      message.headers.set("Content-Type", line(t, set.payload.contentType, place));
    }
    giveContent(message, text(t, typeof set.payload === "string" ? set.payload : set.payload.value, place));
  }
  if (!("verb" in message)) return;
  for (const [name, value] of Object.entries(set.formParams ?? {})) {
    const pairs = text(t, value, place);
    message.content = setQuery(asForm(message), name, pairs);
  }
}

/** The form of a message; another body gives way to an empty one. */
function asForm(message: OracleRequest): string {
  const form = formOf(message);
  if (form === null) message.headers.set("Content-Type", "application/x-www-form-urlencoded");
  return form ?? "";
}

function runAdd(t: Transaction, add: NonNullable<ActionModel["add"]>, place: ActionPlace): void {
  const { message } = place;
  for (const [name, value] of Object.entries(add.headers ?? {})) message.headers.add(name, line(t, value, place));
  if (!("verb" in message)) return;
  for (const [name, value] of Object.entries(add.queryParams ?? {})) {
    message.query = addQuery(message.query, name, text(t, value, place));
  }
  for (const [name, value] of Object.entries(add.formParams ?? {})) {
    const added = text(t, value, place);
    message.content = addQuery(asForm(message), name, added);
  }
}

function runRemove(t: Transaction, remove: RemoveModel, { message, policy }: ActionPlace): void {
  const { headers, queryParams } = remove;
  const names = headers === true ? message.headers.names().filter((name) => !isFraming(name)) : (headers ?? []);
  for (const name of names) message.headers.remove(name);
  if ("verb" in message) {
    if (queryParams === true) message.query = null;
    else for (const name of queryParams ?? []) message.query = removeQuery(message.query, name);
    const form = formOf(message);
    if (form !== null && remove.formParams === true) message.content = "";
    for (const name of form !== null && Array.isArray(remove.formParams) ? remove.formParams : []) {
      message.content = removeQuery(message.content, name) ?? "";
    }
  }
  if (remove.payload !== true) return;
  if (message === t.response) refuseSwitched(t, policy);
  giveContent(message, "");
}

/** Copies onto the destination; what is not there, or is the destination itself, changes nothing. */
function runCopy(t: Transaction, copy: CopyModel, { message, policy }: ActionPlace): void {
  const source = messageOf(t, copy.source ?? "message");
  const isWhole = Object.keys(copy).every((key) => key === "source");
  const wants = (part: boolean | undefined): boolean => isWhole || part === true;
  if (source === message) return;
  const isSwitch = message === t.response && t.phase === "response" && t.response?.status === 101;
  const hasStatus = source !== null && !("verb" in source) && !("verb" in message) && wants(copy.statusCode);
  if (source !== null && (isWhole || copy.headers !== undefined)) {
    const wanted = copy.headers === undefined || copy.headers === true ? source.headers.names() : copy.headers;
    for (const name of wanted.map((other) => other.toLowerCase()).filter((other) => !isFraming(other))) {
      const values = source.headers.values(name);
      if (values.length > 0) message.headers.remove(name);
      for (const value of values) message.headers.add(name, value);
    }
  }
  if (source !== null && "verb" in source && "verb" in message) {
    if (isWhole || copy.queryParams !== undefined) {
      const names = copy.queryParams === undefined || copy.queryParams === true ? queryNames(source.query) : copy.queryParams;
      message.query = copiedPairs(source.query, message.query, names);
    }
    if (wants(copy.verb) && (message !== t.request || !t.upgrade)) message.verb = source.verb;
    if (message !== t.request && wants(copy.path)) message.path = source.path;
    if (message !== t.request && wants(copy.version)) message.version = source.version;
  }
  if (isSwitch && (hasStatus || wants(copy.payload))) refuseSwitched(t, policy);
  if (source === null) return;
  if (!("verb" in source) && !("verb" in message)) {
    if (wants(copy.statusCode)) giveStatus(message, source.status);
    if (wants(copy.reasonPhrase)) message.reason = source.reason;
  }
  if (wants(copy.payload)) giveContent(message, source.content ?? "");
}

function copiedPairs(from: string | null, to: string | null, names: readonly string[]): string | null {
  let pairs = to;
  for (const name of names) {
    const values = queryValues(from, name);
    if (values.length > 0) pairs = removeQuery(pairs, name);
    for (const value of values) pairs = addQuery(pairs, name, value);
  }
  return pairs;
}

function runAssign(t: Transaction, assign: AssignVariableModel, place: ActionPlace): void {
  write(t, assign.name, assigned(t, assign, place), place.policy);
}

/** `value` is the constant, or the fallback of the other two. */
function assigned(
  t: Transaction,
  { ref, template, value }: AssignVariableModel,
  { policy, isStrict }: ActionPlace,
): Value {
  if (ref !== undefined) {
    const found = read(t, ref) ?? value ?? null;
    if (found !== null) return found;
    if (!isStrict) return "";
    throw raised("steps.assignmessage.UnresolvedVariable", policy, policy, ` ${ref}`);
  }
  if (template === undefined) return value ?? "";
  if (value === undefined) return expand(t, template, isStrict ? policy : null);
  return isUnresolved(t, template) ? value : expand(t, template, null);
}

/** Headers of one connection or of the handshake, and Host. */
function isFraming(name: string): boolean {
  return /^(connection|content-length|host|transfer-encoding|upgrade|sec-websocket-.*)$/.test(name);
}
