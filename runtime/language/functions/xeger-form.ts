/** What the template function `xeger` makes text from, as the compiler hands it over. Types only. */

/** A text, one character of some ranges, parts in a row, one of several, or a part several times. */
export type XegerForm =
  | string
  | { readonly from: readonly (readonly [low: number, high: number])[] }
  | { readonly all: readonly XegerForm[] }
  | { readonly one: readonly XegerForm[] }
  | { readonly of: XegerForm; readonly min: number; readonly max: number };
