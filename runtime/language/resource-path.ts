/**
 * Resource paths of API products, compared with the path after the base path. A language of its own, not MatchesPath:
 * `/` alone is everything; `*` is any run of characters within one segment, also none; `**` is everything, and only
 * valid at the very end; the rest is literal, letter case and trailing slash included.
 */
import type { PatternProblem } from "./pattern-shape.ts";

const STAR = 42;
const SLASH = 47;

/**
 * True when the resource covers the path. A resource with a misplaced `**` covers nothing: a mistake must not widen
 * access. Time is bounded by the product of both lengths; nothing is compiled, so it may run per request.
 */
export function matchesResource(resource: string, path: string): boolean {
  if (resource === "/") return true;
  const doubleStar = resource.indexOf("**");
  const isOpen = doubleStar !== -1;
  if (isOpen && doubleStar !== resource.length - 2) return false;
  const pattern = isOpen ? resource.slice(0, -2) : resource;
  let at = 0;
  let index = 0;
  let star = -1;
  let starEnd = 0;
  for (;;) {
    if (at === pattern.length) {
      if (isOpen || index === path.length) return true;
    } else if (pattern.charCodeAt(at) === STAR) {
      star = at;
      starEnd = index;
      at += 1;
      continue;
    } else if (index === path.length) {
      return false;
    } else if (pattern.charCodeAt(at) === path.charCodeAt(index)) {
      at += 1;
      index += 1;
      continue;
    }
    // Only the latest star may grow: one before it would merely start this one later in the same segment.
    if (star === -1 || starEnd >= path.length || path.charCodeAt(starEnd) === SLASH) return false;
    starEnd += 1;
    index = starEnd;
    at = star + 1;
  }
}

/** What is wrong with a resource path, if anything. */
export function resourceProblem(resource: string): PatternProblem | undefined {
  const start = resource.indexOf("**");
  if (start === -1 || start === resource.length - 2) return undefined;
  const message = "** is allowed only at the very end of a resource path";
  return { kind: "double-star-not-last", message, start, end: start + 2, suggestion: "*" };
}
