/**
 * Chains: the items of a segment as straight-line code in one function, cut into further functions where a step may
 * wait. No chain is an async function: a value goes straight on, a promise continues at the cut.
 */
import type { PlanBody, PlanChoice, PlanFlowName, PlanItem, PlanShared, PlanStep, Segment, When } from "../ir/plan.ts";
import { code, comment, identifier, join, literal, withoutBraces, type Code } from "./code.ts";
import type { Condition } from "#runtime/language/condition.ts";
import { printCondition } from "#runtime/language/condition-print.ts";
import { conditionCode } from "./condition.ts";
import { conditionName } from "./condition-name.ts";
import type { FileWriter } from "./file.ts";
import { stepParts, type StepContext } from "./step.ts";

const X = identifier("x");
/** A wait and what follows it stand on one line up to this length. */
const WAIT_WIDTH_MAX = 96;

/** One way to go on. */
export interface Branch {
  /** What the comment in front of its statements says. */
  readonly title: string;
  readonly when: When;
  readonly items: Segment;
}

/** Writes the chains of one proxy into its file, in one of their two forms. */
export class ChainEmitter {
  readonly #file: FileWriter;
  readonly #context: StepContext;
  readonly #exchange: string;
  readonly #traced: boolean;
  /** How many calls, whose steps stand in their place, are being written. */
  #calls = 0;
  /** Steps whose condition was tested in front of the wait for what they look into. */
  readonly #asked = new WeakSet<PlanStep>();

  constructor(file: FileWriter, context: StepContext, exchange: string, traced: boolean) {
    this.#file = file;
    this.#context = context;
    this.#exchange = exchange;
    this.#traced = traced;
  }

  /**
   * Emits a function for a segment. `next` is called behind its last item; null when nothing follows. Returns the
   * function's name; a segment without items is no function, its name is that of `next`.
   */
  segment(name: string, doc: string | null, items: Segment, next: Code | null, before: readonly Code[] = []): Code {
    const visible = this.#visible(items);
    if (visible.length === 0 && before.length === 0 && next !== null) return next;
    return this.#first(() => this.#function(name, doc, [...before, ...this.#statements(visible, next)]));
  }

  /** Emits a function of given statements. */
  function(name: string, doc: string | null, statements: readonly Code[]): Code {
    return this.#function(name, doc, statements);
  }

  /** Statements that run items in order and then `next`. */
  statements(items: Segment, next: Code | null): Code[] {
    return this.#statements(this.#visible(items), next);
  }

