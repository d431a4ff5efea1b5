/** The YAML of the documents is read by the compiler like a user's: no syntax error, no unknown key, no wrong value. */
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { compile } from "#compiler/compile.ts";
import { SourceFile } from "#compiler/source/source-file.ts";
import { root } from "./sources.ts";

const pages = ["README.md", "examples/websocket-chat/README.md", ...pagesIn("docs"), ...pagesIn("docs/decisions")];

function pagesIn(folder: string): string[] {
  const names = readdirSync(path.join(root, folder)).filter((name) => name.endsWith(".md"));
  return names.sort().map((name) => `${folder}/${name}`);
}

/** A piece of YAML that is one file or a part of one. */
interface Piece {
  /** Page and line. */
  readonly at: string;
  readonly text: string;
}

/** The pieces of a page: fenced, parted by `---` and by comments that name a file. */
function piecesOf(page: string, text: string): readonly Piece[] {
  return [...text.matchAll(/^```yaml\n([^]*?)^```$/gm)].flatMap(({ 1: block = "", index }) => {
    const at = `${page}:${text.slice(0, index).split("\n").length}`;
    const files = block.split(/^(?:---|# \S+\.yaml)$\n?/m).filter((piece) => /^[^#\s]/m.test(piece));
    return files.flatMap((file) => alternatives(file).map((piece) => ({ at, text: piece })));
  });
}

/** Where a key stands twice at the top, each occurrence is another way to write it. */
function alternatives(text: string): readonly string[] {
  const parts = text.split(/^(?=[A-Za-z]+:)/m);
  const keys = parts.map((part) => /^[A-Za-z]+:/.exec(part)?.[0]);
  const repeats = keys.some((key, at) => key !== undefined && keys.indexOf(key) !== at);
  return repeats ? parts.filter((part) => /^[A-Za-z]/.test(part)) : [text];
}

const GATEWAY = "kind: Gateway\nstore: { kind: redis, url: 'redis://localhost' }\n";
const PROXY = "kind: ApiProxy\nproxyEndpoints: [{ basePath: /p, routeRules: [{ name: none }] }]\n";

/** The project around a piece: the file that it is, or that it is a part of. */
function projectOf(text: string): readonly SourceFile[] {
  const kind = /^kind: *([A-Za-z0-9]+)/m.exec(text)?.[1];
  const files = (gateway: string, proxy: string, ...others: SourceFile[]): readonly SourceFile[] => [
    new SourceFile("gateway.yaml", gateway),
    new SourceFile("proxies/p/proxy.yaml", proxy),
    ...others,
  ];
  if (kind === "Gateway") return files(text, PROXY);
  if (kind === "ApiProxy") return files(GATEWAY, text);
  if (kind !== undefined) return files(GATEWAY, PROXY, new SourceFile("proxies/p/policies/P.yaml", text));
  if (/^proxyEndpoints:/m.test(text)) return files(GATEWAY, `kind: ApiProxy\n${text}`);
  if (/^(webSocket|basePath|preFlow):/m.test(text)) {
    return files(GATEWAY, `kind: ApiProxy\nproxyEndpoints:\n  - basePath: /p\n${text.replaceAll(/^/gm, "    ")}`);
  }
  if (/^targetEndpoints:/m.test(text)) return files(GATEWAY, `${PROXY}${text}`);
  return files(/^store:/m.test(text) ? `kind: Gateway\n${text}` : `${GATEWAY}${text}`, PROXY);
}

/** What is wrong with a piece by itself: syntax and schema. What it refers to is elsewhere. */
async function problemsOf({ at, text }: Piece): Promise<readonly string[]> {
  const { diagnostics } = await compile(projectOf(text));
  const own = diagnostics.all.filter(({ code }) => code.startsWith("AGW1"));
  return own.map(({ code, message }) => `${at}: ${code} ${message}`);
}

describe("YAML in documents", () => {
  it.each(pages)("%s", async (page) => {
    const pieces = piecesOf(page, readFileSync(path.join(root, page), "utf8"));
    expect((await Promise.all(pieces.map(problemsOf))).flat()).toEqual([]);
  });

  it("is found, taken apart and read", async () => {
    const gateway = "# gateway.yaml\nops: { port: 1, hst: x }\nops: { port: 1 }\n";
    const policies = "# policies/A.yaml\nkind: VerifyTicket\n---\nkind: VerifyTickt\n";
    const text = `text\n\`\`\`yaml\n${gateway}${policies}\`\`\`\n`;
    const pieces = piecesOf("a.md", text);
    expect(pieces.map((piece) => piece.at)).toEqual(["a.md:2", "a.md:2", "a.md:2", "a.md:2"]);
    const problems = (await Promise.all(pieces.map(problemsOf))).flat();
    expect(problems.map((problem) => problem.slice(0, 15))).toEqual(["a.md:2: AGW1020", "a.md:2: AGW1012"]);
  });
});
