import { describe, expect, test } from "vitest";
import { verifyJwt as runtimeStep } from "#runtime/policies/verify-jwt.ts";
import type { VerifyJwtConfig } from "#runtime/policies/verify-jwt.ts";
import type { Exchange } from "#runtime/context.ts";
import { jwtVariable } from "#runtime/token/jwt-variables.ts";
import { localKeys } from "#runtime/token/key-source.ts";
import type { ClaimValues } from "#runtime/token/claims.ts";
import { verifyJwt } from "#compiler/policies/verify-jwt.ts";
import { ecKey, edKey, forge, jwks, part, rsaKey } from "../../support/jwt-forge.ts";
import { analyzed, emitted } from "../../support/policy-emit.ts";
import { faultOf, PolicyFixture } from "../../support/policy-fixture.ts";

const rsa = rsaKey("k1");
const other = rsaKey("k2");
const ec = ecKey("k3");
const ed = edKey("k4");
const SET = jwks(rsa.jwk, ec.jwk, ed.jwk);
const SECRET = "0123456789abcdef0123456789abcdef";
const NOW_S = Date.UTC(2030, 0, 1, 12) / 1000;
const HEADER = { alg: "RS256", kid: "k1", typ: "JWT" };
const CLAIMS = { iss: "https://id.example.com", sub: "ann", jti: "j1", exp: NOW_S + 60 };

const CONFIG: VerifyJwtConfig = {
  name: "VJ",
  id: "VJ",
  algorithms: ["RS256", "ES256", "EdDSA"],
  keyForm: { form: "jwks" },
  openKeys: localKeys,
  type: null,
  prefix: "Bearer",
  timeAllowanceMs: 0,
  ignoreIssuedAt: false,
  ignoreCriticalHeaders: false,
  knownHeaders: [],
  requiredClaims: [],
  lifespanMaxMs: null,
  ignoreUnresolved: false,
  keep: false,
};

interface Case {
  readonly token: string;
  readonly config?: Partial<VerifyJwtConfig>;
  readonly key?: string;
  readonly values?: ClaimValues;
  readonly bare?: boolean;
}

function run(x: Exchange, { token, config = {}, key = SET, values = {}, bare = false }: Case): unknown {
  return runtimeStep(x, { ...CONFIG, ...config }, key, bare ? token : `Bearer ${token}`, values);
}

async function refusal(made: Case): Promise<string> {
  const fixture = new PolicyFixture();
  const x = fixture.exchange({ upgrade: true });
  const raised = await faultOf(() => run(x, made));
  expect(x.session?.credentials).toEqual([]);
  expect(raised).toMatchObject({ status: 401, policy: "VJ" });
  expect(JSON.stringify(raised)).not.toContain(made.token.slice(0, 20));
  return raised.code.replace("steps.jwt.", "");
}

