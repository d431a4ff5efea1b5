/** AssignMessage at compile time: its actions become statements on the message that it assigns to. */
import { code, identifier, join, type Code } from "../5-emit/code.ts";
import { flowVariable, isMessage, isWritable, type NamedMessage } from "../flow-variable.ts";
import type { Path, PolicyAnalysis, PolicyDefinition, PolicyEmit } from "./definition.ts";
import { analyzeActions, type Destination } from "./parts/analyze-actions.ts";
import { changedParts } from "./parts/changed-parts.ts";
import { actionStatements } from "./parts/emit-actions.ts";
import { writtenVariables } from "./parts/written-variables.ts";
import type { ActionModel, ActionsModel } from "./parts/message-model.ts";

export interface AssignMessageModel extends ActionsModel {
  readonly kind: "AssignMessage";
  readonly assignTo?: { readonly name?: string; readonly createNew?: boolean; readonly type?: "request" | "response" };
  readonly actions: readonly ActionModel[];
}

/** Where a policy's changes go. `nowhere`: to the response of a flow that has none yet. */
type Assigned = NamedMessage | Destination | "nowhere";

/** What `assignTo` means where the flow's own message is `own`. */
function assignedTo({ assignTo }: AssignMessageModel, own: "request" | "response"): Assigned {
  const { name = own, type = "request" } = assignTo ?? {};
  if (!isMessage(name)) return { name, type };
  if (name === "message" || name === own) return own;
  if (name === "request") return "request";
  return own === "response" ? "response" : "nowhere";
}

/** When events come the request has been sent and the answer's head has left: only variables can change. */
function reportMessageChanges(step: PolicyAnalysis<AssignMessageModel>): void {
  const help = "assign response.event.current.data or response.event.current.content with assignVariable";
  const late = (path: Path, kind: string): void =>
    step.report("AGW3006", path, { kind, phase: "an EventFlow" }, { help });
  step.model.actions.forEach((action, at) => {
    for (const key of ["set", "add", "remove", "copy"] as const) {
      if (action[key] !== undefined) late(["actions", at, key], `${key} of AssignMessage`);
    }
    const name = action.assignVariable?.name ?? "";
    const variable = flowVariable(name, () => false);
    if (variable.kind === "custom" || variable.kind === "event" || !isWritable(variable)) return;
    late(["actions", at, "assignVariable", "name"], `assignVariable of ${name}`);
  });
}

export const assignMessage = {
  kind: "AssignMessage",
  basename: "assign-message",
  phases: ["request", "response", "fault", "event"],
  failedPrefix: "assignmessage",
  variablePrefixes: ["assignmessage"],
  timing: () => "sync",
  makes({ assignTo }) {
    const { name, type = "request" } = assignTo ?? {};
    return name === undefined || isMessage(name) ? null : { name, type };
  },
  touches: ({ actions, assignTo }) => writtenVariables(actions, assignTo?.name),
  changes: ({ assignTo, actions }) => (assignTo === undefined ? changedParts(actions) : null),
  analyze(step) {
    const to = assignedTo(step.model, step.phase === "request" ? "request" : "response");
    if (to === "nowhere") {
      const why = "there is no response in a request flow";
      return step.report("AGW3103", ["assignTo", "name"], { what: "this policy", why });
    }
    if (step.phase === "event" && typeof to === "string") reportMessageChanges(step);
    if (typeof to === "string") {
      return analyzeActions(step, to, step.model.assignTo?.createNew === true);
    }
    const made = step.namedMessage(to.name) ?? to;
    if (made.type !== to.type) {
      const expected = `another policy makes it a ${made.type}`;
      step.report("AGW3105", ["assignTo"], { what: "type of the message", value: JSON.stringify(to.name), expected });
    }
    analyzeActions(step, made.type === "request" ? "named request" : "named response", false, to.name);
  },
  emit(e) {
    const isStrict = e.model.ignoreUnresolvedVariables !== true;
    const to = assignedTo(e.model, e.messageKind);
    if (to === "nowhere") return;
    if (typeof to === "object") return emitNamed(e, to, isStrict);
    const isNew = e.model.assignTo?.createNew === true;
    const message = to === "request" ? code`${e.x}.request` : e.message;
    for (const statement of actionStatements({ e, destination: to, message, isStrict }, isNew)) e.line(statement);
  },
} satisfies PolicyDefinition<AssignMessageModel>;

/** A message of a name of its own: made anew, made when there is none, or demanded. */
function emitNamed(e: PolicyEmit<AssignMessageModel>, { name, type }: NamedMessage, isStrict: boolean): void {
  const message = identifier("message");
  const destination = type === "request" ? "named request" : "named response";
  const statements = actionStatements({ e, destination, message, isStrict });
  // A block of its own, so that two messages in one segment do not share the name.
  e.line(join([code`{`, code`const ${message} = ${madeMessage(e, name, type)};`, ...statements, code`}`], "\n"));
}

function madeMessage(e: PolicyEmit<AssignMessageModel>, name: string, type: "request" | "response"): Code {
  const place = e.namedMessage(name);
  const fresh = code`${e.symbol(type === "request" ? "newRequest" : "newResponse")}()`;
  switch (e.model.assignTo?.createNew) {
    case true:
      return code`(${place} = ${fresh})`;
    case false:
      return code`${e.symbol("needMessage")}(${place}, ${e.name})`;
    case undefined:
      return code`(${place} ??= ${fresh})`;
  }
}
