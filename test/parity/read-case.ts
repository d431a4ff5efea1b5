/** Cases written by hand or kept from failures: projects with requests and what is right, in files of cases/. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Outcome, ParityCase } from "./outcome.ts";

export const CASES_FOLDER = join(import.meta.dirname, "cases");

/** A project and requests that once came out differently, with what is right. */
export interface Regression extends ParityCase {
  readonly title: string;
  /** Part of the outcome of each request. */
  readonly expected: readonly Partial<Outcome>[];
}

/** The case of a file in that folder. */
export function readCase(name: string): Regression {
  const parsed: Omit<Regression, "files"> & { files: Record<string, unknown> } = JSON.parse(readFileSync(join(CASES_FOLDER, name), "utf8"));
  const files = Object.entries(parsed.files).map(([file, document]) => [file, JSON.stringify(document)]);
  return { ...parsed, files: Object.fromEntries(files) };
}
