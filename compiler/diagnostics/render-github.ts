/** Diagnostics as workflow commands of GitHub Actions, which shows them beside the lines of a change. */
import type { Diagnostic } from "./diagnostic.ts";
import { shownOf, writtenPlace, type RenderOptions } from "./order.ts";

/** One `::error ...` or `::warning ...` line for each diagnostic. */
export function renderGithub(diagnostics: readonly Diagnostic[], options: RenderOptions = {}): string {
  return shownOf(diagnostics, options)
    .map((diagnostic) => command(diagnostic, options))
    .join("");
}

function command({ severity, code, message, span, help }: Diagnostic, options: RenderOptions): string {
  const properties = [`title=${code}`];
  if (span !== null) {
    const { path, line, column, endLine, endColumn } = writtenPlace(span, options);
    const end = endLine === line ? [`endColumn=${String(endColumn)}`] : [];
    properties.unshift(
      `file=${escapeProperty(path)}`,
      `line=${String(line)}`,
      `endLine=${String(endLine)}`,
      `col=${String(column)}`,
      ...end,
    );
  }
  return `::${severity} ${properties.join(",")}::${escapeText(help === null ? message : `${message}\n${help}`)}\n`;
}

function escapeText(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function escapeProperty(text: string): string {
  return escapeText(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
