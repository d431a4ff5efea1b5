/** Runs cases both ways and says where they differ. */
import { isDeepStrictEqual } from "node:util";
import { compile } from "#compiler/compile.ts";
import { emit } from "#compiler/5-emit/emit.ts";
import { EXCHANGE_MEMBERS, Names } from "#compiler/5-emit/names.ts";
import type { Plan } from "#compiler/ir/plan.ts";
import type { Program } from "#compiler/ir/program.ts";
import { optimisationNames, optimisationsWithout, type Optimisation } from "#compiler/optimisations.ts";
import { printPlan } from "#compiler/print.ts";
import { SourceFile } from "#compiler/source/source-file.ts";
import { instancesOf } from "./compiled/evaluate.ts";
import { exchangeOutcome, type Fields } from "./compiled/exchange.ts";
import { gatewayOf, type Form, type TestedGateway } from "./compiled/gateway.ts";
import { Oracle } from "./oracle/oracle.ts";
import { operators as properOperators, type Operators } from "./oracle/operators.ts";
import type { Outcome, ParityCase, ParityRequest } from "./outcome.ts";

/** Two that should be the same. */
export interface Difference {
  readonly form: Form;
  /** Title of the switches. */
  readonly switches: string;
  /** Position of the request. */
  readonly at: number;
  readonly request: ParityRequest;
  readonly oracle: Outcome;
  readonly compiled: Outcome;
}

/** What came of a case. */
export type Verdict =
  | { readonly kind: "same"; readonly outcomes: readonly Outcome[];
      /** Titles of the switches that gave another program. */
      readonly changed: readonly string[] }
  | { readonly kind: "different"; readonly difference: Difference }
  /** The project has errors; a generator that makes many of these tests little. */
  | { readonly kind: "invalid"; readonly problems: readonly string[] };

/** What canaries put in place of the proper thing. */
export interface Tampering {
  /** Operators of the oracle. */
  readonly operators?: Operators;
  /** Optimisations that are off in every program. */
  readonly off?: readonly Optimisation[];
  /** Changes the plan before it is emitted: a wrong pass in place of one that is off. */
  readonly plan?: (plan: Plan) => Plan;
  /** Changes the text of emitted modules. */
  readonly emitted?: (text: string) => string;
}

/** Optimisations that are switched off together. */
export interface Switches {
  readonly title: string;
  readonly off: readonly Optimisation[];
}

export const ALL_ON: Switches = { title: "with every optimisation", off: [] };

/** Every optimisation off alone, and all of them. */
export const SWITCHES: readonly Switches[] = [
  { title: "without any optimisation", off: optimisationNames },
  ...optimisationNames.map((name) => ({ title: `without ${name}`, off: [name] })),
];

const FORMS: readonly Form[] = ["plain", "traced", "late"];

/** A program compiled in one way, running in each form. */
interface Compiled {
  readonly title: string;
  readonly program: Program;
  readonly plan: Plan;
  readonly problems: readonly string[];
  readonly text: string;
  readonly forms: readonly { readonly form: Form; readonly tested: TestedGateway }[];
}

/** Runs a case through the oracle and through every form of the program, compiled with each set of switches. */
export async function verdictOf(
  { files, requests }: ParityCase,
  tampering: Tampering = {},
  switches: readonly Switches[] = [ALL_ON],
): Promise<Verdict> {
  const variants: Compiled[] = [];
  for (const one of switches) {
    const compiled = await compiledOf(files, one, tampering);
    if ("errors" in compiled) return { kind: "invalid", problems: compiled.errors };
    variants.push(compiled);
  }
  const [first] = variants;
  const clock = first?.forms[0]?.tested.clock;
  if (first === undefined || clock === undefined) throw new Error("there is a program");
  // What is wrong with a bundle, and what sessions are held to, is no matter of speed.
  for (const other of variants) {
    if (!isDeepStrictEqual(factsOf(first), factsOf(other))) throw new Error(`other facts ${other.title}`);
  }
  const start = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
  const oracle = new Oracle(first.program, start, tampering.operators ?? properOperators);
  const outcomes: Outcome[] = [];
  for (const [at, request] of requests.entries()) {
    const whole = oracle.run(request);
    for (const { title, plan, forms } of variants) {
      const fields = fieldsOf(plan);
      const expected = kept(whole, fields);
      for (const { form, tested } of forms) {
        tested.clock.advance(request.advanceMs);
        const compiled = await exchangeOutcome(tested, request, fields);
        if (!isDeepStrictEqual(compiled, expected)) {
          return { kind: "different", difference: { form, switches: title, at, request, oracle: expected, compiled } };
        }
      }
    }
    outcomes.push(whole);
  }
  const changed = variants.filter(({ text }) => text !== first.text).map(({ title }) => title);
  // The rarest one shows in the plan, whether or not its turn has come.
  const shares = printPlan(first.plan).includes("decided once: ") ? ["without share-conditions"] : [];
  return { kind: "same", outcomes, changed: [...new Set([...changed, ...shares])] };
}

