/**
 * Reads XPath 1.0 expressions for the compiler; nothing of it ships. Variables, the axes following, preceding and
 * namespace, and the functions id and lang are refused.
 */
import type {
  XPathAxis,
  XPathCalculation,
  XPathComparison,
  XPathExpression,
  XPathFunction,
  XPathNodeTest,
  XPathStep,
} from "./xpath-expression.ts";
import { xpathTokens, XPathRefusal, type XPathProblem, type XPathToken } from "./xpath-tokens.ts";

/** Longest expression, in characters. */
export const XPATH_LENGTH_MAX = 2_048;
/** Parentheses, predicates and calls nest no deeper. */
export const XPATH_DEPTH_MAX = 30;

/** Prefixes and the namespaces they stand for. */
export type XPathNamespaces = ReadonlyMap<string, string>;

/** Reads an expression; offsets of a problem are UTF-16 units of its text. */
export function parseXPath(
  text: string,
  namespaces: XPathNamespaces,
): { readonly expression: XPathExpression } | { readonly problem: XPathProblem } {
  if (text.length > XPATH_LENGTH_MAX) {
    return { problem: { message: `the expression has more than ${XPATH_LENGTH_MAX} characters`, at: 0 } };
  }
  try {
    return { expression: new XPathReader(xpathTokens(text), text.length, namespaces).whole() };
  } catch (thrown) {
    if (thrown instanceof XPathRefusal) return { problem: thrown.problem };
    throw thrown;
  }
}

const AXES: readonly string[] = [
  "ancestor", "ancestor-or-self", "attribute", "child", "descendant", "descendant-or-self", "following-sibling",
  "parent", "preceding-sibling", "self",
] satisfies readonly XPathAxis[];

/** Functions and their least and most arguments. */
const FUNCTIONS: Readonly<Record<XPathFunction, readonly [least: number, most: number]>> = {
  boolean: [1, 1], ceiling: [1, 1], concat: [2, 50], contains: [2, 2], count: [1, 1], false: [0, 0], floor: [1, 1],
  last: [0, 0], "local-name": [0, 1], name: [0, 1], "namespace-uri": [0, 1], "normalize-space": [0, 1], not: [1, 1],
  number: [0, 1], position: [0, 0], round: [1, 1], "starts-with": [2, 2], string: [0, 1], "string-length": [0, 1],
  substring: [2, 3], "substring-after": [2, 2], "substring-before": [2, 2], sum: [1, 1], translate: [3, 3],
  true: [0, 0],
};

const DESCEND: XPathStep = { axis: "descendant-or-self", test: "node", where: [] };

class XPathReader {
  readonly #tokens: readonly XPathToken[];
  readonly #end: number;
  readonly #namespaces: XPathNamespaces;
  #index = 0;
  #depth = 0;

  constructor(tokens: readonly XPathToken[], end: number, namespaces: XPathNamespaces) {
    this.#tokens = tokens;
    this.#end = end;
    this.#namespaces = namespaces;
  }

  whole(): XPathExpression {
    const expression = this.#or();
    if (this.#peek() !== undefined) this.#refuse("the expression is complete before this");
    return expression;
  }

  #or(): XPathExpression {
    const options = this.#several(() => this.#and(), "or");
    const [only] = options;
    return options.length === 1 && only !== undefined ? only : { or: options };
  }

