import { describe, expect, test } from "vitest";
import { verifyJws, type VerifyJwsModel } from "#compiler/policies/verify-jws.ts";
import { verifyJws as runtimeStep } from "#runtime/policies/verify-jws.ts";
import type { PresentedJws, VerifyJwsConfig } from "#runtime/policies/verify-jws.ts";
import type { ClaimValues } from "#runtime/token/claims.ts";
import { issuedVariable } from "#runtime/token/issued.ts";
import { localKeys } from "#runtime/token/key-source.ts";
import { ecKey, forge, jwks, part, rsaKey } from "../../support/jwt-forge.ts";
import { analyzed, emitted } from "../../support/policy-emit.ts";
import { faultOf, PolicyFixture } from "../../support/policy-fixture.ts";

const rsa = rsaKey("k1");
const other = ecKey("k1");
const HEADER = { alg: "RS256", kid: "k1", typ: "text", v: 2, o: { a: 1 } };
const SIGNED = forge(HEADER, "any text", rsa.privateKey);
const [head = "", body = "", seal = ""] = SIGNED.split(".");

const CONFIG: VerifyJwsConfig = {
  name: "VS",
  id: "VS",
  algorithms: ["RS256"],
  keyForm: { form: "jwks" },
  openKeys: localKeys,
  type: null,
  prefix: "",
  isDetached: false,
  ignoreCriticalHeaders: false,
  knownHeaders: [],
  ignoreUnresolved: false,
  keep: true,
};

interface Case extends Partial<PresentedJws> {
  readonly config?: Partial<VerifyJwsConfig>;
  readonly key?: string;
  readonly values?: ClaimValues;
}

function run(made: Case, x = new PolicyFixture().exchange({ upgrade: true })): unknown {
  const { config = {}, key = jwks(rsa.jwk), values = {}, jws = SIGNED, content = null } = made;
  return runtimeStep(x, { ...CONFIG, ...config }, key, { jws, content }, values);
}

describe("VerifyJWS", () => {
  test("offers header and payload of a signature that verifies, and binds no session", async () => {
    const x = new PolicyFixture().exchange({ upgrade: true });
    await run({}, x);
    const names = ["valid", "payload", "header.algorithm", "header.kid", "header.type", "header.v", "header.o", "header.x"];
    expect(names.map((name) => issuedVariable(x, "VS", name))).toEqual([
      true, "any text", "RS256", "k1", "text", 2, '{"a":1}', null,
    ]);
    expect(issuedVariable(x, "VS", "header-json")).toBe(JSON.stringify(HEADER));
    expect(x.session?.credentials).toEqual([]);
  });

  const detached = { isDetached: true } as const;
  const v = (value: string | null) => ({ headers: [{ name: "v", type: "number", isArray: false, value }] as const });
  test.each<[string, Case]>([
    ["behind Bearer", { jws: `Bearer ${SIGNED}`, config: { prefix: "Bearer" } }],
    ["detached", { jws: `${head}..${seal}`, content: "any text", config: detached }],
    ["with a demanded header", { values: v("2") }],
  ])("takes one %s", async (_, made) => {
    await run(made);
  });

  test.each<[string, Case, string]>([
    ["nothing", { jws: null }, "FailedToResolveVariable"],
    ["no prefix", { config: { prefix: "Bearer" } }, "FailedToResolveVariable"],
    ["garbage", { jws: "a.b.c" }, "FailedToDecode"],
    ["padding", { jws: `${SIGNED}=` }, "FailedToDecode"],
    ["alg twice", { jws: `${part('{"alg":"none","alg":"RS256"}')}.${body}.${seal}` }, "FailedToDecode"],
    ["alg none", { jws: `${part({ alg: "none" })}.${body}.` }, "AlgorithmInTokenNotPresentInConfiguration"],
    ["no alg", { jws: `${part({ kid: "k1" })}.${body}.${seal}` }, "NoAlgorithmFoundInHeader"],
    ["no kid", { jws: forge({ alg: "RS256" }, "x", rsa.privateKey) }, "KeyIdMissing"],
    ["an unknown kid", { jws: forge({ alg: "RS256", kid: "k2" }, "x", rsa.privateKey) }, "NoMatchingPublicKey"],
    ["a key of another kind", { key: jwks(other.jwk) }, "AlgorithmMismatch"],
    ["no key set", { key: "{}" }, "KeyParsingFailed"],
    ["another payload", { jws: `${head}.${part("other")}.${seal}` }, "InvalidSignature"],
    ["no signature", { jws: `${head}.${body}.` }, "InvalidSignature"],
    ["b64", { jws: forge({ ...HEADER, b64: false, crit: ["b64"] }, "x", rsa.privateKey) }, "UnhandledCriticalHeader"],
    ["an unknown critical header", { jws: forge({ ...HEADER, crit: ["v"] }, "x", rsa.privateKey) }, "UnhandledCriticalHeader"],
    [
      "HS256 keyed with the public key",
      {
        jws: forge({ alg: "HS256" }, "x", rsa.pem),
        key: rsa.pem,
        config: { algorithms: ["RS256", "HS256"], keyForm: { form: "public" } },
      },
      "AlgorithmMismatch",
    ],
    ["another value of a header", { values: v("3") }, "InvalidClaim"],
    ["a header that does not resolve", { values: v(null) }, "FailedToResolveVariable"],
    ["a payload that is left out", { jws: `${head}..${seal}` }, "MissingPayload"],
    ["a detached one without its payload", { jws: `${head}..${seal}`, config: detached }, "MissingPayload"],
    ["a payload where none belongs", { content: "any text", config: detached }, "ContentIsNotDetached"],
    ["a detached one with another payload", { jws: `${head}..${seal}`, content: "x", config: detached }, "InvalidSignature"],
  ])("refuses %s", async (_, made, code) => {
    const raised = await faultOf(() => run(made));
    expect(raised).toMatchObject({ code: `steps.jws.${code}`, status: 401, policy: "VS" });
    expect(JSON.stringify(raised)).not.toContain(head);
  });
});

describe("at compile time", () => {
  const model: VerifyJwsModel = {
    kind: "VerifyJWS",
    algorithm: "RS256",
    publicKey: { jwks: { uri: "https://id.example.com/keys", allowPrivateAddresses: true } },
    source: "request.header.x-signature",
    detachedContent: "request.header.digest",
  };

  test("one call; the keys by their URL", () => {
    expect(emitted(verifyJws, model)).toEqual([
      'const verifyJws = { name: "P-1", id: "P-1", algorithms: ["RS256"], ' +
        'keyForm: { form: "url", allowPrivateAddresses: true }, openKeys: remoteKeys, type: null, prefix: "", ' +
        "ignoreCriticalHeaders: false, knownHeaders: [], ignoreUnresolved: false, keep: false, isDetached: true } as const",
      "const claims = {} as const",
      'wait verifyJws(x, verifyJws, "https://id.example.com/keys", ' +
        '{ jws: get("request.header.x-signature"), content: get("request.header.digest") }, claims)',
    ]);
  });

  test("a signature that a request brings is a credential", () => {
    const found = analyzed(verifyJws, model);
    expect(found.reports).toEqual([]);
    expect(found.reads).toEqual(["request.header.x-signature", "request.header.digest"]);
    expect(found.settings).toEqual([]);
    expect(found.obligations).toMatchObject([{ what: "signature", ambient: false }]);
    expect(analyzed(verifyJws, model, { phase: "response" }).obligations).toEqual([]);
    expect(analyzed(verifyJws, { ...model, algorithm: "HS256" }).reports).toEqual([expect.stringMatching(/^AGW4102 /)]);
  });
});
