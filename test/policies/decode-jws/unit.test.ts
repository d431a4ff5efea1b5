import { expect, test } from "vitest";
import { decodeJws } from "#compiler/policies/decode-jws.ts";
import { decodeJws as runtimeStep } from "#runtime/policies/decode-jws.ts";
import { issuedVariable } from "#runtime/token/issued.ts";
import { part } from "../../support/jwt-forge.ts";
import { analyzed, emitted } from "../../support/policy-emit.ts";
import { faultOf, PolicyFixture } from "../../support/policy-fixture.ts";

const CONFIG = { name: "DS", prefix: "", ignoreUnresolved: false, keep: true };

test("header and payload can be read, and nothing says that they are valid", () => {
  const x = new PolicyFixture().exchange();
  runtimeStep(x, CONFIG, `${part({ alg: "none", kid: "k" })}.${part("any text")}.`);
  const read = ["header.algorithm", "header.kid", "payload", "valid"].map((name) => issuedVariable(x, "DS", name));
  expect(read).toEqual(["none", "k", "any text", null]);
});

test("a payload that is no text has no value", () => {
  const x = new PolicyFixture().exchange();
  runtimeStep(x, CONFIG, `${part({ alg: "none" })}.${Buffer.from([0xff, 0xfe]).toString("base64url")}.`);
  expect(issuedVariable(x, "DS", "payload")).toBeNull();
  expect(issuedVariable(x, "DS", "header.algorithm")).toBe("none");
});

test.each([
  ["nothing", null, "InvalidJws"],
  ["two parts", `${part({ alg: "none" })}.${part("x")}`, "FailedToDecode"],
  ["a header that is no object", `${part("[]")}.${part("x")}.`, "FailedToDecode"],
  ["stray bits", `${part({ alg: "none" })}.QR.`, "FailedToDecode"],
])("%s is refused", async (_, presented, code) => {
  const raised = await faultOf(() => runtimeStep(new PolicyFixture().exchange(), CONFIG, presented));
  expect(raised).toMatchObject({ code: `steps.jws.${code}`, status: 401 });
});

test("nothing can be ignored", () => {
  const x = new PolicyFixture().exchange();
  runtimeStep(x, { ...CONFIG, ignoreUnresolved: true }, null);
  expect(x.results).toBeNull();
});

test("at compile time: one call, no obligation", () => {
  const model = { kind: "DecodeJWS" } as const;
  const found = analyzed(decodeJws, model);
  expect([found.reads, found.obligations]).toEqual([["request.header.authorization"], []]);
  expect(emitted(decodeJws, model)).toEqual([
    'const decodeJws = { name: "P-1", prefix: "Bearer", ignoreUnresolved: false, keep: false } as const',
    'decodeJws(x, decodeJws, get("request.header.authorization"));',
  ]);
});
