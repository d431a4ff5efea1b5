/** One generated file while it is being written: its imports, constants, functions. module.ts turns it into text. */
import { code, identifier, type Code } from "./code.ts";
import { optimisationsWithout, type Optimisations } from "../optimisations.ts";
import { Names } from "./names.ts";
import { symbols, type RuntimeSymbol } from "./symbols.ts";

/** A function of a generated file. */
export interface EmittedFunction {
  readonly name: string;
  readonly doc: string | null;
  readonly isExported: boolean;
  readonly parameters: readonly { readonly name: string; readonly type: string }[];
  readonly returns: string;
  readonly statements: readonly Code[];
}

export interface EmittedClass {
  readonly name: string;
  readonly doc: string;
  readonly base: string;
  readonly fields: readonly { readonly name: string; readonly type: string; readonly value: Code; readonly doc: string }[];
}

export interface EmittedConstant {
  readonly name: string;
  readonly type: string | null;
  readonly value: Code;
  readonly doc: string | null;
  readonly isExported: boolean;
}

/** Collects a file's parts; equal constants become one. */
export class FileWriter {
  /** Path below the program's root: `proxies/chat.ts`. */
  readonly path: string;
  readonly header: string;
  readonly optimisations: Optimisations;
  readonly names: Names;
  readonly functions: EmittedFunction[] = [];
  readonly classes: EmittedClass[] = [];
  readonly constants: EmittedConstant[] = [];
  readonly #imports = new Map<string, { values: Map<string, string>; types: Set<string> }>();
  readonly #shared = new Map<string, Code>();
  readonly #locals = new Map<string, string>();
  readonly #sharedFunctions = new Map<string, string>();

  constructor(path: string, header: string, optimisations: Optimisations = optimisationsWithout()) {
    this.path = path;
    this.header = header;
    this.optimisations = optimisations;
    this.names = new Names(Object.keys(symbols));
  }

  /**
   * Modules with the names taken from them, sorted. What was asked for and then left out of the code is not among them.
   */
  get imports(): { from: string; values: { name: string; local: string }[]; types: string[] }[] {
    const used = this.#words();
    return [...this.#imports]
      .map(([from, { values, types }]) => ({
        from,
        values: [...values]
          .map(([name, local]) => ({ name, local }))
          .filter(({ local }) => used.has(local))
          .sort((a, b) => (a.name < b.name ? -1 : 1)),
        types: [...types].filter((name) => used.has(name) && !values.has(name)).sort(),
      }))
      .filter(({ values, types }) => values.length + types.length > 0)
      .sort((a, b) => (a.from < b.from ? -1 : 1));
  }

  /** Every word of the code outside its strings. */
  #words(): ReadonlySet<string> {
    const texts = [
      ...this.functions.flatMap(({ statements, parameters, returns }) => [
        returns,
        ...parameters.map(({ type }) => type),
        ...statements.map(({ text }) => text),
      ]),
      ...this.classes.flatMap(({ base, fields }) => [base, ...fields.flatMap(({ type, value }) => [type, value.text])]),
      ...this.constants.flatMap(({ type, value }) => [type ?? "", value.text]),
    ];
    return new Set(texts.flatMap((text) => text.replace(/"(?:[^"\\]|\\.)*"|\/\/.*/g, " ").match(/[A-Za-z_$][\w$]*/g) ?? []));
  }

  /** A helper of the runtime, imported because it is used. */
  symbol(name: RuntimeSymbol): Code {
    this.import(`#runtime/${symbols[name]}`, name, "value");
    return identifier(name);
  }

  /** A type of the runtime. */
  type(module: string, name: string): string {
    this.import(`#runtime/${module}`, name, "type");
    return name;
  }

  import(from: string, name: string, kind: "value" | "type"): Code {
    const entry = this.#entry(from);
    if (kind === "value") entry.values.set(name, name);
    else entry.types.add(name);
    return identifier(name);
  }

  /** A value whose name was made from the user's: under another one where this file uses that name itself. */
  importUnique(from: string, name: string): Code {
    const { values } = this.#entry(from);
    const local = values.get(name) ?? this.names.claim(name);
    values.set(name, local);
    return identifier(local);
  }

  #entry(from: string): { values: Map<string, string>; types: Set<string> } {
    const entry = this.#imports.get(from) ?? { values: new Map<string, string>(), types: new Set<string>() };
    this.#imports.set(from, entry);
    return entry;
  }

  /** Adds a function, or finds the one of the same kind that has the same statements: the twins share what they can. */
  function(kind: string, declared: () => EmittedFunction, statements: readonly Code[]): string {
    const key = `${kind}:${statements.map((statement) => statement.text).join("\n")}`;
    const existing = this.optimisations.has("merge-functions") ? this.#sharedFunctions.get(key) : undefined;
    if (existing !== undefined) return existing;
    const made = declared();
    this.#sharedFunctions.set(key, made.name);
    this.functions.push(made);
    return made.name;
  }

  /**
   * A name inside of functions: one for equal values, so that equal functions stay equal. `others` tells the names of
   * one value in one function apart.
   */
  local(hint: string, value: Code, others: number): string {
    const key = `${String(others)}:${value.text}`;
    const existing = this.#locals.get(key);
    if (existing !== undefined) return existing;
    const name = this.names.camel(hint);
    this.#locals.set(key, name);
    return name;
  }

  /** A regular expression: a constant, or written where it is used. */
  matcher(hint: string, expression: Code): Code {
    return this.optimisations.has("share-matchers") ? this.constant(hint, expression) : expression;
  }

  /** A constant at the top of the file; equal values share one. */
  constant(hint: string, value: Code, type: string | null = null): Code {
    const key = `${type ?? ""}:${value.text}`;
    const existing = this.#shared.get(key);
    if (existing !== undefined) return existing;
    const name = this.names.constant(hint);
    this.constants.push({ name, type, value, doc: null, isExported: false });
    const reference = code`${identifier(name)}`;
    this.#shared.set(key, reference);
    return reference;
  }
}
