import { describe, expect, test } from "vitest";
import { generateJwt, type GenerateJwtModel } from "#compiler/policies/generate-jwt.ts";
import { generateJwt as runtimeStep } from "#runtime/policies/generate-jwt.ts";
import type { GenerateJwtConfig } from "#runtime/policies/generate-jwt.ts";
import type { JwtContent } from "#runtime/token/jwt-content.ts";
import { verifyJwt } from "#runtime/policies/verify-jwt.ts";
import type { Algorithm } from "#runtime/token/algorithm.ts";
import { jwtVariable } from "#runtime/token/jwt-variables.ts";
import { localKeys } from "#runtime/token/key-source.ts";
import type { KeyForm } from "#runtime/token/keys.ts";
import type { KeyText } from "#runtime/token/private-key.ts";
import { ecKey, edKey, rsaKey, type TestKey } from "../../support/jwt-forge.ts";
import { analyzed, emitted } from "../../support/policy-emit.ts";
import { faultOf, PolicyFixture } from "../../support/policy-fixture.ts";

const NOW_S = Date.UTC(2030, 0, 1, 12) / 1000;
const SECRET = "0123456789abcdef".repeat(4);
const rsa = rsaKey("rsa");
const ed = edKey("ed");

const CONFIG: GenerateJwtConfig = {
  name: "GJ",
  id: "GJ",
  algorithm: "HS256",
  keyForm: { form: "secret", encoding: "utf-8" },
  critical: [],
  ignoreUnresolved: false,
  keep: false,
};

interface Made {
  readonly token: string;
  readonly header: unknown;
  readonly claims: unknown;
}

async function make(
  content: JwtContent,
  config: Partial<GenerateJwtConfig> = {},
  key: KeyText = { text: SECRET, password: null },
): Promise<Made> {
  const made: string[] = [];
  const x = new PolicyFixture().exchange();
  await runtimeStep(x, { ...CONFIG, ...config }, key, content, (token) => void made.push(token));
  const [token = ""] = made;
  const [header = "", claims = ""] = token.split(".");
  return { token, header: decoded(header), claims: decoded(claims) };
}

function decoded(part: string): unknown {
  return JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
}

function privatePem(key: TestKey, cipher: { cipher: string; passphrase: string } | null = null): string {
  return key.privateKey.export({ type: "pkcs8", format: "pem", ...cipher }).toString();
}

describe("signatures", () => {
  const curves: readonly (readonly [Algorithm, string])[] = [["ES256", "P-256"], ["ES384", "P-384"], ["ES512", "P-521"]];
  const ec = curves.map(([algorithm, curve]) => [algorithm, ecKey("ec", curve)] as const);
  const pairs: readonly (readonly [Algorithm, TestKey])[] = [
    ...(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const).map((name) => [name, rsa] as const),
    ...ec,
    ["EdDSA", ed],
  ];

  /** VerifyJWT takes what GenerateJWT made. */
  async function verifies(algorithm: Algorithm, keyForm: KeyForm, keyText: string, token: string): Promise<void> {
    const x = new PolicyFixture().exchange();
    const rules = { name: "VJ", id: "VJ", algorithms: [algorithm], keyForm, openKeys: localKeys, type: "jwt", prefix: "", keep: true };
    const times = { timeAllowanceMs: 0, ignoreIssuedAt: false, requiredClaims: ["exp"], lifespanMaxMs: 300_000 };
    const headers = { ignoreCriticalHeaders: false, knownHeaders: [], ignoreUnresolved: false };
    await verifyJwt(x, { ...rules, ...times, ...headers }, keyText, token, { subject: "ann" });
    expect(jwtVariable(x, "VJ", "valid")).toBe(true);
  }

  test.each(pairs)("%s", async (algorithm, key) => {
    const config = { algorithm, keyForm: { form: "private" } } as const;
    const { token } = await make({ subject: "ann", expiresIn: "5m" }, config, { text: privatePem(key), password: null });
    await verifies(algorithm, { form: "public" }, key.pem, token);
  });

  test.each(["HS256", "HS384", "HS512"] as const)("%s", async (algorithm) => {
    const { token } = await make({ subject: "ann", expiresIn: "5m" }, { algorithm });
    await verifies(algorithm, { form: "secret", encoding: "utf-8" }, SECRET, token);
  });

  test("an encrypted key, with its password", async () => {
    const text = privatePem(rsa, { cipher: "aes-256-cbc", passphrase: "open sesame" });
    const config = { algorithm: "RS256", keyForm: { form: "private" } } as const;
    const { token } = await make({ subject: "ann", expiresIn: "5m" }, config, { text, password: "open sesame" });
    await verifies("RS256", { form: "public" }, rsa.pem, token);
    const wrong = await faultOf(() => make({}, config, { text, password: "open barley" }));
    expect(wrong).toMatchObject({ code: "steps.jwt.KeyParsingFailed", status: 401 });
    expect(JSON.stringify(wrong)).not.toContain("barley");
  });

  const weak = rsaKey("weak", 1024);
  test.each<[string, Algorithm, GenerateJwtConfig["keyForm"], string, string]>([
    ["a short secret", "HS512", CONFIG.keyForm, "0123456789abcdef", "InsufficientKeyLength"],
    ["a weak RSA key", "RS256", { form: "private" }, privatePem(weak), "InsufficientKeyLength"],
    ["a key of another kind", "ES256", { form: "private" }, privatePem(rsa), "AlgorithmMismatch"],
    ["a key of another curve", "ES384", { form: "private" }, privatePem(ecKey("p256")), "AlgorithmMismatch"],
    ["a public key", "RS256", { form: "private" }, rsa.pem, "WrongKeyType"],
    ["a private key as secret", "HS256", CONFIG.keyForm, privatePem(rsa), "WrongKeyType"],
    ["no key at all", "RS256", { form: "private" }, "key", "KeyParsingFailed"],
  ])("%s: %s", async (_, algorithm, keyForm, text, code) => {
    const raised = await faultOf(() => make({}, { algorithm, keyForm }, { text, password: null }));
    expect(raised.code).toBe(`steps.jwt.${code}`);
  });
});

