/**
 * Flow hooks of one proxy as items of its chains: nothing where there are none, no test where all environments agree.
 */
import type { PlanItem, When } from "../ir/plan.ts";
import type { ProgramHook } from "../ir/program.ts";
import type { Condition } from "#runtime/language/condition.ts";
import type { Obligation } from "../policies/definition.ts";

const VARIABLE = "environment.name";

/**
 * Items for the hooks of one point. `environments` are those where the proxy is deployed; `plan` makes the items of one
 * hook and hears whether every environment has it.
 */
export function planHook(
  hooks: readonly ProgramHook[],
  environments: readonly string[],
  plan: (hook: ProgramHook, isEverywhere: boolean) => readonly PlanItem[],
): readonly PlanItem[] {
  const [only] = hooks;
  if (only === undefined) return [];
  if (hooks.length === 1 && only.environments.length === environments.length) return plan(only, true);
  const branches = hooks.map((hook) => ({
    name: `${hook.step.policy.name} of ${hook.environments.join(", ")}`,
    when: inEnvironments(hook),
    items: plan(hook, false),
  }));
  return [{ kind: "choice", branches }];
}

/** `environment.name = "a" or environment.name = "b"`. */
function inEnvironments({ environments, step: { span } }: ProgramHook): When {
  const nowhere = { start: 0, end: 0 };
  const tests = environments.map((name): Condition => ({
    kind: "comparison",
    operator: "equals",
    left: { kind: "variable", name: VARIABLE, quoted: false, ...nowhere },
    right: { kind: "string", value: name, ...nowhere },
    ...nowhere,
  }));
  const [only = null, ...others] = tests;
  const ast: Condition = only !== null && others.length === 0 ? only : { kind: "or", operands: tests, ...nowhere };
  const text = environments.map((name) => `${VARIABLE} = "${name}"`).join(" or ");
  return { kind: "test", ast, condition: { text, ast, span } };
}

/** What a hook of some environments leaves behind: nothing to rely on elsewhere, so only the strict default is safe. */
export function ofSomeEnvironments(obligation: Obligation): Obligation {
  return obligation.kind === "credential" ? { ...obligation, ambient: true } : obligation;
}
