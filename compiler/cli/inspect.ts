/** `inspect`: what a project comes to, without building it. */
import type { Command } from "commander";
import { factsOf } from "../6-bundle/facts.ts";
import { examples, withCheckingOptions, type CheckingOptions, type Run } from "./command.ts";
import { compileProject } from "./compile-project.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import { takesStdout } from "./problem-output.ts";
import { routeTable } from "./route-table.ts";

export function addInspect(program: Command, run: Run): void {
  const inspect = program.command("inspect").description("show what a project comes to");
  const routes = inspect
    .command("routes")
    .description("the route table: host, base path, environment, proxy, level of WebSocket splice, digest of the chain")
    .argument("[dir]", "folder with gateway.yaml; without one, the nearest upwards")
    .option("--json", "the table as one JSON document; problems then stay on standard error");
  withCheckingOptions(routes)
    .addHelpText("after", examples(
      ["apigw-compile inspect routes", "a table"],
      ["apigw-compile inspect routes --json --env prod", "for scripts, of one environment"],
    ))
    .action((folder: string | undefined, options: CheckingOptions & { readonly json?: boolean }) =>
      run(async (terminal) => {
        if (takesStdout(options.format ?? [])) {
          throw new CommandFailure(exitCodes.usage, "standard output belongs to the table", "give the format a file");
        }
        const { result, exitCode } = await compileProject(folder, "ts", options, terminal);
        if (result.plan === undefined || result.modules === undefined) return exitCode;
        const table = factsOf(result.plan, result.modules, result.inputHash).routes;
        terminal.out(options.json === true ? `${JSON.stringify(table, null, 2)}\n` : routeTable(table));
        return exitCode;
      }),
    );
}
