/** The random suite: projects from a seed, and the smallest project that still shows a difference. */
import fc from "fast-check";
import { filesOf, project } from "./generate/project.ts";
import { request } from "./generate/requests.ts";
import type { Operators } from "./oracle/operators.ts";
import type { ParityCase } from "./outcome.ts";
import { report, verdictOf } from "./parity.ts";

/** How a suite runs. */
export interface SuiteOptions {
  readonly seed: number;
  /** Requests in all; the last project may bring a few more. */
  readonly cases: number;
  readonly requestsPerProject: number;
  /** Operators of the oracle in place of the proper ones. */
  readonly operators?: Operators;
  /** Milliseconds that looking for a smaller project may take; 0: not at all. */
  readonly shrinkMsMax: number;
}

/** What came of it. */
export interface SuiteResult {
  readonly cases: number;
  readonly projects: number;
  /** Projects that the compiler refused. */
  readonly invalid: number;
  /** Requests by what became of them: `sent`, `fault <code>`, `session` ... so that empty suites are noticed. */
  readonly seen: ReadonlyMap<string, number>;
  /** Null: none differed. */
  readonly difference: string | null;
}

function caseOf(requestsPerProject: number): fc.Arbitrary<ParityCase> {
  return fc
    .tuple(project, fc.array(request, { minLength: requestsPerProject, maxLength: requestsPerProject }))
    .map(([documents, requests]) => ({ files: filesOf(documents), requests }));
}

/** Runs projects until enough requests went through both, or two outcomes differ. */
export async function runSuite(options: SuiteOptions): Promise<SuiteResult> {
  const { seed, cases, requestsPerProject, operators } = options;
  const arbitrary = caseOf(requestsPerProject);
  const seen = new Map<string, number>();
  let done = 0;
  let invalid = 0;
  let projects = 0;
  for (; done < cases; projects++) {
    const own = seed + projects;
    const [one] = fc.sample(arbitrary, { seed: own, numRuns: 1 });
    if (one === undefined) throw new Error("there is a sample");
    const verdict = await verdictOf(one, operators);
    if (verdict.kind === "invalid") {
      invalid++;
      for (const problem of verdict.problems) count(seen, `invalid ${problem}`);
      if (invalid > 20 && invalid > projects / 2) throw new Error(`most projects are invalid: ${verdict.problems.join("\n")}`);
      continue;
    }
    if (verdict.kind === "different") {
      const smallest = options.shrinkMsMax === 0 ? one : await shrunk(one, own, options);
      const again = await verdictOf(smallest, operators);
      const shown = again.kind === "different" ? report(smallest, again.difference) : report(one, verdict.difference);
      return { cases: done, projects, invalid, seen, difference: `seed ${own}\n${shown}` };
    }
    done += one.requests.length;
    for (const { proxy, sent, fault, session, answer } of verdict.outcomes) {
      count(seen, proxy === null ? "unrouted" : "routed");
      if (sent !== null) count(seen, "sent");
      if (session !== null) count(seen, session.length > 0 ? "session with a credential" : "session");
      if (fault !== null) count(seen, `fault ${fault.code}`);
      else if (answer.body !== "of the target") count(seen, "answered by the gateway");
    }
  }
  return { cases: done, projects, invalid, seen, difference: null };
}

/** A smaller case that differs too: fewer requests first, then less of the project. */
async function shrunk(one: ParityCase, seed: number, { requestsPerProject, operators, shrinkMsMax }: SuiteOptions): Promise<ParityCase> {
  let smallest = await withFewerRequests(one, operators);
  const arbitrary = fc
    .tuple(project, fc.array(request, { minLength: requestsPerProject, maxLength: requestsPerProject }))
    .map(([documents]) => filesOf(documents));
  const { requests } = smallest;
  await fc.check(
    fc.asyncProperty(arbitrary, async (files) => {
      const verdict = await verdictOf({ files, requests }, operators);
      if (verdict.kind !== "different") return true;
      smallest = { files, requests };
      return false;
    }),
    { seed, numRuns: 1, interruptAfterTimeLimit: shrinkMsMax },
  );
  return withFewerRequests(smallest, operators);
}

async function withFewerRequests(one: ParityCase, operators: Operators | undefined): Promise<ParityCase> {
  const verdict = await verdictOf(one, operators);
  if (verdict.kind !== "different") return one;
  const { files } = one;
  let requests = one.requests.slice(0, verdict.difference.at + 1);
  const last = requests.slice(-1);
  if ((await verdictOf({ files, requests: last }, operators)).kind === "different") return { files, requests: last };
  for (let at = requests.length - 2; at >= 0; at--) {
    const fewer = requests.filter((_, index) => index !== at);
    if ((await verdictOf({ files, requests: fewer }, operators)).kind === "different") requests = fewer;
  }
  return { files, requests };
}

function count(seen: Map<string, number>, what: string): void {
  seen.set(what, (seen.get(what) ?? 0) + 1);
}
