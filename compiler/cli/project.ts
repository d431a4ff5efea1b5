/** Finds and reads the project a command works on. What is in the files, the compiler judges. */
import { existsSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { readProject } from "../1-parse/read-project.ts";
import type { SourceFile } from "../source/source-file.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import { CommandFailure, exitCodes } from "./exit-code.ts";

/** The file that makes a folder a gateway project. */
const ROOT_FILE = "gateway.yaml";

/** A project as read from disk. */
export interface Project {
  /** Absolute path of its folder. */
  readonly folder: string;
  /** Its path from the working directory with forward slashes; empty when they are the same. */
  readonly prefix: string;
  readonly files: readonly SourceFile[];
  /** What reading found: files too large, links that lead out. */
  readonly diagnostics: Diagnostics;
}

/**
 * Reads the project in `folder`, or, without one, in the nearest folder upwards that has a gateway.yaml; the search
 * ends at the root of the git repository. Fails with the exit code for configuration when there is nothing to read.
 */
export function openProject(folder: string | undefined): Project {
  const found = folder === undefined ? (nearestProject(process.cwd()) ?? process.cwd()) : givenFolder(folder);
  const { files, diagnostics } = readProject(found);
  // A root file with a slip in its name is no reason to end here: the compiler knows what was meant.
  if (files.length === 0 && diagnostics.all.length === 0) throw noProject(folder);
  return { folder: found, prefix: relative(process.cwd(), found).split(sep).join("/"), files, diagnostics };
}

function givenFolder(folder: string): string {
  const path = resolve(folder);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw new CommandFailure(exitCodes.configuration, `there is no folder ${folder}`);
  if (!stats.isDirectory()) throw new CommandFailure(exitCodes.configuration, `${folder} is not a folder`);
  return path;
}

function nearestProject(from: string): string | null {
  for (let folder = from; ; folder = dirname(folder)) {
    if (existsSync(join(folder, ROOT_FILE))) return folder;
    if (existsSync(join(folder, ".git")) || dirname(folder) === folder) return null;
  }
}

function noProject(folder: string | undefined): CommandFailure {
  const message =
    folder === undefined ? `neither this folder nor one above it has a ${ROOT_FILE}` : `${folder} has no ${ROOT_FILE}`;
  const command = ["apigw-compile init", folder ?? ""].join(" ").trim();
  return new CommandFailure(exitCodes.configuration, message, `${command} makes a project that compiles`);
}
