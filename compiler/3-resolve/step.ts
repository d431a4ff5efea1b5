/** Steps: names become policies, conditions are parsed, shared flows are put where they are called. */
import { parseCondition } from "#runtime/language/condition.ts";
import { flowCallout } from "../policies/flow-callout.ts";
import { policyByKind } from "../policies/index.ts";
import { targetAddress, type AddressTemplate, type TargetAddressModel } from "../policies/target-address.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import { nearest } from "../diagnostics/nearest.ts";
import type { FlowHookModel } from "../ir/environment-model.ts";
import type { BundleModel, Named, PolicyModel } from "../ir/model.ts";
import type { SharedFlowModel, StepModel } from "../ir/proxy-model.ts";
import type { ProgramCondition, ProgramPolicy, ProgramStep } from "../ir/program.ts";
import type { Span } from "../source/positions.ts";
import { known, meant } from "./names.ts";

/** Shared flows that call each other deeper than this are refused. */
const SHARED_FLOW_DEPTH_MAX = 16;
/** Steps of one proxy, those of shared flows counted at each call. */
const STEPS_MAX = 10_000;

/** Where steps look their policies up: a proxy, or a shared flow that it calls. */
interface Scope {
  readonly policies: readonly Named<PolicyModel>[];
  /** The shared flows entered so far, and where each is called. */
  readonly path: readonly { readonly name: string; readonly call: Span }[];
}

/** Resolves the steps of one proxy, or of a shared flow by itself. */
export class StepResolver {
  readonly #model: BundleModel;
  readonly #scope: Scope;
  readonly #diagnostics: Diagnostics;
  readonly #policies = new Map<string, ProgramPolicy>();
  readonly #reported = new Set<object>();
  /** Policies that misspelt steps probably mean. */
  readonly #meant = new Set<string>();
  readonly #sharedFlows = new Set<string>();
  #steps = 0;

  /** `owner` is a proxy, or a shared flow that is looked at by itself; then it is the first of `path`. */
  constructor(
    model: BundleModel,
    owner: { readonly policies: readonly Named<PolicyModel>[] },
    diagnostics: Diagnostics,
    path: Scope["path"] = [],
  ) {
    this.#model = model;
    this.#scope = { policies: owner.policies, path };
    this.#diagnostics = diagnostics;
  }

