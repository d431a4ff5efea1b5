/** The project's own source files with what they import, for the tests that hold the rules of ARCHITECTURE.md. */
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { ts } from "ts-morph";

/** The repository. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** One `import`, `export ... from` or `import()`. */
export interface Import {
  /** As written. */
  readonly from: string;
  /** Path in the repository, or the package's name, or `node:...`. */
  readonly to: string;
  /** True when nothing of it is left at run time. */
  readonly typeOnly: boolean;
  /** What is imported, by the names that the other file gives; `*`: everything. */
  readonly names: readonly string[];
  readonly line: number;
}

/** A source file. */
export interface Source {
  /** Path in the repository with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
  readonly imports: readonly Import[];
}

const GENERATED = /\.generated\.(js|d\.ts)$/;

/** The files below folders, in path order; generated ones are left out. */
export function sourcesIn(...folders: readonly string[]): readonly Source[] {
  return folders.flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(tsx?|js|mjs)$/.test(entry.name) && !GENERATED.test(entry.name))
      .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).replaceAll("\\", "/"))
      .filter((file) => !/(^|\/)(node_modules|expected|bundle|gateway|\.tmp)\//.test(file))
      .sort()
      .map((file) => parseSource(file, readFileSync(path.join(root, file), "utf8"))),
  );
}

/** A file with its imports; the text need not lie on the disk. */
export function parseSource(file: string, text: string): Source {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const imports: Import[] = [];
  const add = (specifier: ts.Node | undefined, typeOnly: boolean, names: readonly string[]): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    const line = tree.getLineAndCharacterOfPosition(specifier.getStart()).line + 1;
    imports.push({ from: specifier.text, to: destination(file, specifier.text), typeOnly, names, line });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, isTypeOnly(node.importClause), importedNames(node.importClause));
    } else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly, boundNames(node.exportClause));
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, true, [node.qualifier?.getText(tree) ?? "*"]);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false, ["*"]);
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return { path: file, text, tree, imports };
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.isTypeOnly) return true;
  const { namedBindings } = clause;
  if (clause.name !== undefined || namedBindings === undefined || !ts.isNamedImports(namedBindings)) return false;
  return namedBindings.elements.length > 0 && namedBindings.elements.every((element) => element.isTypeOnly);
}

function importedNames(clause: ts.ImportClause | undefined): readonly string[] {
  if (clause === undefined) return [];
  const named = clause.namedBindings === undefined ? [] : boundNames(clause.namedBindings);
  return clause.name === undefined ? named : ["default", ...named];
}

function boundNames(bindings: ts.NamedImportBindings | ts.NamedExportBindings | undefined): readonly string[] {
  if (bindings === undefined || ts.isNamespaceImport(bindings) || ts.isNamespaceExport(bindings)) return ["*"];
  return bindings.elements.map(({ name, propertyName }) => (propertyName ?? name).text);
}

function destination(file: string, from: string): string {
  if (from.startsWith(".")) return path.posix.join(path.posix.dirname(file), from);
  if (from.startsWith("#")) return from.slice(1);
  if (from.startsWith("node:")) return from;
  return from.split("/").slice(0, from.startsWith("@") ? 2 : 1).join("/");
}

/** `file:line` of a node. */
export function placeOf(source: Source, node: ts.Node): string {
  return `${source.path}:${source.tree.getLineAndCharacterOfPosition(node.getStart(source.tree)).line + 1}`;
}

/** Every node of a file. */
export function* nodesOf(source: Source): Generator<ts.Node> {
  const stack: ts.Node[] = [source.tree];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    yield node;
    node.forEachChild((child) => void stack.push(child));
  }
}
