/**
 * Sets of code points, and their text as a class of a JavaScript expression with flag u. Knows what letters ASCII
 * folds, and no other folding.
 */

/** Inclusive ranges, in order, with gaps between them. */
export type CodePoints = readonly (readonly [low: number, high: number])[];

/** The last code point. */
const CODE_POINT_MAX = 0x10ffff;
/** Every code point. */
export const ALL: CodePoints = [[0, CODE_POINT_MAX]];

/** The set of some ranges, in any order, which may overlap. */
export function codePoints(ranges: readonly (readonly [low: number, high: number])[]): CodePoints {
  const sorted = [...ranges].sort(([a], [b]) => a - b);
  const merged: [number, number][] = [];
  for (const [low, high] of sorted) {
    const last = merged.at(-1);
    if (last === undefined || low > last[1] + 1) merged.push([low, high]);
    else last[1] = Math.max(last[1], high);
  }
  return merged;
}

/** The set of the characters of a text. */
export function charactersOf(text: string): CodePoints {
  return codePoints(Array.from(text, (char) => [char.codePointAt(0) ?? 0, char.codePointAt(0) ?? 0]));
}

/** What is in one of the sets. */
export function union(...sets: readonly CodePoints[]): CodePoints {
  return codePoints(sets.flat());
}

/** What is not in the set. */
export function complement(set: CodePoints): CodePoints {
  const gaps: [number, number][] = [];
  let next = 0;
  for (const [low, high] of set) {
    if (low > next) gaps.push([next, low - 1]);
    next = high + 1;
  }
  if (next <= CODE_POINT_MAX) gaps.push([next, CODE_POINT_MAX]);
  return gaps;
}

/** What is in both sets. */
export function intersection(a: CodePoints, b: CodePoints): CodePoints {
  return complement(union(complement(a), complement(b)));
}

/** The set with the other letter case of each ASCII letter in it. */
export function asciiFolded(set: CodePoints): CodePoints {
  const upper = intersection(set, [[0x41, 0x5a]]).map(([low, high]) => [low + 32, high + 32] as const);
  const lower = intersection(set, [[0x61, 0x7a]]).map(([low, high]) => [low - 32, high - 32] as const);
  return upper.length + lower.length === 0 ? set : union(set, upper, lower);
}

const ofProperties = new Map<string, CodePoints>();

/** The set that a property escape of JavaScript stands for, such as `\p{Lu}`. Looks at every code point, once. */
export function propertySet(escape: string): CodePoints {
  const known = ofProperties.get(escape);
  if (known !== undefined) return known;
  const test = new RegExp(`^${escape}$`, "u");
  const ranges: [number, number][] = [];
  for (let code = 0; code <= CODE_POINT_MAX; code++) {
    if (!test.test(String.fromCodePoint(code))) continue;
    const last = ranges.at(-1);
    if (last?.[1] === code - 1) last[1] = code;
    else ranges.push([code, code]);
  }
  ofProperties.set(escape, ranges);
  return ranges;
}

/** One code point as source: syntax characters escaped, what is not printable ASCII by number. */
function characterText(codePoint: number): string {
  const char = String.fromCodePoint(codePoint);
  if (/[\\^$.*+?()[\]{}|/]/.test(char)) return `\\${char}`;
  if (codePoint > 0xffff) return `\\u{${codePoint.toString(16)}}`;
  const short = SHORT.get(codePoint);
  if (short !== undefined) return short;
  const isPrintable = codePoint >= 0x20 && codePoint < 0x7f;
  return isPrintable ? char : `\\u${codePoint.toString(16).padStart(4, "0")}`;
}

const SHORT: ReadonlyMap<number, string> = new Map([[9, "\\t"], [10, "\\n"], [11, "\\v"], [12, "\\f"], [13, "\\r"]]);

/** A set and some property escapes as a class, a single character or a single escape; the shorter of both spellings. */
export function classText(set: CodePoints, properties: readonly string[] = []): string {
  const [only, ...more] = set;
  if (properties.length > 0) {
    if (properties.length === 1 && only === undefined) return properties[0] ?? "";
    return `[${rangesText(set)}${properties.join("")}]`;
  }
  if (only !== undefined && more.length === 0 && only[0] === only[1]) return characterText(only[0]);
  const isOpen = set.at(-1)?.[1] === CODE_POINT_MAX;
  return isOpen ? `[^${rangesText(complement(set))}]` : `[${rangesText(set)}]`;
}

function rangesText(set: CodePoints): string {
  return set.map(([low, high]) => {
    if (low === high) return memberText(low);
    return `${memberText(low)}${high === low + 1 ? "" : "-"}${memberText(high)}`;
  }).join("");
}

/** In a class a hyphen is syntax too. */
function memberText(codePoint: number): string {
  return codePoint === 0x2d ? "\\-" : characterText(codePoint);
}
