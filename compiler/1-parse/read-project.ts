/**
 * The only reader of the user's files: finds the YAML files of a project and the files of property sets, within bounds,
 * and reads them as text. What they mean is not its business.
 */
import { readFileSync, readdirSync, realpathSync, statSync } from "node:fs";
import path from "node:path";
import { Diagnostics } from "../diagnostics/diagnostic.ts";
import { SourceFile } from "../source/source-file.ts";
import { folderMeant, isRootFileMeant } from "./place.ts";

/** Bounds of what is read from a project. */
export interface ProjectBounds {
  readonly filesMax: number;
  readonly fileBytesMax: number;
  readonly foldersMax: number;
  readonly depthMax: number;
}

const defaultBounds: ProjectBounds = { filesMax: 50_000, fileBytesMax: 1024 * 1024, foldersMax: 50_000, depthMax: 8 };

/** The one folder of a resources folder that is read. */
const PROPERTIES = "properties";

/** The files of a project in path order, and what stood in the way of reading others. */
export interface ReadProject {
  readonly files: readonly SourceFile[];
  readonly diagnostics: Diagnostics;
}

/** Reads the project in a folder. Never throws for what it finds there. */
export function readProject(dir: string, bounds: ProjectBounds = defaultBounds): ReadProject {
  const reader = new ProjectReader(path.resolve(dir), bounds);
  reader.readAll();
  const files = reader.files.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  return { files, diagnostics: reader.diagnostics };
}

class ProjectReader {
  readonly files: SourceFile[] = [];
  readonly diagnostics = new Diagnostics();
  readonly #root: string;
  readonly #bounds: ProjectBounds;
  #realRoot = "";
  #folders = 0;
  #full = false;

  constructor(root: string, bounds: ProjectBounds) {
    this.#root = root;
    this.#bounds = bounds;
  }

  readAll(): void {
    try {
      this.#realRoot = realpathSync(this.#root);
    } catch (problem) {
      this.diagnostics.report("AGW1002", null, { path: ".", problem: reasonOf(problem) });
      return;
    }
    this.#readFolder("", 0);
  }

  #readFolder(folder: string, depth: number): void {
    if (
      this.#full ||
      !this.#admit(
        ++this.#folders <= this.#bounds.foldersMax,
        "the project has too many folders",
        this.#bounds.foldersMax,
      )
    )
      return;
    if (!this.#admit(depth <= this.#bounds.depthMax, `"${folder}" lies too deep`, this.#bounds.depthMax)) return;
    let names: string[];
    try {
      names = readdirSync(path.join(this.#root, folder)).sort();
    } catch (problem) {
      this.diagnostics.report("AGW1002", null, { path: folder || ".", problem: reasonOf(problem) });
      return;
    }
    for (const name of names) {
      if (!name.startsWith(".")) this.#readEntry(folder === "" ? name : `${folder}/${name}`, name, depth);
    }
  }

  #readEntry(entry: string, name: string, depth: number): void {
    const isYaml = /\.ya?ml$/i.test(name);
    const atTop = depth === 0;
    if (atTop && !(isYaml ? isRootFileMeant(name) : folderMeant(name) !== null)) return;
    const inResources = /^[^/]+\/[^/]+\/resources\//.test(entry);
    if (inResources && depth === 3 && name !== PROPERTIES) return;
    let stats;
    try {
      if (!this.#inside(entry)) {
        this.diagnostics.report("AGW1005", null, { path: entry });
        return;
      }
      stats = statSync(path.join(this.#root, entry));
    } catch (problem) {
      if (isYaml) this.diagnostics.report("AGW1005", null, { path: entry });
      else this.diagnostics.report("AGW1002", null, { path: entry, problem: reasonOf(problem) });
      return;
    }
    if (stats.isDirectory()) this.#readFolder(entry, depth + 1);
    else if ((isYaml || inResources) && stats.isFile()) this.#readFile(entry, stats.size);
  }

  /** True when what the entry leads to, over whatever links, lies in the project. */
  #inside(entry: string): boolean {
    const real = realpathSync(path.join(this.#root, entry));
    return real === this.#realRoot || real.startsWith(this.#realRoot + path.sep);
  }

  #readFile(entry: string, bytes: number): void {
    const { filesMax, fileBytesMax } = this.#bounds;
    if (!this.#admit(this.files.length < filesMax, "the project has too many files", filesMax)) {
      this.#full = true;
      return;
    }
    if (!this.#admit(bytes <= fileBytesMax, `the file "${entry}" is too large`, fileBytesMax, " bytes")) return;
    try {
      const text = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path.join(this.#root, entry)));
      this.files.push(new SourceFile(entry, text));
    } catch (problem) {
      this.diagnostics.report("AGW1002", null, { path: entry, problem: reasonOf(problem) });
    }
  }

  #admit(within: boolean, what: string, limit: number, unit = ""): boolean {
    if (!within && !this.#full) this.diagnostics.report("AGW1004", null, { what, limit: `${String(limit)}${unit}` });
    return within;
  }
}

function reasonOf(problem: unknown): string {
  if (problem instanceof TypeError) return "it is not UTF-8 text";
  const code = problem instanceof Error && "code" in problem ? String(problem.code) : "";
  if (code === "EACCES" || code === "EPERM") return "permission denied";
  if (code === "ENOENT") return "it does not exist";
  return code === "ELOOP" ? "its links form a circle" : `the system says ${code || "no"}`;
}
