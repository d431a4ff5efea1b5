import { describe, expect, test } from "vitest";
import { hmac, type HmacModel } from "#compiler/policies/hmac.ts";
import type { Value } from "#runtime/context.ts";
import { calculateHmac } from "#runtime/policies/hmac.ts";
import type { HmacConfig } from "#runtime/policies/hmac.ts";
import { issuedVariable } from "#runtime/token/issued.ts";
import { analyzed, emitted } from "../../support/policy-emit.ts";
import { faultOf, PolicyFixture } from "../../support/policy-fixture.ts";

const CONFIG: HmacConfig = {
  name: "HM",
  algorithm: "sha256",
  keyEncoding: "utf-8",
  outputEncoding: "hex",
  verificationEncoding: null,
  keep: false,
};

function run(config: Partial<HmacConfig>, secret: Value, message: string | null, expected: Value = null): string {
  return calculateHmac(new PolicyFixture().exchange(), { ...CONFIG, ...config }, secret, message, expected);
}

/** RFC 4231 section 4.3 (test case 2), RFC 2202 sections 2 and 3 (test case 2). */
const JEFE = "what do ya want for nothing?";
const vectors = [
  ["md5", "750c783e6ab0b503eaa86e310a5db738"],
  ["sha1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"],
  ["sha224", "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"],
  ["sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"],
  [
    "sha384",
    "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
  ],
  [
    "sha512",
    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
  ],
] as const;

describe("the hash", () => {
  test.each(vectors)("%s of RFC 4231 and RFC 2202", (algorithm, digest) => {
    expect(run({ algorithm }, "Jefe", JEFE)).toBe(digest);
    const expected = Buffer.from(digest, "hex").toString("base64");
    expect(run({ algorithm, outputEncoding: "base64" }, "Jefe", JEFE)).toBe(expected);
  });

  test.each([
    ["hex", "4a656665"],
    ["hex", "4A656665"],
    ["base64", "SmVmZQ=="],
    ["base64url", "SmVmZQ"],
  ] as const)("a key in %s: %s", (keyEncoding, key) => {
    expect(run({ keyEncoding }, key, JEFE)).toBe(vectors[3][1]);
  });

  test("is of the UTF-8 bytes, also of no text at all", () => {
    expect(run({}, "Jefe", "caf\u00e9")).not.toBe(run({}, "Jefe", "cafe"));
    expect(run({}, "Jefe", "")).toHaveLength(64);
  });

  test("can be read under the policy's name", () => {
    const x = new PolicyFixture().exchange();
    expect(issuedVariable(x, "HM", "output")).toBeNull();
    const output = calculateHmac(x, { ...CONFIG, keep: true }, "Jefe", JEFE, null);
    expect(issuedVariable(x, "HM", "output")).toBe(output);
    expect(issuedVariable(x, "HM", "message")).toBe(JEFE);
    expect(issuedVariable(x, "HM", "outputencoding")).toBe("hex");
  });
});

describe("verification", () => {
  const right = vectors[3][1];
  const verify = (expected: Value, verificationEncoding: HmacConfig["verificationEncoding"] = "hex"): string =>
    run({ verificationEncoding }, "Jefe", JEFE, expected);

  test("passes in every encoding", () => {
    const bytes = Buffer.from(right, "hex");
    expect(verify(right)).toBe(right);
    expect(verify(right.toUpperCase())).toBe(right);
    expect(verify(bytes.toString("base64"), "base64")).toBe(right);
    expect(verify(bytes.toString("base64url"), "base64url")).toBe(right);
  });

  test.each<[string, Value, HmacConfig["verificationEncoding"]]>([
    ["the last bit", `${right.slice(0, -1)}2`, "hex"],
    ["a part", right.slice(0, 62), "hex"],
    ["more", `${right}00`, "hex"],
    ["another encoding", right, "base64"],
    ["no encoding at all", "?", "hex"],
    ["half a byte", right.slice(0, 63), "hex"],
    ["a number", 0, "hex"],
  ])("refuses %s", async (_, expected, encoding) => {
    const raised = await faultOf(() => verify(expected, encoding));
    expect(raised).toMatchObject({ code: "steps.hmac.HmacVerificationFailed", status: 401, policy: "HM" });
    expect(raised.text).toBe("HMAC[HM]: the hash is not the expected one");
  });

  test.each([null, ""])("refuses %j as empty", async (expected) => {
    expect((await faultOf(() => verify(expected))).code).toBe("steps.hmac.EmptyVerificationValue");
  });
});

