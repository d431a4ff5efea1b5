/** RaiseFault at compile time: its actions build the answer that the fault carries. */
import { code, identifier, join, literal } from "../5-emit/code.ts";
import type { PolicyDefinition } from "./definition.ts";
import { analyzeActions } from "./parts/analyze-actions.ts";
import { actionStatements } from "./parts/emit-actions.ts";
import type { ActionsModel } from "./parts/message-model.ts";
import { writtenVariables } from "./parts/written-variables.ts";
import { frozen } from "./parts/values.ts";

export interface RaiseFaultModel extends ActionsModel {
  readonly kind: "RaiseFault";
  readonly shortFaultReason?: boolean;
}

export const raiseFault = {
  kind: "RaiseFault",
  basename: "raise-fault",
  phases: ["request", "response", "fault", "event"],
  failedPrefix: "raisefault",
  variablePrefixes: ["raisefault"],
  timing: () => "sync",
  touches: ({ actions = [] }) => writtenVariables(actions, "error"),
  analyze(step) {
    analyzeActions(step, "answer");
  },
  emit(e) {
    const answer = identifier("answer");
    const isStrict = e.model.ignoreUnresolvedVariables === false;
    const statements = actionStatements({ e, destination: "answer", message: answer, isStrict });
    const config = literal({ name: e.name, isShort: e.model.shortFaultReason ?? false });
    const rules = e.constant("raiseFault", frozen(config));
    // A block of its own, so that two faults in one segment do not share the name.
    const block = [
      code`{`,
      code`const ${answer} = ${e.symbol("faultResponse")}();`,
      ...statements,
      code`${e.symbol("raiseFault")}(${rules}, ${answer});`,
      code`}`,
    ];
    e.line(join(block, "\n"));
  },
} satisfies PolicyDefinition<RaiseFaultModel>;
