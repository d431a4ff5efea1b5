/**
 * The condition language of steps, flows, route rules and fault rules: its syntax tree and its parser.
 * Evaluates nothing (operators.ts does) and never throws for what a user wrote.
 *
 * Precedence is Java's: `not` binds tighter than `and`, `and` tighter than `or`. A comparison is one unit to `not`, so
 * `!a = "b"` means `!(a = "b")`; no other reading is possible, because only names and literals can be compared.
 */
import { CONDITION_PROBLEMS_MAX, isPlainName, tokenize } from "./condition-tokens.ts";
import type { Token } from "./condition-tokens.ts";
import { CANONICAL, meantOperator } from "./condition-words.ts";
import type { BinaryOperator, ComparisonOperator, MatchOperator } from "./condition-words.ts";

/** Texts longer than this (UTF-16 units) are refused before they are read. */
export const CONDITION_LENGTH_MAX = 16_384;
/** Parentheses and negations nested deeper than this are refused. */
export const CONDITION_DEPTH_MAX = 64;

/** Where a node stands in the condition's text: UTF-16 offsets, `end` exclusive. */
export type TextSpan = { readonly start: number; readonly end: number };

/** How a number was written. At run time all of them are one kind of number; the printer keeps the difference. */
export type NumberType = "int" | "long" | "float" | "double";

/** A flow variable; `quoted` when single quotes stood around it. Unresolved variables read as null. */
export type VariableOperand = TextSpan & { readonly kind: "variable"; readonly name: string; readonly quoted: boolean };
/** A value written in the condition itself. */
export type LiteralOperand = TextSpan &
  (
    | { readonly kind: "string"; readonly value: string }
    | { readonly kind: "number"; readonly value: number; readonly type: NumberType }
    | { readonly kind: "boolean"; readonly value: boolean }
    | { readonly kind: "null"; readonly value: null }
  );
/** Either side of a comparison. */
export type ConditionOperand = VariableOperand | LiteralOperand;

/** `true`, `false` and the empty condition, which is true. */
export type ConstantNode = TextSpan & { readonly kind: "constant"; readonly value: boolean };
/** A bare name: true when its value is boolean true or the string "true". */
export type TruthyNode = TextSpan & { readonly kind: "truthy"; readonly operand: VariableOperand };
/** Two values compared by the function of operators.ts named `operator`. */
export type ComparisonNode = TextSpan & {
  readonly kind: "comparison";
  readonly operator: ComparisonOperator;
  readonly left: ConditionOperand;
  readonly right: ConditionOperand;
};
/** A value tested against a literal pattern; numbers and booleans written as a pattern stand for their text. */
export type MatchNode = TextSpan & {
  readonly kind: "match";
  readonly operator: MatchOperator;
  readonly left: ConditionOperand;
  readonly pattern: string | null;
  readonly patternSpan: TextSpan;
};
/** Negation of one condition. */
export type NotNode = TextSpan & { readonly kind: "not"; readonly operand: Condition };
/** Two or more conditions, evaluated from the left until the result is known. */
export type JunctionNode = TextSpan & { readonly kind: "and" | "or"; readonly operands: readonly Condition[] };
/** A parsed condition. */
export type Condition = ConstantNode | TruthyNode | ComparisonNode | MatchNode | NotNode | JunctionNode;

/** What can be wrong with a condition's text. */
export type ConditionProblemKind =
  | "too-long"
  | "too-deep"
  | "unterminated-string"
  | "unterminated-name"
  | "empty-name"
  | "bad-number"
  | "number-out-of-range"
  | "unexpected-character"
  | "unknown-operator"
  | "arithmetic"
  | "single-quoted-literal"
  | "literal-needed"
  | "operator-as-name"
  | "unmatched-parenthesis"
  | "operand-missing"
  | "operator-missing"
  | "connective-missing"
  | "not-a-condition";

/** One mistake; `suggestion` is text that could stand in the place of start..end. */
export type ConditionProblem = TextSpan & {
  readonly kind: ConditionProblemKind;
  readonly message: string;
  readonly suggestion?: string;
};

/** Either the tree or at least one problem, never both. */
export type ParsedCondition = { readonly ast: Condition } | { readonly problems: readonly ConditionProblem[] };

/**
 * Parses a condition. XML entities are decoded first, as in a bundle that came from XML; offsets refer to the text as
 * written. Spelling mistakes are all reported; of grammar mistakes the first, because the rest would be guesses.
 */
export function parseCondition(text: string): ParsedCondition {
  if (text.length > CONDITION_LENGTH_MAX) {
    const message = `this condition has ${text.length} characters, more than the ${CONDITION_LENGTH_MAX} allowed`;
    return { problems: [{ kind: "too-long", message, start: 0, end: text.length }] };
  }
  const { tokens, problems } = tokenize(text);
  if (problems.length > 0) return { problems };
  return new Parser(tokens, text).parse();
}