describe("tokens that verify", () => {
  const good: [string, Case][] = [
    ["RS256", { token: forge(HEADER, CLAIMS, rsa.privateKey) }],
    ["ES256", { token: forge({ alg: "ES256", kid: "k3" }, CLAIMS, ec.privateKey) }],
    ["EdDSA", { token: forge({ alg: "EdDSA", kid: "k4" }, CLAIMS, ed.privateKey) }],
    [
      "PS256 with a PEM",
      {
        token: forge({ alg: "PS256" }, CLAIMS, rsa.privateKey),
        key: rsa.pem,
        config: { algorithms: ["PS256"], keyForm: { form: "public" } },
      },
    ],
    [
      "HS256",
      {
        token: forge({ alg: "HS256" }, CLAIMS, SECRET),
        key: SECRET,
        config: { algorithms: ["HS256"], keyForm: { form: "secret", encoding: "utf-8" } },
      },
    ],
    [
      "a demanded header",
      {
        token: forge({ ...HEADER, v: 2 }, CLAIMS, rsa.privateKey),
        values: { headers: [{ name: "v", type: "number", isArray: false, value: "2" }] },
      },
    ],
    ["without exp", { token: forge(HEADER, { sub: "ann" }, rsa.privateKey) }],
    [
      "exp past within the allowance",
      { token: forge(HEADER, { exp: NOW_S - 5 }, rsa.privateKey), config: { timeAllowanceMs: 10_000 } },
    ],
    [
      "a critical header that is known",
      { token: forge({ ...HEADER, crit: ["x"], x: 1 }, CLAIMS, rsa.privateKey), config: { knownHeaders: ["x"] } },
    ],
    [
      "a critical header that is ignored",
      {
        token: forge({ ...HEADER, crit: ["x"], x: 1 }, CLAIMS, rsa.privateKey),
        config: { ignoreCriticalHeaders: true },
      },
    ],
    [
      "keys in the header, which nobody follows",
      {
        token: forge(
          { ...HEADER, jku: "http://169.254.169.254/", x5u: "http://x/", jwk: other.jwk, x5c: ["AA"] },
          CLAIMS,
          rsa.privateKey,
        ),
      },
    ],
  ];
  test.each(good)("%s", async (_, made) => {
    const fixture = new PolicyFixture();
    const x = fixture.exchange({ upgrade: true });
    await run(x, made);
    expect(x.session?.credentials).toMatchObject([{ kind: "jwt", policy: "VJ", basis: null }]);
    expect(x.access).toBeNull();
  });

  test("leave their end and their identities with the session", async () => {
    const fixture = new PolicyFixture();
    const x = fixture.exchange({ upgrade: true });
    await run(x, {
      token: forge(HEADER, { ...CLAIMS, client_id: "cl" }, rsa.privateKey),
      config: { timeAllowanceMs: 1_000 },
    });
    expect(x.session?.credentials).toMatchObject([
      {
        expiresAtMs: (NOW_S + 61) * 1000,
        identities: [
          "jti:https://id.example.com|j1",
          "kid:https://id.example.com|k1",
          "subject:https://id.example.com|ann",
          "app:cl",
        ],
      },
    ]);
  });
});

