/**
 * The operators of the condition language: their symbols, their words, and what people write by mistake for them.
 * Spelling only: grammar is in condition.ts, meaning in operators.ts.
 */

/** Operators that compare two values. Each is named after the function of operators.ts that carries it out. */
export type ComparisonOperator =
  | "equals"
  | "notEquals"
  | "equalsIgnoreCase"
  | "greater"
  | "greaterOrEqual"
  | "less"
  | "lessOrEqual"
  | "startsWith";

/** Operators whose right side is a pattern known at build time. */
export type MatchOperator = "glob" | "notGlob" | "path" | "regex";

/** Any operator that stands between two operands. */
export type BinaryOperator = ComparisonOperator | MatchOperator;

/** What a symbol or a word stands for in the grammar. */
export type Meaning = BinaryOperator | "and" | "or" | "not";

/** Symbols, as written after XML entities are decoded. */
export const SYMBOLS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ["!", "not"],
  ["&&", "and"],
  ["||", "or"],
  ["=", "equals"],
  ["==", "equals"],
  ["!=", "notEquals"],
  [":=", "equalsIgnoreCase"],
  [">", "greater"],
  [">=", "greaterOrEqual"],
  ["<", "less"],
  ["<=", "lessOrEqual"],
  ["=|", "startsWith"],
  ["~", "glob"],
  ["!~", "notGlob"],
  ["~/", "path"],
  ["~~", "regex"],
]);

/** Word operators in lower case; the language ignores their case. */
export const WORDS: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ["not", "not"],
  ["and", "and"],
  ["or", "or"],
  ["equals", "equals"],
  ["is", "equals"],
  ["notequals", "notEquals"],
  ["isnot", "notEquals"],
  ["equalscaseinsensitive", "equalsIgnoreCase"],
  ["greaterthan", "greater"],
  ["greaterthanorequals", "greaterOrEqual"],
  ["lesserthan", "less"],
  ["lesserthanorequals", "lessOrEqual"],
  ["startswith", "startsWith"],
  ["matches", "glob"],
  ["like", "glob"],
  ["notmatches", "notGlob"],
  ["matchespath", "path"],
  ["likepath", "path"],
  ["javaregex", "regex"],
]);

/** The spelling that printed conditions and messages use. */
export const CANONICAL: Readonly<Record<BinaryOperator, string>> = {
  equals: "=",
  notEquals: "!=",
  equalsIgnoreCase: ":=",
  greater: ">",
  greaterOrEqual: ">=",
  less: "<",
  lessOrEqual: "<=",
  startsWith: "=|",
  glob: "Matches",
  notGlob: "!~",
  path: "MatchesPath",
  regex: "JavaRegex",
};

/** Symbols of other languages, with the one that is meant here (empty: there is none). */
export const FOREIGN_SYMBOLS: ReadonlyMap<string, string> = new Map([
  ["===", "=="],
  ["!==", "!="],
  ["=!", "!="],
  ["<>", "!="],
  ["=>", ">="],
  ["=<", "<="],
  ["/~", "~/"],
  ["=~", "~~"],
  ["~=", "~"],
  ["!~~", "not JavaRegex"],
  ["!~/", "not MatchesPath"],
  ["|=", "=|"],
  ["=:", ":="],
  [":>", ">"],
  [":<", "<"],
  ["&", "&&"],
  ["|", "||"],
  ["&&&", "&&"],
  ["|||", "||"],
  ["^=", "=|"],
  ["~~~", "~~"],
  [":", ""],
]);

/** Words of other languages and former spellings, in lower case, with the word that is meant here. */
const FOREIGN_WORDS: ReadonlyMap<string, string> = new Map([
  ["lessthan", "LesserThan"],
  ["lessthanorequals", "LesserThanOrEquals"],
  ["lessthanorequal", "LesserThanOrEquals"],
  ["lessthanequals", "LesserThanOrEquals"],
  ["greaterthanequals", "GreaterThanOrEquals"],
  ["lt", "LesserThan"],
  ["le", "LesserThanOrEquals"],
  ["gt", "GreaterThan"],
  ["ge", "GreaterThanOrEquals"],
  ["eq", "Equals"],
  ["ne", "NotEquals"],
  ["neq", "NotEquals"],
  ["xor", "IsNot"],
  ["isnull", "is null"],
  ["isnotnull", "is not null"],
  ["equalsignorecase", "EqualsCaseInsensitive"],
  ["beginswith", "StartsWith"],
  ["endswith", 'Matches "*..."'],
  ["contains", 'Matches "*...*"'],
  ["includes", 'Matches "*...*"'],
  ["regex", "JavaRegex"],
  ["matchesregex", "JavaRegex"],
]);

const CAMEL_CASE: readonly string[] = [
  "And", "Or", "Not", "Equals", "Is", "NotEquals", "IsNot", "EqualsCaseInsensitive", "GreaterThan",
  "GreaterThanOrEquals", "LesserThan", "LesserThanOrEquals", "StartsWith", "Matches", "Like", "MatchesPath", "LikePath",
  "JavaRegex",
];

/** Words further from any operator than this many edits are taken for names, not for misspelt operators. */
const EDITS_MAX = 2;

/**
 * The operator a misspelt word was meant to be, or undefined when it resembles none.
 * Short words get fewer edits, otherwise every name of two letters would resemble `Is`.
 */
export function meantOperator(word: string): string | undefined {
  const lower = word.toLowerCase();
  const foreign = FOREIGN_WORDS.get(lower);
  if (foreign !== undefined) return foreign;
  if (lower.length < 4 || lower.length > 24) return undefined;
  const editsMax = lower.length < 7 ? 1 : EDITS_MAX;
  let best: string | undefined;
  let bestEdits = editsMax + 1;
  const candidates = [...CAMEL_CASE.map((name) => [name.toLowerCase(), name] as const), ...FOREIGN_WORDS];
  for (const [spelling, operator] of candidates) {
    const edits = editDistance(lower, spelling);
    if (edits >= bestEdits) continue;
    best = operator;
    bestEdits = edits;
  }
  return best;
}

/** Levenshtein distance; both words are short (bounded by the caller). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
