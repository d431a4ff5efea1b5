/** The order of things: steps, flows, route rules, fault rules (apigee-core section 3). */
import type { HookPoint } from "#compiler/ir/environment-model.ts";
import type { ProgramFlows, ProgramStep } from "#compiler/ir/program.ts";
import type { Value } from "../outcome.ts";
import { holds } from "./evaluate.ts";
import { answerTo, raised } from "./faults.ts";
import { parametersFor, runPolicy } from "./policies.ts";
import { Raised, type Transaction } from "./transaction.ts";

/** PreFlow, the first conditional flow that matches, PostFlow. */
export function runFlows(t: Transaction, flows: ProgramFlows, side: "request" | "response"): void {
  const matching = [flows.preFlow, null, flows.postFlow].map((flow) => flow ?? undefined);
  for (const fixed of matching) {
    const flow = fixed ?? flows.flows.find((other) => holds(t, other.condition));
    if (flow === undefined) continue;
    begin(t, flows, flow);
    runSteps(t, flow[side]);
  }
}

/** The EventFlow of an endpoint, for the event that there is. */
export function runEventFlow(t: Transaction, flows: ProgramFlows): void {
  begin(t, flows, { name: "EventFlow", description: null });
  runSteps(t, flows.eventFlow);
}

/** What variables say of a flow that begins. */
function begin(t: Transaction, flows: ProgramFlows, flow: { readonly name: string; readonly description: string | null }): void {
  t.flow = flow.name;
  for (const of of ["current", flows === t.place.endpoint ? "proxy" : "target"]) {
    if (of !== "current") t.custom.set(`${of}.flow.name`, flow.name);
    t.custom.set(`${of}.flow.description`, flow.description);
  }
}

/** The shared flow that the environment runs at a hook point, if it has one (apigee-core 3.5). */
export function runHook(t: Transaction, point: HookPoint): void {
  const hook = t.place.proxy.hooks[point].find(({ environments }) => environments.includes(t.place.environment));
  if (hook === undefined) return;
  t.flow = hook.step.policy.name;
  t.custom.set("current.flow.description", null);
  runStep(t, hook.step);
}

/** The first route rule that holds; none is a fault. */
export function chooseRoute(t: Transaction): void {
  const rule = t.place.endpoint.routeRules.find((other) => holds(t, other.condition));
  if (rule === undefined) throw raised("messaging.runtime.RouteFailed", "", null);
  t.route = rule.name;
  t.target = rule.target;
  t.inTarget = rule.target !== null;
}

/** Leaves the pipeline and runs the fault rules of the endpoint where the fault occurred (apigee-core 3.7). */
export function handleFault(t: Transaction, fault: Raised): void {
  takeFault(t, fault);
  t.phase = "fault";
  const flows: ProgramFlows | null = t.inTarget ? t.target : t.place.endpoint;
  if (flows === null) return;
  const { faultRules, defaultFaultRule: last } = flows;
  const rule = faultRules.find((other) => holds(t, other.condition));
  const mayEnforce = runRule(t, rule?.steps ?? []);
  if (last === null || (rule !== undefined && !(last.alwaysEnforce && mayEnforce))) return;
  if (holds(t, last.condition)) runRule(t, last.steps);
}

/** False when a RaiseFault ended the rule: then nothing is enforced behind it. */
function runRule(t: Transaction, steps: readonly ProgramStep[]): boolean {
  try {
    runSteps(t, steps);
    return true;
  } catch (thrown) {
    if (!(thrown instanceof Raised)) throw thrown;
    takeFault(t, thrown);
    return thrown.code !== "steps.raisefault.RaiseFault";
  }
}

function takeFault(t: Transaction, fault: Raised): void {
  t.fault = fault;
  if (fault.policy !== null) t.failed.add(fault.policy);
  t.response = answerTo(fault);
}

function runSteps(t: Transaction, steps: readonly ProgramStep[]): void {
  for (const step of steps) runStep(t, step);
}

function runStep(t: Transaction, { policy, condition, body }: ProgramStep): void {
  if (!policy.enabled || !holds(t, condition)) return;
  // A call's parameters hide the variables of their names until it ends.
  const hidden = new Map<string, Value | undefined>();
  try {
    const given = parametersFor(t, policy);
    for (const [name, value] of given) {
      if (!hidden.has(name)) hidden.set(name, t.custom.get(name));
      t.custom.set(name, value);
    }
    if (body === null) runPolicy(t, policy);
    runSteps(t, body ?? []);
  } catch (thrown) {
    if (!(thrown instanceof Raised) || !policy.continueOnError) throw thrown;
    t.failed.add(policy.name);
    if (thrown.policy !== null) t.failed.add(thrown.policy);
  } finally {
    for (const [name, value] of hidden) {
      if (value === undefined) t.custom.delete(name);
      else t.custom.set(name, value);
    }
  }
}
