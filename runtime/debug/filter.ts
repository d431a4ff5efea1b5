/**
 * The filter of a Debug session: a condition of the condition language over what is recorded. Where it asks only for
 * what is known when a request comes it decides before anything is recorded, else when the exchange has ended.
 */
import type { Exchange, ExchangeStart, Value } from "../context.ts";
import { faultName } from "../fault.ts";
import { parseCondition, type Condition, type TextSpan } from "../language/condition.ts";
import { conditionTest } from "../language/condition-test.ts";
import { RequestMessage } from "../message/message.ts";
import type { Trace } from "../observe/trace.ts";
import type { ProxyProgram } from "../program.ts";
import { queryValue, requestUri } from "../flow/variables.ts";
import { isSecretVariable } from "../language/secret-name.ts";

/** What is wrong with a filter, and where in its text (UTF-16 offsets, `end` exclusive). */
export interface FilterProblem {
  readonly message: string;
  readonly start: number;
  readonly end: number;
}

export interface DebugFilter {
  /** Whether an exchange that begins so may be meant; false only when it is certain that it is not. */
  mayMean(start: ExchangeStart): boolean;
  /** Whether this one is. */
  means(trace: Trace, x: Exchange): boolean;
}

/** What is known of a request before any flow. */
type Asked = Pick<ExchangeStart, "program" | "client" | "clientAddress" | "pathSuffix" | "request">;

const askedVariables: Readonly<Record<string, (asked: Asked) => Value>> = {
  "request.verb": ({ request }) => request.verb,
  "request.path": ({ request }) => request.path,
  "request.uri": ({ request }) => requestUri(request),
  "request.querystring": ({ request }) => request.query ?? "",
  "request.version": ({ request }) => request.version,
  "proxy.name": ({ program }) => program.endpoint,
  "proxy.basepath": ({ program }) => program.basePath,
  "proxy.pathsuffix": ({ pathSuffix }) => pathSuffix,
  "environment.name": ({ program }) => program.environment,
  "client.ip": ({ client }) => client.address,
  "client.resolved.ip": ({ clientAddress }) => clientAddress,
  "client.scheme": ({ client }) => client.scheme,
};

const endedVariables: Readonly<Record<string, (x: Exchange) => Value>> = {
  messageid: (x) => x.id,
  "is.error": (x) => x.fault !== null,
  "fault.name": (x) => (x.fault === null ? null : faultName(x.fault.code)),
  "response.status.code": (x) => x.response?.status ?? null,
  "error.status.code": (x) => (x.fault === null ? null : (x.response?.status ?? null)),
  "route.name": (x) => x.route,
  "target.name": (x) => x.target?.name ?? null,
};

const WHOLE_QUERY: ReadonlySet<string> = /* @__PURE__ */ new Set(["request.querystring", "request.uri"]);
const HEADER = /^(request|response)\.header\.([^.]+)$/;
const QUERY = /^request\.queryparam\.([^.]+)$/;

/** Reads a filter for recordings of these programs; what is wrong with it otherwise, at least one thing. */
export function parseFilter(text: string, programs: readonly ProxyProgram[]): DebugFilter | readonly FilterProblem[] {
  const parsed = parseCondition(text);
  if ("problems" in parsed) return parsed.problems.map(({ message, start, end }) => ({ message, start, end }));
  const { ast } = parsed;
  const problems: FilterProblem[] = [];
  let isEarly = true;
  visit(ast, {
    variable: (name, { start, end }) => {
      const message = problemOf(name, programs);
      if (message !== null) problems.push({ message, start, end });
      isEarly &&= isAsked(name);
    },
    regex: ({ start, end }) => {
      problems.push({ message: "JavaRegex cannot stand in a filter; Matches and MatchesPath can", start, end });
    },
  });
  if (problems.length > 0) return problems;
  const test = conditionTest(ast);
  const asked = (start: ExchangeStart): Asked => ({ ...start, request: received(start.request, start.received) });
  return {
    mayMean: (start) => !isEarly || test(askedReader(asked(start))),
    means: (trace, x) => isEarly || test(endedReader(trace, x)),
  };
}

