/** The passes over a finished plan, in their order. Each takes a proxy's plan and gives one that does the same. */
import type { ProxyPlan } from "../../ir/plan.ts";
import type { Optimisations } from "../../optimisations.ts";
import { dropSteps } from "./drop-steps.ts";
import { dropVariables } from "./drop-variables.ts";
import { shareConditions } from "./share-conditions.ts";
import { propagateConstants } from "./propagate-constants.ts";

/** The plan as it is emitted. */
export function optimise(plan: ProxyPlan, organization: string, optimisations: Optimisations): ProxyPlan {
  let better = plan;
  if (optimisations.has("propagate-constants")) {
    const facts = new Map([["organization.name", organization], ["apiproxy.name", plan.proxy.name]]);
    better = propagateConstants(better, { facts, folds: optimisations.has("fold-conditions") });
  }
  if (optimisations.has("drop-steps")) better = dropSteps(better);
  if (optimisations.has("drop-variables")) better = dropVariables(better);
  if (optimisations.has("share-conditions")) better = shareConditions(better);
  return better;
}
