/** Which guard refused: the table of runtime/exchange/guard.ts read backwards. */
import { guards } from "#runtime/exchange/guard.ts";
import type { Refusal } from "#runtime/exchange/guard.ts";

/** Name of the guard that a refusal came from; null: of none. */
export function guardName(refusal: Refusal): string | null {
  return Object.entries(guards).find(([, guard]) => guard === refusal)?.[0] ?? null;
}
