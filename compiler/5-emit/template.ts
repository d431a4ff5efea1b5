/** Message templates as string expressions. */
import type { Template, TemplatePart } from "#runtime/language/template.ts";
import type { BuiltinVariable, FlowVariable } from "../flow-variable.ts";
import { code, join, literal, unbracketed, type Code } from "./code.ts";
import type { Scope } from "./scope.ts";

/** An expression of type string. With `policy`, an unresolved variable without a default raises that policy's fault. */
export function templateCode(template: Template, policy: string | null, scope: Scope): Code {
  const pieces = template.parts.map((part) => piece(part, policy, scope));
  const [first] = pieces;
  if (first === undefined) return literal("");
  if (pieces.length === 1) return first;
  return join(pieces, " + ");
}

function piece(part: TemplatePart, policy: string | null, scope: Scope): Code {
  if (part.kind === "literal") return literal(part.text);
  // Functions were reported by the analysis: nothing is emitted from a bundle with errors.
  if (part.kind === "call") return literal("");
  const value = unbracketed(scope.read(part.name));
  if (isAlwaysText(scope.variable(part.name))) return value;
  if (part.fallback !== undefined) return code`${scope.file.symbol("textOr")}(${value}, ${part.fallback})`;
  if (policy === null) return code`${scope.file.symbol("textOr")}(${value}, "")`;
  return code`${scope.file.symbol("needText")}(${value}, ${policy}, ${part.name})`;
}

/** True for a variable that always has a value, which is a string. */
function isAlwaysText(variable: FlowVariable): boolean {
  return variable.kind === "builtin" && ALWAYS_TEXT.some((id) => id === variable.id);
}

const ALWAYS_TEXT: readonly BuiltinVariable[] = [
  "organization.name",
  "apiproxy.name",
  "environment.name",
  "proxy.name",
  "proxy.basepath",
  "proxy.pathsuffix",
  "client.scheme",
  "messageid",
  "system.time",
];
