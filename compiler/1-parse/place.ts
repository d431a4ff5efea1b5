/** What a file of a project is, by its path alone; and, for a path that means nothing, what was probably meant. */
import { nearest } from "../diagnostics/nearest.ts";
import type { Place } from "../ir/syntax.ts";

/** A path that has no meaning, with the reason for people and, when there is one, the path that was meant. */
export interface Misplaced {
  readonly reason: string;
  readonly suggestion: string | null;
  /** Set when the mistake is the name of a folder and so concerns all its files. */
  readonly wrongFolder?: string;
}

/** Folders at the top of a project that are read. */
const folders = ["proxies", "shared-flows", "environments", "access"] as const;
type Folder = (typeof folders)[number];

/** Names that people coming from elsewhere give to these folders. */
const folderSlips: Readonly<Record<string, Folder>> = {
  proxy: "proxies",
  apiproxies: "proxies",
  sharedflows: "shared-flows",
  sharedflow: "shared-flows",
  "shared-flow": "shared-flows",
  environment: "environments",
  envs: "environments",
  env: "environments",
};

const rootFile = "gateway.yaml";

/** The folder of a project that a top-level folder's name is, or probably is meant to be. */
export function folderMeant(name: string): Folder | null {
  return folders.find((folder) => folder === name) ?? folderSlips[name.toLowerCase()] ?? meantFolder(name);
}

function meantFolder(name: string): Folder | null {
  const near = name.length < 5 ? null : nearest(name, folders);
  return folders.find((folder) => folder === near) ?? null;
}

/** True when a file at the top of a project is the gateway's or was probably meant to be. */
export function isRootFileMeant(name: string): boolean {
  if (name === rootFile) return true;
  const stem = name.replace(/\.(yaml|yml)$/i, "");
  return stem.toLowerCase() === "apigw" || (stem.length > 4 && nearest(stem, ["gateway"]) !== null);
}

/**
 * Classifies a path (forward slashes, relative to the project). Null: a file that is none of the compiler's business.
 */
export function placeOf(path: string): Place | Misplaced | null {
  const segments = path.split("/");
  const [first = "", ...rest] = segments;
  if (rest.length === 0) return rootPlace(first);
  const folder = folderMeant(first);
  if (folder === null) return null;
  const fixed = path.replace(/\.ya?ml$/i, ".yaml");
  if (folder !== first) {
    return { reason: `the folder is called "${folder}"`, suggestion: folder, wrongFolder: first };
  }
  const properties = propertiesPlace(folder, rest);
  if (properties !== undefined) return properties;
  if (!path.endsWith(".yaml")) return { reason: "files of a project end in .yaml", suggestion: fixed };
  if (folder === "environments" || folder === "access") return flatPlace(folder, rest);
  return nestedPlace(folder, rest);
}

function rootPlace(name: string): Place | Misplaced | null {
  if (name === rootFile) return { kind: "gateway" };
  return isRootFileMeant(name) ? { reason: `the root file is called "${rootFile}"`, suggestion: rootFile } : null;
}

/** What a file of a resources folder is; undefined for every other file. */
function propertiesPlace(folder: Folder, rest: readonly string[]): Place | Misplaced | null | undefined {
  const [owner = "", second, third, file, ...more] = rest;
  if (second !== "resources" || folder === "environments" || folder === "access") return undefined;
  if (third !== "properties" || file === undefined) return null;
  const place = `proxies/${owner}/resources/properties`;
  if (folder !== "proxies") return { reason: "property sets are a proxy's or an environment's", suggestion: null };
  if (more.length > 0) {
    return { reason: "the folder properties has no folders of its own", suggestion: `${place}/${more.at(-1) ?? ""}` };
  }
  const name = file.replace(/\.properties$/, "");
  if (name === file) {
    const suggestion = `${place}/${file.replace(/\.[^.]*$/, "")}.properties`;
    return { reason: "files of property sets end in .properties", suggestion };
  }
  return { kind: "proxyProperties", owner, name };
}

function flatPlace(folder: "environments" | "access", rest: readonly string[]): Place | Misplaced {
  const [file = ""] = rest;
  if (rest.length > 1) {
    return { reason: `the folder "${folder}" has no folders of its own`, suggestion: `${folder}/${rest.at(-1) ?? ""}` };
  }
  return { kind: folder === "access" ? "access" : "environment", name: stemOf(file) };
}

function nestedPlace(folder: "proxies" | "shared-flows", rest: readonly string[]): Place | Misplaced | null {
  const isProxy = folder === "proxies";
  const main = isProxy ? "proxy.yaml" : "flow.yaml";
  const [owner = "", second = "", third = ""] = rest;
  if (rest.length === 1) {
    const example = `${folder}/${stemOf(owner)}/${main}`;
    return { reason: `each ${isProxy ? "proxy" : "shared flow"} has a folder of its own`, suggestion: example };
  }
  if (rest.length === 2) {
    if (second === main) return { kind: isProxy ? "proxy" : "sharedFlow", name: owner };
    const near =
      nearest(second, [main]) ?? (/^(proxy|flow|api-?proxy|shared-?flow)\.yaml$/i.test(second) ? main : null);
    if (near !== null) return { reason: `the main file is called "${main}"`, suggestion: `${folder}/${owner}/${main}` };
    return { reason: "policies lie in the folder policies", suggestion: `${folder}/${owner}/policies/${second}` };
  }
  if (second === "resources") return null;
  if (second === "policies" && rest.length === 3) {
    return { kind: isProxy ? "proxyPolicy" : "sharedFlowPolicy", owner, name: stemOf(third) };
  }
  const file = rest.at(-1) ?? "";
  if (second === "policies") {
    return {
      reason: "the folder policies has no folders of its own",
      suggestion: `${folder}/${owner}/policies/${file}`,
    };
  }
  const near = nearest(second, ["policies", "resources"]) ?? (second === "policy" ? "policies" : null);
  return {
    reason: `beside ${main} there are only the folders policies and resources`,
    suggestion: near === null ? null : `${folder}/${owner}/${near}`,
    wrongFolder: `${folder}/${owner}/${second}`,
  };
}

function stemOf(file: string): string {
  return file.replace(/\.ya?ml$/i, "");
}
