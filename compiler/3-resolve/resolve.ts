/**
 * Model -> program: names become references, defaults are filled, conditions are parsed, shared flows stand where they
 * are called. Reports what points nowhere; goes on with the rest, so that all problems show at once.
 */
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { EnvironmentModel } from "../ir/environment-model.ts";
import type { BundleModel, Named } from "../ir/model.ts";
import type {
  Program,
  ProgramDeployment,
  ProgramEnvironment,
  ProgramGroup,
  ProgramProxy,
} from "../ir/program.ts";
import { checkAccess } from "./access.ts";
import { checkChains } from "./chaining.ts";
import { checkHooks } from "./hook.ts";
import { checkListeners } from "./listener.ts";
import { known, meant, uniqueNames } from "./names.ts";
import { resolveProxy } from "./proxy.ts";
import { checkSharedFlows } from "./shared-flow.ts";
import { targetServers } from "./target.ts";

/** The environment of projects that write none. */
const DEFAULT_ENVIRONMENT: Named<EnvironmentModel> = {
  name: "default",
  file: "gateway.yaml",
  value: { kind: "Environment" },
};

/** Resolves a validated model. The result is whole even when problems were found; callers look at the diagnostics. */
export function resolve(model: BundleModel, diagnostics: Diagnostics): Program {
  const environments = model.environments.length > 0 ? model.environments : [DEFAULT_ENVIRONMENT];
  const names = environments.map((environment) => environment.name);
  const deployments = resolveDeployments(model, names, diagnostics);
  const proxies: ProgramProxy[] = [];
  const served = new Map<string, Named<EnvironmentModel>[]>();
  for (const { proxy, environment } of deployments) {
    const found = environments.find((other) => other.name === environment);
    if (found !== undefined) served.set(proxy, [...(served.get(proxy) ?? []), found]);
  }
  for (const proxy of model.proxies) {
    proxies.push(resolveProxy(model, proxy, served.get(proxy.name) ?? [], diagnostics));
  }
  checkHooks(model, diagnostics);
  checkChains(proxies, diagnostics);
  checkSharedFlows(model, proxies, diagnostics);
  checkAccess(model, names, diagnostics);
  checkListeners(model, diagnostics);
  return {
    organization: model.gateway.organization ?? "apigw",
    model,
    gateway: model.gateway,
    groups: resolveGroups(model, names, diagnostics),
    deployments,
    environments: environments.map((environment) => resolveEnvironment(model, environment, diagnostics)),
    proxies,
    products: model.products,
    developers: model.developers,
    apps: model.apps,
  };
}

function resolveEnvironment(
  model: BundleModel,
  environment: Named<EnvironmentModel>,
  diagnostics: Diagnostics,
): ProgramEnvironment {
  return {
    name: environment.name,
    clientIpResolution: environment.value.clientIpResolution ?? null,
    targetServers: targetServers(model, environment, diagnostics),
  };
}

function resolveGroups(model: BundleModel, environments: readonly string[], diagnostics: Diagnostics): ProgramGroup[] {
  const { gateway, positions } = model;
  const written = gateway.environmentGroups;
  if (written === undefined) {
    return [{ name: "default", hostnames: [{ name: "*", span: null }], environments }];
  }
  uniqueNames("environment group", written, positions, diagnostics);
  const owners = new Map<string, { group: string; at: ReturnType<typeof positions.of> }>();
  const groups = written.map((group): ProgramGroup => {
    const hostnames = group.hostnames.map((hostname, at) => {
      const name = hostname.toLowerCase();
      const span = positions.of(group.hostnames, at);
      const owner = owners.get(name);
      if (owner !== undefined) {
        diagnostics.report("AGW2010", span, { name, group: owner.group }, {
          related: [{ span: owner.at, message: "first used here" }],
        });
      }
      owners.set(name, owner ?? { group: group.name, at: span });
      return { name, span };
    });
    group.environments.forEach((name, at) => {
      if (environments.includes(name)) return;
      const span = positions.of(group.environments, at);
      diagnostics.report("AGW2001", span, { name, known: known(environments) }, meant(name, environments));
    });
    return { name: group.name, hostnames, environments: group.environments };
  });
  for (const environment of model.environments) {
    if (groups.some((group) => group.environments.includes(environment.name))) continue;
    diagnostics.report("AGW2016", positions.of(environment.value), { name: environment.name });
  }
  return groups;
}

function resolveDeployments(
  model: BundleModel,
  environments: readonly string[],
  diagnostics: Diagnostics,
): ProgramDeployment[] {
  const { gateway, positions } = model;
  const proxies = model.proxies.map((proxy) => proxy.name);
  if (gateway.deployments === undefined) {
    return environments.flatMap((environment) => proxies.map((proxy) => ({ environment, proxy, span: null })));
  }
  const deployments: ProgramDeployment[] = [];
  for (const [environment, names] of Object.entries(gateway.deployments)) {
    if (!environments.includes(environment)) {
      const span = positions.ofKey(gateway.deployments, environment);
      diagnostics.report("AGW2001", span, { name: environment, known: known(environments) }, meant(environment, environments));
      continue;
    }
    names.forEach((proxy, at) => {
      const span = positions.of(names, at);
      if (proxies.includes(proxy)) deployments.push({ environment, proxy, span });
      else diagnostics.report("AGW2002", span, { name: proxy, known: known(proxies) }, meant(proxy, proxies));
    });
  }
  for (const proxy of model.proxies) {
    if (deployments.some((deployment) => deployment.proxy === proxy.name)) continue;
    diagnostics.report("AGW2017", positions.of(proxy.value), { name: proxy.name });
  }
  return deployments;
}
