/**
 * `drop-variables`: only custom variables that something still reads get a place in the exchange; what writes others
 * becomes nothing. The same answer tells policies which of their results anybody looks at.
 */
import { conditionVariables } from "#runtime/language/condition.ts";
import type { ProxyPlan } from "../../ir/plan.ts";
import { conditionsOf, readsOf, stepsOf } from "./walk.ts";

/** The plan with the variables that are read where they are not known. */
export function dropVariables(plan: ProxyPlan): ProxyPlan {
  const used = new Set([
    ...conditionsOf(plan).flatMap((when) => (when.kind === "test" ? conditionVariables(when.ast) : [])),
    ...stepsOf(plan).flatMap((step) => readsOf(step).filter((name) => !step.known.has(name))),
  ]);
  const variables = plan.variables.filter((name) => used.has(name));
  const dropped = plan.variables.filter((name) => !used.has(name));
  return { ...plan, used, variables, dropped };
}
