/**
 * Times of policies over the admin API: `GET /v1/policyTimes`. It owns the words of the question and the shape of the
 * answer; what is measured stands in observe/policy-times.ts.
 */
import type { StepTime } from "../observe/policy-times.ts";
import { exchangeKinds } from "../observe/step-times.ts";
import type { ProxyProgram } from "../program.ts";
import type { AdminCall } from "./admin-call.ts";
import type { AdminSubject, Properties, Schema } from "./admin-route.ts";
import { choice, count, instant, integer, list, number, record, ref, text } from "./admin-schema.ts";
import { badRequest, errorAnswer, jsonAnswer, type Answer } from "./answer.ts";

/** Steps of an answer when the request names no limit. */
const STEPS = 50;
const STEPS_MAX = 1_000;

/** Times of policies, as the document describes them. */
export function policyTimesSubject(): AdminSubject {
  return {
    name: "policyTimes",
    description: "How long policies take. Artifacts without `observability.policyTimes` have none of it.",
    parameters: {},
    schemas: policyTimesSchemas(),
    routes: [
      {
        method: "GET",
        path: "/v1/policyTimes",
        id: "getPolicyTimes",
        summary: "What each step took in the exchanges that were timed, the most time first.",
        query: {
          kind: choice("Upgrades alone, or plain HTTP alone; default: both.", exchangeKinds),
          proxy: text("Only of this proxy."),
          environment: text("Only in this environment."),
          limit: integer("Steps of the answer. Default 50.", 1, STEPS_MAX),
        },
        answers: { 200: "PolicyTimes" },
        endpoint: getPolicyTimes,
      },
    ],
  };
}

function policyTimesSchemas(): Properties {
  const ms = (description: string): Schema => ({ ...number(description), minimum: 0 });
  return {
    PolicyTimes: record("Times of policies, of this process and since it started.", {
      every: count("One exchange of so many of each proxy endpoint is timed."),
      since: instant("From when on."),
      exchanges: count("Exchanges that were timed."),
      steps: list("Steps that ran, by the time that they took in all.", ref("StepTime")),
      stepsLeftOut: count("Steps beyond `limit`."),
    }),
    StepTime: record("A step, and what it took: waiting for stores, keys and tokens included.", {
      environment: text("Environment."),
      proxy: text("Proxy."),
      endpoint: text("Proxy endpoint."),
      policy: text("Name of the policy."),
      type: text("Its kind."),
      flow: text("Flow in which it stands."),
      file: text("The policy's file."),
      line: integer("Line there.", 1, Number.MAX_SAFE_INTEGER),
      count: count("How often it ran."),
      totalMs: ms("Milliseconds that this took in all."),
      meanMs: ms("Their mean."),
      p95Ms: ms("95 of 100 took no longer; rounded up by 41 % at most."),
      maxMs: ms("The longest."),
    }),
  };
}

/** `GET /v1/policyTimes?kind=handshake&proxy=chat` */
function getPolicyTimes({ fields, gateway }: AdminCall): Answer {
  const kind = fields.text("kind");
  const proxy = fields.text("proxy");
  const environment = fields.text("environment");
  const limit = fields.integer("limit", 1, STEPS_MAX) ?? STEPS;
  const problem = fields.problem();
  if (problem !== null) return problem;
  const { policyTimes } = gateway;
  if (policyTimes === null) return errorAnswer(404, "not_found", "This gateway measures no times of policies");
  const kinds = exchangeKinds.filter((one) => kind === null || one === kind);
  if (kinds.length === 0) return badRequest(`kind is one of ${exchangeKinds.join(", ")}`);
  const isMeant = (program: ProxyProgram): boolean =>
    (proxy === null || program.proxy === proxy) && (environment === null || program.environment === environment);
  const steps = policyTimes.steps(kinds, isMeant);
  return jsonAnswer(200, {
    every: policyTimes.every,
    since: new Date(policyTimes.sinceMs).toISOString(),
    exchanges: policyTimes.exchanges(kinds, isMeant),
    steps: steps.slice(0, limit).map(shown),
    stepsLeftOut: Math.max(0, steps.length - limit),
  });
}

function shown({ position, program, times }: StepTime): object {
  const { environment, proxy, endpoint } = program;
  const { policy, kind, flow, file, line } = position;
  const { totalMs, meanMs, p95Ms, maxMs } = times;
  return {
    environment,
    proxy,
    endpoint,
    policy,
    type: kind,
    flow,
    file,
    line,
    count: times.count,
    totalMs: rounded(totalMs),
    meanMs: rounded(meanMs),
    p95Ms: rounded(p95Ms),
    maxMs: rounded(maxMs),
  };
}

/** To the microsecond. */
function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
