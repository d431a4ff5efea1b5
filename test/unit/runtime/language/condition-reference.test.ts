/** Conditions row by row of apigee-core section 4: grammar, operators in every spelling, patterns, types, null. */
import { describe, expect, it } from "vitest";
import { foldCondition } from "#compiler/expression/fold.ts";
import { parseCondition } from "#runtime/language/condition.ts";
import type { Value } from "#runtime/language/operators.ts";

/** What the variables of these conditions hold; all others are unresolved. */
const variables: Readonly<Record<string, Value>> = {
  a: "abc", A: "ABC", one: 1, two: "2", ten: "10", yes: true, no: false, truth: "true", upper: "TRUE", empty: "",
  "request.header.x-id": "id", "request.header.help!me": "help", "two words": "w", "response.status.code": 400,
  "proxy.pathsuffix": "/a/b/feed/rss/1234", _u: "under", "1st": "first",
};

function holds(text: string): boolean {
  const parsed = parseCondition(text);
  if ("problems" in parsed) throw new Error(`${text}: ${parsed.problems[0]?.message ?? ""}`);
  const folded = foldCondition(parsed.ast, (name) => variables[name] ?? null);
  if (!("constant" in folded)) throw new Error(`${text} was not decided`);
  return folded.constant;
}

const rows = (list: readonly (readonly [string, boolean])[]): void => {
  it.each(list)("%s is %s", (text, expected) => expect(holds(text)).toBe(expected));
};

describe("4.1 grammar", () => {
  rows([
    // Precedence is Java's: ! before comparison before && before ||.
    ["yes or no and no", true],
    ["(yes or no) and no", false],
    ["no and no or yes", true],
    ["!no and no", false],
    ["!(no and no)", true],
    ['!a = "x" and yes', true],
    ["not not yes", true],
    ["!!!no", true],
    // Operators join as many as one likes, and parentheses nest.
    ["yes && yes && no || yes", true],
    ["((((yes))))", true],
    // Spaces around symbols are optional.
    ['a="abc"', true],
    ['a="abc"&&one=1||no', true],
    ["one>0", true],
    ["one!=2", true],
    ["(one=1)and(yes)", true],
    ['a\n  =\t"abc"', true],
    // Entities, as XML has them.
    ["one &gt; 0 &amp;&amp; one &lt; 2", true],
    ["one &gt;= 1 and one &lt;= 1", true],
    ["a = &quot;abc&quot;", true],
    // Names: letters, digits, - _ . ; others in single quotes.
    ['request.header.x-id = "id"', true],
    ["'request.header.help!me' = \"help\"", true],
    ["'two words' = \"w\"", true],
    ["'1st' = \"first\"", true],
    ['_u = "under"', true],
    // Operands: text, numbers with and without suffix, null, true, false.
    ["one = 1", true],
    ["one = 1L and one = 1l and one = 1F and one = 1f and one = 1D and one = 1d", true],
    ["one = 1.0 and one = 1.0f and one = 1.0d", true],
    ["one > -1 and one > -1.5", true],
    ["yes = true and no = false", true],
    ["yes = TRUE and none = NULL", true],
    ["1 = one", true],
    ['"abc" = a', true],
    // A bare name is true for true and for "true" in that spelling.
    ["yes", true],
    ["truth", true],
    ["upper", false],
    ["one", false],
    ["a", false],
    ["none", false],
    ["true", true],
    ["false", false],
    // The empty condition.
    ["", true],
    ["  \n ", true],
  ]);

  it.each<readonly [text: string, place: string]>([
    ["one + 1 = 2", "+"],
    ["one * 1 = 1", "*"],
    ["yes implies no", "implies"],
    ["a = 'abc'", "'abc'"],
    ['a = "abc', '"abc'],
    ["'a = 1", "'a = 1"],
    ["(yes", "("],
    ["yes)", ")"],
    ["a = ", "="],
    ["and = 1", "and"],
    ["yes and", "and"],
    ["yes no", "no"],
    ["one = 1x", "1x"],
    ["one = 1.5L", "1.5L"],
    ["a LessThan 2", "LessThan"],
    ["a :> 2", ":>"],
    ['a /~ "x"', "/~"],
    ["{substring(a,1)} = 1", "{substring(a,1)}"],
    ["a ~ b", "b"],
    ["a ~~ b", "b"],
    ["a ~/ b", "b"],
    ["a := b", "b"],
    ['"text"', '"text"'],
    ["1", "1"],
    ["null", "null"],
    ["''  = 1", "''"],
    ["a = = b", "="],
    ["!", "!"],
    ["not", "not"],
  ])("%s is refused at %s", (text, place) => {
    const parsed = parseCondition(text);
    if (!("problems" in parsed)) throw new Error("taken");
    const [first] = parsed.problems;
    expect(text.slice(first?.start, first?.end)).toBe(place);
  });
});

