/** Walking the chains of a plan: every list of items, step and condition of a proxy, wherever it stands. */
import type { PlanEffect, PlanItem, PlanStep, ProxyPlan, RulesPlan, Segment, When } from "../../ir/plan.ts";

export type PlanWrite = Extract<PlanEffect, { kind: "write" }>;

/** Every step that is written, also those inside of calls. */
export function stepsOf(plan: ProxyPlan): readonly PlanStep[] {
  return segmentsOf(plan).flatMap(stepsIn);
}

/** Every condition of what is written. */
export function conditionsOf(plan: ProxyPlan): readonly When[] {
  const ends = [...plan.endpoints, ...plan.targets].map(({ faults }) => faults);
  return [
    ...plan.endpoints.flatMap(({ routes }) => routes.map(({ when }) => when)),
    ...ends.flatMap(({ rules }) => rules.map(({ when }) => when)),
    ...ends.flatMap(({ otherwise }) => (otherwise === null ? [] : [otherwise.when])),
    ...segmentsOf(plan).flatMap((items) => items.flatMap(conditionsIn)),
  ];
}

/** Names that a step's policy reads, each once. */
export function readsOf({ effects }: PlanStep): readonly string[] {
  return [...new Set(effects.flatMap(({ kind, name }) => (kind === "read" ? [name] : [])))];
}

/** Custom variables that a step's policy writes, in order. */
export function writesOf({ effects }: PlanStep): readonly PlanWrite[] {
  return effects.filter((effect) => effect.kind === "write");
}

function segmentsOf(plan: ProxyPlan): readonly Segment[] {
  const ends = [...plan.endpoints, ...plan.targets].flatMap(({ request, response, faults, events }) => [
    request,
    response,
    events,
    ...faults.rules.map(({ items }) => items),
    ...(faults.otherwise === null ? [] : [faults.otherwise.items]),
  ]);
  return [...ends, ...plan.endpoints.flatMap(({ postClient, sessionEnd }) => [postClient, sessionEnd])];
}

/** Every step of a list that is written, those of calls behind the call. */
export function stepsIn(items: Segment): readonly PlanStep[] {
  return items.flatMap((item): readonly PlanStep[] => {
    if (item.kind === "choice") return item.branches.flatMap((branch) => stepsIn(branch.items));
    if (item.kind !== "step") return [];
    return item.skipped === null ? [item, ...stepsIn(item.body ?? [])] : [];
  });
}

function conditionsIn(item: PlanItem): readonly When[] {
  if (item.kind === "choice") return item.branches.flatMap(({ when, items }) => [when, ...items.flatMap(conditionsIn)]);
  if (item.kind !== "step") return [];
  return item.skipped === null ? [item.when, ...(item.body ?? []).flatMap(conditionsIn)] : [];
}

/** The plan with every list of items replaced; lists inside of items are the caller's. */
export function withSegments(plan: ProxyPlan, change: (items: Segment) => Segment): ProxyPlan {
  const rules = ({ waits, rules: all, otherwise }: RulesPlan): RulesPlan => ({
    waits,
    rules: all.map((rule) => ({ ...rule, items: change(rule.items) })),
    otherwise: otherwise === null ? null : { ...otherwise, items: change(otherwise.items) },
  });
  const flows = <T extends Flows>(one: T): T => ({
    ...one,
    request: change(one.request),
    response: change(one.response),
    faults: rules(one.faults),
    events: change(one.events),
  });
  const endpoints = plan.endpoints.map((one) => {
    return { ...flows(one), postClient: change(one.postClient), sessionEnd: change(one.sessionEnd) };
  });
  return { ...plan, endpoints, targets: plan.targets.map(flows) };
}

interface Flows {
  readonly request: Segment;
  readonly response: Segment;
  readonly faults: RulesPlan;
  readonly events: Segment;
}
