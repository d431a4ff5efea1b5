/** The condition parser: every spelling, precedence, offsets, and what each mistake is called. */
import { describe, expect, it } from "vitest";
import { printCondition } from "#runtime/language/condition-print.ts";
import {
  CONDITION_DEPTH_MAX,
  CONDITION_LENGTH_MAX,
  conditionVariables,
  parseCondition,
} from "#runtime/language/condition.ts";
import type { Condition, ConditionProblem } from "#runtime/language/condition.ts";

function parsed(text: string): Condition {
  const result = parseCondition(text);
  if ("problems" in result) throw new Error(`${text}: ${JSON.stringify(result.problems)}`);
  return result.ast;
}

function problems(text: string): readonly ConditionProblem[] {
  const result = parseCondition(text);
  return "problems" in result ? result.problems : [];
}

describe("spellings", () => {
  it.each([
    ["", "true"],
    ["  \n", "true"],
    ["true", "true"],
    ["FALSE", "false"],
    ["flow.ready", "flow.ready"],
    ['a = "b"', 'a = "b"'],
    ['a == "b"', 'a = "b"'],
    ['a EQUALS "b"', 'a = "b"'],
    ['a is "b"', 'a = "b"'],
    ['a != "b"', 'a != "b"'],
    ['a NotEquals "b"', 'a != "b"'],
    ["a IsNot null", "a != null"],
    ["a is not null", "a != null"],
    ["a is null", "a = null"],
    ["a = NULL", "a = null"],
    ['a := "b"', 'a := "b"'],
    ['a EqualsCaseInsensitive "b"', 'a := "b"'],
    ["a GreaterThan 3", "a > 3"],
    ["a GreaterThanOrEquals 3", "a >= 3"],
    ["a LesserThan 3", "a < 3"],
    ["a lesserthanorequals 3", "a <= 3"],
    ['a StartsWith "b"', 'a =| "b"'],
    ['a Matches "b*"', 'a Matches "b*"'],
    ['a like "b*"', 'a Matches "b*"'],
    ['a ~ "b*"', 'a Matches "b*"'],
    ['a !~ "b*"', 'a !~ "b*"'],
    ['a not Matches "b*"', '!(a Matches "b*")'],
    ['a NotMatches "b*"', 'a !~ "b*"'],
    ['a MatchesPath "/b"', 'a MatchesPath "/b"'],
    ['a LikePath "/b"', 'a MatchesPath "/b"'],
    ['a ~/ "/b"', 'a MatchesPath "/b"'],
    ['a JavaRegex "b+"', 'a JavaRegex "b+"'],
    ['a ~~ "b+"', 'a JavaRegex "b+"'],
    ['a not ~~ "b+"', '!(a JavaRegex "b+")'],
    ["a ~ 400", 'a Matches "400"'],
    ["a ~ null", "a Matches null"],
    ["a = b.c-d_e", "a = b.c-d_e"],
    ["a > b", "a > b"],
    ['a=|b', "a =| b"],
    ['"x" = a', '"x" = a'],
    ["'request.header.help!me' = 1", "'request.header.help!me' = 1"],
    ["a = 'request.header.help!me'", "a = 'request.header.help!me'"],
    ["'a.b' = 1", "a.b = 1"],
    ["'and'", "'and'"],
    ["a = 5L", "a = 5L"],
    ["a = 5l", "a = 5L"],
    ["a = 1.5F", "a = 1.5f"],
    ["a = 1.5", "a = 1.5"],
    ["a = 2d", "a = 2d"],
    ["a = -5", "a = -5"],
    ["a=-5", "a = -5"],
    ["a = -0", "a = 0"],
    ["a = true", "a = true"],
    ['a="b"&&c="d"', 'a = "b" and c = "d"'],
    ['request.header.x="true"', 'request.header.x = "true"'],
    ["a.failed=false", "a.failed = false"],
    ["!a||!!b", "!a or !(!b)"],
    ["NOT (a) And NOT b", "!a and !b"],
  ])("%s", (text, canonical) => {
    expect(printCondition(parsed(text))).toBe(canonical);
  });
});

