/** How large files, functions and lines may grow. What is larger today is counted and may only shrink. */
import { describe, expect, it } from "vitest";
import { ts } from "ts-morph";
import { nodesOf, parseSource, placeOf, sourcesIn, type Source } from "./sources.ts";

const FILE_LINES_MAX = 500;
const FUNCTION_LINES_MAX = 70;
const LINE_WIDTH_MAX = 120;

const shipped = sourcesIn("runtime", "compiler");
const page = sourcesIn("page");
const everything = [...shipped, ...page, ...sourcesIn("test", "scripts", "templates", "bench", "examples")];

/** Tables: rows of texts that read best on one line each. */
const tables = ["runtime/fault.ts", "runtime/fault/", "runtime/upgrade/close-reason.ts", "compiler/diagnostics/catalogue/"];
const isTable = (file: string): boolean => tables.some((table) => file.startsWith(table));

/** Lines wider than the rule in what ships, tables apart; lower it when it falls. */
const WIDE_LINES_ALLOWED = 120;

/** Functions longer than the rule: name -> lines. */
const longFunctions: Readonly<Record<string, number>> = {
  "runtime/language/condition-tokens.ts tokenize": 112,
};

function lineCount(source: Source): number {
  return source.text.split("\n").length - 1;
}

function functionsIn(source: Source): { name: string; lines: number; place: string }[] {
  const found: { name: string; lines: number; place: string }[] = [];
  for (const node of nodesOf(source)) {
    if (!ts.isFunctionLike(node) || !("body" in node) || node.body === undefined) continue;
    const line = (at: number): number => source.tree.getLineAndCharacterOfPosition(at).line;
    const lines = line(node.end) - line(node.getStart(source.tree)) + 1;
    found.push({ name: `${source.path} ${node.name?.getText(source.tree) ?? ""}`, lines, place: placeOf(source, node) });
  }
  return found;
}

function wideLines(source: Source): string[] {
  return source.text.split("\n").flatMap((line, at) => (line.length > LINE_WIDTH_MAX ? [`${source.path}:${at + 1}`] : []));
}

describe("size", () => {
  it(`files have at most ${FILE_LINES_MAX} lines`, () => {
    expect(everything.filter((source) => lineCount(source) > FILE_LINES_MAX).map(({ path }) => path)).toEqual([]);
    expect(lineCount(parseSource("a.ts", "\n".repeat(501)))).toBe(501);
  });

  it(`functions have at most ${FUNCTION_LINES_MAX} lines`, () => {
    const long = shipped.flatMap(functionsIn).filter(({ lines }) => lines > FUNCTION_LINES_MAX);
    const over = long.filter(({ name, lines }) => lines > (longFunctions[name] ?? 0));
    expect(over).toEqual([]);
    const names = new Set(shipped.flatMap(functionsIn).map(({ name }) => name));
    expect(Object.keys(longFunctions).filter((name) => !names.has(name)), "a function that is gone leaves the list").toEqual([]);
    expect(functionsIn(parseSource("a.ts", `function f() {${"\n".repeat(80)}}`))[0]?.lines).toBe(81);
  });

  it(`lines have at most ${LINE_WIDTH_MAX} characters`, () => {
    const wide = shipped.filter((source) => !isTable(source.path)).flatMap(wideLines);
    expect(wide.length, wide.join("\n")).toBeLessThanOrEqual(WIDE_LINES_ALLOWED);
    expect(wideLines(parseSource("a.ts", `// ${"x".repeat(120)}`)).length).toBe(1);
  });

  it("half of the files that ship have at most 150 lines", () => {
    const counts = shipped.map(lineCount).sort((a, b) => a - b);
    expect(counts[Math.floor(counts.length / 2)]).toBeLessThanOrEqual(150);
  });
});
