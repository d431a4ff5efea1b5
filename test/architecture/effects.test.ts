/**
 * Loading a module of runtime/ does nothing (invariant I7): bundled for its own sake, with nothing used of it, nothing of it
 * is left. That is what lets an artifact hold only what its bundle uses.
 */
import path from "node:path";
import { build } from "esbuild";
import { ts } from "ts-morph";
import { describe, expect, it } from "vitest";
import { root, sourcesIn } from "./sources.ts";

/** What esbuild keeps of modules that are imported and not used, by path. */
async function leftovers(files: readonly string[], texts: ReadonlyMap<string, string> = new Map()): Promise<Record<string, string>> {
  const entries = new Map(files.map((file) => [file, `import ${JSON.stringify(`subject:${file}`)};`]));
  const { outputFiles } = await build({
    entryPoints: files.map((file) => ({ in: `entry:${file}`, out: file.replaceAll("/", "__") })),
    outdir: "out",
    write: false,
    bundle: true,
    treeShaking: true,
    format: "esm",
    platform: "node",
    minifySyntax: true,
    logLevel: "silent",
    tsconfigRaw: {},
    plugins: [
      {
        name: "unused",
        setup(builder) {
          builder.onResolve({ filter: /^entry:/ }, ({ path: from }) => ({ path: from.slice("entry:".length), namespace: "entry" }));
          builder.onLoad({ filter: /.*/, namespace: "entry" }, ({ path: file }) => ({ contents: entries.get(file) ?? "", resolveDir: root }));
          // package.json says "sideEffects": false, which would drop a bare import unseen.
          builder.onResolve({ filter: /^subject:/ }, ({ path: from }) => {
            const file = from.slice("subject:".length);
            return texts.has(file) ? { path: file, namespace: "text", sideEffects: true } : { path: path.join(root, file), sideEffects: true };
          });
          builder.onLoad({ filter: /.*/, namespace: "text" }, ({ path: file }) => ({ contents: texts.get(file) ?? "", loader: "ts", resolveDir: root }));
          // ioredis and xmldom are no ES modules, so that they stay when they are imported: only those import them that
          // need them, the one store and the one function.
          builder.onResolve({ filter: /^(node:|ioredis$|@xmldom\/xmldom$)/ }, ({ path: from }) => ({ path: from, external: true, sideEffects: false }));
        },
      },
    ],
  });
  const kept = outputFiles.map(({ path: file, text }) => {
    const name = path.basename(file, ".js").replaceAll("__", "/");
    return [name, active(text)] as const;
  });
  return Object.fromEntries(kept.filter(([, text]) => text !== ""));
}

/** Statements that do something when they are loaded. Arithmetic on constants, which esbuild keeps, does nothing. */
function active(text: string): string {
  const tree = ts.createSourceFile("kept.js", text, ts.ScriptTarget.Latest, true);
  const acts = (node: ts.Node): boolean => {
    if (ts.isFunctionLike(node) || ts.isImportDeclaration(node)) return false;
    const isPure = text.slice(node.getFullStart(), node.getStart(tree)).includes("@__PURE__");
    if (isPure && (ts.isCallExpression(node) || ts.isNewExpression(node))) return (node.arguments ?? []).some(acts);
    if (ts.isPropertyAccessExpression(node) && node.name.text !== "length") return true;
    if (ts.isCallExpression(node) || ts.isNewExpression(node) || ts.isTaggedTemplateExpression(node)) return true;
    return ts.forEachChild(node, (child) => acts(child) || undefined) ?? false;
  };
  return tree.statements.filter(acts).map((statement) => statement.getText().slice(0, 120)).join("\n");
}

describe("loading a module of runtime/", () => {
  it("does nothing", async () => {
    const files = sourcesIn("runtime").map((source) => source.path);
    expect(files.length).toBeGreaterThan(100);
    expect(await leftovers(files)).toEqual({});
  });

  it("would be noticed", async () => {
    const texts = new Map([
      ["map.ts", "export const seen = new Map<string, number>([['a', Date.now()]]);"],
      ["timer.ts", "setInterval(() => {}, 5);"],
      ["environment.ts", "export const port = process.env.PORT;"],
      ["pure.ts", "export const limit = 5; export function f(): number { return limit; }"],
    ]);
    expect(Object.keys(await leftovers([...texts.keys()], texts)).sort()).toEqual(["environment", "map", "timer"].map((name) => `${name}.ts`));
  });
});
