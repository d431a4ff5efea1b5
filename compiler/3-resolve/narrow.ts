/** `--env`: leaves one environment of a program, so that an artifact holds no other. */
import type { HookPoint } from "../ir/environment-model.ts";
import type { Program, ProgramHook, ProgramProxy } from "../ir/program.ts";
import { policiesOfProxy } from "../program-walk.ts";

/**
 * The program with only that environment; all of it for null. An environment that does not exist leaves nothing
 * deployed.
 */
export function narrow(program: Program, environment: string | null): Program {
  if (environment === null) return program;
  const deployments = program.deployments.filter((deployment) => deployment.environment === environment);
  return {
    ...program,
    deployments,
    environments: program.environments.filter((other) => other.name === environment),
    proxies: program.proxies
      .filter((proxy) => deployments.some((deployment) => deployment.proxy === proxy.name))
      .map((proxy) => withPartsOf(proxy, environment)),
    groups: program.groups
      .filter((group) => group.environments.includes(environment))
      .map((group) => ({ ...group, environments: [environment] })),
  };
}

function withPartsOf(proxy: ProgramProxy, environment: string): ProgramProxy {
  const { hooks } = proxy;
  const at = (point: HookPoint): ProgramHook[] =>
    hooks[point].flatMap(({ environments, step }) =>
      environments.includes(environment) ? [{ environments: [environment], step }] : [],
    );
  const own = {
    preProxy: at("preProxy"),
    preTarget: at("preTarget"),
    postTarget: at("postTarget"),
    postProxy: at("postProxy"),
  };
  const properties = new Map([...proxy.properties].filter(([name]) => name === environment));
  const narrowed = { ...proxy, hooks: own, properties };
  const run = policiesOfProxy(narrowed);
  return { ...narrowed, policies: proxy.policies.filter((policy) => run.has(policy)) };
}
