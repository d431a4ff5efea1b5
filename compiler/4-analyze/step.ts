/** One step's policy: where it may stand, what it reads and writes, what it leaves behind. */
import { parseTemplate, templateVariables, type Template, type TemplateReading } from "#runtime/language/template.ts";
import type { CallProblem } from "../expression/call-problem.ts";
import { callProblems } from "../expression/template-call.ts";
import { renameParts, type OtherNames } from "../expression/rename.ts";
import { foldTemplate } from "../expression/template-fold.ts";
import { isTargetUrl, isWritable } from "../flow-variable.ts";
import type { Code, ParamsOf } from "../diagnostics/catalogue.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { Program, ProgramStep } from "../ir/program.ts";
import type { PlanEffect } from "../ir/plan.ts";
import type { Obligation, Path, Phase, PolicyAnalysis, SettingRequest } from "../policies/definition.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { DataCollectorModel } from "../ir/observe-model.ts";
import type { Span } from "../source/positions.ts";
import type { Settings } from "./settings.ts";
import type { Usage } from "./usage.ts";

/** What a step's place says. */
export interface StepPlace {
  readonly phase: Phase;
  /** Whose flows the step stands in. */
  readonly owner: "proxy" | "target";
  readonly upgradable: boolean;
  readonly conditional: boolean;
  /** True when a call that the step stands in carries on from faults. */
  readonly carriedOn: boolean;
  /** Parameters of the calls that the step stands in. */
  readonly names: OtherNames;
  /** Variables of the conditions that the step stands under. */
  readonly conditionReads: readonly string[];
  readonly obligations: Obligation[];
}

/** What messages call the flows of a phase. */
const PHASES: Readonly<Record<Phase, string>> = {
  request: "a request flow",
  response: "a response flow",
  fault: "a fault flow",
  event: "an EventFlow",
  postClient: "a PostClient flow",
  session: "a session flow",
};

/** Analyses the steps of one proxy. */
export class StepAnalysis {
  readonly #program: Program;
  readonly #usage: Usage;
  readonly #settings: Settings;
  readonly #isSecret: (variable: string) => boolean;
  readonly #diagnostics: Diagnostics;

  constructor(
    program: Program,
    isSecret: (variable: string) => boolean,
    usage: Usage,
    settings: Settings,
    diagnostics: Diagnostics,
  ) {
    this.#program = program;
    this.#isSecret = isSecret;
    this.#usage = usage;
    this.#settings = settings;
    this.#diagnostics = diagnostics;
  }

