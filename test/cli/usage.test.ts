/** The command line itself: help, wrong usage, streams and exit codes. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { optimisations } from "#compiler/optimisations.ts";
import { binScript, runCommand, temporaryFolder } from "./run-command.ts";

describe("help", () => {
  test.each([[["help"]], [["--help"]], [["-h"]]])("%j goes to stdout and exits with 0", async (args) => {
    const { exitCode, stdout, stderr } = await runCommand(args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    for (const name of ["init", "check", "build", "inspect", "explain", "schema", "digest", "version", "help"]) {
      expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, "m"));
    }
    expect(stdout).toContain("Exit codes: 0 fine");
  });

  const commands = ["init", "check", "build", "explain", "schema", "digest", "version"];
  test.each(commands)("of %s has two examples", async (name) => {
    const { exitCode, stdout } = await runCommand(["help", name]);
    expect(exitCode).toBe(0);
    expect(stdout.split("Examples:")[1]?.match(/apigw-compile/g)?.length).toBeGreaterThanOrEqual(2);
  });
});

test("build lists every optimisation with what it does", async () => {
  const { stdout } = await runCommand(["help", "build"]);
  for (const [name, text] of Object.entries(optimisations)) expect(stdout).toMatch(new RegExp(`^  ${name} +${text}$`, "m"));
});

test("build leaves out the optimisations that are named", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "proxies", "p", "policies"), { recursive: true });
  writeFileSync(join(folder, "gateway.yaml"), "kind: Gateway\n");
  const step = `{ name: AM, condition: 'proxy.basepath = "/q"' }`;
  writeFileSync(join(folder, "proxies", "p", "proxy.yaml"), `kind: ApiProxy\nproxyEndpoints: [{ basePath: /p, preFlow: { request: [${step}] } }]\n`);
  const model = "kind: AssignMessage\nactions: [{ set: { headers: { x-mark: y } } }]\n";
  writeFileSync(join(folder, "proxies", "p", "policies", "AM.yaml"), model);
  const printed = async (...more: readonly string[]): Promise<string> =>
    (await runCommand(["build", folder, "--print", "ts", ...more])).stdout;
  const test = /if \(x\.program\.basePath === "\/q"\)/;
  expect(await printed()).not.toContain("setHeader");
  expect(await printed("--no-opt", "drop-steps")).toMatch(/if \(false\) {\s+x\.request\.setHeader\("x-mark", "y"\)/);
  expect(await printed("--no-opt=fold-conditions")).toMatch(test);
  expect(await printed("--no-opt=all")).toMatch(test);
});

describe("wrong usage exits with 64, says why on stderr, and prints no result", () => {
  test.each<[string, readonly string[], RegExp]>([
    ["no command", [], /^Usage: apigw-compile/],
    ["an unknown command", ["chek"], /unknown command 'chek'\n\(Did you mean check\?\)/],
    ["an unknown option", ["build", "--targte", "sea"], /unknown option '--targte'\n\(Did you mean --target\?\)/],
    ["an unknown target", ["build", "--target", "docker"], /Allowed choices are bundle, sea/],
    ["an unknown format", ["check", "--format", "xml"], /Forms are text, json, sarif, junit, github/],
    ["a format with an empty file", ["check", "--format", "json="], /Forms are/],
    ["two documents for stdout", ["check", "--format", "json", "--format", "sarif"], /json and sarif would both go/],
    ["a count that is none", ["check", "--max-warnings", "few"], /whole number/],
    ["an unknown optimisation", ["build", "--no-opt=fold-condition"], /no such optimisation\. Did you mean fold-conditions\?/],
    ["an optimisation like no other", ["build", "--no-opt=speed"], /They are fold-conditions, .*, and all\./],
    ["a second folder", ["check", "a", "b"], /too many arguments/],
    ["code cache without an executable", ["build", "--code-cache"], /--code-cache needs --target sea/],
    ["a contradiction", ["build", "--target", "sea", "--code-cache", "--reproducible"], /--reproducible forbids/],
    ["an unknown template", ["init", "--template", "huge"], /Allowed choices are minimal, websocket/],
  ])("%s", async (_, args, message) => {
    const { exitCode, stdout, stderr } = await runCommand(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: "" });
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain("    at ");
  });
});

describe("a project that is not there exits with 78 and says how to begin", () => {
  test.each<[string, readonly string[], RegExp]>([
    ["a missing folder", ["check", "nowhere"], /there is no folder nowhere/],
    ["a folder without gateway.yaml", ["build", "."], /has no gateway\.yaml\n {2}= help: apigw-compile init/],
    ["no folder, and none upwards", ["check"], /neither this folder nor one above it has a gateway\.yaml/],
  ])("%s", async (_, args, message) => {
    const { exitCode, stdout, stderr } = await runCommand(args, { cwd: temporaryFolder() });
    expect({ exitCode, stdout }).toEqual({ exitCode: 78, stdout: "" });
    expect(stderr).toMatch(message);
  });
});

describe("version", () => {
  test("is one line with --version, some lines as a command, one document with --json", async () => {
    const [short, long, json] = await Promise.all([
      runCommand(["--version"]),
      runCommand(["version"]),
      runCommand(["version", "--json"]),
    ]);
    expect(short.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(long.stdout).toContain(`apigw-compile ${short.stdout}`);
    expect(JSON.parse(json.stdout)).toEqual({
      compiler: short.stdout.trim(),
      node: "26.10.0",
      engine: "26.10.0",
      floor: "26.5.1",
      platform: `${process.platform}-${process.arch}`,
    });
  });
});

describe("a defect", () => {
  test("exits with 70, says that it is ours, and leaves a report without arguments", async () => {
    const sabotage = `import fs from "node:fs"; import { syncBuiltinESMExports } from "node:module";
      const read = fs.readFileSync;
      fs.readFileSync = (path, ...rest) => {
        if (String(path).endsWith(".schema.json")) throw new Error("the disk melted");
        return read(path, ...rest);
      };
      syncBuiltinESMExports();`;
    const { exitCode, stdout, stderr } = await runCommand(["schema", "ApiProxy"], {
      nodeArgs: ["--import", `data:text/javascript,${encodeURIComponent(sabotage)}`],
    });
    expect({ exitCode, stdout }).toEqual({ exitCode: 70, stdout: "" });
    expect(stderr).toMatch(/^internal error: the disk melted\n {2}= note: this is a defect of apigw-compile/);
    const [, file = ""] = /attach (\S+)\n$/.exec(stderr) ?? [];
    const report = readFileSync(file, "utf8");
    rmSync(file);
    expect(report).toMatch(/^apigw-compile \S+, command schema\nnode v26[^]*the disk melted[^]*\n {4}at /);
    expect(report).not.toContain("ApiProxy");
  });
});

describe("Ctrl-C", () => {
  test("exits with 130", async () => {
    const tell = 'process.on("newListener", (name) => { if (name === "SIGINT") process.stderr.write("ready"); });';
    const child = spawn(
      process.execPath,
      ["--import", `data:text/javascript,${encodeURIComponent(tell)}`, binScript, "digest"],
      { stdio: ["pipe", "ignore", "pipe"] },
    );
    child.stderr.once("data", () => child.kill("SIGINT"));
    const [exitCode, signal] = await once(child, "exit");
    expect({ exitCode, signal }).toEqual({ exitCode: 130, signal: null });
  });
});
