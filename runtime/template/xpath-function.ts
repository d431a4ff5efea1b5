/** The functions of XPath 1.0 (section 4) but for id, lang and those of node sets that need a document type. */
import type { XPathFunction } from "../language/functions/xpath-expression.ts";
import type { XmlNode } from "./xml-document.ts";
import { numberOf, stringOf, truthOf, type NodeReader, type XPathValue } from "./xpath-value.ts";

/** Where a call stands. */
interface CallContext {
  readonly node: XmlNode;
  readonly position: number;
  readonly size: number;
}

/** Calls a function; the compiler has counted its arguments. */
export function callFunction(
  name: XPathFunction,
  args: readonly XPathValue[],
  context: CallContext,
  reader: NodeReader,
): XPathValue {
  const own: XPathValue = [context.node];
  const [first = own, second = "", third = ""] = args;
  const text = (value: XPathValue): string => stringOf(value, reader);
  switch (name) {
    case "last":
      return context.size;
    case "position":
      return context.position;
    case "count":
      return typeof first === "object" ? first.length : 0;
    case "name":
    case "local-name":
    case "namespace-uri":
      return named(name, first);
    case "string":
      return text(first);
    case "concat":
      return args.map(text).join("");
    case "starts-with":
      return text(first).startsWith(text(second));
    case "contains":
      return text(first).includes(text(second));
    case "substring-before":
    case "substring-after":
      return beside(name, text(first), text(second));
    case "substring":
      return part(text(first), numberOf(second, reader), args.length > 2 ? numberOf(third, reader) : Infinity);
    case "string-length":
      return Array.from(text(first)).length;
    case "normalize-space":
      return text(first).replace(/[ \t\r\n]+/g, " ").replace(/^ | $/g, "");
    case "translate":
      return translated(text(first), text(second), text(third));
    case "boolean":
      return truthOf(first);
    case "not":
      return !truthOf(first);
    case "true":
      return true;
    case "false":
      return false;
    case "number":
      return numberOf(first, reader);
    case "sum":
      return typeof first === "object" ? first.reduce((sum, node) => sum + numberOf([node], reader), 0) : NaN;
    case "floor":
      return Math.floor(numberOf(first, reader));
    case "ceiling":
      return Math.ceil(numberOf(first, reader));
    case "round":
      return Math.round(numberOf(first, reader));
  }
}

function named(what: "name" | "local-name" | "namespace-uri", value: XPathValue): string {
  const [node] = typeof value === "object" ? value : [];
  if (node === undefined) return "";
  return what === "name" ? node.name : what === "local-name" ? node.localName : node.uri;
}

function beside(side: "substring-before" | "substring-after", text: string, mark: string): string {
  const at = text.indexOf(mark);
  if (at === -1) return "";
  return side === "substring-before" ? text.slice(0, at) : text.slice(at + mark.length);
}

/** Characters count from 1, and both bounds are rounded. */
function part(text: string, start: number, length: number): string {
  const from = Math.round(start);
  const to = from + Math.round(length);
  return Array.from(text).filter((_, at) => at + 1 >= from && at + 1 < to).join("");
}

function translated(text: string, from: string, to: string): string {
  const targets = Array.from(to);
  const map = new Map<string, string>();
  Array.from(from).forEach((char, at) => {
    if (!map.has(char)) map.set(char, targets[at] ?? "");
  });
  return Array.from(text, (char) => map.get(char) ?? char).join("");
}
