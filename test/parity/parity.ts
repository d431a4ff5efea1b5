/** Runs cases both ways and says where they differ. */
import { isDeepStrictEqual } from "node:util";
import { compile } from "#compiler/compile.ts";
import { EXCHANGE_MEMBERS, Names } from "#compiler/5-emit/names.ts";
import type { Plan } from "#compiler/ir/plan.ts";
import { SourceFile } from "#compiler/source/source-file.ts";
import { instancesOf } from "./compiled/evaluate.ts";
import { exchangeOutcome, type Fields } from "./compiled/exchange.ts";
import { gatewayOf, type Form } from "./compiled/gateway.ts";
import { Oracle } from "./oracle/oracle.ts";
import { operators as properOperators, type Operators } from "./oracle/operators.ts";
import type { Outcome, ParityCase, ParityRequest } from "./outcome.ts";

/** Two that should be the same. */
export interface Difference {
  readonly form: Form;
  /** Position of the request. */
  readonly at: number;
  readonly request: ParityRequest;
  readonly oracle: Outcome;
  readonly compiled: Outcome;
}

/** What came of a case. */
export type Verdict =
  | { readonly kind: "same"; readonly outcomes: readonly Outcome[] }
  | { readonly kind: "different"; readonly difference: Difference }
  /** The project has errors; a generator that makes many of these tests little. */
  | { readonly kind: "invalid"; readonly problems: readonly string[] };

/** What canaries put in place of the proper thing. */
export interface Tampering {
  /** Operators of the oracle. */
  readonly operators?: Operators;
  /** Changes the text of emitted modules. */
  readonly emitted?: (text: string) => string;
}

const FORMS: readonly Form[] = ["plain", "traced", "late"];

/** Runs a case through the oracle and through every form of the compiled program. */
export async function verdictOf({ files, requests }: ParityCase, tampering: Tampering = {}): Promise<Verdict> {
  const { operators = properOperators, emitted = (text: string) => text } = tampering;
  const sources = Object.entries(files).map(([path, text]) => new SourceFile(path, text));
  const { diagnostics, plan, program, modules } = await compile(sources);
  const errors = diagnostics.all.filter(({ severity }) => severity === "error");
  if (errors.length > 0 || plan === undefined || program === undefined || modules === undefined) {
    return { kind: "invalid", problems: errors.map(({ code, message,
      span }) => `${span?.file.path ?? ""} ${code} ${message}`) };
  }
  const instances = await instancesOf(modules.map((module) => ({ ...module, text: emitted(module.text) })));
  const fields = fieldsOf(plan);
  const forms = await Promise.all(FORMS.map(async (form) => ({ form, tested: await gatewayOf(instances.make(),
    form) })));
  const { clock } = forms[0]?.tested ?? {};
  if (clock === undefined) throw new Error("there is a form");
  const start = { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() };
  const oracle = new Oracle(program, start, operators);
  const outcomes: Outcome[] = [];
  for (const [at, request] of requests.entries()) {
    const whole = oracle.run(request);
    const expected = { ...whole, variables: {} };
    const custom = fields(whole.proxy?.split("/")[1] ?? "");
    // What nobody reads has no place in a compiled program.
    const kept: Outcome = whole.fault !== null && whole.route === null && isEarly(whole)
      ? expected
      : { ...whole, variables: Object.fromEntries([...custom.keys()].map((name) => [name,
        whole.variables[name] ?? null])) };
    for (const { form, tested } of forms) {
      tested.clock.advance(request.advanceMs);
      const compiled = await exchangeOutcome(tested, request, fields);
      if (!isDeepStrictEqual(compiled, kept)) {
        return { kind: "different", difference: { form, at, request, oracle: kept, compiled } };
      }
    }
    outcomes.push(kept);
  }
  return { kind: "same", outcomes };
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
export function report({ files }: ParityCase, { form, at, request, oracle, compiled }: Difference): string {
  const parts = differingParts(oracle, compiled)
    .map(([name, a, b]) => `  ${name}\n    oracle:   ${JSON.stringify(a)}\n    compiled: ${JSON.stringify(b)}`);
  const shown = Object.entries(files).filter(([path]) => !path.startsWith("access/") &&
    !path.startsWith("environments/"));
  const texts = shown.map(([path, text]) => `# ${path}\n${text.trimEnd()}`);
  return [
    `request ${at} differs in the ${form} form:`,
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
