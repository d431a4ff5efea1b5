/**
 * Compiles every condition and message template of the bundles in XML below a folder, as a bundle that holds them would
 * be compiled, and tells which are refused and why. `--write` puts the result into docs/differences.md.
 *
 *     node scripts/real-texts.ts <folder> [--write]
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "../compiler/compile.ts";
import { callProblems } from "../compiler/expression/template-call.ts";
import { foldTemplate } from "../compiler/expression/template-fold.ts";
import type { Span } from "../compiler/source/positions.ts";
import { SourceFile } from "../compiler/source/source-file.ts";
import { parseTemplate } from "../runtime/language/template.ts";
import { realTexts, type RealText, type RealTexts } from "./xml-texts.ts";

const page = path.resolve(fileURLToPath(import.meta.url), "../../docs/differences.md");
const BEGIN = "<!-- written by scripts/real-texts.ts -->";
const END = "<!-- end of what scripts/real-texts.ts writes -->";

/** A text that occurs, how often, and why it is refused (null: it is not). */
export interface Verdict {
  readonly text: RealText;
  readonly count: number;
  readonly refusal: string | null;
}

/** Judges each different text once. */
export async function judged(texts: readonly RealText[]): Promise<readonly Verdict[]> {
  const groups = Map.groupBy(texts, keyOf);
  const different = [...groups.values()].flatMap(([first]) => (first === undefined ? [] : [first]));
  const refusals = await refusalsOf(different);
  return different.map((text, index) => {
    return { text, count: groups.get(keyOf(text))?.length ?? 0, refusal: refusals[index] ?? null };
  });
}

function keyOf({ kind, text, reading }: RealText): string {
  const { delimiters, literals } = reading;
  return JSON.stringify([kind, text, delimiters ?? null, [...(literals ?? [])]]);
}

/** The first error of each text. Errors of one phase hide those of later ones, so that several rounds may be needed. */
async function refusalsOf(texts: readonly RealText[]): Promise<readonly (string | null)[]> {
  const refusals = texts.map((text) => (text.reading.delimiters === undefined ? null : ownRefusal(text)));
  for (;;) {
    const { diagnostics, modules } = await compile(bundleOf(texts, (index) => refusals[index] !== null));
    if (modules !== undefined) return refusals;
    const before = refusals.filter((refusal) => refusal === null).length;
    for (const { code, message, severity, span } of diagnostics.all) {
      if (severity === "error" && span !== null) refusals[indexOf(span)] ??= `${code}: ${message}`;
    }
    const after = refusals.filter((refusal) => refusal === null).length;
    if (after === before) throw new Error("assertion: an error that belongs to no text");
  }
}

/** Templates with delimiters of their own, which are judged without a bundle. */
function ownRefusal({ text, reading }: RealText): string | null {
  const template = parseTemplate(text, reading);
  const [problem] = template.problems;
  if (problem !== undefined) return problem.message;
  const [call] = foldTemplate(template).parts.flatMap((part) => (part.kind === "call" ? callProblems(part) : []));
  return call === undefined ? null : call.code;
}

/** Texts in one proxy: a flow holds no more steps than 500. */
const CHUNK = 400;

