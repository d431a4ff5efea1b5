/**
 * What the admin API tells of routes (runtime/side/admin-routes.ts): hosts, base paths, and the policies of each flow
 * with their places and conditions. It repeats what the bundle says; values of settings are not in it.
 */
import type { EndpointPlan, Plan, PlanItem, RulesPlan, Segment, TargetPlan } from "../ir/plan.ts";
import type {
  ProgramFaultRule,
  ProgramFlow,
  ProgramFlows,
  ProgramHook,
  ProgramProxy,
  ProgramStep,
  ProgramTarget,
} from "../ir/program.ts";
import type { Span } from "../source/positions.ts";
import type { TextSetting } from "../ir/model.ts";
import { code, literal, type Embeddable } from "./code.ts";
import { FileWriter } from "./file.ts";

type Report = { readonly [key: string]: Embeddable };

/** `route-reports.ts`: a function, so that nothing of it is in memory until somebody asks. */
export function emitRouteReports(plan: Plan): FileWriter {
  const file = new FileWriter("route-reports.ts", "What the admin API tells of routes. Read when somebody asks.");
  const found = plan.proxies.flatMap((proxy) => proxy.endpoints.map((endpoint) => ({ proxy, endpoint })));
  const placeOf = (proxy: string, endpoint: string): number =>
    found.findIndex((one) => one.proxy.proxy.name === proxy && one.endpoint.endpoint.name === endpoint);
  const routes = plan.hosts.flatMap(({ hostnames, routes: ofHost }) =>
    ofHost.map(({ basePath, endpoint, environment, proxy }) => {
      return { environment, hostnames, basePath, endpoint: placeOf(proxy, endpoint) };
    }));
  const endpoints = found.map(({ proxy, endpoint }) => endpointReport(proxy.proxy, endpoint, proxy.targets));
  file.functions.push({
    name: "routeReports",
    doc: "Every route and the chain of its endpoint.",
    isExported: true,
    parameters: [],
    returns: file.type("side/admin-routes.ts", "RouteReports"),
    statements: [code`return ${literal({ endpoints, routes })};`],
  });
  return file;
}

function endpointReport(proxy: ProgramProxy, plan: EndpointPlan, targets: readonly TargetPlan[]): Report {
  const { endpoint, session } = plan;
  const reached = targets.filter(({ target }) => plan.routes.some((route) => route.target === target));
  const { events, faults, postClient, request, response } = plan;
  const never = foldedSteps([request, response, events, postClient, ...segmentsOf(faults)], reached);
  const stages = [
    stage("request", null, [...hooks(proxy.hooks.preProxy), ...flows(endpoint, "request")], never),
    ...reached.map(({ target }) =>
      stage("targetRequest", target, [...hooks(proxy.hooks.preTarget), ...flows(target, "request")], never)),
    ...reached.map(({ target }) =>
      stage("targetResponse", target, [...flows(target, "response"), ...hooks(proxy.hooks.postTarget)], never)),
    stage("response", null, [...flows(endpoint, "response"), ...hooks(proxy.hooks.postProxy)], never),
    stage("events", null, [{ name: "EventFlow", condition: null, steps: endpoint.eventFlow }], never),
    stage("postClient", null, [{ name: "PostClientFlow", condition: null, steps: endpoint.postClientFlow }], never),
    stage("fault", null, faultFlows(endpoint), never),
    ...reached.map(({ target }) => stage("targetFault", target, faultFlows(target), never)),
  ];
  return {
    proxy: proxy.name,
    endpoint: endpoint.name,
    at: placeOf(endpoint.span),
    webSocket: { mode: endpoint.webSocket.mode, level: session.level, why: session.why === "" ? null : session.why },
    bodies: plan.bodies.map(({ body, why }) => ({ body, why })),
    stages: stages.flatMap((report) => report ?? []),
    rules: endpoint.routeRules.map(({ condition, name, target }) => {
      return { name, condition: condition?.text ?? null, target: target?.name ?? null };
    }),
    targets: reached.map(({ target }) => ({ name: target.name, to: destinationOf(target) })),
  };
}