function problemOf(name: string, programs: readonly ProxyProgram[]): string | null {
  const rows = programs.flatMap(({ variables = [] }) => variables.filter((variable) => variable.name === name));
  const isSecret = isSecretVariable(name) || rows.some(({ secret }) => secret === true);
  if (isSecret || (WHOLE_QUERY.has(name) && takesParameter(programs))) return `${name} may hold a credential`;
  if (isAsked(name) || isEnded(name) || rows.length > 0) return null;
  return `${name} is not recorded: nothing of this proxy reads or writes it`;
}

/** True where a policy takes a credential from a parameter of the query. */
function takesParameter(programs: readonly ProxyProgram[]): boolean {
  return programs.some(({ variables = [] }) => {
    return variables.some(({ name, secret }) => secret === true && name.startsWith("request.queryparam."));
  });
}

function isAsked(name: string): boolean {
  return Object.hasOwn(askedVariables, name) || QUERY.test(name) || HEADER.exec(name)?.[1] === "request";
}

function isEnded(name: string): boolean {
  return Object.hasOwn(endedVariables, name) || HEADER.exec(name)?.[1] === "response";
}

/** The request as it came. */
function received(request: RequestMessage, lines = request.lines): RequestMessage {
  return new RequestMessage(request.verb, request.path, request.query, request.version, lines);
}

function askedReader(asked: Asked): (name: string) => Value {
  return (name) => {
    const known = Object.hasOwn(askedVariables, name) ? askedVariables[name] : undefined;
    if (known !== undefined) return known(asked);
    const parameter = QUERY.exec(name)?.[1];
    if (parameter !== undefined) return queryValue(asked.request, parameter);
    return asked.request.header((HEADER.exec(name)?.[2] ?? "").toLowerCase());
  };
}

/** What was asked as it was asked; of other variables the value that was recorded last. */
function endedReader(trace: Trace, x: Exchange): (name: string) => Value {
  const { verb, path, query, version, lines } = trace.request;
  const { program, client, clientAddress, pathSuffix } = x;
  const request = new RequestMessage(verb, path, query, version, lines);
  const readAsked = askedReader({ program, client, clientAddress, pathSuffix, request });
  return (name) => {
    if (isAsked(name)) return readAsked(name);
    const known = Object.hasOwn(endedVariables, name) ? endedVariables[name] : undefined;
    if (known !== undefined) return known(x);
    const header = HEADER.exec(name)?.[2];
    return header === undefined ? lastRecorded(trace, x, name) : (x.response?.header(header.toLowerCase()) ?? null);
  };
}

function lastRecorded(trace: Trace, { program }: Exchange, name: string): Value {
  for (const { reads, writes } of trace.steps.toReversed()) {
    const found = [...reads, ...writes].findLast(({ variable }) => program.variables?.[variable]?.name === name);
    if (found !== undefined) return found.value;
  }
  return null;
}

interface Visitor {
  variable(name: string, span: TextSpan): void;
  regex(span: TextSpan): void;
}

function visit(ast: Condition, visitor: Visitor): void {
  switch (ast.kind) {
    case "constant":
      return;
    case "truthy":
      return visitor.variable(ast.operand.name, ast.operand);
    case "not":
      return visit(ast.operand, visitor);
    case "and":
    case "or":
      for (const operand of ast.operands) visit(operand, visitor);
      return;
    case "comparison":
      for (const side of [ast.left, ast.right]) if (side.kind === "variable") visitor.variable(side.name, side);
      return;
    case "match":
      if (ast.left.kind === "variable") visitor.variable(ast.left.name, ast.left);
      if (ast.operator === "regex") visitor.regex(ast);
  }
}
