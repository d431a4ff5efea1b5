/** The question about times of policies, and its bad forms. */
import { expect, it } from "vitest";
import type { Exchange, ExchangeStart } from "#runtime/context.ts";
import { PolicyTimes } from "#runtime/observe/policy-times.ts";
import type { Trace } from "#runtime/observe/trace.ts";
import type { ProxyProgram } from "#runtime/program.ts";
import { policyTimesSubject } from "#runtime/side/admin-policy-times.ts";
import { adminGround } from "../../../support/admin-ground.ts";

const ground = adminGround(["policyTimes"], { subjects: [policyTimesSubject()] });

const position = { policy: "VK-Key", kind: "VerifyAPIKey", file: "proxies/p/policies/VK-Key.yaml", line: 1, flow: "PreFlow" };
const program = { proxy: "p", endpoint: "default", environment: "test", positions: [position] } as unknown as ProxyProgram;

function timed(every: number): PolicyTimes {
  const times = new PolicyTimes([program], ground.gateway.metrics, every, 0);
  Object.assign(ground.gateway, { policyTimes: times });
  return times;
}

function ended(times: PolicyTimes, durationMs: number, session: object | null, outcome = "ran"): void {
  const trace = { steps: [{ step: 0, outcome, durationMs }] } as unknown as Trace;
  times.ended(trace, { program, session } as unknown as Exchange);
}

it("is answered with what each step took", async () => {
  const times = timed(100);
  ended(times, 0.5, null);
  ended(times, 1.5, {});
  ended(times, 70, null, "skipped");
  const { status, body } = await ground.ask("GET", "/v1/policyTimes");
  expect(status).toBe(200);
  expect(body).toMatchObject({ every: 100, since: "1970-01-01T00:00:00.000Z", exchanges: 3, stepsLeftOut: 0 });
  expect(body["steps"]).toEqual([{
    environment: "test", proxy: "p", endpoint: "default", policy: "VK-Key", type: "VerifyAPIKey", flow: "PreFlow",
    file: position.file, line: 1, count: 2, totalMs: 2, meanMs: 1, p95Ms: 1.5, maxMs: 1.5,
  }]);
  expect((await ground.ask("GET", "/v1/policyTimes?kind=handshake")).body).toMatchObject({ exchanges: 1 });
  expect((await ground.ask("GET", "/v1/policyTimes?environment=prod")).body).toMatchObject({ exchanges: 0, steps: [] });
});

it.each([
  ["kind=websocket", "kind is one of handshake, http"],
  ["limit=0", "limit"],
  ["limit=1e9", "limit"],
  ["sort=p95", "sort"],
])("is refused with %s", async (query, said) => {
  timed(1);
  const { status, body } = await ground.ask("GET", `/v1/policyTimes?${query}`);
  expect([status, body.error?.message]).toEqual([400, expect.stringContaining(said)]);
});

it("finds nothing where none are measured", async () => {
  expect((await ground.ask("GET", "/v1/policyTimes")).status).toBe(404);
});

it("asks one exchange of so many, the first included", () => {
  const times = timed(3);
  const start = { program } as unknown as ExchangeStart;
  expect(Array.from({ length: 7 }, () => times.wants(start))).toEqual([true, false, false, true, false, false, true]);
});
