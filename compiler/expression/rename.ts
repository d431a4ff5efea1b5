/** Conditions and templates under other names for some variables: parameters of shared flows. Evaluates nothing. */
import type { Condition, ConditionOperand } from "#runtime/language/condition.ts";
import type { Template, TemplatePart } from "#runtime/language/template.ts";

/** What variables are called elsewhere, by the name that the user wrote. */
export type OtherNames = ReadonlyMap<string, string>;

/** The same condition over the variables that are meant. Nodes keep their offsets; unchanged ones are the same. */
export function renameVariables(ast: Condition, names: OtherNames): Condition {
  if (names.size === 0) return ast;
  switch (ast.kind) {
    case "constant":
      return ast;
    case "truthy": {
      const name = names.get(ast.operand.name);
      return name === undefined ? ast : { ...ast, operand: { ...ast.operand, name } };
    }
    case "not":
      return { ...ast, operand: renameVariables(ast.operand, names) };
    case "and":
    case "or":
      return { ...ast, operands: ast.operands.map((operand) => renameVariables(operand, names)) };
    case "comparison":
      return { ...ast, left: renamed(ast.left, names), right: renamed(ast.right, names) };
    case "match":
      return { ...ast, left: renamed(ast.left, names) };
  }
}

/** The same template over the variables that are meant. */
export function renameParts(template: Template, names: OtherNames): Template {
  if (names.size === 0) return template;
  const meant = <P extends TemplatePart>(part: P): P =>
    part.kind === "variable" ? { ...part, name: names.get(part.name) ?? part.name } : part;
  const parts = template.parts.map((part) =>
    part.kind === "call" ? { ...part, args: part.args.map(meant) } : meant(part));
  return { parts, problems: template.problems };
}

function renamed(operand: ConditionOperand, names: OtherNames): ConditionOperand {
  if (operand.kind !== "variable") return operand;
  const name = names.get(operand.name);
  return name === undefined ? operand : { ...operand, name };
}
