/** Conditions and templates, evaluated as they stand: nothing is folded, nothing is shared. */
import type { Condition, ConditionOperand } from "#runtime/language/condition.ts";
import type { ProgramCondition } from "#compiler/ir/program.ts";
import type { Value } from "../outcome.ts";
import { raised } from "./faults.ts";
import { apply } from "./operators.ts";
import type { Transaction } from "./transaction.ts";
import { read } from "./variables.ts";

/** No condition holds. */
export function holds(t: Transaction, condition: ProgramCondition | null): boolean {
  return condition === null || evaluate(t, condition.ast);
}

function evaluate(t: Transaction, ast: Condition): boolean {
  const { operators } = t.world;
  switch (ast.kind) {
    case "constant":
      return ast.value;
    case "truthy": {
      const value = read(t, ast.operand.name);
      return value === true || value === "true";
    }
    case "not":
      return !evaluate(t, ast.operand);
    case "and":
      return ast.operands.every((operand) => evaluate(t, operand));
    case "or":
      return ast.operands.some((operand) => evaluate(t, operand));
    case "comparison":
      return apply(operators, ast.operator, valueOf(t, ast.left), valueOf(t, ast.right));
    case "match":
      return apply(operators, ast.operator, valueOf(t, ast.left), ast.pattern);
  }
}

function valueOf(t: Transaction, operand: ConditionOperand): Value {
  return operand.kind === "variable" ? read(t, operand.name) : operand.value;
}

/** A part of a template: text, or a variable with its default. */
export type Piece = string | { readonly name: string; readonly fallback: string | null };

/** Takes a template apart (apigee-policies 5.2, docs/differences.md); functions are none of the oracle's. */
export function pieces(template: string): Piece[] {
  const isQuoted = template.length > 1 && /^"[^"]*"$/.test(template);
  const text = isQuoted ? template.slice(1, -1) : template;
  return text
    .split(/(\{[A-Za-z_][A-Za-z0-9_.-]*(?::[^{}"\r\n]*)?\})/)
    .map((part, at): Piece => {
      if (at % 2 === 0) return part;
      const [name = "", ...fallback] = part.slice(1, -1).split(":");
      return { name, fallback: fallback.length === 0 ? null : fallback.join(":") };
    })
    .filter((part) => part !== "");
}

/** Names of the variables of a template that have no default. */
export function neededBy(template: string): string[] {
  return pieces(template).flatMap((piece) => (typeof piece !== "string" && piece.fallback === null ? piece.name : []));
}

/** A template's text. `strict`: an unresolved variable without a default is the policy's fault. */
export function expand(t: Transaction, template: string, strict: string | null): string {
  return pieces(template)
    .map((piece) => {
      if (typeof piece === "string") return piece;
      const value = read(t, piece.name);
      if (value !== null) return String(value);
      if (piece.fallback !== null) return piece.fallback;
      if (strict === null) return "";
      throw raised("steps.assignmessage.UnresolvedVariable", strict, strict, ` ${piece.name}`);
    })
    .join("");
}
