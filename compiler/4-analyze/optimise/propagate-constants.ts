/**
 * `propagate-constants`: a custom variable that holds the same literal on every way to a step, a condition or a route
 * is that literal there. Looks at one chain at a time: what other chains leave behind is unknown, but for variables
 * that nothing ever writes, which are null.
 */
import { constantText } from "#runtime/language/template.ts";
import type { Value } from "#runtime/language/operators.ts";
import { foldCondition, type KnownValues } from "../../expression/fold.ts";
import { foldTemplate } from "../../expression/template-fold.ts";
import { withKnown } from "../../expression/template-known.ts";
import { flowPlaceVariables, flowVariable, type FlowPlaceVariable } from "../../flow-variable.ts";
import type {
  EndpointPlan,
  PlanChoice,
  PlanFlowName,
  PlanItem,
  PlanStep,
  ProxyPlan,
  RulesPlan,
  Segment,
  When,
} from "../../ir/plan.ts";
import { stepsIn, stepsOf, writesOf } from "./walk.ts";

/** What variables hold. One that is missing may hold anything, unless nothing ever writes it. */
type State = ReadonlyMap<string, Value>;

interface Outcome<T> {
  readonly value: T;
  /** What is known behind it. */
  readonly state: State;
}

/** What is known once a variable was written; undefined: with any text. A canary takes another view. */
export type Assign = (state: State, name: string, text: string | undefined) => State;

export interface PropagationOptions {
  /** What is the same for every request of the proxy. */
  readonly facts: ReadonlyMap<string, Value>;
  /** False where only facts are put in place, not what custom variables hold. */
  readonly follows?: boolean;
  /** True where conditions are to be decided as well. */
  readonly folds: boolean;
  readonly assign?: Assign;
}

/** The plan with what is known put in place. */
export function propagateConstants(plan: ProxyPlan, options: PropagationOptions): ProxyPlan {
  return new Propagation(plan, options).plan();
}

class Propagation {
  readonly #plan: ProxyPlan;
  readonly #folds: boolean;
  readonly #follows: boolean;
  readonly #facts: ReadonlyMap<string, Value>;
  readonly #assign: Assign;
  readonly #written: ReadonlySet<string>;
  readonly #policies: ReadonlySet<string>;

  constructor(plan: ProxyPlan, { facts, folds, follows = true, assign = assigned }: PropagationOptions) {
    this.#plan = plan;
    this.#folds = folds;
    this.#follows = follows;
    this.#facts = facts;
    this.#assign = assign;
    const byPolicies = stepsOf(plan).flatMap((step) => writesOf(step).map(({ name }) => name));
    this.#written = new Set([...byPolicies, ...flowPlaceVariables.filter(isOfExchange)]);
    this.#policies = new Set(plan.policies.map(({ name }) => name));
  }