test.each<[string, Partial<HmacConfig>, Value, string | null]>([
  ["UnresolvedVariable", {}, null, "m"],
  ["UnresolvedVariable", {}, "Jefe", null],
  ["EmptySecretKey", {}, "", "m"],
  ["HmacCalculationFailed", { keyEncoding: "hex" }, "4a6", "m"],
  ["HmacCalculationFailed", { keyEncoding: "base64" }, "!", "m"],
])("%s", async (code, config, secret, message) => {
  const raised = await faultOf(() => run(config, secret, message));
  expect(raised).toMatchObject({ code: `steps.hmac.${code}`, status: 401 });
});

describe("at compile time", () => {
  const model: HmacModel = {
    kind: "HMAC",
    algorithm: "sha256",
    secretKey: { value: { env: "LINK_SECRET" }, encoding: "hex" },
    message: "{request.path}|{request.queryparam.expires}",
    output: { value: "signature", encoding: "base64url" },
    verificationValue: { ref: "request.queryparam.sig", encoding: "base64url" },
  };

  test("one call, with the secret from the start and a message that tells unresolved from empty", () => {
    expect(emitted(hmac, model)).toEqual([
      'const hmac = { name: "P-1", algorithm: "sha256", keyEncoding: "hex", outputEncoding: "base64url", ' +
        'verificationEncoding: "base64url", keep: false } as const',
      'set("signature", calculateHmac(x, hmac, settings("{\\"env\\":\\"LINK_SECRET\\"}", "secret"), ' +
        'get("request.path") === null || get("request.queryparam.expires") === null ? null : ' +
        'template("{request.path}|{request.queryparam.expires}"), text("request.queryparam.sig")));',
    ]);
  });

  test("empty text for what is unresolved, where that is ignored", () => {
    const lenient = { ...model, ignoreUnresolvedVariables: true, message: { ref: "m" }, output: "signature" };
    expect(emitted(hmac, lenient)[1]).toContain(', text("m") ?? "", ');
  });

  test("the hash that a request brings is a credential; in a response it is none", () => {
    const found = analyzed(hmac, model);
    expect(found.reports).toEqual([]);
    expect(found.reads).toEqual(["request.path", "request.queryparam.expires", "request.queryparam.sig"]);
    expect(found.writes).toEqual(["signature"]);
    expect(found.settings).toEqual(['{"source":{"env":"LINK_SECRET"},"kind":"secret"}']);
    expect(found.obligations).toMatchObject([{ kind: "credential", what: "signature", ambient: false }]);
    expect(analyzed(hmac, model, { phase: "response" }).obligations).toEqual([]);
    const cookie = { ...model, verificationValue: { ref: "request.header.cookie" } };
    expect(analyzed(hmac, cookie).obligations).toMatchObject([{ ambient: true }]);
    expect(analyzed(hmac, { ...model, verificationValue: "abc" }).obligations).toEqual([]);
    const literal = { ...model, verificationValue: { value: "0aff", encoding: "base16" } } as const;
    expect(analyzed(hmac, literal).obligations).toEqual([]);
    expect(emitted(hmac, literal).join()).toMatch(/verificationEncoding: "hex".*"0aff"/);
  });

  test("a check under a condition that asks for the hash is reported", () => {
    const step = { conditional: true, conditionReads: ["request.queryparam.sig"] };
    expect(analyzed(hmac, model, step).reports).toEqual([expect.stringMatching(/^AGW4101 /)]);
  });

  test("a secret from a variable that is not private is an error", () => {
    const open = { ...model, secretKey: { ref: "request.header.x-secret" } };
    expect(analyzed(hmac, open).reports).toEqual([expect.stringMatching(/^AGW3105 secretKey\.ref /)]);
    expect(analyzed(hmac, { ...model, secretKey: { ref: "private.k" } }).reports).toEqual([]);
  });
});
