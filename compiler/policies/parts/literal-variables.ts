/**
 * Which variables hold a literal for sure at each action of a policy, because an earlier action of the same policy gave
 * it to them. Looks at no other step: what runs before this one is not known here.
 */
import { flowVariable } from "../../flow-variable.ts";
import type { ActionModel } from "./message-model.ts";

/** Texts by variable, as they are before each action. */
export function literalsBefore(actions: readonly ActionModel[]): readonly ReadonlyMap<string, string>[] {
  let known: ReadonlyMap<string, string> = new Map();
  return actions.map(({ assignVariable }) => {
    const before = known;
    if (assignVariable === undefined) return before;
    const { name, value, ref, template } = assignVariable;
    const after = new Map(before);
    after.delete(name);
    const isLiteral = value !== undefined && ref === undefined && template === undefined;
    // Variables with a meaning of their own may change what is written to them.
    if (isLiteral && flowVariable(name, () => true).kind === "custom") after.set(name, value);
    known = after;
    return before;
  });
}
