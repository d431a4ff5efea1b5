/**
 * The template function `jsonPath` for paths with a descent, slices, unions or filters, as Jayway's JsonPath has them.
 * The compiler reads the path (json-path-syntax.ts); what ships only walks it, and gives up at a bound.
 */
import { defaultLimits } from "../../limits.ts";
import { children, parsedJson, resultText, type JsonPathStep } from "./json-path.ts";

/** One step of such a path. */
export type JsonQueryStep =
  | JsonPathStep
  /** Several members or indexes. */
  | { readonly union: readonly (string | number)[] }
  /** From one index to before another; null: from the start, to the end. Negative ones count from the end. */
  | { readonly slice: readonly [from: number | null, to: number | null, by: number] }
  /** The elements that a condition holds for. */
  | { readonly filter: JsonFilter }
  /** The step, from here and from everything below. */
  | { readonly deep: Exclude<JsonQueryStep, { readonly deep: unknown }> };

/** A condition on `@`, the element. */
export type JsonFilter =
  | { readonly and: readonly JsonFilter[] }
  | { readonly or: readonly JsonFilter[] }
  | { readonly not: JsonFilter }
  /** The path leads somewhere. */
  | { readonly exists: JsonOperand & { readonly from: "@" | "$" } }
  | { readonly test: JsonComparison; readonly left: JsonOperand; readonly right: JsonOperand }
  /** The value is one of some literals. */
  | { readonly in: readonly JsonLiteral[]; readonly left: JsonOperand };

export type JsonComparison = "==" | "!=" | "<" | "<=" | ">" | ">=";
export type JsonLiteral = string | number | boolean | null;
/** A literal, or a path from the element or from the whole. */
export type JsonOperand =
  | { readonly literal: JsonLiteral }
  | { readonly from: "@" | "$"; readonly steps: readonly JsonPathStep[] };

/**
 * What the path leads to, as text; see jsonPath. Empty also when it leads through more than limits.jsonQueryVisitsMax
 * values.
 */
export function jsonQuery(steps: readonly JsonQueryStep[], json: string, wantsArray: boolean): string {
  const root = parsedJson(json);
  if (root === undefined) return "";
  const last = steps.at(-1);
  // Several members of one object are an object again; every other path here may lead to several places.
  const before = steps.slice(0, -1);
  const isDefinite = before.every((step) => typeof step === "string" || typeof step === "number");
  if (isDefinite && isUnion(last) && last.union.every((name) => typeof name === "string")) {
    return resultText(merged(new Walk(root).run(before)?.[0], last.union), false, wantsArray);
  }
  const found = new Walk(root).run(steps);
  return found === null ? "" : resultText(found, true, wantsArray);
}

function isUnion(step: JsonQueryStep | undefined): step is { readonly union: readonly (string | number)[] } {
  return typeof step === "object" && step !== null && "union" in step;
}

function picked(value: unknown, union: readonly (string | number)[]): unknown[] {
  return union.flatMap((one) => children(value, one));
}

function merged(value: unknown, names: readonly (string | number)[]): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.fromEntries(names.flatMap((name) => children(value, name).map((child) => [name, child])));
}

class Walk {
  readonly #root: unknown;
  #visits = 0;

  constructor(root: unknown) {
    this.#root = root;
  }

  /** What the steps lead to, in the document's order; null when that took too many visits. */
  run(steps: readonly JsonQueryStep[]): unknown[] | null {
    let found: unknown[] = [this.#root];
    for (const step of steps) {
      const next: unknown[] = [];
      for (const value of found) {
        if (!this.#take(value, step, next)) return null;
      }
      found = next;
    }
    return found;
  }

  /** Adds what a step leads to; false when the visits are used up. */
  #take(value: unknown, step: JsonQueryStep, into: unknown[]): boolean {
    if (typeof step !== "object" || step === null || !("deep" in step)) {
      const before = into.length;
      for (const child of this.#step(value, step)) into.push(child);
      this.#visits += 1 + into.length - before;
      return this.#visits <= defaultLimits.jsonQueryVisitsMax;
    }
    // Not by recursion: a document may nest deeper than the stack.
    const waiting: unknown[] = [value];
    while (waiting.length > 0) {
      const next = waiting.pop();
      if (!this.#take(next, step.deep, into)) return false;
      if (typeof next !== "object" || next === null) continue;
      for (const child of Object.values(next).reverse()) waiting.push(child);
    }
    return true;
  }

  #step(value: unknown, step: Exclude<JsonQueryStep, { readonly deep: unknown }>): unknown[] {
    if (typeof step !== "object" || step === null) return children(value, step);
    if ("union" in step) return picked(value, step.union);
    if ("slice" in step) return Array.isArray(value) ? sliced(value, step.slice) : [];
    // An object is itself what a filter looks at.
    const candidates: readonly unknown[] = Array.isArray(value) ? value : isObject(value) ? [value] : [];
    this.#visits += candidates.length;
    return candidates.filter((candidate) => this.#holds(step.filter, candidate));
  }

  #holds(filter: JsonFilter, element: unknown): boolean {
    if ("and" in filter) return filter.and.every((one) => this.#holds(one, element));
    if ("or" in filter) return filter.or.some((one) => this.#holds(one, element));
    if ("not" in filter) return !this.#holds(filter.not, element);
    if ("exists" in filter) return this.#value(filter.exists, element) !== undefined;
    const left = this.#value(filter.left, element);
    if ("in" in filter) return filter.in.some((one) => left === one);
    return this.#compared(filter.test, left, this.#value(filter.right, element));
  }

  /** Only numbers and numbers, or texts and texts, have an order. */
  #compared(test: JsonComparison, left: unknown, right: unknown): boolean {
    if (test === "==") return this.#isSame(left, right);
    if (test === "!=") return !this.#isSame(left, right);
    const order = orderOf(left, right);
    if (Number.isNaN(order)) return false;
    return test === "<" ? order < 0 : test === "<=" ? order <= 0 : test === ">" ? order > 0 : order >= 0;
  }

  /** Values of several members are the same when they say the same, in the same order; each of them is a visit. */
  #isSame(left: unknown, right: unknown): boolean {
    const waiting: (readonly [unknown, unknown])[] = [[left, right]];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [one, other] = next;
      if (one === other) continue;
      if (this.#visits > defaultLimits.jsonQueryVisitsMax) return false;
      if (!isObject(one) || !isObject(other) || Array.isArray(one) !== Array.isArray(other)) return false;
      const [members, others] = [Object.entries(one), Object.entries(other)];
      this.#visits += members.length + others.length;
      if (members.length !== others.length) return false;
      for (const [at, [name, value]] of members.entries()) {
        if (others[at]?.[0] !== name) return false;
        waiting.push([value, others[at]?.[1]]);
      }
    }
    return true;
  }

  #value(operand: JsonOperand, element: unknown): unknown {
    if ("literal" in operand) return operand.literal;
    let value: unknown = operand.from === "@" ? element : this.#root;
    for (const step of operand.steps) [value] = children(value, step);
    return value;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function sliced(list: readonly unknown[], [from, to, by]: readonly [number | null, number | null, number]): unknown[] {
  return list.slice(from ?? 0, to ?? undefined).filter((_, at) => at % by === 0);
}

function orderOf(left: unknown, right: unknown): number {
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (typeof left !== "string" || typeof right !== "string") return NaN;
  return left === right ? 0 : left < right ? -1 : 1;
}
