/**
 * The door to the yaml package: text -> plain values with positions, in the subset of YAML 1.2 that a project may
 * use. Tags, anchors, aliases, merge keys and unsafe keys are refused here. It never throws for what a file holds.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  parseAllDocuments,
  visit,
  type Document,
  type ParsedNode,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import type { Scalar } from "yaml";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { PlainMap } from "../ir/syntax.ts";
import type { EntryPlace, PositionIndex, ScalarStyle } from "../source/position-index.ts";
import type { SourceFile } from "../source/source-file.ts";
import { syntaxProblem } from "./syntax-problem.ts";
import type { Comment } from "./waivers.ts";

/** How deep values may stand inside each other; the deepest valid document needs about a dozen. */
const DEPTH_MAX = 40;

const unsafeKeys = ["__proto__", "constructor", "prototype"];

/** One document: its value when it is a map and nothing in it was refused, and where it begins. */
export interface YamlDocument {
  readonly value: PlainMap | null;
  readonly start: number;
}

/** Parses all documents of a file. Empty when a syntax error was reported. */
export function parseYaml(file: SourceFile, positions: PositionIndex, diagnostics: Diagnostics): YamlDocument[] {
  const tooDeep = flowDepthExcess(file.text);
  if (tooDeep !== null) {
    diagnostics.report("AGW1018", { file, start: tooDeep, end: tooDeep + 1 }, { limit: DEPTH_MAX });
    return [];
  }
  let documents: Document.Parsed[];
  try {
    const parsed = parseAllDocuments(file.text, {
      version: "1.2",
      schema: "core",
      merge: false,
      uniqueKeys: false,
      prettyErrors: false,
    });
    documents = "empty" in parsed ? [] : parsed;
  } catch {
    diagnostics.report("AGW1018", { file, start: 0, end: 0 }, { limit: DEPTH_MAX });
    return [];
  }
  if (reportSyntax(file, documents, diagnostics)) return [];
  const held = documents.filter((document, at) => at === 0 || !isEmpty(document.contents));
  const reader = new DocumentReader(file, positions, diagnostics);
  const found = held.map((document) => reader.read(document));
  return found.length > 0 ? found : [reader.empty()];
}

/** The comments of a file that is valid YAML, for waivers. */
export function commentsOf(file: SourceFile): Comment[] {
  const comments: Comment[] = [];
  let offset = 0;
  let scalarNext = false;
  for (const lexeme of new Lexer().lex(file.text)) {
    const isControl = ["\u0002", "\u0018", "\u001f"].includes(lexeme);
    if (lexeme.startsWith("#") && !scalarNext) comments.push({ text: lexeme, offset });
    scalarNext = lexeme === "\u001f";
    if (!isControl) offset += lexeme.length;
  }
  return comments;
}

/** Reports the first syntax error; the others are mostly its echo. */
function reportSyntax(file: SourceFile, documents: readonly Document.Parsed[], diagnostics: Diagnostics): boolean {
  const errors = documents.flatMap((document) => [...document.errors, ...directiveProblems(document)]);
  const [first] = errors.sort((a, b) => a.pos[0] - b.pos[0]);
  if (first === undefined) return false;
  const span = { file, start: first.pos[0], end: Math.max(first.pos[1], first.pos[0] + 1) };
  const text = file.text.slice(span.start, span.end);
  if (first.code === "TAG_RESOLVE_FAILED" || first.code === "MULTIPLE_TAGS") {
    diagnostics.report("AGW1008", span, { tag: text });
  } else if (first.code === "ALIAS_PROPS" || first.code === "MULTIPLE_ANCHORS") {
    diagnostics.report("AGW1009", span, { what: "anchor", name: text.replace(/^[&*]/, "") });
  } else if (first.code === "RESOURCE_EXHAUSTION") {
    diagnostics.report("AGW1018", span, { limit: DEPTH_MAX });
  } else {
    const widest = Math.max(...errors.filter((error) => error.pos[0] === span.start).map((error) => error.pos[1]));
    const { problem, help, at } = syntaxProblem(first.code, first.message, file.text.slice(span.start, widest));
    const start = at === "opening" ? openingQuote(documents, span.end) : span.start + (at ?? 0);
    diagnostics.report(
      "AGW1001",
      { file, start: start ?? span.start, end: Math.max(start ?? 0, span.end) },
      { problem },
      { help },
    );
  }
  return true;
}

