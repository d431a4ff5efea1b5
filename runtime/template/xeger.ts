/**
 * The template function `xeger`: random text that a regular expression matches. The compiler has read the expression
 * and bounded the text; what ships only rolls dice, with the gateway's clock.
 */
import type { Clock } from "../clock.ts";
import type { XegerForm } from "../language/functions/xeger-form.ts";

/** A text of the form. Every choice is even; so is the number of repetitions. */
export function xeger(clock: Clock, form: XegerForm): string {
  if (typeof form === "string") return form;
  if ("all" in form) return form.all.map((part) => xeger(clock, part)).join("");
  if ("one" in form) return xeger(clock, form.one[below(clock, form.one.length)] ?? "");
  if ("from" in form) return characterOf(clock, form.from);
  let text = "";
  for (let left = form.min + below(clock, form.max - form.min + 1); left > 0; left--) text += xeger(clock, form.of);
  return text;
}

function characterOf(clock: Clock, ranges: readonly (readonly [low: number, high: number])[]): string {
  let at = below(clock, ranges.reduce((size, [low, high]) => size + high - low + 1, 0));
  for (const [low, high] of ranges) {
    if (at <= high - low) return String.fromCodePoint(low + at);
    at -= high - low + 1;
  }
  return "";
}

/** 0 to `count` - 1. Of 48 bits over at most 21 the lean towards small numbers is below 2^-27. */
function below(clock: Clock, count: number): number {
  return count < 2 ? 0 : clock.randomBytes(6).readUIntBE(0, 6) % count;
}
