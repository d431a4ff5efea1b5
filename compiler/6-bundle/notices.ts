/**
 * Licence texts of the packages that an artifact contains. Their licences ask that the notice travels with every copy,
 * and minified code carries no comments.
 */
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Bundle } from "./bundle.ts";
import { packageOf } from "./sizes.ts";

/** The admin page is bundled before: what is in it no longer shows in an artifact's inputs. */
const PAGE_FILE = "runtime/side/page.generated.js";
const PAGE_PACKAGES = ["preact", "uplot"] as const;

/** Text of `third-party-notices.txt`; null when the artifact contains no package. */
export function thirdPartyNotices(bundle: Bundle): string | null {
  const names = new Set<string>();
  for (const input of bundle.inputs) {
    const name = packageOf(input);
    if (name !== null) names.add(name);
    if (input.path === PAGE_FILE) for (const page of PAGE_PACKAGES) names.add(page);
  }
  if (names.size === 0) return null;
  return [...names].sort().map(notice).join("\n");
}

function notice(name: string): string {
  const folder = packageFolder(name);
  const parsed: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const version = typeof parsed === "object" && parsed !== null && "version" in parsed ? String(parsed.version) : "";
  const licence = readdirSync(folder).find((file) => /^licen[cs]e/i.test(file));
  // A package without the text of its licence must not ship unnoticed.
  if (licence === undefined) throw new Error(`assertion: package ${name} carries no licence text`);
  return `${name} ${version}\n\n${readFileSync(join(folder, licence), "utf8").trim()}\n`;
}

function packageFolder(name: string): string {
  const found = createRequire(import.meta.url).resolve.paths(name) ?? [];
  for (const modules of found) {
    const folder = join(modules, name);
    if (isFolder(folder)) return folder;
  }
  return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
}

function isFolder(path: string): boolean {
  try {
    return readdirSync(path).length > 0;
  } catch {
    return false;
  }
}
