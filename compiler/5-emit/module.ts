/**
 * The door to ts-morph: builds the text of a generated file with one `structures` call. Nodes are never added one at a time,
 * which would take quadratic time.
 */
import { IndentationText, Project, StructureKind } from "ts-morph";
import type { StatementStructures, WriterFunction } from "ts-morph";
import { docText } from "./code.ts";
import type { FileWriter } from "./file.ts";

/** Turns files into TypeScript text, all in one ts-morph project that lives in memory. */
export class ModulePrinter {
  readonly #project = new Project({
    useInMemoryFileSystem: true,
    skipLoadingLibFiles: true,
    manipulationSettings: { indentationText: IndentationText.TwoSpaces, useTrailingCommas: true },
  });

  /** The text of one file. */
  print(file: FileWriter): string {
    const source = this.#project.createSourceFile(`/${file.path}`, { statements: structures(file) });
    const text = source.getFullText();
    this.#project.removeSourceFile(source);
    // Not through ts-morph, which would parse the whole file once more for it.
    return `/** ${docText(file.header)} */\n${text}`;
  }
}

function structures(file: FileWriter): (StatementStructures | string)[] {
  const imports = file.imports.map(({ from, values, types }): StatementStructures => {
    const isTypeOnly = values.length === 0;
    const named = [
      ...values.map(({ name, local }) => ({ name, isTypeOnly: false, ...(local === name ? {} : { alias: local }) })),
      ...types.map((name) => ({ name, isTypeOnly: !isTypeOnly })),
    ];
    return { kind: StructureKind.ImportDeclaration, moduleSpecifier: from, namedImports: named, isTypeOnly };
  });
  // As text: a structure's initializer would be indented twice.
  const constants = file.constants.map((constant): string => {
    const doc = constant.doc === null ? "" : `/** ${docText(constant.doc)} */\n`;
    const type = constant.type === null ? "" : `: ${constant.type}`;
    return `\n${doc}${constant.isExported ? "export " : ""}const ${constant.name}${type} = ${laidOut(constant.value.text)};`;
  });
  const classes = file.classes.map(
    (declared): StatementStructures => ({
      kind: StructureKind.Class,
      name: declared.name,
      extends: declared.base,
      docs: [docText(declared.doc)],
      properties: declared.fields.map(({ name, type, value, doc }) => ({
        name,
        type,
        initializer: value.text,
        ...(doc === "" ? {} : { docs: [docText(doc)] }),
      })),
    }),
  );
  const functions = file.functions.map(
    (declared): StatementStructures => ({
      kind: StructureKind.Function,
      name: declared.name,
      isExported: declared.isExported,
      ...(declared.doc === null ? {} : { docs: [docText(declared.doc)] }),
      parameters: declared.parameters.map((parameter) => ({ ...parameter })),
      returnType: declared.returns,
      statements: lines(declared.statements.map((statement) => statement.text)),
    }),
  );
  return [...imports, ...classes, ...constants, ...functions];
}

/** Statement texts, each on its own line; what stands in brackets over several lines is indented. */
function lines(statements: readonly string[]): WriterFunction {
  return (writer) => {
    for (const statement of statements) writer.writeLine(laidOut(statement));
  };
}

/** Indents the lines between a bracket that ends a line and the one that begins a line. */
function laidOut(text: string): string {
  let depth = 0;
  return text
    .split("\n")
    .map((line) => {
      if (/^[}\])]/.test(line)) depth = Math.max(0, depth - 1);
      const indented = line === "" ? "" : "  ".repeat(depth) + line;
      if (/[{[(]$/.test(line) && !line.startsWith("//")) depth++;
      return indented;
    })
    .join("\n");
}
