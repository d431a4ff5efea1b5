/** What is wrong with the actions of AssignMessage and RaiseFault, and which variables and headers they touch. */
import {
  constantText, delimitersProblem, literalTemplate, templateVariables, variableTemplate, type Template, type TemplateDelimiters,
} from "#runtime/language/template.ts";
import type { Path, PolicyAnalysis } from "../definition.ts";
import { assignsVariable, reportOwn } from "./assigned-variable.ts";
import { literalsBefore } from "./literal-variables.ts";
import type {
  ActionModel,
  ActionsModel,
  AddModel,
  AssignVariableModel,
  CopyModel,
  NamesModel,
  PayloadModel,
  RemoveModel,
  SetModel,
} from "./message-model.ts";

/** The message that actions change: the flow's own, the answer of a fault, or one under a name of its own. */
export type Destination = "request" | "response" | "answer" | "named request" | "named response";

/** True for what has a method, a query and a form. */
export function isRequestKind(destination: Destination): boolean {
  return destination === "request" || destination === "named request";
}

/** The step and the message. */
interface Place<M extends ActionsModel> {
  readonly step: PolicyAnalysis<M>;
  readonly destination: Destination;
  /** What flow variables call the message. */
  readonly called: string;
}

const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/** Analyses every action. `renews`: what the message was goes first. */
export function analyzeActions<M extends ActionsModel>(
  step: PolicyAnalysis<M>,
  destination: Destination,
  renews = false,
  called: string = destination,
): void {
  if (renews) replacesSwitch({ step, destination, called }, ["assignTo", "createNew"], "a new message");
  const actions = step.model.actions ?? [];
  const literals = literalsBefore(actions);
  actions.forEach((action, at) => {
    const reading = { literals: literals[at] ?? new Map<string, string>() };
    const template: typeof step.template = (text, path, more) => step.template(text, path, { ...reading, ...more });
    analyzeAction({ step: { ...step, template }, destination, called }, action, ["actions", at]);
  });
}

function analyzeAction<M extends ActionsModel>(place: Place<M>, action: ActionModel, at: Path): void {
  if (action.set !== undefined) analyzeSet(place, action.set, [...at, "set"]);
  if (action.add !== undefined) analyzeAdd(place, action.add, [...at, "add"]);
  if (action.remove !== undefined) analyzeRemove(place, action.remove, [...at, "remove"]);
  if (action.copy !== undefined) analyzeCopy(place, action.copy, [...at, "copy"]);
  if (action.assignVariable === undefined) return;
  analyzeVariable(place.step, action.assignVariable, [...at, "assignVariable"]);
}

function analyzeSet<M extends ActionsModel>(place: Place<M>, set: SetModel, at: Path): void {
  const { step, destination } = place;
  analyzeAdd(place, set, at);
  for (const part of ["path", "version"] as const) {
    const text = set[part];
    if (text === undefined) continue;
    step.template(text, [...at, part]);
    if (destination === "named request") continue;
    const why =
      part === "path"
        ? "the path towards the target follows target.url and target.copy.pathsuffix"
        : "the gateway writes the version of its own connections";
    noEffect(step, [...at, part], part, why);
  }
  if (set.verb !== undefined) analyzeVerb(place, set.verb, [...at, "verb"]);
  if (set.statusCode !== undefined) analyzeStatus(place, set.statusCode, [...at, "statusCode"]);
  if (set.reasonPhrase !== undefined) {
    const template = step.template(set.reasonPhrase, [...at, "reasonPhrase"]);
    const text = template === null ? undefined : constantText(template);
    if (text !== undefined) checkLine(step, [...at, "reasonPhrase"], "reason phrase", text);
    if (isRequestKind(destination)) noEffect(step, [...at, "reasonPhrase"], "reasonPhrase", "a request has none");
  }
  if (set.payload !== undefined) analyzePayload(place, set.payload, [...at, "payload"]);
}

/** Headers and parameters, which `set` and `add` share. */
function analyzeAdd<M extends ActionsModel>(place: Place<M>, add: AddModel, at: Path): void {
  const { step, destination } = place;
  for (const [name, value] of Object.entries(add.headers ?? {})) {
    const path = [...at, "headers", name];
    const isOwn = reportOwn(step, name, path);
    const template = step.template(value, path);
    madeOf(place, `header.${name}`, template);
    const text = template === null ? undefined : constantText(template);
    if (text !== undefined) checkLine(step, path, `value of header "${name}"`, text);
    if (destination === "request" && !isOwn) step.ownsHeader(name.toLowerCase());
  }
  for (const [name, value] of Object.entries(add.queryParams ?? {})) {
    madeOf(place, `queryparam.${name}`, step.template(value, [...at, "queryParams", name]));
  }
  if (add.queryParams !== undefined) responseHasNone(place, [...at, "queryParams"], "queryParams");
  for (const [name, value] of Object.entries(add.formParams ?? {})) {
    madeOf(place, `formparam.${name}`, step.template(value, [...at, "formParams", name]));
  }
  if (add.formParams !== undefined) editsForm(place, [...at, "formParams"]);
}