/** A flow as it is reported. */
interface Run {
  readonly name: string;
  readonly condition: string | null;
  readonly steps: readonly ProgramStep[];
}

/** Null where nothing runs. */
function stage(name: string, target: ProgramTarget | null, runs: readonly Run[], never: Folded): Report | null {
  const busy = runs.filter(({ steps }) => steps.length > 0);
  if (busy.length === 0) return null;
  const reported = busy.map(({ condition, name: flow, steps }) => {
    return { name: flow, condition, steps: steps.map((step) => stepReport(step, never)) };
  });
  return { stage: name, ...(target === null ? {} : { target: target.name }), flows: reported };
}

function flows({ flows: conditional, postFlow, preFlow }: ProgramFlows, side: "request" | "response"): readonly Run[] {
  return [preFlow, ...conditional, postFlow].map((flow: ProgramFlow) => {
    return { name: flow.name, condition: flow.condition?.text ?? null, steps: flow[side] };
  });
}

function faultFlows({ defaultFaultRule, faultRules }: ProgramFlows): readonly Run[] {
  const rules: readonly ProgramFaultRule[] = defaultFaultRule === null ? faultRules : [...faultRules, defaultFaultRule];
  return rules.map(({ condition, name, steps }) => ({ name, condition: condition?.text ?? null, steps }));
}

function hooks(ofPoint: readonly ProgramHook[]): readonly Run[] {
  return ofPoint.map(({ environments, step }) => {
    return { name: step.policy.name, condition: `in ${environments.join(", ")}`, steps: [step] };
  });
}

/** Steps that the compiler left out, with the reason. */
type Folded = ReadonlyMap<ProgramStep, string>;

function foldedSteps(segments: readonly Segment[], targets: readonly TargetPlan[]): Folded {
  const folded = new Map<ProgramStep, string>();
  const visit = (items: readonly PlanItem[]): void => {
    for (const item of items) {
      if (item.kind === "choice") for (const branch of item.branches) visit(branch.items);
      if (item.kind !== "step") continue;
      if (item.skipped !== null) folded.set(item.step, item.skipped);
      visit(item.body ?? []);
    }
  };
  segments.forEach(visit);
  for (const { events, faults, request, response } of targets) {
    [request, response, events, ...segmentsOf(faults)].forEach(visit);
  }
  return folded;
}

function segmentsOf({ otherwise, rules }: RulesPlan): readonly Segment[] {
  return [...rules.map(({ items }) => items), ...(otherwise === null ? [] : [otherwise.items])];
}

function stepReport(step: ProgramStep, never: Folded): Report {
  const { body, condition, policy, span } = step;
  const why = never.get(step);
  return {
    policy: policy.name,
    type: policy.model.kind,
    file: policy.file,
    line: policy.line,
    at: placeOf(span),
    condition: condition?.text ?? null,
    ...(why === undefined ? {} : { never: why }),
    ...(body === null ? {} : { steps: body.map((called) => stepReport(called, never)) }),
  };
}

/** Where a target endpoint leads, as the bundle says it. */
function destinationOf({ loadBalancer, local, template, url }: ProgramTarget): string {
  if (template !== null) return template.text;
  if (local !== null && "path" in local) return `whoever serves ${local.path}`;
  if (local !== null) return `proxy ${local.proxy}/${local.endpoint}`;
  if (loadBalancer !== null) return loadBalancer.servers.map(({ name }) => name).join(", ");
  return url === null ? "" : settingText(url);
}

/** A variable's name, never its value or default. */
function settingText(setting: TextSetting): string {
  return typeof setting === "string" ? setting : `$${setting.env}`;
}

function placeOf({ file, start }: Span): string {
  return `${file.path}:${file.place(start).line}`;
}
