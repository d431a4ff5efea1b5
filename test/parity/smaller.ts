/**
 * Makes a case that differs smaller: requests, steps, flows and keys are left out one after the other as long as the
 * two still differ. What the compiler refuses does not differ, so projects stay valid by themselves.
 */
import type { ParityCase } from "./outcome.ts";

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** The smallest case found within the time. `differs` runs one. */
export async function smaller(one: ParityCase, differs: (one: ParityCase) => Promise<boolean>,
  msMax: number): Promise<ParityCase> {
  const endMs = performance.now() + msMax;
  let best = one;
  const tryOne = async (candidate: ParityCase): Promise<boolean> => {
    if (performance.now() > endMs || !(await differs(candidate))) return false;
    best = candidate;
    return true;
  };
  await tryOne({ ...best, requests: best.requests.slice(-1) });
  for (let at = best.requests.length - 2; at >= 0; at--) {
    await tryOne({ ...best, requests: best.requests.filter((_, index) => index !== at) });
  }
  for (let hasShrunk = true; hasShrunk && performance.now() < endMs; ) {
    hasShrunk = false;
    for (const path of Object.keys(best.files)) {
      if (await tryOne({ ...best, files: withFile(best.files, path, null) })) hasShrunk = true;
      else if (!path.startsWith("access/") && (await shrinkFile(path))) hasShrunk = true;
    }
    for (const [at, request] of best.requests.entries()) {
      for (const [index] of request.headers.entries()) {
        const fewer = { ...request, headers: request.headers.filter((_, other) => other !== index) };
        if (await tryOne({ ...best, requests: best.requests.with(at, fewer) })) break;
      }
    }
  }
  return best;

  async function shrinkFile(path: string): Promise<boolean> {
    let hasShrunk = false;
    // Parts further in come later: a flow is left out before its steps are tried.
    for (let at = 0; ; ) {
      const document: Json = JSON.parse(best.files[path] ?? "null");
      const places = placesOf(document, []);
      const place = places[at];
      if (place === undefined || performance.now() > endMs) return hasShrunk;
      const text = JSON.stringify(removed(document, place));
      if (await tryOne({ ...best, files: withFile(best.files, path, text) })) hasShrunk = true;
      else at++;
    }
  }
}

function withFile(files: ParityCase["files"], path: string, text: string | null): ParityCase["files"] {
  const { [path]: _, ...others } = files;
  return text === null ? others : { ...files, [path]: text };
}

type Path = readonly (string | number)[];

/** Every place that could be left out, outer ones first. */
function placesOf(value: Json, path: Path): Path[] {
  const children = childrenOf(value);
  return [
    ...children.map(([key]) => [...path, key]),
    ...children.flatMap(([key, child]) => placesOf(child, [...path, key])),
  ];
}

function childrenOf(value: Json): [string | number, Json][] {
  if (Array.isArray(value)) return value.map((item, at) => [at, item]);
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}

function removed(value: Json, [key, ...rest]: Path): Json {
  if (Array.isArray(value)) {
    return rest.length === 0
      ? value.filter((_, at) => at !== key)
      : value.map((item, at) => (at === key ? removed(item, rest) : item));
  }
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(
    rest.length === 0
      ? entries.filter(([name]) => name !== key)
      : entries.map(([name, inner]) => [name, name === key ? removed(inner, rest) : inner]),
  );
}
