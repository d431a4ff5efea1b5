/**
 * Runs the statements that a policy's compile-time half emits through test/support/policy-emit.ts, against a real
 * exchange and the real helpers: `get` and `set` are a map of flow variables, `template` puts them in.
 */
import * as AssignMessage from "#runtime/policies/assign-message.ts";
import * as RaiseFault from "#runtime/policies/raise-fault.ts";
import * as Query from "#runtime/message/query.ts";
import type { Exchange, Value } from "#runtime/context.ts";

/** Runs lines of statements; `variables` are read and written. */
export function runEmitted(lines: readonly string[], x: Exchange, variables: Map<string, Value> = new Map()): void {
  const get = (name: string): Value => variables.get(name) ?? null;
  const scope: Record<string, unknown> = {
    ...AssignMessage,
    ...RaiseFault,
    ...Query,
    x,
    get,
    text: (name: string) => (get(name) === null ? null : String(get(name))),
    set: (name: string, value: Value) => void variables.set(name, value),
    responseOf: () => x.response,
    template: (text: string) =>
      text.replace(/\{([^}!]+)(!?)\}/g, (_, name: string, isStrict: string) => {
        const value = get(name);
        if (value === null && isStrict === "!") return AssignMessage.unresolved("P-1", name);
        return value === null ? "" : String(value);
      }),
  };
  const plain = lines.map((line) => line.replace(/ as const$/, ";").replace(/^const raiseFault =/, "const config ="));
  const program = plain.join("\n").replaceAll("raiseFault(raiseFault,", "raiseFault(config,");
  new Function(...Object.keys(scope), program)(...Object.values(scope));
}
