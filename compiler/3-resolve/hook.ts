/**
 * Flow hooks: shared flows that an environment runs around the flows of each of its proxies (apigee-core section 3.5).
 * They become calls like those of FlowCallout; which environments say the same is found out here.
 */
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { EnvironmentModel, FlowHookModel, HookPoint } from "../ir/environment-model.ts";
import type { BundleModel, Named } from "../ir/model.ts";
import type { ProgramHook } from "../ir/program.ts";
import { known, meant } from "./names.ts";
import type { StepResolver } from "./step.ts";

/** Apigee's names of the hook points, which the steps carry. */
const NAMES: Readonly<Record<HookPoint, string>> = {
  preProxy: "PreProxyFlowHook",
  preTarget: "PreTargetFlowHook",
  postTarget: "PostTargetFlowHook",
  postProxy: "PostProxyFlowHook",
};

/** The hooks of one proxy; `environments` are those it is deployed in. */
export function resolveHooks(
  environments: readonly Named<EnvironmentModel>[],
  steps: StepResolver,
): Readonly<Record<HookPoint, readonly ProgramHook[]>> {
  const at = (point: HookPoint): readonly ProgramHook[] => hooksAt(point, environments, steps);
  return {
    preProxy: at("preProxy"),
    preTarget: at("preTarget"),
    postTarget: at("postTarget"),
    postProxy: at("postProxy"),
  };
}

interface Alike {
  readonly environments: string[];
  readonly file: string;
  readonly hook: FlowHookModel;
}

function hooksAt(
  point: HookPoint,
  environments: readonly Named<EnvironmentModel>[],
  steps: StepResolver,
): ProgramHook[] {
  const alike = new Map<string, Alike>();
  for (const { name, file, value } of environments) {
    const hook = value.flowHooks?.[point];
    if (hook === undefined) continue;
    const key = `${hook.sharedFlow} ${String(hook.continueOnError ?? true)}`;
    const group = alike.get(key);
    if (group === undefined) alike.set(key, { environments: [name], file, hook });
    else group.environments.push(name);
  }
  return [...alike.values()].map((group) => ({
    environments: group.environments,
    step: steps.hook(NAMES[point], group.file, group.hook),
  }));
}

/** Reports hooks whose shared flow does not exist, once for each environment. */
export function checkHooks(model: BundleModel, diagnostics: Diagnostics): void {
  const names = model.sharedFlows.map((flow) => flow.name);
  for (const { value } of model.environments) {
    for (const hook of Object.values(value.flowHooks ?? {})) {
      const name = hook.sharedFlow;
      if (names.includes(name)) continue;
      const span = model.positions.of(hook, "sharedFlow");
      diagnostics.report("AGW2005", span, { name, known: known(names) }, meant(name, names));
    }
  }
}
