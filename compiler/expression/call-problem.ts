/** What can be wrong with a function call of a message template, and words that several checks share. */

/** A mistake in a call, by the code it is reported with; offsets are those of the template's text. */
export type CallProblem = { readonly start: number; readonly end: number } & (
  | { readonly code: "AGW3005" | "AGW3009"; readonly problem: string }
  | { readonly code: "AGW3010"; readonly complexity: string }
  | { readonly code: "AGW4001"; readonly function: string }
);

/** Why a variable cannot stand where something is compiled. */
export function unsettled(what: string): string {
  return `the ${what} must be known when compiling: quote it, or set the variable to a literal earlier in this policy`;
}
