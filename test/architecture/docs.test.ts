/** What the documents name exists, what exists is documented, and generated pages are current (invariant I11). */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { codes } from "#compiler/diagnostics/catalogue.ts";
import { faults } from "#compiler/diagnostics/fault-table.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { closeReasons } from "#runtime/upgrade/close-reason.ts";
import { referencePages } from "../../scripts/reference-docs.ts";
import { root, sourcesIn } from "./sources.ts";

const pages = ["ARCHITECTURE.md", "README.md", "CHANGELOG.md", ...markdownIn("docs")].filter((file) => existsSync(path.join(root, file)));

function markdownIn(folder: string): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => `${folder}/${file.replaceAll("\\", "/")}`)
    .sort();
}

const FOLDERS = "runtime|compiler|page|schema|templates|test|bench|examples|docs|scripts|\\.ci";
/** A path of the repository in backquotes, or the destination of a link. */
const NAMED = new RegExp(`\`((?:${FOLDERS})/[A-Za-z0-9._/-]*)\`|\\]\\((?!https?:|#|mailto:)([^)#]+)(?:#[^)]*)?\\)`, "g");

/** Names of paths in a page that lead nowhere. */
function missing(page: string, text: string): string[] {
  return [...text.matchAll(NAMED)].flatMap(([, quoted, linked]) => {
    const target = quoted ?? path.posix.join(path.posix.dirname(page), linked ?? "");
    return existsSync(path.join(root, target)) ? [] : [`${page}: ${target}`];
  });
}

describe("documents", () => {
  it("name only paths that exist", () => {
    expect(pages.length).toBeGreaterThan(3);
    expect(pages.flatMap((page) => missing(page, readFileSync(path.join(root, page), "utf8")))).toEqual([]);
    expect(missing("docs/a.md", "see `runtime/nothing.ts` and [that](../gone.md#part), not `npm test` or [this](https://a.b)")).toEqual([
      "docs/a.md: runtime/nothing.ts",
      "docs/a.md: gone.md",
    ]);
  });

  it("name every folder, and every file beside them", () => {
    const map = ["ARCHITECTURE.md", "docs/contributing.md"].map((page) => readFileSync(path.join(root, page), "utf8")).join("\n");
    const entries = ["runtime", "compiler", "scripts", "templates", "test"].flatMap((folder) =>
      readdirSync(path.join(root, folder), { withFileTypes: true })
        .filter(({ name }) => !name.startsWith(".") && !/tsconfig/.test(name))
        .map((entry) => `${folder}/${entry.name}${entry.isDirectory() ? "/" : ""}`),
    );
    expect(entries.length).toBeGreaterThan(50);
    expect(entries.filter((entry) => !map.includes(entry))).toEqual([]);
  });

  it.each([...referencePages()])("%s is current (npm run generate)", (file, text) => {
    expect(existsSync(path.join(root, file)) ? readFileSync(path.join(root, file), "utf8") : "absent").toBe(text);
  });
});

describe("hand-written tables", () => {
  const read = (file: string): string => readFileSync(path.join(root, file), "utf8");
  const operations = read("docs/operations.md");
  const runtime = sourcesIn("runtime").map((source) => source.tree.text).join("\n");
  const quoted = (pattern: RegExp): string[] => [...new Set([...runtime.matchAll(pattern)].map(([, name = ""]) => name))].sort();

  it("list every metric", () => {
    const metrics = quoted(/"(apigw_[a-z_]+)"/g);
    expect(metrics.length).toBeGreaterThan(30);
    expect(metrics.filter((name) => !operations.includes(`\`${name}\``))).toEqual([]);
  });

  it("list every event of the log", () => {
    const events = quoted(/(?:\.event|\.note|#start)\((?:"[a-z]+", )?"([a-z_ ]+)"/g);
    expect(events.length).toBeGreaterThan(20);
    expect(events.filter((name) => !operations.includes(`\`${name}\``))).toEqual([]);
  });

  it("list each difference once in its section", () => {
    const twice = (text: string): string[] =>
      text.split("\n## ").flatMap((section) => {
        const topics = [...section.matchAll(/^\| ([^|]+) \|/gm)].map(([, topic = ""]) => topic);
        return topics.filter((topic, at) => topic !== "---" && !/^\d+$/.test(topic) && topics.indexOf(topic) !== at);
      });
    expect(twice(read("docs/differences.md"))).toEqual([]);
    expect(twice("## a\n| x | y |\n\n## b\n| x | y |\n| x | z |")).toEqual(["x"]);
  });

  it("list the dependencies of package.json and no others", () => {
    const declared: unknown = JSON.parse(read("package.json"));
    const dependencies = Object.entries(Object(Reflect.get(Object(declared), "dependencies")));
    const names = dependencies.map(([name, version]) => `${name} ${String(version)}`);
    const table = read("docs/decisions/0008-dependencies.md");
    const rows = [...table.matchAll(/^\| (\S+ \d\S+) \|/gm)].map(([, row = ""]) => row);
    expect(rows.sort()).toEqual(names.sort());
  });
});

describe("the reference", () => {
  const pages = referencePages();
  const page = (name: string): string => pages.get(`docs/reference/${name}.md`) ?? "";
  const tables: readonly [name: string, entries: readonly string[]][] = [
    ["diagnostics", codes()],
    ["faults", Object.keys(faults).map((code) => `\`${code}\``)],
    ["close-reasons", Object.keys(closeReasons).map((name) => `\`${name}\``)],
    ["limits", Object.keys(defaultLimits).map((name) => `\`${name}\``)],
  ];

  it.each(tables)("%s has every entry", (name, entries) => {
    expect(entries.filter((entry) => !page(name).includes(entry))).toEqual([]);
    expect(entries.length).toBeGreaterThan(10);
  });

  it("says something about every entry", () => {
    const rows = ["faults", "close-reasons", "limits"].flatMap((name) => page(name).split("\n").filter((line) => line.startsWith("| `")));
    expect(rows.filter((row) => /\|\s*\|$/.test(row))).toEqual([]);
    expect(rows.length).toBeGreaterThan(100);
  });

  it("has no fault that nothing raises", () => {
    const others = sourcesIn("runtime").filter(({ path: file }) => !/^runtime\/fault[./]/.test(file)).map(({ text }) => text).join("\n");
    // Policies put some codes together from their last part.
    const isRaised = (code: string): boolean => others.includes(code) || others.includes(`"${code.split(".").at(-1) ?? ""}"`);
    expect(Object.keys(faults).filter((code) => !isRaised(code))).toEqual([]);
    expect(isRaised("protocol.http.Nothing")).toBe(false);
  });

  it("lists every limit that gateway.yaml can set beside the bound that it sets", () => {
    const schema: unknown = JSON.parse(readFileSync(path.join(root, "schema/gateway.schema.json"), "utf8"));
    const keys = Object.keys(Object(Reflect.get(Object(Reflect.get(Object(Reflect.get(Object(schema), "properties")), "limits")), "properties")));
    expect(keys.length).toBeGreaterThan(10);
    expect(keys.filter((key) => !page("limits").includes(`| \`${key}\` |`))).toEqual([]);
  });
});
