/** Runs the compiler over files as `check` does and returns what it found. */
import { compile } from "#compiler/compile.ts";
import type { Diagnostic } from "#compiler/diagnostics/diagnostic.ts";
import type { SourceFile } from "#compiler/source/source-file.ts";

/** All diagnostics of a project given as files. */
export async function diagnose(files: readonly SourceFile[]): Promise<readonly Diagnostic[]> {
  const { diagnostics } = await compile(files, { until: "plan" });
  return diagnostics.all;
}
