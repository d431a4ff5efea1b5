/**
 * Finds the conditions and message templates of bundles in XML. Reads files below a folder and judges nothing: a file
 * that is no XML is counted and left out.
 */
import { DOMParser, XMLSerializer, type Element, type Node } from "@xmldom/xmldom";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import type { TemplateReading } from "../runtime/language/template.ts";

/** One text as a bundle holds it. */
export interface RealText {
  readonly kind: "condition" | "template";
  readonly text: string;
  /** How a template is read: its delimiters, and what variables hold that were given literal values before it. */
  readonly reading: TemplateReading;
}

/** All texts of a folder, in the order of its files' names. */
export interface RealTexts {
  readonly files: number;
  readonly unreadable: number;
  readonly texts: readonly RealText[];
}

/** Elements whose text is a condition. */
const CONDITIONS: ReadonlySet<string> = new Set(["Condition", "SkipCacheLookup", "SkipCachePopulation"]);

/** Elements whose text is a template (apigee-core section 5.1), as the end of a path. */
const TEMPLATES = new RegExp(
  `/(?:${[
    "(?:Set|Add)(?:/\\w+)*/(?:Payload|ContentType|Verb|Version|Path|StatusCode|ReasonPhrase|Header|QueryParam|FormParam)",
    "AssignVariable/Template",
    "HTTPTargetConnection/(?:URL|Path)",
    "LocalTargetConnection/\\w+",
    "CORS/(?:AllowOrigins|AllowHeaders|AllowMethods|ExposeHeaders)",
    "SourceAddress",
    "MessageLogging/(?:\\w+/)*(?:Message|LogName)",
    "OASResource",
    "FlowCallout/Parameters/Parameter",
  ].join("|")})$`,
);

/** Reads every XML file below a folder. */
export function realTexts(folder: string): RealTexts {
  const names = readdirSync(folder, { recursive: true }).map(String).filter((name) => name.endsWith(".xml")).sort();
  const texts: RealText[] = [];
  let unreadable = 0;
  for (const name of names) {
    const found = textsOf(readFileSync(path.join(folder, name), "utf8"));
    if (found === null) unreadable += 1;
    else texts.push(...found);
  }
  return { files: names.length, unreadable, texts };
}

/** The texts of one document; null when it is no XML. */
export function textsOf(xml: string): readonly RealText[] | null {
  const root = rootOf(xml);
  if (root === null) return null;
  const texts: RealText[] = [];
  const literals = new Map<string, string>();
  const visit = (element: Element, place: string): void => {
    if (CONDITIONS.has(element.tagName)) texts.push({ kind: "condition", text: textOf(element), reading: {} });
    else if (TEMPLATES.test(place)) texts.push(templateOf(element, literals));
    for (const child of childrenOf(element)) visit(child, `${place}/${child.tagName}`);
    if (element.tagName === "AssignVariable") noteLiteral(element, literals);
  };
  visit(root, `/${root.tagName}`);
  return texts;
}

function templateOf(element: Element, literals: ReadonlyMap<string, string>): RealText {
  const [prefix, suffix] = [element.getAttribute("variablePrefix"), element.getAttribute("variableSuffix")];
  const known = { literals: new Map(literals) };
  const reading = prefix === null || suffix === null ? known : { ...known, delimiters: { prefix, suffix } };
  return { kind: "template", text: textOf(element), reading };
}

/** A variable that is given a value and nothing else keeps it; any other assignment makes it unknown. */
function noteLiteral(element: Element, literals: Map<string, string>): void {
  const parts = new Map(childrenOf(element).map((child) => [child.tagName, child.textContent ?? ""]));
  const name = parts.get("Name")?.trim();
  if (name === undefined) return;
  const value = parts.get("Value");
  if (value === undefined || parts.has("Ref") || parts.has("Template")) literals.delete(name);
  else literals.set(name, value);
}

function rootOf(xml: string): Element | null {
  try {
    const parser = new DOMParser({ onError: () => undefined });
    return parser.parseFromString(xml, "text/xml").documentElement;
  } catch {
    return null;
  }
}

/** Text as it stands, or markup where a payload is written as elements. */
function textOf(element: Element): string {
  if (childrenOf(element).length === 0) return (element.textContent ?? "").trim();
  const serializer = new XMLSerializer();
  return [...element.childNodes].map((node) => serializer.serializeToString(node)).join("").trim();
}

function childrenOf(element: Element): readonly Element[] {
  return [...element.childNodes].filter(isElement);
}

function isElement(node: Node): node is Element {
  return node.nodeType === 1;
}