  #and(): XPathExpression {
    const parts = this.#several(() => this.#equality(), "and");
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : { and: parts };
  }

  #several(read: () => XPathExpression, operator: string): readonly XPathExpression[] {
    const list = [read()];
    while (this.#takeOperator([operator]) !== null) list.push(read());
    return list;
  }

  #equality(): XPathExpression {
    return this.#comparison(["=", "!="], () => this.#comparison(["<", "<=", ">", ">="], () => this.#sum()));
  }

  #comparison(operators: readonly XPathComparison[], read: () => XPathExpression): XPathExpression {
    let left = read();
    for (;;) {
      const compare = this.#takeOperator(operators);
      if (compare === null) return left;
      left = { compare, left, right: read() };
    }
  }

  #sum(): XPathExpression {
    return this.#calculation(["+", "-"], () => this.#calculation(["*", "div", "mod"], () => this.#negation()));
  }

  #calculation(operators: readonly XPathCalculation[], read: () => XPathExpression): XPathExpression {
    let left = read();
    for (;;) {
      const calculate = this.#takeOperator(operators);
      if (calculate === null) return left;
      left = { calculate, left, right: read() };
    }
  }

  #negation(): XPathExpression {
    if (this.#takeOperator(["-"]) !== null) return { negate: this.#nested(() => this.#negation()) };
    const parts = this.#several(() => this.#path(), "|");
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) return only;
    return { union: parts };
  }

  #path(): XPathExpression {
    const token = this.#peek();
    if (token === undefined) return this.#refuse("the expression ends where something must follow");
    if (this.#takeSign("//")) return { from: "document", where: [], steps: [DESCEND, ...this.#steps()] };
    if (this.#takeSign("/")) {
      return { from: "document", where: [], steps: this.#beginsStep() ? this.#steps() : [] };
    }
    if (!this.#beginsPrimary(token)) return { from: "here", where: [], steps: this.#steps() };
    const from = this.#primary(token);
    const where = this.#predicates();
    if (this.#takeSign("//")) return { from, where, steps: [DESCEND, ...this.#steps()] };
    if (this.#takeSign("/")) return { from, where, steps: this.#steps() };
    return where.length === 0 ? from : { from, where, steps: [] };
  }

  #beginsStep(): boolean {
    const token = this.#peek();
    return token !== undefined && (token.kind === "name" || ["*", "@", ".", ".."].includes(token.text));
  }

  #beginsPrimary(token: XPathToken): boolean {
    if (token.kind === "literal" || token.kind === "number" || token.text === "(") return true;
    const isCall = token.kind === "name" && this.#tokens[this.#index + 1]?.text === "(";
    return isCall && !/^(?:node|text|comment|processing-instruction)$/.test(token.text);
  }

  #primary(token: XPathToken): XPathExpression {
    this.#index += 1;
    if (token.kind === "literal") return { text: token.text };
    if (token.kind === "number") return { number: Number(token.text) };
    if (token.text === "(") {
      const inner = this.#nested(() => this.#or());
      this.#need(")");
      return inner;
    }
    return this.#callOf(token);
  }

  #callOf(token: XPathToken): XPathExpression {
    const name = token.text;
    if (!isFunction(name)) return this.#refuse(`there is no function ${name} here`, token.start);
    const [least, most] = FUNCTIONS[name];
    this.#need("(");
    const args: XPathExpression[] = [];
    if (!this.#takeSign(")")) {
      do args.push(this.#nested(() => this.#or()));
      while (this.#takeSign(","));
      this.#need(")");
    }
    if (args.length < least || args.length > most) {
      this.#refuse(`${name} is called with the wrong number of arguments`, token.start);
    }
    return { call: name, args };
  }

  #steps(): readonly XPathStep[] {
    const steps = [this.#step()];
    for (;;) {
      if (this.#takeSign("//")) steps.push(DESCEND, this.#step());
      else if (this.#takeSign("/")) steps.push(this.#step());
      else return steps;
    }
  }

  #step(): XPathStep {
    if (this.#takeSign("..")) return { axis: "parent", test: "node", where: [] };
    if (this.#takeSign(".")) return { axis: "self", test: "node", where: [] };
    const axis = this.#takeSign("@") ? "attribute" : this.#axis();
    const test = this.#test();
    return { axis, test, where: this.#predicates() };
  }

  #axis(): XPathAxis {
    const token = this.#peek();
    if (token === undefined || this.#tokens[this.#index + 1]?.text !== "::") return "child";
    if (!isAxis(token.text)) return this.#refuse(`there is no axis ${token.text} here`);
    this.#index += 2;
    return token.text;
  }

  #test(): XPathNodeTest {
    const token = this.#peek();
    if (token === undefined) return this.#refuse("a name is missing at the end");
    if (this.#takeSign("*")) return "any";
    if (token.kind !== "name") return this.#refuse(`${token.text} stands where a name is needed`);
    this.#index += 1;
    if (this.#peek()?.text === "(") {
      if (token.text !== "node" && token.text !== "text" && token.text !== "comment") {
        return this.#refuse(`${token.text}() is not supported`, token.start);
      }
      this.#index += 1;
      this.#need(")");
      return token.text;
    }
    const [local = "", prefix] = token.text.split(":").reverse();
    if (prefix === undefined) return { uri: "", name: local };
    const uri = this.#namespaces.get(prefix);
    if (uri === undefined) {
      return this.#refuse(`the prefix ${prefix} has no namespace; add '${prefix}:uri' as an argument`, token.start);
    }
    return local === "*" ? { uri } : { uri, name: local };
  }

  #predicates(): readonly XPathExpression[] {
    const list: XPathExpression[] = [];
    while (this.#takeSign("[")) {
      list.push(this.#nested(() => this.#or()));
      this.#need("]");
    }
    return list;
  }

  #nested(read: () => XPathExpression): XPathExpression {
    if (this.#depth >= XPATH_DEPTH_MAX) this.#refuse(`expressions nest at most ${XPATH_DEPTH_MAX} deep`);
    this.#depth += 1;
    const inner = read();
    this.#depth -= 1;
    return inner;
  }

  #takeOperator<O extends string>(operators: readonly O[]): O | null {
    const token = this.#peek();
    if (token?.kind !== "operator") return null;
    const found = operators.find((operator) => operator === token.text);
    if (found === undefined) return null;
    this.#index += 1;
    return found;
  }

  #takeSign(text: string): boolean {
    const token = this.#peek();
    if (token === undefined || token.kind !== "sign" || token.text !== text) return false;
    this.#index += 1;
    return true;
  }

  #need(sign: string): void {
    if (!this.#takeSign(sign)) this.#refuse(`${sign} is missing here`);
  }

  #peek(): XPathToken | undefined {
    return this.#tokens[this.#index];
  }

  #refuse(message: string, at = this.#peek()?.start ?? this.#end): never {
    throw new XPathRefusal({ message, at });
  }
}

function isFunction(name: string): name is XPathFunction {
  return Object.hasOwn(FUNCTIONS, name);
}

function isAxis(name: string): name is XPathAxis {
  return AXES.includes(name);
}
