/**
 * `share-conditions`: a condition, or a part of one, that several steps or flows of a chain ask is decided once, where
 * nothing between them can change what it reads and nothing waits. It is decided where it would have been decided
 * anyway: it leads the first of those conditions. Conditions over what policies find out are left alone.
 */
import { conditionVariables, type Condition } from "#runtime/language/condition.ts";
import { printCondition } from "#runtime/language/condition-print.ts";
import { flowVariable } from "../../flow-variable.ts";
import type { PlanItem, PlanShared, PlanStep, ProxyPlan, Segment, When } from "../../ir/plan.ts";
import { changesOf, type Changes } from "./changes.ts";
import { stepsIn, withSegments } from "./walk.ts";

/** True when steps may have changed what a variable holds. A canary takes another view. */
export type Disturbs = (changes: Changes, variable: string) => boolean;

/** The plan with shared conditions in front of the first item that asks them. */
export function shareConditions(plan: ProxyPlan, disturbs?: Disturbs): ProxyPlan {
  const policies = new Set(plan.policies.map(({ name }) => name));
  const kindOf = (name: string) => flowVariable(name, (policy) => policies.has(policy));
  const sharing = new Sharing(kindOf, disturbs ?? ((changes, name) => changes.touches(kindOf(name))));
  return withSegments(plan, (items) => sharing.segment(items));
}

/** A part of conditions, from the item where it may be decided to the last one that asks it. */
interface Window {
  readonly text: string;
  readonly ast: Condition;
  readonly first: number;
  readonly asked: Set<When>;
}

class Sharing {
  readonly #kindOf: (name: string) => ReturnType<typeof flowVariable>;
  readonly #disturbs: Disturbs;
  /** How often the segment decides a condition, as printed. All of it may come to stand in one block. */
  #decisions = new Map<string, number>();

  constructor(kindOf: (name: string) => ReturnType<typeof flowVariable>, disturbs: Disturbs) {
    this.#kindOf = kindOf;
    this.#disturbs = disturbs;
  }

  segment(items: Segment): Segment {
    this.#decisions = new Map();
    return this.#list(items);
  }

  #list(items: Segment): Segment {
    const windows = withoutParts(this.#windows(items).filter(({ asked }) => asked.size > 1));
    const decided = windows.map((window) => ({ ...window, decision: this.#decision(window) }));
    return items.flatMap((item, at) => [
      ...decided.filter(({ first }) => first === at).map(({ decision }) => decision),
      asking(this.#inside(item), decided),
    ]);
  }

  #decision({ text, ast }: Window): PlanShared {
    const others = this.#decisions.get(text) ?? 0;
    this.#decisions.set(text, others + 1);
    return { kind: "shared", ast, others };
  }

  #inside(item: PlanItem): PlanItem {
    if (item.kind === "choice") {
      return { ...item, branches: item.branches.map((branch) => ({ ...branch, items: this.#list(branch.items) })) };
    }
    return item.kind === "step" && item.body !== null ? { ...item, body: this.#list(item.body) } : item;
  }

  #windows(items: Segment): readonly Window[] {
    const all: Window[] = [];
    let open = new Map<string, Window>();
    for (const [at, item] of items.entries()) {
      for (const [place, when] of whensOf(item).entries()) {
        for (const { ast, leads } of when.kind === "test" ? partsOf(when.ast, place === 0) : []) {
          const text = printCondition(ast);
          const window = open.get(text);
          if (window !== undefined) window.asked.add(when);
          else if (leads && this.#isSteady(ast)) {
            const opened = { text, ast, first: at, asked: new Set([when]) };
            all.push(opened);
            open.set(text, opened);
          }
        }
      }
      open = new Map([...open].filter(([, { ast }]) => this.#survives(ast, item)));
    }
    return all;
  }

  /** True when only writes of steps change what a condition reads. */
  #isSteady(ast: Condition): boolean {
    return conditionVariables(ast).every((name) => {
      const variable = this.#kindOf(name);
      switch (variable.kind) {
        case "custom":
        case "header":
        case "headers":
        case "queryParam":
        case "queryParams":
          return true;
        case "start-line":
          return ["verb", "path", "uri", "querystring", "status"].includes(variable.what);
        case "builtin":
          return FIXED.includes(variable.id);
        default:
          return false;
      }
    });
  }

  #survives(ast: Condition, item: PlanItem): boolean {
    const steps = stepsIn([item]);
    if (waitsIn(item) || steps.some(({ timing, waits }) => timing !== "sync" || waits.length > 0)) return false;
    const changes = changesOf(steps);
    return !conditionVariables(ast).some((name) => this.#disturbs(changes, name));
  }
}

/** True where a body is waited for. */
function waitsIn(item: PlanItem): boolean {
  if (item.kind === "choice") return item.branches.some(({ items }) => items.some(waitsIn));
  return item.kind === "body" || (item.kind === "step" && (item.body ?? []).some(waitsIn));
}

/** Builtins that an exchange has from its beginning on. */
const FIXED: readonly string[] = [
  "organization.name", "environment.name", "apiproxy.name", "proxy.name", "proxy.basepath", "proxy.pathsuffix",
];

function whensOf(item: PlanItem): readonly When[] {
  if (item.kind === "choice") return item.branches.map(({ when }) => when);
  return item.kind === "step" && item.skipped === null ? [item.when] : [];
}

/** A condition and its parts. `leads`: decided whenever the condition is. */
function partsOf(ast: Condition, leads: boolean): readonly { readonly ast: Condition; readonly leads: boolean }[] {
  if (ast.kind === "constant") return [];
  if (ast.kind === "not") return partsOf(ast.operand, leads);
  const parts = ast.kind === "and" || ast.kind === "or" ? ast.operands : [];
  return [{ ast, leads }, ...parts.flatMap((part, at) => partsOf(part, leads && at === 0))];
}

/** A window with the item that decides it. */
interface Decided extends Window {
  readonly decision: PlanShared;
}

/** A part that only larger shared parts ask needs no name of its own. */
function withoutParts(windows: readonly Window[]): readonly Window[] {
  return windows.filter((window) => !windows.some((other) =>
    other !== window && other.text.length > window.text.length && other.text.includes(window.text)
    && [...window.asked].every((when) => other.asked.has(when))));
}

function asking<T extends PlanItem>(item: T, decided: readonly Decided[]): PlanItem {
  const asked = (when: When): When => {
    const asks = decided.filter((window) => window.asked.has(when));
    const shared = asks.map(({ text, decision }) => [text, decision] as const);
    return when.kind === "test" && shared.length > 0 ? { ...when, shared: new Map(shared) } : when;
  };
  if (item.kind === "choice") {
    return { ...item, branches: item.branches.map((branch) => ({ ...branch, when: asked(branch.when) })) };
  }
  return item.kind === "step" ? ({ ...item, when: asked(item.when) } satisfies PlanStep) : item;
}
