/** `init`: writes a starter project that compiles, with the schemas that its editor comments point at. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { Option, type Command } from "commander";
import { listAssetFolders, listAssets, readAsset, type AssetPath } from "../assets.ts";
import { examples, type Run } from "./command.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";
import { writeSchemas } from "./schema.ts";

/** A file to write. */
interface StarterFile {
  /** Path within the new project. */
  readonly path: string;
  readonly source: AssetPath;
}

export function addInit(program: Command, run: Run): void {
  const templates = listAssetFolders("templates/bundle");
  program
    .command("init")
    .description("make a new gateway project that compiles")
    .argument("[dir]", "folder of the project", ".")
    .addOption(new Option("--template <name>", "what it starts with").choices(templates).default("websocket"))
    .option("--force", "overwrite files that are already there")
    .addHelpText("after", examples(
      ["apigw-compile init gateway", "a WebSocket proxy with an API key"],
      ["apigw-compile init --template minimal", "the fewest lines that compile, in this folder"],
    ))
    .action((folder: string, options: { readonly template: string; readonly force?: boolean }) =>
      run((terminal) => {
        const files = starterFiles(options.template);
        const taken = files.filter(({ path }) => existsSync(join(folder, path))).map(({ path }) => path);
        if (taken.length > 0 && options.force !== true) throw inTheWay(folder, taken);
        write(folder, files);
        for (const { path } of files) terminal.out(`${join(folder, path)}\n`);
        terminal.out(`${join(folder, "schema")}\n`);
        const place = relative(".", folder) === "" ? "" : ` ${folder}`;
        terminal.err(`next: read ${join(folder, "README.md")}, then apigw-compile check${place}\n`);
        return exitCodes.ok;
      }),
    );
}

/** Everything that a new project gets besides the schemas. */
function starterFiles(template: string): readonly StarterFile[] {
  const below = (folder: AssetPath, place: string): readonly StarterFile[] =>
    listAssets(folder).map((source) => ({ path: join(place, dotted(relative(folder, source))), source }));
  return [
    ...below(`templates/bundle/${template}`, ""),
    ...below("templates/project", ""),
    ...below("templates/artifact", "deploy"),
  ];
}

/** Templates are kept without leading dots, because tools act upon or leave out files that have them. */
function dotted(path: string): string {
  return path === "gitignore" || path.startsWith("github/") ? `.${path}` : path;
}

function inTheWay(folder: string, taken: readonly string[]): CommandFailure {
  const more = taken.length > 3 ? ` and ${String(taken.length - 3)} more` : "";
  const list = `${taken.slice(0, 3).join(", ")}${more}`;
  return new CommandFailure(exitCodes.usage, `${folder} already has ${list}`, "--force overwrites them");
}

function write(folder: string, files: readonly StarterFile[]): void {
  try {
    for (const { path, source } of files) {
      const target = join(folder, path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, readAsset(source));
    }
    writeSchemas(join(folder, "schema"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandFailure(exitCodes.configuration, `cannot write the project: ${reason}`);
  }
}
