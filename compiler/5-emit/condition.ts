/**
 * Conditions as expressions. Where static types settle the matter the test is written out; else operators.ts decides.
 */
import { globShape } from "#runtime/language/glob.ts";
import type { ComparisonNode, Condition, ConditionOperand, MatchNode } from "#runtime/language/condition.ts";
import { pathShape } from "#runtime/language/path-pattern.ts";
import type { PatternShape } from "#runtime/language/pattern-shape.ts";
import { translateJavaRegex } from "../expression/java-regex.ts";
import { valueType, type ValueType } from "../flow-variable.ts";
import { code, join, literal, regex, unbracketed, withoutNull, type Code } from "./code.ts";
import type { Scope } from "./scope.ts";

/** An expression of type boolean. */
export function conditionCode(ast: Condition, scope: Scope): Code {
  const name = scope.shared?.(ast) ?? null;
  if (name !== null) return name;
  switch (ast.kind) {
    case "constant":
      return literal(ast.value);
    case "truthy":
      return code`${scope.file.symbol("truthy")}(${unbracketed(scope.read(ast.operand.name))})`;
    case "not":
      return negation(ast.operand, scope);
    case "and":
      return join(ast.operands.map((operand) => (operand.kind === "or" ? bracketed(operand, scope) : conditionCode(operand, scope))), " && ");
    case "or":
      return join(ast.operands.map((operand) => (operand.kind === "and" ? bracketed(operand, scope) : conditionCode(operand, scope))), " || ");
    case "comparison":
      return comparison(ast, scope);
    case "match":
      return match(ast, scope);
  }
}

function negation(operand: Condition, scope: Scope): Code {
  const name = scope.shared?.(operand) ?? null;
  if (name !== null) return code`!${name}`;
  if (operand.kind === "comparison" && isIdentity(operand, scope)) {
    return comparison({ ...operand, operator: operand.operator === "equals" ? "notEquals" : "equals" }, scope);
  }
  return code`!${bracketed(operand, scope)}`;
}

function bracketed(ast: Condition, scope: Scope): Code {
  const inner = conditionCode(ast, scope);
  return /^[\w.]+(?:\([^()]*\))?$/.test(inner.text) ? inner : code`(${inner})`;
}

function comparison(ast: ComparisonNode, scope: Scope): Code {
  const left = operand(ast.left, scope);
  const right = operand(ast.right, scope);
  if (isIdentity(ast, scope)) {
    const [a, b] = [besides(left, ast.right), besides(right, ast.left)];
    return ast.operator === "equals" ? code`${a} === ${b}` : code`${a} !== ${b}`;
  }
  return code`${scope.file.symbol(ast.operator)}(${unbracketed(left)}, ${unbracketed(right)})`;
}

/** `===` is the operator itself when one side is a literal null, or both sides are of one type beside null. */
function isIdentity({ operator, left, right }: ComparisonNode, scope: Scope): boolean {
  if (operator !== "equals" && operator !== "notEquals") return false;
  return left.kind === "null" || right.kind === "null" || oneType(operandType(left, scope), operandType(right, scope));
}

/** Beside a literal that is not null, null and undefined are the same. */
function besides(value: Code, other: ConditionOperand): Code {
  return other.kind === "variable" || other.kind === "null" ? value : withoutNull(value);
}

function oneType(left: ValueType, right: ValueType): boolean {
  return left === right && left !== "any";
}

function operandType(node: ConditionOperand, scope: Scope): ValueType {
  switch (node.kind) {
    case "variable":
      return valueType(scope.variable(node.name));
    case "string":
      return "text";
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "null":
      return "any";
  }
}

function operand(node: ConditionOperand, scope: Scope): Code {
  return node.kind === "variable" ? scope.read(node.name) : literal(node.value);
}

function match(ast: MatchNode, scope: Scope): Code {
  const left = operand(ast.left, scope);
  // No pattern operator holds for a null pattern, whatever stands on the left.
  if (ast.pattern === null) return literal(false);
  if (ast.operator === "regex") {
    const translated = translateJavaRegex(ast.pattern);
    if ("problem" in translated) return literal(false);
    return matches(left, scope.file.matcher("regex", regex(translated.source, translated.flags)), scope);
  }
  const isText = operandType(ast.left, scope) === "text";
  if (ast.operator === "path") return shapeTest(pathShape(ast.pattern), left, isText, scope);
  const test = shapeTest(globShape(ast.pattern), left, isText, scope);
  return ast.operator === "glob" ? test : code`!(${test})`;
}

function shapeTest(shape: PatternShape, left: Code, isText: boolean, scope: Scope): Code {
  switch (shape.kind) {
    case "exact":
      return isText ? code`${left} === ${shape.text}` : code`${scope.file.symbol("equals")}(${unbracketed(left)}, ${shape.text})`;
    case "affixes":
      if (shape.suffix === "") return code`${scope.file.symbol("startsWith")}(${unbracketed(left)}, ${shape.prefix})`;
      return code`${scope.file.symbol("hasAffixes")}(${unbracketed(left)}, ${shape.prefix}, ${shape.suffix})`;
    case "expression":
      return matches(left, scope.file.matcher("pattern", regex(shape.source, "")), scope);
  }
}

function matches(left: Code, matcher: Code, scope: Scope): Code {
  return code`${scope.file.symbol("matches")}(${unbracketed(left)}, ${matcher})`;
}
