/**
 * The template function `jsonPath` for paths of members, indexes and wildcards, and what all its forms share: reading
 * JSON, and results as text. json-query.ts is for the other paths; the compiler reads both (json-path-syntax.ts).
 */

/** One step of a path: a member's name, an index (negative ones count from the end), or null for every child. */
export type JsonPathStep = string | number | null;

/**
 * What the path leads to, as text: strings as they are, everything else as JSON. Of an array only the first element is
 * taken, unless the whole is wanted. Empty when there is nothing, or `json` is no JSON.
 */
export function jsonPath(steps: readonly JsonPathStep[], json: string, wantsArray: boolean): string {
  const root = parsedJson(json);
  if (root === undefined) return "";
  let found: unknown[] = [root];
  let isList = false;
  for (const step of steps) {
    if (step === null) isList = true;
    found = found.flatMap((value) => children(value, step));
  }
  return resultText(isList ? found : found[0], isList, wantsArray);
}

/** A path's result as text. `isList`: the path may lead to several places, so that it always gives an array. */
export function resultText(result: unknown, isList: boolean, wantsArray: boolean): string {
  if (!Array.isArray(result)) return textOf(result);
  if (!wantsArray) return textOf(result[0]);
  return result.length === 0 && isList ? "" : textOf(result);
}

/** The value of a JSON text; undefined when it is none. */
export function parsedJson(json: string): unknown {
  try {
    // A number of many digits keeps them: read as a double it would become another one.
    return /[0-9]{16}/.test(json) ? JSON.parse(json, exact) : JSON.parse(json);
  } catch {
    return undefined;
  }
}

function exact(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  if (typeof value !== "number" || source === undefined || Number.isSafeInteger(value)) return value;
  if (!("rawJSON" in JSON) || typeof JSON.rawJSON !== "function") return value;
  return JSON.rawJSON(source);
}

/** What one step leads to from a value. */
export function children(value: unknown, step: JsonPathStep): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  if (step === null) return Object.values(value);
  if (Array.isArray(value)) {
    const child: unknown = typeof step === "number" ? value.at(step) : undefined;
    return child === undefined ? [] : [child];
  }
  return typeof step === "string" && Object.hasOwn(value, step) ? [Reflect.get(value, step)] : [];
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  try {
    return JSON.stringify(value);
  } catch {
    // Nested deeper than the stack.
    return "";
  }
}
