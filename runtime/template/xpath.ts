/**
 * The template function `xpath`: XPath 1.0 over a document. The compiler has read the expression; what ships walks it,
 * counts every node that it looks at, and gives up at limits.xpathVisitsMax.
 */
import type {
  XPathExpression,
  XPathNodeTest,
  XPathPath,
  XPathStep,
  XPathType,
} from "../language/functions/xpath-expression.ts";
import { defaultLimits } from "../limits.ts";
import { readXml, xmlText, type XmlNode } from "./xml-document.ts";
import { axisNodes } from "./xpath-axis.ts";
import { callFunction } from "./xpath-function.ts";
import { compared, numberOf, textOfNumber, truthOf, type XPathValue } from "./xpath-value.ts";

/**
 * What an expression gives, as text. `nodeset`: its nodes as XML, texts and attributes as their value, one after the
 * other; `node`: the first of them; `string`, `number`, `boolean` as XPath converts. Empty when nothing matches, `xml`
 * is no XML that can be read (xml-document.ts), or a bound is passed.
 */
export function xpath(expression: XPathExpression, type: XPathType, xml: string): string {
  const document = readXml(xml);
  if (document === null) return "";
  const evaluation = new Evaluation(document);
  try {
    return asText(evaluation.value(expression, { node: document, position: 1, size: 1 }), type, evaluation);
  } catch (thrown) {
    if (thrown === TOO_MANY) return "";
    throw thrown;
  }
}

/** The nodes that an expression leads to, with their texts; null when a bound is passed. */
export function nodesAt(
  document: XmlNode,
  expression: XPathExpression,
): readonly { readonly node: XmlNode; readonly text: string }[] | null {
  const evaluation = new Evaluation(document);
  try {
    const nodes = nodesOf(evaluation.value(expression, { node: document, position: 1, size: 1 }));
    return nodes.map((node) => ({ node, text: evaluation.stringOf(node) }));
  } catch (thrown) {
    if (thrown === TOO_MANY) return null;
    throw thrown;
  }
}

/** Thrown when the visits are used up; it never leaves this file. */
const TOO_MANY = { tooMany: true } as const;

/** The node at hand and its place among those beside it. */
export interface XPathContext {
  readonly node: XmlNode;
  readonly position: number;
  readonly size: number;
}

export class Evaluation {
  readonly #document: XmlNode;
  #visits = 0;

  constructor(document: XmlNode) {
    this.#document = document;
  }

  /** Notes work: nodes looked at, or characters read in bulk. */
  visit(count = 1): void {
    this.#visits += count;
    if (this.#visits > defaultLimits.xpathVisitsMax) throw TOO_MANY;
  }

  value(expression: XPathExpression, context: XPathContext): XPathValue {
    this.visit();
    if ("steps" in expression) return this.#path(expression, context);
    if ("text" in expression) return expression.text;
    if ("number" in expression) return expression.number;
    if ("or" in expression) return expression.or.some((one) => truthOf(this.value(one, context)));
    if ("and" in expression) return expression.and.every((one) => truthOf(this.value(one, context)));
    if ("negate" in expression) return -numberOf(this.value(expression.negate, context), this);
    if ("union" in expression) return inOrder(expression.union.flatMap((one) => nodesOf(this.value(one, context))));
    if ("call" in expression) {
      const args = expression.args.map((argument) => this.value(argument, context));
      return callFunction(expression.call, args, context, this);
    }
    const [left, right] = [this.value(expression.left, context), this.value(expression.right, context)];
    if ("compare" in expression) return compared(expression.compare, left, right, this);
    return calculated(expression.calculate, numberOf(left, this), numberOf(right, this));
  }

  /** The text of a node and of everything in it (XPath 1.0 section 5). */
  stringOf(node: XmlNode): string {
    if (node.kind !== "element" && node.kind !== "document") {
      this.visit(1 + (node.value.length >> 6));
      return node.value;
    }
    let text = "";
    const waiting = [...node.children].reverse();
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      this.visit(1 + (next.value.length >> 6));
      if (next.kind === "text") text += next.value;
      for (const child of next.children.toReversed()) waiting.push(child);
    }
    return text;
  }

  #path({ from, where, steps }: XPathPath, context: XPathContext): readonly XmlNode[] {
    let nodes: readonly XmlNode[];
    if (from === "document") nodes = [this.#document];
    else if (from === "here") nodes = [context.node];
    else nodes = this.#filtered(inOrder(nodesOf(this.value(from, context))), where);
    for (const step of steps) {
      const next = new Set<XmlNode>();
      for (const node of nodes) for (const found of this.#step(node, step)) next.add(found);
      nodes = inOrder([...next]);
    }
    return nodes;
  }

  #step(node: XmlNode, { axis, test, where }: XPathStep): readonly XmlNode[] {
    const found: XmlNode[] = [];
    for (const candidate of axisNodes(node, axis)) {
      this.visit();
      if (matches(candidate, test, axis === "attribute")) found.push(candidate);
    }
    return this.#filtered(found, where);
  }

  #filtered(nodes: readonly XmlNode[], where: readonly XPathExpression[]): readonly XmlNode[] {
    let kept = nodes;
    for (const predicate of where) {
      const size = kept.length;
      kept = kept.filter((node, at) => {
        const value = this.value(predicate, { node, position: at + 1, size });
        return typeof value === "number" ? value === at + 1 : truthOf(value);
      });
    }
    return kept;
  }
}

function matches(node: XmlNode, test: XPathNodeTest, isAttribute: boolean): boolean {
  if (test === "node") return true;
  if (test === "text" || test === "comment") return node.kind === test;
  if (node.kind !== (isAttribute ? "attribute" : "element")) return false;
  if (test === "any") return true;
  return node.uri === test.uri && (!("name" in test) || node.localName === test.name);
}

function nodesOf(value: XPathValue): readonly XmlNode[] {
  return typeof value === "object" ? value : [];
}

/** Each node once, in the document's order. */
function inOrder(nodes: readonly XmlNode[]): readonly XmlNode[] {
  return nodes.length < 2 ? nodes : [...new Set(nodes)].sort((a, b) => a.order - b.order);
}

function calculated(sign: "+" | "-" | "*" | "div" | "mod", left: number, right: number): number {
  switch (sign) {
    case "+":
      return left + right;
    case "-":
      return left - right;
    case "*":
      return left * right;
    case "div":
      return left / right;
    case "mod":
      return left % right;
  }
}

function asText(value: XPathValue, type: XPathType, evaluation: Evaluation): string {
  switch (type) {
    case "boolean":
      return String(truthOf(value));
    case "number":
      return textOfNumber(numberOf(value, evaluation));
    case "string":
      return textOf(value, evaluation);
    case "node":
    case "nodeset": {
      // A text, number or truth is itself, whatever was asked for.
      if (typeof value !== "object") return textOf(value, evaluation);
      const nodes = type === "node" ? value.slice(0, 1) : value;
      let text = "";
      for (const node of nodes) {
        const piece = xmlText(node);
        evaluation.visit(1 + (piece.length >> 4));
        text += piece;
      }
      return text;
    }
  }
}

function textOf(value: XPathValue, evaluation: Evaluation): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return textOfNumber(value);
  if (typeof value === "boolean") return String(value);
  const [first] = value;
  return first === undefined ? "" : evaluation.stringOf(first);
}
