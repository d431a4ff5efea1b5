/**
 * Runs a compiled gateway as this process: command line, environment, signals, memory, exit code. The only file of the
 * runtime that touches the process itself.
 */
import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { systemClock } from "../clock.ts";
import type { GatewayProgram } from "../program.ts";
import { mask, readSettings } from "./settings.ts";
import { StartProblems } from "./start-problem.ts";
import { checkProgram, readProgramSettings, startGateway, type GatewayHost } from "./start.ts";

/** Exit code when the configuration or its surroundings do not let the gateway start (sysexits.h: EX_CONFIG). */
const EXIT_CONFIGURATION = 78;
/** Just below the largest block that moves glibc's thresholds (DEFAULT_MMAP_THRESHOLD_MAX, 32 MiB). */
const ALLOCATOR_BLOCK_BYTES = 31 * 1024 * 1024;
/** Upgrades after which the young generation grows no more. */
const YOUNG_HEAP_UPGRADES = 1_000;
/** Exit code for options that do not exist (EX_USAGE). */
const EXIT_USAGE = 64;
const KNOWN_FLAGS: readonly string[] = ["--version", "--routes", "--print-config", "--check"];

/** Runs a program as this process: command line, environment, signals, exit code. */
export async function runGateway(program: GatewayProgram): Promise<void> {
  const flags = new Set(process.argv.slice(2));
  const unknown = [...flags].filter((flag) => !KNOWN_FLAGS.includes(flag));
  if (unknown.length > 0) return refuseFlags(unknown);
  if (flags.has("--version")) return print(versionLine(program));
  if (flags.has("--routes")) return print(routeLines(program));
  const host: GatewayHost = {
    clock: systemClock,
    output: process.stdout,
    env: process.env,
    readFile: (path) => readFileSync(path),
    node: process.versions.node,
    onUpgrade: countUpgrades(),
  };
  if (flags.has("--print-config")) {
    print(configLines(program, host));
    return reportProblems(readProgramSettings(program, host));
  }
  if (flags.has("--check")) return reportProblems(checkProgram(program, host));
  keepFreedBuffers();
  const running = await startGateway(program, host);
  if (running instanceof StartProblems) return reportProblems(running.problems);
  const { gateway, drain, finished } = running;
  process.on("uncaughtException", (defect) => gateway.defect(defect));
  process.on("unhandledRejection", (defect) => gateway.defect(defect));
  process.on("SIGTERM", () => drain.signal("SIGTERM")).on("SIGINT", () => drain.signal("SIGINT"));
  const exitCode = await finished;
  gateway.log.flush();
  process.exit(exitCode);
}

/**
 * glibc gives the top of its heap back to the system as soon as some freed read buffers lie there, and the next read
 * faults the same pages in again: three faults for each 16 KiB message. It stops doing so once it has seen a large
 * block freed (mallopt(3), M_MMAP_THRESHOLD is dynamic). The block is never touched, so it costs nothing.
 */
function keepFreedBuffers(): void {
  new ArrayBuffer(ALLOCATOR_BLOCK_BYTES).transfer(0);
}

/**
 * What a gateway allocates lives as long as a handshake or as long as a session. The first upgrades let the young
 * generation grow to what handshakes need; more would only be carried along by every session after them.
 */
function countUpgrades(): () => void {
  let upgrades = 0;
  return () => {
    if (++upgrades === YOUNG_HEAP_UPGRADES) setFlagsFromString("--semi-space-growth-factor=1");
  };
}

function refuseFlags(unknown: readonly string[]): void {
  process.stderr.write(`unknown option ${unknown.join(", ")}; known: ${KNOWN_FLAGS.join(", ")}\n`);
  process.exitCode = EXIT_USAGE;
}

function print(text: string): void {
  process.stdout.write(text);
}

function reportProblems(problems: readonly string[]): void {
  for (const problem of problems) process.stderr.write(`problem: ${problem}\n`);
  if (problems.length > 0) process.stderr.write(`${problems.length} problem${problems.length === 1 ? "" : "s"}\n`);
  process.exitCode = problems.length > 0 ? EXIT_CONFIGURATION : 0;
}

function versionLine({ compiler, hash }: GatewayProgram): string {
  return `${JSON.stringify({ compiler, build: hash, node: process.versions.node })}\n`;
}

function routeLines({ routes }: GatewayProgram): string {
  return routes
    .map(({ hostnames, program }) => {
      const { basePath, proxy, endpoint, environment, hash } = program;
      return `${hostnames.join(",")} ${basePath} ${proxy}/${endpoint} ${environment} ${hash}\n`;
    })
    .join("");
}

function configLines(program: GatewayProgram, host: GatewayHost): string {
  const shown = mask(program.settings, readSettings(program.settings, host.env, host.readFile));
  return shown.map(({ id, value, origin, where }) => `${id}=${value}  # ${origin}, ${where}\n`).join("");
}
