/** VerifyJWT and tokens that it has seen before: what memory answers, and what ends that. */
import { describe, expect, test } from "vitest";
import { jtiIdentity, kidIdentity, sidIdentity, subjectIdentity } from "#runtime/access/identity.ts";
import { approveJwts, revokeJwts } from "#runtime/access/jwt-revocation.ts";
import type { Exchange } from "#runtime/context.ts";
import { verifyJwt } from "#runtime/policies/verify-jwt.ts";
import type { VerifyJwtConfig } from "#runtime/policies/verify-jwt.ts";
import type { ClaimValues } from "#runtime/token/claims.ts";
import { localKeys } from "#runtime/token/key-source.ts";
import { distantStore } from "../../support/access-records.ts";
import { forge, jwks, rsaKey } from "../../support/jwt-forge.ts";
import { faultOf, PolicyFixture } from "../../support/policy-fixture.ts";

const rsa = rsaKey("k1");
const SET = jwks(rsa.jwk);
const NOW_S = Date.UTC(2030, 0, 1, 12) / 1000;
const HEADER = { alg: "RS256", kid: "k1", typ: "JWT" };
const CLAIMS = { iss: "https://id.example.com", sub: "ann", jti: "j1", exp: NOW_S + 60 };
const CONFIG: VerifyJwtConfig = {
  name: "VJ",
  id: "VJ",
  algorithms: ["RS256"],
  keyForm: { form: "jwks" },
  openKeys: localKeys,
  type: null,
  prefix: "",
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
  readonly values?: ClaimValues;
}

function run(x: Exchange, { token, config = {}, values = {} }: Case): unknown {
  return verifyJwt(x, { ...CONFIG, ...config }, SET, token, values);
}

