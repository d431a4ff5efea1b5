/** Calls of the template function `xpath` at build time: expression, type and namespaces from its literal arguments. */
import type { XPathExpression, XPathType } from "#runtime/language/functions/xpath-expression.ts";
import { parseXPath } from "#runtime/language/functions/xpath-syntax.ts";
import type { CallPart, TemplateArgument } from "#runtime/language/template.ts";
import { unsettled, type CallProblem } from "./call-problem.ts";

/** An xpath call, understood. */
export interface XPathForm {
  readonly expression: XPathExpression;
  readonly type: XPathType;
}

/** The expression and the type of a call; null after a problem. */
export function xpathForm(call: CallPart): XPathForm | null {
  const read = readCall(call);
  return "form" in read ? read.form : null;
}

/** The first mistake in a call. */
export function xpathProblems(call: CallPart): readonly CallProblem[] {
  const read = readCall(call);
  return "form" in read ? [] : [{ code: "AGW3005", problem: read.problem, start: read.at.start, end: read.at.end }];
}

type ReadCall = { readonly form: XPathForm } | { readonly problem: string; readonly at: TemplateArgument | CallPart };

function readCall(call: CallPart): ReadCall {
  const [path, , ...options] = call.args;
  if (path === undefined) return { problem: "xpath needs an expression", at: call };
  if (path.kind === "variable") return { problem: unsettled("expression"), at: path };
  const namespaces = new Map<string, string>();
  let type: XPathType | null = null;
  for (const option of options) {
    if (option.kind === "variable") return { problem: unsettled("type, or a namespace as 'prefix:uri',"), at: option };
    const colon = option.text.indexOf(":");
    if (colon > 0) {
      namespaces.set(option.text.slice(0, colon), option.text.slice(colon + 1));
      continue;
    }
    const named = TYPES.find((known) => known === option.text);
    if (named === undefined || type !== null) {
      const expected = "the third argument of xpath is 'nodeset', 'node', 'number', 'boolean' or 'string'";
      return { problem: `${expected}; others are namespaces as 'prefix:uri'`, at: option };
    }
    type = named;
  }
  if (namespaces.size > NAMESPACES_MAX) return { problem: `xpath takes at most ${NAMESPACES_MAX} namespaces`, at: call };
  const parsed = parseXPath(path.text, namespaces);
  if ("problem" in parsed) return { problem: parsed.problem.message, at: path };
  return { form: { expression: parsed.expression, type: type ?? "nodeset" } };
}

const TYPES: readonly XPathType[] = ["nodeset", "node", "number", "boolean", "string"];
const NAMESPACES_MAX = 10;
