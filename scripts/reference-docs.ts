/**
 * Makes the pages of docs/reference/ from their only sources: the schemas, the catalogue of diagnostics, the operations of
 * the admin API, and the tables of faults, close reasons and limits. `--check` only compares.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { catalogue, codes, families } from "../compiler/diagnostics/catalogue.ts";
import { faultDocs } from "../compiler/diagnostics/fault-docs.ts";
import { closeReasonDocs } from "../compiler/diagnostics/close-reason-docs.ts";
import { faults } from "../compiler/diagnostics/fault-table.ts";
import type { FaultCode } from "../runtime/fault.ts";
import { defaultLimits } from "../runtime/limits.ts";
import { adminSubjects } from "../runtime/side/admin.ts";
import { debugSubject } from "../runtime/side/admin-debug.ts";
import { policyTimesSubject } from "../runtime/side/admin-policy-times.ts";
import { routesSubject } from "../runtime/side/admin-routes.ts";
import { statsSubject } from "../runtime/side/admin-stats.ts";
import { openapiDocument } from "../runtime/side/admin-openapi.ts";
import { closeReasons, type CloseReasonId } from "../runtime/upgrade/close-reason.ts";

const root = path.resolve(fileURLToPath(import.meta.url), "../..");

type Node = Readonly<Record<string, unknown>>;

/** Pages by their path below the repository. */
export function referencePages(): ReadonlyMap<string, string> {
  return new Map([
    ["docs/reference/schema.md", schemaPage()],
    ["docs/reference/diagnostics.md", diagnosticsPage()],
    ["docs/reference/faults.md", faultsPage()],
    ["docs/reference/close-reasons.md", closeReasonsPage()],
    ["docs/reference/limits.md", limitsPage()],
    ["docs/reference/admin-openapi.json", openapiPage()],
  ]);
}

/** The description of the admin API with what only some artifacts have. */
function openapiPage(): string {
  const nobody = (): never => {
    throw new TypeError("nothing is asked of what is only described");
  };
  const debug = { create: nobody, get: nobody, limits: defaultLimits, list: nobody, remove: nobody };
  const fleet = { start: nobody, ask: nobody, close: nobody };
  const optional = [debugSubject(debug), statsSubject(), policyTimesSubject(), routesSubject(nobody)];
  const document = openapiDocument(adminSubjects(defaultLimits, fleet, optional));
  return `${JSON.stringify(document, null, 1)}\n`;
}

function schemaPage(): string {
  const policies = readdirSync(path.join(root, "schema/policies")).sort();
  const documents = ["gateway", "proxy", "shared-flow", "environment", "access"].map((name) => `${name}.schema.json`);
  const files = [...documents, ...policies.map((name) => `policies/${name}`)];
  const intro = "What may be written, by kind of document. Generated from `schema/` by `scripts/reference-docs.ts`.";
  const sections = [...files, "shared.schema.json"].map((file) => section(file));
  return `# Configuration reference\n\n${intro}\n\n${sections.join("\n")}`;
}

function section(file: string): string {
  const schema = load(file);
  const parts = [`## ${text(schema["title"])}\n\n${text(schema["description"])}\n`, table(schema)];
  for (const [name, definition] of Object.entries(node(schema["$defs"]))) {
    const inner = node(definition);
    parts.push(`### ${name}\n\n${text(inner["description"])}\n`, table(inner));
  }
  const example = list(schema["examples"])[0];
  if (example !== undefined) parts.push(`\`\`\`json\n${JSON.stringify(example, null, 2)}\n\`\`\`\n`);
  return parts.filter((part) => part !== "").join("\n");
}

function table(schema: Node): string {
  const rows = [...propertyRows(schema, "")];
  if (rows.length === 0) return "";
  return ["| key | value | meaning |", "| --- | --- | --- |", ...rows, ""].join("\n");
}

function* propertyRows(schema: Node, prefix: string): Generator<string> {
  const required = list(schema["required"]);
  for (const [name, value] of Object.entries(node(schema["properties"]))) {
    const property = node(value);
    const mark = required.includes(name) ? " (required)" : "";
    const meaning = text(property["description"]) || text(target(property)["description"]);
    yield `| \`${prefix}${name}\`${mark} | ${cell(valueWords(property))} | ${cell(meaning)} |`;
    yield* propertyRows(property, `${prefix}${name}.`);
    yield* propertyRows(node(property["items"]), `${prefix}${name}[].`);
    yield* propertyRows(node(property["additionalProperties"]), `${prefix}${name}.<name>.`);
    for (const branch of list(property["anyOf"])) yield* propertyRows(node(branch), `${prefix}${name}.`);
  }
}

function valueWords(property: Node): string {
  const resolved = target(property);
  const allowed = list(resolved["enum"]);
  if (allowed.length > 0) return allowed.map((value) => `\`${String(value)}\``).join(", ");
  if ("const" in resolved) return `\`${String(resolved["const"])}\``;
  const words: Readonly<Record<string, string>> = {
    boolean: "true or false",
    integer: "a whole number",
    string: "a text",
  };
  return text(property["x-expected"]) || text(resolved["x-expected"]) || (words[text(resolved["type"])] ?? "");
}