  /**
   * Puts the function that `emit` adds last in front of those that it added before: callers stand above what they call.
   */
  #first(emit: () => Code): Code {
    const { functions } = this.#file;
    const mark = functions.length;
    const name = emit();
    const last = functions.at(-1);
    if (last === undefined || last.name !== name.text || functions.length === mark) return name;
    functions.pop();
    functions.splice(mark, 0, last);
    return name;
  }

  #function(name: string, doc: string | null, statements: readonly Code[]): Code {
    const maybe = this.#file.type("maybe.ts", "Maybe");
    const parameters = [{ name: "x", type: this.#exchange }];
    const declare = () => {
      const unique = this.#file.names.camel(this.#traced ? `traced ${name}` : name);
      return { name: unique, doc, isExported: false, parameters, returns: `${maybe}<void>`, statements };
    };
    return identifier(this.#file.function(this.#exchange, declare, statements));
  }

  /** Items that leave something in this form: folded steps only in the traced one. */
  #visible(items: Segment): readonly PlanItem[] {
    return items.filter((item) => {
      if (item.kind === "flow-name") return this.#announce(item, undefined).length > 0;
      return this.#traced || item.kind !== "step" || item.skipped === null;
    });
  }

  #statements(items: readonly PlanItem[], next: Code | null): Code[] {
    const [item, ...rest] = items;
    if (item === undefined) return next === null ? [] : [code`return ${next}(${X});`];
    switch (item.kind) {
      case "flow-name":
        return [...this.#announce(item, rest[0]), ...this.#statements(rest, next)];
      case "shared":
        return [this.#shared(item), ...this.#statements(rest, next)];
      case "choice":
        return this.#choice(item, rest, next);
      case "body": {
        const after = this.#cut(`${item.body} body`, rest, next);
        return this.#read(item, after);
      }
      case "step":
        return this.#step(item, rest, next);
    }
  }

  /** Statements that end with a wait for a body. */
  #read({ body, why }: PlanBody, after: Code | null): Code[] {
    const wait = this.#bodyWait(body);
    const title = comment(`Reads ${body === "form" ? "the form" : "the body"} for ${why}.`);
    return [title, after === null ? code`return ${wait};` : this.#onward(wait, code`${after}(${X})`)];
  }

  /** Emits a function that reads a body and goes on with `next`. */
  reading(name: string, wait: PlanBody, next: Code): Code {
    return this.#function(name, null, this.#read(wait, next));
  }

  /** What reads a body into memory, and is done at once where that has happened. */
  #bodyWait(body: PlanBody["body"]): Code {
    const readers = { request: "requestBody", form: "requestForm", response: "responseBody" } as const;
    return code`${this.#file.symbol(readers[body])}(${X})`;
  }

  /** What variables say of the flow that begins; nothing when another begins at once, because it has nothing to do. */
  #announce({ sets }: PlanFlowName, behind: PlanItem | undefined): Code[] {
    const after = behind?.kind === "flow-name" ? behind.sets.map(({ variable }) => variable) : [];
    if (sets.every(({ variable }) => after.includes(variable))) return [];
    const scope = this.#context.scope(this.#kind);
    return sets.map(({ variable, value }) =>
      variable === "current.flow.name"
        ? code`${X}.flow = ${value};`
        : scope.write(variable, code`${value}`, "")).filter((statement) => statement.text !== "");
  }

  /** What follows an item that may wait: a function of its own, or `next` itself when nothing stands between. */
  #cut(after: string, rest: readonly PlanItem[], next: Code | null): Code | null {
    if (rest.length === 0) return next;
    return this.#first(() => this.#function(`after ${after}`, null, this.#statements(rest, next)));
  }

  #choice(choice: PlanChoice, rest: readonly PlanItem[], next: Code | null): Code[] {
    const branches = choice.branches.map(({ name, when, items }) => ({ title: `Flow ${name}`, when, items }));
    const isPlain = !branches.some((branch) => this.#waits(this.#visible(branch.items)));
    if (isPlain) return [...this.choose(branches, null), ...this.#statements(rest, next)];
    return this.choose(branches, this.#cut("flows", rest, next));
  }

  /** Statements that run the first branch whose condition holds, or none, and then `next`. */
  choose(branches: readonly Branch[], next: Code | null): Code[] {
    const visible = branches.map((branch) => ({ ...branch, items: this.#visible(branch.items) }));
    // Nothing behind an unconditional branch is reached, and empty branches at the end change nothing.
    const ended = visible.findIndex((branch) => branch.when.kind === "always");
    const reached = ended < 0 ? visible : visible.slice(0, ended + 1);
    const used = reached.slice(0, reached.findLastIndex((branch) => branch.items.length > 0) + 1);
    const onward = next === null ? [] : [code`return ${next}(${X});`];
    if (used.length === 0) return onward;
    if (!used.some((branch) => this.#waits(branch.items))) {
      const chain = used.map(({ title, when, items }) => ({
        test: this.#test(when),
        body: [comment(title), ...this.#statements(items, null)],
      }));
      return [ifElse(chain), ...onward];
    }
    const statements: Code[] = [];
    for (const [at, { title, when, items }] of used.entries()) {
      const body = [comment(title), ...this.#statements(items, next)];
      const test = this.#test(when);
      if (test === null) return [...statements, ...body];
      const isLast = at === used.length - 1;
      statements.push(block(test, next !== null || isLast || this.#returns(items) ? body : [...body, code`return;`]));
    }
    return [...statements, ...onward];
  }

  #test(when: When): Code | null {
    if (when.kind === "never") return literal(false);
    if (when.kind !== "test") return null;
    const scope = this.#context.scope(this.#kind);
    const { ast, shared } = when;
    if (shared === undefined) return conditionCode(ast, scope);
    const named = (part: Condition): Code | null => {
      const decision = shared.get(printCondition(part));
      return decision === undefined ? null : this.#nameOf(decision);
    };
    return conditionCode(ast, { ...scope, shared: named });
  }

  /** A condition that is decided once, as a constant of the function. */
  #shared(decision: PlanShared): Code {
    return code`const ${this.#nameOf(decision)} = ${conditionCode(decision.ast, this.#context.scope(this.#kind))};`;
  }

  #nameOf({ ast, others }: PlanShared): Code {
    const value = conditionCode(ast, this.#context.scope(this.#kind));
    return identifier(this.#file.local(conditionName(ast), value, others));
  }

  /** True when the statements of these items, with nothing behind them, end with a return or a fault. */
  #returns(items: readonly PlanItem[]): boolean {
    const last = items.at(-1);
    if (last?.kind === "body") return true;
    if (last?.kind !== "step" || last.skipped !== null || last.when.kind !== "always") return false;
    if (last.body !== null) {
      const body = this.#visible(last.body);
      // A call that carries on from faults goes on behind them, and returns only to wait.
      return last.step.policy.continueOnError ? this.#waits(body) : this.#returns(body);
    }
    return last.timing !== "sync" || endsFlow(last);
  }

  #kind: "request" | "response" = "request";

  /** Says which message the following segments work on. */
  direction(kind: "request" | "response"): this {
    this.#kind = kind;
    return this;
  }

  #waits(items: readonly PlanItem[]): boolean {
    return items.some((item) => {
      if (item.kind === "flow-name" || item.kind === "shared") return false;
      if (item.kind === "body") return true;
      if (item.kind === "choice") return item.branches.some((branch) => this.#waits(this.#visible(branch.items)));
      if (item.skipped !== null) return false;
      if (item.timing !== "sync" || item.waits.length > 0) return true;
      return item.body !== null && this.#waits(this.#visible(item.body));
    });
  }

  #step(item: PlanStep, rest: readonly PlanItem[], next: Code | null): Code[] {
    const { policy } = item.step;
    const title = comment(`${policy.name} · ${policy.model.kind} · ${policy.file}`);
    if (item.skipped !== null) {
      const folded = code`${this.#file.symbol("traceFolded")}(${X}, ${item.index});`;
      return [comment(`${policy.name} never runs: ${item.skipped}`), folded, ...this.#statements(rest, next)];
    }
    if (item.waits.length > 0) return this.#readingStep(item, rest, next);
    const test = this.#test(item.when);
    if (item.body !== null) return this.#callout(item, title, test, rest, next);
    const { lines, wait } = stepParts(item, this.#kind, this.#file, this.#context);
    if (endsFlow(item)) return [title, ...(this.#traced ? [this.#begin(item)] : []), ...this.#last(lines, rest)];
    if (wait === null && lines.length === 0 && !this.#traced) {
      return [comment(`${policy.name} writes only what nobody reads.`), ...this.#statements(rest, next)];
    }
    if (wait === null) return this.#syncStep(item, [title], lines, test, rest, next);
    return this.#maybeStep(item, title, lines, wait, test, rest, next);
  }

  /** A fault that is always raised; what stands behind it is dropped, and its block needs no braces then. */
  #last(lines: readonly Code[], rest: readonly PlanItem[]): readonly Code[] {
    if (!this.#file.optimisations.has("drop-steps")) return [...lines, ...this.#statements(rest, null)];
    // Behind a call stands what may hold the same names.
    return lines.map((line) => (lines.length === 1 && this.#calls === 0 ? withoutBraces(line) : line));
  }

  /** A step under a condition, whose body is read only where that holds: the step stands in a function of its own. */
  #readingStep(item: PlanStep, rest: readonly PlanItem[], next: Code | null): Code[] {
    const { policy } = item.step;
    const [wait, ...waits] = item.waits;
    const after = this.#cut(policy.name, rest, next);
    const asked: PlanStep = { ...item, waits, when: { kind: "always" } };
    if (item.when.kind === "test" || this.#asked.has(item)) this.#asked.add(asked);
    const inner = this.#first(() => this.#function(policy.name, null, this.#step(asked, [], after)));
    const reading = wait === undefined ? [] : this.#read(wait, inner);
    const test = this.#test(item.when);
    const onward = after === null ? [] : [code`return ${after}(${X});`];
    return test === null ? reading : [block(test, reading), ...this.#skip(item), ...onward];
  }

  #syncStep(
    item: PlanStep,
    title: readonly Code[],
    lines: readonly Code[],
    test: Code | null,
    rest: readonly PlanItem[],
    next: Code | null,
  ): Code[] {
    const { policy } = item.step;
    const guarded = policy.continueOnError ? [tryStep(lines, code`${this.#file.symbol("carryOn")}(${X}, error, ${policy.name});`)] : lines;
    if (!this.#traced) {
      const body = test === null ? guarded : [block(test, guarded)];
      return [...title, ...body, ...this.#statements(rest, next)];
    }
    const raises = policy.model.kind === "RaiseFault" && !policy.continueOnError;
    const recorded = [this.#begin(item), ...guarded, ...(raises ? [] : [this.#end()])];
    if (test === null) return [...title, ...recorded, ...this.#statements(rest, next)];
    const body = ifElse([{ test, body: recorded }, { test: null, body: this.#skip(item) }]);
    return [...title, body, ...this.#statements(rest, next)];
  }

  #maybeStep(
    item: PlanStep,
    title: Code,
    lines: readonly Code[],
    wait: Code,
    test: Code | null,
    rest: readonly PlanItem[],
    next: Code | null,
  ): Code[] {
    const { policy } = item.step;
    const after = this.#cut(policy.name, rest, next);
    const whole = policy.continueOnError
      ? code`${this.#file.symbol("carryOnLater")}(${X}, ${policy.name}, () => ${arrowBody(lines, wait)})`
      : wait;
    const before = policy.continueOnError ? [] : lines;
    const body = [...(this.#traced ? [this.#begin(item)] : []), ...before, this.#await(whole, after)];
    if (test === null) return [title, ...body];
    const onward = after === null ? [] : [code`return ${after}(${X});`];
    return [title, block(test, body), ...this.#skip(item), ...onward];
  }

  /** `return` a wait and what follows it. */
  #await(wait: Code, after: Code | null): Code {
    if (this.#traced) {
      return this.#onward(wait, braces(after === null ? [this.#end()] : [this.#end(), code`return ${after}(${X});`]));
    }
    return after === null ? code`return ${wait};` : this.#onward(wait, code`${after}(${X})`);
  }

  /** The cut: waits where there is something to wait for, and goes on. */
  #onward(wait: Code, then: Code): Code {
    const name = this.#file.symbol("andThen");
    if (wait.text.length + then.text.length <= WAIT_WIDTH_MAX) return code`return ${name}(${wait}, () => ${then});`;
    return code`return ${name}(\n${wait},\n() => ${then},\n);`;
  }

  /** A call of a shared flow, whose steps stand in its place. */
  #callout(item: PlanStep, title: Code, test: Code | null, rest: readonly PlanItem[], next: Code | null): Code[] {
    const { policy } = item.step;
    const { lines } = stepParts(item, this.#kind, this.#file, this.#context);
    const body = this.#visible(item.body ?? []);
    const trace = this.#traced ? [this.#begin(item), this.#end()] : [];
    if (!this.#waits(body)) {
      this.#calls++;
      const steps = [...trace, ...lines, ...this.#statements(body, null)];
      this.#calls--;
      const carried = code`${this.#file.symbol("carryOn")}(${X}, error, ${policy.name});`;
      const inner = policy.continueOnError && steps.length > 0 ? [tryStep(steps, carried)] : steps;
      const skip = this.#skip(item);
      const whole = test === null ? inner : [ifElse([{ test, body: inner }, ...(skip.length === 0 ? [] : [{ test: null, body: skip }])])];
      return [title, ...whole, ...this.#statements(rest, next)];
    }
    const after = this.#cut(policy.name, rest, next);
    const onward = after === null ? [] : [code`return ${after}(${X});`];
    let inner = [...trace, ...lines, ...this.#statements(body, after)];
    if (policy.continueOnError) {
      const steps = this.#first(() => this.#function(policy.name, null, [...lines, ...this.#statements(body, null)]));
      const carried = code`${this.#file.symbol("carryOnLater")}(${X}, ${policy.name}, () => ${steps}(${X}))`;
      inner = [...trace, after === null ? code`return ${carried};` : this.#onward(carried, code`${after}(${X})`)];
    }
    if (test === null) return [title, ...inner];
    const isOpen = after === null && this.#traced && !policy.continueOnError && !this.#returns(body);
    return [title, block(test, isOpen ? [...inner, code`return;`] : inner), ...this.#skip(item), ...onward];
  }

  /** Records that a step begins; statements of the traced form only, like the next two. */
  #begin(item: PlanStep): Code {
    this.#context.traced?.note(item, this.#kind);
    const hasCondition = item.when.kind === "test" || this.#asked.has(item);
    return code`${this.#file.symbol("traceStep")}(${X}, ${item.index}, ${hasCondition ? true : null});`;
  }

  #end(): Code {
    return code`${this.#file.symbol("traceEnd")}(${X});`;
  }

  #skip(item: PlanStep): Code[] {
    if (!this.#traced) return [];
    this.#context.traced?.note(item, this.#kind);
    return [code`${this.#file.symbol("traceSkipped")}(${X}, ${item.index});`];
  }
}

/** True for a step behind which its flow never goes on. */
function endsFlow(item: PlanStep): boolean {
  const { policy } = item.step;
  return policy.model.kind === "RaiseFault" && item.when.kind === "always" && !policy.continueOnError;
}

/** `if (test) { body }`. */
export function block(test: Code, body: readonly Code[]): Code {
  return code`if (${test}) ${braces(body)}`;
}

/** Statements in braces, each on its own line. */
function braces(body: readonly Code[]): Code {
  const [only] = body;
  // A statement that is a block itself needs no second pair.
  if (only !== undefined && body.length === 1 && only.text.startsWith("{\n")) return only;
  return code`{\n${join(body, "\n")}\n}`;
}

/** `if … else if … else …`; a branch without a test ends the chain. */
function ifElse(branches: readonly { readonly test: Code | null; readonly body: readonly Code[] }[]): Code {
  const [first, ...others] = branches;
  if (first === undefined) return code``;
  if (first.test === null) return join(first.body, "\n");
  const rest = ifElse(others);
  const head = block(first.test, first.body);
  if (others.length === 0) return head;
  const [second] = others;
  return second?.test === null ? code`${head} else ${braces(second.body)}` : code`${head} else ${rest}`;
}

function tryStep(lines: readonly Code[], caught: Code): Code {
  return code`try ${braces(lines)} catch (error) ${braces([caught])}`;
}

function arrowBody(lines: readonly Code[], wait: Code): Code {
  return lines.length === 0 ? wait : braces([...lines, code`return ${wait};`]);
}
