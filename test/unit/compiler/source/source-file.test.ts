/** Offsets to lines and columns. */
import { describe, expect, it } from "vitest";
import { SourceFile } from "#compiler/source/source-file.ts";

describe("SourceFile", () => {
  const file = new SourceFile("a.yaml", "ab\ncd\r\n\nlast");
  it.each([
    [0, 1, 1],
    [2, 1, 3],
    [3, 2, 1],
    [7, 3, 1],
    [8, 4, 1],
    [12, 4, 5],
    [99, 4, 5],
  ])("offset %i is line %i, column %i", (offset, line, column) => {
    expect(file.place(offset)).toEqual({ line, column });
  });

  it("has one line when it is empty", () => {
    expect(new SourceFile("a.yaml", "").place(0)).toEqual({ line: 1, column: 1 });
  });
});
