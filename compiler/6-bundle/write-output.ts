/**
 * Writes a build's files. Each appears whole or not at all: a gateway that starts meanwhile never reads half a file.
 */
import { mkdir, rename, stat, writeFile } from "node:fs/promises";
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
    await makeFolder(dirname(path));
    const unfinished = `${path}.unfinished`;
    await writeFile(unfinished, file.text);
    await rename(unfinished, path);
  }
}

/**
 * Makes a folder and those above it. Not `mkdir` with `recursive`: where a file system answers ENOENT although the
 * parent is there (/proc does), Node tries again for ever.
 */
async function makeFolder(path: string): Promise<void> {
  try {
    if ((await stat(path)).isDirectory()) return;
  } catch {
    const parent = dirname(path);
    if (parent !== path) await makeFolder(parent);
  }
  await mkdir(path).catch((error: unknown) => {
    // Somebody else made it meanwhile: no failure.
    return stat(path).then((found) => (found.isDirectory() ? undefined : Promise.reject(error)), () => Promise.reject(error));
  });
}
