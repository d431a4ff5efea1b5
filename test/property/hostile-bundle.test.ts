/**
 * Whatever text a bundle holds, the emitted program parses, and the text stands in it inside string literals, regular
 * expressions or comments only.
 */
import fc from "fast-check";
import { ts } from "ts-morph";
import { describe, expect, it } from "vitest";
import { compile, type EmittedModule } from "#compiler/compile.ts";
import { SourceFile } from "#compiler/source/source-file.ts";

/** Marks every hostile text, so that it is found wherever it went. */
const MARK = "ZqX7";
const nasty = ["*/", "/*", "//", "${", "`", '"', "'", "\\", "\n", "\r", "\u2028", "\u2029", "\0", "__proto__", "constructor", "</script>", "%", "$&", "(", "]", "€", "😀"];

function textOf(...extra: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(fc.constantFrom(...nasty, ...extra), fc.string({ unit: "grapheme", maxLength: 4 }));
  return fc.array(piece, { maxLength: 6 }).map((pieces) => MARK + pieces.join(""));
}

/** Text of any characters; braces too, where they are no template. */
const anyText = textOf("{", "}", "{x}");
const templateText = textOf().map((text) => text.replace(/[{}]/g, ""));
const headerText = templateText.map((text) => text.replace(/[\u0000-\u001f\u007f]/g, ""));
const conditionText = textOf("{", "}").map((text) => text.replaceAll('"', ""));
const headerName = fc.array(fc.constantFrom(..."!#$%&'*+.^_`|~aZ09-"), { minLength: 1, maxLength: 12 }).map((all) => `x${all.join("")}`);
const variableName = textOf().map((text) => text.replace(/[\s{}\0-\x1f"']/gu, "").replace(/[\u2028\u2029]/g, "") + ".v");
const resourceName = fc
  .array(fc.constantFrom(..."$%.-_aZ09 ", "__proto__", "constructor", "class", "x", "route"), { minLength: 1, maxLength: 6 })
  .map((all) => all.join("").trim())
  .filter((name) => name !== "" && !/^\.+$/.test(name));

interface Hostile {
  readonly payload: string;
  readonly value: string;
  readonly header: string;
  readonly headerName: string;
  readonly condition: string;
  readonly variable: string;
  readonly flow: string;
  readonly target: string;
  readonly policy: string;
  readonly close: string;
}

const hostile: fc.Arbitrary<Hostile> = fc.record({
  payload: templateText,
  value: anyText,
  header: headerText,
  headerName,
  condition: conditionText,
  variable: variableName,
  flow: resourceName,
  target: resourceName,
  policy: resourceName,
  close: headerText.map((text) => text.slice(0, 20)),
});

const BACKSLASH_BESIDE_COMMENT: Hostile = {
  payload: "ZqX7/*",
  value: "ZqX7\\",
  header: "ZqX7",
  headerName: "x!",
  condition: "ZqX7",
  variable: "ZqX7.v",
  flow: "$",
  target: "$text0$",
  policy: "a",
  close: "ZqX7",
};

function bundleOf(h: Hostile): SourceFile[] {
  const q = JSON.stringify;
  const conditions = [`request.header.h = "${h.condition}"`, `"${h.condition}" = "never"`, `'${h.variable}' != "${h.condition}"`];
  const steps = conditions.map((condition) => ({ name: "AM", condition }));
  const proxy = {
    kind: "ApiProxy",
    description: h.value,
    proxyEndpoints: [
      {
        name: h.flow,
        basePath: "/a/*/b",
        webSocket: { close: { idle: { reason: h.close } } },
        preFlow: { request: [h.policy, ...steps] },
        flows: [{ name: h.flow, description: h.value, condition: conditions[0], request: ["AM"] }],
        faultRules: [{ name: h.flow, condition: conditions[2], steps: ["AM"] }],
        routeRules: [
          { name: h.flow, condition: conditions[0], targetEndpoint: h.target },
          { name: `${h.flow}2`, targetEndpoint: h.target },
        ],
      },
    ],
    targetEndpoints: [{ name: h.target, url: "http://backend:3000", preFlow: { request: ["AM"] } }],
  };
  const raise = { kind: "RaiseFault", displayName: h.value, actions: [{ set: { statusCode: 403, payload: h.payload } }] };
  const assign = {
    kind: "AssignMessage",
    description: h.value,
    actions: [
      { set: { headers: { [h.headerName]: h.header }, queryParams: { [h.value]: h.payload } } },
      { assignVariable: { name: h.variable, value: h.value } },
      { assignVariable: { name: "other", template: h.payload } },
    ],
  };
  const files = {
    "gateway.yaml": { kind: "Gateway" },
    "proxies/p/proxy.yaml": proxy,
    [`proxies/p/policies/${h.policy}.yaml`]: { ...raise, continueOnError: true },
    "proxies/p/policies/AM.yaml": assign,
  };
  return Object.entries(files).map(([path, value]) => new SourceFile(path, q(value)));
}

/** Leaves that hold the mark and are neither strings nor regular expressions; and the texts of all strings. */
function inspect({ path, text }: EmittedModule): { problems: string[]; strings: string[] } {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
  const problems = parseProblems(source);
  const strings: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isTemplateExpression(node) || ts.isNoSubstitutionTemplateLiteral(node)) problems.push(`a template literal: ${node.getText()}`);
    if (ts.isStringLiteral(node)) strings.push(node.text);
    else if (node.getChildCount() === 0 && node.kind !== ts.SyntaxKind.RegularExpressionLiteral && node.kind < ts.SyntaxKind.FirstJSDocNode && node.getText().includes(MARK)) {
      problems.push(`${ts.SyntaxKind[node.kind] ?? ""}: ${node.getText()}`);
    }
    node.getChildren().forEach(visit);
  };
  visit(source);
  return { problems, strings };
}

function parseProblems(source: ts.SourceFile): string[] {
  const found: unknown = Reflect.get(source, "parseDiagnostics");
  if (!Array.isArray(found)) throw new Error("this TypeScript keeps its parse errors elsewhere");
  return found.map((problem) => JSON.stringify(problem.messageText));
}

describe("hostile text in a bundle", () => {
  it("stays inside literals and comments", { timeout: 60_000 }, async () => {
    let emitted = 0;
    await fc.assert(
      fc.asyncProperty(hostile, async (h) => {
        const { modules } = await compile(bundleOf(h));
        if (modules === undefined) return;
        emitted++;
        const found = modules.map(inspect);
        expect(found.flatMap(({ problems }) => problems)).toEqual([]);
        const strings = new Set(found.flatMap((module) => module.strings));
        expect([...strings]).toContain(h.payload);
        expect([...strings]).toContain(h.value);
        expect([...strings]).toContain(h.condition);
      }),
      {
        numRuns: 120,
        // A string that ends with a backslash, beside one that opens a comment.
        examples: [[BACKSLASH_BESIDE_COMMENT]],
      },
    );
    expect(emitted).toBeGreaterThan(40);
  });

  it("would be noticed outside of them", () => {
    const inspected = inspect({ path: "a.ts", text: `const ${MARK} = "${MARK}b"; // ${MARK}\nconst b = (;` });
    expect(inspected.strings).toEqual([`${MARK}b`]);
    expect(inspected.problems.some((problem) => problem.startsWith("Identifier"))).toBe(true);
    expect(inspected.problems.length).toBeGreaterThan(1);
  });
});
