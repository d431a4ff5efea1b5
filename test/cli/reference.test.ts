/** explain and schema: what they find, what they print, and what they suggest. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { faults } from "#compiler/diagnostics/fault-table.ts";
import { closeReasons } from "#runtime/upgrade/close-reason.ts";
import { listAssets, readAsset } from "#compiler/assets.ts";
import { codes } from "#compiler/diagnostics/catalogue.ts";
import { runCommand, temporaryFolder } from "./run-command.ts";

describe("explain", () => {
  test("lists every diagnostic, fault and close reason when no code is given", async () => {
    const { exitCode, stdout } = await runCommand(["explain"]);
    expect(exitCode).toBe(0);
    const names = [...codes(), ...Object.keys(faults), ...Object.keys(closeReasons)];
    for (const name of names) expect(stdout).toContain(`  ${name} `);
  });

  test.each<[string, string, RegExp]>([
    ["a fault by its code", "oauth.v2.InvalidApiKey", /^oauth\.v2\.InvalidApiKey {2}fault\nstatus 401,/],
    ["a fault by its name", "SpikeArrestViolation", /status 429/],
    ["a close reason by its id", "tokenRevoked", /^tokenRevoked {2}close reason[^]*code 3003, reason "token revoked"/],
    ["a close reason by its metric label", "token_revoked", /^tokenRevoked/],
    ["close reasons by their code", "3008", /^idle[^]*\nlifetime/m],
    ["whatever the case", "TOKENREVOKED", /^tokenRevoked/],
  ])("finds %s", async (_, code, text) => {
    const { exitCode, stdout, stderr } = await runCommand(["explain", code]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(text);
  });

  test("finds every diagnostic, with or without its letters", async () => {
    const [code = ""] = codes();
    const [full, short] = await Promise.all([runCommand(["explain", code]), runCommand(["explain", code.slice(3)])]);
    expect(full.stdout.startsWith(`${code}  `)).toBe(true);
    expect(short.stdout).toContain(full.stdout);
  });

  test.each([
    ["tokenRevokde", "did you mean tokenRevoked?"],
    ["InvalidApiKeys", "did you mean oauth.v2.InvalidApiKey?"],
    ["qqqqqqqqqqqqqqqq", "apigw-compile explain lists everything there is"],
  ])("answers %s with %s", async (code, help) => {
    const { exitCode, stdout, stderr } = await runCommand(["explain", code]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: "" });
    expect(stderr).toContain(help);
  });
});

describe("colour", () => {
  const escape = "\u001b[";
  test.each<[string, readonly string[], Readonly<Record<string, string>>, boolean]>([
    ["none in a pipe", [], {}, false],
    ["FORCE_COLOR", [], { FORCE_COLOR: "1" }, true],
    ["FORCE_COLOR=0", [], { FORCE_COLOR: "0" }, false],
    ["NO_COLOR", [], { NO_COLOR: "1" }, false],
    ["FORCE_COLOR beats NO_COLOR", [], { FORCE_COLOR: "1", NO_COLOR: "1" }, true],
    ["--color beats NO_COLOR", ["--color"], { NO_COLOR: "1" }, true],
    ["--no-color beats FORCE_COLOR", ["--no-color"], { FORCE_COLOR: "1" }, false],
  ])("%s", async (_, args, env, colored) => {
    const { stdout } = await runCommand(["explain", "idle", ...args], { env });
    expect(stdout.includes(escape)).toBe(colored);
    expect(stdout).toContain("close reason");
  });
});

describe("schema", () => {
  test("lists the schemas with their kinds", async () => {
    const { exitCode, stdout } = await runCommand(["schema"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^gateway +Gateway$/m);
    expect(stdout).toMatch(/^proxy +ApiProxy$/m);
    expect(stdout).toMatch(/^verify-api-key +VerifyAPIKey$/m);
    expect(stdout).toMatch(/^access +ApiProduct, Developer, App$/m);
  });

  test.each([
    ["ApiProxy", "schema/proxy.schema.json"],
    ["proxy", "schema/proxy.schema.json"],
    ["verifyapikey", "schema/policies/verify-api-key.schema.json"],
    ["Developer", "schema/access.schema.json"],
  ] as const)("prints the schema of %s", async (kind, path) => {
    const { exitCode, stdout } = await runCommand(["schema", kind]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: readAsset(path) });
  });

  test("suggests the nearest kind", async () => {
    const { exitCode, stderr } = await runCommand(["schema", "VerifyApiKeys"]);
    expect(exitCode).toBe(64);
    expect(stderr).toContain("did you mean VerifyAPIKey?");
  });

  test("writes all of them, with the folders that their references expect", async () => {
    const folder = temporaryFolder();
    const { exitCode, stdout } = await runCommand(["schema", "--out", "schemas"], { cwd: folder });
    expect(exitCode).toBe(0);
    const files = listAssets("schema").filter((path) => path.endsWith(".schema.json"));
    expect(stdout.trim().split("\n")).toHaveLength(files.length);
    for (const path of files) {
      const copy = join(folder, path.replace("schema/", "schemas/"));
      expect(existsSync(copy)).toBe(true);
      expect(readFileSync(copy, "utf8")).toBe(readAsset(path));
    }
  });

  test("ends quietly when its reader goes away", async () => {
    const { exitCode, stderr } = await runCommand([], {
      script: join(import.meta.dirname, "closed-pipe.mjs"),
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  });
});
