/**
 * What stands beside each step of a recording: the YAML of its policy. Without comments, and without what stands under
 * a name that means a credential or that a mask hides; what must be secret is a reference already.
 */
import { isSecretName, isSecretParameter, isSecretVariable, maskMeans } from "#runtime/language/secret-name.ts";
import type { Plan } from "../ir/plan.ts";
import type { ProgramPolicy, ProgramProxy } from "../ir/program.ts";
import { secretVariables } from "../secret-variable.ts";
import type { Positions } from "../source/positions.ts";
import { code, literal } from "./code.ts";
import { FileWriter } from "./file.ts";

/** Longer policies are cut. */
const LINES_MAX = 14;
const LINE_CHARS_MAX = 160;
/** What stands in the place of what is hidden, as in recordings. */
const HIDDEN = "******";

/** Names that a gateway's masks mean, of all its proxies: a policy may belong to several. */
interface Hides {
  isVariable(name: string): boolean;
  isHeader(name: string): boolean;
  isParameter(name: string): boolean;
  /** Whether bodies, or parts of them, are hidden. */
  readonly bodies: boolean;
}

/** `step-excerpts.ts`: a function, so that nothing of it is in memory until somebody records. */
export function emitStepExcerpts(plan: Plan): FileWriter {
  const header = "What Debug sessions show of the YAML of steps. Read when one begins.";
  const file = new FileWriter("step-excerpts.ts", header);
  const proxies = plan.proxies.filter(({ proxy }) => proxy.debug);
  const { positions } = plan.program.model;
  const hides = hidesOf(proxies.map(({ proxy }) => proxy));
  const found = new Map<string, string>();
  for (const policy of proxies.flatMap(({ policies }) => policies)) {
    found.set(`${policy.file}:${policy.line}`, excerptOf(policy, positions, hides));
  }
  const sorted = [...found].sort(([a], [b]) => (a < b ? -1 : 1));
  file.functions.push({
    name: "stepExcerpts",
    doc: "The YAML of policies by file and line.",
    isExported: true,
    parameters: [],
    returns: file.type("debug/transaction.ts", "Excerpts"),
    statements: [code`return ${literal(Object.fromEntries(sorted))};`],
  });
  return file;
}

function hidesOf(proxies: readonly ProgramProxy[]): Hides {
  const masks = proxies.flatMap((proxy) => proxy.masks);
  const isSecret = secretVariables(proxies.flatMap(({ policies }) => policies));
  const variables = masks.flatMap((mask) => mask.variables);
  return {
    isVariable: (name) =>
      isSecretVariable(name) || isSecret(name) || variables.some((entry) => maskMeans(entry, name)),
    isHeader: (name) => isSecretName(name) || masks.some(({ headers }) => headers.includes(name.toLowerCase())),
    isParameter: (name) => isSecretParameter(name) || masks.some(({ parameters }) => parameters.includes(name)),
    bodies: masks.some(({ bodies, json, xml }) =>
      bodies.length > 0 || [...Object.values(json), ...Object.values(xml)].some((paths) => paths.length > 0)),
  };
}

/** The lines of a policy, or of the flow hook that stands for it. */
function excerptOf({ hook, model }: ProgramPolicy, positions: Positions, hides: Hides): string {
  const written = hook ?? model;
  const { file, start, end } = positions.of(written);
  const pieces = new Pieces(file.text, positions, hides);
  pieces.visit(written, null);
  const lines = pieces.between(start, end).split(/\r?\n/).map((line) => line.trimEnd()).filter((line) => line !== "");
  const shown = lines.slice(0, LINES_MAX).map((line) => {
    return line.length <= LINE_CHARS_MAX ? line : `${line.slice(0, LINE_CHARS_MAX).toWellFormed()}…`;
  });
  return [...shown, ...(lines.length > LINES_MAX ? ["…"] : [])].join("\n");
}

type Range = readonly [start: number, end: number];

/** Which parts of a text are values to hide, and which no comment can stand in. */
class Pieces {
  readonly #text: string;
  readonly #positions: Positions;
  readonly #hides: Hides;
  readonly #hidden: Range[] = [];
  readonly #scalars: Range[] = [];

  constructor(text: string, positions: Positions, hides: Hides) {
    this.#text = text;
    this.#positions = positions;
    this.#hides = hides;
  }

  /** `under`: the key of a map or list; null for the whole. */
  visit(node: object, under: string | null): void {
    for (const [key, value] of Object.entries(node)) {
      const entry = Array.isArray(node) ? Number(key) : key;
      const { start, end } = this.#positions.of(node, entry);
      const name = this.#positions.ofKey(node, key);
      if (!Array.isArray(node)) this.#scalars.push([name.start, name.end]);
      if (typeof value === "object" && value !== null) {
        this.visit(value, Array.isArray(node) ? under : key);
        continue;
      }
      this.#scalars.push([start, end]);
      const isOfName = start === name.start && !Array.isArray(node);
      if (!isOfName && this.#isHidden(node, key, under)) this.#hidden.push([start, end]);
    }
  }

  /** The text between two places, without comments and without what is hidden. */
  between(from: number, to: number): string {
    const cuts = [...this.#hidden.map((range) => ({ range, by: HIDDEN })), ...this.#comments(from, to)];
    let at = from;
    let shown = "";
    for (const { by, range: [start, end] } of cuts.sort((a, b) => a.range[0] - b.range[0])) {
      const tail = /\s*$/.exec(this.#text.slice(start, end))?.[0] ?? "";
      shown += `${this.#text.slice(at, start)}${by}${tail}`;
      at = end;
    }
    return shown + this.#text.slice(at, to);
  }

  #isHidden(node: object, key: string, under: string | null): boolean {
    const { isHeader, isParameter, isVariable, bodies } = this.#hides;
    if (under === "headers" && isHeader(key)) return true;
    if ((under === "queryParams" || under === "formParams") && isParameter(key)) return true;
    if (bodies && (key === "payload" || (under === "payload" && key === "value"))) return true;
    if (under === "attributes" && isSecretName(key)) return true;
    if (key === "name" || key === "ref" || key === "type") return false;
    return "name" in node && typeof node.name === "string" && (isVariable(node.name) || isHeader(node.name));
  }

  #comments(from: number, to: number): { range: Range; by: string }[] {
    const found: { range: Range; by: string }[] = [];
    let behind = from;
    for (const { index } of this.#text.slice(from, to).matchAll(/(?<!\S)#/g)) {
      const start = from + index;
      // A sign within a text, or within a comment, begins none.
      if (start < behind || this.#scalars.some(([first, last]) => first <= start && start < last)) continue;
      behind = start + (/^.*/.exec(this.#text.slice(start))?.[0].length ?? 0);
      found.push({ range: [start, behind], by: "" });
    }
    return found;
  }
}
