/** No expression of the runtime can be made to take more than linear time by what it is given. What is excused says why. */
import { ts } from "ts-morph";
import { expect, it } from "vitest";
import { checkRegexSafety } from "#compiler/expression/regex-safety.ts";
import { placeOf, sourcesIn } from "../architecture/sources.ts";

/** Expressions that are slow on paper, or that nobody can judge: by file, as they stand, with what bounds them. */
const excused: readonly (readonly [file: string, start: string, why: string])[] = [
  ["runtime/debug/mask.ts", '/"([^"\\\\\\n]{1,128})"', "names of 128 characters in texts of 40 KiB"],
  ["runtime/debug/mask.ts", "/<([A-Za-z_][\\w.:-]{0,127})", "names of 128 characters in texts of 40 KiB"],
  ["runtime/debug/mask.ts", "/\\b(Bearer|Basic", "blanks behind a scheme are looked at twice at most"],
  ["runtime/debug/mask.ts", "/=+$/", "base64 ends with two of them at most"],
  ["runtime/language/condition.ts", "/^[A-Za-z_][^\\s/]*\\.", "words of a condition, which a bundle or an operator writes"],
  ["runtime/observe/process-metrics.ts", "/^Max open files", "the system's own text"],
  ["runtime/otlp/trace-context.ts", "/^(?:[a-z][a-z0-9_*", "parts of 256 characters, tied to both ends"],
  ["runtime/policies/data-capture.ts", "/^[+-]?(?:\\d{1,300}", "numbers of 600 digits, tied to both ends"],
  ["runtime/policies/revoke-by-security-event.ts", "/([A-Za-z0-9_-]{1,64})", "64 characters at each place"],
  ["runtime/state/redis.ts", "/^maxmemory_policy", "the server's own text"],
  ["runtime/access/tokens.ts", "/^[A-Za-z0-9._~+/-]{1,2048}", "2048 characters, tied to both ends"],
  ["runtime/token/secret.ts", "/=+$/", "a secret of the gateway's own"],
  ["runtime/language/template.ts", "/'([^']*(?:''[^']*)*)'(?!')/y", "templates, which a bundle writes"],
  ["runtime/template/xpath-value.ts", "/0+$/", "twenty digits"],
];

const literals = sourcesIn("runtime").flatMap((source) => {
  const found: { file: string; text: string; place: string }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) found.push({ file: source.path, text: node.text, place: placeOf(source, node) });
    ts.forEachChild(node, visit);
  };
  visit(source.tree);
  return found;
});

const isExcused = ({ file, text }: { file: string; text: string }): boolean =>
  excused.some(([path, start]) => path === file && text.startsWith(start));

function verdict(text: string): string {
  const [, source = "", flags = ""] = /^\/([^]*)\/([a-z]*)$/.exec(text) ?? [];
  const found = checkRegexSafety(source, flags);
  return found.safe ? "safe" : found.complexity;
}

it("expressions of the runtime are linear", () => {
  expect(literals.length).toBeGreaterThan(100);
  const judged = literals.filter((literal) => !isExcused(literal)).map((literal) => ({ ...literal, verdict: verdict(literal.text) }));
  // On a machine that is busy the analysis of some does not end in its time.
  const known = judged.filter((literal) => literal.verdict !== "unknown");
  expect(known.length).toBeGreaterThan(100);
  expect(known.filter((literal) => literal.verdict !== "safe")).toEqual([]);
}, 120_000);

it("and every excuse is one for something that is there", () => {
  const idle = excused.filter(([path, start]) => !literals.some(({ file, text }) => file === path && text.startsWith(start)));
  expect(idle).toEqual([]);
});

it("would find a slow one", () => {
  expect(verdict("/^(a+)+$/")).toBe("exponential");
  expect(verdict("/[ \\t]*(?:a)?[ \\t]*(?:;|$)/y")).toBe("polynomial");
});
