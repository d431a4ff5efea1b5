/** Parts of a text by bounds that come as text. */
import { expect, it } from "vitest";
import { substring } from "#runtime/language/functions/substring.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

it.each([
  ["-8", "-4", "STUV"],
  ["0", null, ALPHABET],
  ["23", null, "XYZ"],
  ["-3", null, "XYZ"],
  ["0", "1", "A"],
  ["2", "-23", "C"],
  ["5", "2", ""],
  ["-99", "2", "AB"],
  ["24", "99", "YZ"],
  ["99", null, ""],
  ["", null, ""],
  ["a", "1", ""],
  ["1", "", ""],
  ["1.5", "3", ""],
  ["1e1", null, ""],
  ["9999999999999999", null, ""],
])("from %j to %j is %j", (start, end, expected) => expect(substring(ALPHABET, start, end)).toBe(expected));
