/** What a file exports, another one of the product imports: what only tests use is no part of it. */
import { expect, it } from "vitest";
import { ts } from "ts-morph";
import { nodesOf, parseSource, sourcesIn, type Source } from "./sources.ts";

const exporting = sourcesIn("runtime", "compiler", "page", "scripts");
const product = [...exporting, ...sourcesIn("templates", "examples", "bench")];
const tests = sourcesIn("test");

/** An exported name, and whether it is the name of a type; a class is one too. */
interface Exported {
  readonly name: string;
  readonly isType: boolean;
}

function exportsOf({ tree }: Source): readonly Exported[] {
  return tree.statements.flatMap((statement): readonly Exported[] => {
    if (ts.isExportDeclaration(statement)) {
      if (statement.exportClause === undefined || !ts.isNamedExports(statement.exportClause)) return [];
      return statement.exportClause.elements.map(({ name }) => ({ name: name.text, isType: statement.isTypeOnly }));
    }
    if (!ts.canHaveModifiers(statement)) return [];
    if (ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) !== true) return [];
    if (ts.isVariableStatement(statement)) {
      const names = statement.declarationList.declarations.map(({ name }) => name);
      return names.filter(ts.isIdentifier).map(({ text }) => ({ name: text, isType: false }));
    }
    const isInterface = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
    const isType = isInterface || ts.isClassDeclaration(statement);
    const isNamed = isType || ts.isFunctionDeclaration(statement);
    return isNamed && statement.name !== undefined ? [{ name: statement.name.text, isType }] : [];
  });
}

/** `file#name` of everything that sources import; `file#*` where the whole file is meant. */
function importedBy(sources: readonly Source[]): ReadonlySet<string> {
  const imports = sources.flatMap((source) => source.imports);
  return new Set(imports.flatMap(({ to, names }) => names.map((name) => `${to}#${name}`)));
}

/** What generated code may import: the table of compiler/5-emit/symbols.ts. */
function emitted(symbols: Source): ReadonlySet<string> {
  const found = new Set<string>();
  for (const node of nodesOf(symbols)) {
    if (!ts.isCallExpression(node) || node.arguments.length !== 2) continue;
    const [file, names] = node.arguments;
    if (file === undefined || !ts.isStringLiteral(file)) continue;
    if (names === undefined || !ts.isArrayLiteralExpression(names)) continue;
    for (const name of names.elements) if (ts.isStringLiteral(name)) found.add(`runtime/${file.text}#${name.text}`);
  }
  return found;
}

/** True when the file names it beside its declaration. */
const isUsedWithin = ({ text }: Source, name: string): boolean => [...text.matchAll(/\w+/g)].filter(([word]) => word === name).length > 1;

/** Exports of one file that nothing needs. */
function needless(source: Source, byProduct: ReadonlySet<string>, byTests: ReadonlySet<string>): string[] {
  if (byProduct.has(`${source.path}#*`)) return [];
  return exportsOf(source).flatMap(({ name, isType }) => {
    const at = `${source.path}#${name}`;
    if (byProduct.has(at)) return [];
    // A type may name what an exported function takes; a bound or a step of the work may be tested where it lies.
    return (isType || byTests.has(at)) && isUsedWithin(source, name) ? [] : [at];
  });
}

it("everything that is exported is needed by the product", () => {
  const symbols = exporting.find(({ path }) => path === "compiler/5-emit/symbols.ts");
  if (symbols === undefined) throw new Error("symbols.ts is elsewhere");
  const helpers = emitted(symbols);
  expect(helpers).toContain("runtime/flow/chain.ts#takeRoute");
  // symbols.ts imports namespaces for their types alone; what it lists is what is used.
  const byProduct = new Set([...importedBy(product.filter((source) => source !== symbols)), ...helpers]);
  const byTests = importedBy(tests);
  expect(exporting.flatMap((source) => needless(source, byProduct, byTests))).toEqual([]);
});

it("everything that helpers of tests export is needed by another file", () => {
  const helpers = sourcesIn("test", "bench", "examples");
  const byAll = importedBy([...exporting, ...helpers]);
  expect(helpers.flatMap((source) => needless(source, byAll, new Set()))).toEqual([]);
});

it("an export that only tests import is found", () => {
  const text = "export const a = 1, b = a;\nexport function c(): void {}\nexport interface D {}\nexport const e = b;";
  const byProduct = importedBy([parseSource("runtime/y.ts", 'import { e } from "./x.ts";')]);
  const byTests = importedBy([parseSource("test/y.test.ts", 'import { a, b as d, c } from "#runtime/x.ts";')]);
  const source = parseSource("runtime/x.ts", text);
  expect(needless(source, byProduct, byTests)).toEqual(["runtime/x.ts#c", "runtime/x.ts#D"]);
  expect(needless(source, byProduct, new Set())).toContain("runtime/x.ts#b");
  const whole = importedBy([parseSource("runtime/y.ts", 'await import("./x.ts");')]);
  expect(needless(source, whole, new Set())).toEqual([]);
});
