/** Every stage of a bundle as text, for `build --print` and golden cases. */
import { printCondition } from "#runtime/language/condition-print.ts";
import type { BundleModel } from "./ir/model.ts";
import { optimisationNames } from "./optimisations.ts";
import type { EndpointPlan, Plan, PlanBody, PlanItem, PlanStep, RulesPlan, Segment, When } from "./ir/plan.ts";
import type { Program, ProgramFlows, ProgramStep, ProgramTarget } from "./ir/program.ts";

/** The model as JSON, without positions. Secrets are references in it, never values. */
export function printModel(model: BundleModel): string {
  const { positions: _positions, ...rest } = model;
  return `${JSON.stringify(rest, null, 2)}\n`;
}

/** The resolved program. */
export function printProgram(program: Program): string {
  const lines: string[] = [`organization ${program.organization}`];
  for (const group of program.groups) {
    const hosts = group.hostnames.map((hostname) => hostname.name).join(", ");
    lines.push(`environment group ${group.name}: ${hosts} -> ${group.environments.join(", ")}`);
  }
  for (const { proxy, environment } of program.deployments) lines.push(`deployed ${proxy} in ${environment}`);
  for (const proxy of program.proxies) {
    lines.push("", `proxy ${proxy.name} (${proxy.file})`);
    for (const endpoint of proxy.endpoints) {
      lines.push(`  proxy endpoint ${endpoint.name} on ${endpoint.basePath}`, ...flowLines(endpoint));
      lines.push(...stepLines("post client", endpoint.postClientFlow), ...stepLines("session end", endpoint.sessionEnd));
      for (const rule of endpoint.routeRules) {
        const condition = rule.condition === null ? "" : ` when ${printCondition(rule.condition.ast)}`;
        lines.push(`    route ${rule.name} -> ${rule.target === null ? "(none)" : rule.target.name}${condition}`);
      }
    }
    for (const target of proxy.targets) {
      const where = targetPlace(target);
      lines.push(`  target endpoint ${target.name}: ${where}`, ...flowLines(target));
    }
  }
  return `${lines.join("\n")}\n`;
}

/** The plan: what was decided, and why what is missing is missing. */
export function printPlan(plan: Plan): string {
  const lines: string[] = [];
  const off = optimisationNames.filter((name) => !plan.optimisations.has(name));
  if (off.length > 0) lines.push(`without ${off.join(", ")}`);
  for (const host of plan.hosts) {
    lines.push(`hosts ${host.hostnames.join(", ")} (${host.group})`);
    const routes = [...host.routes]
      .sort((a, b) => b.segments.length - a.segments.length || (a.basePath < b.basePath ? -1 : 1))
      .map(({ basePath, proxy, endpoint, environment }) => `  ${basePath} -> ${proxy}/${endpoint} in ${environment}`);
    lines.push(...routes);
  }
  for (const proxy of plan.proxies) {
    lines.push("", `proxy ${proxy.proxy.name}`);
    if (proxy.variables.length > 0) lines.push(`  variables: ${proxy.variables.join(", ")}`);
    if (proxy.dropped.length > 0) lines.push(`  variables that nobody reads: ${proxy.dropped.join(", ")}`);
    for (const { name, type } of proxy.messages) lines.push(`  message ${name}: a ${type}`);
    if (proxy.ownedHeaders.length > 0) lines.push(`  headers it owns: ${proxy.ownedHeaders.join(", ")}`);
    for (const endpoint of proxy.endpoints) lines.push(...endpointLines(endpoint));
    for (const target of proxy.targets) {
      lines.push(`  target endpoint ${target.target.name}`);
      lines.push(...segmentLines("request", target.request), ...segmentLines("response", target.response));
      lines.push(...ruleLines(target.faults), ...segmentLines("each event", target.events));
    }
  }
  if (plan.settings.length > 0) lines.push("", "read at start");
  for (const { id, request, kind } of plan.settings) lines.push(`  ${id}: ${kind} from ${setting(request.source)}`);
  return `${lines.join("\n")}\n`;
}

function endpointLines(plan: EndpointPlan): string[] {
  const { endpoint, session } = plan;
  const lines = [`  proxy endpoint ${endpoint.name} on ${endpoint.basePath}`];
  lines.push(`    WebSocket: ${session.level} (${session.why})`);
  for (const obligation of session.obligations) {
    if (obligation.kind !== "credential") continue;
    // A signature has no end that could be watched.
    const verb = obligation.what === "signature" ? "asks for" : "watches";
    lines.push(`    ${verb} the ${obligation.what} of ${obligation.policy}`);
  }
  lines.push(...segmentLines("request", plan.request));
  for (const route of plan.routes) {
    const target = route.target === null ? "(none)" : route.target.name;
    lines.push(`    route ${route.name} -> ${target}${whenText(route.when)}`);
  }
  lines.push(...segmentLines("response", plan.response), ...ruleLines(plan.faults));
  lines.push(...segmentLines("each event", plan.events));
  lines.push(...segmentLines("post client", plan.postClient), ...segmentLines("session end", plan.sessionEnd));
  return lines;
}