describe("content", () => {
  test("what is asked for, in plain JSON", async () => {
    const { header, claims } = await make({
      kid: "k1",
      headers: [{ name: "v", type: "number", isArray: false, value: "2" }],
      issuer: "https://id.example.com",
      subject: "ann",
      audience: "a, b",
      id: "j1",
      expiresIn: "90",
      notBefore: "1m",
      claims: [
        { name: "level", type: "number", isArray: false, value: "3.5" },
        { name: "admin", type: "boolean", isArray: false, value: "true" },
        { name: "roles", type: "string", isArray: true, value: "x,y , z" },
        { name: "numbers", type: "number", isArray: true, value: "1,2" },
        { name: "address", type: "map", isArray: false, value: '{"city":"Bonn"}' },
        { name: "__proto__", type: "string", isArray: false, value: "own" },
      ],
    });
    expect(header).toEqual({ alg: "HS256", typ: "JWT", kid: "k1", v: 2 });
    expect(JSON.stringify(claims)).toBe(
      JSON.stringify({
        iss: "https://id.example.com",
        sub: "ann",
        aud: ["a", "b"],
        iat: NOW_S,
        exp: NOW_S + 90,
        nbf: NOW_S + 60,
        jti: "j1",
        level: 3.5,
        admin: true,
        roles: ["x", "y", "z"],
        numbers: [1, 2],
        address: { city: "Bonn" },
      }).replace(/}$/, ',"__proto__":"own"}'),
    );
  });

  test("nothing but iat when nothing is asked for; an empty id is a random one", async () => {
    expect((await make({})).claims).toEqual({ iat: NOW_S });
    const { claims } = await make({ id: "" });
    expect(claims).toEqual({ iat: NOW_S, jti: expect.stringMatching(/^.{8,}$/) });
  });

  test.each([
    ["2031-05-06T07:08:09Z", Date.UTC(2031, 4, 6, 7, 8, 9)],
    ["2031-05-06T07:08:09.5+02:00", Date.UTC(2031, 4, 6, 5, 8, 9)],
    ["Tue, 06 May 2031 07:08:09 GMT", Date.UTC(2031, 4, 6, 7, 8, 9)],
  ])("nbf at %s", async (notBefore, ms) => {
    expect((await make({ notBefore })).claims).toEqual({ iat: NOW_S, nbf: ms / 1000 });
  });

  test("critical headers are named, those that are left out are not", async () => {
    const headers = [
      { name: "a", type: "string", isArray: false, value: "1" },
      { name: "b", type: "string", isArray: false, value: null },
    ] as const;
    const { header } = await make({ headers }, { critical: ["a", "b"], ignoreUnresolved: true });
    expect(header).toEqual({ alg: "HS256", typ: "JWT", a: "1", crit: ["a"] });
  });

  test("what has no value is a fault, or left out", async () => {
    const claims = [{ name: "c", type: "string", isArray: false, value: null }] as const;
    for (const content of [{ subject: null }, { kid: null }, { claims }, { headers: claims }, { expiresIn: null }]) {
      expect((await faultOf(() => make(content))).code).toBe("steps.jwt.FailedToResolveVariable");
      expect((await make(content, { ignoreUnresolved: true })).claims).toEqual({ iat: NOW_S });
    }
  });

  test.each<[string, JwtContent]>([
    ["no number", { claims: [{ name: "c", type: "number", isArray: false, value: "x" }] }],
    ["an empty number", { claims: [{ name: "c", type: "number", isArray: false, value: "" }] }],
    ["no boolean", { claims: [{ name: "c", type: "boolean", isArray: false, value: "1" }] }],
    ["no map", { claims: [{ name: "c", type: "map", isArray: false, value: "[]" }] }],
    ["no list of maps", { claims: [{ name: "c", type: "map", isArray: true, value: "{}" }] }],
    ["one of a list", { claims: [{ name: "c", type: "number", isArray: true, value: "1,x" }] }],
    ["claims from a variable that are no object", { claimsJson: "[]" }],
    ["claims from a variable that are no JSON", { claimsJson: "{" }],
    ["an issuer from a variable", { issuer: "me", claimsJson: '{"iss":"other"}' }],
    ["an expiry from a variable", { claimsJson: '{"exp":1}' }],
    ["a time", { expiresIn: "soon" }],
    ["an instant", { notBefore: "2031-05-06" }],
    ["a header", { headers: [{ name: "h", type: "number", isArray: false, value: "x" }] }],
  ])("of another form is a fault: %s", async (_, content) => {
    expect((await faultOf(() => make(content))).code).toBe("steps.jwt.GenerationFailed");
  });

  test("claims may come from one variable", async () => {
    const { claims } = await make({ issuer: "me", claimsJson: '{"roles":["a"],"__proto__":1}', claims: [{ name: "x", type: "string", isArray: false, value: "y" }] });
    expect(claims).toMatchObject({ iss: "me", roles: ["a"], x: "y" });
    expect((await faultOf(() => make({ claimsJson: null }))).code).toBe("steps.jwt.FailedToResolveVariable");
  });

  test("the token can be read under the policy's name", async () => {
    const x = new PolicyFixture().exchange();
    await runtimeStep(x, { ...CONFIG, keep: true }, { text: SECRET, password: null }, {}, null);
    expect(jwtVariable(x, "GJ", "generated_jwt")).toMatch(/^ey/);
    expect(jwtVariable(x, "GJ", "claim.subject")).toBeNull();
  });
});

