/**
 * Each case is a project with mistakes and the text that the compiler must print for it. A case holds also with CRLF
 * line ends and with its files in another order. UPDATE_EXPECTED=1 rewrites expected.txt, never in continuous
 * integration.
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { readProject } from "#compiler/1-parse/read-project.ts";
import { codes } from "#compiler/diagnostics/catalogue.ts";
import { renderText } from "#compiler/diagnostics/render.ts";
import { SourceFile } from "#compiler/source/source-file.ts";
import { diagnose } from "./diagnose.ts";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, "../..");
const cases = readdirSync(here, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort();
const update = process.env["UPDATE_EXPECTED"] === "1";

/** Codes that no folder in a repository can show: code -> the test that does. */
const shownElsewhere: Readonly<Record<string, string>> = {
  AGW1002: "test/unit/compiler/parse/read-project.test.ts",
  AGW1004: "test/unit/compiler/parse/read-project.test.ts",
  AGW1005: "test/unit/compiler/parse/read-project.test.ts",
};

async function printed(files: readonly SourceFile[]): Promise<string> {
  return renderText(await diagnose(files));
}

describe("diagnostics", () => {
  it.each(cases)("%s", async (name) => {
    const { files, diagnostics } = readProject(path.join(here, name, "bundle"));
    expect(diagnostics.all).toEqual([]);
    const text = await printed(files);
    const expected = path.join(here, name, "expected.txt");
    if (update) {
      if (process.env["CI"] !== undefined)
        throw new Error("expected texts are not rewritten in continuous integration");
      writeFileSync(expected, text);
    }
    expect(text).toBe(readFileSync(expected, "utf8"));
    const crlf = files.map((file) => new SourceFile(file.path, file.text.replaceAll("\n", "\r\n")));
    expect(await printed(crlf)).toBe(text);
    expect(await printed(files.toReversed())).toBe(text);
    const truncated = files.map((file) => new SourceFile(file.path, file.text.slice(0, file.text.length >> 1)));
    await expect(printed(truncated)).resolves.toBeTypeOf("string");
  });

  it("show every code of the catalogue, and no code that is not in it", () => {
    const shown = new Set(
      cases.flatMap((name) => {
        const expected = path.join(here, name, "expected.txt");
        return existsSync(expected)
          ? [...readFileSync(expected, "utf8").matchAll(/^(?:error|warning)\[(\w+)\]/gm)].map((match) => match[1])
          : [];
      }),
    );
    const elsewhere = Object.entries(shownElsewhere).filter(([code, file]) =>
      readFileSync(path.join(root, file), "utf8").includes(code),
    );
    for (const [code] of elsewhere) shown.add(code);
    expect([...shown].sort()).toEqual(codes());
  });
});
