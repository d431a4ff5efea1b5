/** Who may import whom: the invariants I1 to I7 and I10 of ARCHITECTURE.md. */
import { describe, expect, it } from "vitest";
import { ts } from "ts-morph";
import { nodesOf, parseSource, placeOf, sourcesIn, type Import, type Source } from "./sources.ts";

const runtime = sourcesIn("runtime");
const compiler = sourcesIn("compiler");
const templates = sourcesIn("templates");
const page = sourcesIn("page");
const everything = [...runtime, ...compiler, ...templates, ...page, ...sourcesIn("scripts", "bench", "examples", "test")];

/** A rule: what is wrong with an import, or null. */
type Rule = (file: string, imported: Import) => string | null;

function violations(sources: readonly Source[], rule: Rule): string[] {
  return sources.flatMap((source) =>
    source.imports.flatMap((imported) => {
      const problem = rule(source.path, imported);
      return problem === null ? [] : [`${source.path}:${imported.line}: ${problem} (${imported.from})`];
    }),
  );
}

const isPackage = (to: string): boolean => !to.startsWith("node:") && !/^(runtime|compiler|templates|schema|page|test|scripts|bench|examples|package\.json)(\/|$)/.test(to);

const sqliteFiles = ["runtime/state/embedded.ts", "runtime/state/analytics-file.ts", "runtime/state/live-notes.ts"];

/** I1. */
const ofRuntime: Rule = (file, { to }) => {
  if (to === "node:sqlite") return file === "runtime/state/sqlite.ts" ? null : "runtime/state/sqlite.ts is the door to sqlite";
  // Two files are kept, each by one class: what else wants to remember something goes through the store.
  if (to === "runtime/state/sqlite.ts") return sqliteFiles.includes(file) ? null : "another file belongs to the store or to analytics";
  if (to.startsWith("node:") || to.startsWith("runtime/")) return null;
  if (to === "ioredis") return file === "runtime/state/redis-connection.ts" ? null : "the store's connection is the door to ioredis";
  if (to === "@xmldom/xmldom") return file === "runtime/template/xml-document.ts" ? null : "xml-document.ts is the door to xmldom";
  if (to === "jose") return file.startsWith("runtime/token/") ? null : "jose belongs to runtime/token/";
  return "runtime/ imports node:* and itself";
};

/** I1, the other way round: what runs in a browser and what runs in a gateway have no file in common. */
const ofPage: Rule = (file, { to }) => {
  if (to.startsWith("page/") || to === "preact") return null;
  if (to === "uplot") return file === "page/parts/chart.tsx" ? null : "chart.tsx is the door to uplot";
  return "page/ imports preact and itself";
};

/** I2. */
const ofCompiler: Rule = (_, { to, typeOnly }) => {
  if (!to.startsWith("runtime/") || typeOnly) return null;
  const values = ["runtime/upgrade/close-reason.ts", "runtime/fault.ts", "runtime/limits.ts"];
  return /^runtime\/(language|fault)\//.test(to) || values.includes(to) ? null : "the compiler imports this as a value";
};

/** I3. */
const ofSchemas: Rule = (file, { to, typeOnly }) => {
  const isData = to.startsWith("schema/") || (to.startsWith("templates/") && !file.startsWith("templates/"));
  return isData && !typeOnly ? "data is read, not imported" : null;
};

