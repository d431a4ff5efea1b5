/**
 * Every diagnostic there is: code -> severity, title, explanation, example, message. One file per family; a code, once
 * published, never changes its meaning and is never used again for another.
 */
import { buildCatalogue } from "./catalogue/build.ts";
import { flowCatalogue } from "./catalogue/flow.ts";
import { performanceCatalogue } from "./catalogue/performance.ts";
import { policyCatalogue } from "./catalogue/policies.ts";
import { referenceCatalogue } from "./catalogue/references.ts";
import { schemaCatalogue } from "./catalogue/schema.ts";
import { securityCatalogue } from "./catalogue/security.ts";
import { syntaxCatalogue } from "./catalogue/syntax.ts";
import { targetCatalogue } from "./catalogue/targets.ts";
import type { Entry, Severity } from "./catalogue/entry.ts";

/** The table. */
export const catalogue = {
  ...syntaxCatalogue,
  ...schemaCatalogue,
  ...referenceCatalogue,
  ...flowCatalogue,
  ...targetCatalogue,
  ...policyCatalogue,
  ...securityCatalogue,
  ...performanceCatalogue,
  ...buildCatalogue,
} as const;

/** A code of the catalogue. */
export type Code = keyof typeof catalogue;

type ParamsByCode = { readonly [C in Code]: (typeof catalogue)[C] extends Entry<infer P> ? P : never };

/** The parameters of a code's message. */
export type ParamsOf<C extends Code> = ParamsByCode[C];

const entries: { readonly [C in Code]: Entry<ParamsByCode[C]> } = catalogue;

/** The message of a code with its parameters filled in. */
export function messageOf<C extends Code>(code: C, params: ParamsOf<C>): string {
  return entries[code].message(params);
}

/** All codes, in the order of their numbers. */
export function codes(): Code[] {
  return Object.keys(catalogue).filter(isCode).sort();
}

/** True when the text is a code of the catalogue. */
export function isCode(text: string): text is Code {
  return Object.hasOwn(catalogue, text);
}

/** Severity of a code. */
export function severityOf(code: Code): Severity {
  return catalogue[code].severity;
}

/** True when the place of a diagnostic with this code holds a secret, which no output may repeat. */
export function isConcealed(code: string): boolean {
  return isCode(code) && entries[code].concealed === true;
}

/** Families by the first digit of their codes, for `explain` and the reference pages. */
export const families: Readonly<Record<string, string>> = {
  "1": "syntax and schema",
  "2": "references",
  "3": "flow semantics",
  "4": "security",
  "5": "performance",
  "6": "import",
  "7": "build and engine",
  "9": "internal",
};
