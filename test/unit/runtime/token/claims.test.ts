import { describe, expect, test } from "vitest";
import { audiencesOf, claimProblem, expiryMs } from "#runtime/token/claims.ts";
import type { ClaimRules, ClaimValue, ClaimValues } from "#runtime/token/claims.ts";
import { parseObject } from "#runtime/token/compact.ts";
import type { JsonObject } from "#runtime/token/compact.ts";

const NOW_S = 1_900_000_000;
const RULES: ClaimRules = { timeAllowanceMs: 0, ignoreIssuedAt: false, requiredClaims: [], lifespanMaxMs: null };

function problem(claims: JsonObject, rules: Partial<ClaimRules> = {}, values: ClaimValues = {}): string | null {
  return claimProblem(claims, { ...RULES, ...rules }, values, NOW_S * 1000);
}

describe("times", () => {
  const skew = { timeAllowanceMs: 10_000 };
  const cases: [string, JsonObject, Partial<ClaimRules>, string | null][] = [
    ["no times at all", {}, {}, null],
    ["exp ahead", { exp: NOW_S + 1 }, {}, null],
    ["exp now", { exp: NOW_S }, {}, "TokenExpired"],
    ["exp past, within the allowance", { exp: NOW_S - 9 }, skew, null],
    ["exp past, at the end of the allowance", { exp: NOW_S - 10 }, skew, "TokenExpired"],
    ["nbf now", { nbf: NOW_S }, {}, null],
    ["nbf ahead", { nbf: NOW_S + 1 }, {}, "TokenNotYetValid"],
    ["nbf ahead, within the allowance", { nbf: NOW_S + 10 }, skew, null],
    ["nbf ahead, beyond the allowance", { nbf: NOW_S + 11 }, skew, "TokenNotYetValid"],
    ["iat ahead", { iat: NOW_S + 1 }, {}, "TokenNotYetValid"],
    ["iat ahead and ignored", { iat: NOW_S + 1 }, { ignoreIssuedAt: true }, null],
    ["exp as text", { exp: String(NOW_S + 60) }, {}, "InvalidClaim"],
    ["exp as null", { exp: null }, {}, "InvalidClaim"],
    ["nbf as a list", { nbf: [1] }, {}, "InvalidClaim"],
    ["exp beyond all dates", { exp: 1e300 }, {}, null],
    ["exp before all time", { exp: -1e300 }, {}, "TokenExpired"],
  ];
  test.each(cases)("%s", (_, claims, rules, expected) => {
    expect(problem(claims, rules)).toBe(expected);
  });

  test("the end is exp and the allowance, and a date", () => {
    expect(expiryMs({ exp: 10 }, 5_000)).toBe(15_000);
    expect(expiryMs({ exp: 1e300 }, 0)).toBe(8.64e15);
    expect(expiryMs({}, 0)).toBeNull();
  });

  const spans: [string, JsonObject, string | null][] = [
    ["from nbf", { iat: NOW_S - 100, nbf: NOW_S, exp: NOW_S + 60 }, null],
    ["from iat without nbf", { iat: NOW_S - 1, exp: NOW_S + 60 }, "InvalidClaim"],
    ["without a start", { exp: NOW_S + 60 }, "InvalidClaim"],
    ["without an end", { nbf: NOW_S }, "InvalidClaim"],
  ];
  test.each(spans)("a lifespan of at most 60 s: %s", (_, claims, expected) => {
    expect(problem(claims, { lifespanMaxMs: 60_000 })).toBe(expected);
  });

  test.each<[string, JsonObject, string | null]>([
    ["within", { iat: NOW_S - 30, nbf: NOW_S - 100, exp: NOW_S + 30 }, null],
    ["beyond, whatever nbf says", { iat: NOW_S - 31, nbf: NOW_S, exp: NOW_S + 30 }, "InvalidClaim"],
    ["without iat", { nbf: NOW_S, exp: NOW_S + 30 }, "InvalidClaim"],
  ])("a lifespan of at most 60 s from iat: %s", (_, claims, expected) => {
    expect(problem(claims, { lifespanMaxMs: 60_000, lifespanFromIssue: true })).toBe(expected);
  });
});

describe("values", () => {
  const claims = parseObject(
    '{"iss":"i","sub":"s","aud":["a","b"],"jti":"j","n":5,"t":true,"l":["x","y"],"m":{"k":[1]},"e":"",' +
      '"constructor":"c"}',
  ) ?? {};
  const claim = (name: string, value: string | null, type: ClaimValue["type"] = "string", isArray = false) => ({
    claims: [{ name, value, type, isArray }],
  });
  const cases: [string, ClaimValues, string | null][] = [
    ["all that fit", { issuer: "i", subject: "s", audience: "b", id: "j" }, null],
    ["another issuer", { issuer: "I" }, "JwtIssuerMismatch"],
    ["an issuer that did not resolve", { issuer: null }, "JwtIssuerMismatch"],
    ["another subject", { subject: "x" }, "JwtSubjectMismatch"],
    ["another audience", { audience: "c" }, "JwtAudienceMismatch"],
    ["one of several audiences", { audience: "c, a" }, null],
    ["an empty audience", { audience: "" }, "JwtAudienceMismatch"],
    ["another id", { id: "x" }, "InvalidClaim"],
    ["a claim's text", claim("sub", "s"), null],
    ["a claim's other text", claim("sub", "x"), "InvalidClaim"],
    ["an empty text for an empty claim", claim("e", ""), null],
    ["a number", claim("n", "5.0", "number"), null],
    ["a number as text", claim("n", "5"), "InvalidClaim"],
    ["an empty number", claim("n", "", "number"), "InvalidClaim"],
    ["a truth", claim("t", "true", "boolean"), null],
    ["an untruth", claim("t", "false", "boolean"), "InvalidClaim"],
    ["a list with both", claim("l", "y,x", "string", true), null],
    ["a list without one", claim("l", "x,z", "string", true), "InvalidClaim"],
    ["no list", claim("sub", "s", "string", true), "InvalidClaim"],
    ["a map", claim("m", '{"k":[1]}', "map"), null],
    ["another map", claim("m", '{"k":[2]}', "map"), "InvalidClaim"],
    ["a map that is none", claim("m", "{", "map"), "InvalidClaim"],
    ["a value that did not resolve", claim("sub", null), "InvalidClaim"],
    ["a claim that is not there", claim("x", "s"), "InvalidClaim"],
    ["a claim that objects inherit", claim("toString", "c"), "InvalidClaim"],
    ["a claim with an inherited name", claim("constructor", "c"), null],
  ];
  test.each(cases)("%s", (_, values, expected) => {
    expect(problem(claims, {}, values)).toBe(expected);
  });

  test("required claims", () => {
    expect(problem(claims, { requiredClaims: ["iss", "m"] })).toBeNull();
    expect(problem(claims, { requiredClaims: ["iss", "hasOwnProperty"] })).toBe("InvalidClaim");
  });

  test("an issuer that is a list is no issuer", () => {
    expect(problem({ iss: ["i"] }, {}, { issuer: "i" })).toBe("JwtIssuerMismatch");
  });

  test("audiences are text or a list of texts", () => {
    expect(audiencesOf({ aud: "a" })).toEqual(["a"]);
    expect(audiencesOf({ aud: ["a", 1, "b"] })).toEqual(["a", "b"]);
    expect(audiencesOf({ aud: { a: 1 } })).toEqual([]);
  });
});
