/**
 * Compiled behaviour equals interpreted behaviour: random valid projects against random requests, every form of the
 * compiled program beside the oracle. PARITY_CASES and PARITY_SEED make a run longer and repeatable; a seed that
 * failed becomes a file in cases/.
 */
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { operators, type OperatorName, type Operators } from "./oracle/operators.ts";
import { CASES_FOLDER, readCase } from "./read-case.ts";
import { ALL_ON, report, SWITCHES, verdictOf, type Tampering } from "./parity.ts";
import { runSuite } from "./suite.ts";

const CASES = Number(process.env["PARITY_CASES"] ?? 2_400);
const SEED = Number(process.env["PARITY_SEED"] ?? 20_300_101);
/** Sets of switches for each project; in long runs every one. */
const SWITCH_SETS = Number(process.env["PARITY_SWITCHES"] ?? (CASES > 10_000 ? SWITCHES.length : 2));
const REQUESTS_PER_PROJECT = 150;
/** A long run takes 5 to 10 ms for each case with every set of switches, several times that beside other work. */
const TIMEOUT_MS = 60_000 + CASES * 100;

describe("random projects", () => {
  it(`behave as the oracle says (seed ${SEED}, ${CASES} cases)`, { timeout: TIMEOUT_MS }, async () => {
    const startMs = performance.now();
    const suite = { seed: SEED, cases: CASES, requestsPerProject: REQUESTS_PER_PROJECT, switchSets: SWITCH_SETS, shrinkMsMax: 30_000 };
    const { cases, projects, invalid, seen, difference } = await runSuite(suite);
    const perSecond = Math.round((cases * 1_000) / (performance.now() - startMs));
    const speed = `${cases} cases in ${projects} projects, ${perSecond} cases per second`;
    process.stdout.write(`parity: seed ${SEED}, ${speed}\n`);
    if (difference !== null) expect.fail(difference);
    // What the suite is about must have happened, or it says nothing.
    for (const what of ["routed", "unrouted", "sent", "session", "session with a credential",
      "answered by the gateway", "changed events", "broken stream"]) {
      expect(seen.get(what) ?? 0, what).toBeGreaterThan(0);
    }
    // Random projects have no property sets, so that nothing of them is folded.
    const others = SWITCHES.filter(({ off }) => off.join() !== "fold-lookups");
    for (const { title } of others) expect(seen.get(title) ?? 0, `other programs ${title}`).toBeGreaterThan(0);
    const faults = [...seen.keys()].filter((what) => what.startsWith("fault "));
    expect(faults.length).toBeGreaterThanOrEqual(12);
    expect(invalid).toBeLessThan(projects / 2);
  });
});

describe("canary", () => {
  // Cells of the null table, and rules of single operators.
  const wrong: readonly [OperatorName, Partial<Operators[OperatorName]>][] = [
    ["less", { leftNull: false }],
    ["notEquals", { leftNull: false }],
    ["lessOrEqual", { leftNull: false }],
    ["greaterOrEqual", { rightNull: false }],
    ["notGlob", { leftNull: false }],
    ["path", { compare: (value, pattern) => value === pattern }],
    ["regex", { compare: (value, pattern) => new RegExp(String(pattern).replace("(?i)", "")).test(String(value)) }],
  ];

  it.each(wrong)("a wrong %s in the oracle is noticed", { timeout: TIMEOUT_MS }, async (name, part) => {
    const table: Operators = { ...operators, [name]: { ...operators[name], ...part } };
    expect(await differenceOf({ operators: table })).toMatch(/differs in the plain form/);
  });

  // Statements of compiled chains that are easily forgotten.
  it.each([
    ["x.inTarget = false;", "", "plain"],
    ["setHeader(", "addHeader(", "plain"],
    ["requestBody(x)", "undefined", "plain"],
    ["responseBody(x)", "undefined", "plain"],
    ["copyPayload(", "void (", "plain"],
    ["if (x.event !== null) x.event.", "if (x.event === null) x.event.", "plain"],
    ["eventFlow(x, t", "void (t", "plain"],
    ["eventFlow(x, event", "void (event", "plain"],
    ["traceStep(x, ", "traceStep((x.flow = null, x.failed = null, x), ", "traced"],
  ])("%s, compiled as %s, is noticed in the %s form", { timeout: TIMEOUT_MS }, async (text, other, form) => {
    const difference = await differenceOf({ emitted: (code) => code.replaceAll(text, other) });
    expect(difference).toContain(`differs in the ${form} form`);
  });

  async function differenceOf(tampering: Tampering): Promise<string | null> {
    const { difference } = await runSuite({ seed: 1, cases: 2_000, requestsPerProject: 40, tampering, switchSets: 0, shrinkMsMax: 0 });
    return difference;
  }
});

describe("cases", () => {
  const names = readdirSync(CASES_FOLDER).filter((name) => name.endsWith(".json")).sort();

  it.each(names)("%s", async (name) => {
    const regression = readCase(name);
    const verdict = await verdictOf(regression, {}, [ALL_ON, ...SWITCHES]);
    if (verdict.kind === "invalid") expect.fail(verdict.problems.join("\n"));
    if (verdict.kind === "different") expect.fail(report(regression, verdict.difference));
    expect(verdict.outcomes).toHaveLength(regression.expected.length);
    expect(verdict.outcomes).toMatchObject(regression.expected);
  });
});
