/** digest: the form of the store's digests, and no way for a secret to reach the command line or the output. */
import { describe, expect, test } from "vitest";
import { digest } from "#runtime/access/digest.ts";
import { runCommand } from "./run-command.ts";

const secret = "s3cret-größer-🔑";

describe("digest", () => {
  test.each([
    ["piped in", { stdin: secret }, []],
    ["piped in with a line break", { stdin: `${secret}\n` }, []],
    ["piped in with a line break of Windows", { stdin: `${secret}\r\n` }, []],
    ["in a variable", { env: { KEY: secret } }, ["--env", "KEY"]],
  ])("of a secret %s is the gateway's", async (_, options, args) => {
    const { exitCode, stdout, stderr } = await runCommand(["digest", ...args], options);
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 0, stdout: `${digest(secret)}\n`, stderr: "" });
  });

  test("keeps blanks and inner line breaks, which belong to the secret", async () => {
    const { stdout } = await runCommand(["digest"], { stdin: " a\nb \n\n" });
    expect(stdout).toBe(`${digest(" a\nb \n")}\n`);
  });

  test("refuses a secret on the command line, without repeating it", async () => {
    const { exitCode, stdout, stderr } = await runCommand(["digest", secret]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 64, stdout: "" });
    expect(stderr).toContain("does not belong on the command line");
    expect(stderr).not.toContain("s3cret");
  });

  test.each<[string, readonly string[], Parameters<typeof runCommand>[1], number, RegExp]>([
    ["nothing on stdin", [], { stdin: "" }, 64, /no secret came in/],
    ["an empty line", [], { stdin: "\n" }, 64, /no secret came in/],
    ["an unset variable", ["--env", "NOT_SET"], {}, 78, /NOT_SET is not set/],
    ["an endless input", [], { stdin: "x".repeat(70_000) }, 64, /longer than 65536 bytes/],
  ])("refuses %s", async (_, args, options, expected, message) => {
    const { exitCode, stdout, stderr } = await runCommand(["digest", ...args], options);
    expect({ exitCode, stdout }).toEqual({ exitCode: expected, stdout: "" });
    expect(stderr).toMatch(message);
  });
});
