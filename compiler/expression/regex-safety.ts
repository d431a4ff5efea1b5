/**
 * Whether a JavaScript expression can take more than linear time: the one door to `recheck`. Judges the source that
 * java-regex.ts made, and refuses nothing itself: what cannot be cleared is reported as not safe.
 */
import { createRequire } from "node:module";
import type { Diagnostics } from "recheck";

/** The verdict on one expression. Offsets are UTF-16 units of the JavaScript source. */
export type RegexSafety =
  | {
      readonly safe: true;
      /** False when `recheck` only failed to find an attack, as with look-arounds and very long patterns. */
      readonly proven: boolean;
    }
  | {
      readonly safe: false;
      /** `unknown`: the analysis gave up or ran out of time. */
      readonly complexity: "exponential" | "polynomial" | "unknown";
      /** The power of the length that matching costs, where it is polynomial. */
      readonly degree?: number;
      /** The part that is matched again and again; the whole source where that is not known. */
      readonly hotspot: { readonly start: number; readonly end: number };
      /** A value that shows it, as a short formula. */
      readonly attack?: string;
    };

/** How long one expression may be analysed before it counts as unknown. */
const ANALYSIS_TIMEOUT_MS = 5_000;
/** Choices an expression may hold to be cleared at sight: each can double the work, so this is a factor of 256. */
const CHOICES_MAX = 8;

type CheckSync = (source: string, flags: string, params: { readonly timeout: number }) => Diagnostics;
let checkSync: CheckSync | undefined;

/** Analyses an expression. Most are cleared at sight; the others load the analyser (3 MB) on first use. */
export function checkRegexSafety(source: string, flags: string): RegexSafety {
  if (isPlainlyLinear(source, flags)) return { safe: true, proven: true };
  checkSync ??= loadAnalyser();
  const found = checkSync(source, flags, { timeout: ANALYSIS_TIMEOUT_MS });
  const whole = { start: 0, end: source.length };
  switch (found.status) {
    case "safe":
      return { safe: true, proven: !found.complexity.isFuzz };
    case "unknown":
      return { safe: false, complexity: "unknown", hotspot: whole };
    case "vulnerable": {
      const hottest = found.hotspot.find((spot) => spot.temperature === "heat") ?? found.hotspot[0];
      const hotspot = hottest === undefined ? whole : { start: hottest.start, end: hottest.end };
      const { complexity } = found;
      const verdict = { safe: false, complexity: complexity.type, hotspot, attack: found.attack.pattern } as const;
      return complexity.type === "polynomial" ? { ...verdict, degree: complexity.degree } : verdict;
    }
  }
}

/**
 * True only for expressions whose linear time can be seen: tied to the start, at most one `*` or `+`, that one on a
 * single character or class, no counts, look-arounds or back references, and few `?` and `|`. Then no part is repeated
 * that holds a choice, so there are at most 2^CHOICES_MAX ways through, and on each the one loop stops at most once at
 * each position.
 */
export function isPlainlyLinear(source: string, flags: string): boolean {
  if (!source.startsWith("^") || flags.includes("m")) return false;
  let depth = 0;
  let loops = 0;
  let choices = 0;
  let previous = "";
  for (let index = 1; index < source.length; index++) {
    const char = source.charAt(index);
    switch (char) {
      case "\\":
        index += 1;
        if (/[1-9k]/.test(source.charAt(index))) return false;
        if (/^[pPu]\{/.test(source.slice(index, index + 2))) index = closing(source, index, "}");
        break;
      case "[":
        index = closing(source, index, "]");
        if (index === source.length) return false;
        break;
      case "(":
        depth += 1;
        if (source.charAt(index + 1) !== "?") break;
        // `(?:` and `(?<name>` group; every other form looks around.
        if (!/^\(\?(?::|<[A-Za-z])/.test(source.slice(index, index + 4))) return false;
        index += 1;
        break;
      case ")":
        depth -= 1;
        if (depth < 0) return false;
        break;
      case "|":
        if (depth === 0) return false;
        choices += 1;
        break;
      case "{":
        return false;
      case "*":
      case "+":
        if (previous === ")") return false;
        loops += 1;
        break;
      case "?":
        // After a quantifier it only turns the order of trying round.
        if (previous !== "*" && previous !== "+" && previous !== "?") choices += 1;
        break;
    }
    previous = char;
  }
  return depth === 0 && loops <= 1 && choices <= CHOICES_MAX;
}

/** The offset of the unescaped `close` that ends a class or a property name; the end when there is none. */
function closing(source: string, open: number, close: string): number {
  for (let index = open + 1; index < source.length; index++) {
    const char = source.charAt(index);
    if (char === close) return index;
    if (char === "\\") index += 1;
  }
  return source.length;
}

function loadAnalyser(): CheckSync {
  // The browser build is the one that runs on the spot: no worker, no Java, no helper process.
  const load = createRequire(import.meta.url);
  const { checkSync: loaded } = load("recheck/lib/browser.js") as { readonly checkSync: CheckSync };
  return loaded;
}