  /** Asks a step's policy about itself. */
  analyze(step: ProgramStep, place: StepPlace): readonly PlanEffect[] {
    const { policy } = step;
    const { definition, model } = policy;
    if (!definition.phases.includes(place.phase)) {
      this.#diagnostics.report("AGW3006", step.span, { kind: definition.kind, phase: PHASES[place.phase] });
    }
    const usage = this.#usage;
    const settings = this.#settings;
    const at = (path: Path): Span => this.#span(model, path);
    const meant = (variable: string): string => place.names.get(variable) ?? variable;
    const effects: PlanEffect[] = [];
    const read = (variable: string, span: Span): void => {
      effects.push({ kind: "read", name: meant(variable) });
      usage.read(meant(variable), span);
    };
    const analysis: PolicyAnalysis<PolicyModel> = {
      model,
      name: policy.name,
      id: policy.id,
      phase: place.phase,
      upgradable: place.upgradable,
      conditional: place.conditional,
      carriedOn: place.carriedOn || policy.continueOnError,
      conditionReads: place.conditionReads,
      namedMessage: (name) => usage.messages.find((message) => message.name === name) ?? null,
      reads: (variable, path) => read(variable, at(path)),
      writes: (variable, path, text = null) => {
        const name = meant(variable);
        const meantText = text === null ? null : renameParts(text, place.names);
        const { kind } = usage.variable(name);
        // One parameter of a form is written among the others.
        if (kind === "formParam") effects.push({ kind: "read", name });
        if (kind === "custom") effects.push({ kind: "write", name, text: meantText });
        if (meantText !== null) usage.derive(name, templateVariables(meantText));
        this.#writes(name, at(path), place);
      },
      template: (text, path, reading) => this.#template(text, model, path, read, reading),
      isSecret: (variable) => this.#isSecret(meant(variable)),
      forwardedHeader: forwardedHeader(this.#program),
      dataCollector: (name) => dataCollector(this.#program, name),
      ownsHeader: (name) => usage.ownedHeaders.add(name.toLowerCase()),
      derives: (variable, sources) => usage.derive(variable, sources.map(meant)),
      fillsAmbient: (variable) => usage.fillAmbient(meant(variable)),
      obligation: (obligation) => place.obligations.push(renamed(obligation, meant)),
      setting: (request: SettingRequest, path) => {
        settings.add(request.source, request.kind, at(path));
      },
      report: <C extends Code>(code: C, path: Path, params: ParamsOf<C>, extra?: { help?: string }) =>
        this.#diagnostics.report(code, at(path), params, extra),
    };
    definition.analyze(analysis);
    return effects;
  }

  #writes(variable: string, span: Span, { phase, owner }: StepPlace): void {
    const isIdle = phase !== "request" || owner !== "target";
    if (isIdle && isTargetUrl(this.#usage.variable(variable))) {
      this.#diagnostics.report("AGW3021", span, { name: variable });
    }
    if (!isWritable(this.#usage.variable(variable))) this.#diagnostics.report("AGW3007", span, { name: variable });
    this.#usage.write(variable);
  }

  #template(
    text: string,
    model: PolicyModel,
    path: Path,
    read: (name: string, span: Span) => void,
    reading?: TemplateReading,
  ): Template | null {
    const template = parseTemplate(text, reading);
    for (const problem of template.problems) {
      const span = this.#within(model, path, problem.start, problem.end);
      this.#diagnostics.report("AGW3005", span, { problem: problem.message });
    }
    if (template.problems.length > 0) return null;
    const calls = template.parts.filter((part) => part.kind === "call");
    const problems = calls.flatMap((call) => callProblems(call));
    for (const problem of problems) this.#call(problem, this.#within(model, path, problem.start, problem.end));
    if (problems.length > 0) return null;
    const folded = foldTemplate(template);
    const span = this.#span(model, path);
    for (const name of templateVariables(folded)) read(name, span);
    return folded;
  }

  #call(problem: CallProblem, span: Span): void {
    switch (problem.code) {
      case "AGW3005":
      case "AGW3009":
        this.#diagnostics.report(problem.code, span, { problem: problem.problem });
        return;
      case "AGW3010": {
        const help = "tie the expression to the start with ^, or bound its repetitions: {1,9} instead of +";
        this.#diagnostics.report(problem.code, span, { complexity: problem.complexity }, { help });
        return;
      }
      case "AGW4001": {
        const params = { key: `the call of ${problem.function}`, what: "a key" };
        this.#diagnostics.report(problem.code, span, params, { help: "take the key from a variable" });
        return;
      }
    }
  }

  #span(model: PolicyModel, path: Path): Span {
    const { positions } = this.#program.model;
    const [owner, key] = walk(model, path);
    return key === null ? positions.of(owner) : positions.of(owner, key);
  }

  #within(model: PolicyModel, path: Path, start: number, end: number): Span {
    const [owner, key] = walk(model, path);
    const { positions } = this.#program.model;
    return key === null ? positions.of(owner) : positions.within(owner, key, start, end);
  }
}

/** An obligation whose variable is named as the whole proxy knows it. */
function renamed(obligation: Obligation, meant: (variable: string) => string): Obligation {
  return obligation.kind === "credential" ? { ...obligation, variable: meant(obligation.variable) } : obligation;
}

function forwardedHeader({ gateway }: Program): PolicyAnalysis<PolicyModel>["forwardedHeader"] {
  const trusting = (gateway.listeners ?? []).find((listener) => listener.forwarded !== undefined);
  return trusting === undefined ? null : (trusting.forwarded?.header ?? "x-forwarded-for");
}

function dataCollector({ gateway }: Program, name: string): DataCollectorModel | null {
  return gateway.observability?.dataCollectors?.find((collector) => collector.name === name) ?? null;
}

/** The object that holds the last key of a path, as far as the path leads through objects. */
function walk(model: object, path: Path): [object, string | number | null] {
  let owner: object = model;
  for (const [index, key] of path.entries()) {
    const value: unknown = Reflect.get(owner, key);
    if (index === path.length - 1 || typeof value !== "object" || value === null) return [owner, key];
    owner = value;
  }
  return [owner, null];
}
