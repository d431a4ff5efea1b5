/** One proxy's chains: items in order, conditions folded, reads and writes known, obligations collected. */
import { conditionVariables } from "#runtime/language/condition.ts";
import { Diagnostics } from "../diagnostics/diagnostic.ts";
import type {
  BodyLook,
  EndpointPlan,
  PlanEffect,
  PlanItem,
  PlanStep,
  PositionPlan,
  ProxyPlan,
  RulesPlan,
  SamplingPlan,
  Segment,
  SessionPlan,
  TargetPlan,
  When,
} from "../ir/plan.ts";
import type {
  Program,
  ProgramCondition,
  ProgramEndpoint,
  ProgramFlow,
  ProgramFlows,
  ProgramProxy,
  ProgramStep,
  ProgramTarget,
} from "../ir/program.ts";
import { isKnownAtEntry } from "../flow-variable.ts";
import type { HookPoint } from "../ir/environment-model.ts";
import type { Optimisation, Optimisations } from "../optimisations.ts";
import type { Obligation, Timing } from "../policies/definition.ts";
import { parametersOf } from "../policies/flow-callout.ts";
import { BodyPlacement } from "./bodies.ts";
import { ConditionAnalysis, type Known } from "./condition.ts";
import { ofSomeEnvironments, planHook } from "./hook.ts";
import { optimise } from "./optimise/optimise.ts";
import type { Settings } from "./settings.ts";
import { StepAnalysis, type StepPlace } from "./step.ts";
import { DeadUsage, Usage } from "./usage.ts";
import { addressSteps } from "../program-walk.ts";
import { secretVariables } from "../secret-variable.ts";

/** Plans one proxy. */
export function analyzeProxy(
  program: Program,
  proxy: ProgramProxy,
  settings: Settings,
  diagnostics: Diagnostics,
  optimisations: Optimisations,
): ProxyPlan {
  const planner = new ProxyPlanner(program, proxy, settings, diagnostics, optimisations);
  const targets = proxy.targets.map((target) => planner.target(target));
  const endpoints = proxy.endpoints.map((endpoint) => planner.endpoint(endpoint, targets));
  const sampling = planner.sampling();
  planner.usage.reportNeverWritten(proxy, endpoints.filter(takesCredential).map(({ endpoint }) => endpoint), diagnostics);
  planner.usage.reportNoProperty(proxy, diagnostics);
  const plan: ProxyPlan = {
    proxy,
    endpoints,
    targets,
    variables: planner.usage.customVariables,
    dropped: [],
    messages: planner.usage.messages,
    reads: planner.usage.reads,
    used: null,
    ownedHeaders: [...planner.usage.ownedHeaders].sort(),
    sampling,
    positions: planner.positions,
    policies: proxy.policies,
  };
  return optimise(plan, program.organization, optimisations);
}

/** Where items are being planned. */
interface Place extends StepPlace {
  readonly flow: string;
  readonly known: Known;
  /** True for what never runs and is kept all the same. */
  readonly isDead: boolean;
}

/** Who judges what is planned: for what never runs without a word and without consequences. */
interface Judges {
  readonly conditions: ConditionAnalysis;
  readonly steps: StepAnalysis;
  readonly diagnostics: Diagnostics;
}

/** A condition as far as it is certain, which decides what is legal, and as the plan has it. */
interface Judged {
  readonly certain: When;
  readonly when: When;
}

/** Under no condition, in no call. */
const UNCONDITIONAL = {
  conditional: false,
  carriedOn: false,
  names: new Map<string, string>(),
  conditionReads: [],
  isDead: false,
} as const;

const NOTHING: PlanStep["known"] = new Map();

class ProxyPlanner {
  readonly positions: PositionPlan[] = [];
  readonly usage: Usage;
  readonly #proxy: ProgramProxy;
  readonly #live: Judges;
  readonly #dead: Judges;
  /** A look at a step that never runs; what it finds decides nothing but whether the step could be written. */
  readonly #lookAtDead: (step: ProgramStep, place: Place, problems: Diagnostics) => readonly PlanEffect[];
  readonly #optimisations: Optimisations;
  readonly #program: Program;
  readonly #environments: readonly string[];
  readonly #upgradable: boolean;
  readonly #bodies: BodyPlacement;
  readonly #targetObligations = new Map<ProgramTarget, readonly Obligation[]>();

