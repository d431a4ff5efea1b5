/** DataCapture at compile time: which variable goes into which data collector. */
import { code, join, literal, type Code, type Embeddable } from "../5-emit/code.ts";
import type { PolicyModel } from "../ir/model.ts";
import type { Phase, PolicyDefinition } from "./definition.ts";
import { frozen } from "./parts/values.ts";

interface PatternModel {
  readonly value: string;
  readonly ignoreCase?: boolean;
}

interface PartModel {
  readonly name: string;
  readonly patterns?: readonly PatternModel[];
}

/** Exactly one of `ref`, `header`, `queryParam`, `formParam` and `uriPath` is there. */
interface CollectModel {
  readonly ref?: string;
  readonly header?: PartModel;
  readonly queryParam?: PartModel;
  readonly formParam?: PartModel;
  readonly uriPath?: { readonly patterns: readonly PatternModel[] };
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
    const values = kept.map(({ collect }): Code => e.text(variableOf(collect, e.phase)));
    const constant = e.constant("dataCapture", frozen(rules));
    e.line(code`${e.symbol("captureData")}(${e.x}, ${constant}, [${join(values, ", ")}]);`);
  },
} satisfies PolicyDefinition<DataCaptureModel>;

/** The flow variable that a source stands for. */
function variableOf({ formParam, header, queryParam, ref, source }: CollectModel, phase: Phase): string {
  if (ref !== undefined) return ref;
  if (header !== undefined) return `${source ?? (phase === "request" ? "request" : "response")}.header.${header.name}`;
  if (queryParam !== undefined) return `request.queryparam.${queryParam.name}`;
  return formParam === undefined ? "proxy.pathsuffix" : `request.formparam.${formParam.name}`;
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
