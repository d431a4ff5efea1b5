/**
 * The cheapest form a pattern can be tested in, and the regular-expression text the three pattern languages share.
 * Every expression made here runs in time linear in the value, whatever the pattern: see `skipTo`.
 */

/**
 * How to test a value against a compiled pattern:
 * `exact` the value is `text`; `affixes` it starts with `prefix`, ends with `suffix` and is at least as long as both
 * together; `expression` it matches `source`, which is anchored at both ends, needs no flags (with or without `u` it
 * means the same) and numbers its own groups, so that it must not be joined to other source.
 */
export type PatternShape =
  | { readonly kind: "exact"; readonly text: string }
  | { readonly kind: "affixes"; readonly prefix: string; readonly suffix: string }
  | { readonly kind: "expression"; readonly source: string };

/** A mistake in a pattern; offsets are UTF-16 units of the pattern's own text. */
export type PatternProblem = {
  readonly kind: "unclosed-brace" | "double-star-in-segment" | "double-star-not-last";
  readonly message: string;
  readonly start: number;
  readonly end: number;
  readonly suggestion?: string;
};

/** Tests a value against a shape. For folding and tests; emitted code writes out the test of its one shape. */
export function matchesShape(shape: PatternShape, value: string): boolean {
  switch (shape.kind) {
    case "exact":
      return value === shape.text;
    case "affixes":
      return (
        value.length >= shape.prefix.length + shape.suffix.length &&
        value.startsWith(shape.prefix) &&
        value.endsWith(shape.suffix)
      );
    case "expression":
      return new RegExp(shape.source).test(value);
  }
}

/** A shape as regular-expression text, for those who want one form only. */
export function shapeSource(shape: PatternShape): string {
  switch (shape.kind) {
    case "exact":
      return `^${escapeText(shape.text)}$`;
    case "affixes":
      return `^${escapeText(shape.prefix)}[^]*${escapeText(shape.suffix)}$`;
    case "expression":
      return shape.source;
  }
}

/** Text that matches itself, fit for a regular-expression literal too: `/` and line ends are escaped. */
export function escapeText(text: string): string {
  return text
    .replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")
    .replace(/\n/g, "\\n")
    .replace(/\r/g, "\\r")
    .replace(/[\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16)}`);
}

/** Counts the groups of one expression, whose numbers `skipTo` needs. */
export type GroupCounter = { count: number };

/**
 * Source that goes on to the first place where `target` matches, and never reconsiders. JavaScript has no atomic
 * groups; a look-ahead is one, and the back reference then consumes what it saw. Taking the first place is right for
 * wildcards: it leaves the most text to what follows. Otherwise k wildcards would cost the k-th power of the length.
 */
export function skipTo(wildcard: string, target: string, groups: GroupCounter): string {
  groups.count += 1;
  return `(?=(${wildcard}?${target}))\\${groups.count}`;
}

/**
 * Source for texts with a wildcard between each two. The last wildcard is left to ordinary matching, since what comes
 * after it (the end, or a slash the wildcard cannot cross) fixes where it stops.
 */
export function joinTexts(texts: readonly string[], wildcard: string, groups: GroupCounter): string {
  const [first = "", ...rest] = texts;
  const last = rest.pop();
  if (last === undefined) return escapeText(first);
  const middle = rest.filter((text) => text !== "").map((text) => skipTo(wildcard, escapeText(text), groups));
  return `${escapeText(first)}${middle.join("")}${wildcard}${escapeText(last)}`;
}
