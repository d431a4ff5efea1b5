/** Laws of the condition language and its patterns, on random input, against slow and obvious definitions. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { foldCondition } from "#compiler/expression/fold.ts";
import { printCondition } from "#runtime/language/condition-print.ts";
import { parseCondition } from "#runtime/language/condition.ts";
import type { Condition, ConditionOperand } from "#runtime/language/condition.ts";
import { globShape, matchesGlob } from "#runtime/language/glob.ts";
import type { Value } from "#runtime/language/operators.ts";
import { matchesPath } from "#runtime/language/path-pattern.ts";
import { matchesShape } from "#runtime/language/pattern-shape.ts";
import { matchesResource, resourceProblem } from "#runtime/language/resource-path.ts";
import { parseTemplate } from "#runtime/language/template.ts";

const PLACE = { start: 0, end: 0 };
const NAMES = ["a", "b.c", "request.header.x-y", "_z", "is", "help!me", "two words"] as const;

const variable = fc.constantFrom(...NAMES).map((name): ConditionOperand & { kind: "variable" } => {
  return { kind: "variable", name, quoted: ["is", "help!me", "two words"].includes(name), ...PLACE };
});
const text = fc.oneof(
  fc.string().map((value) => value.replaceAll('"', "")),
  fc.constantFrom("", "true", "1", "&lt;", "&amp;amp;", "a&b", "/a/*", "x*"),
);
const literal: fc.Arbitrary<ConditionOperand> = fc.oneof(
  text.map((value): ConditionOperand => ({ kind: "string", value, ...PLACE })),
  fc.integer().map((value): ConditionOperand => ({ kind: "number", value, type: "int", ...PLACE })),
  fc.maxSafeInteger().map((value): ConditionOperand => ({ kind: "number", value: value + 0, type: "long", ...PLACE })),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value): ConditionOperand => {
    return { kind: "number", value: value + 0, type: "double", ...PLACE };
  }),
  fc.boolean().map((value): ConditionOperand => ({ kind: "boolean", value, ...PLACE })),
  fc.constant<ConditionOperand>({ kind: "null", value: null, ...PLACE }),
);
const plainVariable = variable.filter((operand) => !operand.quoted);

const leaf: fc.Arbitrary<Condition> = fc.oneof(
  fc.boolean().map((value): Condition => ({ kind: "constant", value, ...PLACE })),
  variable.map((operand): Condition => ({ kind: "truthy", operand, ...PLACE })),
  fc
    .tuple(
      fc.constantFrom("equals", "notEquals", "greater", "greaterOrEqual", "less", "lessOrEqual", "startsWith"),
      fc.oneof(variable, literal),
      fc.oneof(plainVariable, literal),
    )
    .map(([operator, left, right]): Condition => ({ kind: "comparison", operator, left, right, ...PLACE })),
  fc
    .tuple(fc.oneof(variable, literal), literal)
    .map(([left, right]): Condition => ({ kind: "comparison", operator: "equalsIgnoreCase", left, right, ...PLACE })),
  fc
    .tuple(fc.constantFrom("glob", "notGlob", "path", "regex"), fc.oneof(variable, literal), fc.option(text))
    .map(([operator, left, pattern]): Condition => {
      return { kind: "match", operator, left, pattern, patternSpan: PLACE, ...PLACE };
    }),
);
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    tie("condition").map((operand): Condition => ({ kind: "not", operand, ...PLACE })),
    fc
      .tuple(fc.constantFrom("and", "or"), fc.array(tie("condition"), { minLength: 2, maxLength: 3 }))
      .map(([kind, operands]): Condition => ({ kind, operands, ...PLACE })),
  ),
}));

/** A tree without its places. */
function shape(ast: Condition): unknown {
  const isPlace = /^(?:start|end|patternSpan)$/;
  return JSON.parse(JSON.stringify(ast, (key, value: unknown) => (isPlace.test(key) ? undefined : value)));
}