describe("XML entities", () => {
  it.each([
    ["a &gt;= 3 &amp;&amp; b &lt; 4", "a >= 3 and b < 4"],
    ["a = &quot;b&quot;", 'a = "b"'],
    ["&apos;a!b&apos; = 1", "'a!b' = 1"],
    ['a = "x &amp; y"', 'a = "x & y"'],
    ['a = "x & y"', 'a = "x & y"'],
    ['a = "&amp;lt;"', 'a = "&amp;lt;"'],
    ['a = "&nbsp;"', 'a = "&nbsp;"'],
  ])("%s", (text, canonical) => {
    expect(printCondition(parsed(text))).toBe(canonical);
  });

  it("leave offsets where the user wrote them", () => {
    const ast = parsed("a &gt; 3 &amp;&amp; b = &quot;c&quot;");
    expect(ast).toMatchObject({ kind: "and", start: 0, end: 37 });
    expect(ast.kind === "and" && ast.operands[1]).toMatchObject({ start: 20, end: 37, right: { start: 24, end: 37 } });
  });
});

describe("precedence", () => {
  it.each([
    ["a or b and c", "a or (b and c)"],
    ["a and b or c", "(a and b) or c"],
    ["a or b and c or d", "a or (b and c) or d"],
    ["(a or b) and c", "(a or b) and c"],
    ['!a = "b" and c', '!(a = "b") and c'],
    ["not a and b", "!a and b"],
    ["!(a and b) or c", "!(a and b) or c"],
    ["a or b or c", "a or b or c"],
    ["((a))", "a"],
  ])("%s", (text, canonical) => {
    expect(printCondition(parsed(text))).toBe(canonical);
  });
});

it("gives every node its place", () => {
  const text = ' (a = "b") and !c.d ';
  const ast = parsed(text);
  const shown = (node: { start: number; end: number }): string => text.slice(node.start, node.end);
  if (ast.kind !== "and") throw new Error(ast.kind);
  expect(shown(ast)).toBe('(a = "b") and !c.d');
  expect(ast.operands.map(shown)).toEqual(['(a = "b")', "!c.d"]);
  const [first, second] = ast.operands;
  if (first?.kind !== "comparison" || second?.kind !== "not") throw new Error("shape");
  expect([shown(first.left), shown(first.right), shown(second.operand)]).toEqual(["a", '"b"', "c.d"]);
});

it("lists the variables a condition reads", () => {
  const ast = parsed('a = b and (!c or a ~ "x*") and "y" = d and true');
  expect(conditionVariables(ast)).toEqual(["a", "b", "c", "d"]);
});

