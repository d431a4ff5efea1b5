/** The random suite: projects from a seed, and the smallest project that still shows a difference. */
import fc from "fast-check";
import { basePathsOf, filesOf, hasEventFlow, project } from "./generate/project.ts";
import { requestFor } from "./generate/requests.ts";
import type { Answer, ParityCase } from "./outcome.ts";
import { ALL_ON, report, SWITCHES, verdictOf, type Switches, type Tampering } from "./parity.ts";
import { smaller } from "./smaller.ts";

/** How a suite runs. */
export interface SuiteOptions {
  readonly seed: number;
  /** Requests in all; the last project may bring a few more. */
  readonly cases: number;
  readonly requestsPerProject: number;
  readonly tampering?: Tampering;
  /** How many sets of switches each project is compiled with besides all on; they take turns. */
  readonly switchSets: number;
  /** Milliseconds that looking for a smaller project may take; 0: not at all. */
  readonly shrinkMsMax: number;
}

/** What came of it. */
export interface SuiteResult {
  readonly cases: number;
  readonly projects: number;
  /** Projects that the compiler refused. */
  readonly invalid: number;
  /** Requests by what became of them: `sent`, `fault <code>`, `changed events` ... so that empty suites are noticed. */
  readonly seen: ReadonlyMap<string, number>;
  /** Null: none differed. */
  readonly difference: string | null;
}

function caseOf(requestsPerProject: number): fc.Arbitrary<ParityCase> {
  return fc
    .tuple(project)
    .chain(([documents]) =>
      fc
        .array(requestFor(basePathsOf(documents), hasEventFlow(documents)), { minLength: requestsPerProject, maxLength: requestsPerProject })
        .map((requests) => ({ files: filesOf(documents), requests })));
}

/** Runs projects until enough requests went through both, or two outcomes differ. */
export async function runSuite(options: SuiteOptions): Promise<SuiteResult> {
  const { seed, cases, requestsPerProject, tampering, switchSets } = options;
  const arbitrary = caseOf(requestsPerProject);
  const seen = new Map<string, number>();
  let done = 0;
  let invalid = 0;
  let projects = 0;
  for (; done < cases; projects++) {
    const own = seed + projects;
    const [one] = fc.sample(arbitrary, { seed: own, numRuns: 1, unbiased: true });
    if (one === undefined) throw new Error("there is a sample");
    const switches = [ALL_ON, ...turns(projects, switchSets)];
    const verdict = await verdictOf(one, tampering, switches);
    if (verdict.kind === "invalid") {
      invalid++;
      for (const problem of verdict.problems) count(seen, `invalid ${problem}`);
      if (invalid > 20 &&
        invalid > projects / 2) throw new Error(`most projects are invalid: ${verdict.problems.join("\n")}`);
      continue;
    }
    if (verdict.kind === "different") {
      const upTo = { ...one, requests: one.requests.slice(0, verdict.difference.at + 1) };
      const differs = async (smallerOne: ParityCase): Promise<boolean> =>
        (await verdictOf(smallerOne, tampering, switches)).kind === "different";
      const smallest = await smaller(upTo, differs, options.shrinkMsMax);
      const again = await verdictOf(smallest, tampering, switches);
      const shown = again.kind === "different" ? report(smallest, again.difference) : report(one, verdict.difference);
      return { cases: done, projects, invalid, seen, difference: `seed ${own}\n${shown}` };
    }
    done += one.requests.length;
    for (const title of verdict.changed) count(seen, title);
    for (const [at, { proxy, sent, fault, session, answer }] of verdict.outcomes.entries()) {
      const given = one.requests[at]?.answer.body ?? "";
      if (sent !== null && fault === null && isStream(answer) && given !== textOf(answer)) count(seen, "changed events");
      if (!answer.isWhole) count(seen, "broken stream");
      count(seen, proxy === null ? "unrouted" : "routed");
      if (sent !== null) count(seen, "sent");
      if (session !== null) count(seen, session.length > 0 ? "session with a credential" : "session");
      if (fault !== null) count(seen, `fault ${fault.code}`);
      else if (answer.body !== "of the target") count(seen, "answered by the gateway");
    }
  }
  return { cases: done, projects, invalid, seen, difference: null };
}

function isStream({ headers }: Answer): boolean {
  return headers["content-type"]?.[0]?.toLowerCase().startsWith("text/event-stream") === true;
}

function textOf({ body }: Answer): string {
  return typeof body === "string" ? "" : body.text;
}

/** The sets whose turn it is. */
function turns(project: number, sets: number): readonly Switches[] {
  const count = Math.min(sets, SWITCHES.length);
  return Array.from({ length: count }, (_, at) => SWITCHES[(project * count + at) % SWITCHES.length] ?? ALL_ON);
}

function count(seen: Map<string, number>, what: string): void {
  seen.set(what, (seen.get(what) ?? 0) + 1);
}
