/** XPath text to tokens (XPath 1.0 section 3.7), for the compiler. Knows no grammar beyond what tells `*` from `*`. */

/** What is wrong, and at which offset. */
export interface XPathProblem {
  readonly message: string;
  readonly at: number;
}

/** Ends the reading at the first mistake. */
export class XPathRefusal {
  readonly problem: XPathProblem;
  constructor(problem: XPathProblem) {
    this.problem = problem;
  }
}

export interface XPathToken {
  readonly kind: "name" | "literal" | "number" | "operator" | "sign";
  readonly text: string;
  readonly start: number;
}

const NAME = "[A-Za-z_\\u0080-\\uffff][\\w.\\u0080-\\uffff-]*";
/** Two kinds of literals, numbers, names with or without prefix, signs. */
const PIECES: readonly string[] = [
  '"([^"]*)"',
  "'([^']*)'",
  "(\\d+(?:\\.\\d*)?|\\.\\d+)",
  "(NAME(?::(?!:)(?:\\*|NAME))?)",
  "(//|::|\\.\\.|!=|<=|>=|[()[\\]@,./|+=<>*-])",
];

/** Reads the whole text. */
export function xpathTokens(text: string): readonly XPathToken[] {
  const tokens: XPathToken[] = [];
  const piece = new RegExp(`\\s*(?:${PIECES.join("|").replaceAll("NAME", NAME)})`, "y");
  let at = 0;
  while (/\S/.test(text.slice(at))) {
    piece.lastIndex = at;
    const found = piece.exec(text);
    if (found === null) {
      const rest = text.slice(at).trimStart();
      const shown = `${JSON.stringify(rest.slice(0, 10))} has no meaning in XPath`;
      const message = rest.startsWith("$") ? "variables are not supported in XPath" : shown;
      throw new XPathRefusal({ message, at: text.length - rest.length });
    }
    const [whole, double, single, number, name, sign] = found;
    const value = double ?? single ?? number ?? name ?? sign ?? "";
    const start = piece.lastIndex - whole.trimStart().length;
    tokens.push({ kind: kindOf(found, tokens.at(-1)), text: value, start });
    at = piece.lastIndex;
  }
  return tokens;
}

/** Signs behind which a value begins. */
const OPENERS: readonly string[] = ["@", "::", "(", "[", ",", "/", "//"];

function kindOf(found: RegExpExecArray, before: XPathToken | undefined): XPathToken["kind"] {
  const [, double, single, number, name, sign] = found;
  if (double !== undefined || single !== undefined) return "literal";
  if (number !== undefined) return "number";
  // Behind something complete a word is an operator, and so is a star.
  const isBehindSign = before?.kind === "sign" && OPENERS.includes(before.text);
  const isBehindValue = before !== undefined && before.kind !== "operator" && !isBehindSign;
  if (name !== undefined) return isBehindValue && /^(?:and|or|div|mod)$/.test(name) ? "operator" : "name";
  if (sign === "*") return isBehindValue ? "operator" : "sign";
  return /^(?:\||\+|-|=|!=|<|<=|>|>=)$/.test(sign ?? "") ? "operator" : "sign";
}
