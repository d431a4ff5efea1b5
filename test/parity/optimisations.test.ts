/** A canary for each optimisation: a wrong variant of what it does is noticed by the parity suite. */
import { describe, expect, it } from "vitest";
import type { Value } from "#runtime/language/operators.ts";
import { shareConditions } from "#compiler/4-analyze/optimise/share-conditions.ts";
import { propagateConstants } from "#compiler/4-analyze/optimise/propagate-constants.ts";
import type { Plan, PlanItem, PlanStep, ProxyPlan, RulesPlan, When } from "#compiler/ir/plan.ts";
import { optimisationNames, type Optimisation } from "#compiler/optimisations.ts";
import { ALL_ON, verdictOf, type Tampering } from "./parity.ts";
import { readCase } from "./read-case.ts";
import { runSuite } from "./suite.ts";

const wrong: Readonly<Record<Exclude<Optimisation, "fold-lookups">, Tampering>> = {
  // Decides what is not known: a comparison with a header.
  "fold-conditions": {
    off: ["fold-conditions"],
    plan: (plan) => withSteps(plan, (step) => ({ ...step, when: held(step.when) })),
  },
  // Takes a literal to stay when another value is written.
  "propagate-constants": {
    off: ["propagate-constants"],
    plan: (plan) => ({ ...plan, proxies: plan.proxies.map((proxy) => propagateConstants(proxy, { facts: new Map(), folds: true, assign: forgetful })) }),
  },
  // Drops what only may not run.
  "drop-steps": {
    off: ["drop-steps"],
    plan: (plan) => withSteps(plan, (step) => (step.when.kind === "test" ? { ...step, skipped: "wrong" } : step)),
  },
  // Drops a variable that is read.
  "drop-variables": { emitted: (text) => text.replace(/x\.v1 = .*;/g, "") },
  // Believes that nothing is ever written.
  "share-conditions": {
    off: ["share-conditions"],
    plan: (plan) => ({ ...plan, proxies: plan.proxies.map((proxy) => shareConditions(proxy, () => false)) }),
  },
  // Forgets the upper case of constant texts.
  "fold-templates": { emitted: (text) => text.replace(/\bX1\b|\/ROOMS|\bTRUE\b|\bAB\b/g, (found) => found.toLowerCase()) },
  // Waits for nothing at all.
  "straight-chains": {
    off: ["straight-chains"],
    plan: (plan) => withSteps(plan, (step) => ({ ...step, timing: "sync" })),
  },
  // Takes two expressions for one.
  "share-matchers": { emitted: (text) => text.replace(/\b(REGEX|PATTERN)[2-9]\b(?! =)/g, "$1") },
  // Takes two functions for one.
  "merge-functions": { emitted: (text) => text.replace(/\bafterFlows\d\(x\)/g, "afterFlows(x)") },
};

/** What is written is overlooked where it is not known. */
function forgetful(state: ReadonlyMap<string, Value>, name: string, text: string | undefined): ReadonlyMap<string, Value> {
  return text === undefined ? state : new Map([...state, [name, text]]);
}

describe("a wrong variant", () => {
  const names = optimisationNames.filter((name) => name !== "fold-lookups");

  it.each(names)("of %s is noticed", { timeout: 60_000 }, async (name) => {
    const options = { seed: 1, cases: 16_000, requestsPerProject: 40, switchSets: 0, shrinkMsMax: 0 };
    const { difference } = await runSuite({ ...options, tampering: wrong[name] });
    expect(difference).toMatch(/differs in the (plain|traced|late) form/);
  });

  // Random projects have no property sets; a case written by hand does.
  it("of fold-lookups is noticed", async () => {
    const one = readCase("property-sets.json");
    // Takes what one environment says to be what all of them do.
    const tampering: Tampering = { emitted: (text) => text.replace(/test: "small"/g, 'test: "large"') };
    expect((await verdictOf(one, tampering)).kind).toBe("different");
    const verdict = await verdictOf(one, {}, [ALL_ON, { title: "without it", off: ["fold-lookups"] }]);
    expect(verdict).toMatchObject({ kind: "same", changed: ["without it"] });
  });
});

/** A test of a header, decided without looking. */
function held(when: When): When {
  const isOfHeader = when.kind === "test" && JSON.stringify(when.ast).includes("request.header");
  return isOfHeader ? { kind: "always" } : when;
}

/** The plan with every step changed. */
function withSteps(plan: Plan, change: (step: PlanStep) => PlanStep): Plan {
  const items = (list: readonly PlanItem[]): readonly PlanItem[] =>
    list.map((item): PlanItem => {
      if (item.kind !== "step" && item.kind !== "choice") return item;
      if (item.kind === "choice") return { ...item, branches: item.branches.map((one) => ({ ...one, items: items(one.items) })) };
      return change({ ...item, body: item.body === null ? null : items(item.body) });
    });
  const rules = ({ waits, rules: all, otherwise }: RulesPlan): RulesPlan => ({
    waits,
    rules: all.map((rule) => ({ ...rule, items: items(rule.items) })),
    otherwise: otherwise === null ? null : { ...otherwise, items: items(otherwise.items) },
  });
  const flows = <T extends Pick<ProxyPlan["targets"][number], "request" | "response" | "faults">>(one: T): T => ({
    ...one,
    request: items(one.request),
    response: items(one.response),
    faults: rules(one.faults),
  });
  const proxies = plan.proxies.map((proxy) => ({
    ...proxy,
    endpoints: proxy.endpoints.map(flows),
    targets: proxy.targets.map(flows),
  }));
  return { ...plan, proxies };
}
