/** One step of a chain: what its policy's compile-time half writes. */
import type { PlanStep } from "../ir/plan.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { Phase, PolicyEmit } from "../policies/definition.ts";
import { code, identifier, type Code } from "./code.ts";
import type { FileWriter } from "./file.ts";
import type { Scope } from "./scope.ts";
import { templateCode } from "./template.ts";

/** What all steps of a proxy share. */
export interface StepContext {
  scope(kind: "request" | "response"): Scope;
  /** An expression for a setting. */
  setting(request: Parameters<PolicyEmit<PolicyModel>["setting"]>[0]): Code;
  readonly reads: ReadonlySet<string>;
  /** True while fault rules are emitted. */
  readonly inFault: { value: boolean };
}

/** The scope of a step whose names some parameters have taken. */
function renamed(scope: Scope, names: PlanStep["names"]): Scope {
  if (names.size === 0) return scope;
  const meant = (name: string): string => names.get(name) ?? name;
  return {
    ...scope,
    variable: (name) => scope.variable(meant(name)),
    read: (name) => scope.read(meant(name)),
    write: (name, value, policy) => scope.write(meant(name), value, policy),
  };
}

/** The statements of a step and, for steps that may wait, the expression to wait for. */
export function stepParts(
  item: PlanStep,
  kind: "request" | "response",
  file: FileWriter,
  context: StepContext,
): { lines: readonly Code[]; wait: Code | null } {
  const { policy } = item.step;
  const scope = renamed(context.scope(kind), item.names);
  const keepsUnread = !file.optimisations.has("drop-variables");
  const lines: Code[] = [];
  let wait: Code | null = null;
  const phase: Phase = context.inFault.value ? "fault" : kind;
  const emit: PolicyEmit<PolicyModel> = {
    model: policy.model,
    name: policy.name,
    id: policy.id,
    phase,
    x: identifier("x"),
    message: kind === "request" ? code`x.request` : code`${file.symbol("responseOf")}(x)`,
    messageKind: kind,
    symbol: (name) => file.symbol(name),
    constant: (hint, value) => file.constant(hint, value),
    variable: (name) => scope.read(name),
    text: (name) => code`${file.symbol("textOrNull")}(${scope.read(name)})`,
    assign: (name, value) => scope.write(name, value, policy.name),
    template: (template, unresolved) => {
      return templateCode(template, { policy: policy.name, isStrict: unresolved !== "empty" }, scope);
    },
    setting: (request) => context.setting(request),
    isRead: (prefix) => keepsUnread || [...context.reads].some((name) => name.startsWith(prefix)),
    line: (statement) => {
      if (statement.text !== "") lines.push(statement);
    },
    wait: (expression) => {
      wait = expression;
    },
  };
  policy.definition.emit(emit);
  const isCut = item.timing !== "sync" && policy.definition.timing(policy.model) === "sync";
  return { lines, wait: wait ?? (isCut ? identifier("undefined") : null) };
}
