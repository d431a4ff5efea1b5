/**
 * Path patterns, as MatchesPath and LikePath take them, compiled for matching. They set no variables.
 *
 * `*` alone in a segment: exactly one segment, not an empty one. `{name}`: the same. `*` or `{name}` beside other text:
 * any run of characters within the segment. `**`: one or more segments, at least one character; at the end of a
 * pattern it also takes what follows a slash when that is nothing, so `/pets/**` covers `/pets/` but not `/pets`.
 * `%` takes the meaning from a following `*`, `{`, `}` or `%`; before anything else it is itself. A trailing slash
 * counts: `/pets` and `/pets/` are two paths.
 */
import { escapeText, joinTexts, matchesShape, shapeSource, skipTo } from "./pattern-shape.ts";
import type { GroupCounter, PatternProblem, PatternShape } from "./pattern-shape.ts";

/** One segment: `many` is `**`, `one` is `*` or `{name}`, `texts` are plain texts with a wildcard between each two. */
type Segment = { readonly kind: "many" | "one" } | { readonly kind: "texts"; readonly texts: readonly string[] };

const ESCAPABLE = /[*{}%]/;

/** True when the whole value matches the pattern. Compiles on each call: for folding and tests. */
export function matchesPath(pattern: string, value: string): boolean {
  return matchesShape(pathShape(pattern), value);
}

/** A path pattern as anchored regular-expression text; no flags needed. */
export function pathSource(pattern: string): string {
  return shapeSource(pathShape(pattern));
}

/** What looks like a mistake in a path pattern. Such a pattern still matches, as the file's comment says. */
export function pathProblems(pattern: string): readonly PatternProblem[] {
  return readPattern(pattern).problems;
}

/** The form in which to test a path pattern. */
export function pathShape(pattern: string): PatternShape {
  const { segments } = readPattern(pattern);
  const plain = segments.map(plainText);
  if (!plain.includes(undefined)) return { kind: "exact", text: plain.join("/") };
  const head = plain.slice(0, -1);
  if (segments.at(-1)?.kind === "many" && !head.includes(undefined)) {
    return { kind: "affixes", prefix: head.map((text) => `${text ?? ""}/`).join(""), suffix: "" };
  }
  return { kind: "expression", source: `^${segmentsSource(segments)}$` };
}

function plainText(segment: Segment): string | undefined {
  return segment.kind === "texts" && segment.texts.length === 1 ? segment.texts[0] : undefined;
}

function segmentsSource(segments: readonly Segment[]): string {
  const groups: GroupCounter = { count: 0 };
  const chunks = splitAtMany(segments);
  const [head = [], ...rest] = chunks;
  const tail = rest.pop();
  let source = head.map((segment) => segmentSource(segment, groups)).join("\\/");
  if (tail === undefined) return source;
  if (head.length > 0) source += "\\/";
  for (const chunk of rest) {
    // The group that skipTo opens comes before those of its chunk, so its number is taken first.
    const inner: GroupCounter = { count: groups.count + 1 };
    const target = chunk.map((segment) => `\\/${segmentSource(segment, inner)}`).join("");
    source += skipTo("[^]+", `${target}\\/`, groups);
    groups.count = inner.count;
  }
  if (tail.length === 0) return `${source}[^]*`;
  return `${source}[^]+?${tail.map((segment) => `\\/${segmentSource(segment, groups)}`).join("")}`;
}

function splitAtMany(segments: readonly Segment[]): readonly (readonly Segment[])[] {
  const chunks: Segment[][] = [[]];
  for (const segment of segments) {
    if (segment.kind === "many") chunks.push([]);
    else chunks.at(-1)?.push(segment);
  }
  return chunks;
}

function segmentSource(segment: Segment, groups: GroupCounter): string {
  if (segment.kind !== "texts") return "[^\\/]+";
  const [only = "", ...more] = segment.texts;
  return more.length === 0 ? escapeText(only) : joinTexts(segment.texts, "[^\\/]*", groups);
}

function readPattern(pattern: string): { readonly segments: Segment[]; readonly problems: PatternProblem[] } {
  const segments: Segment[] = [];
  const problems: PatternProblem[] = [];
  for (let start = 0; start <= pattern.length; ) {
    const slash = pattern.indexOf("/", start);
    const end = slash === -1 ? pattern.length : slash;
    segments.push(readSegment(pattern, start, end, problems));
    start = end + 1;
  }
  return { segments, problems };
}

function readSegment(pattern: string, start: number, end: number, problems: PatternProblem[]): Segment {
  const whole = pattern.slice(start, end);
  if (whole === "**") return { kind: "many" };
  if (whole === "*" || /^\{[^{}%]*\}$/.test(whole)) return { kind: "one" };
  const texts = [""];
  for (let index = start; index < end; index++) {
    const char = pattern.charAt(index);
    const next = index + 1 < end ? pattern.charAt(index + 1) : "";
    if (char === "%" && ESCAPABLE.test(next)) {
      texts.push((texts.pop() ?? "") + next);
      index += 1;
      continue;
    }
    if (char === "*") {
      let last = index;
      while (last + 1 < end && pattern.charAt(last + 1) === "*") last += 1;
      if (last > index) problems.push(doubleStar(index, last + 1));
      texts.push("");
      index = last;
      continue;
    }
    if (char === "{") {
      const close = pattern.indexOf("}", index);
      if (close !== -1 && close < end) {
        texts.push("");
        index = close;
        continue;
      }
      problems.push(unclosedBrace(index));
    }
    texts.push((texts.pop() ?? "") + char);
  }
  return { kind: "texts", texts };
}

function doubleStar(start: number, end: number): PatternProblem {
  const message = "** spans segments only when it stands alone between slashes; here it counts as a single *";
  return { kind: "double-star-in-segment", message, start, end, suggestion: "*" };
}

function unclosedBrace(start: number): PatternProblem {
  const message = "this brace is not closed within its segment; write %{ for a brace as such";
  return { kind: "unclosed-brace", message, start, end: start + 1, suggestion: "%{" };
}
