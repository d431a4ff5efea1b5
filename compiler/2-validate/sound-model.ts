/**
 * A bundle with documents that are no good has no model. What the others come to is looked at all the same, so that
 * nobody mends one layer of mistakes only to meet the next; only errors count that hold whatever the bad documents come
 * to say.
 */
import type { Diagnostic, Diagnostics } from "../diagnostics/diagnostic.ts";
import type { BundleModel } from "../ir/model.ts";
import type { ParsedDocument, ParsedProject } from "../ir/syntax.ts";
import { buildModel } from "./build-model.ts";

/** The model of the documents without errors. */
export interface SoundModel {
  readonly model: BundleModel;
  /** Of what later phases find in the model, what is certain. */
  certain(found: readonly Diagnostic[]): readonly Diagnostic[];
}

/** Where files are missing or out of place, nothing is known about names. */
const SHAPE_CODES: readonly string[] = ["AGW1002", "AGW1003", "AGW1004", "AGW1005", "AGW1006", "AGW1028", "AGW1032"];

/** What a bad document of a kind may have defined, so that its absence says nothing. */
const DOUBTED: Readonly<Record<string, readonly string[]>> = {
  gateway: ["AGW2001", "AGW2002", "AGW2006", "AGW2007", "AGW2010", "AGW2011", "AGW2018"],
  environment: ["AGW2001", "AGW2006", "AGW2007", "AGW2011", "AGW2018"],
  access: ["AGW2008", "AGW2009", "AGW2012"],
};

/** The sound part of a project in which errors were found; null where nothing can be said about the rest. */
export function soundModel(parsed: ParsedProject, diagnostics: Diagnostics): SoundModel | null {
  const errors = diagnostics.all.filter(({ severity }) => severity === "error");
  if (errors.some(({ code, span }) => span === null || SHAPE_CODES.includes(code))) return null;
  const bad = new Set(errors.map(({ span }) => span?.file.path ?? ""));
  const model = buildModel({ ...parsed, documents: parsed.documents.flatMap((document) => soundPart(document, bad, parsed)) });
  if (model === null) return null;
  const kinds = new Set(parsed.documents.filter(({ file }) => bad.has(file.path)).map(({ place }) => place.kind));
  const doubted = new Set([...kinds].flatMap((kind) => DOUBTED[kind] ?? []));
  const names = new Set([...bad].flatMap((path) => path.replace(/\.[^./]*$/, "").split("/")));
  const isCertain = (diagnostic: Diagnostic): boolean =>
    diagnostic.severity === "error" && !doubted.has(diagnostic.code) && !names.has(textAt(diagnostic));
  return { model, certain: (found) => found.filter(isCertain).map(withoutList) };
}

/** Without the list of what is known, from which the bad documents are missing. */
function withoutList(diagnostic: Diagnostic): Diagnostic {
  const { message, help } = diagnostic;
  return { ...diagnostic, message: message.replace(/ \(known: .*\)$/s, ""), help: help?.startsWith("policies here:") === true ? null : help };
}

/** A document without errors; of a bad gateway its mere being there. */
function soundPart(document: ParsedDocument, bad: ReadonlySet<string>, { positions }: ParsedProject): ParsedDocument[] {
  if (!bad.has(document.file.path)) return [document];
  if (document.place.kind !== "gateway") return [];
  const value = { kind: "Gateway" };
  positions.alias(value, document.value);
  return [{ ...document, value }];
}

/** The name that a report about a name points at. */
function textAt({ span }: Diagnostic): string {
  return span === null ? "" : span.file.text.slice(span.start, span.end).replace(/^(["'])(.*)\1$/, "$2");
}
