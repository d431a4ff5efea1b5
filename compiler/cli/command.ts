/** What the files of cli/ share: how a command is run and how its arguments are read. */
import { InvalidArgumentError, type Command } from "commander";
import type { ExitCode } from "./exit-code.ts";
import { formatNames, parseFormat, type Format } from "./problem-output.ts";
import type { Terminal } from "./terminal.ts";

/** Runs a command's work with the terminal that the global options describe, and keeps its exit code. */
export type Run = (work: (terminal: Terminal) => ExitCode | Promise<ExitCode>) => Promise<void>;

/** Options that every command with diagnostics takes. */
export interface CheckingOptions {
  readonly env?: string;
  readonly format?: readonly Format[];
  readonly maxWarnings?: number;
  readonly maxProblems?: number;
}

/** How many problems people are shown when they do not say; documents are whole. */
export const TEXT_PROBLEMS_MAX = 100;

/** Adds the options of CheckingOptions to a command. */
export function withCheckingOptions(command: Command): Command {
  return command
    .option("--env <name>", "only this environment; everything else in the project is still checked")
    .option<readonly Format[] | undefined>(
      "--format <form[=file]>",
      `how problems are printed: ${formatNames.join(", ")}; repeatable, with a file for each but one`,
      collectFormats,
    )
    .option("--max-warnings <count>", "fail when there are more warnings than this", countArgument)
    .option(
      "--max-problems <count>",
      `show this many problems, then only count (text: ${String(TEXT_PROBLEMS_MAX)})`,
      countArgument,
    );
}

/** Lines under a command's help: two ways to use it. */
export function examples(...lines: readonly [command: string, meaning: string][]): string {
  const width = Math.max(...lines.map(([command]) => command.length));
  const rows = lines.map(([command, meaning]) => `  ${command.padEnd(width)}   ${meaning}`);
  return `\nExamples:\n${rows.join("\n")}`;
}

function collectFormats(text: string, before: readonly Format[] | undefined): readonly Format[] {
  const format = parseFormat(text);
  if (format !== null) return [...(before ?? []), format];
  throw new InvalidArgumentError(`Forms are ${formatNames.join(", ")}, each with an optional =file.`);
}

function countArgument(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It takes a whole number.");
  return Number(text);
}
