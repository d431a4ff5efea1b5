/**
 * Prints diagnostics in the forms that were asked for and decides whether they fail the command. How a diagnostic looks
 * in a form, diagnostics/ knows.
 */
import { writeFileSync } from "node:fs";
import type { Diagnostic } from "../diagnostics/diagnostic.ts";
import { CommandFailure, exitCodes, type ExitCode } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";

/** Names of the output forms. */
export const formatNames = ["text", "json", "sarif", "junit", "github"] as const;

export type FormatName = (typeof formatNames)[number];

/** One `--format`: a form, and the file it goes to; null for the command's own streams. */
export interface Format {
  readonly name: FormatName;
  readonly file: string | null;
}

/** Reads `sarif` or `sarif=out.sarif`; null when there is no such form. */
export function parseFormat(text: string): Format | null {
  const at = text.indexOf("=");
  const word = at < 0 ? text : text.slice(0, at);
  const file = at < 0 ? null : text.slice(at + 1);
  const name = formatNames.find((candidate) => candidate === word);
  return name === undefined || file === "" ? null : { name, file };
}

/** True when stdout belongs to a document, so that nothing else may be printed there. */
export function takesStdout(formats: readonly Format[]): boolean {
  return formats.some(({ name, file }) => file === null && name !== "text");
}

/** Fails when two documents want stdout. */
export function refuseFormatClash(formats: readonly Format[]): void {
  const names = formats.filter(({ name, file }) => file === null && name !== "text").map(({ name }) => name);
  if (names.length < 2) return;
  throw new CommandFailure(
    exitCodes.usage,
    `the formats ${names.join(" and ")} would both go to standard output`,
    `give one of them a file: --format ${names[0] ?? ""}=problems.txt`,
  );
}

/** The exit code that the diagnostics of a project ask for. */
export function exitCodeOf(diagnostics: readonly Diagnostic[], maxWarnings: number | null): ExitCode {
  const errors = diagnostics.filter(({ severity }) => severity === "error").length;
  if (errors > 0) return exitCodes.problems;
  return maxWarnings !== null && diagnostics.length > maxWarnings ? exitCodes.problems : exitCodes.ok;
}

/** Turns diagnostics into the text of one form. */
export type Renderer = (name: FormatName, color: boolean) => string | Promise<string>;

/** Prints in every form that was asked for; text to stderr, documents to stdout or their files. */
export async function printProblems(formats: readonly Format[], terminal: Terminal, render: Renderer): Promise<void> {
  const wanted = formats.length === 0 ? [{ name: "text", file: null } as const] : formats;
  for (const { name, file } of wanted) {
    if (file !== null) writeDocument(file, await render(name, false));
    else if (name === "text") terminal.err(await render(name, terminal.color));
    else terminal.out(await render(name, false));
  }
}

function writeDocument(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandFailure(exitCodes.configuration, `cannot write ${file}: ${reason}`);
  }
}
