/** Conditions under other names: every kind of node, and nothing else changed. */
import { expect, test } from "vitest";
import { parseCondition } from "#runtime/language/condition.ts";
import { printCondition } from "#runtime/language/condition-print.ts";
import { renameVariables } from "#compiler/expression/rename.ts";

const names = new Map([["a", "a of FC"], ["b.c", "b.c of FC"]]);

function renamed(text: string): string {
  const parsed = parseCondition(text);
  if (!("ast" in parsed)) throw new Error(text);
  return printCondition(renameVariables(parsed.ast, names));
}

test.each([
  ["a", "'a of FC'"],
  ["d", "d"],
  ['a = "a" and not (b.c != a)', "'a of FC' = \"a\" and !('b.c of FC' != 'a of FC')"],
  ['d = a or b.c ~~ "a+" or d =| "a"', "d = 'a of FC' or 'b.c of FC' JavaRegex \"a+\" or d =| \"a\""],
  ["true", "true"],
])("%s", (text, expected) => {
  expect(renamed(text)).toBe(expected);
});

test("without other names a condition stays the same object", () => {
  const parsed = parseCondition('a = "b"');
  if (!("ast" in parsed)) throw new Error("it parses");
  expect(renameVariables(parsed.ast, new Map())).toBe(parsed.ast);
});