describe("tokens that do not", () => {
  const signed = forge(HEADER, CLAIMS, rsa.privateKey);
  const [head = "", body = "", seal = ""] = signed.split(".");
  const bad: [string, Case, string][] = [
    [
      "alg none without a signature",
      { token: `${part({ alg: "none" })}.${body}.` },
      "AlgorithmInTokenNotPresentInConfiguration",
    ],
    [
      "alg None",
      { token: `${part({ alg: "None", kid: "k1" })}.${body}.${seal}` },
      "AlgorithmInTokenNotPresentInConfiguration",
    ],
    [
      "alg in lower case",
      { token: `${part({ alg: "rs256", kid: "k1" })}.${body}.${seal}` },
      "AlgorithmInTokenNotPresentInConfiguration",
    ],
    ["no alg", { token: `${part({ kid: "k1" })}.${body}.${seal}` }, "NoAlgorithmFoundInHeader"],
    [
      "alg that is a list",
      { token: `${part({ alg: ["RS256"], kid: "k1" })}.${body}.${seal}` },
      "NoAlgorithmFoundInHeader",
    ],
    ["the signature taken off", { token: `${head}.${body}.` }, "InvalidToken"],
    [
      "HS256 keyed with the public key",
      { token: forge({ alg: "HS256", kid: "k1" }, CLAIMS, rsa.pem) },
      "AlgorithmInTokenNotPresentInConfiguration",
    ],
    [
      "HS256 keyed with the public key, both algorithms taken",
      {
        token: forge({ alg: "HS256" }, CLAIMS, rsa.pem),
        key: rsa.pem,
        config: { algorithms: ["RS256", "HS256"], keyForm: { form: "public" } },
      },
      "AlgorithmMismatch",
    ],
    [
      "HS256 keyed with a modulus of the set",
      {
        token: forge({ alg: "HS256", kid: "k1" }, CLAIMS, String(rsa.jwk.n)),
        config: { algorithms: ["RS256", "HS256"] },
      },
      "AlgorithmMismatch",
    ],
    [
      "another algorithm of the same key",
      { token: forge({ alg: "RS512", kid: "k1" }, CLAIMS, rsa.privateKey) },
      "AlgorithmInTokenNotPresentInConfiguration",
    ],
    [
      "another kid's algorithm",
      { token: forge({ alg: "RS256", kid: "k3" }, CLAIMS, rsa.privateKey) },
      "AlgorithmMismatch",
    ],
    ["signed by a stranger", { token: forge(HEADER, CLAIMS, other.privateKey) }, "InvalidToken"],
    [
      "signed by a stranger who brings his key",
      { token: forge({ ...HEADER, jwk: other.jwk }, CLAIMS, other.privateKey) },
      "InvalidToken",
    ],
    ["an unknown kid", { token: forge({ alg: "RS256", kid: "k2" }, CLAIMS, other.privateKey) }, "NoMatchingPublicKey"],
    [
      "the kid __proto__",
      { token: forge('{"alg":"RS256","kid":"__proto__"}', CLAIMS, rsa.privateKey) },
      "NoMatchingPublicKey",
    ],
    [
      "the kid constructor",
      { token: forge({ alg: "RS256", kid: "constructor" }, CLAIMS, rsa.privateKey) },
      "NoMatchingPublicKey",
    ],
    [
      "a kid that is a path",
      { token: forge({ alg: "RS256", kid: "../../jwks" }, CLAIMS, rsa.privateKey) },
      "NoMatchingPublicKey",
    ],
    ["a kid that is no text", { token: forge({ alg: "RS256", kid: 1 }, CLAIMS, rsa.privateKey) }, "FailedToDecode"],
    ["no kid", { token: forge({ alg: "RS256" }, CLAIMS, rsa.privateKey) }, "KeyIdMissing"],
    [
      "alg twice",
      { token: forge('{"alg":"none","alg":"RS256","kid":"k1"}', CLAIMS, rsa.privateKey) },
      "FailedToDecode",
    ],
    ["claims changed", { token: `${head}.${part({ ...CLAIMS, sub: "eve" })}.${seal}` }, "InvalidToken"],
    ["padding", { token: `${signed}==` }, "FailedToDecode"],
    [
      "more than the limit",
      { token: forge(HEADER, { ...CLAIMS, pad: "x".repeat(16_384) }, rsa.privateKey) },
      "FailedToDecode",
    ],
    ["exp past", { token: forge(HEADER, { exp: NOW_S }, rsa.privateKey) }, "TokenExpired"],
    [
      "exp past beyond the allowance",
      { token: forge(HEADER, { exp: NOW_S - 10 }, rsa.privateKey), config: { timeAllowanceMs: 10_000 } },
      "TokenExpired",
    ],
    ["nbf ahead", { token: forge(HEADER, { nbf: NOW_S + 5 }, rsa.privateKey) }, "TokenNotYetValid"],
    ["iat ahead", { token: forge(HEADER, { iat: NOW_S + 5 }, rsa.privateKey) }, "TokenNotYetValid"],
    ["exp as text", { token: forge(HEADER, { exp: "2099" }, rsa.privateKey) }, "InvalidClaim"],
    [
      "a critical header that nobody knows",
      { token: forge({ ...HEADER, crit: ["x"], x: 1 }, CLAIMS, rsa.privateKey) },
      "UnhandledCriticalHeader",
    ],
    [
      "a critical header that is not there",
      { token: forge({ ...HEADER, crit: ["x"] }, CLAIMS, rsa.privateKey), config: { knownHeaders: ["x"] } },
      "UnhandledCriticalHeader",
    ],
    [
      "an empty list of critical headers",
      { token: forge({ ...HEADER, crit: [] }, CLAIMS, rsa.privateKey), config: { ignoreCriticalHeaders: true } },
      "UnhandledCriticalHeader",
    ],
    [
      "critical headers that are no list",
      { token: forge({ ...HEADER, crit: "x", x: 1 }, CLAIMS, rsa.privateKey), config: { ignoreCriticalHeaders: true } },
      "UnhandledCriticalHeader",
    ],
    [
      "a payload that is not encoded",
      {
        token: forge({ ...HEADER, crit: ["b64"], b64: false }, CLAIMS, rsa.privateKey),
        config: { ignoreCriticalHeaders: true },
      },
      "UnhandledCriticalHeader",
    ],
    ["another issuer", { token: signed, values: { issuer: "https://evil.example.com" } }, "JwtIssuerMismatch"],
    ["another subject", { token: signed, values: { subject: "eve" } }, "JwtSubjectMismatch"],
    ["no audience", { token: signed, values: { audience: "chat" } }, "JwtAudienceMismatch"],
    [
      "a header of another value",
      {
        token: forge({ ...HEADER, v: 1 }, CLAIMS, rsa.privateKey),
        values: { headers: [{ name: "v", type: "number", isArray: false, value: "2" }] },
      },
      "InvalidClaim",
    ],
    [
      "a header that does not resolve",
      { token: signed, values: { headers: [{ name: "v", type: "string", isArray: false, value: null }] } },
      "FailedToResolveVariable",
    ],
    ["a claim that is missing", { token: signed, config: { requiredClaims: ["scope"] } }, "InvalidClaim"],
    ["a demanded value that does not resolve", { token: signed, values: { issuer: null } }, "FailedToResolveVariable"],
    [
      "the same, ignored: it matches nothing",
      { token: signed, values: { issuer: null }, config: { ignoreUnresolved: true } },
      "JwtIssuerMismatch",
    ],
    ["no prefix", { token: signed, bare: true }, "FailedToResolveVariable"],
    ["a prefix where none belongs", { token: signed, config: { prefix: "" } }, "FailedToDecode"],
    ["a key set that is none", { token: signed, key: "{}" }, "KeyParsingFailed"],
    [
      "a secret that is too short",
      {
        token: forge({ alg: "HS256" }, CLAIMS, "short"),
        key: "short",
        config: { algorithms: ["HS256"], keyForm: { form: "secret", encoding: "utf-8" } },
      },
      "InsufficientKeyLength",
    ],
    [
      "a public key as secret",
      {
        token: forge({ alg: "HS256" }, CLAIMS, rsa.pem),
        key: rsa.pem,
        config: { algorithms: ["HS256"], keyForm: { form: "secret", encoding: "utf-8" } },
      },
      "WrongKeyType",
    ],
  ];
  test.each(bad)("%s", async (_, made, expected) => {
    expect(await refusal(made)).toBe(expected);
  });

  test("no token at all", async () => {
    const x = new PolicyFixture().exchange();
    for (const presented of [null, "", "Bearer "]) {
      const raised = await faultOf(() => runtimeStep(x, CONFIG, SET, presented, {}));
      expect(raised.code).toBe("steps.jwt.FailedToResolveVariable");
      expect(raised.text).toBe("Failed to resolve variable: policy(VJ)");
    }
  });
});

