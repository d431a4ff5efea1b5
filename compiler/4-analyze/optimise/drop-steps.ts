/**
 * `drop-steps`, once more where constants have decided more conditions: steps that never run leave the chain, with the
 * reason; so do branches and rules that are never taken, and what stands behind a fault that is always raised.
 */
import type { PlanItem, PlanStep, ProxyPlan, Segment } from "../../ir/plan.ts";
import { withSegments } from "./walk.ts";

/** The plan without what never runs. */
export function dropSteps(plan: ProxyPlan): ProxyPlan {
  const dropped = withSegments(plan, kept);
  const ends = <T extends ProxyPlan["targets"][number] | ProxyPlan["endpoints"][number]>(one: T): T => {
    const { waits, rules, otherwise } = one.faults;
    const last = otherwise?.when.kind === "never" ? null : otherwise;
    return { ...one, faults: { waits, rules: rules.filter(({ when }) => when.kind !== "never"), otherwise: last } };
  };
  return { ...dropped, endpoints: dropped.endpoints.map(ends), targets: dropped.targets.map(ends) };
}

function kept(items: Segment): Segment {
  let ended: string | null = null;
  return items.flatMap((item): PlanItem[] => {
    if (item.kind !== "step" && item.kind !== "choice") return [item];
    if (item.kind === "choice") {
      const branches = item.branches.filter(({ when }) => when.kind !== "never");
      const rest = branches.map((branch) => ({ ...branch, items: kept(branch.items) }));
      return rest.some((branch) => branch.items.length > 0) ? [{ ...item, branches: rest }] : [];
    }
    const step = skippedOr(item, ended);
    if (step.skipped === null && raisesAlways(step)) ended = step.step.policy.name;
    return [step];
  });
}

function skippedOr(item: PlanStep, ended: string | null): PlanStep {
  if (item.skipped !== null) return item;
  if (item.when.kind === "never") return { ...item, skipped: item.when.why, body: null };
  if (ended !== null) return { ...item, skipped: `behind ${ended}, which always raises its fault`, body: null };
  return item.body === null ? item : { ...item, body: kept(item.body) };
}

function raisesAlways({ when, step: { policy } }: PlanStep): boolean {
  return when.kind === "always" && policy.model.kind === "RaiseFault" && !policy.continueOnError;
}
