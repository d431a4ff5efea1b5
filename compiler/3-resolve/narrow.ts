/** `--env`: leaves one environment of a program, so that an artifact holds no other. */
import type { Program } from "../ir/program.ts";

/** The program with only that environment; all of it for null. An environment that does not exist leaves nothing deployed. */
export function narrow(program: Program, environment: string | null): Program {
  if (environment === null) return program;
  const deployments = program.deployments.filter((deployment) => deployment.environment === environment);
  return {
    ...program,
    deployments,
    environments: program.environments.filter((other) => other.name === environment),
    proxies: program.proxies.filter((proxy) => deployments.some((deployment) => deployment.proxy === proxy.name)),
    groups: program.groups
      .filter((group) => group.environments.includes(environment))
      .map((group) => ({ ...group, environments: [environment] })),
  };
}
