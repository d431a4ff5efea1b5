/** Property sets as variables: what `propertyset.<set>.<key>` holds in each environment (apigee-core section 9.6). */
import type { EnvironmentModel, PropertySetsModel } from "../ir/environment-model.ts";
import type { Named } from "../ir/model.ts";
import type { ProxyModel } from "../ir/proxy-model.ts";
import type { ProgramProperties } from "../ir/program.ts";

/** Properties of one proxy; `environments` are those it is deployed in. Its own sets hide theirs, whole ones. */
export function resolveProperties(
  { propertySets: own = {} }: ProxyModel,
  environments: readonly Named<EnvironmentModel>[],
): ProgramProperties {
  return new Map(environments.map(({ name, value }) => [name, variables({ ...value.propertySets, ...own })]));
}

function variables(sets: PropertySetsModel): ReadonlyMap<string, string> {
  const rows = Object.entries(sets).flatMap(([set, properties]) =>
    Object.entries(properties).map(([key, value]) => [`propertyset.${set}.${key}`, String(value)] as const));
  return new Map(rows);
}
