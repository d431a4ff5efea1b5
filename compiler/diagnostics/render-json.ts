/** Diagnostics as one JSON document: the stable form for other tools. */
import type { Diagnostic } from "./diagnostic.ts";
import { shownOf, writtenPlace, type RenderOptions } from "./order.ts";
import type { Span } from "../source/positions.ts";

/**
 * `{ problems: [{ code, severity, message, place, related, help }], errors, warnings }`; counts include what is not
 * shown.
 */
export function renderJson(diagnostics: readonly Diagnostic[], options: RenderOptions = {}): string {
  const problems = shownOf(diagnostics, options).map(({ code, severity, message, span, related, help }) => ({
    code,
    severity,
    message,
    place: placeOf(span, options),
    related: related.map((second) => ({ message: second.message, place: placeOf(second.span, options) })),
    help,
  }));
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === "error").length;
  return `${JSON.stringify({ problems, errors, warnings: diagnostics.length - errors }, null, 2)}\n`;
}

function placeOf(span: Span | null, options: RenderOptions): ReturnType<typeof writtenPlace> | null {
  return span === null ? null : writtenPlace(span, options);
}
