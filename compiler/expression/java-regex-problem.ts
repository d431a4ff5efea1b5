/** Why a Java regular expression is refused, and what each kind of refusal advises. Decides nothing itself. */

/** Why a pattern is refused. */
export type JavaRegexProblemKind =
  | "too-long"
  | "too-deep"
  | "possessive-quantifier"
  | "atomic-group"
  | "quotation"
  | "horizontal-space"
  | "vertical-space"
  | "posix-class"
  | "unicode-property"
  | "class-intersection"
  | "class-union"
  | "anchor-escape"
  | "comments-flag"
  | "unsupported-flag"
  | "inline-flag"
  | "octal-escape"
  | "back-reference"
  | "line-break-escape"
  | "unknown-escape"
  | "complement-in-class"
  | "bad-range"
  | "bad-quantifier"
  | "repeat-too-large"
  | "quantified-assertion"
  | "supplementary-with-ignore-case"
  | "stray-brace"
  | "unclosed-group"
  | "unclosed-class"
  | "unmatched-parenthesis"
  | "unknown-group"
  | "invalid";

/** One refusal; offsets are UTF-16 units of the pattern. */
export type JavaRegexProblem = {
  readonly kind: JavaRegexProblemKind;
  readonly message: string;
  readonly start: number;
  readonly end: number;
};

/** Ends a translation at its first refusal. */
export class JavaRegexRefusal {
  readonly problem: JavaRegexProblem;
  constructor(problem: JavaRegexProblem) {
    this.problem = problem;
  }
}

/** What to tell the user, by kind. Kinds with a detail of their own pass it instead. */
export const JAVA_REGEX_ADVICE: Readonly<Record<JavaRegexProblemKind, string>> = {
  "too-long": "this expression is too long",
  "too-deep": "groups nest too deeply here",
  "possessive-quantifier":
    "possessive quantifiers are Java's own; drop the +, and let what follows begin with another character",
  "atomic-group": "(?>...) is Java's own; write (?:...) with alternatives that exclude each other",
  quotation: "\\Q...\\E is Java's own; escape the special characters one by one",
  "horizontal-space": "\\h and \\H are Java's own; write [ \\t\\xA0] or [^ \\t\\xA0]",
  "vertical-space": "\\v and \\V are Java's own; write [\\n\\x0B\\f\\r] or [^\\n\\x0B\\f\\r]",
  "posix-class": "this class is Java's own; write its members, as in [A-Za-z]",
  "unicode-property": "only general categories such as \\p{Lu} can be used, and not under (?i)",
  "class-intersection": "&& in a class is Java's own; write the members that remain",
  "class-union": "a class inside a class is Java's own; join the members, or write \\[ for the character",
  "anchor-escape": "this anchor is Java's own; leave it out, since the whole value must match anyway",
  "comments-flag": "(?x) is Java's own; write the expression without blanks and comments",
  "unsupported-flag": "this flag is Java's own; only i, s and m may be set",
  "inline-flag":
    "flags stand at the very beginning and hold for the whole expression; for a part write both cases, as in [aA]",
  "octal-escape": "octal escapes are Java's own; write \\xhh",
  "back-reference": "back references cannot be shown to match in bounded time; spell the alternatives out",
  "line-break-escape": "\\R is Java's own; write (?:\\r\\n|[\\n\\r])",
  "unknown-escape": "this escape has no meaning here",
  "complement-in-class": "\\S inside a class cannot be translated; write the characters that are meant",
  "bad-range": "a range needs a character at both ends, the lower one first; write \\- for the character",
  "bad-quantifier": "there is nothing to repeat here, or the counts are wrong; escape the character to mean itself",
  "repeat-too-large": "this count is too large",
  "quantified-assertion": "a position cannot be repeated; leave the quantifier out",
  "supplementary-with-ignore-case":
    "under (?i) only characters up to U+FFFF can be used; write both cases instead, as in [aA]",
  "stray-brace": "this brace counts nothing; write \\{ for the character",
  "unclosed-group": "this group is never closed; write \\( for the character",
  "unclosed-class": "this class is never closed; write \\[ for the character",
  "unmatched-parenthesis": "this parenthesis closes nothing; write \\) for the character",
  "unknown-group": "this kind of group is not known; write \\( for the character",
  invalid: "this expression cannot be used",
};

/** Escapes that are refused, by the letter after the backslash. */
export const REFUSED_ESCAPES: ReadonlyMap<string, JavaRegexProblemKind> = new Map<string, JavaRegexProblemKind>([
  ["Q", "quotation"],
  ["E", "quotation"],
  ["h", "horizontal-space"],
  ["H", "horizontal-space"],
  ["v", "vertical-space"],
  ["V", "vertical-space"],
  ["R", "line-break-escape"],
  ["A", "anchor-escape"],
  ["z", "anchor-escape"],
  ["Z", "anchor-escape"],
  ["G", "anchor-escape"],
  ["k", "back-reference"],
  ["0", "octal-escape"],
]);