  constructor(
    program: Program,
    proxy: ProgramProxy,
    settings: Settings,
    diagnostics: Diagnostics,
    optimisations: Optimisations,
  ) {
    this.#program = program;
    this.#proxy = proxy;
    this.#optimisations = optimisations;
    this.usage = new Usage(proxy);
    const isSecret = secretVariables(proxy.policies);
    const judges = (usage: Usage, to: Diagnostics): Judges => ({
      conditions: new ConditionAnalysis(usage, to),
      steps: new StepAnalysis(program, isSecret, usage, settings, to),
      diagnostics: to,
    });
    this.#live = judges(this.usage, diagnostics);
    const unused = new DeadUsage(proxy, this.usage);
    this.#dead = judges(unused, new Diagnostics());
    this.#lookAtDead = (step, place, problems) =>
      judges(unused, problems).steps.analyze(step, { ...place, obligations: [] });
    const deployments = program.deployments.filter((deployment) => deployment.proxy === proxy.name);
    this.#environments = deployments.map(({ environment }) => environment);
    this.#bodies = new BodyPlacement((name) => this.usage.variable(name));
    this.#upgradable = proxy.endpoints.some((endpoint) => endpoint.webSocket.mode !== "deny");
  }

  endpoint(endpoint: ProgramEndpoint, targets: readonly TargetPlan[]): EndpointPlan {
    const obligations: Obligation[] = [];
    const base = {
      owner: "proxy" as const,
      known: this.#known({ "proxy.name": endpoint.name, "proxy.basepath": endpoint.basePath }),
      upgradable: endpoint.webSocket.mode !== "deny",
      ...UNCONDITIONAL,
      obligations,
    };
    const request = [...this.#hook("preProxy", "request", base), ...this.#segment(endpoint, "request", base)];
    const routes = endpoint.routeRules.flatMap((rule) => {
      const { certain, when } = this.#judge(rule.condition, base);
      if (when.kind === "never") return [];
      if (certain.kind !== "never" && rule.target === null && endpoint.webSocket.mode === "only") {
        this.#live.diagnostics.report("AGW3012", rule.span ?? endpoint.span, { name: rule.name });
      }
      return [{ name: rule.name, when, target: rule.target, isDead: certain.kind === "never" }];
    });
    const responses = [...this.#segment(endpoint, "response", base), ...this.#hook("postProxy", "response", base)];
    const events = this.#events(endpoint, base);
    const postClient = this.#postClient(endpoint, base);
    const sessionEnd = this.#sessionEnd(endpoint, base);
    // When the answer has left, no body can be read any more.
    const kept = this.#bodies.all(this.#bodies.place(postClient, "response"));
    const response = this.#bodies.place(responses, "response", kept.filter(({ body }) => body === "response"));
    const faults = this.#faults(endpoint, base);
    const reachable = targets.filter((plan) => routes.some((route) => !route.isDead && route.target === plan.target));
    const all = [...obligations, ...reachable.flatMap((plan) => this.#targetObligations.get(plan.target) ?? [])];
    const behind = this.#bodies.late([{ response, faults }, ...reachable].flatMap(behindTarget));
    const inEvents = [{ events }, ...reachable].flatMap((flows) => this.#bodies.place(flows.events, "response"));
    const late = [...behind, ...this.#bodies.late(inEvents), ...kept.filter(({ body }) => body !== "response")];
    const routing = routes.flatMap(({ name, when }) => this.#bodies.ofWhen(when, "request", `route rule ${name}`));
    const placed = this.#bodies.place(request, "request", [...routing, ...late]);
    const requests = [{ request: placed, response, faults }, ...reachable];
    return {
      endpoint,
      request: placed,
      routes: routes.map(({ name, when, target }) => ({ name, when, target })),
      response,
      faults,
      events,
      postClient,
      sessionEnd,
      session: sessionPlan(endpoint, all, this.usage),
      bodies: this.#bodies.all(requests.flatMap((flows) => [...flows.request, ...behindTarget(flows)])),
    };
  }

  /** Which exchanges are sent to a collector, which is decided before any flow. */
  sampling(): SamplingPlan | null {
    const { sampling } = this.#proxy;
    if (sampling === null) return null;
    const { share, condition } = sampling;
    if (condition === null) return { share, when: { kind: "never", why: "no condition is written" } };
    for (const name of conditionVariables(condition.ast)) {
      if (!isKnownAtEntry(this.usage.variable(name))) {
        this.#live.diagnostics.report("AGW3045", condition.span, { name });
      }
    }
    const place = { known: this.#known({}), names: UNCONDITIONAL.names, isDead: false };
    return { share, when: this.#judge(condition, place).when };
  }

  #events({ eventFlow: steps }: ProgramFlows, base: Omit<Place, "phase" | "flow">): Segment {
    if (steps.length === 0) return [];
    const flow = "EventFlow";
    return [...this.#flowName(flow, null, base.owner), ...this.#items(steps, { ...base, phase: "event", flow })];
  }

  #postClient({ postClientFlow: steps }: ProgramEndpoint, base: Omit<Place, "phase" | "flow">): Segment {
    if (steps.length === 0) return [];
    const flow = "PostClientFlow";
    return [...this.#flowName(flow, null, "proxy"), ...this.#items(steps, { ...base, phase: "postClient", flow })];
  }

  /** A handshake has no bodies, so that none is read for these steps. */
  #sessionEnd({ sessionEnd: steps }: ProgramEndpoint, base: Omit<Place, "phase" | "flow">): Segment {
    if (steps.length === 0) return [];
    const flow = "SessionFlow";
    return [...this.#flowName(flow, null, "proxy"), ...this.#items(steps, { ...base, phase: "session", flow })];
  }

  target(target: ProgramTarget): TargetPlan {
    const obligations: Obligation[] = [];
    const owner = "target" as const;
    const base = { owner, known: this.#known({}), upgradable: this.#upgradable, ...UNCONDITIONAL, obligations };
    const address = addressSteps(target);
    const requests = [
      ...this.#segment(target, "request", base),
      ...this.#hook("preTarget", "request", base),
      ...this.#items(address, { ...base, phase: "request", flow: address[0]?.policy.name ?? "" }),
    ];
    const responses = [...this.#hook("postTarget", "response", base), ...this.#segment(target, "response", base)];
    const request = this.#bodies.place(requests, "request");
    const response = this.#bodies.place(responses, "response");
    this.#targetObligations.set(target, obligations);
    const faults = this.#faults(target, base);
    return { target, request, response, faults, events: this.#events(target, base) };
  }

  #known(more: Readonly<Record<string, string>>): Known {
    return new Map(
      Object.entries({ ...more, "organization.name": this.#program.organization, "apiproxy.name": this.#proxy.name }),
    );
  }

  #segment(flows: ProgramFlows, side: "request" | "response", base: Omit<Place, "phase" | "flow">): Segment {
    const place = { ...base, phase: side };
    return [
      ...this.#flow(flows.preFlow, side, place),
      ...this.#choice(flows.flows, side, place),
      ...this.#flow(flows.postFlow, side, place),
    ];
  }

  /** The shared flows of a hook point: one for all environments, or a choice among those that have one. */
  #hook(point: HookPoint, side: "request" | "response", base: Omit<Place, "phase" | "flow">): readonly PlanItem[] {
    const { obligations } = base;
    return planHook(this.#proxy.hooks[point], this.#environments, ({ step }, isEverywhere) => {
      const own: Obligation[] = [];
      const place = { ...base, phase: side, flow: step.policy.name, obligations: own };
      const items = [...this.#flowName(step.policy.name, null, null), ...this.#items([step], place)];
      obligations.push(...own.map((obligation) => (isEverywhere ? obligation : ofSomeEnvironments(obligation))));
      return items;
    });
  }

  #flow(flow: ProgramFlow, side: "request" | "response", place: Omit<Place, "flow">): PlanItem[] {
    const announced = this.#flowName(flow.name, flow.description, place.owner);
    return [...announced, ...this.#items(flow[side], { ...place, flow: flow.name })];
  }

  /** Conditional flows: the first that matches, also when it has nothing to do in this direction. */
  #choice(flows: readonly ProgramFlow[], side: "request" | "response", place: Omit<Place, "flow">): PlanItem[] {
    const branches = flows.flatMap((flow) => {
      const { certain, when } = this.#judge(flow.condition, place);
      if (when.kind === "never" && this.#does("drop-steps")) return [];
      const items = this.#items(flow[side], { ...under(place, certain), flow: flow.name });
      const announced = this.#flowName(flow.name, flow.description, place.owner);
      return [{ name: flow.name, when, items: [...announced, ...items] }];
    });
    if (branches.every((branch) => branch.items.length === 0)) return [];
    return [{ kind: "choice", branches }];
  }

  /** What variables say once a flow has begun; a hook's shared flow is of neither side. */
  #flowName(name: string, description: string | null, owner: Place["owner"] | null): PlanItem[] {
    const sets = this.usage.flowPlaces.flatMap((variable) => {
      const [of, , what] = variable.split(".");
      return of === "current" || of === owner ? [{ variable, value: what === "name" ? name : description }] : [];
    });
    return sets.length === 0 ? [] : [{ kind: "flow-name", name, sets }];
  }

  #faults(flows: ProgramFlows, base: Omit<Place, "phase" | "flow">): RulesPlan {
    const place = { ...base, phase: "fault" as const, conditional: true };
    const rules = flows.faultRules.flatMap((rule) => {
      const { certain, when } = this.#judge(rule.condition, base);
      if (when.kind === "never" && this.#does("drop-steps")) return [];
      return [{ name: rule.name, when, items: this.#items(rule.steps, { ...under(place, certain), flow: rule.name }) }];
    });
    const last = flows.defaultFaultRule;
    if (last === null) return this.#bodies.rules({ rules, otherwise: null });
    const { certain, when } = this.#judge(last.condition, base);
    if (when.kind === "never" && this.#does("drop-steps")) return this.#bodies.rules({ rules, otherwise: null });
    const items = this.#items(last.steps, { ...under(place, certain), flow: last.name });
    return this.#bodies.rules({ rules, otherwise: { when, items, always: last.alwaysEnforce } });
  }

  #items(steps: readonly ProgramStep[], place: Place): PlanItem[] {
    let ended: string | null = null;
    let isCut = false;
    return steps.map((step): PlanItem => {
      // Behind a certain fault nothing is read, conditions included.
      const { certain, when } = this.#judge(step.condition, { ...place, isDead: place.isDead || ended !== null });
      const { policy } = step;
      const index = this.positions.length;
      const position = { policy: policy.name, kind: policy.model.kind, file: policy.file, line: policy.line };
      this.positions.push({ ...position, flow: place.flow, condition: step.condition?.text ?? null });
      const reason = skipReason(step, certain, ended) ?? (place.isDead ? "nothing leads here" : null);
      const { diagnostics } = this.#judges(place);
      if (ended !== null) diagnostics.report("AGW3008", step.span, { name: policy.name, fault: ended });
      const inner = { ...under(place, certain), isDead: place.isDead || reason !== null };
      const isPlain = isCut || when.kind === "never";
      const effects = reason === null ? this.#live.steps.analyze(step, inner) : this.#kept(step, isPlain, inner);
      const skipped = effects === null ? reason : null;
      const read = (effects ?? []).flatMap((effect) => (effect.kind === "read" ? [effect.name] : []));
      const looks = this.#bodies.looks(read, place.phase === "request" ? "request" : "response", policy.name);
      if (place.phase === "event" && reason === null) this.#reportUnread(step, certain, looks);
      const body = step.body === null || skipped !== null ? null : this.#items(step.body, called(step, inner));
      const raises = policy.model.kind === "RaiseFault" && !policy.continueOnError;
      if (reason === null && certain.kind === "always" && raises) ended = policy.name;
      isCut ||= ended !== null && when.kind === "always";
      const timing = this.#timing(step);
      const { names } = place;
      const isTargetRequest = place.owner === "target" && place.phase === "request";
      const plan = { index, step, when, skipped, timing, isTargetRequest, effects: effects ?? [], known: NOTHING };
      return { kind: "step", ...plan, names, looks, waits: [], body };
    });
  }

  /** Events stream by: the body of their answer is in nobody's memory. */
  #reportUnread({ policy, span }: ProgramStep, when: When, looks: readonly BodyLook[]): void {
    const ofCondition = this.#bodies.ofWhen(when, "response", `the condition of ${policy.name}`);
    for (const { body, why } of [...ofCondition, ...looks]) {
      if (body === "response") this.#live.diagnostics.report("AGW3023", span, { why });
    }
  }

  /** What a step does that never runs and stays; null for others. `isPlain`: the plan shows that it never runs. */
  #kept(step: ProgramStep, isPlain: boolean, place: Place): readonly PlanEffect[] | null {
    if (!step.policy.enabled) return null;
    if (this.#does("drop-steps") && (isPlain || this.#does("fold-conditions"))) return null;
    const problems = new Diagnostics();
    const effects = this.#lookAtDead(step, place, problems);
    return problems.hasErrors ? null : effects;
  }

  #timing(step: ProgramStep): Timing {
    const own = step.policy.definition.timing(step.policy.model);
    return own === "sync" && !this.#does("straight-chains") ? "maybe" : own;
  }

  #judge(condition: ProgramCondition | null, place: Pick<Place, "known" | "names" | "isDead">): Judged {
    const { conditions } = this.#judges(place);
    const certain = conditions.fold(condition, place.known, place.names);
    if (this.#does("fold-conditions")) return { certain, when: certain };
    return { certain, when: conditions.unfolded(condition, place.names, readsOf(certain)) };
  }

  #judges(place: Pick<Place, "isDead">): Judges {
    return place.isDead ? this.#dead : this.#live;
  }

  #does(optimisation: Optimisation): boolean {
    return this.#optimisations.has(optimisation);
  }
}

/** The place of what stands under a condition. */
function under<P extends Omit<Place, "flow">>(place: P, certain: When): P {
  const conditional = place.conditional || certain.kind === "test";
  const isDead = place.isDead || certain.kind === "never";
  return { ...place, conditional, isDead, conditionReads: [...place.conditionReads, ...readsOf(certain)] };
}

/** Where the steps of a called shared flow are planned. */
function called({ policy: { id, model, continueOnError } }: ProgramStep, place: Place): Place {
  const parameters = parametersOf(id, model);
  const names = parameters.length === 0 ? place.names : new Map([...place.names, ...parameters]);
  return { ...place, names, carriedOn: place.carriedOn || continueOnError };
}

/** Response flows and fault rules. */
function behindTarget({ response, faults }: Pick<EndpointPlan, "response" | "faults">): readonly PlanItem[] {
  const rules = [...faults.rules, ...(faults.otherwise === null ? [] : [faults.otherwise])];
  return [...response, ...faults.waits, ...rules.flatMap(({ items }) => items)];
}

function readsOf(when: When): readonly string[] {
  return when.kind === "test" ? conditionVariables(when.ast) : [];
}

function skipReason(step: ProgramStep, when: When, ended: string | null): string | null {
  if (!step.policy.enabled) return "the policy is not enabled";
  if (when.kind === "never") return when.why;
  if (ended !== null) return `behind ${ended}, which always raises its fault`;
  return null;
}

/** True where a policy takes the client's credential from where the endpoint has put it. */
function takesCredential({ session }: Pick<EndpointPlan, "session">): boolean {
  return session.obligations.some((one) => one.kind === "credential" && one.variable === "websocket.credential");
}

/** What connections are held to, from what the chains leave behind. */
function sessionPlan(
  endpoint: ProgramEndpoint,
  obligations: readonly Obligation[],
  usage: Usage,
): SessionPlan {
  const messages = obligations.find((obligation) => obligation.kind === "messages");
  const credentials = obligations.filter((obligation) => obligation.kind === "credential");
  const own = endpoint.webSocket.credential.some(({ from }) => from === "cookie") ? "websocket.credential" : null;
  const ambientCredential = !credentials.some(({ ambient, variable }) => !ambient && !usage.isAmbient(variable, own));
  if (endpoint.webSocket.mode === "deny") {
    return { level: "denied", why: "webSocket: deny", obligations, ambientCredential };
  }
  if (messages !== undefined) return { level: "messages", why: messages.why, obligations, ambientCredential };
  return { level: "tracked", why: "no policy looks into messages", obligations, ambientCredential };
}
