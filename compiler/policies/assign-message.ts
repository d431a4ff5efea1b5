/** AssignMessage at compile time: its actions become statements on the flow's message. */
import type { PolicyDefinition } from "./definition.ts";
import { analyzeActions } from "./parts/analyze-actions.ts";
import { actionStatements } from "./parts/emit-actions.ts";
import type { ActionModel, ActionsModel } from "./parts/message-model.ts";

export interface AssignMessageModel extends ActionsModel {
  readonly kind: "AssignMessage";
  readonly assignTo?: { readonly name?: string; readonly createNew?: boolean; readonly type?: "request" | "response" };
  readonly actions: readonly ActionModel[];
}

export const assignMessage = {
  kind: "AssignMessage",
  basename: "assign-message",
  phases: ["request", "response", "fault"],
  failedPrefix: "assignmessage",
  variablePrefixes: ["assignmessage"],
  timing: () => "sync",
  analyze(step) {
    const { assignTo } = step.model;
    const own = step.phase === "request" ? "request" : "response";
    const { name = own, createNew = false } = assignTo ?? {};
    if (createNew) step.report("AGW3102", ["assignTo", "createNew"], { what: "making a new message" });
    else if (name !== own && name !== "message") {
      step.report("AGW3102", ["assignTo", "name"], { what: `assigning to "${name}" in a ${step.phase} flow` });
    }
    analyzeActions(step, own);
  },
  emit(e) {
    const isStrict = e.model.ignoreUnresolvedVariables !== true;
    for (const statement of actionStatements({ e, destination: e.messageKind, message: e.message, isStrict })) {
      e.line(statement);
    }
  },
} satisfies PolicyDefinition<AssignMessageModel>;