describe("conditions", () => {
  it("print to text that parses to the same tree", () => {
    fc.assert(
      fc.property(condition, (ast) => {
        const printed = printCondition(ast);
        const parsed = parseCondition(printed);
        if ("problems" in parsed) throw new Error(`${printed}: ${JSON.stringify(parsed.problems)}`);
        expect(shape(parsed.ast)).toEqual(shape(ast));
      }),
      { numRuns: 500 },
    );
  });

  it("never make the parser throw, and every place lies in the text", () => {
    const symbols = "( ) ! = == != := > >= < <= ~ ~~ ~/ =| && || & | + - * / % \" ' &quot; &gt; &amp;".split(" ");
    const words = "is not and or null true 1 1.5f x.y Matches".split(" ");
    const pieces = fc.array(fc.constantFrom(...symbols, ...words, " "));
    const joined = fc.tuple(pieces, fc.constantFrom("", " ")).map(([list, space]) => list.join(space));
    fc.assert(
      fc.property(fc.oneof(fc.string(), joined), (input) => {
        const parsed = parseCondition(input);
        const places = "problems" in parsed ? parsed.problems : [parsed.ast];
        expect(places.length).toBeGreaterThan(0);
        for (const { start, end } of places) {
          expect(start).toBeGreaterThanOrEqual(0);
          expect(end).toBeGreaterThanOrEqual(start);
          expect(end).toBeLessThanOrEqual(input.length);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("fold to the same result, whatever part of the variables is known first", () => {
    const values = fc.oneof(text, fc.integer({ min: -3, max: 3 }), fc.boolean(), fc.constant(null));
    const environment = fc.tuple(...NAMES.map(() => fc.tuple(values, fc.boolean())));
    fc.assert(
      fc.property(condition, environment, (ast, entries) => {
        const read = (name: string): Value => entries[NAMES.findIndex((known) => known === name)]?.[0] ?? null;
        const isKnown = (name: string): boolean => entries[NAMES.findIndex((known) => known === name)]?.[1] ?? false;
        const partial = foldCondition(ast, (name) => (isKnown(name) ? read(name) : undefined));
        const inTwoSteps = "ast" in partial ? foldCondition(partial.ast, read) : partial;
        const atOnce = foldCondition(ast, read);
        // Expressions that may take long stay in both.
        if ("constant" in atOnce && "constant" in inTwoSteps) expect(inTwoSteps.constant).toBe(atOnce.constant);
        else expect("ast" in inTwoSteps).toBe("ast" in atOnce);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("patterns", () => {
  /** Wildcards by trying every possibility. */
  function naive(pattern: string, value: string, star: (char: string) => boolean): boolean {
    if (pattern === "") return value === "";
    const rest = pattern.slice(1);
    if (pattern.startsWith("*")) {
      const grows = value !== "" && star(value.charAt(0));
      return naive(rest, value, star) || (grows && naive(pattern, value.slice(1), star));
    }
    return value.startsWith(pattern.charAt(0)) && naive(rest, value.slice(1), star);
  }

  const globs = fc.string({ unit: fc.constantFrom("*", "*", "a", "b", "/"), maxLength: 9 });
  const values = fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 12 });

  it("globs match as by trying every possibility, in both forms", () => {
    let matched = 0;
    fc.assert(
      fc.property(globs, values, (pattern, value) => {
        const expected = naive(pattern, value, () => true);
        matched += expected ? 1 : 0;
        expect(matchesGlob(pattern, value)).toBe(expected);
        expect(matchesShape(globShape(pattern), value)).toBe(expected);
      }),
      { numRuns: 5000 },
    );
    expect(matched).toBeGreaterThan(100);
  });

  it("resource paths match as by trying every possibility", () => {
    let matched = 0;
    fc.assert(
      fc.property(globs, values, fc.boolean(), (body, value, opened) => {
        const resource = opened ? `${body.replace(/\*+$/, "")}**` : body;
        const isOpen = resource.endsWith("**");
        const plain = isOpen ? resource.slice(0, -2) : resource;
        const prefixes = Array.from({ length: value.length + 1 }, (_, length) => value.slice(0, length));
        const within = (char: string): boolean => char !== "/";
        const covered = isOpen
          ? prefixes.some((prefix) => naive(plain, prefix, within))
          : naive(resource, value, within);
        const isMistake = resourceProblem(resource) !== undefined;
        const expected = resource === "/" || (!isMistake && covered);
        matched += expected ? 1 : 0;
        expect(matchesResource(resource, value)).toBe(expected);
      }),
      { numRuns: 5000 },
    );
    expect(matched).toBeGreaterThan(100);
  });

  /** Path patterns by segments, trying every possibility; `many` covers text, not segments, as its definition says. */
  function naivePath(pattern: readonly string[], value: readonly string[]): boolean {
    const [first, ...rest] = pattern;
    if (first === undefined) return value.length === 0;
    if (first === "**") {
      for (let count = 1; count <= value.length; count++) {
        const isLast = rest.length === 0;
        const isNothing = value.slice(0, count).join("/") === "";
        if (isNothing && !(isLast && count === value.length)) continue;
        if (naivePath(rest, value.slice(count))) return true;
      }
      return false;
    }
    const [segment, ...others] = value;
    if (segment === undefined) return false;
    const isOne = first === "*" ? segment !== "" : naive(first, segment, () => true);
    return isOne && naivePath(rest, others);
  }

  it("path patterns match as by trying every possibility", () => {
    const segment = fc.constantFrom("**", "**", "*", "a", "b", "a*", "a*b*a", "");
    const segments = fc.array(segment, { minLength: 1, maxLength: 6 });
    const paths = fc.array(fc.constantFrom("a", "b", "ab", "aba", "abbaba", ""), { minLength: 1, maxLength: 8 });
    let matched = 0;
    fc.assert(
      fc.property(segments, paths, (pattern, path) => {
        const expected = naivePath(pattern, path);
        matched += expected ? 1 : 0;
        expect(matchesPath(pattern.join("/"), path.join("/"))).toBe(expected);
      }),
      { numRuns: 10_000 },
    );
    expect(matched).toBeGreaterThan(100);
  });
});

it("templates cover their text without gap or overlap", () => {
  const references = ["{a}", "{b:c}", "{f(a)}", "{toUpperCase('x')}"];
  const pieces = fc.constantFrom(...references, ..."{}\"()',: a");
  fc.assert(
    fc.property(fc.array(pieces), (list) => {
      const input = list.join("");
      const { parts } = parseTemplate(input);
      const first = parts[0]?.start ?? 0;
      expect(first).toBeLessThanOrEqual(1);
      let end = first;
      for (const part of parts) {
        expect(part.start).toBe(end);
        expect(part.end).toBeGreaterThan(part.start);
        if (part.kind === "literal") expect(part.text).toBe(input.slice(part.start, part.end));
        end = part.end;
      }
    }),
    { numRuns: 2000 },
  );
});
