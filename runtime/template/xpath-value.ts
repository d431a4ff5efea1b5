/** Values of XPath and how they become each other (XPath 1.0 sections 3.4 and 4). */
import type { XPathComparison } from "../language/functions/xpath-expression.ts";
import type { XmlNode } from "./xml-document.ts";

export type XPathValue = string | number | boolean | readonly XmlNode[];

/** What reads the text of nodes and counts the work. */
export interface NodeReader {
  stringOf(node: XmlNode): string;
  visit(count?: number): void;
}

export function truthOf(value: XPathValue): boolean {
  if (typeof value === "number") return value !== 0 && !Number.isNaN(value);
  return typeof value === "boolean" ? value : value.length > 0;
}

export function stringOf(value: XPathValue, reader: NodeReader): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return textOfNumber(value);
  if (typeof value === "boolean") return String(value);
  const [first] = value;
  return first === undefined ? "" : reader.stringOf(first);
}

export function numberOf(value: XPathValue, reader: NodeReader): number {
  if (typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  const text = stringOf(value, reader).trim();
  return /^-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)$/.test(text) ? Number(text) : NaN;
}

/** Without an exponent, and without a sign for zero. */
export function textOfNumber(value: number): string {
  if (value === 0) return "0";
  if (!Number.isFinite(value) || Math.abs(value) < 1e21 && Math.abs(value) >= 1e-6) return String(value);
  return Math.abs(value) >= 1e21 ? String(BigInt(value)) : value.toFixed(20).replace(/0+$/, "");
}

/** True when some node compares so, where nodes are compared. */
export function compared(sign: XPathComparison, left: XPathValue, right: XPathValue, reader: NodeReader): boolean {
  if (typeof left === "object" && typeof right !== "boolean") {
    return left.some((node) => compared(sign, typedAs(reader.stringOf(node), right, reader), right, reader));
  }
  if (typeof right === "object" && typeof left !== "boolean") {
    return right.some((node) => compared(sign, left, typedAs(reader.stringOf(node), left, reader), reader));
  }
  reader.visit();
  if (sign === "=" || sign === "!=") return isEqual(left, right, reader) === (sign === "=");
  const order = numberOf(left, reader) - numberOf(right, reader);
  return sign === "<" ? order < 0 : sign === "<=" ? order <= 0 : sign === ">" ? order > 0 : order >= 0;
}

function typedAs(text: string, other: XPathValue, reader: NodeReader): string | number {
  return typeof other === "number" ? numberOf(text, reader) : text;
}

function isEqual(left: XPathValue, right: XPathValue, reader: NodeReader): boolean {
  if (typeof left === "boolean" || typeof right === "boolean") return truthOf(left) === truthOf(right);
  if (typeof left === "number" || typeof right === "number") return numberOf(left, reader) === numberOf(right, reader);
  return stringOf(left, reader) === stringOf(right, reader);
}
