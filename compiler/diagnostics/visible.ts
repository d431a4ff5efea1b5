/**
 * Makes text from a user's file safe to print: control characters could move the cursor or colour a terminal, and
 * characters that turn the writing direction could hide what a line says.
 */

const hidden = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** The text with a tab as one space and every other character without a shape written as its code, such as `\u{1b}`. */
export function visible(text: string): string {
  return text.replaceAll("\t", " ").replace(hidden, (char) => `\\u{${char.codePointAt(0)?.toString(16) ?? ""}}`);
}
