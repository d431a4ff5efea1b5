/**
 * A bundle with documents that are no good has no model. What can be known of the others is reported all the same, so that
 * nobody mends one layer of mistakes only to meet the next. Only errors that hold whatever the bad documents come to say.
 */
import { buildModel } from "./2-validate/build-model.ts";
import { resolve } from "./3-resolve/resolve.ts";
import { analyze } from "./4-analyze/analyze.ts";
import { Diagnostics, type Diagnostic } from "./diagnostics/diagnostic.ts";
import type { ParsedDocument, ParsedProject } from "./ir/syntax.ts";

/** Where files are missing or out of place, nothing is known about names. */
const SHAPE_CODES: readonly string[] = ["AGW1002", "AGW1003", "AGW1004", "AGW1005", "AGW1006", "AGW1028", "AGW1032"];

/** What a bad document of a kind may have defined, so that its absence says nothing. */
const DOUBTED: Readonly<Record<string, readonly string[]>> = {
  gateway: ["AGW2001", "AGW2002", "AGW2006", "AGW2007", "AGW2010", "AGW2011", "AGW2018"],
  environment: ["AGW2001", "AGW2006", "AGW2007", "AGW2011", "AGW2018"],
  access: ["AGW2008", "AGW2009", "AGW2012"],
};

/** Adds the errors of the documents that are sound to those of the others. */
export function lookAhead(parsed: ParsedProject, diagnostics: Diagnostics): void {
  const found = diagnostics.all.filter(({ severity }) => severity === "error");
  if (found.some(({ code, span }) => span === null || SHAPE_CODES.includes(code))) return;
  const bad = new Set(found.map(({ span }) => span?.file.path ?? ""));
  const model = buildModel({ ...parsed, documents: parsed.documents.flatMap((document) => soundPart(document, bad, parsed)) });
  if (model === null) return;
  const ahead = new Diagnostics();
  analyze(resolve(model, ahead), ahead);
  const kinds = new Set(parsed.documents.filter(({ file }) => bad.has(file.path)).map(({ place }) => place.kind));
  const doubted = new Set([...kinds].flatMap((kind) => DOUBTED[kind] ?? []));
  const names = new Set([...bad].flatMap((path) => path.replace(/\.[^./]*$/, "").split("/")));
  for (const diagnostic of ahead.all) {
    if (diagnostic.severity !== "error" || doubted.has(diagnostic.code)) continue;
    if (!names.has(textAt(diagnostic))) diagnostics.add(withoutList(diagnostic));
  }
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
