/** DataCapture at compile time: which variable goes into which data collector. */
import type { CallPart, TemplateArgument } from "#runtime/language/template.ts";
import { code, join, literal, type Code, type Embeddable } from "../5-emit/code.ts";
import { callProblems } from "../expression/template-call.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { Path, Phase, PolicyDefinition } from "./definition.ts";
import { frozen } from "./parts/values.ts";

interface PatternModel {
  readonly value: string;
  readonly ignoreCase?: boolean;
}

interface PartModel {
  readonly name: string;
  readonly patterns?: readonly PatternModel[];
}

/** Exactly one of `ref`, `header`, `queryParam`, `formParam`, `uriPath`, `jsonPayload` and `xmlPayload` is there. */
interface CollectModel {
  readonly ref?: string;
  readonly header?: PartModel;
  readonly queryParam?: PartModel;
  readonly formParam?: PartModel;
  readonly uriPath?: { readonly patterns: readonly PatternModel[] };
  readonly jsonPayload?: { readonly jsonPath: string };
  readonly xmlPayload?: { readonly xpath: string; readonly namespaces?: Readonly<Record<string, string>> };
  readonly source?: "request" | "response";
  readonly default?: string;
}

export interface DataCaptureModel extends PolicyModel {
  readonly kind: "DataCapture";
  readonly ignoreUnresolvedVariables?: boolean;
  readonly throwExceptionOnLimit?: boolean;
  readonly captures: readonly { readonly dataCollector: string; readonly collect: CollectModel }[];
}

export const dataCapture = {
  kind: "DataCapture",
  basename: "data-capture",
  phases: ["request", "response", "fault", "event", "postClient", "session"],
  failedPrefix: "datacapture",
  variablePrefixes: [],
  timing: () => "sync",
  changes: () => [],
  analyze(step) {
    const seen = new Set<string>();
    for (const [index, { collect, dataCollector }] of step.model.captures.entries()) {
      const at = ["captures", index];
      const value = JSON.stringify(dataCollector);
      if (step.dataCollector(dataCollector) === null) {
        const expected = "gateway.yaml declares no such collector under observability.dataCollectors";
        step.report("AGW3105", [...at, "dataCollector"], { what: "dataCollector", value, expected });
      }
      if (seen.has(dataCollector)) {
        const expected = "a collector takes one value of each policy";
        step.report("AGW3105", [...at, "dataCollector"], { what: "dataCollector", value, expected });
      }
      seen.add(dataCollector);
      const variable = variableOf(collect, step.phase);
      step.reads(variable, [...at, "collect"]);
      if (step.isSecret(variable)) step.report("AGW4115", [...at, "collect"], { name: variable });
      for (const { path, problem, text, what } of payloadProblems(collect, variable)) {
        step.report("AGW3105", [...at, "collect", ...path], { what, value: JSON.stringify(text), expected: problem });
      }
    }
  },
  emit(e) {
    const { captures, ignoreUnresolvedVariables = false, throwExceptionOnLimit = false } = e.model;
    const kept = captures.filter(({ collect }) => !e.isSecret(variableOf(collect, e.phase)));
    if (kept.length === 0) return;
    const rules = literal({
      policy: e.name,
      ignoresUnresolved: ignoreUnresolvedVariables,
      throwsOnLimit: throwExceptionOnLimit,
      captures: kept.map(({ collect, dataCollector }) => ({
        collector: dataCollector,
        type: e.dataCollector(dataCollector)?.type ?? "STRING",
        otherwise: collect.default ?? null,
        patterns: patternsOf(collect),
      })),
    });
    const values = kept.map(({ collect }): Code => {
      const variable = variableOf(collect, e.phase);
      const call = payloadCall(collect, variable);
      // What leads nowhere is empty, and no value.
      return call === null ? e.text(variable) : code`${e.template({ parts: [call], problems: [] }, "empty")} || null`;
    });
    const constant = e.constant("dataCapture", frozen(rules));
    e.line(code`${e.symbol("captureData")}(${e.x}, ${constant}, [${join(values, ", ")}]);`);
  },
} satisfies PolicyDefinition<DataCaptureModel>;

/** The flow variable that a source stands for, or which holds what it looks into. */
function variableOf(collect: CollectModel, phase: Phase): string {
  const { formParam, header, jsonPayload, queryParam, ref, source, xmlPayload } = collect;
  if (ref !== undefined) return ref;
  const message = source ?? (phase === "request" ? "request" : "response");
  if (jsonPayload !== undefined || xmlPayload !== undefined) return `${message}.content`;
  if (header !== undefined) return `${message}.header.${header.name}`;
  if (queryParam !== undefined) return `request.queryparam.${queryParam.name}`;
  return formParam === undefined ? "proxy.pathsuffix" : `request.formparam.${formParam.name}`;
}

const NOWHERE = { start: 0, end: 0 } as const;

/** A look into a body is a call of the template function that does it; null for other sources. */
function payloadCall({ jsonPayload, xmlPayload }: CollectModel, variable: string): CallPart | null {
  const text = (value: string): TemplateArgument => ({ kind: "literal", text: value, ...NOWHERE });
  const document: TemplateArgument = { kind: "variable", name: variable, ...NOWHERE };
  if (jsonPayload !== undefined) {
    return { kind: "call", name: "jsonPath", args: [text(jsonPayload.jsonPath), document], ...NOWHERE };
  }
  if (xmlPayload === undefined) return null;
  const namespaces = Object.entries(xmlPayload.namespaces ?? {}).map(([prefix, uri]) => text(`${prefix}:${uri}`));
  const args = [text(xmlPayload.xpath), document, text("string"), ...namespaces];
  return { kind: "call", name: "xpath", args, ...NOWHERE };
}

interface PayloadProblem {
  readonly path: Path;
  readonly what: string;
  readonly text: string;
  readonly problem: string;
}

/** What is wrong with a path or an expression. */
function payloadProblems(collect: CollectModel, variable: string): readonly PayloadProblem[] {
  const call = payloadCall(collect, variable);
  const { jsonPayload, xmlPayload } = collect;
  return (call === null ? [] : callProblems(call)).flatMap((found): readonly PayloadProblem[] => {
    if (!("problem" in found)) return [];
    const { problem } = found;
    if (jsonPayload === undefined) {
      return [{ path: ["xmlPayload", "xpath"], what: "xpath", text: xmlPayload?.xpath ?? "", problem }];
    }
    return [{ path: ["jsonPayload", "jsonPath"], what: "jsonPath", text: jsonPayload.jsonPath, problem }];
  });
}

/** Patterns as prefix and suffix; empty: the whole text. */
function patternsOf({ formParam, header, queryParam, uriPath }: CollectModel): Embeddable {
  const patterns = (header ?? queryParam ?? formParam ?? uriPath)?.patterns ?? [];
  return patterns.map(({ ignoreCase = false, value }) => {
    const [prefix = "", suffix = ""] = value.split("{$}");
    const cased = (text: string): string => (ignoreCase ? text.toLowerCase() : text);
    return { prefix: cased(prefix), suffix: cased(suffix), ignoreCase, isPath: uriPath !== undefined };
  });
}
