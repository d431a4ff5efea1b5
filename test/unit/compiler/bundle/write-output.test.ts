/** Writing an artifact: folders are made, files are whole, and a file system that refuses is an error at once. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { writeOutput } from "#compiler/6-bundle/write-output.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "apigw-output-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it("makes folders that are not there, and leaves nothing unfinished", async () => {
  const deep = join(folder, "a", "b");
  await writeOutput(deep, [{ name: "one.txt", text: "1" }, { name: "more/two.txt", text: "2" }]);
  await writeOutput(deep, [{ name: "one.txt", text: "3" }]);
  expect(readdirSync(deep).sort()).toEqual(["more", "one.txt"]);
  expect(readFileSync(join(deep, "one.txt"), "utf8")).toBe("3");
  expect(readFileSync(join(deep, "more", "two.txt"), "utf8")).toBe("2");
});

it("fails where a file stands in the way", async () => {
  await writeOutput(folder, [{ name: "file", text: "" }]);
  await expect(writeOutput(join(folder, "file"), [{ name: "x", text: "" }])).rejects.toThrow("EEXIST");
});

it.runIf(existsSync("/proc/self"))("fails at once on a file system that makes no folders", async () => {
  await expect(writeOutput("/proc/none/deeper", [{ name: "x", text: "" }])).rejects.toThrow("ENOENT");
});
