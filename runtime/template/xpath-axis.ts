/** The axes of XPath: which nodes stand in which direction from a node, the nearest one first. */
import type { XPathAxis } from "../language/functions/xpath-expression.ts";
import type { XmlNode } from "./xml-document.ts";

/** The nodes of an axis, one after the other, so that whoever takes them can stop. */
export function* axisNodes(node: XmlNode, axis: XPathAxis): Generator<XmlNode, void, undefined> {
  switch (axis) {
    case "child":
      yield* node.children;
      return;
    case "attribute":
      yield* node.attributes;
      return;
    case "self":
      yield node;
      return;
    case "parent":
      if (node.parent !== null) yield node.parent;
      return;
    case "ancestor":
    case "ancestor-or-self":
      for (let at = axis === "ancestor" ? node.parent : node; at !== null; at = at.parent) yield at;
      return;
    case "descendant":
    case "descendant-or-self":
      if (axis === "descendant-or-self") yield node;
      yield* descendants(node);
      return;
    case "following-sibling":
    case "preceding-sibling":
      yield* siblings(node, axis === "following-sibling");
  }
}

function* descendants(node: XmlNode): Generator<XmlNode, void, undefined> {
  const waiting = node.children.toReversed();
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    yield next;
    for (const child of next.children.toReversed()) waiting.push(child);
  }
}

/** Each sibling that is passed on the way counts too, which the caller sees as one node it may refuse. */
function* siblings(node: XmlNode, isFollowing: boolean): Generator<XmlNode, void, undefined> {
  if (node.parent === null || node.kind === "attribute") return;
  const all = isFollowing ? node.parent.children : node.parent.children.toReversed();
  for (const sibling of all) {
    const isBeyond = isFollowing ? sibling.order > node.order : sibling.order < node.order;
    if (isBeyond) yield sibling;
  }
}
