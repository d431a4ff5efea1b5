/**
 * Which request headers a proxy reads and which it writes, because those belong to it (docs/differences.md "headers
 * that policies set"). What is sure never to run reads and writes nothing.
 */
import type { Condition, ConditionOperand } from "#runtime/language/condition.ts";
import type { Program, ProgramCondition, ProgramFlows, ProgramProxy, ProgramStep } from "#compiler/ir/program.ts";
import type { Value } from "../outcome.ts";
import { readBy } from "./template.ts";
import { apply, operators, type OperatorName } from "./operators.ts";
import { isKind } from "./policies.ts";

export interface HeaderUsage {
  readonly reads: readonly string[];
  readonly writes: readonly string[];
}

const remembered = new WeakMap<ProgramProxy, HeaderUsage>();

/** Lower-case header names. Those that are read and written count as read. */
export function usageOf(proxy: ProgramProxy, program: Program): HeaderUsage {
  const existing = remembered.get(proxy);
  if (existing !== undefined) return existing;
  const usage = new UsageScan();
  const fixed = { "organization.name": program.organization, "apiproxy.name": proxy.name };
  for (const target of proxy.targets) usage.flows(target, fixed);
  for (const endpoint of proxy.endpoints) {
    const known = { ...fixed, "proxy.name": endpoint.name, "proxy.basepath": endpoint.basePath };
    usage.flows(endpoint, known);
    for (const rule of endpoint.routeRules) usage.when(rule.condition, known);
  }
  for (const [point, hooks] of Object.entries(proxy.hooks)) {
    for (const { step } of hooks) usage.steps([step], fixed, point === "preProxy" || point === "preTarget");
  }
  const reads = [...new Set([...usage.read].flatMap(headerOf))];
  const found = { reads, writes: [...usage.written].filter((name) => !reads.includes(name)) };
  remembered.set(proxy, found);
  return found;
}

/** Custom variables among those read have a place at run time; the driver asks for their names elsewhere. */
function headerOf(variable: string): string[] {
  const form = /^(?:request|message|error)\.header\.(.+?)(?:\.\d+|\.values|\.values\.count|\.values\.string)?$/;
  const name = form.exec(variable)?.[1];
  return name === undefined ? [] : [name.toLowerCase()];
}

type Known = Readonly<Record<string, string>>;

class UsageScan {
  readonly read = new Set<string>();
  readonly written = new Set<string>();

  flows(flows: ProgramFlows, known: Known): void {
    for (const flow of [flows.preFlow, ...flows.flows, flows.postFlow]) {
      if (this.when(flow.condition, known) === false) continue;
      this.steps(flow.request, known, true);
      this.steps(flow.response, known, false);
    }
    this.steps(flows.eventFlow, known, false);
    const last = flows.defaultFaultRule === null ? [] : [flows.defaultFaultRule];
    for (const rule of [...flows.faultRules, ...last]) {
      if (this.when(rule.condition, known) !== false) this.steps(rule.steps, known, false);
    }
  }

  /** The condition's value as far as it is known; what is not known is read. */
  when(condition: ProgramCondition | null, known: Known): boolean | null {
    if (condition === null) return true;
    const { value, reads } = settle(condition.ast, known);
    for (const name of reads) this.read.add(name);
    return value;
  }

  steps(steps: readonly ProgramStep[], known: Known, isRequest: boolean): void {
    for (const { policy, condition, body } of steps) {
      const value = this.when(condition, known);
      if (value === false || !policy.enabled) continue;
      this.#policy(policy.model, isRequest);
      this.steps(body ?? [], known, isRequest);
      if (value === true && policy.model.kind === "RaiseFault" && !policy.continueOnError) return;
    }
  }

