/** Conditions: what is known at build time is folded away, patterns are checked, variables are noted as read. */
import { conditionVariables, type Condition, type MatchNode } from "#runtime/language/condition.ts";
import { pathProblems } from "#runtime/language/path-pattern.ts";
import { foldCondition } from "../expression/fold.ts";
import { renameVariables, type OtherNames } from "../expression/rename.ts";
import { translateJavaRegex } from "../expression/java-regex.ts";
import { checkRegexSafety } from "../expression/regex-safety.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { When } from "../ir/plan.ts";
import type { ProgramCondition } from "../ir/program.ts";
import type { Span } from "../source/positions.ts";
import type { Usage } from "./usage.ts";

/** Values of variables that are the same for every request of a chain. */
export type Known = ReadonlyMap<string, string>;

export class ConditionAnalysis {
  readonly #usage: Usage;
  readonly #diagnostics: Diagnostics;
  readonly #checked = new WeakSet<ProgramCondition>();

  constructor(usage: Usage, diagnostics: Diagnostics) {
    this.#usage = usage;
    this.#diagnostics = diagnostics;
  }

  /** Folds a condition, under the names that `names` gives its variables; what remains is noted as read. */
  fold(condition: ProgramCondition | null, known: Known, names: OtherNames): When {
    if (condition === null) return { kind: "always" };
    this.#check(condition);
    const folded = foldCondition(renameVariables(condition.ast, names), (name) => known.get(name));
    if ("constant" in folded) {
      const { constant } = folded;
      if (conditionVariables(condition.ast).length === 0 && condition.text.trim() !== "") {
        this.#diagnostics.report("AGW3002", condition.span, { value: String(constant) });
      }
      return constant ? { kind: "always" } : { kind: "never", why: `its condition is always false: ${condition.text}` };
    }
    for (const name of conditionVariables(folded.ast)) this.#usage.read(name, condition.span);
    return { kind: "test", ast: folded.ast, condition };
  }

  /**
   * A condition as it was written, for code that is to decide at run time what is known before. `decidedBy`: variables
   * of what folding leaves of it.
   */
  unfolded(condition: ProgramCondition | null, names: OtherNames, decidedBy: readonly string[]): When {
    if (condition === null) return { kind: "always" };
    const ast = renameVariables(condition.ast, names);
    for (const name of conditionVariables(ast)) this.#usage.keep(name);
    return { kind: "test", ast, condition, decidedBy };
  }

  #check(condition: ProgramCondition): void {
    if (this.#checked.has(condition)) return;
    this.#checked.add(condition);
    visitMatches(condition.ast, (node) => {
      if (node.pattern === null) return;
      const span = inside(condition.span, condition.text, node.patternSpan);
      if (node.operator === "regex") this.#checkRegex(node.pattern, span);
      if (node.operator === "path") {
        for (const problem of pathProblems(node.pattern)) {
          this.#diagnostics.report("AGW3020", span, { problem: problem.message });
        }
      }
    });
  }

  #checkRegex(pattern: string, span: Span): void {
    const translated = translateJavaRegex(pattern);
    if ("problem" in translated) {
      this.#diagnostics.report("AGW3009", span, { problem: translated.problem.message });
      return;
    }
    const safety = checkRegexSafety(translated.judged, translated.flags);
    if (!safety.safe) this.#diagnostics.report("AGW3010", span, { complexity: safety.complexity });
  }
}

function visitMatches(ast: Condition, visit: (node: MatchNode) => void): void {
  if (ast.kind === "match") visit(ast);
  if (ast.kind === "not") visitMatches(ast.operand, visit);
  if (ast.kind === "and" || ast.kind === "or") for (const operand of ast.operands) visitMatches(operand, visit);
}

/** The part of a condition's span that a range of its text takes, when the text stands there as it is. */
function inside(span: Span, text: string, range: { readonly start: number; readonly end: number }): Span {
  const at = span.file.text.indexOf(text, span.start);
  if (at < 0 || at > span.end) return span;
  return { file: span.file, start: at + range.start, end: at + range.end };
}
