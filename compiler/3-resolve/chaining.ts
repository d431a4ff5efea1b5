/**
 * Proxy chaining: target endpoints that call another proxy of their environment (apigee-core section 2.3). Names become
 * proxy endpoints here, and calls that come back to where they began are refused.
 */
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { EnvironmentModel } from "../ir/environment-model.ts";
import type { BundleModel, Named } from "../ir/model.ts";
import type { LocalTargetModel, ProxyModel } from "../ir/proxy-model.ts";
import type { ProgramLocal, ProgramProxy, ProgramTarget } from "../ir/program.ts";
import type { Span } from "../source/positions.ts";
import { known, meant } from "./names.ts";

/** What a localTargetConnection calls; null after a report. `environments` are those where its proxy is deployed. */
export function resolveLocal(
  model: BundleModel,
  written: LocalTargetModel,
  environments: readonly Named<EnvironmentModel>[],
  diagnostics: Diagnostics,
): ProgramLocal | null {
  // A template's step fills it in.
  if (written.path !== undefined) return { path: written.path.includes("{") ? "/" : written.path };
  const { positions, gateway } = model;
  const name = written.apiProxy ?? "";
  const span = positions.of(written, "apiProxy");
  const proxy = model.proxies.find((other) => other.name === name);
  if (proxy === undefined) {
    const names = model.proxies.map((other) => other.name);
    diagnostics.report("AGW2002", span, { name, known: known(names) }, meant(name, names));
    return null;
  }
  for (const environment of environments) {
    const deployed = gateway.deployments?.[environment.name];
    if (gateway.deployments === undefined || deployed?.includes(name) === true) continue;
    diagnostics.report("AGW2022", span, { name, environment: environment.name });
  }
  return calledEndpoint(proxy, written, positions.of(written, "proxyEndpoint"), diagnostics);
}

/** The proxy's only endpoint, or the one that is named. */
function calledEndpoint(
  proxy: Named<ProxyModel>,
  { proxyEndpoint }: LocalTargetModel,
  span: Span,
  diagnostics: Diagnostics,
): ProgramLocal | null {
  const endpoints = proxy.value.proxyEndpoints.map((endpoint) => endpoint.name ?? "default");
  const [only] = endpoints;
  const name = proxyEndpoint ?? (endpoints.length === 1 ? only : undefined) ?? "default";
  if (endpoints.includes(name)) return { proxy: proxy.name, endpoint: name };
  diagnostics.report("AGW2021", span, { name, proxy: proxy.name, known: known(endpoints) }, meant(name, endpoints));
  return null;
}

/** A call of one proxy endpoint by another. */
interface Call {
  readonly to: string;
  readonly target: ProgramTarget;
}

/** Reports proxy endpoints that call themselves, directly or through others. Calls by path are bounded at run time. */
export function checkChains(proxies: readonly ProgramProxy[], diagnostics: Diagnostics): void {
  const calls = new Map<string, readonly Call[]>();
  for (const proxy of proxies) {
    for (const endpoint of proxy.endpoints) {
      const targets = new Set(endpoint.routeRules.flatMap((rule) => rule.target ?? []));
      calls.set(`${proxy.name}/${endpoint.name}`, [...targets].flatMap((target) => callOf(target)));
    }
  }
  const done = new Set<string>();
  const walk = (from: string, path: readonly string[]): void => {
    for (const { to, target } of calls.get(from) ?? []) {
      const again = path.indexOf(to);
      if (again >= 0) diagnostics.report("AGW2023", target.span, { path: [...path.slice(again), to].join(" -> ") });
      else if (!done.has(to)) walk(to, [...path, to]);
    }
    done.add(from);
  };
  for (const start of calls.keys()) if (!done.has(start)) walk(start, [start]);
}

function callOf(target: ProgramTarget): Call[] {
  const { local } = target;
  return local === null || "path" in local ? [] : [{ to: `${local.proxy}/${local.endpoint}`, target }];
}
