/** The compile-time half of RenewSession. */
import { expect, test } from "vitest";
import { renewSession, type RenewSessionModel } from "#compiler/policies/renew-session.ts";
import { analyzed, emitted } from "../../support/policy-emit.ts";

const model: RenewSessionModel = { kind: "RenewSession" };

test("looks for the session and the old token in the form, or where it is told to", () => {
  expect(analyzed(renewSession, model)).toMatchObject({
    reads: ["request.formparam.session", "request.formparam.old_token"],
    obligations: [],
    reports: [],
  });
  const told: RenewSessionModel = { ...model, session: { ref: "request.queryparam.s" }, oldToken: { ref: "request.header.x-old" } };
  expect(analyzed(renewSession, told).reads).toEqual(["request.queryparam.s", "request.header.x-old"]);
});

test("becomes one call that waits", () => {
  expect(emitted(renewSession, model)).toEqual([
    'const renewSession = { name: "P-1", respond: true, keep: false } as const',
    'wait renewSession(x, renewSession, { session: get("request.formparam.session"), token: get("request.formparam.old_token") })',
  ]);
});
