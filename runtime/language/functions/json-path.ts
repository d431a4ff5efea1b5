/**
 * The template function `jsonPath` for paths of members, indexes and wildcards. The compiler reads the path
 * (parseJsonPath); what ships only walks it. Filters, slices, unions and `..` are refused, never approximated.
 */

/** One step of a path: a member's name, an index (negative ones count from the end), or null for every child. */
export type JsonPathStep = string | number | null;

/** Longest path, in characters. */
export const JSON_PATH_LENGTH_MAX = 1_024;

/**
 * Reads `$.a['b'][0][*].*`.
 *
 * @returns the steps, or why the path cannot be used, with where in it
 */
export function parseJsonPath(
  path: string,
): { readonly steps: readonly JsonPathStep[] } | { readonly problem: string; readonly at: number } {
  const only = "members, indexes and * are";
  if (path.length > JSON_PATH_LENGTH_MAX) {
    return { problem: `the path has more than ${JSON_PATH_LENGTH_MAX} characters`, at: 0 };
  }
  if (!path.startsWith("$")) return { problem: "a JSON path begins with $", at: 0 };
  const steps: JsonPathStep[] = [];
  const step = /\.([^.[\]*'"()?@,\s]+|\*)|\[(?:(-?[0-9]{1,9})|(\*)|'([^'\\]*)'|"([^"\\]*)")\]/y;
  for (let at = 1; at < path.length; at = step.lastIndex) {
    step.lastIndex = at;
    const found = step.exec(path);
    if (found === null) return { problem: `${refusedPart(path.slice(at))} not supported in JSON paths; ${only}`, at };
    const [, member, index, , single, double] = found;
    if (index !== undefined) steps.push(Number(index));
    else steps.push(member === "*" ? null : (member ?? single ?? double ?? null));
  }
  return { steps };
}

function refusedPart(rest: string): string {
  if (rest.startsWith("..")) return "the descent (..) is";
  if (rest.startsWith("[?")) return "filters are";
  if (/^\[[^\]]*:/.test(rest)) return "slices are";
  if (/^\[[^\]]*,/.test(rest)) return "unions are";
  if (rest.startsWith("(")) return "functions are";
  return `${JSON.stringify(rest.slice(0, 20))} is`;
}

/**
 * What the path leads to, as text: strings as they are, everything else as JSON. Of an array only the first element is
 * taken, unless the whole is wanted. Empty when there is nothing, or `json` is no JSON.
 */
export function jsonPath(steps: readonly JsonPathStep[], json: string, wantsArray: boolean): string {
  const root = parsed(json);
  if (root === undefined) return "";
  let found: unknown[] = [root];
  let isList = false;
  for (const step of steps) {
    if (step === null) isList = true;
    found = found.flatMap((value) => children(value, step));
  }
  const result: unknown = isList ? found : found[0];
  if (!Array.isArray(result)) return textOf(result);
  if (!wantsArray) return textOf(result[0]);
  return result.length === 0 && isList ? "" : textOf(result);
}

function parsed(json: string): unknown {
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

function children(value: unknown, step: JsonPathStep): unknown[] {
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
