/**
 * Reads XML for XPath: the one door to @xmldom/xmldom. A document type is refused, so that no entity is ever declared,
 * and documents are bounded before they are read.
 */
import { DOMParser, XMLSerializer, onErrorStopParsing, type Element, type Node } from "@xmldom/xmldom";
import { defaultLimits } from "../limits.ts";

/** A node of XPath's data model. Namespace declarations are no attributes. */
export interface XmlNode {
  readonly kind: "document" | "element" | "attribute" | "text" | "comment" | "other";
  /** As written, with its prefix; empty where there is none. */
  readonly name: string;
  readonly localName: string;
  readonly uri: string;
  /** Of attributes, texts and comments. */
  value: string;
  /** Its place in the document's order. */
  readonly order: number;
  readonly parent: XmlNode | null;
  readonly children: XmlNode[];
  readonly attributes: XmlNode[];
  readonly source: Node;
}

/** The document node; null when the text is no well-formed XML, has a document type, or is beyond a bound. */
export function readXml(xml: string): XmlNode | null {
  const { xmlCharsMax, xmlTagsMax } = defaultLimits;
  if (xml.length > xmlCharsMax || /<!DOCTYPE/i.test(xml) || tagsOf(xml) > xmlTagsMax) return null;
  try {
    const document = new DOMParser({ onError: onErrorStopParsing }).parseFromString(xml.trim(), "text/xml");
    return treeOf(document);
  } catch {
    return null;
  }
}

/** A node as XML; texts and attributes as their value. */
export function xmlText(node: XmlNode): string {
  if (node.kind === "attribute" || node.kind === "text") return node.value;
  return new XMLSerializer().serializeToString(node.source);
}

/** Puts a text in the place of all that a node holds. */
export function replaceText({ source }: XmlNode, text: string): void {
  source.textContent = text;
}

function tagsOf(xml: string): number {
  let count = 0;
  for (let at = xml.indexOf("<"); at !== -1; at = xml.indexOf("<", at + 1)) count += 1;
  return count;
}

/** Walks without recursion; null where elements nest too deeply for those who walk with it. */
function treeOf(document: Node): XmlNode | null {
  const root = nodeOf(document, null, 0);
  let order = 1;
  const waiting: Waiting[] = childrenOf(document, root, 1);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { source, parent, depth } = next;
    if (depth > defaultLimits.xmlDepthMax) return null;
    const last = parent.children.at(-1);
    const node = nodeOf(source, parent, order++);
    // Blanks around the root element are no part of a document.
    if (node.kind === "text" && parent === root) continue;
    // CDATA and the text beside it are one text to XPath.
    if (node.kind === "text" && last?.kind === "text") last.value += node.value;
    else parent.children.push(node);
    for (const attribute of attributesOf(source)) node.attributes.push(nodeOf(attribute, node, order++));
    for (const child of childrenOf(source, node, depth + 1)) waiting.push(child);
  }
  return root;
}

interface Waiting {
  readonly source: Node;
  readonly parent: XmlNode;
  readonly depth: number;
}

/** The children of a node, the last one first. */
function childrenOf(source: Node, parent: XmlNode, depth: number): Waiting[] {
  const list: Waiting[] = [];
  for (let child = source.lastChild; child !== null; child = child.previousSibling) {
    list.push({ source: child, parent, depth });
  }
  return list;
}

function attributesOf(source: Node): readonly Node[] {
  if (!isElement(source)) return [];
  return [...source.attributes].filter(({ name }) => name !== "xmlns" && !name.startsWith("xmlns:"));
}

function isElement(node: Node): node is Element {
  return node.nodeType === 1;
}

function nodeOf(source: Node, parent: XmlNode | null, order: number): XmlNode {
  const kind = kindOf(source);
  const isNamed = kind === "element" || kind === "attribute";
  return {
    kind,
    name: isNamed ? source.nodeName : "",
    localName: isNamed ? (source.localName ?? source.nodeName) : "",
    uri: isNamed ? (source.namespaceURI ?? "") : "",
    value: source.nodeValue ?? "",
    order,
    parent,
    children: [],
    attributes: [],
    source,
  };
}

/** By nodeType of DOM. */
function kindOf({ nodeType }: Node): XmlNode["kind"] {
  switch (nodeType) {
    case 1:
      return "element";
    case 2:
      return "attribute";
    case 3:
    case 4:
      return "text";
    case 8:
      return "comment";
    case 9:
      return "document";
    default:
      return "other";
  }
}
