/**
 * Writes a build's files. Each appears whole or not at all: a gateway that starts meanwhile never reads half a file.
 */
import { mkdir, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** One text file of a build. */
export interface OutputFile {
  /** Name within the output folder. */
  readonly name: string;
  readonly text: string;
}

/** Writes files into a folder, making the folder first. Rejects with the system's error (EACCES, ENOSPC ...). */
export async function writeOutput(folder: string, files: readonly OutputFile[]): Promise<void> {
  for (const file of files) {
    const path = join(folder, file.name);
    await mkdir(dirname(path), { recursive: true });
    const unfinished = `${path}.unfinished`;
    await writeFile(unfinished, file.text);
    await rename(unfinished, path);
  }
}
