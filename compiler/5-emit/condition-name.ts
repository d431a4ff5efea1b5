/** What a condition that has a constant of its own is called: its variable and what is asked of it. */
import type { Condition, ConditionOperand } from "#runtime/language/condition.ts";

/** Longer literals say nothing in a name. */
const WORD_LENGTH_MAX = 16;

/** Words for a name: `verb is GET`, `pathsuffix matches`. */
export function conditionName(ast: Condition): string {
  switch (ast.kind) {
    case "comparison": {
      const isEqual = ast.operator === "equals";
      if (!isEqual && ast.operator !== "notEquals") return `${subject(ast.left)} compares`;
      return `${subject(ast.left)} ${isEqual ? "is" : "is not"} ${word(ast.right)}`;
    }
    case "match":
      return `${subject(ast.left)} matches`;
    case "truthy":
      return `${subject(ast.operand)} is true`;
    case "not":
      return `not ${conditionName(ast.operand)}`;
    case "and":
    case "or": {
      const [first] = ast.operands;
      return first === undefined ? "holds" : `${conditionName(first)} ${ast.kind} more`;
    }
    case "constant":
      return "holds";
  }
}

/** The last part of a variable's name that is a word. */
function subject(operand: ConditionOperand): string {
  if (operand.kind !== "variable") return "value";
  const parts = operand.name.split(".").filter((part) => /[A-Za-z]/.test(part));
  return parts.at(-1) ?? "value";
}

function word(operand: ConditionOperand): string {
  if (operand.kind === "variable") return subject(operand);
  const text = String(operand.value);
  return /^[\w-]+$/.test(text) && text.length <= WORD_LENGTH_MAX ? text.toLowerCase() : "given";
}
