/**
 * A condition as a function, for texts that come when the gateway runs. Pure; compiled chains have theirs written out
 * (compiler/5-emit/condition.ts), and both mean the same.
 */
import type { ComparisonNode, Condition, ConditionOperand, MatchNode } from "./condition.ts";
import { matchesGlob } from "./glob.ts";
import {
  equals, equalsIgnoreCase, greater, greaterOrEqual, less, lessOrEqual, matches, notEquals, startsWith, truthy,
  type Value,
} from "./operators.ts";
import { pathSource } from "./path-pattern.ts";

/** Reads a variable; null when it is unresolved. */
export type ReadVariable = (name: string) => Value;

/** Patterns are compiled once. JavaRegex never holds: nothing here can tell whether one would be slow. */
export function conditionTest(ast: Condition): (read: ReadVariable) => boolean {
  switch (ast.kind) {
    case "constant":
      return () => ast.value;
    case "truthy":
      return (read) => truthy(read(ast.operand.name));
    case "not": {
      const test = conditionTest(ast.operand);
      return (read) => !test(read);
    }
    case "and": {
      const tests = ast.operands.map(conditionTest);
      return (read) => tests.every((test) => test(read));
    }
    case "or": {
      const tests = ast.operands.map(conditionTest);
      return (read) => tests.some((test) => test(read));
    }
    case "comparison":
      return comparisonTest(ast);
    case "match":
      return matchTest(ast);
  }
}

const operators = {
  equals, equalsIgnoreCase, greater, greaterOrEqual, less, lessOrEqual, notEquals, startsWith,
} as const;

function comparisonTest({ operator, left, right }: ComparisonNode): (read: ReadVariable) => boolean {
  const compare = operators[operator];
  return (read) => compare(valueOf(left, read), valueOf(right, read));
}

function matchTest({ operator, left, pattern }: MatchNode): (read: ReadVariable) => boolean {
  // No pattern operator holds for a null pattern, whatever stands on the left.
  if (pattern === null || operator === "regex") return () => false;
  if (operator === "path") {
    const expression = new RegExp(pathSource(pattern));
    return (read) => matches(valueOf(left, read), expression);
  }
  const isNegated = operator === "notGlob";
  return (read) => {
    const value = valueOf(left, read);
    return (value !== null && matchesGlob(pattern, String(value))) !== isNegated;
  };
}

function valueOf(operand: ConditionOperand, read: ReadVariable): Value {
  return operand.kind === "variable" ? read(operand.name) : operand.value;
}
