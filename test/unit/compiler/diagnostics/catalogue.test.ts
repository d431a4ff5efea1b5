/** The catalogue's entries are complete, and waivers do what they say. */
import { describe, expect, it } from "vitest";
import { catalogue, codes, families, isCode, severityOf } from "#compiler/diagnostics/catalogue.ts";
import { Diagnostics } from "#compiler/diagnostics/diagnostic.ts";
import { nearest } from "#compiler/diagnostics/nearest.ts";
import { SourceFile } from "#compiler/source/source-file.ts";

describe("catalogue", () => {
  it.each(codes())("%s has a number of a family, a title, an explanation and an example", (code) => {
    const entry = catalogue[code];
    expect(code).toMatch(/^AGW\d{4}$/);
    expect(Object.keys(families)).toContain(code[3]);
    expect(entry.title).toMatch(/^\S.*[^.\s]$/);
    expect(entry.explanation.length).toBeGreaterThanOrEqual(30);
    expect(entry.explanation).toMatch(/[.?]$/);
    expect(entry.example.bad).not.toBe(entry.example.good);
  });

  it("gives no title twice", () => {
    const titles = codes().map((code) => catalogue[code].title);
    expect(new Set(titles).size).toBe(titles.length);
  });

  it("knows its codes and no others", () => {
    expect(isCode("AGW1001")).toBe(true);
    expect(isCode("AGW0000")).toBe(false);
    expect(isCode("toString")).toBe(false);
    expect(severityOf("AGW4002")).toBe("warning");
  });
});

describe("Diagnostics", () => {
  const file = new SourceFile("a.yaml", "one: 1\ntwo: 2\n");
  const onLine = (line: number): { file: SourceFile; start: number; end: number } => ({
    file,
    start: (line - 1) * 7,
    end: (line - 1) * 7 + 3,
  });

  it("keeps a waived warning apart, and only that one", () => {
    const diagnostics = new Diagnostics();
    diagnostics.waive({ code: "AGW4002", line: 2, reason: "sample", span: onLine(1) });
    diagnostics.report("AGW4002", onLine(1), { key: "one", what: "x" });
    diagnostics.report("AGW4002", onLine(2), { key: "two", what: "x" });
    diagnostics.reportUnusedWaivers();
    expect(diagnostics.all.map((found) => found.message)).toEqual(["one looks like x"]);
    expect(diagnostics.waived.map((found) => found.message)).toEqual(["two looks like x"]);
    expect(diagnostics.hasErrors).toBe(false);
  });

  it("waives no errors, and reports the waiver as unused", () => {
    const diagnostics = new Diagnostics();
    diagnostics.waive({ code: "AGW4001", line: 1, reason: "no", span: onLine(2) });
    diagnostics.report("AGW4001", onLine(1), { key: "one", what: "a secret" });
    diagnostics.reportUnusedWaivers();
    expect(diagnostics.all.map((found) => found.code)).toEqual(["AGW4001", "AGW1030"]);
    expect(diagnostics.hasErrors).toBe(true);
  });
});

describe("nearest", () => {
  const names = ["basePath", "preFlow", "postFlow", "flows"];
  it.each([
    ["basepath", "basePath"],
    ["BasePath", "basePath"],
    ["basPeath", "basePath"],
    ["perFlow", "preFlow"],
    ["flow", "flows"],
    ["idleTimeout", null],
    ["x", null],
  ])("%s -> %s", (name, expected) => {
    expect(nearest(name, names)).toBe(expected);
  });
});