/** I4: library -> files below which it may be imported. */
const doors: Readonly<Record<string, readonly string[]>> = {
  yaml: ["compiler/1-parse/"],
  "ts-morph": ["compiler/5-emit/module.ts"],
  esbuild: ["compiler/6-bundle/", "scripts/build-validators.ts", "scripts/build-page.ts"],
  recheck: ["compiler/expression/regex-safety.ts"],
  "recheck-jar": [],
  commander: ["compiler/cli.ts", "compiler/cli/"],
  ajv: ["scripts/build-validators.ts"],
  jose: ["runtime/token/"],
  "@xmldom/xmldom": ["runtime/template/xml-document.ts", "scripts/xml-texts.ts"],
  ioredis: ["runtime/state/redis-connection.ts"],
  ws: ["examples/", "bench/"],
  preact: ["page/"],
  uplot: ["page/parts/chart.tsx"],
};
const ofLibraries: Rule = (file, { to }) => {
  if (!isPackage(to) || /^(test|bench)\//.test(file)) return null;
  const allowed = doors[to];
  if (allowed === undefined) return "a library without a door";
  return allowed.some((door) => file.startsWith(door)) ? null : `another file is the door to ${to}`;
};

/** I5. */
const phase = (file: string): string | null => /^compiler\/(\d-[a-z]+)\//.exec(file)?.[1] ?? null;
const ofPhases: Rule = (file, { to, typeOnly }) => {
  const own = phase(file);
  const other = phase(to);
  if (other === null || other === own) return null;
  if (own !== null) return "a phase imports another";
  if (file.startsWith("compiler/policies/")) return typeOnly || to === "compiler/5-emit/code.ts" ? null : "policies use code.ts only";
  const isAbove = ["compiler/compile.ts", "compiler/print.ts"].includes(file) || file.startsWith("compiler/cli") || file.startsWith("test/");
  const isType = typeOnly && /^compiler\/(ir|diagnostics|source)\//.test(file);
  return isAbove || isType || !file.startsWith("compiler/") ? null : "only compile.ts and the commands import phases";
};

/** I6. */
const policy = (file: string): string | null => /^(runtime|compiler)\/policies\/([a-z0-9-]+)\.ts$/.exec(file)?.[2] ?? null;
const sharedFiles = ["definition", "index"];
const ofPolicies: Rule = (file, { to, typeOnly }) => {
  const own = policy(file);
  const other = policy(to);
  if (own === null || other === null || own === other || own === "index" || sharedFiles.includes(other)) return null;
  // A policy too long for one file has further ones that begin with its name.
  const family = other.startsWith(`${own}-`) || own.startsWith(`${other}-`);
  return family || typeOnly ? null : "a policy imports another";
};

/** I10. */
const ofSessions: Rule = (file, { to }) => (file.startsWith("runtime/upgrade/") && to.startsWith("runtime/policies/") ? "no policy runs after the 101" : null);

describe("imports", () => {
  const rules: readonly [title: string, sources: readonly Source[], rule: Rule][] = [
    ["runtime/ imports node:* and itself, and its libraries at their doors", runtime, ofRuntime],
    ["page/ imports preact and itself", page, ofPage],
    ["compiler/ imports of runtime/ types, and few values", compiler, ofCompiler],
    ["schema/ and templates/ are imported by nobody", everything, ofSchemas],
    ["each library has one door", [...compiler, ...runtime, ...templates, ...page, ...sourcesIn("scripts", "examples")], ofLibraries],
    ["phases import no other phase", everything, ofPhases],
    ["policies import no other policy", [...compiler, ...runtime], ofPolicies],
    ["sessions know no policies", runtime, ofSessions],
  ];

  it.each(rules)("%s", (_, sources, rule) => {
    expect(sources.length).toBeGreaterThan(0);
    expect(violations(sources, rule)).toEqual([]);
  });

  const broken: readonly [file: string, text: string, rule: Rule][] = [
    ["runtime/a.ts", 'import yaml from "yaml";', ofRuntime],
    ["runtime/a.ts", 'import { DatabaseSync } from "node:sqlite";', ofRuntime],
    ["runtime/state/embedded.ts", 'import type { DatabaseSync } from "node:sqlite";', ofRuntime],
    ["runtime/observe/analytics.ts", 'import { openDatabase } from "../state/sqlite.ts";', ofRuntime],
    ["runtime/state/redis.ts", 'import { Redis } from "ioredis";', ofRuntime],
    ["runtime/policies/a.ts", 'const jose = await import("jose");', ofRuntime],
    ["runtime/a.ts", 'import type { Plan } from "#compiler/ir/plan.ts";', ofRuntime],
    ["page/a.tsx", 'import { duration } from "../runtime/clock.ts";', ofPage],
    ["page/a.tsx", 'import uPlot from "uplot";', ofPage],
    ["runtime/side/a.ts", 'import { h } from "preact";', ofRuntime],
    ["runtime/side/a.ts", 'import { x } from "../../page/format.ts";', ofRuntime],
    ["compiler/4-analyze/a.ts", 'import { type Exchange, andThen } from "#runtime/maybe.ts";', ofCompiler],
    ["compiler/4-analyze/a.ts", 'import "#runtime/maybe.ts";', ofCompiler],
    ["compiler/4-analyze/a.ts", 'import schema from "../../schema/proxy.schema.json";', ofSchemas],
    ["compiler/4-analyze/a.ts", 'import { parse } from "yaml";', ofLibraries],
    ["compiler/4-analyze/a.ts", 'import { x } from "left-pad";', ofLibraries],
    ["compiler/4-analyze/a.ts", 'import { known } from "../3-resolve/names.ts";', ofPhases],
    ["compiler/4-analyze/a.ts", 'import type { Names } from "../5-emit/names.ts";', ofPhases],
    ["compiler/measure.ts", 'export { known } from "./3-resolve/names.ts";', ofPhases],
    ["compiler/policies/a.ts", 'import { FileWriter } from "../5-emit/file.ts";', ofPhases],
    ["compiler/policies/a.ts", 'import { b } from "./b.ts";', ofPolicies],
    ["runtime/policies/a.ts", 'import { b } from "./b.ts";', ofPolicies],
    ["runtime/upgrade/a.ts", 'import { b } from "../policies/b.ts";', ofSessions],
  ];

  it.each(broken)("a rule is broken by %s with %s", (file, text, rule) => {
    expect(violations([parseSource(file, text)], rule).length).toBe(1);
  });

  it("schema/ holds no code", () => {
    expect(sourcesIn("schema").map((source) => source.path)).toEqual([]);
  });
});

/** I7: a file that only passes on what others export. */
function isBarrel({ tree }: Source): boolean {
  const statements = tree.statements.filter((statement) => !ts.isImportDeclaration(statement));
  return statements.length > 0 && statements.every((statement) => ts.isExportDeclaration(statement));
}

/** A runtime helper that is looked up by a name: `import *` and then `[name]`. */
function dynamicLookups(source: Source): string[] {
  const namespaces = new Set<string>();
  for (const node of nodesOf(source)) if (ts.isNamespaceImport(node)) namespaces.add(node.name.text);
  const found: string[] = [];
  for (const node of nodesOf(source)) {
    if (ts.isElementAccessExpression(node) && namespaces.has(node.expression.getText(source.tree))) found.push(placeOf(source, node));
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword && !ts.isStringLiteralLike(node.arguments[0] ?? node)) {
      found.push(placeOf(source, node));
    }
  }
  return found;
}

describe("runtime/ is linked file by file", () => {
  it("has no barrels", () => {
    expect(runtime.filter(isBarrel).map((source) => source.path)).toEqual([]);
    expect(isBarrel(parseSource("a.ts", 'import { x } from "./x.ts";\nexport { x };\nexport * from "./b.ts";'))).toBe(true);
  });

  it("looks no helper up by name", () => {
    expect(runtime.flatMap(dynamicLookups)).toEqual([]);
    const control = parseSource("a.ts", 'import * as b from "./b.ts";\nconst c = b[name];\nawait import(name);');
    expect(dynamicLookups(control).length).toBe(2);
  });
});
