/** bin.js: under an old Node it hands over to the pinned one, whose end is its own end. */
import { spawn } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { binScript, runCommand, temporaryFolder } from "./run-command.ts";

/** Makes the Node that runs a script believe that it is an old one; children are not affected. */
const pretendOld = ["--import", `data:text/javascript,${encodeURIComponent(
  'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } });' +
    "process.execArgv = [];",
)}`];

const packageName = `node-${process.platform}-${process.arch}`;

/** A copy of bin.js whose pinned Node is a shell script. */
function binWithNode(script: string): string {
  const root = temporaryFolder();
  const engine = join(root, "node_modules", packageName, "bin", "node");
  mkdirSync(dirname(engine), { recursive: true });
  mkdirSync(join(root, "compiler"));
  writeFileSync(join(root, "package.json"), '{"type":"module"}');
  writeFileSync(engine, `#!/bin/sh\n${script}\n`);
  chmodSync(engine, 0o755);
  copyFileSync(binScript, join(root, "compiler", "bin.js"));
  return join(root, "compiler", "bin.js");
}

describe.runIf(process.platform === "linux" && process.arch === "x64")("bin.js under an old Node", () => {
  test("runs the command with the pinned Node", async () => {
    const { exitCode, stdout } = await runCommand(["version", "--json"], { nodeArgs: pretendOld });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ node: "26.10.0" });
  });

  test("passes arguments, streams and the exit code through", async () => {
    const script = binWithNode('shift; cat; echo "args: $*" >&2; exit 42');
    const outcome = await runCommand(["check", "a b"], { nodeArgs: pretendOld, script, stdin: "typed" });
    expect(outcome).toEqual({ exitCode: 42, signal: null, stdout: "typed", stderr: "args: check a b\n" });
  });

  test("dies of the signal that its child died of, and hands on its own", async () => {
    const script = binWithNode('kill -KILL $$');
    expect(await runCommand([], { nodeArgs: pretendOld, script })).toMatchObject({ exitCode: null, signal: "SIGKILL" });

    const waiting = binWithNode('trap "exit 7" TERM; echo ready; while :; do sleep 0.05; done');
    const child = spawn(process.execPath, [...pretendOld, waiting], { stdio: ["ignore", "pipe", "inherit"] });
    child.stdout.once("data", () => child.kill("SIGTERM"));
    const exitCode = await new Promise((resolve) => child.on("exit", resolve));
    expect(exitCode).toBe(7);
  });

  test("names the system package when the loader misses libatomic", async () => {
    const script = binWithNode(
      'echo "node: error while loading shared libraries: libatomic.so.1: cannot open shared object file" >&2; exit 127',
    );
    const { exitCode, stderr } = await runCommand(["check"], { nodeArgs: pretendOld, script });
    expect(exitCode).toBe(78);
    expect(stderr.trim().split("\n").at(-1)).toBe(
      "apigw-compile: Node.js 26 cannot start because libatomic.so.1 is missing; install the system package libatomic1",
    );
  });

  test("says so when the pinned Node is not installed", async () => {
    const root = temporaryFolder();
    mkdirSync(join(root, "compiler"));
    writeFileSync(join(root, "package.json"), '{"type":"module"}');
    copyFileSync(binScript, join(root, "compiler", "bin.js"));
    const script = join(root, "compiler", "bin.js");
    const { exitCode, stderr } = await runCommand(["check"], { nodeArgs: pretendOld, script });
    expect(exitCode).toBe(78);
    expect(stderr).toMatch(/needs Node\.js 26 .* is not installed; run npm ci without --omit=optional/);
  });

  test("the fake is a fake: the package that it stands for exists", () => {
    expect(createRequire(import.meta.url).resolve(`${packageName}/package.json`)).toContain(packageName);
  });
});
