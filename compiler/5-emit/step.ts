/** One step of a chain: what its policy's compile-time half writes. */
import { parseTemplate } from "#runtime/language/template.ts";
import type { PlanStep } from "../ir/plan.ts";
import { isTargetUrl } from "../flow-variable.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { Phase, PolicyEmit } from "../policies/definition.ts";
import { withKnown } from "../expression/template-known.ts";
import { code, identifier, literal, type Code } from "./code.ts";
import type { FileWriter } from "./file.ts";
import type { Scope } from "./scope.ts";
import type { TracedVariables } from "./traced-variables.ts";
import { templateCode } from "./template.ts";

/** What all steps of a proxy share. */
export interface StepContext {
  scope(kind: "request" | "response"): Scope;
  /** An expression for a setting. */
  setting(request: Parameters<PolicyEmit<PolicyModel>["setting"]>[0]): Code;
  /** Variables that something reads; null: any. */
  readonly used: ReadonlySet<string> | null;
  readonly dataCollector: PolicyEmit<PolicyModel>["dataCollector"];
  /** Variables that something reads. */
  readonly reads: ReadonlySet<string>;
  /** True for variables that hold credentials. */
  isSecret(variable: string): boolean;
  /** Names of the policies that left code. */
  readonly written: Set<string>;
  /** Told of each step of a traced chain; null where nobody shows variables. */
  readonly traced: TracedVariables | null;
  /** True while fault rules are emitted. */
  readonly inFault: { value: boolean };
}

/** The scope of a step: some names are those of parameters, some values are known. */
function ofStep(scope: Scope, { names, known, effects, step }: PlanStep): Scope {
  const meant = (name: string): string => names.get(name) ?? name;
  return {
    ...scope,
    variable: (name) => scope.variable(meant(name)),
    known: (name) => known.get(meant(name)),
    read: (name) => {
      const value = known.get(meant(name));
      return value === undefined ? scope.read(meant(name)) : literal(value);
    },
    write: (name, value, policy) => {
      const isDeclared = effects.some((effect) => effect.kind === "write" && effect.name === meant(name));
      if (!isDeclared && scope.variable(meant(name)).kind === "custom") {
        throw new TypeError(`invariant: ${step.policy.model.kind} says what it writes: ${name}`);
      }
      return scope.write(meant(name), value, policy);
    },
  };
}

/** The statements of a step and, for steps that may wait, the expression to wait for. */
export function stepParts(
  item: PlanStep,
  kind: "request" | "response",
  file: FileWriter,
  context: StepContext,
): StepParts {
  const { policy } = item.step;
  const scope = ofStep(context.scope(kind), item);
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
    messageType: (name) => scope.messageType(name),
    namedMessage: (name) => scope.namedMessage(name),
    symbol: (name) => file.symbol(name),
    constant: (hint, value) => file.constant(hint, value),
    variable: (name) => scope.read(name),
    text: (name) => {
      const value = scope.known(name);
      if (value !== undefined) return literal(value === null ? null : String(value));
      return code`${file.symbol("textOrNull")}(${scope.read(name)})`;
    },
    known: (name) => scope.known(name),
    parse: (text, reading) => withKnown(parseTemplate(text, reading), (name) => scope.known(name)),
    assign: (name, value) => {
      const isIdle = !item.isTargetRequest && isTargetUrl(scope.variable(name));
      return isIdle ? code`` : scope.write(name, value, policy.name);
    },
    template: (template, unresolved) => {
      return templateCode(template, { policy: policy.name, isStrict: unresolved !== "empty" }, scope);
    },
    setting: (request) => context.setting(request),
    dataCollector: (name) => context.dataCollector(name),
    isSecret: (name) => context.isSecret(item.names.get(name) ?? name),
    isRead: (prefix) => context.used === null || [...context.used].some((name) => name.startsWith(prefix)),
    line: (statement) => {
      if (statement.text !== "") lines.push(statement);
    },
    wait: (expression) => {
      wait = expression;
    },
  };
  policy.definition.emit(emit);
  if (lines.length > 0 || wait !== null) context.written.add(policy.name);
  const isCut = item.timing !== "sync" && policy.definition.timing(policy.model) === "sync";
  const parts = { lines, wait: wait ?? (isCut ? identifier("undefined") : null) };
  const isTimed = context.reads.has(`apigee.metrics.policy.${policy.name}.timeTaken`);
  // A call's time is that of its steps, and what always raises a fault comes to no end.
  const hasEnd = item.body === null && policy.model.kind !== "RaiseFault";
  return isTimed && hasEnd ? timed(parts, policy.name, file) : parts;
}

interface StepParts {
  readonly lines: readonly Code[];
  readonly wait: Code | null;
}

/** The same, with the time that it takes. */
function timed({ lines, wait }: StepParts, policy: string, file: FileWriter): StepParts {
  const begin = code`${file.symbol("beginPolicy")}(x, ${policy});`;
  if (wait === null) return { lines: [begin, ...lines, code`${file.symbol("endPolicy")}(x, ${policy});`], wait };
  return { lines: [begin, ...lines], wait: code`${file.symbol("endPolicyLater")}(x, ${policy}, ${wait})` };
}