describe("at compile time", () => {
  const model: GenerateJwtModel = {
    kind: "GenerateJWT",
    algorithm: "RS256",
    privateKey: { value: { file: "key.pem" }, password: { env: "KEY_PASSWORD" }, id: "k1" },
    issuer: "me",
    subject: { ref: "developer.email" },
    expiresIn: "5m",
    additionalClaims: [{ name: "level", type: "number", ref: "level", value: 1 }],
    outputVariable: "request.header.x-token",
  };

  test("claims from one variable", () => {
    const [, call] = emitted(generateJwt, { ...model, additionalClaims: { ref: "private.claims" } });
    expect(call).toContain('claimsJson: text("private.claims")');
    expect(analyzed(generateJwt, { ...model, additionalClaims: { ref: "private.claims" } }).reads).toContain("private.claims");
  });

  test("one call that writes its variable", () => {
    const [config, call, ...more] = emitted(generateJwt, model);
    expect(more).toEqual([]);
    expect(config).toBe(
      'const generateJwt = { name: "P-1", id: "P-1", algorithm: "RS256", keyForm: { form: "private" }, critical: [], ' +
        "ignoreUnresolved: false, keep: false } as const",
    );
    expect(call).toBe(
      "wait generateJwt(x, generateJwt, " +
        '{ text: settings("{\\"file\\":\\"key.pem\\"}", "secret"), password: settings("{\\"env\\":\\"KEY_PASSWORD\\"}", "secret") }, ' +
        '{ kid: "k1", subject: text("developer.email"), issuer: "me", expiresIn: "5m", ' +
        'claims: [{ name: "level", type: "number", isArray: false, value: text("level") ?? "1" }] }, ' +
        '(token) => { set("request.header.x-token", headerValue("P-1", token)); })',
    );
  });

  test("constant content is a constant", () => {
    const { subject: _s, additionalClaims: _c, outputVariable: _o, ...fixed } = model;
    const lines = emitted(generateJwt, fixed);
    expect(lines[1]).toBe('const content = { kid: "k1", issuer: "me", expiresIn: "5m" } as const');
    expect(lines[2]).toMatch(/, content, null\)$/);
  });

  test("notes what it reads, writes and needs", () => {
    const found = analyzed(generateJwt, model);
    expect(found.reports).toEqual([]);
    expect(found.reads).toEqual(["developer.email", "level"]);
    expect(found.writes).toEqual(["request.header.x-token"]);
    expect(found.owned).toEqual(["x-token"]);
    expect(found.settings).toHaveLength(2);
    expect(found.obligations).toEqual([]);
  });

  test.each<[string, Partial<GenerateJwtModel>, string]>([
    ["an algorithm of another kind of key", { algorithm: "HS256" }, 'AGW4102 algorithm {"algorithm":"HS256","key":"private key"}'],
    ["a time that is none", { expiresIn: "soon" }, "AGW3105 expiresIn"],
    ["an instant that is none", { notBefore: { ref: "x", value: "2030" + "-01-01" } }, "AGW3105 notBefore.value"],
    ["a claim of its own", { additionalClaims: [{ name: "exp", value: 1 }] }, "AGW3105 additionalClaims.0.name"],
    ["a value of another type", { additionalClaims: [{ name: "n", type: "number", value: "x" }] }, "AGW3105 additionalClaims.0.value"],
    ["a header of its own", { additionalHeaders: [{ name: "alg", value: "none" }] }, "AGW3105 additionalHeaders.0.name"],
    ["a critical header that is not there", { criticalHeaders: ["v"] }, "AGW3105 criticalHeaders.0"],
  ])("%s is an error", (_, change, report) => {
    expect(analyzed(generateJwt, { ...model, ...change }).reports).toEqual([expect.stringContaining(report)]);
  });
});
