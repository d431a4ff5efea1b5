/** The passes over a finished plan, in their order. Each takes a proxy's plan and gives one that does the same. */
import type { Value } from "#runtime/language/operators.ts";
import type { ProxyPlan } from "../../ir/plan.ts";
import type { Optimisations } from "../../optimisations.ts";
import { propertyValues, sameValue } from "../../property-value.ts";
import { dropSteps } from "./drop-steps.ts";
import { dropVariables } from "./drop-variables.ts";
import { shareConditions } from "./share-conditions.ts";
import { propagateConstants } from "./propagate-constants.ts";

/** Properties that the proxy reads and that hold the same in all its environments, those that are nowhere as null. */
function sameProperties({ proxy, reads }: ProxyPlan): readonly (readonly [string, Value])[] {
  const names = [...reads].filter((name) => name.startsWith("propertyset."));
  return names.flatMap((name) => {
    const values = propertyValues(proxy.properties, name);
    const value = sameValue(values);
    return value === undefined ? [] : [[name, value] as const];
  });
}

/** The plan as it is emitted. */
export function optimise(plan: ProxyPlan, organization: string, optimisations: Optimisations): ProxyPlan {
  let better = plan;
  const follows = optimisations.has("propagate-constants");
  const properties = optimisations.has("fold-lookups") ? sameProperties(plan) : [];
  if (follows || properties.length > 0) {
    const names = [["organization.name", organization], ["apiproxy.name", plan.proxy.name]] as const;
    const facts = new Map<string, Value>([...(follows ? names : []), ...properties]);
    better = propagateConstants(better, { facts, follows, folds: optimisations.has("fold-conditions") });
  }
  if (optimisations.has("drop-steps")) better = dropSteps(better);
  if (optimisations.has("drop-variables")) better = dropVariables(better);
  if (optimisations.has("share-conditions")) better = shareConditions(better);
  return better;
}
