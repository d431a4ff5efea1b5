/** What steps may have changed: custom variables by name, messages by part; any part where a policy does not say. */
import type { FlowVariable } from "../../flow-variable.ts";
import type { PlanStep } from "../../ir/plan.ts";
import { writesOf } from "./walk.ts";

export class Changes {
  readonly #written: ReadonlySet<string>;
  /** Null: any part of any message. */
  readonly #parts: ReadonlySet<string> | null;

  constructor(written: ReadonlySet<string>, parts: ReadonlySet<string> | null) {
    this.#written = written;
    this.#parts = parts;
  }

  /** True when the variable may hold something else now. */
  touches(variable: FlowVariable): boolean {
    switch (variable.kind) {
      case "custom":
        return this.#written.has(variable.name);
      case "builtin":
        return false;
      case "header":
        return this.#has("headers") || this.#has(`header ${variable.name}`);
      case "headers":
        return this.#parts === null || [...this.#parts].some((part) => part.startsWith("header"));
      case "queryParam":
      case "queryParams":
        return this.#has("query");
      case "start-line":
        return this.#startLine(variable.what);
      default:
        return true;
    }
  }

  #startLine(what: string): boolean {
    if (what === "uri") return this.#has("path") || this.#has("query");
    return this.#has(what === "querystring" ? "query" : what);
  }

  #has(part: string): boolean {
    return this.#parts === null || this.#parts.has(part);
  }
}

/** What some steps may have changed, whichever of them ran. */
export function changesOf(steps: readonly PlanStep[]): Changes {
  const written = new Set(steps.flatMap((step) => writesOf(step).map(({ name }) => name)));
  const parts = steps.map(({ step: { policy } }) => policy.definition.changes?.(policy.model) ?? null);
  const all = parts.includes(null) ? null : new Set(parts.flatMap((part) => part ?? []));
  return new Changes(written, all);
}
