/**
 * Each case is a project in bundle/ and what the compiler makes of it in expected/: the plan, and the generated proxies and
 * routes. UPDATE_GOLDEN=1 rewrites what is expected, never in continuous integration.
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readProject } from "#compiler/1-parse/read-project.ts";
import { compile, type EmittedModule } from "#compiler/compile.ts";
import { printPlan } from "#compiler/print.ts";
import { SourceFile } from "#compiler/source/source-file.ts";
import { typeErrors, type NamedProgram } from "../support/type-check.ts";

const here = path.dirname(fileURLToPath(import.meta.url));
const cases = readdirSync(here, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name).sort();
const update = process.env["UPDATE_GOLDEN"] === "1";
/** A case shows one behaviour: nobody reads more than this. */
const BUNDLE_LINES_MAX = 60;

interface Compiled {
  readonly plan: string;
  readonly program: string;
  readonly modules: readonly EmittedModule[];
}

async function compiled(files: readonly SourceFile[]): Promise<Compiled> {
  const { diagnostics, plan, modules } = await compile(files);
  const errors = diagnostics.all.filter((diagnostic) => diagnostic.severity === "error");
  expect(errors).toEqual([]);
  if (plan === undefined || modules === undefined) throw new Error("nothing was emitted");
  const shown = modules.filter((module) => module.path.startsWith("program/proxies/") || module.path === "program/routes.ts");
  const program = shown.map((module) => `// ${module.path}\n${module.text.trimEnd()}\n`).join("\n");
  return { plan: printPlan(plan), program, modules };
}

function filesOf(name: string): readonly SourceFile[] {
  const { files, diagnostics } = readProject(path.join(here, name, "bundle"));
  expect(diagnostics.all).toEqual([]);
  return files;
}

describe("golden", () => {
  const programs: NamedProgram[] = [];

  it.each(cases)("%s", async (name) => {
    const files = filesOf(name);
    const lines = files.reduce((sum, file) => sum + file.text.trimEnd().split("\n").length, 0);
    expect(lines).toBeLessThanOrEqual(BUNDLE_LINES_MAX);
    const { plan, program, modules } = await compiled(files);
    programs.push({ name, modules });
    const expected = path.join(here, name, "expected");
    if (update) {
      if (process.env["CI"] !== undefined) throw new Error("goldens are not rewritten in continuous integration");
      mkdirSync(expected, { recursive: true });
      writeFileSync(path.join(expected, "plan.txt"), plan);
      writeFileSync(path.join(expected, "program.ts"), program);
    }
    expect(plan).toBe(readFileSync(path.join(expected, "plan.txt"), "utf8"));
    expect(program).toBe(readFileSync(path.join(expected, "program.ts"), "utf8"));
  });

  it.each(cases)("%s comes out the same in another order of files", async (name) => {
    const files = filesOf(name);
    const { program, plan } = await compiled(files);
    const turned = files.toReversed().map((file) => new SourceFile(file.path, file.text));
    expect(await compiled(turned)).toMatchObject({ program, plan });
  });

  it("type-check against the runtime, and use all that they import and declare", () => {
    expect(programs.length).toBe(cases.length);
    expect(typeErrors(programs)).toEqual([]);
  });

  it("are checked by a tsc that sees errors", () => {
    const text = 'import { andThen, isPending } from "#runtime/maybe.ts";\nexport const a: number = andThen(1, () => "b");\n';
    const errors = typeErrors([{ name: "broken", modules: [{ path: "program/a.ts", text }] }]);
    expect(errors.join("\n")).toMatch(/TS2322[\s\S]*|TS6133/);
    expect(errors.length).toBe(2);
    const lost = 'import type { Lost } from "#runtime/lost.ts";\nexport const a: Lost | null = null;\n';
    expect(typeErrors([{ name: "lost", modules: [{ path: "program/a.ts", text: lost }] }]).join("\n")).toMatch(/TS2307/);
  });

  it("have nothing beside bundle and expected", () => {
    for (const name of cases) {
      expect(readdirSync(path.join(here, name)).sort(), name).toEqual(["bundle", "expected"]);
      expect(readdirSync(path.join(here, name, "expected")).sort(), name).toEqual(["plan.txt", "program.ts"]);
    }
  });
});