/** A credential that a policy copies into a part of a message stays what it was. */
function madeOf<M extends ActionsModel>({ step, called }: Place<M>, part: string, template: Template | null): void {
  if (template !== null) step.derives(`${called}.${part}`, templateVariables(template));
}

function analyzeVerb<M extends ActionsModel>({ step, destination }: Place<M>, verb: string, at: Path): void {
  const template = step.template(verb, at);
  const text = template === null ? undefined : constantText(template);
  if (text !== undefined && !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)) {
    step.report("AGW3105", at, { what: "verb", value: JSON.stringify(text), expected: "it is no HTTP method" });
  }
  if (!isRequestKind(destination)) noEffect(step, at, "verb", "a response has none");
}

function analyzeStatus<M extends ActionsModel>(place: Place<M>, status: number | string, at: Path): void {
  const { step, destination } = place;
  const template = typeof status === "string" ? step.template(status, at) : null;
  const text = typeof status === "number" ? String(status) : template === null ? undefined : constantText(template);
  if (text !== undefined && !/^[2-5][0-9]{2}$/.test(text)) {
    step.report("AGW3105", at, { what: "statusCode", value: text, expected: "a final status is 200 to 599" });
  }
  if (isRequestKind(destination)) noEffect(step, at, "statusCode", "a request has none");
  replacesSwitch(place, at, "a status");
}

function analyzePayload<M extends ActionsModel>(
  place: Place<M>,
  payload: NonNullable<SetModel["payload"]>,
  at: Path,
): void {
  const { step } = place;
  replacesSwitch(place, at, "a payload");
  if (typeof payload === "string") return void step.template(payload, at);
  if (payload.contentType !== undefined) step.template(payload.contentType, [...at, "contentType"]);
  const delimiters = payloadDelimiters(payload);
  const problem = delimiters === null ? null : delimitersProblem(delimiters);
  if (problem !== null) {
    const value = JSON.stringify(`${payload.variablePrefix ?? "{"}...${payload.variableSuffix ?? "}"}`);
    return step.report("AGW3105", at, { what: "delimiters", value, expected: problem });
  }
  step.template(payload.value, [...at, "value"], delimiters === null ? {} : { delimiters });
}

/** What stands around the variables of a payload where that is not `{` and `}`. */
export function payloadDelimiters({ variablePrefix, variableSuffix }: PayloadModel): TemplateDelimiters | null {
  if (variablePrefix === undefined && variableSuffix === undefined) return null;
  return { prefix: variablePrefix ?? "{", suffix: variableSuffix ?? "}" };
}

function analyzeRemove<M extends ActionsModel>(place: Place<M>, remove: RemoveModel, at: Path): void {
  const { step, destination } = place;
  if (remove.headers !== undefined && remove.headers !== true) {
    const isAnswer = !isRequestKind(destination);
    // No answer has a Host; taking away what cannot be there is harmless.
    const named = [...remove.headers.entries()].filter(([, name]) => !(isAnswer && name.toLowerCase() === "host"));
    for (const [index, name] of named) reportOwn(step, name, [...at, "headers", index]);
  }
  if (remove.queryParams !== undefined) responseHasNone(place, [...at, "queryParams"], "queryParams");
  if (remove.formParams !== undefined) editsForm(place, [...at, "formParams"]);
  if (remove.payload !== true) return;
  replacesSwitch(place, [...at, "payload"], "a payload");
}

function analyzeCopy<M extends ActionsModel>(place: Place<M>, copy: CopyModel, at: Path): void {
  const { step, destination } = place;
  const source = sourceOf(copy, step.phase === "request" ? "request" : "response");
  const made = step.namedMessage(source);
  const why =
    source === destination ? "source and destination are the same message"
    : source === "response" && step.phase === "request" ? "there is no response yet"
    : made === null && source !== "request" && source !== "response" ? "no policy makes a message of that name"
    : null;
  if (why !== null) return noEffect(step, at, "copy", why);
  copiesFrom(place, source);
  const parts = copiedParts(copy, made?.type ?? (source === "request" ? "request" : "response"), destination);
  if (parts.payload) {
    step.reads(`${source}.content`, at);
    replacesSwitch(place, at, "a payload");
  }
  if (parts.formParams !== null) {
    step.reads(`${source}.formstring`, at);
    editsForm(place, at);
  }
  if (Array.isArray(copy.headers)) {
    copy.headers.forEach((name, index) => reportOwn(step, name, [...at, "headers", index]));
  }
}

