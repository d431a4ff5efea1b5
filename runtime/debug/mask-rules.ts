/** What a bundle hides in recordings besides what is always hidden (`observability.masks`), compiled. Types only. */
import type { JsonQueryStep } from "../language/functions/json-query.ts";
import type { XPathExpression } from "../language/functions/xpath-expression.ts";

/** Whose body: the request's, the response's, the response's behind a fault. */
export type MaskedBody = "request" | "response" | "fault";

/** A filter would have to look at what it hides. */
export type MaskStep = Exclude<JsonQueryStep, { readonly filter: unknown } | { readonly deep: unknown }>;
export type MaskPath = readonly (MaskStep | { readonly deep: MaskStep })[];

/** What is hidden for one proxy in one environment; names of headers in lower case. */
export interface MaskRules {
  readonly environment: string;
  readonly proxy: string;
  /** Names of variables; one that ends with `.*` means all that begin so. */
  readonly variables: readonly string[];
  readonly headers: readonly string[];
  /** Of queries and forms. */
  readonly parameters: readonly string[];
  /** Bodies that are not shown at all. */
  readonly bodies: readonly MaskedBody[];
  readonly json: { readonly [body in MaskedBody]: readonly MaskPath[] };
  readonly xml: { readonly [body in MaskedBody]: readonly XPathExpression[] };
}
