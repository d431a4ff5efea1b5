/** Diagnostics as text for people: header, place, code frame, second places, help, and a count at the end. */
import { styleText } from "node:util";
import { isConcealed } from "./catalogue.ts";
import { codeFrame, type FrameOptions } from "./code-frame.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { shownOf, writtenPlace, type RenderOptions } from "./order.ts";
import type { Span } from "../source/positions.ts";
import { visible } from "./visible.ts";

/** What the text form can be told besides. */
export interface TextOptions extends RenderOptions {
  readonly color?: boolean;
}

type Paint = (format: "red" | "yellow" | "cyan" | "bold" | "dim", text: string) => string;

/** All diagnostics with a count in the last line; empty without any. */
export function renderText(diagnostics: readonly Diagnostic[], options: TextOptions = {}): string {
  if (diagnostics.length === 0) return "";
  const paint: Paint = (format, text) =>
    options.color === true ? styleText(format, text, { validateStream: false }) : text;
  const shown = shownOf(diagnostics, options);
  const concealed = diagnostics.flatMap(({ code, span }) => (span !== null && isConcealed(code) ? [span] : []));
  const blocks = shown.map((diagnostic) => block(diagnostic, concealed, options, paint).join("\n"));
  const left = diagnostics.length - shown.length;
  const more = left === 0 ? "" : ` (${String(shown.length)} shown)`;
  return `${[...blocks, `${countOf(diagnostics)}${more}`].join("\n\n")}\n`;
}

/** `2 errors, 1 warning in 2 files`. */
export function countOf(diagnostics: readonly Diagnostic[]): string {
  const errors = diagnostics.filter((diagnostic) => diagnostic.severity === "error").length;
  const warnings = diagnostics.length - errors;
  const files = new Set(diagnostics.flatMap(({ span }) => (span === null ? [] : [span.file.path]))).size;
  const counts = [plural(errors, "error"), plural(warnings, "warning")].filter((text) => text !== "");
  return [counts.join(", ") || "no problems", plural(files, "file")].filter((text) => text !== "").join(" in ");
}

function block(diagnostic: Diagnostic, concealed: readonly Span[], options: TextOptions, paint: Paint): string[] {
  const { severity, code, message, span, related, help } = diagnostic;
  const color = severity === "error" ? "red" : "yellow";
  const lines = [`${paint(color, paint("bold", `${severity}[${code}]`))}${paint("bold", `: ${visible(message)}`)}`];
  if (span !== null) lines.push(...excerpt(span, options, paint, color, { context: true, concealed }));
  for (const { span: second, message: words } of related) {
    lines.push(
      `  ${paint("cyan", "note")}: ${visible(words)}`,
      ...excerpt(second, options, paint, "cyan", { concealed }),
    );
  }
  if (help !== null)
    lines.push(`  = ${/^did you mean /.test(help) ? "" : `${paint("cyan", "help")}: `}${visible(help)}`);
  return lines;
}

function excerpt(
  span: Span,
  options: TextOptions,
  paint: Paint,
  color: "red" | "yellow" | "cyan",
  frameOptions: FrameOptions,
): string[] {
  const { path, line, column } = writtenPlace(span, options);
  const place = `  ${paint("dim", "-->")} ${visible(path)}:${String(line)}:${String(column)}`;
  if (span.file.text.length === 0) return [place];
  const frame = codeFrame(span, frameOptions).map((text) => {
    if (text.startsWith(">")) return `${paint(color, ">")}${text.slice(1)}`;
    return /^ +\| *\^+$/.test(text) ? paint(color, text) : text;
  });
  return [place, ...frame];
}

function plural(count: number, word: string): string {
  return count === 0 ? "" : `${String(count)} ${word}${count === 1 ? "" : "s"}`;
}
