/** Steps: names become policies, conditions are parsed, shared flows are put where they are called. */
import { parseCondition } from "#runtime/language/condition.ts";
import { policyByKind } from "../policies/index.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { BundleModel, Named, PolicyModel, ProxyModel, SharedFlowModel, StepModel } from "../ir/model.ts";
import type { ProgramCondition, ProgramPolicy, ProgramStep } from "../ir/program.ts";
import { known, meant } from "./names.ts";

/** Shared flows that call each other deeper than this are refused. */
const SHARED_FLOW_DEPTH_MAX = 16;

/** Where steps look their policies up: a proxy, or a shared flow that it calls. */
interface Scope {
  readonly policies: readonly Named<PolicyModel>[];
  /** Names of the shared flows entered so far. */
  readonly path: readonly string[];
}

/** Resolves the steps of one proxy. */
export class StepResolver {
  readonly #model: BundleModel;
  readonly #scope: Scope;
  readonly #diagnostics: Diagnostics;
  readonly #policies = new Map<string, ProgramPolicy>();
  readonly #reported = new Set<object>();

  constructor(model: BundleModel, proxy: Named<ProxyModel>, diagnostics: Diagnostics) {
    this.#model = model;
    this.#scope = { policies: proxy.value.policies, path: [] };
    this.#diagnostics = diagnostics;
  }

  /** Every policy that a step runs, in the order of first use. */
  get policies(): readonly ProgramPolicy[] {
    return [...this.#policies.values()];
  }

  /** Steps of a list; those that cannot be resolved are left out, after a report. */
  list(steps: readonly StepModel[] | undefined, scope: Scope = this.#scope): ProgramStep[] {
    if (steps === undefined) return [];
    return steps.flatMap((step, at) => this.#step(steps, step, at, scope) ?? []);
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

  /** Warns of the proxy's policies that no step uses. */
  reportUnattached(): void {
    for (const policy of this.#scope.policies) {
      if (this.#policies.has(policy.name)) continue;
      this.#diagnostics.report("AGW2014", this.#model.positions.of(policy.value), { name: policy.name });
    }
  }

  #step(list: readonly StepModel[], step: StepModel, at: number, scope: Scope): ProgramStep | null {
    const name = typeof step === "string" ? step : step.name;
    const { positions } = this.#model;
    const span = typeof step === "string" ? positions.of(list, at) : positions.of(step, "name");
    const policy = this.#policy(name, scope);
    if (policy === null) {
      const names = scope.policies.map((other) => other.name);
      const help = meant(name, names).help ?? `policies here: ${known(names)}`;
      this.#diagnostics.report("AGW2004", span, { name }, { help });
      return null;
    }
    return {
      policy,
      condition: typeof step === "string" ? null : this.condition(step, "condition"),
      body: this.#body(policy, scope),
      span,
    };
  }

  #policy(name: string, scope: Scope): ProgramPolicy | null {
    const found = scope.policies.find((policy) => policy.name === name);
    if (found === undefined) return null;
    const id = [...scope.path.slice(-1), name].join("/");
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
    if (scope.path.includes(name) || scope.path.length >= SHARED_FLOW_DEPTH_MAX) {
      const path = [...scope.path.slice(scope.path.indexOf(name)), name].join(" -> ");
      this.#once(policy.model, () => this.#diagnostics.report("AGW2013", span, { path }));
      return [];
    }
    return this.#shared(shared, [...scope.path, name]);
  }

  #shared(shared: Named<SharedFlowModel>, path: readonly string[]): ProgramStep[] {
    return this.list(shared.value.steps, { policies: shared.value.policies, path });
  }

  #once(owner: object, report: () => void): void {
    if (this.#reported.has(owner)) return;
    this.#reported.add(owner);
    report();
  }
}
