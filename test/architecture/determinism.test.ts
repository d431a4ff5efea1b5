/** The same bundle gives the same bytes (invariant I9): in any order of files, with either line ends, from any directory. */
import path from "node:path";
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { readProject } from "#compiler/1-parse/read-project.ts";
import { bundleProgram } from "#compiler/6-bundle/bundle.ts";
import { compile } from "#compiler/compile.ts";
import { printPlan } from "#compiler/print.ts";
import { SourceFile } from "#compiler/source/source-file.ts";
import { root } from "./sources.ts";

async function artifactOf(files: readonly SourceFile[]): Promise<{ plan: string; code: string; map: string }> {
  const { plan, modules, diagnostics } = await compile(files);
  if (plan === undefined || modules === undefined) throw new Error(diagnostics.all.map(({ message }) => message).join("\n"));
  const { code, map } = await bundleProgram(modules, { minify: true });
  return { plan: printPlan(plan), code, map };
}

/** Always the same order, and no simple one. */
function shuffled(files: readonly SourceFile[]): SourceFile[] {
  const keyed = files.map((file, at) => ({ file, key: (at * 7919 + 13) % 101 }));
  return keyed.sort((a, b) => a.key - b.key).map(({ file }) => file);
}

describe("the example compiles to the same bytes", () => {
  const bundle = path.join(root, "examples/websocket-chat/gateway");
  const { files } = readProject(bundle);

  it("in any order, with either line ends, from any directory", { timeout: 60_000 }, async () => {
    const first = await artifactOf(files);
    expect(first.code.length).toBeGreaterThan(10_000);
    expect(await artifactOf(shuffled(files))).toEqual(first);
    const crlf = files.map((file) => new SourceFile(file.path, file.text.replaceAll("\n", "\r\n")));
    const { code } = await artifactOf(crlf);
    expect(code).toBe(first.code);
    const here = process.cwd();
    try {
      process.chdir(tmpdir());
      expect(await artifactOf(readProject(path.relative(process.cwd(), bundle)).files)).toEqual(first);
    } finally {
      process.chdir(here);
    }
  });

  it("and to others when the bundle changes", async () => {
    const changed = files.map((file) => new SourceFile(file.path, file.text.replace("/v1/rooms", "/v1/room")));
    expect((await artifactOf(changed)).code).not.toBe((await artifactOf(files)).code);
  });

  it("without a word of where it was made", async () => {
    const { code, map } = await artifactOf(files);
    expect(`${code}${map}`.includes(root)).toBe(false);
    expect(map.includes("runtime/process/serve.ts")).toBe(true);
  });
});
