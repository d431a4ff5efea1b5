/**
 * Where chains need a body in memory: in front of the first item that looks into it, and nowhere else. A body that
 * nobody looks into streams by.
 */
import { conditionVariables } from "#runtime/language/condition.ts";
import { bodyOf, type FlowMessage, type FlowVariable } from "../flow-variable.ts";
import type { Body, BodyLook, PlanBody, PlanItem, RulesPlan, Segment, When } from "../ir/plan.ts";

/** What the message of a segment is. */
export type Direction = "request" | "response";

/** Knows what the variables of one proxy mean. */
export class BodyPlacement {
  readonly #variable: (name: string) => FlowVariable;

  constructor(variable: (name: string) => FlowVariable) {
    this.#variable = variable;
  }

  /** The bodies that variables are parts of, each once. */
  looks(names: readonly string[], direction: Direction, who: string): readonly BodyLook[] {
    const looks = new Map<Body, BodyLook>();
    for (const name of names) {
      const need = bodyOf(this.#variable(name));
      if (need === null) continue;
      const body = bodyNamed(need.message, direction);
      // There is no response yet.
      if (direction === "request" && body === "response") continue;
      const found = need.form && body === "request" ? "form" : body;
      if (!looks.has(found)) looks.set(found, { body: found, why: `${name} in ${who}` });
    }
    if (looks.has("request")) looks.delete("form");
    return [...looks.values()];
  }

  /** A segment with the places where bodies are read. `late`: what is looked at behind its end. */
  place(segment: Segment, direction: Direction, late: readonly BodyLook[] = []): Segment {
    const walk = new Walk(this, direction, new Set());
    return [...walk.items(segment), ...walk.take(late)];
  }

  /** The same for fault rules, each of which may be the first to look. */
  rules(rules: Omit<RulesPlan, "waits">): RulesPlan {
    const walk = new Walk(this, "response", new Set());
    const last = rules.otherwise === null ? [] : [{ ...rules.otherwise, name: "default" }];
    const looks = [...rules.rules, ...last].flatMap(({ name, when }) => this.ofWhen(when, "response", `fault rule ${name}`));
    const waits = walk.take(looks);
    const { otherwise } = rules;
    return {
      waits,
      rules: rules.rules.map((rule) => ({ ...rule, items: walk.branch().items(rule.items) })),
      // It may run behind a rule that did not look.
      otherwise: otherwise === null ? null : { ...otherwise, items: walk.branch().items(otherwise.items) },
    };
  }

  /** What a segment of responses, or fault rules, still want of the request's body, which has left by then. */
  late(items: readonly PlanItem[]): readonly BodyLook[] {
    return this.all(items).filter(({ body }) => body !== "response");
  }

  /** Every place of these items where a body is read. */
  all(items: readonly PlanItem[]): readonly BodyLook[] {
    return items.flatMap((item): readonly BodyLook[] => {
      switch (item.kind) {
        case "flow-name":
        case "shared":
          return [];
        case "body":
          return [{ body: item.body, why: item.why }];
        case "choice":
          return item.branches.flatMap(({ items: inner }) => this.all(inner));
        case "step":
          return [...this.all(item.waits), ...this.all(item.body ?? [])];
      }
    });
  }

  /** What a condition looks into. */
  ofWhen(when: When, direction: Direction, who: string): readonly BodyLook[] {
    if (when.kind !== "test") return [];
    return this.looks(when.decidedBy ?? conditionVariables(when.ast), direction, who);
  }
}

/** Goes through items in order and knows what is in memory by then. */
class Walk {
  readonly #placement: BodyPlacement;
  readonly #direction: Direction;
  #held: Set<Body>;

  constructor(placement: BodyPlacement, direction: Direction, held: Set<Body>) {
    this.#placement = placement;
    this.#direction = direction;
    this.#held = held;
  }

  /** Another way from here. */
  branch(): Walk {
    return new Walk(this.#placement, this.#direction, new Set(this.#held));
  }

  /** What has to be read for these looks; afterwards it is in memory. */
  take(looks: readonly BodyLook[]): PlanBody[] {
    return looks.flatMap((look): PlanBody[] => {
      if (this.#held.has(look.body) || (look.body === "form" && this.#held.has("request"))) return [];
      this.#held.add(look.body);
      return [{ kind: "body", ...look }];
    });
  }

  items(items: readonly PlanItem[]): PlanItem[] {
    return items.flatMap((item): PlanItem[] => {
      switch (item.kind) {
        case "flow-name":
        case "shared":
        case "body":
          return [item];
        case "choice": {
          const { branches } = item;
          const ofWhen = (when: When, name: string) => this.#placement.ofWhen(when, this.#direction, `flow ${name}`);
          const before = this.take(branches.flatMap(({ name, when }) => ofWhen(when, name)));
          const walked = branches.map((branch) => {
            const walk = this.branch();
            return { walk, branch: { ...branch, items: walk.items(branch.items) } };
          });
          // Behind a choice that always takes a branch, what all of them hold is held.
          const isTaken = branches.some(({ when }) => when.kind === "always");
          const [first = this, ...others] = walked.map(({ walk }) => walk);
          if (isTaken) this.#held = first.#held;
          for (const other of isTaken ? others : []) {
            for (const body of this.#held) if (!other.#held.has(body)) this.#held.delete(body);
          }
          return [...before, { ...item, branches: walked.map(({ branch }) => branch) }];
        }
        case "step": {
          if (item.skipped !== null) return [item];
          const who = `the condition of ${item.step.policy.name}`;
          const before = this.take(this.#placement.ofWhen(item.when, this.#direction, who));
          if (item.when.kind === "always") before.push(...this.take(item.looks));
          const inner = item.when.kind === "always" ? this : this.branch();
          const waits = inner.take(item.looks);
          if (item.body === null) return [...before, { ...item, waits }];
          // A call that is carried on from may have ended before its last step: its steps' reads count only among them.
          const among = item.step.policy.continueOnError ? inner.branch() : inner;
          return [...before, { ...item, waits, body: among.items(item.body) }];
        }
      }
    });
  }
}

function bodyNamed(message: FlowMessage, direction: Direction): "request" | "response" {
  return message === "request" || (message === "message" && direction === "request") ? "request" : "response";
}
