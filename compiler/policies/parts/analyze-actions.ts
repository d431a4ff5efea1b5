/** What is wrong with the actions of AssignMessage and RaiseFault, and which variables and headers they touch. */
import { constantText, literalTemplate, variableTemplate, type Template } from "#runtime/language/template.ts";
import type { Path, PolicyAnalysis } from "../definition.ts";
import { assignsVariable, reportOwn } from "./assigned-variable.ts";
import { literalsBefore } from "./literal-variables.ts";
import type {
  ActionModel,
  ActionsModel,
  AddModel,
  AssignVariableModel,
  CopyModel,
  RemoveModel,
  SetModel,
} from "./message-model.ts";

/** The message that actions change: the flow's own, or the answer of a fault. */
export type Destination = "request" | "response" | "answer";

/** The step and the message. */
interface Place<M extends ActionsModel> {
  readonly step: PolicyAnalysis<M>;
  readonly destination: Destination;
}

const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/** Analyses every action. */
export function analyzeActions<M extends ActionsModel>(step: PolicyAnalysis<M>, destination: Destination): void {
  const actions = step.model.actions ?? [];
  const literals = literalsBefore(actions);
  actions.forEach((action, at) => {
    const reading = { literals: literals[at] ?? new Map<string, string>() };
    const template: typeof step.template = (text, path) => step.template(text, path, reading);
    analyzeAction({ step: { ...step, template }, destination }, action, ["actions", at]);
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
    if (destination === "request") noEffect(step, [...at, "reasonPhrase"], "reasonPhrase", "a request has none");
  }
  if (set.payload !== undefined) analyzePayload(place, set.payload, [...at, "payload"]);
}

/** Headers and query parameters, which `set` and `add` share. */
function analyzeAdd<M extends ActionsModel>(place: Place<M>, add: AddModel, at: Path): void {
  const { step, destination } = place;
  for (const [name, value] of Object.entries(add.headers ?? {})) {
    const path = [...at, "headers", name];
    const isOwn = reportOwn(step, name, path);
    const template = step.template(value, path);
    const text = template === null ? undefined : constantText(template);
    if (text !== undefined) checkLine(step, path, `value of header "${name}"`, text);
    if (destination === "request" && !isOwn) step.ownsHeader(name.toLowerCase());
  }
  for (const [name, value] of Object.entries(add.queryParams ?? {})) step.template(value, [...at, "queryParams", name]);
  if (add.queryParams !== undefined) responseHasNone(place, [...at, "queryParams"], "queryParams");
}

function analyzeVerb<M extends ActionsModel>({ step, destination }: Place<M>, verb: string, at: Path): void {
  const template = step.template(verb, at);
  const text = template === null ? undefined : constantText(template);
  if (text !== undefined && !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text)) {
    step.report("AGW3105", at, { what: "verb", value: JSON.stringify(text), expected: "it is no HTTP method" });
  }
  if (destination !== "request") noEffect(step, at, "verb", "a response has none");
}

function analyzeStatus<M extends ActionsModel>(place: Place<M>, status: number | string, at: Path): void {
  const { step, destination } = place;
  const template = typeof status === "string" ? step.template(status, at) : null;
  const text = typeof status === "number" ? String(status) : template === null ? undefined : constantText(template);
  if (text !== undefined && !/^[2-5][0-9]{2}$/.test(text)) {
    step.report("AGW3105", at, { what: "statusCode", value: text, expected: "a final status is 200 to 599" });
  }
  if (destination === "request") noEffect(step, at, "statusCode", "a request has none");
  replacesSwitch(place, at, "a status");
}

function analyzePayload<M extends ActionsModel>(
  place: Place<M>,
  payload: NonNullable<SetModel["payload"]>,
  at: Path,
): void {
  const { step, destination } = place;
  if (typeof payload === "string") step.template(payload, at);
  else {
    step.template(payload.value, [...at, "value"]);
    if (payload.contentType !== undefined) step.template(payload.contentType, [...at, "contentType"]);
  }
  if (destination === "request") step.report("AGW3102", at, { what: "the payload of a request" });
  replacesSwitch(place, at, "a payload");
}

function analyzeRemove<M extends ActionsModel>(place: Place<M>, remove: RemoveModel, at: Path): void {
  const { step, destination } = place;
  if (remove.headers !== undefined && remove.headers !== true) {
    const isAnswer = destination !== "request";
    // No answer has a Host; taking away what cannot be there is harmless.
    const named = [...remove.headers.entries()].filter(([, name]) => !(isAnswer && name.toLowerCase() === "host"));
    for (const [index, name] of named) reportOwn(step, name, [...at, "headers", index]);
  }
  if (remove.queryParams !== undefined) responseHasNone(place, [...at, "queryParams"], "queryParams");
  if (remove.payload !== true) return;
  if (destination === "request") step.report("AGW3102", [...at, "payload"], { what: "the payload of a request" });
  replacesSwitch(place, [...at, "payload"], "a payload");
}

function analyzeCopy<M extends ActionsModel>(place: Place<M>, copy: CopyModel, at: Path): void {
  const { step, destination } = place;
  const { source = "message" } = copy;
  const own = step.phase === "request" ? "request" : "response";
  const named = source === "message" ? own : source;
  if (named === destination) {
    noEffect(step, at, "copy", "source and destination are the same message");
    return;
  }
  if (named !== "request" && named !== "response") {
    step.report("AGW3102", [...at, "source"], { what: `copying from "${source}"` });
    return;
  }
  if (named === "response" && step.phase === "request") {
    noEffect(step, at, "copy", "there is no response yet");
    return;
  }
  const parts = (["queryParams", "verb", "path", "version", "payload"] as const).filter((part) => {
    const wanted = copy[part];
    return wanted !== undefined && wanted !== false;
  });
  for (const part of parts) step.report("AGW3102", [...at, part], { what: `copying ${part}` });
  if (Array.isArray(copy.headers)) {
    copy.headers.forEach((name, index) => reportOwn(step, name, [...at, "headers", index]));
  }
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
  if (destination !== "request") noEffect(step, at, what, "a response has none");
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
