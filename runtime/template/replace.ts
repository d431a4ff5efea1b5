/**
 * The template functions `replaceAll` and `replaceFirst` for a replacement that is known only when they run. Those with
 * a literal one are emitted in place.
 */
import { fault } from "../fault.ts";
import { defaultLimits } from "../limits.ts";

/**
 * Puts a text in place of the first match, or of all where the expression is global. The text stands for itself: `$1`
 * in a value from a client is no reference. A result above limits.replacedCharsMax is a fault, which names `policy`.
 */
export function replaceWith(text: string, pattern: RegExp, replacement: string, policy: string): string {
  let room = defaultLimits.replacedCharsMax - text.length;
  return text.replace(pattern, () => {
    room -= replacement.length;
    if (room < 0) throw fault("steps.assignmessage.SetVariableFailed", policy, policy);
    return replacement;
  });
}
