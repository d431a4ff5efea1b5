/**
 * The executable: it holds the very bytes of gateway.cjs, and runs them alone. Building one takes seconds, so there is
 * one.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleProgram } from "#compiler/6-bundle/bundle.ts";
import { buildExecutable, executableConfig } from "#compiler/6-bundle/sea.ts";

const run = promisify(execFile);

const program = [
  {
    path: "program/main.ts",
    text: `import { isSea } from "node:sea";
const facts = { sea: isSea(), execArgv: process.execArgv, text: "größer" };
if (process.argv.includes("--version")) console.log(JSON.stringify(facts));`,
  },
];

let folder = "";
let code = "";

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "apigw-sea-"));
  ({ code } = await bundleProgram(program, { minify: true }));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("an executable", () => {
  test("embeds gateway.cjs byte for byte, runs anywhere, and takes nothing from NODE_OPTIONS", async () => {
    const output = join(folder, "gateway");
    const workFolder = work();
    const options = { node: process.execPath, output, workFolder, strip: false, codeCache: false };
    expect(await buildExecutable(code, options)).toEqual({ built: true });
    const bytes = readFileSync(output);
    expect(bytes.includes(Buffer.from(code))).toBe(true);
    expect(bytes.includes(Buffer.from(basename(workFolder)))).toBe(false);
    expect(readFileSync(process.execPath).includes(Buffer.from(code))).toBe(false);

    const place = { cwd: "/", env: { NODE_OPTIONS: "--require=/nowhere/evil.cjs" } };
    const { stdout, stderr } = await run(output, ["--version"], place);
    expect(JSON.parse(stdout)).toEqual({ sea: true, execArgv: [], text: "größer" });
    expect(stderr).toBe("");
    await expect(run(process.execPath, ["--version"], place)).resolves.toBeDefined();
    await expect(run(process.execPath, ["-e", "0"], place)).rejects.toThrow(/evil/);
  }, 60_000);

  test("says what a failing tool said, and leaves no output", async () => {
    const result = await buildExecutable(code, {
      node: "/nowhere/node",
      output: join(folder, "other"),
      workFolder: work(),
      strip: false,
      codeCache: false,
    });
    expect(result).toMatchObject({ built: false, tried: "node --build-sea" });
    expect(existsSync(join(folder, "other"))).toBe(false);
  });

  test("has no code cache unless asked for", () => {
    const config = (codeCache: boolean): unknown =>
      JSON.parse(executableConfig({ executable: "a", output: "b", codeCache }));
    expect(config(false)).toMatchObject({ useCodeCache: false, useSnapshot: false, execArgvExtension: "none" });
    expect(config(true)).toMatchObject({ useCodeCache: true });
  });
});

function work(): string {
  return mkdtempSync(join(folder, "work-"));
}
