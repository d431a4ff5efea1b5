/** Load balancers of target endpoints: their servers, how these take turns, and what does not go together. */
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { EnvironmentModel } from "../ir/environment-model.ts";
import type { BundleModel, Named } from "../ir/model.ts";
import type { BalancedServerModel, LoadBalancerModel } from "../ir/proxy-model.ts";
import type { ProgramLoadBalancer } from "../ir/program.ts";
import type { Span } from "../source/positions.ts";
import { known, meant } from "./names.ts";

/** Fills the defaults and reports what is wrong; `environments` are those the proxy is deployed in. */
export function resolveLoadBalancer(
  model: BundleModel,
  written: LoadBalancerModel,
  environments: readonly Named<EnvironmentModel>[],
  diagnostics: Diagnostics,
): ProgramLoadBalancer {
  const servers = written.servers.map((server, at): WrittenServer => {
    const span = model.positions.of(written.servers, at);
    return typeof server === "string" ? { name: server, span } : { ...server, span };
  });
  checkNames(servers, environments, diagnostics);
  checkTurns(written, servers, diagnostics);
  const left = servers.filter((server) => server.isEnabled !== false);
  const { algorithm = "RoundRobin", maxFailures = 0, retryEnabled = true, serverUnhealthyResponse = [] } = written;
  checkFailures(model, written, left, diagnostics);
  return {
    algorithm,
    servers: left.map(({ name, weight = 1, isFallback = false }) => ({ name, weight, isFallback })),
    maxFailures,
    retryEnabled,
    unhealthyStatuses: serverUnhealthyResponse,
  };
}

type WrittenServer = Exclude<BalancedServerModel, string> & { readonly span: Span };

function checkNames(
  servers: readonly WrittenServer[],
  environments: readonly Named<EnvironmentModel>[],
  diagnostics: Diagnostics,
): void {
  const first = new Map<string, Span>();
  for (const { name, span } of servers) {
    const earlier = first.get(name);
    if (earlier === undefined) first.set(name, span);
    else {
      const related = [{ span: earlier, message: "the first one is here" }];
      diagnostics.report("AGW2012", span, { what: "server of the load balancer", name }, { related });
    }
  }
  for (const environment of environments) {
    const all = (environment.value.targetServers ?? []).map((server) => server.name);
    for (const { name, span } of servers) {
      if (all.includes(name)) continue;
      const params = { name, environment: environment.name, known: known(all) };
      diagnostics.report("AGW2006", span, params, meant(name, all));
    }
  }
}

/** Weights and the fallback. */
function checkTurns(written: LoadBalancerModel, servers: readonly WrittenServer[], diagnostics: Diagnostics): void {
  const { algorithm = "RoundRobin" } = written;
  for (const { name, weight, isFallback, span } of servers) {
    // A fallback takes no turns.
    if (algorithm === "Weighted" && weight === undefined && isFallback !== true) {
      const problem = `algorithm Weighted needs a weight for server "${name}"`;
      diagnostics.report("AGW3040", span, { problem }, { help: `write { name: ${name}, weight: 1 }` });
    }
    if (algorithm !== "Weighted" && weight !== undefined) {
      const problem = `server "${name}" has a weight, which only algorithm Weighted looks at`;
      diagnostics.report("AGW3040", span, { problem }, { help: "write algorithm: Weighted, or leave the weight out" });
    }
  }
  const [fallback, ...more] = servers.filter((server) => server.isFallback === true);
  for (const { name, span } of more) {
    const related = fallback === undefined ? [] : [{ span: fallback.span, message: "the first one is here" }];
    const problem = `"${name}" is a second fallback, and there is one at most`;
    diagnostics.report("AGW3040", span, { problem }, { related });
  }
}

/** Settings that wait for servers to go out of rotation, where none ever does. */
function checkFailures(
  model: BundleModel,
  written: LoadBalancerModel,
  servers: readonly WrittenServer[],
  diagnostics: Diagnostics,
): void {
  if ((written.maxFailures ?? 0) > 0) return;
  const fallback = servers.find((server) => server.isFallback === true);
  if (fallback !== undefined && servers.length > 1) {
    const why = "is used when all others are out, and without maxFailures none ever is";
    const problem = `the fallback "${fallback.name}" ${why}`;
    diagnostics.report("AGW3040", fallback.span, { problem }, { help: "write maxFailures: 5" });
  } else if (servers.length > 1) {
    diagnostics.report("AGW3041", model.positions.of(written, "servers"), {});
  }
}
