/** Every output form of diagnostics. */
import { describe, expect, it } from "vitest";
import { codeFrame } from "#compiler/diagnostics/code-frame.ts";
import { Diagnostics, type Diagnostic } from "#compiler/diagnostics/diagnostic.ts";
import { renderGithub } from "#compiler/diagnostics/render-github.ts";
import { renderJson } from "#compiler/diagnostics/render-json.ts";
import { renderJunit } from "#compiler/diagnostics/render-junit.ts";
import { renderSarif } from "#compiler/diagnostics/render-sarif.ts";
import { renderText } from "#compiler/diagnostics/render.ts";
import { SourceFile } from "#compiler/source/source-file.ts";

const chat = new SourceFile("proxies/chat/proxy.yaml", 'kind: ApiProxy\nname: a\nname: "b,c: 100%"\n');
const other = new SourceFile("a b.yaml", "enabled: <yes>\n");

function sample(): readonly Diagnostic[] {
  const diagnostics = new Diagnostics();
  diagnostics.report(
    "AGW1007",
    { file: chat, start: 23, end: 27 },
    { key: "name" },
    {
      related: [{ span: { file: chat, start: 15, end: 19 }, message: "the first is here" }],
    },
  );
  diagnostics.report(
    "AGW4002",
    { file: other, start: 9, end: 14 },
    { key: '"enabled"', what: "a & <b>" },
    { help: "50% off:\nnext" },
  );
  diagnostics.report("AGW1003", null, {}, { help: "write one" });
  return diagnostics.all;
}

