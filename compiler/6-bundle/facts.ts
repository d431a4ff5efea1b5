/** What a manifest repeats of a plan: routes, and the variables that the gateway wants when it starts. Pure. */
import type { HostPlan, Plan, RoutePlan, SettingPlan } from "../ir/plan.ts";
import type { FromEnv } from "../ir/model.ts";
import type { ModuleText } from "./bundle.ts";
import type { ManifestFacts, ManifestRoute, ManifestVariable } from "./manifest.ts";

/**
 * Draws the facts from a plan, from the modules that were emitted for it and from the digest of the project's files.
 */
export function factsOf(plan: Plan, modules: readonly ModuleText[], inputHash: string): ManifestFacts {
  const routes = plan.hosts.flatMap((host) => host.routes.map((route) => routeOf(plan, host, route, modules)));
  const environments = new Set(plan.program.deployments.map(({ environment }) => environment));
  const programHash = modules.find((module) => module.programHash !== undefined)?.programHash ?? "";
  const variables = variablesOf(plan.settings);
  return { inputHash, programHash, environments: [...environments].sort(), routes, variables };
}

function routeOf(plan: Plan, host: HostPlan, route: RoutePlan, modules: readonly ModuleText[]): ManifestRoute {
  const endpoint = plan.proxies
    .find(({ proxy }) => proxy.name === route.proxy)
    ?.endpoints.find((candidate) => candidate.endpoint.name === route.endpoint);
  if (endpoint === undefined) throw new Error(`assertion: route to unknown endpoint ${route.proxy}/${route.endpoint}`);
  const { level, why } = endpoint.session;
  return {
    environment: route.environment,
    hostnames: host.hostnames,
    basePath: route.basePath,
    proxy: route.proxy,
    endpoint: route.endpoint,
    webSocket: { level, why: why === "" ? null : why },
    bodies: endpoint.bodies,
    chain: chainOf(route.proxy, modules),
  };
}

/** Digest of the chain that was emitted for a proxy: the one that the gateway itself shows. */
function chainOf(proxy: string, modules: readonly ModuleText[]): string {
  const found = modules.find(({ chain }) => chain?.proxy === proxy)?.chain;
  if (found === undefined) throw new Error(`assertion: no chain was emitted for proxy ${proxy}`);
  return found.hash;
}

/**
 * One entry a variable; it is a secret as soon as one setting uses it so, and required as soon as one has no default.
 */
function variablesOf(settings: readonly SettingPlan[]): readonly ManifestVariable[] {
  const variables = new Map<string, ManifestVariable>();
  for (const setting of settings) {
    const source = fromEnv(setting.request.source);
    if (source === null) continue;
    const before = variables.get(source.env);
    const fallback = source.default ?? null;
    variables.set(source.env, {
      name: source.env,
      required: fallback === null || before?.required === true,
      secret: (setting.kind === "secret" && !isFile(setting)) || before?.secret === true,
      default: before?.default ?? fallback,
    });
  }
  return [...variables.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function isFile({ request }: SettingPlan): boolean {
  return typeof request.source === "object" && "file" in request.source;
}

function fromEnv(source: SettingPlan["request"]["source"]): FromEnv | null {
  if (typeof source === "string") return null;
  if ("env" in source) return source;
  return typeof source.file === "string" ? null : source.file;
}