describe("mistakes", () => {
  // Kind, the text it points at, and what to write instead.
  it.each<readonly [string, string, string, string | undefined]>([
    ["a LessThan 3", "unknown-operator", "LessThan", "LesserThan"],
    ["a LesThan 3", "unknown-operator", "LesThan", "LesserThan"],
    ['a MatchPath "/x"', "unknown-operator", "MatchPath", "MatchesPath"],
    ['a contains "x"', "unknown-operator", "contains", 'Matches "*...*"'],
    ['a foo "x"', "unknown-operator", "foo", undefined],
    ["a :> 3", "unknown-operator", ":>", ">"],
    ["a === 3", "unknown-operator", "===", "=="],
    ["a => 3", "unknown-operator", "=>", ">="],
    ["a <> 3", "unknown-operator", "<>", "!="],
    ['a /~ "/x"', "unknown-operator", "/~", "~/"],
    ["a & b", "unknown-operator", "&", "&&"],
    ["a | b", "unknown-operator", "|", "||"],
    ["a : b", "unknown-operator", ":", undefined],
    ["a ? b", "unknown-operator", "?", undefined],
    ["a = 'GET'", "single-quoted-literal", "'GET'", '"GET"'],
    ["a = 'application/json'", "single-quoted-literal", "'application/json'", '"application/json"'],
    ["a = 'request.verb'", "single-quoted-literal", "'request.verb'", '"request.verb"'],
    ["a ~ 'x*'", "single-quoted-literal", "'x*'", '"x*"'],
    ['a = "b', "unterminated-string", '"b', undefined],
    ["'a = 3", "unterminated-name", "'a = 3", undefined],
    ["'' = 3", "empty-name", "''", '""'],
    ["(a = 3", "unmatched-parenthesis", "(", undefined],
    ["a = 3)", "unmatched-parenthesis", ")", undefined],
    [")", "unmatched-parenthesis", ")", undefined],
    ["a + 1 = 2", "arithmetic", "+", undefined],
    ["a - 1 = 2", "arithmetic", "-", undefined],
    ["a * 2 = 2", "arithmetic", "*", undefined],
    ["a % 2 = 2", "arithmetic", "%", undefined],
    ["a = 1.2.3.4", "bad-number", "1.2.3.4", '"1.2.3.4"'],
    ["5xx = a", "bad-number", "5xx", '"5xx"'],
    ["a = 1.5L", "bad-number", "1.5L", '"1.5L"'],
    ["a = 9007199254740993", "number-out-of-range", "9007199254740993", '"9007199254740993"'],
    ["a = #b", "unexpected-character", "#", undefined],
    ["{a.b} = 1", "unexpected-character", "{a.b}", "a.b"],
    ["{substring(a,0,1)} = 1", "unexpected-character", "{substring(a,0,1)}", undefined],
    ["a = {}", "unexpected-character", "{}", undefined],
    ["a = {b", "unexpected-character", "{", undefined],
    ["a = \u{1f600}", "unexpected-character", "\u{1f600}", undefined],
    ["a MatchesPath b", "literal-needed", "b", '"b"'],
    ["a := b", "literal-needed", "b", '"b"'],
    ["a ~~ b", "literal-needed", "b", '"b"'],
    ["is = 3", "operator-as-name", "is", "'is'"],
    ['Matches "x"', "operand-missing", "Matches", undefined],
    ["a = ", "operand-missing", "=", undefined],
    ["a and", "operand-missing", "and", undefined],
    ["()", "operand-missing", ")", undefined],
    ["a = (b)", "operand-missing", "(", undefined],
    ["a b", "operator-missing", "b", undefined],
    ['a "b"', "operator-missing", '"b"', undefined],
    ["a not b", "operator-missing", "not", "!="],
    ['a = "b" c = "d"', "connective-missing", "c", undefined],
    ["(a)(b)", "connective-missing", "(", undefined],
    ["a = b = c", "connective-missing", "=", undefined],
    ["(a) = true", "connective-missing", "=", undefined],
    ['"a"', "not-a-condition", '"a"', undefined],
    ["3", "not-a-condition", "3", undefined],
    ["null", "not-a-condition", "null", undefined],
  ])("%s", (text, kind, place, suggestion) => {
    const [problem, ...rest] = problems(text);
    expect(rest).toEqual([]);
    expect(problem).toMatchObject({ kind });
    expect(text.slice(problem?.start, problem?.end)).toBe(place);
    expect(problem?.suggestion).toBe(suggestion);
  });

  it("are reported together where one does not cause the other", () => {
    expect(problems("a :> 3 and b + 1").map((problem) => problem.kind)).toEqual(["unknown-operator", "arithmetic"]);
    const kinds = problems("a = 'x' and b ~ c and d )").map((problem) => problem.kind);
    expect(kinds).toEqual(["single-quoted-literal", "literal-needed", "unmatched-parenthesis"]);
  });

  it("are not reported without end", () => {
    expect(problems("# ".repeat(1000))).toHaveLength(20);
  });
});

describe("bounds", () => {
  it("holds at length", () => {
    const long = `a = "${"x".repeat(CONDITION_LENGTH_MAX - 6)}"`;
    expect(problems(long)).toEqual([]);
    expect(problems(`${long} `)).toMatchObject([{ kind: "too-long" }]);
  });

  it.each([
    ["parentheses", "(", ")"],
    ["negations", "!", ""],
  ])("holds at depth: %s", (_name, open, close) => {
    const nested = (depth: number): string => open.repeat(depth) + "a" + close.repeat(depth);
    expect(problems(nested(CONDITION_DEPTH_MAX))).toEqual([]);
    expect(problems(nested(CONDITION_DEPTH_MAX + 1))).toMatchObject([{ kind: "too-deep" }]);
    expect(problems(nested(5000))).toMatchObject([{ kind: "too-deep" }]);
  });

  it("takes long chains without nesting", () => {
    const ast = parsed(Array.from({ length: 1500 }, () => "a").join(" and "));
    expect(ast.kind === "and" && ast.operands.length).toBe(1500);
  });
});