test("its variables", async () => {
  const fixture = new PolicyFixture();
  const x = fixture.exchange();
  const claims = { ...CLAIMS, aud: ["a", "b"], n: 1, b: false, o: { p: 1 }, z: null };
  expect(jwtVariable(x, "VJ", "valid")).toBeNull();
  await run(x, { token: forge(HEADER, claims, rsa.privateKey), config: { keep: true } });
  const read = (name: string) => jwtVariable(x, "VJ", name);
  expect(Object.fromEntries([
    "valid", "is_expired", "seconds_remaining", "time_remaining_formatted", "expiry_formatted", "payload-claim-names",
    "header.algorithm", "header.kid", "header.type", "claim.subject", "claim.issuer", "claim.audience", "claim.expiry",
    "claim.n", "decoded.claim.exp", "decoded.claim.b", "decoded.claim.o", "decoded.claim.z", "decoded.header.typ",
    "claim.constructor", "decoded.claim.__proto__", "header.toString", "nothing", "claim.none",
  ].map((name) => [name, read(name)]))).toEqual({
    valid: true, is_expired: false, seconds_remaining: 60, time_remaining_formatted: "00:01:00.000", expiry_formatted: "2030-01-01T12:01:00.000Z",
    "payload-claim-names": "iss,sub,jti,exp,aud,n,b,o,z",
    "header.algorithm": "RS256", "header.kid": "k1", "header.type": "JWT", "claim.subject": "ann",
    "claim.issuer": "https://id.example.com", "claim.audience": "a,b", "claim.expiry": (NOW_S + 60) * 1000,
    "claim.n": 1, "decoded.claim.exp": NOW_S + 60, "decoded.claim.b": false, "decoded.claim.o": '{"p":1}',
    "decoded.claim.z": null, "decoded.header.typ": "JWT", "claim.constructor": null, "decoded.claim.__proto__": null,
    "header.toString": null, nothing: null, "claim.none": null,
  });
  expect(read("header-json")).toBe(JSON.stringify(HEADER));
  expect(read("payload-json")).toBe(JSON.stringify(claims));
});

