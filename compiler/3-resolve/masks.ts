/** What recordings of a proxy hide: the masks of gateway, environment and proxy together, their paths read. */
import { parseJsonPath } from "#runtime/language/functions/json-path-syntax.ts";
import type { JsonQueryStep } from "#runtime/language/functions/json-query.ts";
import type { XPathExpression } from "#runtime/language/functions/xpath-expression.ts";
import { parseXPath } from "#runtime/language/functions/xpath-syntax.ts";
import type { MaskedBody, MaskPath } from "#runtime/debug/mask-rules.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { EnvironmentModel } from "../ir/environment-model.ts";
import type { MasksModel } from "../ir/gateway-model.ts";
import type { BundleModel, Named } from "../ir/model.ts";
import type { ProxyModel } from "../ir/proxy-model.ts";
import type { ProgramMasks } from "../ir/program.ts";

type PathKey = Extract<keyof MasksModel, `${MaskedBody}${"Json" | "X"}Paths`>;

const jsonKeys: { readonly [body in MaskedBody]: PathKey } = {
  request: "requestJsonPaths", response: "responseJsonPaths", fault: "faultJsonPaths",
};
const xmlKeys: { readonly [body in MaskedBody]: PathKey } = {
  request: "requestXPaths", response: "responseXPaths", fault: "faultXPaths",
};

/** For each environment of the proxy that hides something. */
export function resolveMasks(
  model: BundleModel,
  proxy: ProxyModel,
  environments: readonly Named<EnvironmentModel>[],
  diagnostics: Diagnostics,
): readonly ProgramMasks[] {
  return environments.flatMap(({ name, value }) => {
    const written = [model.gateway, value, proxy].flatMap(({ observability }) => observability?.masks ?? []);
    return written.length === 0 ? [] : [{ environment: name, ...together(written, model, diagnostics) }];
  });
}

function together(
  masks: readonly MasksModel[],
  model: BundleModel,
  diagnostics: Diagnostics,
): Omit<ProgramMasks, "environment"> {
  const variables = masks.flatMap((mask) => mask.variables ?? []);
  const ofVariables = ends(variables, /^(?:request|response)\.header\./);
  const headers = [...masks.flatMap((mask) => mask.headers ?? []), ...ofVariables];
  const json = (body: MaskedBody): readonly MaskPath[] =>
    masks.flatMap((mask) => readPaths(mask, jsonKeys[body], readJson, model, diagnostics));
  const xml = (body: MaskedBody): readonly XPathExpression[] =>
    masks.flatMap((mask) => readPaths(mask, xmlKeys[body], (text) => readXml(text, mask), model, diagnostics));
  return {
    variables: unique(variables),
    headers: unique(headers.map((header) => header.toLowerCase())),
    parameters: unique(ends(variables, /^request\.(?:query|form)param\./)),
    bodies: (["request", "response"] as const).filter((body) => variables.includes(`${body}.content`)),
    json: { request: json("request"), response: json("response"), fault: json("fault") },
    xml: { request: xml("request"), response: xml("response"), fault: xml("fault") },
  };
}

/** What follows a prefix in the names that have it. */
function ends(names: readonly string[], prefix: RegExp): readonly string[] {
  return names.filter((name) => prefix.test(name)).map((name) => name.replace(prefix, ""));
}

function unique(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}

type Read<T> = { readonly found: T } | { readonly problem: string };

function readPaths<T>(
  mask: MasksModel,
  key: PathKey,
  read: (text: string) => Read<T>,
  { positions }: BundleModel,
  diagnostics: Diagnostics,
): readonly T[] {
  const texts = mask[key] ?? [];
  return texts.flatMap((text, at) => {
    const result = read(text);
    if ("found" in result) return [result.found];
    diagnostics.report("AGW3049", positions.of(texts, at), { problem: result.problem });
    return [];
  });
}

function readJson(text: string): Read<MaskPath> {
  const parsed = parseJsonPath(text);
  if ("problem" in parsed) return parsed;
  const steps = parsed.steps.filter(isMaskStep);
  if (steps.length === 0) return { problem: "the path names nothing in the document" };
  const isWhole = steps.length === parsed.steps.length;
  return isWhole ? { found: steps } : { problem: "a filter cannot stand in a mask: it would look at what it hides" };
}

function isMaskStep(step: JsonQueryStep): step is MaskPath[number] {
  if (typeof step !== "object" || step === null) return true;
  const plain = "deep" in step ? step.deep : step;
  return typeof plain !== "object" || plain === null || !("filter" in plain);
}

function readXml(text: string, { namespaces = {} }: MasksModel): Read<XPathExpression> {
  const parsed = parseXPath(text, new Map(Object.entries(namespaces)));
  return "problem" in parsed ? { problem: parsed.problem.message } : { found: parsed.expression };
}