/** What nobody reads has no place in a compiled program. */
function kept(whole: Outcome, fields: Fields): Outcome {
  if (whole.fault !== null && whole.route === null && isEarly(whole)) return { ...whole, variables: {} };
  const custom = [...fields(whole.proxy?.split("/")[1] ?? "").keys()];
  return { ...whole, variables: Object.fromEntries(custom.map((name) => [name, whole.variables[name] ?? null])) };
}

async function compiledOf(
  files: ParityCase["files"],
  { title, off }: Switches,
  { emitted = (text) => text, plan: changed = (plan) => plan, off: more = [] }: Tampering,
): Promise<Compiled | { readonly errors: readonly string[] }> {
  const sources = Object.entries(files).map(([path, text]) => new SourceFile(path, text));
  const optimisations = optimisationsWithout([...off, ...more]);
  const { diagnostics, plan, program } = await compile(sources, { until: "plan", optimisations });
  const problems = diagnostics.all.map(({ severity, code, message, span }) =>
    `${severity} ${span?.file.path ?? ""} ${code} ${message}`);
  const errors = problems.filter((problem) => problem.startsWith("error"));
  if (errors.length > 0 || plan === undefined || program === undefined) return { errors };
  // The traced form is tried too, whoever could ask for it.
  const traced: Plan = { ...plan, features: { ...plan.features, tracing: true } };
  const modules = emit(changed(traced), { main: "", version: "" });
  const instances = await instancesOf(modules.map((module) => ({ ...module, text: emitted(module.text) })));
  const forms = await Promise.all(FORMS.map(async (form) => ({ form, tested: await gatewayOf(instances.make(), form) })));
  return { title, program, plan, problems, text: modules.map(({ text }) => text).join("\n"), forms };
}

/** What must be the same whatever is optimised. */
function factsOf({ problems, plan }: Compiled): unknown {
  const sessions = plan.proxies.flatMap(({ endpoints, ownedHeaders }) =>
    endpoints.map(({ session }) => ({ session, ownedHeaders })));
  return { problems, sessions };
}

/** Refused before any flow ran. */
function isEarly({ fault }: Outcome): boolean {
  return /ApplicationNotFound$|UpgradeRequired$|UpgradeDenied$/.test(fault?.code ?? "");
}

/** Where the emitter puts custom variables (5-emit/proxy.ts). */
function fieldsOf(plan: Plan): Fields {
  const byProxy = new Map<string, ReadonlyMap<string, string>>();
  for (const { proxy, variables } of plan.proxies) {
    const names = new Names(EXCHANGE_MEMBERS);
    const fields = variables.map((variable): [string, string] => [variable, names.camel(variable)]);
    // Parameters of calls have ended when an outcome is looked at.
    byProxy.set(proxy.name, new Map(fields.filter(([variable]) => !variable.includes(" of "))));
  }
  return (proxy) => byProxy.get(proxy) ?? new Map();
}

/** The parts that differ, and the whole project: a report from which the case can be run again. */
export function report({ files }: ParityCase, { form, switches, at, request, oracle, compiled }: Difference): string {
  const parts = differingParts(oracle, compiled)
    .map(([name, a, b]) => `  ${name}\n    oracle:   ${JSON.stringify(a)}\n    compiled: ${JSON.stringify(b)}`);
  const shown = Object.entries(files).filter(([path]) => !path.startsWith("access/") &&
    !path.startsWith("environments/"));
  const texts = shown.map(([path, text]) => `# ${path}\n${text.trimEnd()}`);
  return [
    `request ${at} differs in the ${form} form ${switches}:`,
    ...parts,
    `request: ${JSON.stringify(request)}`,
    `oracle:   ${JSON.stringify(oracle)}`,
    `compiled: ${JSON.stringify(compiled)}`,
    ...texts,
  ].join("\n");
}

function differingParts(oracle: Outcome, compiled: Outcome): [string, unknown, unknown][] {
  const one = new Map<string, unknown>(Object.entries(oracle));
  const other = new Map<string, unknown>(Object.entries(compiled));
  return [...one].flatMap(([name, value]): [string, unknown, unknown][] =>
    isDeepStrictEqual(value, other.get(name)) ? [] : [[name, value, other.get(name)]]);
}
