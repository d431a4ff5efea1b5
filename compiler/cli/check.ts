/** `check`: every problem of a project at once, and nothing written. */
import type { Command } from "commander";
import { examples, withCheckingOptions, type CheckingOptions, type Run } from "./command.ts";
import { compileProject } from "./compile-project.ts";
import { exitCodes } from "./exit-code.ts";

export function addCheck(program: Command, run: Run): void {
  const command = program
    .command("check")
    .description("find every problem of a project")
    .argument("[dir]", "folder with gateway.yaml; without one, the nearest upwards");
  withCheckingOptions(command)
    .addHelpText("after", examples(
      ["apigw-compile check", "the project around this folder"],
      ["apigw-compile check gateway --format sarif=check.sarif --format text", "for people and for a code scanner"],
    ))
    .action((folder: string | undefined, options: CheckingOptions) =>
      run(async (terminal) => {
        const { project, exitCode, elapsedMs } = await compileProject(folder, "plan", options, terminal);
        if (exitCode === exitCodes.ok && options.format === undefined) {
          const { length } = project.files;
          terminal.err(`checked ${String(length)} ${length === 1 ? "file" : "files"} (${elapsedMs.toFixed(0)} ms)\n`);
        }
        return exitCode;
      }),
    );
}
