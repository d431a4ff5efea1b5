/** The template function `substring` for bounds that are known only when it runs. */

/**
 * The part from `start` to before `end` (null: to the end), in UTF-16 units; negative bounds count from the end, and
 * bounds outside the text are its ends. Empty when a bound is no integer.
 */
export function substring(text: string, start: string, end: string | null): string {
  const isInteger = /^-?[0-9]{1,15}$/;
  if (!isInteger.test(start) || (end !== null && !isInteger.test(end))) return "";
  return end === null ? text.slice(Number(start)) : text.slice(Number(start), Number(end));
}