describe("VerifyJWT at compile time", () => {
  const model = {
    kind: "VerifyJWT",
    algorithm: "RS256, ES256,RS256",
    publicKey: { jwks: { file: "keys.json" } },
    issuer: "https://id.example.com",
    audience: { ref: "my.audience", value: "chat" },
    timeAllowance: "30s",
    maxLifespan: "5m",
  } as const;

  test("emits one call, the key read at start", () => {
    const [config, call, ...more] = emitted(verifyJwt, model);
    expect(more).toEqual([]);
    expect(config).toContain('algorithms: ["RS256", "ES256"], keyForm: { form: "jwks" }, openKeys: localKeys, type: null, prefix: "Bearer"');
    expect(config).toContain("timeAllowanceMs: 30000");
    expect(config).toContain("lifespanMaxMs: 300000 }");
    const [fromIssue] = emitted(verifyJwt, { ...model, maxLifespan: { value: "1m", useIssueTime: true } });
    expect(fromIssue).toContain("lifespanMaxMs: 60000, lifespanFromIssue: true");
    expect(call).toBe(
      'wait verifyJwt(x, verifyJwt, settings("{\\"file\\":\\"keys.json\\"}", "secret"), ' +
        'get("request.header.authorization"), ' +
        '{ issuer: "https://id.example.com", audience: text("my.audience") ?? "chat" })',
    );
  });

  test("constant demands are a constant, a source has no prefix", () => {
    const lines = emitted(verifyJwt, {
      kind: "VerifyJWT",
      algorithm: "HS256",
      secretKey: { encoding: "hex", value: { env: "JWT_SECRET" } },
      source: "request.queryparam.token",
      additionalClaims: [{ name: "level", type: "number", value: 3 }],
    });
    expect(lines[0]).toContain('prefix: ""');
    expect(lines[1]).toBe(
      'const claims = { claims: [{ name: "level", type: "number", isArray: false, value: "3" }] } as const',
    );
    expect(lines[2]).toContain('settings("{\\"env\\":\\"JWT_SECRET\\"}", "secret"), ');
    expect(lines[2]).toContain(', get("request.queryparam.token"), claims)');
  });

  test("notes what it reads and needs", () => {
    const found = analyzed(verifyJwt, model);
    expect(found.reports).toEqual([]);
    expect(found.reads).toEqual(["request.header.authorization", "my.audience"]);
    expect(found.settings).toEqual(['{"source":{"file":"keys.json"},"kind":"secret"}']);
    expect(found.obligations).toMatchObject([{ kind: "credential", what: "jwt", policy: "P-1", ambient: false }]);
  });

  test("algorithms of another kind than the key, and values of another type, are reported", () => {
    const found = analyzed(verifyJwt, {
      ...model,
      algorithm: "RS256, HS256",
      additionalClaims: [{ name: "level", type: "number", value: "high" }],
    });
    expect(found.reports).toEqual([
      'AGW4102 algorithm {"algorithm":"HS256","key":"public key"}',
      expect.stringMatching(/^AGW3105 additionalClaims\.0\.value /),
    ]);
  });
});
