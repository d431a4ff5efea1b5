/** Conditions back to text: one canonical spelling, which parses to the same tree. For messages, plans and goldens. */
import { isPlainName } from "./condition-tokens.ts";
import { CANONICAL } from "./condition-words.ts";
import type { Condition, ConditionOperand } from "./condition.ts";

/**
 * Prints a tree that parseCondition made. (Trees made by hand can hold what no text can: a double quote inside a
 * string, a single quote inside a name; those do not survive.)
 */
export function printCondition(ast: Condition): string {
  switch (ast.kind) {
    case "constant":
      return String(ast.value);
    case "truthy":
      return printOperand(ast.operand);
    case "comparison":
      return `${printOperand(ast.left)} ${CANONICAL[ast.operator]} ${printOperand(ast.right)}`;
    case "match":
      return `${printOperand(ast.left)} ${CANONICAL[ast.operator]} ${printPattern(ast.pattern)}`;
    case "not":
      return ast.operand.kind === "constant" || ast.operand.kind === "truthy"
        ? `!${printCondition(ast.operand)}`
        : `!(${printCondition(ast.operand)})`;
    case "and":
    case "or":
      return ast.operands.map(printTerm).join(` ${ast.kind} `);
  }
}

/** A junction inside a junction keeps its parentheses even where precedence would allow none: easier to read. */
function printTerm(term: Condition): string {
  const text = printCondition(term);
  return term.kind === "and" || term.kind === "or" ? `(${text})` : text;
}

function printOperand(operand: ConditionOperand): string {
  switch (operand.kind) {
    case "variable":
      return isPlainName(operand.name) ? operand.name : `'${encode(operand.name)}'`;
    case "string":
      return printString(operand.value);
    case "number":
      return printNumber(operand.value, operand.type);
    case "boolean":
    case "null":
      return String(operand.value);
  }
}

function printPattern(pattern: string | null): string {
  return pattern === null ? "null" : printString(pattern);
}

function printString(value: string): string {
  return `"${encode(value)}"`;
}

/** Text that looks like an entity would be decoded when it is read again. */
function encode(value: string): string {
  return value.replace(/&(?=(?:gt|lt|amp|quot|apos);)/g, "&amp;");
}

function printNumber(value: number, type: "int" | "long" | "float" | "double"): string {
  const digits = Number.isInteger(value) ? BigInt(value).toString() : plainDecimal(value);
  if (type === "int") return digits;
  if (type === "long") return `${digits}L`;
  if (type === "float") return `${digits}f`;
  return digits.includes(".") ? digits : `${digits}d`;
}

/** The language has no exponents, so 1e-7 is written out. */
function plainDecimal(value: number): string {
  const shortest = String(value);
  const [mantissa = "", exponent] = shortest.split("e-");
  if (exponent === undefined) return shortest;
  const sign = mantissa.startsWith("-") ? "-" : "";
  const digits = mantissa.replace("-", "").replace(".", "");
  return `${sign}0.${"0".repeat(Number(exponent) - 1)}${digits}`;
}
