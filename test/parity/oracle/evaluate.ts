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
