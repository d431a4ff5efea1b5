/** What optimisation came to, in one line of the build report. `--print plan` has the details. */
import type { EndpointPlan, Plan, PlanItem, Segment } from "./ir/plan.ts";

/** `1 condition decided, 2 steps and 3 variables dropped`; null when nothing was found. */
export function optimisationReport(plan: Plan): string | null {
  const ends = plan.proxies.flatMap(({ endpoints, targets }) => [...endpoints, ...targets]);
  const lists = ends.flatMap(({ request, response, events, faults: { rules, otherwise } }) => [
    request,
    response,
    events,
    ...rules.map(({ items }) => items),
    ...(otherwise === null ? [] : [otherwise.items]),
  ]);
  const last = plan.proxies.flatMap(({ endpoints }) => endpoints.flatMap(lastSegments));
  const steps = [...lists, ...last].flat().flatMap(stepsIn);
  const decided = steps.filter(({ step, when }) => step.condition !== null && when.kind !== "test").length;
  const dropped = steps.filter(({ skipped }) => skipped !== null).length;
  const variables = plan.proxies.reduce((sum, proxy) => sum + proxy.dropped.length, 0);
  const parts = [
    counted(decided, "condition decided", "conditions decided"),
    counted(dropped, "step dropped", "steps dropped"),
    counted(variables, "variable dropped", "variables dropped"),
  ].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join(", ");
}

function lastSegments({ postClient, sessionEnd }: EndpointPlan): readonly Segment[] {
  return [postClient, sessionEnd];
}

type Step = Extract<PlanItem, { readonly kind: "step" }>;

function stepsIn(item: PlanItem): readonly Step[] {
  if (item.kind === "step") return [item, ...(item.body ?? []).flatMap(stepsIn)];
  return item.kind === "choice" ? item.branches.flatMap((branch) => branch.items.flatMap(stepsIn)) : [];
}

function counted(count: number, one: string, many: string): string | null {
  return count === 0 ? null : `${String(count)} ${count === 1 ? one : many}`;
}
