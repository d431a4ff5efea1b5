/**
 * What all policies that check a credential say about their step: whether it can be passed by, and what it leaves
 * behind.
 */
import type { Obligation, PolicyAnalysis } from "../definition.ts";
import { isSentByBrowsers } from "../../flow-variable.ts";
import type { PolicyModel } from "../../ir/model.ts";

/**
 * Notes the variable that holds the credential, reports a step that a client can avoid, and leaves the obligation.
 */
export function checksCredential<M extends PolicyModel>(
  step: PolicyAnalysis<M>,
  variable: string,
  at: readonly (string | number)[],
  what: Extract<Obligation, { kind: "credential" }>["what"],
): void {
  step.reads(variable, at);
  if (step.phase === "request" && isAvoidable(step, variable)) {
    step.report("AGW4101", [], { policy: step.name, variable });
  }
  if (step.carriedOn) step.report("AGW4104", [], { policy: step.name });
  // A check that nobody has to pass admits nobody.
  const ambient = step.carriedOn || isSentByBrowsers(variable);
  step.obligation({ kind: "credential", what, policy: step.name, variable, ambient });
}

/** Where the variables of the conditions are known, only one that asks for the credential itself counts. */
function isAvoidable<M extends PolicyModel>(step: PolicyAnalysis<M>, variable: string): boolean {
  return step.conditional && (step.conditionReads === undefined || step.conditionReads.includes(variable));
}
