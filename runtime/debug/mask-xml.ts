/** Hides places of an XML document by XPath. Linked only where a bundle has such masks. */
import type { XPathExpression } from "../language/functions/xpath-expression.ts";
import { nodesAt } from "../template/xpath.ts";
import { readXml, replaceText, xmlText } from "../template/xml-document.ts";

/**
 * The document with `hidden` in the places that the expressions lead to; null when it cannot be read or is too large.
 * `found` is told what stood there.
 */
export function hideInXml(
  xml: string,
  expressions: readonly XPathExpression[],
  hidden: string,
  found: (text: string) => void,
): string | null {
  const document = readXml(xml);
  if (document === null) return null;
  for (const expression of expressions) {
    const nodes = nodesAt(document, expression);
    if (nodes === null || nodes.some(({ node }) => node.kind === "document")) return null;
    for (const { node, text } of nodes) {
      found(text);
      replaceText(node, hidden);
    }
  }
  return xmlText(document);
}
