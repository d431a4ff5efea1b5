/** Partial evaluation: what is decided, what remains, and that nothing known to be null is asked again. */
import { describe, expect, it } from "vitest";
import { foldCondition } from "#compiler/expression/fold.ts";
import { printCondition } from "#runtime/language/condition-print.ts";
import { parseCondition } from "#runtime/language/condition.ts";
import type { Condition } from "#runtime/language/condition.ts";
import type { Value } from "#runtime/language/operators.ts";

const KNOWN: Readonly<Record<string, Value>> = {
  yes: true,
  no: false,
  name: "chat",
  path: "/rooms/1",
  port: 443,
  ratio: 0.5,
  none: null,
};

function known(name: string): Value | undefined {
  return KNOWN[name];
}

function parsed(text: string): Condition {
  const result = parseCondition(text);
  if ("problems" in result) throw new Error(JSON.stringify(result.problems));
  return result.ast;
}

it.each<readonly [string, boolean | string]>([
  ["", true],
  ["false", false],
  ["yes", true],
  ["no", false],
  ["none", false],
  ["x", "x"],
  ["!yes", false],
  ["!x", "!x"],
  ["!!x", "x"],
  ["1 = 1", true],
  ['"a" = "b"', false],
  ['name = "chat"', true],
  ['name != "chat"', false],
  ['name := "CHAT"', true],
  ['name =| "ch"', true],
  ["port > 400", true],
  ['port = "443"', true],
  ["null = null", true],
  // Patterns.
  ['name Matches "c*t"', true],
  ['name !~ "c*t"', false],
  ['path MatchesPath "/rooms/*"', true],
  ['path ~~ "/rooms/[0-9]+"', true],
  ['path ~~ "/rooms/[a-z]+"', false],
  ['x ~ "a*"', 'x Matches "a*"'],
  // An expression that may take long, or is a mistake, is left alone; only the variable is replaced.
  ['name ~~ "(a+)+"', '"chat" JavaRegex "(a+)+"'],
  ['name ~~ "a**"', '"chat" JavaRegex "a**"'],
  // Null settles some comparisons whatever the other side is.
  ["x ~ null", false],
  ["x !~ null", false],
  ["x ~/ null", false],
  ["x ~~ null", false],
  ["x > null", false],
  ["x < null", false],
  ["x >= null", true],
  ["x <= null", "x <= null"],
  ["x = null", "x = null"],
  ["x != null", "x != null"],
  ["x =| null", false],
  ["none =| x", false],
  ["none <= x", true],
  ["none > x", "null > x"],
  ["none = x", "null = x"],
  ["none = null", true],
  ['none ~ "*"', false],
  ['none !~ "*"', true],
  ['none ~/ "/**"', false],
  ['none ~~ ".*"', false],
  // Known values take the place of their variables.
  ["x = name", 'x = "chat"'],
  ["x > port", "x > 443"],
  ["x > ratio", "x > 0.5"],
  ["x = yes", "x = true"],
  // Junctions.
  ["x and yes", "x"],
  ["x and no", false],
  ["no or x", "x"],
  ["x or yes", true],
  ["yes and yes", true],
  ["no or no", false],
  ["x and yes and y", "x and y"],
  ["(x and y) and z", "x and y and z"],
  ["(x or no) and (y or yes)", "x"],
  ["!(x and no)", true],
  ["!(x or no)", "!x"],
  ['x and (name = "chat" or y)', "x"],
])("%s", (text, expected) => {
  const folded = foldCondition(parsed(text), known);
  expect("constant" in folded ? folded.constant : printCondition(folded.ast)).toBe(expected);
});

describe("what remains", () => {
  it("is the same tree when nothing was decided", () => {
    for (const text of ["x", "!x", "x and y", 'x = "a" or !(y ~ "b*")', "x = y"]) {
      const ast = parsed(text);
      expect(foldCondition(ast, known)).toEqual({ ast });
      const folded = foldCondition(ast, known);
      expect("ast" in folded && folded.ast).toBe(ast);
    }
  });

  it("keeps its place in the text", () => {
    const folded = foldCondition(parsed("yes and x = name"), known);
    expect(folded).toMatchObject({ ast: { start: 8, end: 16, right: { kind: "string", start: 12, end: 16 } } });
  });
});
