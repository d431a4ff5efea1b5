/**
 * The command line: arguments in, exit code out. Commands are one file each in cli/; only this file and theirs touch
 * the process.
 */
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { packageFacts } from "./assets.ts";
import { addBuild } from "./cli/build.ts";
import { addCheck } from "./cli/check.ts";
import { addDigest } from "./cli/digest.ts";
import { CommandFailure, exitCodes, type ExitCode } from "./cli/exit-code.ts";
import { addExplain } from "./cli/explain.ts";
import { addInit } from "./cli/init.ts";
import { addInspect } from "./cli/inspect.ts";
import { addSchema } from "./cli/schema.ts";
import { processTerminal } from "./cli/terminal.ts";
import { addVersion } from "./cli/version.ts";
import type { Run } from "./cli/command.ts";

/** Runs the command that the process was started with and sets its exit code. */
export async function main(): Promise<void> {
  // Once: a second Ctrl-C during a slow end is the system's to answer.
  process.once("SIGINT", () => process.exit(exitCodes.interrupted));
  // `apigw-compile schema | head` closes the pipe early; that is no failure.
  process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
    process.exit(code === "EPIPE" ? exitCodes.ok : exitCodes.internal);
  });
  process.exitCode = await runCommandLine(process.argv.slice(2));
}

async function runCommandLine(args: readonly string[]): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.ok;
  const program = commands(async (work) => {
    const { color } = program.opts<{ readonly color?: boolean }>();
    exitCode = await work(processTerminal(color ?? null));
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return exitCode;
  } catch (thrown) {
    return failed(thrown, args[0] ?? "");
  }
}

function commands(run: Run): Command {
  const program = new Command("apigw-compile")
    .description("Compiles API proxy bundles into one gateway that owns its WebSockets from upgrade to close.")
    .version(packageFacts().version, "--version", "print the compiler's version")
    .option("--color", "colour the output, whatever the terminal")
    .option("--no-color", "never colour the output")
    .helpCommand("help [command]", "show help for a command")
    .showSuggestionAfterError()
    .exitOverride()
    .addHelpText(
      "after",
      "\nExit codes: 0 fine, 1 problems found, 64 wrong usage, 70 a defect of the compiler,\n" +
        "78 project or environment not readable, 130 interrupted.",
    );
  addInit(program, run);
  addCheck(program, run);
  addBuild(program, run);
  addInspect(program, run);
  addExplain(program, run);
  addSchema(program, run);
  addDigest(program, run);
  addVersion(program, run);
  return program;
}

/** Says why a command could not do its work; returns the exit code. */
function failed(thrown: unknown, command: string): ExitCode {
  // commander has already printed its message, or the help that was asked for.
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  if (thrown instanceof CommandFailure) {
    process.stderr.write(`error: ${thrown.message}\n`);
    if (thrown.help !== null) process.stderr.write(`  = help: ${thrown.help}\n`);
    return thrown.exitCode;
  }
  return defect(thrown, command);
}

/**
 * A defect of ours: the user gets one line and a file to attach. The file holds no arguments and nothing of the
 * project.
 */
function defect(thrown: unknown, command: string): ExitCode {
  const { version } = packageFacts();
  const stack = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  const place = `node ${process.version} ${process.platform}-${process.arch}`;
  const report = `apigw-compile ${version}, command ${command}\n${place}\n\n${stack}\n`;
  const file = join(tmpdir(), `apigw-compile-crash-${String(process.pid)}.txt`);
  process.stderr.write(`internal error: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
  process.stderr.write("  = note: this is a defect of apigw-compile, not of your project\n");
  try {
    writeFileSync(file, report, { flag: "wx", mode: 0o600 });
    process.stderr.write(`  = help: please report it to apigw's maintainers and attach ${file}\n`);
  } catch {
    process.stderr.write(`  = help: please report it to apigw's maintainers with these lines:\n${report}`);
  }
  return exitCodes.internal;
}