  #policy(model: ProgramStep["policy"]["model"], isRequest: boolean): void {
    for (const name of textsOf(model).flatMap(readBy)) this.read.add(name);
    for (const name of refsOf(model)) this.read.add(name);
    if (!isKind(model, "AssignMessage") && !isKind(model, "RaiseFault")) return;
    for (const { set, add, assignVariable } of model.actions ?? []) {
      const names = [...Object.keys(set?.headers ?? {}), ...Object.keys(add?.headers ?? {})];
      const isFlows = model.kind === "AssignMessage" && model.assignTo?.name === undefined;
      if (isRequest && isFlows) for (const name of names) this.written.add(name.toLowerCase());
      const [, message, header] = /^(request|message)\.header\.(.+?)(?:\.\d+)?$/.exec(assignVariable?.name ?? "") ?? [];
      if (header !== undefined && (message === "request" || isRequest)) this.written.add(header.toLowerCase());
    }
  }
}

/** Every text of a model that may be a template; keys that hold names or literals apart. */
function textsOf(value: unknown, key = ""): string[] {
  if (typeof value === "string") return ["name", "ref", "kind", "rate", "source",
    "clientIPVariable"].includes(key) ? [] : [value];
  if (Array.isArray(value)) return value.flatMap((item) => textsOf(item, key));
  if (typeof value !== "object" || value === null) return [];
  // The value of assignVariable is a constant.
  const isAssigned = key === "assignVariable";
  return Object.entries(value).flatMap(([name, inner]) => (isAssigned && name === "value" ? [] : textsOf(inner, name)));
}

/** Every variable that a model names. */
function refsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => refsOf(item));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    typeof inner === "string" && (name === "ref" || name === "clientIPVariable") ? [inner] : refsOf(inner));
}

interface Settled {
  readonly value: boolean | null;
  readonly reads: readonly string[];
}

/** Kleene's three values: null is unknown. */
function settle(ast: Condition, known: Known): Settled {
  switch (ast.kind) {
    case "constant":
      return { value: ast.value, reads: [] };
    case "not": {
      const { value, reads } = settle(ast.operand, known);
      return { value: value === null ? null : !value, reads };
    }
    case "and":
    case "or": {
      const decisive = ast.kind === "or";
      const parts = ast.operands.map((operand) => settle(operand, known));
      if (parts.some(({ value }) => value === decisive)) return { value: decisive, reads: [] };
      const open = parts.filter(({ value }) => value === null);
      return open.length === 0 ? { value: !decisive, reads: [] } : { value: null,
        reads: open.flatMap(({ reads }) => reads) };
    }
    case "truthy":
      return tried(known, ast.operand, null, (left) => left === true || left === "true");
    case "comparison":
      return tried(known, ast.left, ast.right, (left, right) => apply(operators, ast.operator, left, right));
    case "match":
      return triedMatch(known, ast.operator, ast.left, ast.pattern);
  }
}

function triedMatch(known: Known, operator: OperatorName, left: ConditionOperand, pattern: string | null): Settled {
  return tried(known, left, null, (value) => apply(operators, operator, value, pattern), [pattern]);
}

/** Settled when all is known, or beside a null when every value of the other side gives the same. */
function tried(
  known: Known,
  left: ConditionOperand,
  right: ConditionOperand | null,
  test: (left: Value, right: Value) => boolean,
  more: readonly Value[] = [],
): Settled {
  const others = [left, right].flatMap((operand) => (operand === null || operand.kind === "variable" ? []
    : [operand.value]));
  const facts = [left, right].flatMap((operand) =>
    operand?.kind === "variable" && known[operand.name] !== undefined ? [known[operand.name] ?? ""] : []);
  const any: Value[] = [null, "", "!", "~~", "true", true, false, -1e9, 1e9, ...more, ...others, ...facts];
  const candidates = (operand: ConditionOperand | null): readonly Value[] => {
    if (operand === null) return [null];
    if (operand.kind !== "variable") return [operand.value];
    const fact = known[operand.name];
    return fact === undefined ? any : [fact];
  };
  const isOpen = [left, right].some((operand) => operand?.kind === "variable" && known[operand.name] === undefined);
  const results = new Set(candidates(left).flatMap((a) => candidates(right).map((b) => test(a, b))));
  const [only] = results;
  const isDecided = !isOpen || [...others, ...more].includes(null);
  if (isDecided && results.size === 1 && only !== undefined) return { value: only, reads: [] };
  const reads = [left, right].flatMap((operand) =>
    operand?.kind === "variable" && known[operand.name] === undefined ? [operand.name] : []);
  return { value: null, reads };
}
