/** The two sides of a policy's compile-time half, written down: what it reports and notes, and which code it emits. */
import { parseTemplate, templateVariables, type Template } from "#runtime/language/template.ts";
import { code, identifier, literal, type Code } from "#compiler/5-emit/code.ts";
import type { NamedMessage } from "#compiler/flow-variable.ts";
import type { PolicyModel } from "#compiler/ir/model.ts";
import type { DataCollectorModel } from "#compiler/ir/observe-model.ts";
import type { Obligation, Phase, PolicyAnalysis, PolicyDefinition, PolicyEmit } from "#compiler/policies/definition.ts";

/** Where the step stands. */
export interface StepOptions {
  readonly phase?: Phase;
  readonly upgradable?: boolean;
  readonly conditional?: boolean;
  readonly carriedOn?: boolean;
  readonly conditionReads?: readonly string[];
  /** Messages that policies make. */
  readonly messages?: readonly NamedMessage[];
  /** Header of trusted proxies; absent: there are none. */
  readonly forwardedHeader?: "x-forwarded-for" | "forwarded";
  /** Prefixes that somebody reads. */
  readonly read?: readonly string[];
}

/** What `analyze` did. */
export interface Analysis {
  /** `AGWnnnn at.path {params}`. */
  readonly reports: string[];
  readonly reads: string[];
  readonly writes: string[];
  readonly owned: string[];
  readonly ambient: string[];
  readonly settings: string[];
  readonly obligations: Obligation[];
}

/** What gateway.yaml declares. */
const collectors: Readonly<Record<string, DataCollectorModel>> = {
  dc_text: { name: "dc_text", type: "STRING" },
  dc_count: { name: "dc_count", type: "INTEGER" },
};

/** Runs `analyze`. */
export function analyzed<M extends PolicyModel>(
  definition: PolicyDefinition<M>,
  model: M,
  options: StepOptions = {},
): Analysis {
  const found: Analysis = { reports: [], reads: [], writes: [], owned: [], ambient: [], settings: [], obligations: [] };
  const base = {
    model,
    name: "P-1",
    id: "P-1",
    phase: options.phase ?? "request",
    upgradable: options.upgradable ?? true,
    conditional: options.conditional ?? false,
    carriedOn: options.carriedOn ?? false,
    namedMessage: (name) => options.messages?.find((message) => message.name === name) ?? null,
    forwardedHeader: options.forwardedHeader ?? null,
    reads: (variable) => void found.reads.push(variable),
    writes: (variable) => void found.writes.push(variable),
    template: (text): Template => {
      const template = parseTemplate(text);
      found.reads.push(...templateVariables(template));
      return template;
    },
    isSecret: (name) => name.startsWith("private."),
    dataCollector: (name) => collectors[name] ?? null,
    ownsHeader: (name) => void found.owned.push(name),
    derives: () => undefined,
    fillsAmbient: (variable) => void found.ambient.push(variable),
    obligation: (obligation) => void found.obligations.push(obligation),
    setting: (request) => void found.settings.push(JSON.stringify(request)),
    report: (id, at, params) => void found.reports.push(`${id} ${at.join(".")} ${JSON.stringify(params)}`),
  } satisfies PolicyAnalysis<M>;
  const { conditionReads } = options;
  definition.analyze(conditionReads === undefined ? base : { ...base, conditionReads });
  return found;
}

/** The code that `emit` writes: constants, then statements, then what is waited for behind `wait `. */
export function emitted<M extends PolicyModel>(
  definition: PolicyDefinition<M>,
  model: M,
  options: StepOptions = {},
): string[] {
  const lines: string[] = [];
  const { phase = "request", read = [] } = options;
  const kind = phase === "request" ? "request" : "response";
  const emit: PolicyEmit<M> = {
    model,
    name: "P-1",
    id: "P-1",
    phase,
    x: identifier("x"),
    message: kind === "request" ? code`x.request` : code`responseOf(x)`,
    messageKind: kind,
    messageType: (name) => options.messages?.find((message) => message.name === name)?.type ?? null,
    namedMessage: (name) => code`x.${identifier(name)}`,
    symbol: (name) => identifier(name),
    constant: (hint, value) => {
      lines.push(oneLine(`const ${hint} = ${value.text}`));
      return identifier(hint);
    },
    variable: (name) => code`get(${name})`,
    text: (name) => code`text(${name})`,
    known: () => undefined,
    parse: parseTemplate,
    assign: (name, value) => code`set(${name}, ${value});`,
    template: (template, unresolved) => templateText(template, unresolved === "empty" ? "" : "!"),
    setting: (request) => code`settings(${JSON.stringify(request.source)}, ${request.kind})`,
    isSecret: (name) => name.startsWith("private."),
    dataCollector: (name) => collectors[name] ?? null,
    isRead: (prefix) => read.includes(prefix),
    line: (statement) => void lines.push(oneLine(statement.text)),
    wait: (expression) => void lines.push(oneLine(`wait ${expression.text}`)),
  };
  definition.emit(emit);
  return lines;
}

/** How long literals are broken into lines is code.ts's business. */
function oneLine(text: string): string {
  const flat = text.replaceAll("\n", " ").replaceAll("[ ", "[");
  return flat.replaceAll(", }", " }").replaceAll(", ]", "]");
}

function templateText(template: Template, mark: string): Code {
  const [only, ...others] = template.parts;
  if (only === undefined) return literal("");
  if (others.length === 0 && only.kind === "literal") return literal(only.text);
  const texts = template.parts.map((part) => (part.kind === "literal" ? part.text : `{${part.name}${mark}}`));
  return code`template(${texts.join("")})`;
}
