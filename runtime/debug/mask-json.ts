/** Hides places of a JSON document by their paths. It changes the tree that it is given, and looks at no values. */
import type { MaskPath, MaskStep } from "./mask-rules.ts";

/** Values that one path looks at; a document that would need more is hidden whole. */
const VISITS_MAX = 200_000;

/** Puts `hidden` in the places that the paths lead to, and tells each value that stood there. False: too large. */
export function hideInJson(
  root: unknown,
  paths: readonly MaskPath[],
  hidden: string,
  found: (value: unknown) => void,
): boolean {
  return paths.every((path) => hidePath(root, path, hidden, found));
}

function hidePath(root: unknown, path: MaskPath, hidden: string, found: (value: unknown) => void): boolean {
  let visits = 0;
  let holders: object[] = isObject(root) ? [root] : [];
  for (const [at, step] of path.entries()) {
    const isLast = at === path.length - 1;
    const next: object[] = [];
    const from = isDeep(step) ? withDescendants(holders) : holders;
    const plain = isDeep(step) ? step.deep : step;
    for (const holder of from) {
      for (const key of keysOf(holder, plain)) {
        visits += 1;
        if (visits > VISITS_MAX) return false;
        const value: unknown = Reflect.get(holder, key);
        if (isLast) {
          if (value !== hidden) found(value);
          Reflect.set(holder, key, hidden);
        } else if (isObject(value)) next.push(value);
      }
    }
    holders = next;
  }
  return true;
}

/** Members of an object, or indexes of a list, that a step means and that are there. */
function keysOf(holder: object, step: MaskStep): readonly string[] {
  if (step === null) return Object.keys(holder);
  if (typeof step === "object" && "union" in step) return step.union.flatMap((one) => keysOf(holder, one));
  if (typeof step === "object") {
    if (!Array.isArray(holder)) return [];
    const [from, to, by] = step.slice;
    return [...holder.keys()].slice(from ?? 0, to ?? undefined).filter((_, at) => at % by === 0).map(String);
  }
  if (typeof step === "string") return !Array.isArray(holder) && Object.hasOwn(holder, step) ? [step] : [];
  if (!Array.isArray(holder)) return [];
  const at = step < 0 ? holder.length + step : step;
  return at >= 0 && at < holder.length ? [String(at)] : [];
}

/** Not by recursion: a document may nest deeper than the stack. */
function withDescendants(holders: readonly object[]): object[] {
  const all = [...holders];
  for (let at = 0; at < all.length && all.length <= VISITS_MAX; at++) {
    for (const child of Object.values(all[at] ?? {})) if (isObject(child)) all.push(child);
  }
  return all;
}

function isDeep(step: MaskPath[number]): step is { readonly deep: MaskStep } {
  return typeof step === "object" && step !== null && "deep" in step;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
