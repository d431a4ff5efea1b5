/** What a property of a property set holds in the environments of a proxy. Phases 4 and 5 read it in the same way. */
import type { ProgramProperties } from "./ir/program.ts";

/** The value in each environment, by its name; null where no set has the property. */
export type PropertyValues = ReadonlyMap<string, string | null>;

/** Values of the variable `propertyset.<set>.<key>`. */
export function propertyValues(properties: ProgramProperties, name: string): PropertyValues {
  return new Map([...properties].map(([environment, own]) => [environment, own.get(name) ?? null]));
}

/** The value that all environments agree on; undefined when they differ. Null for a proxy that is deployed nowhere. */
export function sameValue(values: PropertyValues): string | null | undefined {
  const [first = null, ...others] = values.values();
  return others.every((other) => other === first) ? first : undefined;
}