/** Where the quoted text begins that ends at an offset. */
function openingQuote(documents: readonly Document.Parsed[], end: number): number | null {
  let start: number | null = null;
  for (const document of documents) {
    visit(document, {
      Scalar: (_, node) => {
        const isQuoted = node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE";
        if (isQuoted && node.range != null && node.range[1] >= end - 1) start = node.range[0];
      },
    });
  }
  return start;
}

/** Directives would switch to another YAML than ours. */
function directiveProblems(
  document: Document.Parsed,
): { code: "BAD_DIRECTIVE"; message: string; pos: [number, number] }[] {
  const { yaml, tags } = document.directives;
  if (yaml.explicit !== true && Object.keys(tags).length <= 1) return [];
  return [{ code: "BAD_DIRECTIVE", message: "", pos: [document.range[0], document.range[0] + 1] }];
}

/**
 * The offset at which brackets alone nest too deeply, else null: the library recurses, so this is looked at before. A
 * quoted bracket counts too, which only matters for texts with dozens of unclosed ones; those are left to the
 * library.
 */
function flowDepthExcess(text: string): number | null {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x5b || char === 0x7b) depth++;
    else if (char === 0x5d || char === 0x7d) depth = Math.max(0, depth - 1);
    if (depth > 1000) return at;
  }
  return null;
}

class DocumentReader {
  readonly #file: SourceFile;
  readonly #positions: PositionIndex;
  readonly #diagnostics: Diagnostics;

  constructor(file: SourceFile, positions: PositionIndex, diagnostics: Diagnostics) {
    this.#file = file;
    this.#positions = positions;
    this.#diagnostics = diagnostics;
  }

  empty(): YamlDocument {
    this.#diagnostics.report("AGW1017", this.#span([0, 0]), { found: "empty" });
    return { value: null, start: 0 };
  }