/** A superset will do: what is not copied is not there to be read. */
function copiesFrom<M extends ActionsModel>({ step, called }: Place<M>, source: string): void {
  for (const kind of ["header", "queryparam", "formparam"]) step.derives(`${called}.${kind}.*`, [`${source}.${kind}.*`]);
}

/** The message that is copied from, `message` and `error` by their own names. */
export function sourceOf({ source = "message" }: CopyModel, own: "request" | "response"): string {
  if (source === "message") return own;
  return source === "error" ? "response" : source;
}

/** What a copy takes; null: none of that kind, true: all. */
export interface CopiedParts {
  readonly headers: NamesModel | null;
  readonly queryParams: NamesModel | null;
  readonly formParams: NamesModel | null;
  readonly verb: boolean;
  readonly path: boolean;
  readonly version: boolean;
  readonly statusCode: boolean;
  readonly reasonPhrase: boolean;
  readonly payload: boolean;
}

const COPY_PARTS = [
  "headers", "queryParams", "formParams", "verb", "path", "version", "statusCode", "reasonPhrase", "payload",
] as const;

/** The parts that a copy names, or all; less those that one of the messages does not have. */
export function copiedParts(copy: CopyModel, from: "request" | "response", destination: Destination): CopiedParts {
  const isWhole = COPY_PARTS.every((part) => copy[part] === undefined);
  const areRequests = from === "request" && isRequestKind(destination);
  const areResponses = from === "response" && !isRequestKind(destination);
  // Method and path of the flow's own request are not a copy's to change where they decide nothing.
  const isOwn = destination === "request";
  return {
    headers: isWhole ? true : (copy.headers ?? null),
    queryParams: !areRequests ? null : isWhole ? true : (copy.queryParams ?? null),
    formParams: areRequests ? (copy.formParams ?? null) : null,
    verb: areRequests && (isWhole || copy.verb === true),
    path: areRequests && !isOwn && (isWhole || copy.path === true),
    version: areRequests && !isOwn && (isWhole || copy.version === true),
    statusCode: areResponses && (isWhole || copy.statusCode === true),
    reasonPhrase: areResponses && (isWhole || copy.reasonPhrase === true),
    payload: isWhole || copy.payload === true,
  };
}

function analyzeVariable<M extends ActionsModel>(step: PolicyAnalysis<M>, assign: AssignVariableModel, at: Path): void {
  if (assign.ref !== undefined) step.reads(assign.ref, [...at, "ref"]);
  const template = assign.template === undefined ? null : step.template(assign.template, [...at, "template"]);
  assignsVariable(step, assign.name, [...at, "name"], assignedText(assign, template));
}

/** What a variable becomes, as a template; null where that is no text. */
function assignedText({ ref, template, value = "" }: AssignVariableModel, parsed: Template | null): Template | null {
  if (ref !== undefined) return variableTemplate(ref);
  return template === undefined ? literalTemplate(value) : parsed;
}

function responseHasNone<M extends ActionsModel>({ step, destination }: Place<M>, at: Path, what: string): void {
  if (!isRequestKind(destination)) noEffect(step, at, what, "a response has none");
}

/** Parameters are written among those that are there, so the flow's own form is read. */
function editsForm<M extends ActionsModel>(place: Place<M>, at: Path): void {
  if (place.destination === "request") place.step.reads("request.formstring", at);
  else responseHasNone(place, at, "formParams");
}

/** Where it can be proven; a step under a condition is checked when it runs. */
function replacesSwitch<M extends ActionsModel>({ step, destination }: Place<M>, at: Path, what: string): void {
  if (destination !== "response" || step.phase !== "response" || !step.upgradable || step.conditional) return;
  step.report("AGW3104", at, { what }, { help: "give the step the condition 'response.status.code != 101'" });
}

function checkLine<M extends ActionsModel>(step: PolicyAnalysis<M>, at: Path, what: string, text: string): void {
  if (!CONTROL.test(text)) return;
  const expected = "it must be one line without control characters";
  step.report("AGW3105", at, { what, value: JSON.stringify(text), expected });
}

function noEffect<M extends ActionsModel>(step: PolicyAnalysis<M>, at: Path, what: string, why: string): void {
  step.report("AGW3103", at, { what, why });
}
