/** Diagnostics as a JUnit report, for build servers that know only test results. */
import type { Diagnostic } from "./diagnostic.ts";
import { shownOf, writtenPlace, type RenderOptions } from "./order.ts";

/**
 * One suite; an error is a failed test case, a warning a passed one with output. Without diagnostics: one passed
 * case.
 */
export function renderJunit(diagnostics: readonly Diagnostic[], options: RenderOptions = {}): string {
  const shown = shownOf(diagnostics, options);
  const failures = shown.filter((diagnostic) => diagnostic.severity === "error").length;
  const cases =
    shown.length === 0
      ? ['    <testcase classname="apigw-compile" name="no problems"/>']
      : shown.map((diagnostic) => testCase(diagnostic, options));
  const tests = String(cases.length);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites tests="${tests}" failures="${String(failures)}">`,
    `  <testsuite name="apigw-compile" tests="${tests}" failures="${String(failures)}">`,
    ...cases,
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function testCase({ severity, code, message, span, help }: Diagnostic, options: RenderOptions): string {
  const place = span === null ? null : writtenPlace(span, options);
  const where = place === null ? "" : ` at ${place.path}:${String(place.line)}:${String(place.column)}`;
  const details = escapeXml([message + where, ...(help === null ? [] : [help])].join("\n"));
  const classname = escapeXml(place?.path ?? "project");
  const open = `    <testcase classname="${classname}" name="${escapeXml(`${code}${where}`)}">`;
  const body =
    severity === "error"
      ? `      <failure type="${code}" message="${escapeXml(message)}">${details}</failure>`
      : `      <system-out>${details}</system-out>`;
  return [open, body, "    </testcase>"].join("\n");
}

/** XML 1.0 has no form for most control characters, so they become question marks. */
function escapeXml(text: string): string {
  return text
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "?")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