  plan(): ProxyPlan {
    return {
      ...this.#plan,
      endpoints: this.#plan.endpoints.map((endpoint) => this.#endpoint(endpoint)),
      targets: this.#plan.targets.map((target) => ({
        ...target,
        request: this.#items(target.request, NOTHING).value,
        response: this.#items(target.response, NOTHING).value,
        faults: this.#rules(target.faults),
        events: this.#items(target.events, NOTHING).value,
      })),
    };
  }

  #endpoint(endpoint: EndpointPlan): EndpointPlan {
    // An exchange begins without variables.
    const beginning = new Map([...this.#written].map((name) => [name, null]));
    const request = this.#items(endpoint.request, beginning);
    const routes = endpoint.routes.map((route) => ({ ...route, when: this.#when(route.when, request.state) }));
    return {
      ...endpoint,
      request: request.value,
      routes: routes.filter(({ when }) => when.kind !== "never"),
      response: this.#items(endpoint.response, NOTHING).value,
      faults: this.#rules(endpoint.faults),
      events: this.#items(endpoint.events, NOTHING).value,
      postClient: this.#items(endpoint.postClient, NOTHING).value,
      sessionEnd: this.#items(endpoint.sessionEnd, NOTHING).value,
    };
  }

  #rules({ waits, rules, otherwise }: RulesPlan): RulesPlan {
    const decided = <T extends { readonly when: When; readonly items: Segment }>(rule: T): T =>
      ({ ...rule, when: this.#when(rule.when, NOTHING), items: this.#items(rule.items, NOTHING).value });
    return { waits, rules: rules.map(decided), otherwise: otherwise === null ? null : decided(otherwise) };
  }

  #items(items: Segment, before: State): Outcome<Segment> {
    let state = before;
    const value = items.map((item): PlanItem => {
      if (item.kind === "body" || item.kind === "shared") return item;
      if (item.kind === "flow-name") {
        state = begun(state, item);
        return item;
      }
      const outcome = item.kind === "choice" ? this.#choice(item, state) : this.#step(item, state);
      state = outcome.state;
      return outcome.value;
    });
    return { value, state };
  }

  #choice(choice: PlanChoice, before: State): Outcome<PlanChoice> {
    const ends: State[] = [];
    const branches = choice.branches.map((branch) => {
      const when = this.#when(branch.when, before);
      const { value, state } = this.#items(branch.items, before);
      if (when.kind !== "never") ends.push(state);
      return { ...branch, when, items: value };
    });
    const isWhole = branches.some(({ when }) => when.kind === "always");
    return { value: { ...choice, branches }, state: common(isWhole ? ends : [...ends, before]) };
  }

  #step(item: PlanStep, before: State): Outcome<PlanStep> {
    if (item.skipped !== null) return { value: item, state: before };
    const when = this.#when(item.when, before);
    const own = this.#effects(item, before);
    const inside = this.#items(item.body ?? [], own.state);
    const value = { ...item, when, known: own.value, body: item.body === null ? null : inside.value };
    if (when.kind === "never") return { value, state: before };
    // One that carries on from faults may have stopped before any of its writes.
    const after = item.step.policy.continueOnError ? without(allWrites(item), before) : inside.state;
    return { value, state: when.kind === "test" ? common([before, after]) : after };
  }

  /** What holds the same wherever the step's policy reads it. */
  #effects(step: PlanStep, before: State): Outcome<PlanStep["known"]> {
    // Of the order in which a policy writes what is no template nothing is assumed.
    const isOpen = new Set(writesOf(step).flatMap(({ name, text }) => (text === null ? [name] : [])));
    const seen = new Map<string, Value | undefined>();
    let state = before;
    for (const { name, ...effect } of step.effects) {
      const known: KnownValues = (other) => this.#value(other, state);
      if (effect.kind === "write") {
        const text = effect.text === null ? undefined : constantText(foldTemplate(withKnown(effect.text, known)));
        state = this.#assign(state, name, text);
      } else if (!seen.has(name)) seen.set(name, isOpen.has(name) ? undefined : known(name));
      else if (seen.get(name) !== known(name)) seen.set(name, undefined);
    }
    const values = [...seen].flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
    return { value: new Map(values), state };
  }

  #when(when: When, state: State): When {
    if (when.kind !== "test" || !this.#folds) return when;
    const folded = foldCondition(when.ast, (name) => this.#value(name, state));
    if (!("constant" in folded)) return { ...when, ast: folded.ast };
    if (folded.constant) return { kind: "always" };
    return { kind: "never", why: `its condition is always false: ${when.condition.text}` };
  }

  #value(name: string, state: State): Value | undefined {
    const fact = this.#facts.get(name);
    if (fact !== undefined || !this.#follows) return fact;
    const value = state.get(name);
    if (value !== undefined || this.#written.has(name)) return value;
    return flowVariable(name, (policy) => this.#policies.has(policy), this.#plan.messages).kind === "custom" ? null : undefined;
  }
}

const NOTHING: State = new Map();

/** A write that is not known takes away what was known before. */
function assigned(state: State, name: string, text: string | undefined): State {
  return text === undefined ? without([name], state) : new Map([...state, [name, text]]);
}

/** A flow begins. */
function begun(state: State, { sets }: PlanFlowName): State {
  const known = sets.filter(({ variable }) => isOfExchange(variable));
  return new Map([...state, ...known.map(({ variable, value }) => [variable, value] as const)]);
}

/** `current.flow.name` has a field of its own and is never null. */
function isOfExchange(name: FlowPlaceVariable): boolean {
  return name !== "current.flow.name";
}

function without(names: readonly string[], state: State): State {
  return new Map([...state].filter(([name]) => !names.includes(name)));
}

/** Names of what a step may write, and the steps of the flow that it calls. */
function allWrites(step: PlanStep): readonly string[] {
  return [step, ...stepsIn(step.body ?? [])].flatMap((one) => writesOf(one).map(({ name }) => name));
}

/** What holds at the end of every way. */
function common([first, ...others]: readonly State[]): State {
  if (first === undefined) return NOTHING;
  return new Map([...first].filter(([name, value]) => others.every((other) => other.get(name) === value)));
}
