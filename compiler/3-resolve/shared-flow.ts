/**
 * Shared flows by themselves: those that no proxy calls are looked at all the same, so that nothing wrong stays unseen.
 */
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import { nearest } from "../diagnostics/nearest.ts";
import type { BundleModel, Named } from "../ir/model.ts";
import type { SharedFlowModel } from "../ir/proxy-model.ts";
import type { ProgramProxy } from "../ir/program.ts";
import { StepResolver } from "./step.ts";

/**
 * Reports shared flows that nothing calls with what is wrong in them, and policies of shared flows that no step names.
 */
export function checkSharedFlows(model: BundleModel, proxies: readonly ProgramProxy[], diagnostics: Diagnostics): void {
  const names = model.sharedFlows.map((shared) => shared.name);
  const callouts = proxies.flatMap((proxy) => proxy.policies).map((policy) => String(policy.model["sharedFlowBundle"]));
  // What a misspelt name probably means is called as well.
  const called = new Set(callouts.map((name) => (names.includes(name) ? name : nearest(name, names))));
  for (const shared of model.sharedFlows) {
    reportUnattached(model, shared, diagnostics);
    if (called.has(shared.name)) continue;
    const call = model.positions.of(shared.value);
    diagnostics.report("AGW2020", call, { name: shared.name });
    const steps = new StepResolver(model, shared.value, diagnostics, [{ name: shared.name, call }]);
    steps.list(shared.value.steps);
    // What it calls was looked at with it, and is called, if only by a flow that is not.
    for (const name of steps.sharedFlows) called.add(name);
  }
}

function reportUnattached(model: BundleModel, { value }: Named<SharedFlowModel>, diagnostics: Diagnostics): void {
  const names = value.policies.map((policy) => policy.name);
  const steps = value.steps.map((step) => (typeof step === "string" ? step : step.name));
  const misspelt = steps.filter((name) => !names.includes(name));
  for (const policy of value.policies) {
    if (steps.includes(policy.name) || misspelt.some((name) => nearest(name, [policy.name]) !== null)) continue;
    diagnostics.report("AGW2014", model.positions.of(policy.value), { name: policy.name });
  }
}