/** Each condition on a line and each template in a policy that has its place in the list as number. */
function bundleOf(texts: readonly RealText[], isRefused: (index: number) => boolean): readonly SourceFile[] {
  const files = [new SourceFile("gateway.yaml", "kind: Gateway\n")];
  for (let first = 0; first < texts.length; first += CHUNK) {
    const folder = `proxies/texts-${first}`;
    const chunk = texts.slice(first, first + CHUNK);
    const steps = chunk.map((text, at) => {
      if (isRefused(first + at)) return "AM-None";
      return text.kind === "condition" ? condition(text) : `AM-${first + at}`;
    });
    const endpoint = `basePath: /${first}, webSocket: deny, routeRules: [{ name: none }], preFlow: { response: [`;
    const lines = steps.map((step) => `${step},\n`).join("");
    const none = "kind: AssignMessage\nactions: [{ remove: { headers: [x] } }]\n";
    files.push(new SourceFile(`${folder}/proxy.yaml`, `{ kind: ApiProxy, proxyEndpoints: [{ ${endpoint}${lines}AM-None] } }] }\n`));
    files.push(new SourceFile(`${folder}/policies/AM-None.yaml`, none));
    chunk.forEach((text, at) => {
      const isPolicy = text.kind === "template" && !isRefused(first + at);
      if (isPolicy) files.push(policy(text, `${folder}/policies/AM-${first + at}.yaml`));
    });
  }
  return files;
}

/** The place in the list of the text that a span of such a bundle belongs to. */
function indexOf({ file, start }: Span): number {
  const policyIndex = /AM-([0-9]+)\.yaml$/.exec(file.path)?.[1];
  const first = Number(/texts-([0-9]+)/.exec(file.path)?.[1]);
  return policyIndex === undefined ? first + file.text.slice(0, start).split("\n").length - 1 : Number(policyIndex);
}

function condition({ text }: RealText): string {
  return `{ name: AM-None, condition: ${JSON.stringify(text)} }`;
}

function policy({ text, reading }: RealText, file: string): SourceFile {
  const assigned = [...(reading.literals ?? [])].map(([name, value]) => ({ assignVariable: { name, value } }));
  // A template with delimiters of its own is judged apart.
  const payload = reading.delimiters === undefined ? text : "";
  const actions = [...assigned, { set: { payload } }];
  const model = { kind: "AssignMessage", ignoreUnresolvedVariables: true, actions };
  return new SourceFile(file, JSON.stringify(model));
}

/** The result as Markdown. */
export function reportOf({ files, unreadable }: RealTexts, verdicts: readonly Verdict[]): string {
  const rows = (["condition", "template"] as const).map((kind) => {
    const own = verdicts.filter(({ text }) => text.kind === kind);
    const refused = own.filter(({ refusal }) => refusal !== null);
    const sum = own.reduce((all, { count }) => all + count, 0);
    return `| ${kind}s | ${sum} | ${own.length} | ${own.length - refused.length} | ${refused.length} |`;
  });
  const reasons = Map.groupBy(verdicts, ({ refusal }) => refusal);
  reasons.delete(null);
  const list = [...reasons]
    .map(([reason, group]) => `| ${group.length} | ${String(reason).replaceAll("|", "\\|")} |`)
    .sort();
  const read = `Of ${files} XML files${unreadable === 0 ? "" : ` (${unreadable} of them are no XML)`}:`;
  const table = ["| texts | found | different | accepted | refused |", "|---|---|---|---|---|", ...rows];
  const why = list.length === 0 ? [] : ["", "| refused | why |", "|---|---|", ...list];
  return [read, "", ...table, ...why].join("\n");
}

/** The page with the result between the two marks. */
export function pageWith(text: string, report: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error(`${path.basename(page)} lacks the lines ${BEGIN} and ${END}`);
  return `${text.slice(0, begin + BEGIN.length)}\n${report}\n${text.slice(end)}`;
}

async function main(args: readonly string[]): Promise<void> {
  const folder = args.find((argument) => !argument.startsWith("--"));
  if (folder === undefined) throw new Error("usage: node scripts/real-texts.ts <folder> [--write]");
  const found = realTexts(folder);
  const verdicts = await judged(found.texts);
  const report = reportOf(found, verdicts);
  for (const { text, refusal } of verdicts) {
    if (refusal !== null) process.stdout.write(`${refusal}\n  ${JSON.stringify(text.text)}\n`);
  }
  process.stdout.write(`${report}\n`);
  if (args.includes("--write")) writeFileSync(page, pageWith(readFileSync(page, "utf8"), report));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
