/** XPath 1.0 expressions as the compiler hands them over. Types only. */

/** A value: text, number, truth, or nodes. */
export type XPathExpression =
  | { readonly text: string }
  | { readonly number: number }
  | { readonly or: readonly XPathExpression[] }
  | { readonly and: readonly XPathExpression[] }
  | { readonly compare: XPathComparison; readonly left: XPathExpression; readonly right: XPathExpression }
  | { readonly calculate: XPathCalculation; readonly left: XPathExpression; readonly right: XPathExpression }
  | { readonly negate: XPathExpression }
  | { readonly union: readonly XPathExpression[] }
  | { readonly call: XPathFunction; readonly args: readonly XPathExpression[] }
  | XPathPath;

/** Steps from the document, the node at hand, or the nodes of an expression. */
export type XPathPath = {
  readonly from: "document" | "here" | XPathExpression;
  /** Predicates of the expression that the path begins with. */
  readonly where: readonly XPathExpression[];
  readonly steps: readonly XPathStep[];
};

export type XPathStep = {
  readonly axis: XPathAxis;
  readonly test: XPathNodeTest;
  readonly where: readonly XPathExpression[];
};

/** A kind of node, any name, any name of a namespace, or one name (uri empty: of no namespace). */
export type XPathNodeTest =
  | "node"
  | "text"
  | "comment"
  | "any"
  | { readonly uri: string }
  | { readonly uri: string; readonly name: string };

export type XPathComparison = "=" | "!=" | "<" | "<=" | ">" | ">=";
export type XPathCalculation = "+" | "-" | "*" | "div" | "mod";

export type XPathAxis =
  | "ancestor"
  | "ancestor-or-self"
  | "attribute"
  | "child"
  | "descendant"
  | "descendant-or-self"
  | "following-sibling"
  | "parent"
  | "preceding-sibling"
  | "self";

export type XPathFunction =
  | "boolean" | "ceiling" | "concat" | "contains" | "count" | "false" | "floor" | "last" | "local-name" | "name"
  | "namespace-uri" | "normalize-space" | "not" | "number" | "position" | "round" | "starts-with" | "string"
  | "string-length" | "substring" | "substring-after" | "substring-before" | "sum" | "translate" | "true";

/** As what the result is wanted. */
export type XPathType = "nodeset" | "node" | "number" | "boolean" | "string";
