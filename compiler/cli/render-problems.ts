/** Picks the renderer of each output form. */
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import type { FormatName } from "./problem-output.ts";

/** Text of diagnostics in a form. */
export async function renderProblems(
  name: FormatName,
  diagnostics: readonly Diagnostic[],
  options: { readonly color: boolean; readonly maxProblems: number; readonly prefix: string },
): Promise<string> {
  switch (name) {
    case "text":
      return (await import("../diagnostics/render.ts")).renderText(diagnostics, options);
    case "json":
      return (await import("../diagnostics/render-json.ts")).renderJson(diagnostics, options);
    case "sarif":
      return (await import("../diagnostics/render-sarif.ts")).renderSarif(diagnostics, options);
    case "junit":
      return (await import("../diagnostics/render-junit.ts")).renderJunit(diagnostics, options);
    case "github":
      return (await import("../diagnostics/render-github.ts")).renderGithub(diagnostics, options);
  }
}
