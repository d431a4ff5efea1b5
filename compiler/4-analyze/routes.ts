/** Routes: which base paths each set of hostnames has, and that no two of them are the same. */
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { HostPlan, RoutePlan } from "../ir/plan.ts";
import type { Program, ProgramEndpoint } from "../ir/program.ts";

/** One table for each environment group. A conflict is reported at the later endpoint and points at the earlier one. */
export function planRoutes(program: Program, diagnostics: Diagnostics): HostPlan[] {
  return program.groups.map((group) => {
    const taken = new Map<string, { endpoint: ProgramEndpoint; label: string }>();
    const routes: RoutePlan[] = [];
    for (const { environment, proxy } of program.deployments) {
      if (!group.environments.includes(environment)) continue;
      const found = program.proxies.find((other) => other.name === proxy);
      for (const endpoint of found?.endpoints ?? []) {
        const label = `${proxy}/${endpoint.name} in environment ${environment}`;
        const key = endpoint.segments.join("/");
        const earlier = taken.get(key);
        if (earlier !== undefined) {
          const params = { path: endpoint.basePath, other: earlier.label, group: group.name };
          diagnostics.report("AGW2011", endpoint.span, params, {
            related: [{ span: earlier.endpoint.span, message: "taken here" }],
          });
          continue;
        }
        taken.set(key, { endpoint, label });
        const { segments, basePath } = endpoint;
        routes.push({ segments, basePath, environment, proxy, endpoint: endpoint.name });
      }
    }
    return { group: group.name, hostnames: group.hostnames.map((hostname) => hostname.name), routes };
  });
}
