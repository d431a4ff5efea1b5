/** `schema`: prints or copies the JSON Schemas, for editors and other tools. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Command } from "commander";
import { listAssets, readAsset, type AssetPath } from "../assets.ts";
import { nearest } from "../diagnostics/nearest.ts";
import { examples, type Run } from "./command.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";

/** One schema file and the kinds of documents that it describes. */
interface SchemaFile {
  readonly path: AssetPath;
  /** Name without folder and suffix: `proxy`, `verify-api-key`. */
  readonly name: string;
  /** Values of `kind` that it accepts. */
  readonly kinds: readonly string[];
}

const SUFFIX = ".schema.json";

export function addSchema(program: Command, run: Run): void {
  program
    .command("schema")
    .description("print the JSON Schema of a kind of document; without a kind, list them")
    .argument("[kind]", "a kind (ApiProxy, VerifyAPIKey) or a schema's name (proxy, verify-api-key)")
    .option("--out <dir>", "write the schemas into this folder (all of them, because they refer to each other)")
    .addHelpText("after", examples(
      ["apigw-compile schema VerifyAPIKey", "what a VerifyAPIKey policy may say"],
      ["apigw-compile schema --out schema", "the files that the editor comments of a project point at"],
    ))
    .action((kind: string | undefined, options: { readonly out?: string }) =>
      run((terminal) => {
        const files = schemaFiles();
        const chosen = kind === undefined ? null : find(files, kind);
        if (options.out !== undefined) {
          for (const path of writeSchemas(options.out)) terminal.out(`${path}\n`);
          return exitCodes.ok;
        }
        if (chosen !== null) {
          terminal.out(readAsset(chosen.path));
          return exitCodes.ok;
        }
        const width = Math.max(...files.map(({ name }) => name.length));
        for (const { name, kinds } of files) {
          terminal.out(`${`${name.padEnd(width)}  ${kinds.join(", ")}`.trimEnd()}\n`);
        }
        return exitCodes.ok;
      }),
    );
}

/** Writes every schema below a folder; returns the paths written. */
export function writeSchemas(folder: string): readonly string[] {
  return schemaFiles().map(({ path }) => {
    const target = join(folder, relative("schema", path));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, readAsset(path));
    return target;
  });
}

function schemaFiles(): readonly SchemaFile[] {
  return listAssets("schema")
    .filter((path) => path.endsWith(SUFFIX))
    .map((path) => {
      const name = path.slice(path.lastIndexOf("/") + 1, -SUFFIX.length);
      const parsed: unknown = JSON.parse(readAsset(path));
      return { path, name, kinds: [...new Set(kindsIn(parsed))] };
    });
}

function find(files: readonly SchemaFile[], kind: string): SchemaFile {
  const typed = kind.toLowerCase();
  const found = files.find(({ name, kinds }) => name === typed || kinds.some((other) => other.toLowerCase() === typed));
  if (found !== undefined) return found;
  const close = nearest(kind, files.flatMap(({ name, kinds }) => [name, ...kinds]));
  const help = close === null ? "apigw-compile schema lists them" : `did you mean ${close}?`;
  throw new CommandFailure(exitCodes.usage, `there is no schema for "${kind}"`, help);
}

/** Every constant that a schema demands of its documents' `kind`; what stands deeper in a document does not count. */
function kindsIn(schema: unknown): readonly string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const found: string[] = [];
  for (const [key, value] of Object.entries(schema)) {
    found.push(...(key === "properties" ? kindOf(value) : kindsIn(value)));
  }
  return found;
}

function kindOf(properties: unknown): readonly string[] {
  if (typeof properties !== "object" || properties === null || !("kind" in properties)) return [];
  const kind = properties.kind;
  if (typeof kind !== "object" || kind === null) return [];
  if ("const" in kind) return [String(kind.const)];
  return "enum" in kind && Array.isArray(kind.enum) ? kind.enum.map(String) : [];
}
