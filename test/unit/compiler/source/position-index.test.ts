/** Places of values inside files, through the real parser. */
import { describe, expect, it } from "vitest";
import { parseYaml } from "#compiler/1-parse/yaml-document.ts";
import { Diagnostics } from "#compiler/diagnostics/diagnostic.ts";
import { PositionIndex } from "#compiler/source/position-index.ts";
import type { Span } from "#compiler/source/positions.ts";
import { SourceFile } from "#compiler/source/source-file.ts";

function parse(text: string): { value: Readonly<Record<string, unknown>>; positions: PositionIndex } {
  const diagnostics = new Diagnostics();
  const positions = new PositionIndex();
  const [document] = parseYaml(new SourceFile("a.yaml", text), positions, diagnostics);
  expect(diagnostics.all).toEqual([]);
  if (document?.value == null) throw new Error("no document");
  return { value: document.value, positions };
}

function textOf(span: Span): string {
  return span.file.text.slice(span.start, span.end);
}

describe("PositionIndex", () => {
  it("finds keys, values and items", () => {
    const { value, positions } = parse('name: chat # it\nsteps: [a, "b c"]\nempty:\n');
    expect(textOf(positions.of(value, "name"))).toBe("chat");
    expect(textOf(positions.ofKey(value, "name"))).toBe("name");
    expect(textOf(positions.of(value, "steps"))).toBe('[a, "b c"]');
    const steps = value["steps"];
    if (!Array.isArray(steps)) throw new Error("no list");
    expect(textOf(positions.of(steps, 1))).toBe('"b c"');
    expect(textOf(positions.of(value, "empty"))).toBe("empty");
  });

  it("falls back to the enclosing value", () => {
    const { value, positions } = parse("flow: { a: 1 }\n");
    const flow = value["flow"];
    if (typeof flow !== "object" || flow === null) throw new Error("no map");
    expect(textOf(positions.of(flow, "absent"))).toBe("{ a: 1 }");
    expect(textOf(positions.ofKey(flow, "absent"))).toBe("{ a: 1 }");
  });

  it("knows copies, and nothing that no file holds", () => {
    const { value, positions } = parse("a: b\n");
    const copy = { ...value };
    expect(() => positions.of(copy)).toThrow("assertion");
    positions.alias(copy, value);
    expect(textOf(positions.of(copy, "a"))).toBe("b");
  });

  const rows: readonly [name: string, yaml: string, wanted: string][] = [
    ["plain", "c: request.verb = GET\n", "verb"],
    ["single quotes", "c: 'request.verb = GET'\n", "verb"],
    ["double quotes", 'c: "request.verb = GET"\n', "verb"],
    ["single quotes with a doubled one before", "c: 'it''s request.verb'\n", "verb"],
    ["double quotes with escapes before", 'c: "\\"\\x41\\u0041\\n request.verb"\n', "verb"],
    ["literal block", "c: |\n  first line\n  request.verb = GET\n", "verb"],
    ["folded block", "c: >-\n  first line\n  request.verb = GET\n", "verb"],
    ["plain over two lines", "c: first line\n  request.verb = GET\n", "verb"],
    ["double quotes over two lines", 'c: "first line\n  request.verb = GET"\n', "verb"],
  ];
  it.each(rows)("finds a range inside a text: %s", (_, yaml, wanted) => {
    for (const text of [yaml, yaml.replaceAll("\n", "\r\n")]) {
      const { value, positions } = parse(text);
      const scalar = String(value["c"]);
      const start = scalar.indexOf(wanted);
      expect(textOf(positions.within(value, "c", start, start + wanted.length))).toBe(wanted);
    }
  });

  it("takes ranges past the end for the end", () => {
    const { value, positions } = parse("c: abc\n");
    expect(textOf(positions.within(value, "c", 1, 99))).toBe("bc");
    const end = positions.within(value, "c", 3, 3);
    expect([end.start, end.end]).toEqual([6, 6]);
  });
});
