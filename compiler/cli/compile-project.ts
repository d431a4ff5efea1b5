/** Reads a project, compiles it and prints its problems: the part that check, build and inspect share. */
import type { CompileOptions, CompileResult } from "../compile.ts";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { BundleModel } from "../ir/model.ts";
import { TEXT_PROBLEMS_MAX, type CheckingOptions } from "./command.ts";
import { CommandFailure, exitCodes, type ExitCode } from "./exit-code.ts";
import { exitCodeOf, printProblems, refuseFormatClash } from "./problem-output.ts";
import type { Project } from "./project.ts";
import { renderProblems } from "./render-problems.ts";
import { optimisationsWithout, type Optimisations } from "../optimisations.ts";
import type { Terminal } from "./terminal.ts";

/** A shape on the way from text to artifact. */
export type Until = NonNullable<CompileOptions["until"]>;

/** A project that went through the compiler. */
export interface CompiledProject {
  readonly project: Project;
  readonly result: CompileResult;
  /** What the problems that were printed ask for: 0, or 1. */
  readonly exitCode: ExitCode;
  readonly elapsedMs: number;
}

/** Compiles the project of a command up to a shape; problems are printed when it returns. */
export async function compileProject(
  folder: string | undefined,
  until: Until,
  options: CheckingOptions,
  terminal: Terminal,
  optimisations: Optimisations = optimisationsWithout(),
): Promise<CompiledProject> {
  const formats = options.format ?? [];
  refuseFormatClash(formats);
  const startedMs = performance.now();
  const { openProject } = await import("./project.ts");
  const project = openProject(folder);
  const { compile } = await import("../compile.ts");
  const env = options.env === undefined ? {} : { env: options.env };
  const result = await compile(project.files, { until, optimisations, ...env });
  if (options.env !== undefined && result.model !== undefined) refuseUnknownEnvironment(options.env, result.model);
  const problems: readonly Diagnostic[] = [...project.diagnostics.all, ...result.diagnostics.all];
  const elapsedMs = performance.now() - startedMs;
  await printProblems(formats, terminal, (name, color) => {
    const maxProblems = options.maxProblems ?? (name === "text" ? TEXT_PROBLEMS_MAX : Infinity);
    return renderProblems(name, problems, { color, maxProblems, prefix: project.prefix });
  });
  return { project, result, exitCode: exitCodeOf(problems, options.maxWarnings ?? null), elapsedMs };
}

function refuseUnknownEnvironment(name: string, model: BundleModel): void {
  const written = model.environments.map((environment) => environment.name);
  const names = written.length === 0 ? ["default"] : written;
  if (names.includes(name)) return;
  throw new CommandFailure(
    exitCodes.usage,
    `the project has no environment "${name}"`,
    `its environments are ${names.join(", ")}`,
  );
}
