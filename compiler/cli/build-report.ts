/**
 * What `build` says when it is done: what was written, how large it is, which routes look at more than frame headers.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Manifest } from "../6-bundle/manifest.ts";
import { bodyNotes, frameNotes } from "./route-table.ts";

/** What the report is about. */
export interface BuildOutcome {
  readonly manifest: Manifest;
  /** Policies that some chain runs, counted once for each proxy. */
  readonly policies: number;
  /** What optimisation came to; null: nothing. */
  readonly optimised: string | null;
  /** The output folder as the user wrote it. */
  readonly out: string;
  /** Names of the files written there, the artifact first. */
  readonly files: readonly string[];
  /** Name of the executable; null when none was built. */
  readonly executable: string | null;
}

/** Text of the report. */
export function buildReport(outcome: BuildOutcome): string {
  const { manifest, out, executable } = outcome;
  const { artifact, routes } = manifest;
  const upgradable = routes.filter(({ webSocket }) => webSocket.level !== "denied").length;
  const proxies = new Set(routes.map(({ proxy }) => proxy)).size;
  const parts = artifact.parts.map(({ part, bytes }) => `${part} ${kilobytes(bytes)}`).join(", ");
  const [artifactName = "", ...others] = outcome.files.map((name) => join(out, name));
  const written = [
    [artifactName, `${kilobytes(artifact.bytes)} kB, gzip ${kilobytes(artifact.gzipBytes)} kB   (${parts})`],
    ...(executable === null ? [] : [[join(out, executable), executableSize(join(out, executable))]]),
  ];
  const width = Math.max(...written.map(([name = ""]) => name.length));
  return [
    `  proxies ${String(proxies)}   routes ${String(routes.length)} (${String(upgradable)} websocket)   ` +
      `policies ${String(outcome.policies)}\n`,
    outcome.optimised === null ? "" : `  optimised: ${outcome.optimised}\n`,
    ...written.map(([name = "", text = ""]) => `  ${name.padEnd(width)}   ${text}\n`),
    `  ${others.join("  ")}\n`,
    `  input ${manifest.input}\n`,
    `  engine node ${manifest.node.engine}   compiler ${manifest.compiler}\n`,
    variables(manifest),
    frameNotes(routes),
    bodyNotes(routes),
  ].join("");
}

function variables({ variables: all }: Manifest): string {
  const required = all.filter((variable) => variable.required).map(({ name }) => name);
  return required.length === 0 ? "" : `  needs ${required.join(", ")}\n`;
}

/** Thousands of bytes, with one decimal below ten. */
function kilobytes(bytes: number): string {
  const thousands = bytes / 1000;
  return thousands < 10 ? thousands.toFixed(1) : thousands.toFixed(0);
}

function executableSize(path: string): string {
  return `${(statSync(path).size / 1_000_000).toFixed(0)} MB`;
}
