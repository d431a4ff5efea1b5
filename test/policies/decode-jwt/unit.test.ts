import { describe, expect, test } from "vitest";
import { decodeJwt } from "#compiler/policies/decode-jwt.ts";
import { decodeJwt as runtimeStep } from "#runtime/policies/decode-jwt.ts";
import type { DecodeJwtConfig } from "#runtime/policies/decode-jwt.ts";
import { jwtVariable } from "#runtime/token/jwt-variables.ts";
import { part } from "../../support/jwt-forge.ts";
import { analyzed, emitted } from "../../support/policy-emit.ts";
import { faultOf, PolicyFixture } from "../../support/policy-fixture.ts";

const CONFIG: DecodeJwtConfig = { name: "DJ", prefix: "Bearer", ignoreUnresolved: false, keep: true };
const CLAIMS = { sub: "ann", exp: Date.UTC(2030, 0, 1) / 1000, roles: ["a", "b"], __proto__: null };
const TOKEN = `${part({ alg: "none", kid: "k" })}.${part(CLAIMS)}.`;

describe("DecodeJWT", () => {
  test("offers what a token says, proven or not, and binds no session to it", () => {
    const x = new PolicyFixture().exchange({ upgrade: true });
    runtimeStep(x, CONFIG, `Bearer ${TOKEN}`);
    const read = (name: string): unknown => jwtVariable(x, "DJ", name);
    expect(read("claim.subject")).toBe("ann");
    expect(read("decoded.claim.roles")).toBe('["a","b"]');
    expect(read("header.algorithm")).toBe("none");
    expect(read("is_expired")).toBe(true);
    expect(read("payload-json")).toBe(JSON.stringify(CLAIMS));
    expect(read("valid")).toBeNull();
    expect(x.session?.credentials).toEqual([]);
  });

  test("offers the header of an encrypted token, and nothing of what is within", () => {
    const x = new PolicyFixture().exchange();
    runtimeStep(x, CONFIG, `Bearer ${part({ alg: "dir", enc: "A128GCM", kid: "k" })}..AAAA.AAAA.AAAA`);
    const read = (name: string): unknown => jwtVariable(x, "DJ", name);
    expect([read("header.algorithm"), read("header.kid"), read("decoded.header.enc")]).toEqual(["dir", "k", "A128GCM"]);
    expect([read("claim.subject"), read("payload-claim-names"), read("valid")]).toEqual([null, "", null]);
  });

  test("keeps nothing that nobody reads", () => {
    const x = new PolicyFixture().exchange();
    runtimeStep(x, { ...CONFIG, keep: false }, `Bearer ${TOKEN}`);
    expect(x.results).toBeNull();
  });

  test.each([
    ["no token", null, "InvalidToken"],
    ["an empty text", "", "InvalidToken"],
    ["another scheme", `Basic ${TOKEN}`, "InvalidToken"],
    ["one part", "Bearer abcd", "FailedToDecode"],
    ["five parts", "Bearer a.b.c.d.e", "FailedToDecode"],
    ["a header that is no JSON", `Bearer ${part("x")}.${part({})}.`, "FailedToDecode"],
    ["claims that are a list", `Bearer ${part({ alg: "none" })}.${part("[]")}.`, "FailedToDecode"],
    ["a claim twice", `Bearer ${part({ alg: "none" })}.${part('{"sub":1,"sub":2}')}.`, "FailedToDecode"],
    ["padding", `Bearer ${part({ alg: "none" })}=.${part({})}.`, "InvalidToken"],
    ["more than the limit", `Bearer ${"a".repeat(16_385)}`, "FailedToDecode"],
  ])("%s is refused", async (_, presented, code) => {
    const x = new PolicyFixture().exchange();
    const raised = await faultOf(() => runtimeStep(x, CONFIG, presented));
    expect(raised).toMatchObject({ code: `steps.jwt.${code}`, status: 401, policy: "DJ" });
  });

  test("an absent token can be ignored, one that cannot be read never", async () => {
    const x = new PolicyFixture().exchange();
    const lenient = { ...CONFIG, ignoreUnresolved: true };
    runtimeStep(x, lenient, null);
    expect(x.results).toBeNull();
    expect((await faultOf(() => runtimeStep(x, lenient, "Bearer x"))).code).toBe("steps.jwt.FailedToDecode");
  });

  test("at compile time: one call, one read, no obligation", () => {
    const model = { kind: "DecodeJWT", source: "request.queryparam.token" } as const;
    const found = analyzed(decodeJwt, model);
    expect([found.reads, found.obligations, found.reports]).toEqual([["request.queryparam.token"], [], []]);
    expect(emitted(decodeJwt, model, { read: ["jwt.P-1."] })).toEqual([
      'const decodeJwt = { name: "P-1", prefix: "", ignoreUnresolved: false, keep: true } as const',
      'decodeJwt(x, decodeJwt, get("request.queryparam.token"));',
    ]);
  });
});