/** Every spelling, with a condition that holds and one that does not. */
const spellings: readonly (readonly [words: readonly string[], yes: readonly [string, string], no: readonly [string, string]])[] = [
  [["=", "==", "Equals", "Is"], ["a", '"abc"'], ["a", '"ABC"']],
  [["!=", "NotEquals", "IsNot", "is not"], ["a", '"ABC"'], ["a", '"abc"']],
  [[":=", "EqualsCaseInsensitive"], ["a", '"ABC"'], ["a", '"abd"']],
  [[">", "GreaterThan"], ["one", "0"], ["one", "1"]],
  [[">=", "GreaterThanOrEquals"], ["one", "1"], ["one", "2"]],
  [["<", "LesserThan"], ["one", "2"], ["one", "1"]],
  [["<=", "LesserThanOrEquals"], ["one", "1"], ["one", "0"]],
  [["~", "Matches", "Like"], ["a", '"a*"'], ["a", '"b*"']],
  [["!~", "NotMatches", "not Matches", "not like"], ["a", '"b*"'], ["a", '"a*"']],
  [["~/", "MatchesPath", "LikePath"], ["proxy.pathsuffix", '"/a/**"'], ["proxy.pathsuffix", '"/a/*"']],
  [["~~", "JavaRegex"], ["a", '"a.c"'], ["a", '"a"']],
  [["=|", "StartsWith"], ["a", '"ab"'], ["a", '"b"']],
];

describe("4.2 operators", () => {
  const cases = spellings.flatMap(([words, yes, no]) =>
    words.flatMap((word) =>
      [...new Set([word, word.toUpperCase(), word.toLowerCase()])].flatMap((spelling) => [
        [`${yes[0]} ${spelling} ${yes[1]}`, true] as const,
        [`${no[0]} ${spelling} ${no[1]}`, false] as const,
      ]),
    ),
  );
  rows(cases);
  rows([
    ["yes And yes", true], ["yes AND no", false], ["no Or yes", true], ["no oR no", false], ["Not no", true], ["nOT yes", false],
    // The whole value, letter case counts, * crosses slashes.
    ['proxy.pathsuffix Matches "*/feed/*"', true],
    ['proxy.pathsuffix Matches "/feed/*"', false],
    ['a ~ "A*"', false],
    ['a ~ "abc"', true],
    ['a ~~ "B"', false],
    ['a ~~ "(?i)ABC"', true],
    ['a ~~ ".b."', true],
    ['a =| "AB"', false],
    // A variable on the right.
    ["a = a", true], ["one < two", true], ["a != A", true], ["a =| empty", true],
    ["a not StartsWith \"b\"", true], ["one not GreaterThan 5", true], ["none is not null", false], ["a IsNot null", true],
  ]);
});

describe("4.3 MatchesPath", () => {
  const path = (pattern: string, value: string): boolean => holds(`"${value}" MatchesPath "${pattern}"`);
  it.each<readonly [pattern: string, yes: readonly string[], no: readonly string[]]>([
    ["/*/a/", ["/x/a/"], ["/x/a", "/x/y/a/"]],
    ["/*/a/*", ["/x/a/b"], ["/x/a/b/c", "/x/a/"]],
    ["/*/a/**", ["/x/a/b/c/d", "/x/a/b"], ["/x/a"]],
    ["/*/a/{reader}/feed/", ["/x/a/b/feed/"], ["/x/a/b/c/feed/"]],
    ["/a/**/feed/**", ["/a/b/feed/rss/1234"], ["/a/feed/rss"]],
    ["%{user%}", ["{user}"], ["x"]],
    ["/pets/**", ["/pets/1", "/pets/"], ["/pets"]],
    ["/a%*", ["/a*"], ["/ab"]],
    ["/ab*", ["/abc", "/ab"], ["/ab/c"]],
  ])("%s", (pattern, yes, no) => {
    for (const value of yes) expect(path(pattern, value), value).toBe(true);
    for (const value of no) expect(path(pattern, value), value).toBe(false);
  });
});

describe("4.4 type adaptation", () => {
  rows([
    ['response.status.code = "400"', true],
    ["response.status.code = 400", true],
    ["response.status.code = 400.0", true],
    ['two > 1', true],
    ["two = 2", true],
    ['yes = "true"', true],
    ["yes = 1", true],
    ["no = 0", true],
    ["yes > no", true],
    ["1 = 1.0f", true],
    ["10 > 9", true],
    // The wider of text and number is text.
    ["ten > 9", false],
    ['"9" > 10', true],
  ]);
});

describe("4.5 null", () => {
  const table: readonly (readonly [operator: string, left: boolean, right: boolean | null, both: boolean])[] = [
    ["=", false, false, true], ["==", false, false, true], [":=", false, false, true], ["!=", true, true, false],
    ["=|", false, false, false], [">", true, false, false], [">=", false, true, true], ["<", true, false, false],
    ["<=", true, false, true], ["~", false, null, false], ["~~", false, null, false], ["!~", true, null, false],
    ["~/", false, null, false],
  ];
  rows(table.flatMap(([operator, left, right, both]) => [
    [`none ${operator} "a"`, left] as const,
    ...(right === null ? [] : [[`a ${operator} null`, right] as const]),
    [`none ${operator} null`, both] as const,
  ]));
  rows([
    ["none = other", true], ["none is null", true], ["none is not null", false], ["a is null", false], ["a is not null", true],
    ["none != null", false], ["a != null", true], ["empty = null", false], ["empty != null", true], ["!(none = null)", false],
    ["one > none", false], ["none > one", true], ["none < one", true], ["one <= none", false], ["one >= none", true],
  ]);
});