/** The names of all variables a condition may read, each once, in the order of first mention. */
export function conditionVariables(ast: Condition): readonly string[] {
  const names = new Set<string>();
  const visit = (node: Condition): void => {
    switch (node.kind) {
      case "constant":
        return;
      case "truthy":
        names.add(node.operand.name);
        return;
      case "not":
        visit(node.operand);
        return;
      case "and":
      case "or":
        node.operands.forEach(visit);
        return;
      case "match":
        if (node.left.kind === "variable") names.add(node.left.name);
        return;
      case "comparison":
        if (node.left.kind === "variable") names.add(node.left.name);
        if (node.right.kind === "variable") names.add(node.right.name);
    }
  };
  visit(ast);
  return [...names];
}

/** Ends the reading at the first grammar mistake; it never leaves this file. */
class Refusal {
  readonly problem: ConditionProblem;
  constructor(problem: ConditionProblem) {
    this.problem = problem;
  }
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #text: string;
  readonly #problems: ConditionProblem[] = [];
  #index = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], text: string) {
    this.#tokens = tokens;
    this.#text = text;
  }

  parse(): ParsedCondition {
    const isEmpty = this.#peek().kind === "end";
    if (isEmpty) return { ast: { kind: "constant", value: true, start: 0, end: this.#text.length } };
    try {
      const ast = this.#junction("or");
      this.#expectEnd();
      return this.#problems.length === 0 ? { ast } : { problems: this.#problems };
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      return { problems: [...this.#problems, thrown.problem] };
    }
  }

  #junction(kind: "and" | "or"): Condition {
    const first = kind === "or" ? this.#junction("and") : this.#unary();
    const operands = [first];
    while (this.#takeOperator(kind)) operands.push(kind === "or" ? this.#junction("and") : this.#unary());
    const last = operands.at(-1) ?? first;
    return operands.length === 1 ? first : { kind, operands, start: first.start, end: last.end };
  }

  #unary(): Condition {
    const token = this.#peek();
    if (token.kind === "operator" && token.meaning === "not") {
      this.#index += 1;
      const operand = this.#nested(token, () => this.#unary());
      return { kind: "not", operand, start: token.start, end: operand.end };
    }
    if (token.kind !== "(") return this.#comparison();
    this.#index += 1;
    const inner = this.#nested(token, () => this.#junction("or"));
    const close = this.#peek();
    if (close.kind === ")") {
      this.#index += 1;
      return { ...inner, start: token.start, end: close.end };
    }
    if (close.kind === "end") refuse("unmatched-parenthesis", token, "this parenthesis is never closed");
    return this.#refuseLeftover(close);
  }

  #nested(opener: Token, read: () => Condition): Condition {
    if (this.#depth >= CONDITION_DEPTH_MAX) {
      refuse("too-deep", opener, `conditions nest at most ${CONDITION_DEPTH_MAX} parentheses and negations`);
    }
    this.#depth += 1;
    const inner = read();
    this.#depth -= 1;
    return inner;
  }

  #comparison(): Condition {
    const left = this.#operand();
    const token = this.#peek();
    if (token.kind !== "operator" || token.meaning === "and" || token.meaning === "or") return this.#bare(left, token);
    this.#index += 1;
    if (token.meaning !== "not") return this.#rightSide(left, token, token.meaning);
    // `x not Matches "y"`: the word negates the operator that follows it.
    const negated = this.#peek();
    if (negated.kind !== "operator" || !isBinary(negated.meaning)) {
      return refuse("operator-missing", token, `${token.text} needs an operator after it here`, "!=");
    }
    this.#index += 1;
    const operand = this.#rightSide(left, negated, negated.meaning);
    return { kind: "not", operand, start: left.start, end: operand.end };
  }

  #rightSide(left: ConditionOperand, token: Token, operator: BinaryOperator): Condition {
    const next = this.#peek();
    const saysIs = token.kind === "operator" && token.word && operator === "equals" && token.text.length === 2;
    const isNegated = saysIs && next.kind === "operator" && next.meaning === "not" && next.word;
    if (isNegated) this.#index += 1;
    const right = this.#operand();
    this.#checkQuotes(right);
    const span = { start: left.start, end: right.end };
    if (isNegated) return { kind: "comparison", operator: "notEquals", left, right, ...span };
    if (operator === "glob" || operator === "notGlob" || operator === "path" || operator === "regex") {
      const pattern = this.#pattern(right, operator);
      return { kind: "match", operator, left, pattern, patternSpan: { start: right.start, end: right.end }, ...span };
    }
    if (operator === "equalsIgnoreCase") this.#pattern(right, operator);
    return { kind: "comparison", operator, left, right, ...span };
  }

  /** The text of a literal; a variable where a literal must stand is noted, and reading goes on. */
  #pattern(right: ConditionOperand, operator: BinaryOperator): string | null {
    if (right.kind !== "variable") return right.kind === "null" ? null : String(right.value);
    const isNoted = this.#problems.some((problem) => problem.start === right.start);
    if (!isNoted) {
      const message = `the right side of ${CANONICAL[operator]} must be a literal, known when the gateway is built`;
      this.#note("literal-needed", right, message);
    }
    return "";
  }

  /**
   * On the right side single quotes almost always mean a string. A quoted name passes there only if it could not be
   * written without quotes and looks like a variable: dotted, no spaces, no slash.
   */
  #checkQuotes(right: ConditionOperand): void {
    if (right.kind !== "variable" || !right.quoted) return;
    const isVariable = !isPlainName(right.name) && /^[A-Za-z_][^\s/]*\.[^\s/]+$/.test(right.name);
    if (isVariable) return;
    const message = `strings take double quotes; '${right.name}' in single quotes is the name of a variable`;
    this.#note("single-quoted-literal", right, message);
  }

  #operand(): ConditionOperand {
    const token = this.#peek();
    const span = { start: token.start, end: token.end };
    this.#index += 1;
    switch (token.kind) {
      case "name":
        return { kind: "variable", name: token.name, quoted: token.quoted, ...span };
      case "string":
        return { kind: "string", value: token.value, ...span };
      case "number":
        return { kind: "number", value: token.value, type: token.type, ...span };
      case "boolean":
        return { kind: "boolean", value: token.value, ...span };
      case "null":
        return { kind: "null", value: null, ...span };
      case "end":
        return refuse("operand-missing", this.#before(token), "the condition ends where a value or a name is needed");
      case "(":
        return refuse("operand-missing", token, "parentheses hold whole conditions, not values to compare");
      case ")":
        if (this.#depth === 0) return refuse("unmatched-parenthesis", token, "this parenthesis closes nothing");
        return refuse("operand-missing", token, "a value or a name is needed before this parenthesis");
      case "operator": {
        const message = `${token.text} is an operator; a value or a name is needed here`;
        const isName = token.word && !this.#startsOperand(this.#index);
        if (!isName) return refuse("operand-missing", token, message);
        const hint = `${message}, and a variable of that name takes single quotes`;
        return refuse("operator-as-name", token, hint, `'${token.text}'`);
      }
    }
  }

  #startsOperand(index: number): boolean {
    const kind = this.#tokens[index]?.kind;
    return kind !== undefined && kind !== "operator" && kind !== ")" && kind !== "end";
  }

  /** A lone operand: names are tests of their own, true and false are constants, the rest says nothing. */
  #bare(operand: ConditionOperand, next: Token): Condition {
    const { start, end } = operand;
    if (next.kind === "name" && !next.quoted) {
      const meant = meantOperator(next.name);
      const isLast = this.#tokens[this.#index + 1]?.kind === "end";
      if (meant !== undefined || !isLast) {
        const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
        refuse("unknown-operator", next, `${next.name} is not an operator${hint}`, meant);
      }
    }
    if (next.kind !== "end" && next.kind !== ")" && next.kind !== "operator") {
      refuse("operator-missing", next, "an operator is needed between these two");
    }
    if (operand.kind === "variable") return { kind: "truthy", operand, start, end };
    if (operand.kind === "boolean") return { kind: "constant", value: operand.value, start, end };
    return refuse("not-a-condition", operand, "a value alone is neither true nor false; compare it with something");
  }

  #expectEnd(): void {
    const token = this.#peek();
    if (token.kind === "end") return;
    if (token.kind === ")") refuse("unmatched-parenthesis", token, "this parenthesis closes nothing");
    this.#refuseLeftover(token);
  }

  #refuseLeftover(token: Token): never {
    if (token.kind === "operator") {
      const message = `${token.text} cannot follow a whole condition; join conditions with and, or`;
      return refuse("connective-missing", token, message);
    }
    const meant = token.kind === "name" ? meantOperator(token.name) : undefined;
    const isJoin = meant === "And" || meant === "Or";
    return refuse("connective-missing", token, "join two conditions with and, or", isJoin ? meant : undefined);
  }

  #takeOperator(meaning: "and" | "or"): boolean {
    const token = this.#peek();
    if (token.kind !== "operator" || token.meaning !== meaning) return false;
    this.#index += 1;
    return true;
  }

  /** Keeps a mistake that does not hinder reading on: a name where a string was meant. */
  #note(kind: ConditionProblemKind, name: VariableOperand, message: string): void {
    if (this.#problems.length >= CONDITION_PROBLEMS_MAX) return;
    this.#problems.push({ kind, message, start: name.start, end: name.end, suggestion: `"${name.name}"` });
  }

  #peek(): Token {
    const last = this.#text.length;
    return this.#tokens[this.#index] ?? { kind: "end", start: last, end: last };
  }

  /** Where to point when something is missing at the end: at the last thing that is there. */
  #before(token: Token): TextSpan {
    return this.#tokens[this.#index - 2] ?? token;
  }
}

function isBinary(meaning: string): meaning is BinaryOperator {
  return meaning !== "and" && meaning !== "or" && meaning !== "not";
}

function refuse(kind: ConditionProblemKind, where: TextSpan, message: string, suggestion?: string): never {
  const problem = { kind, message, start: where.start, end: where.end };
  throw new Refusal(suggestion === undefined ? problem : { ...problem, suggestion });
}