function segmentLines(name: string, segment: Segment): string[] {
  return segment.length === 0 ? [] : [`    ${name}`, ...itemLines(segment, "      ")];
}

function ruleLines(rules: RulesPlan): string[] {
  const lines = rules.waits.map((wait) => `    fault rules: ${bodyText(wait)}`);
  const all = rules.rules.flatMap(({ name, when, items }) =>
    [`    fault rule ${name}${whenText(when)}`, ...itemLines(items, "      ")]);
  lines.push(...all);
  if (rules.otherwise === null) return lines;
  const { always, when, items } = rules.otherwise;
  const title = `    default fault rule${always ? " (always)" : ""}${whenText(when)}`;
  return [...lines, title, ...itemLines(items, "      ")];
}

function itemLines(items: readonly PlanItem[], indent: string): string[] {
  return items.flatMap((item): string[] => {
    if (item.kind === "flow-name") return [`${indent}flow ${item.name}`];
    if (item.kind === "body") return [`${indent}${bodyText(item)}`];
    if (item.kind === "shared") return [`${indent}decided once: ${printCondition(item.ast)}`];
    if (item.kind === "choice") {
      return item.branches.flatMap((branch) => [
        `${indent}flow ${branch.name}${whenText(branch.when)}`,
        ...itemLines(branch.items, `${indent}  `),
      ]);
    }
    const { policy } = item.step;
    const line = `${indent}${policy.name} ${policy.model.kind} ${item.timing}${whenText(item.when)}${notes(item)}`;
    const waits = item.waits.map((wait) => `${indent}  ${bodyText(wait)}`);
    return [line, ...waits, ...itemLines(item.body ?? [], `${indent}  `)];
  });
}

function bodyText({ body, why }: PlanBody): string {
  return `reads ${body === "form" ? "the request's form" : `the ${body}'s body`} for ${why}`;
}

/** What was found out about a step. */
function notes({ step, when, skipped, known }: PlanStep): string {
  if (skipped !== null) return ` -- never runs: ${skipped}`;
  const always = step.condition !== null && when.kind === "always" ? [`always: ${step.condition.text}`] : [];
  const values = [...known].map(([name, value]) => `${name} is ${JSON.stringify(value)}`);
  const found = [...always, ...values];
  return found.length === 0 ? "" : ` -- ${found.join(", ")}`;
}

function whenText(when: When): string {
  return when.kind === "test" ? ` when ${printCondition(when.ast)}` : "";
}

function flowLines(flows: ProgramFlows): string[] {
  const all = [flows.preFlow, ...flows.flows, flows.postFlow];
  const lines = all.flatMap((flow) => {
    const steps = [...stepLines("request", flow.request), ...stepLines("response", flow.response)];
    if (steps.length === 0 && flow.condition === null) return [];
    const condition = flow.condition === null ? "" : ` when ${printCondition(flow.condition.ast)}`;
    return [`    flow ${flow.name}${condition}`, ...steps];
  });
  return [...lines, ...stepLines("each event", flows.eventFlow)];
}

function stepLines(side: string, steps: readonly ProgramStep[], indent = "      "): string[] {
  return steps.flatMap((step) => {
    const condition = step.condition === null ? "" : ` when ${printCondition(step.condition.ast)}`;
    const line = `${indent}${side}: ${step.policy.name} (${step.policy.model.kind})${condition}`;
    return step.body === null ? [line] : [line, ...stepLines(side, step.body, `${indent}  `)];
  });
}

/** Where a target is: its URL, the proxy that it calls, or how which servers take turns. */
function targetPlace({ url, local, loadBalancer, path }: ProgramTarget): string {
  if (url !== null) return setting(url);
  if (local !== null && "path" in local) return `whoever serves ${local.path}`;
  if (local !== null) return `proxy ${local.proxy}/${local.endpoint}`;
  const { algorithm, servers } = loadBalancer ?? { algorithm: "", servers: [] };
  const turns = servers.map(({ name, weight, isFallback }) => {
    if (isFallback) return `${name} (fallback)`;
    return algorithm === "Weighted" ? `${name} (${weight})` : name;
  });
  return `${algorithm} ${turns.join(", ")}${path}`;
}

function setting(source: unknown): string {
  if (typeof source !== "object" || source === null) return String(source);
  if ("env" in source) return `environment variable ${String(source.env)}`;
  return "file" in source ? `file ${typeof source.file === "string" ? source.file : setting(source.file)}` : "";
}
