/**
 * Every optimisation by name. None changes what a client, a target or a session could notice: the parity suite holds
 * each of them, alone and together, against an interpreter. Legality, warnings and what sessions are held to never
 * depend on them.
 */

/** What each does, in the order in which they are applied. */
export const optimisations = {
  "fold-conditions": "conditions, or parts of them, that are known when the bundle is compiled are decided then",
  "fold-lookups": "a property that is the same in every environment of a proxy is a literal; others are looked up",
  "propagate-constants": "a custom variable that holds the same literal on every way to a place is that literal there",
  "drop-steps": "steps that never run are left out: their condition never holds, or a fault is always raised before",
  "drop-variables": "variables and results of policies that nobody reads are never written",
  "share-conditions": "a condition that several steps ask, with nothing between that could change it, is decided once",
  "fold-templates": "calls of template functions whose arguments are all literal become their text",
  "straight-chains": "steps that never wait follow each other in one function, without a cut between them",
  "share-matchers": "regular expressions and path patterns are made once when the program is loaded, equal ones once",
  "merge-functions": "equal functions of a proxy are written once: its plain and traced forms share what they can",
} as const;

export type Optimisation = keyof typeof optimisations;

/** Those that are on. */
export type Optimisations = ReadonlySet<Optimisation>;

/** All names, in the order in which they are applied. */
export const optimisationNames: readonly Optimisation[] = Object.keys(optimisations).filter(isOptimisation);

/** All of them but these. */
export function optimisationsWithout(off: readonly Optimisation[] = []): Optimisations {
  return new Set(optimisationNames.filter((name) => !off.includes(name)));
}

export function isOptimisation(name: string): name is Optimisation {
  return Object.hasOwn(optimisations, name);
}
