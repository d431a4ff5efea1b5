/**
 * The door to ts-morph: builds the text of a generated file with one `structures` call. Nodes are never added one at a
 * time, which would take quadratic time.
 */
import { IndentationText, Project, StructureKind } from "ts-morph";
import type { StatementStructures } from "ts-morph";
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
    const held = new HeldTexts(commentsOf(file));
    const source = this.#project.createSourceFile(`/${file.path}`, { statements: structures(file, held) });
    const text = held.putIn(source.getFullText().replace(/\n{3,}/g, "\n\n"));
    this.#project.removeSourceFile(source);
    // Not through ts-morph, which would parse the whole file once more for it.
    return `/** ${docText(file.header)} */\n${text}`;
  }
}

/**
 * Texts that ts-morph does not see: its writer keeps track of strings and comments by itself and loses count at a
 * string that ends with a backslash. Marks stand for them in the structures. A mark has a `$`, which names.ts never
 * makes, and occurs in none of the comments.
 */
class HeldTexts {
  readonly #texts: string[] = [];
  readonly #mark: string;

  constructor(comments: readonly string[]) {
    let mark = "$text";
    while (comments.some((comment) => comment.includes(mark))) mark += "_";
    this.#mark = mark;
  }

  /** Takes a text; the mark that stands for it. */
  hold(text: string): string {
    this.#texts.push(text);
    return `${this.#mark}${this.#texts.length - 1}$`;
  }

  /** Puts every text where its mark stands; behind an indentation all its lines get it. */
  putIn(printed: string): string {
    const mark = this.#mark.replace("$", "\\$");
    const marks = new RegExp(`^( +)?${mark}(\\d+)\\$;?|${mark}(\\d+)\\$`, "gm");
    return printed.replace(marks, (_, indent: string | undefined, line?: string, part?: string) => {
      const text = this.#texts[Number(line ?? part)] ?? "";
      return line === undefined ? text : text.replace(/^(?=.)/gm, indent ?? "");
    });
  }
}

function commentsOf({ classes, constants, functions }: FileWriter): string[] {
  const docs = [...constants, ...functions].map(({ doc }) => doc ?? "");
  return [...docs, ...classes.flatMap(({ doc, fields }) => [doc, ...fields.map((field) => field.doc)])];
}

function structures(file: FileWriter, held: HeldTexts): (StatementStructures | string)[] {
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
    const value = held.hold(laidOut(constant.value.text));
    return `\n${doc}${constant.isExported ? "export " : ""}const ${constant.name}${type} = ${value};`;
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
      statements: body(declared.statements.map((statement) => statement.text), held),
    }),
  );
  return [...imports, ...classes, ...constants, ...functions];
}

/** Statement texts, each on its own line; what stands in brackets over several lines is indented. */
function body(statements: readonly string[], held: HeldTexts): string[] {
  return statements.length === 0 ? [] : [held.hold(statements.map(laidOut).join("\n"))];
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
