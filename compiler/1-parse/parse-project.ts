/** Files -> documents with positions, each in the place that its path gives it. Pure; problems become diagnostics. */
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { DocumentPlace, ParsedDocument, ParsedProject, Place, PropertyFile } from "../ir/syntax.ts";
import { PositionIndex } from "../source/position-index.ts";
import type { SourceFile } from "../source/source-file.ts";
import { placeOf } from "./place.ts";
import { parseProperties } from "./properties-file.ts";
import { mayHaveWaivers, registerWaivers } from "./waivers.ts";
import { commentsOf, parseYaml } from "./yaml-document.ts";

/** Parses a project. The order of the files does not matter; documents come in path order. */
export function parseProject(files: readonly SourceFile[], diagnostics: Diagnostics): ParsedProject {
  const positions = new PositionIndex();
  const documents: ParsedDocument[] = [];
  const propertyFiles: PropertyFile[] = [];
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const places = placesOf(sorted, diagnostics);
  for (const [file, place] of places) {
    if (place.kind !== "proxyProperties") documents.push(...parseFile(file, place, positions, diagnostics));
    else {
      reportBadName(file, place, diagnostics);
      const { owner: proxy, name } = place;
      propertyFiles.push({ file, proxy, name, values: parseProperties(file, positions, diagnostics) });
    }
  }
  return { documents, propertyFiles, positions };
}

/** Places of the files that have one. A wrong folder is reported once, not for each of its files. */
function placesOf(files: readonly SourceFile[], diagnostics: Diagnostics): Map<SourceFile, Place> {
  const places = new Map<SourceFile, Place>();
  const misplaced = new Set<string>();
  for (const file of files) {
    const place = placeOf(file.path);
    if (place === null) continue;
    if (!("reason" in place)) {
      places.set(file, place);
      continue;
    }
    const mistake = place.wrongFolder ?? file.path;
    if (misplaced.has(mistake)) continue;
    misplaced.add(mistake);
    const help = place.suggestion === null ? null : `did you mean "${place.suggestion}"?`;
    diagnostics.report("AGW1006", startOf(file), { path: mistake, meaning: place.reason }, { help });
  }
  reportMissing([...places.values()], [...misplaced], diagnostics);
  return places;
}

function parseFile(
  file: SourceFile,
  place: DocumentPlace,
  positions: PositionIndex,
  diagnostics: Diagnostics,
): ParsedDocument[] {
  reportBadName(file, place, diagnostics);
  if (mayHaveWaivers(file)) registerWaivers(file, commentsOf(file), diagnostics);
  const parsed = parseYaml(file, positions, diagnostics);
  const [, second] = parsed;
  if (second !== undefined && place.kind !== "access") {
    diagnostics.report("AGW1016", { file, start: second.start, end: second.start }, { path: file.path });
    return [];
  }
  const alone = parsed.length === 1;
  return parsed.flatMap(({ value }) => (value === null ? [] : [{ file, place, value, alone }]));
}

/** Main files that the project needs and has not; silent where a misplaced file explains it. */
function reportMissing(places: readonly Place[], misplaced: readonly string[], diagnostics: Diagnostics): void {
  const hasGateway = places.some((place) => place.kind === "gateway");
  if (!hasGateway && !misplaced.some((path) => /\.ya?ml$/i.test(path) && !path.includes("/"))) {
    diagnostics.report("AGW1003", null, {}, { help: 'the smallest gateway.yaml is the single line "kind: Gateway"' });
  }
  const known = new Set(
    places.flatMap((place) => ("name" in place && !("owner" in place) ? [folderOf(place.kind, place.name)] : [])),
  );
  for (const place of places) {
    if (!("owner" in place)) continue;
    const folder = folderOf(place.kind, place.owner);
    if (known.has(folder)) continue;
    known.add(folder);
    if (misplaced.some((path) => path.startsWith(`${folder}/`))) continue;
    const file = place.kind === "sharedFlowPolicy" ? "flow.yaml" : "proxy.yaml";
    diagnostics.report("AGW1032", null, { folder, file });
  }
}

function folderOf(kind: Place["kind"], name: string): string {
  if (kind === "proxy" || kind === "proxyPolicy" || kind === "proxyProperties") return `proxies/${name}`;
  return kind === "environment" ? `environments/${name}` : `shared-flows/${name}`;
}

const nameRules: Readonly<Record<Place["kind"], { what: string; form: RegExp; reason: string } | null>> = {
  gateway: null,
  access: null,
  proxy: { what: "a proxy", form: /^[A-Za-z0-9_-]{1,255}$/, reason: "only letters, digits, _ and - are allowed" },
  sharedFlow: {
    what: "a shared flow",
    form: /^[A-Za-z0-9_-]{1,255}$/,
    reason: "only letters, digits, _ and - are allowed",
  },
  proxyPolicy: policyRule(),
  sharedFlowPolicy: policyRule(),
  proxyProperties: {
    what: "a property set",
    form: /^(?!__proto__$)[A-Za-z0-9_-]{1,255}$/,
    reason: "only letters, digits, _ and - are allowed",
  },
  environment: {
    what: "an environment",
    form: /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    reason: "it takes lower-case letters, digits and -, begins with a letter and does not end with -",
  },
};

function policyRule(): { what: string; form: RegExp; reason: string } {
  const form = /^[A-Za-z0-9_.-](?:[A-Za-z0-9_. -]{0,253}[A-Za-z0-9_.-])?$/;
  return { what: "a policy", form, reason: "only letters, digits, _, -, . and inner spaces are allowed" };
}

function reportBadName(file: SourceFile, place: Place, diagnostics: Diagnostics): void {
  const rule = nameRules[place.kind];
  if (rule === null || !("name" in place) || rule.form.test(place.name)) return;
  diagnostics.report("AGW1028", startOf(file), { name: place.name, what: rule.what, reason: rule.reason });
}

function startOf(file: SourceFile): { file: SourceFile; start: number; end: number } {
  return { file, start: 0, end: 0 };
}
