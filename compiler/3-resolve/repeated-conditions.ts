/**
 * Conditions that stand twice in a list of which only the first that holds counts: what has the second is never
 * reached. It compares what conditions say, however they are spelled.
 */
import { printCondition } from "#runtime/language/condition-print.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { ProgramCondition } from "../ir/program.ts";

interface Conditional {
  readonly name: string;
  readonly condition: ProgramCondition | null;
}

/** Reports them; `items` in the order in which they are tried, `what`: what one of them is called. */
export function reportRepeated(what: string, items: readonly Conditional[], diagnostics: Diagnostics): void {
  const seen = new Map<string, ProgramCondition>();
  for (const { name, condition } of items) {
    if (condition === null || condition.ast.kind === "constant") continue;
    const text = printCondition(condition.ast);
    const first = seen.get(text);
    if (first === undefined) {
      seen.set(text, condition);
      continue;
    }
    const related = [{ span: first.span, message: "the same condition, tried before" }];
    diagnostics.report("AGW3022", condition.span, { what, name }, { related });
  }
}