/** The definition that a property refers to, when it is one of the shared ones. */
function target(property: Node): Node {
  const [file = "", pointer = ""] = text(property["$ref"]).split("#/$defs/");
  return file.endsWith("shared.schema.json") ? node(node(load("shared.schema.json")["$defs"])[pointer]) : property;
}

function diagnosticsPage(): string {
  const intro =
    "Every problem that `apigw-compile` reports. Generated from the catalogue by `scripts/reference-docs.ts`.";
  const lines = [`# Diagnostics\n\n${intro}\n`];
  let family = "";
  for (const code of codes()) {
    if (code.charAt(3) !== family) {
      family = code.charAt(3);
      lines.push(`## ${family}xxx: ${families[family] ?? ""}\n`);
    }
    const { title, severity, explanation, example } = catalogue[code];
    lines.push(`### ${code}: ${title} (${severity})\n\n${explanation}\n`);
    lines.push(`\`\`\`yaml\n# wrong\n${example.bad}\n# right\n${example.good}\n\`\`\`\n`);
  }
  return lines.join("\n");
}

function page(title: string, intro: string, header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, header.map(() => "---"), ...rows.map((row) => row.map(cell))].map((row) => `| ${row.join(" | ")} |`);
  return `# ${title}\n\n${intro}\n\n${lines.join("\n")}\n`;
}

function faultsPage(): string {
  const intro =
    "What clients get when something is wrong, unless a fault rule says otherwise. The code is `detail.errorcode` of the JSON " +
    "body, its last part is `fault.name`; `{}` in a text stands for the detail. Generated from `runtime/fault.ts` and `runtime/fault/` by " +
    "`scripts/reference-docs.ts`.";
  const rows = Object.entries(faults).map(([code, { status, text: words, category, subcategory }]) => {
    const doc = faultDocs[code as FaultCode];
    return [`\`${code}\``, String(status), words, `${category}, ${subcategory}`, doc];
  });
  return page("Faults", intro, ["code", "status", "text", "category", "when"], rows);
}

function closeReasonsPage(): string {
  const intro =
    "Why connections end. The name is the key of `webSocket.close`, the label stands in metrics and session records; the status is " +
    "what a handshake gets that ends for this reason before its 101. Without a code the close frame, or its absence, is the peer's " +
    "own. Where traffic is cut, no byte that arrives after the decision is relayed. Generated from " +
    "`runtime/upgrade/close-reason.ts` by `scripts/reference-docs.ts`.";
  const rows = Object.entries(closeReasons).map(([name, reason]) => {
    const { label, code, status, text: words, isError, cutsTraffic } = reason;
    const doc = closeReasonDocs[name as CloseReasonId];
    const frame = code === 0 ? "" : `${code} ${words}`;
    const marks = [...(isError ? ["error"] : []), ...(cutsTraffic ? ["cuts traffic"] : [])].join(", ");
    return [`\`${name}\``, `\`${label}\``, frame, String(status), marks, doc];
  });
  return page("Close reasons", intro, ["name", "label", "close frame", "status", "", "when"], rows);
}

function limitsPage(): string {
  const intro =
    "Every bound of a running gateway. Those with a key can be set under `limits` in gateway.yaml, some of them for each proxy " +
    "under `webSocket`; the others are fixed. Generated from `runtime/limits.ts` by `scripts/reference-docs.ts`.";
  const source = readFileSync(path.join(root, "runtime/limits.ts"), "utf8");
  const meanings = new Map([...source.matchAll(/\/\*\* (.+) \*\/\n  readonly (\w+): number;/g)].map((found) => [found[2], found[1]]));
  const keys = Object.keys(node(node(node(load("gateway.schema.json")["properties"])["limits"])["properties"]));
  const rows = Object.entries(defaultLimits).map(([name, value]) => {
    const key = keys.find((other) => [other, `${other}Ms`, `${other}Max`, `${other}BytesMax`].includes(name));
    return [`\`${name}\``, key === undefined ? "" : `\`${key}\``, amount(name, value), meanings.get(name) ?? ""];
  });
  return page("Limits", intro, ["name", "key", "default", "meaning"], rows);
}

function amount(name: string, value: number): string {
  if (name.endsWith("Ms")) return value % 1_000 === 0 ? `${value / 1_000} s` : `${value} ms`;
  if (name.includes("Bytes")) return value % 1_048_576 === 0 ? `${value / 1_048_576} MiB` : `${value / 1_024} KiB`;
  return String(value);
}

function load(file: string): Node {
  const parsed: unknown = JSON.parse(readFileSync(path.join(root, "schema", file), "utf8"));
  return node(parsed);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function node(value: unknown): Node {
  return isNode(value) ? value : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function cell(value: string): string {
  return value.replaceAll("|", "\\|").replaceAll("\n", " ");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [file, page] of referencePages()) {
    const written = path.join(root, file);
    if (!process.argv.includes("--check")) {
      mkdirSync(path.dirname(written), { recursive: true });
      writeFileSync(written, page);
      process.stdout.write(`${file}: ${String(Math.round(page.length / 1024))} KiB\n`);
    } else if (!existsSync(written) || readFileSync(written, "utf8") !== page) {
      process.stderr.write(`${file} is not current: node scripts/reference-docs.ts\n`);
      process.exitCode = 1;
    }
  }
}