  /** Every policy that a step runs, in the order of first use. */
  get policies(): readonly ProgramPolicy[] {
    return [...this.#policies.values()];
  }

  /** Names of the shared flows that steps call, directly or through others. */
  get sharedFlows(): ReadonlySet<string> {
    return this.#sharedFlows;
  }

  /** Steps of a list; those that cannot be resolved are left out, after a report. */
  list(steps: readonly StepModel[] | undefined, scope: Scope = this.#scope): ProgramStep[] {
    if (steps === undefined) return [];
    return steps.flatMap((step, at) => this.#step(steps, step, at, scope) ?? []);
  }

  /**
   * The call that a flow hook makes, as if a FlowCallout of that name stood there. Flows that are not there: hook.ts.
   */
  hook(name: string, file: string, hook: FlowHookModel): ProgramStep {
    const span = this.#model.positions.of(hook, "sharedFlow");
    const policy: ProgramPolicy = {
      // No name of the user's holds a slash.
      id: `${file}/${name}`,
      name,
      file,
      line: span.file.place(span.start).line,
      model: { kind: flowCallout.kind, sharedFlowBundle: hook.sharedFlow },
      hook,
      definition: flowCallout,
      continueOnError: hook.continueOnError ?? true,
      enabled: true,
    };
    this.#policies.set(policy.id, policy);
    const shared = this.#model.sharedFlows.find((flow) => flow.name === hook.sharedFlow);
    const body = shared === undefined ? [] : this.#shared(shared, [{ name: shared.name, call: span }]);
    return { policy, condition: null, body, span };
  }

  /** The step that makes the URL of a target, or its path, from a template. */
  address({ owner, key, template }: AddressTemplate, name: string): ProgramStep {
    const span = this.#model.positions.of(owner, key);
    const model: TargetAddressModel = { kind: "TargetEndpoint", owner, key, template };
    const policy: ProgramPolicy = {
      // No name of the user's holds a slash.
      id: `${name}/${key}`,
      name: `${key} of ${name}`,
      file: span.file.path,
      line: span.file.place(span.start).line,
      model,
      definition: targetAddress,
      continueOnError: false,
      enabled: true,
    };
    return { policy, condition: null, body: null, span };
  }

  /** The condition under a key; null when there is none or it does not parse. */
  condition(owner: object & { readonly condition?: string }, key: "condition"): ProgramCondition | null {
    const text = owner.condition;
    if (text === undefined) return null;
    const parsed = parseCondition(text);
    const { positions } = this.#model;
    if ("ast" in parsed) return { text, ast: parsed.ast, span: positions.of(owner, key) };
    if (this.#reported.has(owner)) return null;
    this.#reported.add(owner);
    for (const problem of parsed.problems) {
      const help = problem.suggestion === undefined ? null : `write ${problem.suggestion}`;
      const span = positions.within(owner, key, problem.start, problem.end);
      this.#diagnostics.report("AGW3001", span, { problem: problem.message }, { help });
    }
    return null;
  }

  /** Warns of the owner's policies that no step uses, nor probably means. */
  reportUnattached(): void {
    for (const policy of this.#scope.policies) {
      if (this.#policies.has(policy.name) || this.#meant.has(policy.name)) continue;
      this.#diagnostics.report("AGW2014", this.#model.positions.of(policy.value), { name: policy.name });
    }
  }

  #step(list: readonly StepModel[], step: StepModel, at: number, scope: Scope): ProgramStep | null {
    const name = typeof step === "string" ? step : step.name;
    const { positions } = this.#model;
    const span = typeof step === "string" ? positions.of(list, at) : positions.of(step, "name");
    this.#steps++;
    // Before the policy is looked for: a condition may be wrong whatever comes of its step.
    const condition = typeof step === "string" ? null : this.condition(step, "condition");
    const policy = this.#policy(name, scope);
    if (policy === null) {
      const names = scope.policies.map((other) => other.name);
      const near = nearest(name, names);
      if (near !== null && scope === this.#scope) this.#meant.add(near);
      const help = meant(name, names).help ?? `policies here: ${known(names)}`;
      this.#diagnostics.report("AGW2004", span, { name }, { help });
      return null;
    }
    return {
      policy,
      condition,
      body: this.#body(policy, scope),
      span,
    };
  }

  #policy(name: string, scope: Scope): ProgramPolicy | null {
    const found = scope.policies.find((policy) => policy.name === name);
    if (found === undefined) return null;
    const id = [...scope.path.slice(-1).map((entered) => entered.name), name].join("/");
    const existing = this.#policies.get(id);
    if (existing !== undefined) return existing;
    const definition = policyByKind(found.value.kind);
    if (definition === null) return null;
    const span = this.#model.positions.of(found.value);
    const policy: ProgramPolicy = {
      id,
      name,
      file: found.file,
      line: span.file.place(span.start).line,
      model: found.value,
      definition,
      continueOnError: found.value.continueOnError ?? false,
      enabled: found.value.enabled ?? true,
    };
    this.#policies.set(id, policy);
    return policy;
  }

  #body(policy: ProgramPolicy, scope: Scope): ProgramStep[] | null {
    if (policy.model.kind !== "FlowCallout") return null;
    const name = policy.model["sharedFlowBundle"];
    if (typeof name !== "string") return [];
    const span = this.#model.positions.of(policy.model, "sharedFlowBundle");
    const shared = this.#model.sharedFlows.find((flow) => flow.name === name);
    if (shared === undefined) {
      const names = this.#model.sharedFlows.map((flow) => flow.name);
      this.#once(policy.model, () => this.#diagnostics.report("AGW2005", span, { name, known: known(names) }, meant(name, names)));
      return [];
    }
    const again = scope.path.findIndex((entered) => entered.name === name);
    if (again >= 0) {
      const circle = scope.path.slice(again);
      const path = [...circle.map((entered) => entered.name), name].join(" -> ");
      const related = circle.slice(1).map((entered) => ({ span: entered.call, message: `"${entered.name}" is called here` }));
      this.#once(policy.model, () => this.#diagnostics.report("AGW2013", span, { path }, { related }));
      return [];
    }
    const limit = this.#limitOf(scope);
    if (limit !== null) {
      // Once is enough: every call from here on would say the same.
      this.#once(this.#policies, () => this.#diagnostics.report("AGW2019", span, { name, limit }));
      return [];
    }
    this.#sharedFlows.add(name);
    return this.#shared(shared, [...scope.path, { name, call: span }]);
  }

  /** The bound at which calls stop; null below it. */
  #limitOf(scope: Scope): string | null {
    if (scope.path.length >= SHARED_FLOW_DEPTH_MAX) return `${String(SHARED_FLOW_DEPTH_MAX)} calls within each other`;
    return this.#steps >= STEPS_MAX ? `${String(STEPS_MAX)} steps of one proxy` : null;
  }

  #shared(shared: Named<SharedFlowModel>, path: Scope["path"]): ProgramStep[] {
    return this.list(shared.value.steps, { policies: shared.value.policies, path });
  }

  #once(owner: object, report: () => void): void {
    if (this.#reported.has(owner)) return;
    this.#reported.add(owner);
    report();
  }
}