describe("tokens seen before", () => {
  test("are answered at once, until they expire", async () => {
    const fixture = await new PolicyFixture({ store: (memory) => distantStore(memory) }).start();
    const token = forge(HEADER, CLAIMS, rsa.privateKey);
    const first = run(fixture.exchange(), { token });
    expect(first).toBeInstanceOf(Promise);
    await first;
    expect(run(fixture.exchange(), { token })).toBeUndefined();
    fixture.clock.advance(60_000);
    expect(await faultOf(() => run(fixture.exchange(), { token }))).toMatchObject({ code: "steps.jwt.TokenExpired" });
  });

  test("do not verify for another policy, proxy or set of demands", async () => {
    const fixture = new PolicyFixture();
    const token = forge(HEADER, CLAIMS, rsa.privateKey);
    await run(fixture.exchange(), { token });
    const strict = { id: "VJ-2", algorithms: ["ES256"] } as const;
    expect(await faultOf(() => run(fixture.exchange(), { token, config: strict }))).toMatchObject({
      code: "steps.jwt.AlgorithmInTokenNotPresentInConfiguration",
    });
    expect(run(fixture.exchange({ proxy: "other" }), { token })).toBeInstanceOf(Promise);
    expect(await faultOf(() => run(fixture.exchange(), { token, values: { issuer: "x" } }))).toMatchObject({
      code: "steps.jwt.JwtIssuerMismatch",
    });
  });

  test("meet constant demands once, and those by reference each time", async () => {
    const fixture = new PolicyFixture();
    const token = forge(HEADER, CLAIMS, rsa.privateKey);
    const ofAnn: ClaimValues = { subject: "ann", claims: [{ name: "jti", type: "string", isArray: false, value: "j1" }] };
    for (let times = 0; times < 3; times++) await run(fixture.exchange(), { token, values: ofAnn });
    expect(await faultOf(() => run(fixture.exchange(), { token, values: { subject: "bob" } }))).toMatchObject({
      code: "steps.jwt.JwtSubjectMismatch",
    });
    await run(fixture.exchange(), { token, values: { subject: "ann" } });
    fixture.clock.advance(60_000);
    expect(await faultOf(() => run(fixture.exchange(), { token, values: ofAnn }))).toMatchObject({ code: "steps.jwt.TokenExpired" });
  });

  test("are bounded: the one that came first goes", async () => {
    const fixture = new PolicyFixture({ limits: { verifiedJwtsMax: 2 } });
    const tokens = ["a", "b", "c"].map((sub) => forge(HEADER, { ...CLAIMS, sub }, rsa.privateKey));
    for (const token of tokens) await run(fixture.exchange(), { token });
    const [first = "", second = "", third = ""] = tokens;
    expect(run(fixture.exchange(), { token: third })).toBeUndefined();
    expect(run(fixture.exchange(), { token: second })).toBeUndefined();
    expect(run(fixture.exchange(), { token: first })).toBeInstanceOf(Promise);
  });

  test("are refused once their jti is revoked, and stay so", async () => {
    const fixture = await new PolicyFixture().start();
    const token = forge(HEADER, CLAIMS, rsa.privateKey);
    await run(fixture.exchange(), { token });
    await revokeJwts(fixture.gateway, jtiIdentity(CLAIMS.iss, "other"), null);
    expect(run(fixture.exchange(), { token })).toBeUndefined();
    await revokeJwts(fixture.gateway, jtiIdentity(CLAIMS.iss, CLAIMS.jti), null);
    for (let times = 0; times < 2; times++) {
      expect(await faultOf(() => run(fixture.exchange(), { token }))).toMatchObject({ code: "steps.jwt.InvalidToken" });
    }
  });

  test.each([
    ["the key that signed them", kidIdentity(CLAIMS.iss, "k1"), kidIdentity(CLAIMS.iss, "k2")],
    ["their login session", sidIdentity(CLAIMS.iss, "s1"), sidIdentity("https://other.example.com", "s1")],
    ["their subject", subjectIdentity(CLAIMS.iss, "ann"), subjectIdentity(CLAIMS.iss, "bob")],
  ])("are refused once %s is revoked, until that is taken back", async (_, named, other) => {
    const fixture = await new PolicyFixture().start();
    const token = forge(HEADER, { ...CLAIMS, sid: "s1" }, rsa.privateKey);
    await run(fixture.exchange(), { token });
    await revokeJwts(fixture.gateway, other, null);
    expect(run(fixture.exchange(), { token })).toBeUndefined();
    await revokeJwts(fixture.gateway, named, null);
    expect(await faultOf(() => run(fixture.exchange(), { token }))).toMatchObject({ code: "steps.jwt.InvalidToken" });
    await approveJwts(fixture.gateway, named);
    await run(fixture.exchange(), { token });
  });

  test("of a subject that logs in again are good, and the old ones stay bad", async () => {
    const fixture = await new PolicyFixture().start();
    const issued = (iat: number): string => forge(HEADER, { ...CLAIMS, iat }, rsa.privateKey);
    const [old, next] = [issued(NOW_S), issued(NOW_S + 2)];
    fixture.clock.advance(1_000);
    await revokeJwts(fixture.gateway, subjectIdentity(CLAIMS.iss, "ann"), null);
    fixture.clock.advance(1_000);
    await run(fixture.exchange(), { token: next });
    expect(await faultOf(() => run(fixture.exchange(), { token: old }))).toMatchObject({ code: "steps.jwt.InvalidToken" });
  });

  test("end the sessions that they admitted when they are revoked", async () => {
    const fixture = await new PolicyFixture().start();
    const x = fixture.exchange({ upgrade: true });
    await run(x, { token: forge(HEADER, CLAIMS, rsa.privateKey) });
    const { session } = x;
    if (session === null) throw new Error("no session");
    const splice = fixture.around.openNow(session);
    await revokeJwts(fixture.gateway, jtiIdentity(CLAIMS.iss, CLAIMS.jti), null);
    expect(splice.ends).toMatchObject([{ reason: "tokenRevoked" }]);
  });
});

describe("claims that one variable demands", () => {
  const token = forge(HEADER, { ...CLAIMS, roles: ["a", "b"], level: 3 }, rsa.privateKey);

  test.each(["{}", '{"level":3}', '{"roles":["a","b"],"sub":"ann"}'])("%s are there", async (claimsJson) => {
    await run(new PolicyFixture().exchange(), { token, values: { claimsJson } });
  });

  test.each<readonly [string | null, string]>([
    ['{"level":"3"}', "InvalidClaim"], ['{"roles":["b","a"]}', "InvalidClaim"], ['{"none":null}', "InvalidClaim"],
    ["[]", "InvalidClaim"], ["", "InvalidClaim"], ['{"level":3,"level":3}', "InvalidClaim"],
    [null, "FailedToResolveVariable"],
  ])("%s are not", async (claimsJson, code) => {
    const raised = await faultOf(() => run(new PolicyFixture().exchange(), { token, values: { claimsJson } }));
    expect(raised.code).toBe(`steps.jwt.${code}`);
  });
});
