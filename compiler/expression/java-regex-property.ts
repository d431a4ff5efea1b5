/** The named classes of Java's regular expressions as sets and as property escapes of JavaScript. */
import { charactersOf, codePoints, complement, propertySet, union, type CodePoints } from "./code-points.ts";

/** What a class holds: code points, and those that have a property. */
export interface Members {
  readonly set: CodePoints;
  readonly properties: readonly string[];
}

/** Predefined classes by their lower-case letter; without flags all but `h` and `v` know ASCII only. */
export const PREDEFINED: ReadonlyMap<string, CodePoints> = new Map([
  ["d", codePoints([[0x30, 0x39]])],
  ["w", codePoints([[0x30, 0x39], [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]])],
  ["s", codePoints([[9, 13], [0x20, 0x20]])],
  ["h", codePoints([[9, 9], [0x20, 0x20], [0xa0, 0xa0], [0x1680, 0x1680], [0x180e, 0x180e], [0x2000, 0x200a],
    [0x202f, 0x202f], [0x205f, 0x205f], [0x3000, 0x3000]])],
  ["v", codePoints([[10, 13], [0x85, 0x85], [0x2028, 0x2029]])],
]);

const ALPHA = codePoints([[0x41, 0x5a], [0x61, 0x7a]]);
const GRAPH = codePoints([[0x21, 0x7e]]);

/** Java's ASCII classes of POSIX names, and two sets of its own. */
const POSIX: ReadonlyMap<string, CodePoints> = new Map([
  ["Lower", codePoints([[0x61, 0x7a]])],
  ["Upper", codePoints([[0x41, 0x5a]])],
  ["ASCII", codePoints([[0, 0x7f]])],
  ["Alpha", ALPHA],
  ["Digit", codePoints([[0x30, 0x39]])],
  ["Alnum", codePoints([[0x30, 0x39], ...ALPHA])],
  ["Punct", charactersOf("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")],
  ["Graph", GRAPH],
  ["Print", codePoints([[0x20, 0x20], ...GRAPH])],
  ["Blank", codePoints([[9, 9], [0x20, 0x20]])],
  ["Cntrl", codePoints([[0, 0x1f], [0x7f, 0x7f]])],
  ["XDigit", codePoints([[0x30, 0x39], [0x41, 0x46], [0x61, 0x66]])],
  ["Space", codePoints([[9, 13], [0x20, 0x20]])],
  ["L1", codePoints([[0, 0xff]])],
  ["all", codePoints([[0, 0x10ffff]])],
]);

/** General categories, which both languages name alike. */
const CATEGORY = /^(?:LC|L[ultmo]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?|C[cfosn]?)$/;

/** Binary properties by Java's name in capitals without `_`; but those that mean something else in JavaScript. */
const BINARY: ReadonlyMap<string, readonly string[]> = new Map([
  ["ALPHABETIC", ["\\p{Alphabetic}"]],
  ["ASSIGNED", ["\\P{Cn}"]],
  ["CONTROL", ["\\p{Cc}"]],
  ["IDEOGRAPHIC", ["\\p{Ideographic}"]],
  ["JOINCONTROL", ["\\p{Join_Control}"]],
  ["LETTER", ["\\p{L}"]],
  ["LOWERCASE", ["\\p{Lowercase}"]],
  ["NONCHARACTERCODEPOINT", ["\\p{Noncharacter_Code_Point}"]],
  ["PUNCTUATION", ["\\p{P}"]],
  ["TITLECASE", ["\\p{Lt}"]],
  ["UPPERCASE", ["\\p{Uppercase}"]],
  ["WHITESPACE", ["\\p{White_Space}"]],
  ["WORD", ["\\p{Alphabetic}", "\\p{M}", "\\p{Nd}", "\\p{Pc}", "\\p{Join_Control}"]],
]);

/** The members of `\p{name}`; null when Java does not know the name, or JavaScript has nothing that means the same. */
export function namedClass(name: string, ignoresCase: boolean): Members | null {
  const posix = POSIX.get(name);
  // Under (?i) a class of one letter case holds the other one, too.
  if (posix !== undefined) return members(ignoresCase && /^(?:Lower|Upper)$/.test(name) ? ALPHA : posix);
  if (name === "LD") return { set: [], properties: ["\\p{L}", "\\p{Nd}"] };
  const [key = "", value] = name.split("=", 2);
  if (value !== undefined) {
    if (/^(?:sc|script)$/i.test(key)) return script(value);
    return /^(?:gc|general_category)$/i.test(key) ? category(value, ignoresCase) : null;
  }
  if (!name.startsWith("Is")) return category(name, ignoresCase);
  const rest = name.slice(2);
  return binary(rest, ignoresCase) ?? category(rest, ignoresCase) ?? script(rest);
}

function members(set: CodePoints): Members {
  return { set, properties: [] };
}

function category(name: string, ignoresCase: boolean): Members | null {
  if (!CATEGORY.test(name)) return null;
  return { set: [], properties: [ignoresCase && /^L[ult]$/.test(name) ? "\\p{LC}" : `\\p{${name}}`] };
}

function binary(name: string, ignoresCase: boolean): Members | null {
  const upper = name.toUpperCase().replaceAll("_", "");
  if (ignoresCase && /^(?:LOWERCASE|UPPERCASE|TITLECASE)$/.test(upper)) {
    return { set: [], properties: ["\\p{Lowercase}", "\\p{Uppercase}", "\\p{Lt}"] };
  }
  const properties = BINARY.get(upper);
  return properties === undefined ? null : { set: [], properties };
}

/** JavaScript wants the names of scripts in their own letter case, Java takes any. */
function script(name: string): Members | null {
  if (!/^[A-Za-z_]+$/.test(name)) return null;
  const proper = name.toLowerCase().replace(/(?:^|_)[a-z]/g, (start) => start.toUpperCase());
  const escape = `\\p{Script=${proper}}`;
  try {
    new RegExp(escape, "u");
  } catch {
    return null;
  }
  return { set: [], properties: [escape] };
}

/** The members of two classes. */
export function joined(a: Members, b: Members): Members {
  return { set: union(a.set, b.set), properties: [...new Set([...a.properties, ...b.properties])] };
}

/** What is not in the class. One property alone turns round; several are counted out. */
export function inverted({ set, properties }: Members): Members {
  const [only, ...more] = properties;
  if (only === undefined) return members(complement(set));
  if (more.length > 0 || set.length > 0) return members(complement(listed({ set, properties })));
  return { set: [], properties: [only.startsWith("\\p") ? `\\P${only.slice(2)}` : `\\p${only.slice(2)}`] };
}

/** The members one by one. */
export function listed({ set, properties }: Members): CodePoints {
  return properties.length === 0 ? set : union(set, ...properties.map(propertySet));
}
