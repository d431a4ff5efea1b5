/** Diagnostics as SARIF 2.1.0 (OASIS), for code scanners. Columns are UTF-16 units, as SARIF's default says. */
import { catalogue, isCode } from "./catalogue.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { shownOf, writtenPlace, type RenderOptions } from "./order.ts";
import type { Span } from "../source/positions.ts";

/** A SARIF log of one run, with the rules that occur. */
export function renderSarif(diagnostics: readonly Diagnostic[], options: RenderOptions = {}): string {
  const shown = shownOf(diagnostics, options);
  const ruleIds = [...new Set(shown.map((diagnostic) => diagnostic.code))].sort();
  const log = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "apigw-compile", rules: ruleIds.map(rule) } },
        columnKind: "utf16CodeUnits",
        results: shown.map((diagnostic) => result(diagnostic, ruleIds, options)),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function rule(code: string): object {
  if (!isCode(code)) return { id: code };
  const { title, explanation, severity } = catalogue[code];
  return {
    id: code,
    shortDescription: { text: title },
    fullDescription: { text: explanation },
    help: { text: `apigw-compile explain ${code}` },
    defaultConfiguration: { level: severity },
  };
}

function result(diagnostic: Diagnostic, ruleIds: readonly string[], options: RenderOptions): object {
  const { code, severity, message, span, related, help } = diagnostic;
  return {
    ruleId: code,
    ruleIndex: ruleIds.indexOf(code),
    level: severity,
    message: { text: help === null ? message : `${message}\n${help}` },
    locations: span === null ? [] : [location(span, options)],
    ...(related.length === 0
      ? {}
      : {
          relatedLocations: related.map((second) => ({
            ...location(second.span, options),
            message: { text: second.message },
          })),
        }),
  };
}

function location(span: Span, options: RenderOptions): object {
  const { path, line, column, endLine, endColumn } = writtenPlace(span, options);
  const uri = path.split("/").map(encodeURIComponent).join("/");
  const region = { startLine: line, startColumn: column, endLine, endColumn };
  return { physicalLocation: { artifactLocation: { uri }, region } };
}
