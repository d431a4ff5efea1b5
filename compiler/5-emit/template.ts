/** Message templates as string expressions; what is constant is computed here. */
import type { Template, TemplateArgument, TemplatePart, VariablePart } from "#runtime/language/template.ts";
import { foldTemplate } from "../expression/template-fold.ts";
import { withKnown } from "../expression/template-known.ts";
import type { BuiltinVariable, FlowVariable } from "../flow-variable.ts";
import { code, join, literal, unbracketed, withoutNull, type Code } from "./code.ts";
import type { Scope } from "./scope.ts";
import { callCode } from "./template-call.ts";

/** Whose template it is. */
export interface TemplateUse {
  readonly policy: string;
  /** An unresolved variable without a default raises the policy's fault; otherwise it is the empty text. */
  readonly isStrict: boolean;
}

/** An expression of type string. */
export function templateCode(template: Template, use: TemplateUse, scope: Scope): Code {
  const known = withKnown(template, (name) => scope.known(name));
  const folded = scope.file.optimisations.has("fold-templates") ? foldTemplate(known) : known;
  const pieces = folded.parts.map((part) => piece(part, use, scope));
  const [first] = pieces;
  if (first === undefined) return literal("");
  if (pieces.length === 1) return first;
  return join(pieces, " + ");
}

function piece(part: TemplatePart, use: TemplateUse, scope: Scope): Code {
  if (part.kind === "literal") return literal(part.text);
  if (part.kind === "variable") return unbracketed(variableText(part, use, scope));
  return callCode(part, {
    scope,
    policy: use.policy,
    text: (argument) => (argument.kind === "literal" ? literal(argument.text) : variableText(argument, use, scope)),
    first: (args) => firstText(args, use, scope),
  });
}

/** A variable as text, in brackets where its expression needs them before a dot. */
function variableText(part: VariablePart, use: TemplateUse, scope: Scope): Code {
  const value = scope.read(part.name);
  return isAlwaysText(scope.variable(part.name)) ? value : needed(value, part.name, part.fallback, use, scope);
}

function needed(value: Code, name: string, fallback: string | undefined, use: TemplateUse, scope: Scope): Code {
  if (fallback === undefined && use.isStrict) {
    return code`${scope.file.symbol("needText")}(${unbracketed(value)}, ${use.policy}, ${name})`;
  }
  if (value.text === "null") return literal(fallback ?? "");
  return code`${scope.file.symbol("textOr")}(${unbracketed(value)}, ${fallback ?? ""})`;
}

/** The left-most argument with a value; without any, unresolved like a variable. What follows a sure one is dropped. */
function firstText(args: readonly TemplateArgument[], use: TemplateUse, scope: Scope): Code {
  const values: Code[] = [];
  let fallback: string | undefined;
  for (const argument of args) {
    if (argument.kind === "variable") values.push(scope.read(argument.name));
    const isSure = argument.kind === "variable" && isAlwaysText(scope.variable(argument.name));
    if (isSure && values.length === 1) return values[0] ?? literal("");
    fallback = argument.kind === "literal" ? argument.text : isSure ? "" : argument.fallback;
    if (fallback !== undefined) break;
  }
  const known = values.filter(({ text }) => text !== "null");
  const names = args.flatMap((argument) => (argument.kind === "variable" ? [argument.name] : []));
  return needed(either(known), names.join(", "), fallback, use, scope);
}

/** `a ?? b ?? c`; the last one says null itself. */
function either(values: readonly Code[]): Code {
  const [last, ...earlier] = values.toReversed();
  return earlier.reduce((rest, value) => code`${withoutNull(value)} ?? ${rest}`, last ?? literal(null));
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
