/** `version`: what this compiler is and what its artifacts run on. */
import type { Command } from "commander";
import { packageFacts } from "../assets.ts";
import { NODE_FLOOR } from "../6-bundle/node-floor.ts";
import { examples, type Run } from "./command.ts";
import { exitCodes } from "./exit-code.ts";

export function addVersion(program: Command, run: Run): void {
  program
    .command("version")
    .description("print the versions of the compiler and of what it builds with")
    .option("--json", "as one JSON document")
    .addHelpText("after", examples(
      ["apigw-compile version", "for people"],
      ["apigw-compile version --json", "for scripts"],
    ))
    .action((options: { readonly json?: boolean }) =>
      run((terminal) => {
        const { version, engine } = packageFacts();
        const facts = {
          compiler: version,
          node: process.versions.node,
          engine,
          floor: NODE_FLOOR,
          platform: `${process.platform}-${process.arch}`,
        };
        if (options.json === true) {
          terminal.out(`${JSON.stringify(facts, null, 2)}\n`);
          return exitCodes.ok;
        }
        terminal.out(
          `apigw-compile ${facts.compiler}\n` +
            `  runs on           Node.js ${facts.node}, ${facts.platform}\n` +
            `  embeds and tests  Node.js ${facts.engine}\n` +
            `  artifacts need    Node.js ${facts.floor} or later\n`,
        );
        return exitCodes.ok;
      }),
    );
}
