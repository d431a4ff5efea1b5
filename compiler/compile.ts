/** The phases in order. Pure: text in, modules and diagnostics out; the callers read and write files. */
import { createHash } from "node:crypto";
import { packageFacts, readAsset } from "./assets.ts";
import { Diagnostics } from "./diagnostics/diagnostic.ts";
import type { BundleModel } from "./ir/model.ts";
import type { ParsedProject } from "./ir/syntax.ts";
import type { Plan } from "./ir/plan.ts";
import type { Program } from "./ir/program.ts";
import type { EmittedModule } from "./5-emit/emit.ts";
import { parseProject } from "./1-parse/parse-project.ts";
import { soundModel } from "./2-validate/sound-model.ts";
import { validate } from "./2-validate/validate.ts";
import { resolve } from "./3-resolve/resolve.ts";
import { analyze } from "./4-analyze/analyze.ts";
import { optimisationsWithout, type Optimisations } from "./optimisations.ts";
import { narrow } from "./3-resolve/narrow.ts";
import type { SourceFile } from "./source/source-file.ts";

export type { EmittedModule } from "./5-emit/emit.ts";

export interface CompileOptions {
  /** The last phase to run; absent: all. Nothing is emitted from a bundle with errors. */
  readonly until?: "model" | "program" | "plan" | "ts";
  /** Only this environment. */
  readonly env?: string;
  /** Optimisations that are on; absent: all. */
  readonly optimisations?: Optimisations;
}

/** What came of it; each stage is there as far as the phases got. */
export interface CompileResult {
  readonly diagnostics: Diagnostics;
  readonly model?: BundleModel;
  readonly program?: Program;
  readonly plan?: Plan;
  readonly modules?: readonly EmittedModule[];
  /** SHA-256 over the paths and texts of the input, hexadecimal. */
  readonly inputHash: string;
}

/** Compiles a project's files to TypeScript modules. Never throws for a user's mistake. */
export async function compile(files: readonly SourceFile[], options: CompileOptions = {}): Promise<CompileResult> {
  const diagnostics = new Diagnostics();
  const inputHash = hashOf(files);
  const until = options.until ?? "ts";
  const parsed = parseProject(files, diagnostics);
  const model = validate(parsed, diagnostics);
  if (model === null) lookAhead(parsed, diagnostics);
  if (model === null || until === "model") return { diagnostics, inputHash, ...(model === null ? {} : { model }) };
  const program = narrow(resolve(model, diagnostics), options.env ?? null);
  if (until === "program") return { diagnostics, inputHash, model, program };
  const plan = analyze(program, diagnostics, options.optimisations ?? optimisationsWithout());
  diagnostics.reportUnusedWaivers();
  if (until === "plan" || diagnostics.hasErrors) return { diagnostics, inputHash, model, program, plan };
  // ts-morph takes as long to load as everything before took to run.
  const { emit } = await import("./5-emit/emit.ts");
  const main = readAsset("templates/program/main.ts");
  const modules = emit(plan, { main, version: packageFacts().version });
  return { diagnostics, inputHash, model, program, plan, modules };
}

/** Adds what is certain about the sound documents to the errors of the others. */
function lookAhead(parsed: ParsedProject, diagnostics: Diagnostics): void {
  const sound = soundModel(parsed, diagnostics);
  if (sound === null) return;
  const ahead = new Diagnostics();
  analyze(resolve(sound.model, ahead), ahead, optimisationsWithout());
  for (const diagnostic of sound.certain(ahead.all)) diagnostics.add(diagnostic);
}

function hashOf(files: readonly SourceFile[]): string {
  const hash = createHash("sha256");
  const ordered = [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const { path, text } of ordered) hash.update(`${path}\0${text.replaceAll("\r\n", "\n")}\0`);
  return hash.digest("hex");
}
