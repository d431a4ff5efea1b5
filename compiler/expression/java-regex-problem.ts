/** Why a Java regular expression is refused, and what each kind of refusal advises. Decides nothing itself. */

/** Why a pattern is refused. */
export type JavaRegexProblemKind =
  | "too-long"
  | "too-deep"
  | "unicode-property"
  | "class-intersection"
  | "anchor-escape"
  | "character-name"
  | "grapheme"
  | "unsupported-flag"
  | "back-reference"
  | "unknown-escape"
  | "bad-range"
  | "bad-quantifier"
  | "repeat-too-large"
  | "empty-repetition"
  | "atomic-in-look-behind"
  | "unbounded-look-behind"
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
  "too-deep": "groups and classes nest too deeply here",
  "unicode-property":
    "no property of this name means the same in JavaScript; write its members, or a category such as \\p{Lu}",
  "class-intersection": "&& needs members of the class on both sides; write \\& for the character",
  "anchor-escape": "\\G, the end of the match before, cannot be used; leave it out",
  "character-name": "characters cannot be given by name; write \\x{h...h} with the number",
  grapheme: "\\X cannot be used; write . for any one character",
  "unsupported-flag": "of the flags only i, s, m, x and d can be set; for other letters than a to z write both cases",
  "back-reference": "back references cannot be shown to match in bounded time; spell the alternatives out",
  "unknown-escape": "this escape has no meaning here",
  "bad-range": "a range needs a character at both ends, the lower one first; write \\- for the character",
  "bad-quantifier": "there is nothing to repeat here, or the counts are wrong; escape the character to mean itself",
  "repeat-too-large": "this count is too large",
  "atomic-in-look-behind": "possessive quantifiers and (?>...) cannot stand in a look-behind; leave them out there",
  "unbounded-look-behind": "a look-behind needs an end: write {0,n} in place of * and {1,n} in place of +",
  "empty-repetition":
    "what is repeated here may be nothing before it is something, and engines differ then; make it take a character",
  "stray-brace": "this brace counts nothing; write \\{ for the character",
  "unclosed-group": "this group is never closed; write \\( for the character",
  "unclosed-class": "this class is never closed; write \\[ for the character",
  "unmatched-parenthesis": "this parenthesis closes nothing; write \\) for the character",
  "unknown-group": "this kind of group is not known; write \\( for the character",
  invalid: "this expression cannot be used",
};
