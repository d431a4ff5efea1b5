/** The syntax tree of Java regular expressions. Types only; quotation, comments and flags are settled in it. */
import type { CodePoints } from "./code-points.ts";

/** Where a node stands in the pattern: UTF-16 offsets, `end` exclusive. */
export type RegexSpan = { readonly start: number; readonly end: number };

/** One code point of a set, or one that has one of the properties (escapes of JavaScript, such as `\p{Lu}`). */
export type SetNode = { readonly kind: "set"; readonly set: CodePoints; readonly properties: readonly string[] };

/** A place that is not in the text: `end-of-lines` is `$` without (?m), `line-end` with it. */
export type AnchorNode = RegexSpan & {
  readonly kind: "anchor";
  readonly what: "start" | "end" | "end-of-lines" | "line-start" | "line-end" | "word" | "not-word";
  /** Only \n ends a line, as under (?d). */
  readonly unixLines: boolean;
};

/** `possessive` and atomic parts are never reconsidered once they have matched. */
export type RepeatNode = {
  readonly kind: "repeat";
  readonly body: RegexNode;
  readonly min: number;
  /** Infinity: no bound. */
  readonly max: number;
  readonly mode: "greedy" | "lazy" | "possessive";
};

export type RegexNode =
  | SetNode
  | AnchorNode
  | RepeatNode
  | { readonly kind: "sequence"; readonly parts: readonly RegexNode[] }
  | { readonly kind: "choice"; readonly options: readonly RegexNode[] }
  | { readonly kind: "group"; readonly body: RegexNode; readonly name: string | null }
  | { readonly kind: "atomic"; readonly body: RegexNode }
  | (RegexSpan & {
      readonly kind: "look";
      readonly ahead: boolean;
      readonly negated: boolean;
      readonly body: RegexNode;
    });