describe("renderText", () => {
  it("prints header, place, frame, second place, help and a count", () => {
    expect(renderText(sample())).toBe(
      [
        "error[AGW1003]: the project has no gateway.yaml",
        "  = help: write one",
        "",
        'warning[AGW4002]: "enabled" looks like a & <b>',
        "  --> a b.yaml:1:10",
        "> 1 | enabled: *****",
        "    |          ^^^^^",
        "  = help: 50% off:\\u{a}next",
        "",
        'error[AGW1007]: key "name" stands here a second time',
        "  --> proxies/chat/proxy.yaml:3:1",
        "  2 | name: a",
        '> 3 | name: "b,c: 100%"',
        "    | ^^^^",
        "  note: the first is here",
        "  --> proxies/chat/proxy.yaml:2:1",
        "> 2 | name: a",
        "    | ^^^^",
        "",
        "2 errors, 1 warning in 2 files",
        "",
      ].join("\n"),
    );
  });

  it("prints nothing when there is nothing", () => {
    expect(renderText([])).toBe("");
  });

  it("prefers errors when it must leave some out, and says so", () => {
    const text = renderText(sample(), { maxProblems: 2 });
    expect(text).not.toContain("AGW4002");
    expect(text).toContain("AGW1007");
    expect(text.trimEnd().split("\n").at(-1)).toBe("2 errors, 1 warning in 2 files (2 shown)");
  });

  it("colours only when told to", () => {
    expect(renderText(sample(), { color: false })).not.toContain("\u001b");
    expect(renderText(sample(), { color: true })).toContain("\u001b[31m");
    const plain = renderText(sample(), { color: true }).replace(/\u001b\[\d+m/g, "");
    expect(plain).toBe(renderText(sample()));
  });

  it("puts the way to the project in front of paths", () => {
    expect(renderText(sample(), { prefix: "gateways/eu" })).toContain("  --> gateways/eu/a b.yaml:1:10");
  });

  it("writes characters that would act on a terminal as codes", () => {
    const file = new SourceFile("a.yaml", "a: \u001b[2J\u202eb\n");
    const diagnostics = new Diagnostics();
    diagnostics.report("AGW1020", { file, start: 3, end: 8 }, { key: "\u001b[2J", owner: "" });
    const text = renderText(diagnostics.all);
    expect(text).not.toMatch(/[\u001b\u202e]/);
    expect(text).toContain("\\u{1b}[2J\\u{202e}b");
  });
});

describe("codeFrame", () => {
  it("cuts long lines around the place", () => {
    const file = new SourceFile("a.yaml", `a: ${"x".repeat(5_000)}HERE${"y".repeat(5_000)}\n`);
    const [line = "", carets = ""] = codeFrame({ file, start: 5_003, end: 5_007 });
    expect(line.length).toBeLessThan(200);
    expect(line.slice(carets.indexOf("^"), carets.lastIndexOf("^") + 1)).toBe("HERE");
  });

  it("hides the characters of secrets, also where another frame shows their line", () => {
    const file = new SourceFile("a.yaml", "key: |\n  line one\n  line two\nb: 1\n");
    const secret = { file, start: 5, end: 29 };
    expect(codeFrame({ file, start: 29, end: 30 }, { context: true, concealed: [secret] })).toEqual([
      "  3 |   **** ***",
      "> 4 | b: 1",
      "    | ^",
    ]);
    expect(codeFrame({ file, start: 29, end: 30 }, { context: true })[0]).toBe("  3 |   line two");
  });

  it("underlines the first line of a place of several, and marks empty places", () => {
    const file = new SourceFile("a.yaml", "a:\n  b: 1\n  c: 2\n");
    expect(codeFrame({ file, start: 5, end: 16 })).toEqual(["> 2 |   b: 1", "    |   ^^^^"]);
    expect(codeFrame({ file, start: 17, end: 17 })[1]).toBe("    | ^");
  });
});

describe("renderJson", () => {
  it("is one document with places and counts", () => {
    const parsed: unknown = JSON.parse(renderJson(sample(), { prefix: "p", maxProblems: 2 }));
    expect(parsed).toMatchObject({
      errors: 2,
      warnings: 1,
      problems: [
        { code: "AGW1003", severity: "error", place: null },
        {
          code: "AGW1007",
          place: { path: "p/proxies/chat/proxy.yaml", line: 3, column: 1, endLine: 3, endColumn: 5 },
          related: [{ message: "the first is here", place: { line: 2 } }],
        },
      ],
    });
  });
});

describe("renderSarif", () => {
  it("has rules, levels and encoded places", () => {
    const parsed: unknown = JSON.parse(renderSarif(sample()));
    expect(parsed).toMatchObject({
      version: "2.1.0",
      runs: [
        {
          tool: { driver: { name: "apigw-compile", rules: [{ id: "AGW1003" }, { id: "AGW1007" }, { id: "AGW4002" }] } },
          results: [
            { ruleId: "AGW1003", ruleIndex: 0, locations: [] },
            {
              ruleId: "AGW4002",
              level: "warning",
              locations: [
                {
                  physicalLocation: {
                    artifactLocation: { uri: "a%20b.yaml" },
                    region: { startLine: 1, startColumn: 10 },
                  },
                },
              ],
            },
            { ruleId: "AGW1007", relatedLocations: [{ message: { text: "the first is here" } }] },
          ],
        },
      ],
    });
  });
});

describe("renderGithub", () => {
  it("is one command a diagnostic, with everything escaped", () => {
    expect(renderGithub(sample())).toBe(
      [
        "::error title=AGW1003::the project has no gateway.yaml%0Awrite one",
        '::warning file=a b.yaml,line=1,endLine=1,col=10,endColumn=15,title=AGW4002::"enabled" looks like a & <b>%0A50%25 off:%0Anext',
        '::error file=proxies/chat/proxy.yaml,line=3,endLine=3,col=1,endColumn=5,title=AGW1007::key "name" stands here a second time',
        "",
      ].join("\n"),
    );
  });
});

describe("renderJunit", () => {
  it("fails a case for each error and escapes XML", () => {
    const text = renderJunit(sample());
    expect(text).toContain('<testsuites tests="3" failures="2">');
    expect(text.match(/<failure /g)).toHaveLength(2);
    expect(text).toContain(
      "<system-out>&quot;enabled&quot; looks like a &amp; &lt;b&gt; at a b.yaml:1:10\n50% off:\nnext</system-out>",
    );
  });

  it("has one passed case without diagnostics", () => {
    expect(renderJunit([])).toContain('<testcase classname="apigw-compile" name="no problems"/>');
  });
});
