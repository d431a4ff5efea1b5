/** Names within lists: uniqueness, and how the known ones are listed in messages. */
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import { nearest } from "../diagnostics/nearest.ts";
import type { Positions } from "../source/positions.ts";

/** Known names for a message, at most ten. */
export function known(names: readonly string[]): string {
  if (names.length === 0) return "none";
  const shown = names.slice(0, 10).join(", ");
  return names.length > 10 ? `${shown}, ...` : shown;
}

/** The help of a report about a name that is not among the known ones: which of them was probably meant. */
export function meant(name: string, names: readonly string[]): { readonly help: string | null } {
  const near = nearest(name, names);
  return { help: near === null ? null : `did you mean "${near}"?` };
}

/** Reports every name that a list has twice, pointing at both. `what` is the singular noun of its items. */
export function uniqueNames(
  what: string,
  items: readonly { readonly name?: string }[],
  positions: Positions,
  diagnostics: Diagnostics,
): void {
  const first = new Map<string, object>();
  for (const item of items) {
    const name = item.name ?? "default";
    const earlier = first.get(name);
    if (earlier === undefined) {
      first.set(name, item);
      continue;
    }
    diagnostics.report("AGW2012", positions.of(item, "name"), { what, name }, {
      related: [{ span: positions.of(earlier, "name"), message: "the first one is here" }],
    });
  }
}
