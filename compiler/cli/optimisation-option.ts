/** `--no-opt <name>`: how optimisations are switched off, and what the help says about them. */
import { InvalidArgumentError, Option } from "commander";
import { nearest } from "../diagnostics/nearest.ts";
import { isOptimisation, optimisationNames, optimisations, type Optimisation } from "../optimisations.ts";

/** Takes a name of the list, or `all`; repeatable. */
export function optimisationOption(): Option {
  const option = new Option("--no-opt <name>", "leave one optimisation out, or all of them; repeatable");
  return option.default([], "all are on").argParser(collect);
}

/** Lines under a command's help: every name with what it does. */
export function optimisationHelp(): string {
  const width = Math.max(...optimisationNames.map((name) => name.length));
  const rows = optimisationNames.map((name) => `  ${name.padEnd(width)}   ${optimisations[name]}`);
  return `\nOptimisations:\n${rows.join("\n")}`;
}

function collect(name: string, before: readonly Optimisation[]): readonly Optimisation[] {
  if (name === "all") return optimisationNames;
  if (isOptimisation(name)) return [...before, name];
  const near = nearest(name, [...optimisationNames, "all"]);
  const advice = near === null ? `They are ${optimisationNames.join(", ")}, and all.` : `Did you mean ${near}?`;
  throw new InvalidArgumentError(`There is no such optimisation. ${advice}`);
}