  read(document: Document.Parsed): YamlDocument {
    const { contents } = document;
    if (contents === null || isEmpty(contents)) return this.empty();
    const start = contents.range[0];
    const found = this.#diagnostics.all.length;
    const value = this.#value(contents, 0);
    // What was refused is missing in the value; validating it would only add its echo.
    if (this.#diagnostics.all.length > found) return { value: null, start };
    if (isPlainMap(value)) return { value, start };
    if (value !== undefined)
      this.#diagnostics.report("AGW1017", this.#span(contents.range), {
        found: isSeq(contents) ? "a list" : "a single value",
      });
    return { value: null, start };
  }

  /** The plain value of a node; undefined when the node was refused. */
  #value(node: ParsedNode | null, depth: number): unknown {
    if (node === null) return null;
    if (isAlias(node)) {
      this.#diagnostics.report(
        "AGW1009",
        this.#span(node.range),
        { what: "alias", name: node.source },
        { help: "put the text into quotes if it is one" },
      );
      return undefined;
    }
    if (this.#hasProperties(node)) return undefined;
    if (isScalar(node)) return node.value;
    if (depth >= DEPTH_MAX) {
      this.#diagnostics.report("AGW1018", this.#span(node.range), { limit: DEPTH_MAX });
      return undefined;
    }
    return isMap(node) ? this.#map(node, depth) : this.#list(node, depth);
  }

  #hasProperties(node: Scalar.Parsed | YAMLMap.Parsed | YAMLSeq.Parsed): boolean {
    const before = this.#file.text.slice(0, node.range[0]);
    if (node.tag !== undefined) {
      const written = /![^\s]*(?=(\s+&[^\s]*)?\s*$)/.exec(before)?.[0] ?? node.tag;
      const at = before.lastIndexOf(written);
      const range = at < 0 ? node.range : ([at, at + written.length] as const);
      this.#diagnostics.report("AGW1008", this.#span(range), { tag: written });
      return true;
    }
    if (node.anchor === undefined) return false;
    const at = before.lastIndexOf(`&${node.anchor}`);
    const range = at < 0 ? node.range : ([at, at + node.anchor.length + 1] as const);
    this.#diagnostics.report("AGW1009", this.#span(range), { what: "anchor", name: node.anchor });
    return true;
  }

  #map(node: YAMLMap.Parsed, depth: number): PlainMap {
    const map: Record<string, unknown> = {};
    const entries = new Map<string, EntryPlace>();
    for (const { key, value } of node.items) {
      const name = this.#key(key);
      if (name === null) continue;
      const first = entries.get(name);
      if (first?.key != null) {
        const related = [{ span: this.#span(first.key), message: "the first is here" }];
        this.#diagnostics.report("AGW1007", this.#span(key.range), { key: name }, { related });
        continue;
      }
      const keyRange = [key.range[0], key.range[1]] as const;
      entries.set(name, { key: keyRange, ...this.#place(value, keyRange[1]) });
      const plain = this.#value(value, depth + 1);
      if (plain !== undefined) map[name] = plain;
    }
    this.#positions.add(map, this.#file, [node.range[0], node.range[1]], entries);
    return map;
  }

  #list(node: YAMLSeq.Parsed, depth: number): unknown[] {
    const list: unknown[] = [];
    const entries = new Map<number, EntryPlace>();
    for (const item of node.items) {
      // `[a: b]` is a list of a single-pair map, which hardly anyone knows; the map is wanted.
      const plain = this.#value(item, depth + 1);
      if (plain === undefined) continue;
      entries.set(list.length, { key: null, ...this.#place(item, node.range[0]) });
      list.push(plain);
    }
    this.#positions.add(list, this.#file, [node.range[0], node.range[1]], entries);
    return list;
  }

  /** A key's text; null when it cannot be one. */
  #key(key: ParsedNode): string | null {
    if (isAlias(key) || !isScalar(key)) {
      const found = isAlias(key) ? "an alias" : isMap(key) ? "a map" : "a list";
      const help = isMap(key) ? "a template at the beginning of a value needs quotes" : null;
      this.#diagnostics.report("AGW1019", this.#span(key.range), { found }, { help });
      return null;
    }
    if (this.#hasProperties(key)) return null;
    const name = typeof key.value === "string" ? key.value : (key.source ?? "");
    if (key.value === null && name === "") {
      this.#diagnostics.report("AGW1019", this.#span(key.range), { found: "nothing" });
      return null;
    }
    if (name === "<<" && key.type === "PLAIN") {
      this.#diagnostics.report("AGW1010", this.#span(key.range), {});
      return null;
    }
    if (unsafeKeys.includes(name)) {
      this.#diagnostics.report("AGW1011", this.#span(key.range), { key: name });
      return null;
    }
    return name;
  }

  #place(node: ParsedNode | null, fallback: number): Omit<EntryPlace, "key"> {
    if (node === null) return { value: [fallback, fallback] };
    const value = [node.range[0], node.range[1]] as const;
    if (!isScalar(node) || typeof node.value !== "string") return { value };
    return { value, style: styleOf(node.type), text: node.value };
  }

  #span(range: readonly [number, number, ...unknown[]]): { file: SourceFile; start: number; end: number } {
    return { file: this.#file, start: range[0], end: range[1] };
  }
}

function styleOf(type: string | undefined): ScalarStyle {
  if (type === "QUOTE_SINGLE") return "single";
  if (type === "QUOTE_DOUBLE") return "double";
  return type === "PLAIN" ? "plain" : "block";
}

function isEmpty(contents: ParsedNode | null): boolean {
  return (
    contents === null || (isScalar(contents) && contents.value === null && contents.range[0] === contents.range[1])
  );
}

function isPlainMap(value: unknown): value is PlainMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
