/** Globs, the patterns of Matches and Like: `*` is any run of characters, also of slashes and line ends. No escapes. */
import { joinTexts, shapeSource } from "./pattern-shape.ts";
import type { PatternShape } from "./pattern-shape.ts";

/**
 * True when the whole value matches. Needs no compilation and cannot backtrack: each stretch of plain text is taken
 * where it first occurs.
 */
export function matchesGlob(pattern: string, value: string): boolean {
  const firstStar = pattern.indexOf("*");
  if (firstStar === -1) return pattern === value;
  const lastStar = pattern.lastIndexOf("*");
  const end = value.length - (pattern.length - lastStar - 1);
  if (end < firstStar) return false;
  if (!value.startsWith(pattern.slice(0, firstStar)) || !value.endsWith(pattern.slice(lastStar + 1))) return false;
  let index = firstStar;
  for (let star = firstStar; star < lastStar; ) {
    const nextStar = pattern.indexOf("*", star + 1);
    const text = pattern.slice(star + 1, nextStar);
    const found = value.indexOf(text, index);
    if (found === -1 || found + text.length > end) return false;
    index = found + text.length;
    star = nextStar;
  }
  return true;
}

/** The form in which to test a glob known at build time. */
export function globShape(pattern: string): PatternShape {
  const texts = pattern.split(/\*+/);
  const [prefix = "", suffix] = texts;
  if (suffix === undefined) return { kind: "exact", text: prefix };
  if (texts.length === 2) return { kind: "affixes", prefix, suffix };
  return { kind: "expression", source: `^${joinTexts(texts, "[^]*", { count: 0 })}$` };
}
