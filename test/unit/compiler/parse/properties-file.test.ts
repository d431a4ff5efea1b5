/** Java's property files: what its own loader makes of the same text (java.util.Properties.load). */
import { expect, it } from "vitest";
import { parseProperties } from "#compiler/1-parse/properties-file.ts";
import { Diagnostics } from "#compiler/diagnostics/diagnostic.ts";
import { PositionIndex } from "#compiler/source/position-index.ts";
import { SourceFile } from "#compiler/source/source-file.ts";

function parsed(text: string) {
  const diagnostics = new Diagnostics();
  const positions = new PositionIndex();
  const values = parseProperties(new SourceFile("a.properties", text), positions, diagnostics);
  return { values, positions, problems: diagnostics.all.map(({ code, span }) => `${code} ${span?.start}-${span?.end}`) };
}

it.each([
  ["a=b", { a: "b" }],
  ["a:b", { a: "b" }],
  ["a b", { a: "b" }],
  ["a\tb", { a: "b" }],
  ["a\fb", { a: "b" }],
  ["  a  =  b  ", { a: "b  " }],
  ["a = = b", { a: "= b" }],
  ["a : = b", { a: "= b" }],
  ["a == b", { a: "= b" }],
  ["a", { a: "" }],
  ["a=", { a: "" }],
  ["a=b\nc=d\r\ne=f\rg=h", { a: "b", c: "d", e: "f", g: "h" }],
  ["# a=b\n! c=d\n  # e=f\n\n \t\f\ng=#h", { g: "#h" }],
  ["# no end \\\na=b", { a: "b" }],
  ["a=b\\\n   c", { a: "bc" }],
  ["a=b\\\r\n\tc\\\rd", { a: "bcd" }],
  ["a=b\\\\\nc=d", { a: "b\\", c: "d" }],
  ["a=b\\\\\\\nc", { a: "b\\c" }],
  ["a=b\\\n# c", { a: "b# c" }],
  ["a=b\\\n\nc=d", { a: "b", c: "d" }],
  ["a=b\\", { a: "b" }],
  ["lon\\\n  ger=x", { longer: "x" }],
  ["a=\\t\\n\\r\\f\\q\\\\\\\"", { a: "\t\n\r\fq\\\"" }],
  ["a=\\u0041\\u00e9\\\\u0041", { a: "Aé\\u0041" }],
  ["\\u0061\\.b=\\ c", { "a.b": " c" }],
  ["\ufeffa=é", { a: "é" }],
  ["", {}],
])("%j", (text, values) => {
  expect(parsed(text)).toMatchObject({ values, problems: [] });
});

it.each([
  ["= b", ["AGW1033 0-1"]],
  ["a=\\u12g4", ["AGW1033 0-8"]],
  ["a=\\\\\\u", ["AGW1033 0-6"]],
  ["a\\=b=c", ["AGW1033 0-4"]],
  ["__proto__=c", ["AGW1033 0-9"]],
  ["a=1\n a = 2", ["AGW1007 5-6"]],
  [`a=${"x".repeat(16_385)}`, ["AGW1033 0-1"]],
  [`${"k".repeat(256)}=1`, ["AGW1033 0-256"]],
])("is refused: %j", (text, problems) => {
  expect(parsed(text).problems).toEqual(problems);
});

it("takes a thousand keys, and says where each value stands", () => {
  const text = Array.from({ length: 1001 }, (_, at) => `k${at} = v`).join("\n");
  const { values, problems } = parsed(text);
  expect([Object.keys(values).length, problems.length]).toEqual([1000, 1]);
  const split = parsed("# c\nkey : one \\\n  two\n");
  expect(split.positions.of(split.values, "key")).toMatchObject({ start: 10, end: 21 });
  expect(split.positions.ofKey(split.values, "key")).toMatchObject({ start: 4, end: 7 });
});
