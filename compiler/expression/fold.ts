/**
 * Partial evaluation of conditions: what is known when the gateway is built is decided then, the rest keeps its order.
 * Reading a flow variable has no effect, so that dropping one is never seen; expressions that could take long stay.
 */
import * as operators from "#runtime/language/operators.ts";
import type { Operand, Value } from "#runtime/language/operators.ts";
import { matchesPath } from "#runtime/language/path-pattern.ts";
import type {
  ComparisonNode,
  Condition,
  ConditionOperand,
  JunctionNode,
  MatchNode,
} from "#runtime/language/condition.ts";
import type { MatchOperator } from "#runtime/language/condition-words.ts";
import { translateJavaRegex } from "./java-regex.ts";
import { isPlainlyLinear } from "./regex-safety.ts";

/** What a variable holds: a value, null when it is sure to be unresolved, undefined when nothing is known of it. */
export type KnownValues = (name: string) => Value | undefined;

/** A condition decided for good, or what remains of it. */
export type FoldedCondition = { readonly constant: boolean } | { readonly ast: Condition };

/** Decides as much of a condition as the known values allow. Nodes that remain keep their offsets. */
export function foldCondition(ast: Condition, knownValues: KnownValues): FoldedCondition {
  switch (ast.kind) {
    case "constant":
      return { constant: ast.value };
    case "truthy": {
      const value = knownValues(ast.operand.name);
      return value === undefined ? { ast } : { constant: operators.truthy(value) };
    }
    case "not":
      return foldNot(ast, knownValues);
    case "and":
    case "or":
      return foldJunction(ast, knownValues);
    case "comparison":
      return foldComparison(ast, knownValues);
    case "match":
      return foldMatch(ast, knownValues);
  }
}

function foldNot(ast: Extract<Condition, { kind: "not" }>, knownValues: KnownValues): FoldedCondition {
  const folded = foldCondition(ast.operand, knownValues);
  if ("constant" in folded) return { constant: !folded.constant };
  if (folded.ast.kind === "not") return { ast: folded.ast.operand };
  return { ast: folded.ast === ast.operand ? ast : { ...ast, operand: folded.ast } };
}

function foldJunction(ast: JunctionNode, knownValues: KnownValues): FoldedCondition {
  const decisive = ast.kind === "or";
  const remaining: Condition[] = [];
  for (const operand of ast.operands) {
    const folded = foldCondition(operand, knownValues);
    if (!("constant" in folded)) {
      // A junction of the same kind inside this one says the same without its parentheses.
      if (folded.ast.kind === ast.kind) remaining.push(...folded.ast.operands);
      else remaining.push(folded.ast);
      continue;
    }
    if (folded.constant === decisive) return { constant: decisive };
  }
  const [first] = remaining;
  if (first === undefined) return { constant: !decisive };
  if (remaining.length === 1) return { ast: first };
  const isWhole = remaining.length === ast.operands.length;
  const isSame = isWhole && remaining.every((node, index) => node === ast.operands[index]);
  return { ast: isSame ? ast : { ...ast, operands: remaining } };
}

function foldComparison(ast: ComparisonNode, knownValues: KnownValues): FoldedCondition {
  const left = valueOf(ast.left, knownValues);
  const right = valueOf(ast.right, knownValues);
  const compare = operators[ast.operator];
  if (left !== undefined && right !== undefined) return { constant: compare(left, right) };
  const settled = settledByNull(left, right, compare);
  if (settled !== undefined) return { constant: settled };
  const known = { left: literal(ast.left, left), right: literal(ast.right, right) };
  return { ast: known.left === ast.left && known.right === ast.right ? ast : { ...ast, ...known } };
}

/**
 * Beside a null the other side matters only by being null or not, so that two trials tell whether it matters at all.
 * Any value will do for the second: with one side null no operator looks at it.
 */
function settledByNull(
  left: Operand,
  right: Operand,
  compare: (left: Operand, right: Operand) => boolean,
): boolean | undefined {
  if (left === null) return compare(null, null) === compare(null, "") ? compare(null, null) : undefined;
  if (right === null) return compare(null, null) === compare("", null) ? compare(null, null) : undefined;
  return undefined;
}

function foldMatch(ast: MatchNode, knownValues: KnownValues): FoldedCondition {
  // No pattern operator holds for a null pattern, whatever stands on the left.
  if (ast.pattern === null) return { constant: false };
  const left = valueOf(ast.left, knownValues);
  if (left === undefined) return { ast };
  const result = matchValue(ast.operator, left, ast.pattern);
  return result === undefined ? { ast: { ...ast, left: literal(ast.left, left) } } : { constant: result };
}

/** Undefined when the pattern is a mistake or may take long: the build reports the one, run time decides the other. */
function matchValue(operator: MatchOperator, left: Value, pattern: string): boolean | undefined {
  if (operator === "glob") return operators.glob(left, pattern);
  if (operator === "notGlob") return operators.notGlob(left, pattern);
  if (left === null) return false;
  if (operator === "path") return matchesPath(pattern, String(left));
  const translated = translateJavaRegex(pattern);
  if ("problem" in translated || !isPlainlyLinear(translated.judged, translated.flags)) return undefined;
  return operators.matches(left, new RegExp(translated.source, translated.flags));
}

function valueOf(operand: ConditionOperand, knownValues: KnownValues): Value | undefined {
  return operand.kind === "variable" ? knownValues(operand.name) : operand.value;
}

/** A known variable as the literal it stands for, so that nobody has to read it. */
function literal(operand: ConditionOperand, value: Value | undefined): ConditionOperand {
  if (operand.kind !== "variable" || value === undefined) return operand;
  const span = { start: operand.start, end: operand.end };
  if (value === null) return { kind: "null", value, ...span };
  if (typeof value === "string") return { kind: "string", value, ...span };
  if (typeof value === "boolean") return { kind: "boolean", value, ...span };
  return { kind: "number", value, type: Number.isInteger(value) ? "int" : "double", ...span };
}
