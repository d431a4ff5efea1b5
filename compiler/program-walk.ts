/** What stands in the flows of a resolved proxy, wherever it is written: policies that run, and conditions. */
import type {
  ProgramCondition, ProgramFlows, ProgramPolicy, ProgramProxy, ProgramStep, ProgramTarget,
} from "./ir/program.ts";

/** Every policy that some step runs, also those that stand for the URL of a target endpoint. */
export function policiesOfProxy(proxy: ProgramProxy): ReadonlySet<ProgramPolicy> {
  return new Set(stepsOf(proxy).map(({ policy }) => policy));
}

/** Every condition that a proxy asks: of steps, flows, fault rules and route rules. */
export function conditionsOfProxy(proxy: ProgramProxy): readonly ProgramCondition[] {
  const conditional = [
    ...flowsOf(proxy).flatMap((flows) => [...flows.flows, ...rulesOf(flows)]),
    ...proxy.endpoints.flatMap(({ routeRules }) => routeRules),
    ...stepsOf(proxy),
  ];
  return conditional.flatMap(({ condition }) => condition ?? []);
}

/** Every step that a proxy, its targets and its hooks may run, those of called shared flows behind the call. */
function stepsOf(proxy: ProgramProxy): readonly ProgramStep[] {
  const lists = [
    ...flowsOf(proxy).flatMap(stepLists),
    ...proxy.endpoints.flatMap(({ postClientFlow, sessionEnd }) => [postClientFlow, sessionEnd]),
    Object.values(proxy.hooks).flatMap((hooks) => hooks.map(({ step }) => step)),
    proxy.targets.flatMap(addressSteps),
  ];
  return lists.flatMap(withCalled);
}

function flowsOf({ endpoints, targets }: ProgramProxy): readonly ProgramFlows[] {
  return [...endpoints, ...targets];
}

function stepLists(flows: ProgramFlows): readonly (readonly ProgramStep[])[] {
  const plain = [flows.preFlow, ...flows.flows, flows.postFlow].flatMap(({ request, response }) => [request, response]);
  return [...plain, ...rulesOf(flows).map(({ steps }) => steps), flows.eventFlow];
}

function rulesOf({ faultRules, defaultFaultRule }: ProgramFlows) {
  return defaultFaultRule === null ? faultRules : [...faultRules, defaultFaultRule];
}

function withCalled(steps: readonly ProgramStep[]): readonly ProgramStep[] {
  return steps.flatMap((step) => [step, ...withCalled(step.body ?? [])]);
}

/** Steps of the gateway's own that make the address of a target from templates, behind its request flow. */
export function addressSteps({ template, pathStep }: ProgramTarget): ProgramStep[] {
  return [...(template === null ? [] : [template.step]), ...(pathStep === null ? [] : [pathStep])];
}
