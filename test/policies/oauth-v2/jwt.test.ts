import { describe, expect, test } from "vitest";
import { revokeTokensOfApp, setKeyStatus } from "#runtime/access/change.ts";
import { jtiIdentity } from "#runtime/access/identity.ts";
import { revokeJwts } from "#runtime/access/jwt-revocation.ts";
import { verifyJwtAccessToken } from "#runtime/policies/oauth-v2-jwt.ts";
import type { VerifyJwtAccessTokenConfig } from "#runtime/policies/oauth-v2-jwt.ts";
import { localKeys } from "#runtime/token/key-source.ts";
import { fillStore, KEY, KEY_RECORD } from "../../support/access-records.ts";
import type { RecordChanges } from "../../support/access-records.ts";
import { forge, jwks, rsaKey } from "../../support/jwt-forge.ts";
import { faultOf, PolicyFixture } from "../../support/policy-fixture.ts";

const rsa = rsaKey("k1");
const SET = jwks(rsa.jwk);
const NOW_S = Date.UTC(2030, 0, 1, 12) / 1000;
const HEADER = { alg: "RS256", kid: "k1", typ: "at+JWT" };
const CLAIMS = { iss: "i", sub: "ann", jti: "j1", exp: NOW_S + 60, client_id: KEY, scope: "read write" };

const CONFIG: VerifyJwtAccessTokenConfig = {
  name: "OA",
  id: "OA",
  variable: null,
  prefix: "Bearer",
  scopes: ["read"],
  requireAllScopes: false,
  algorithms: ["RS256"],
  keyForm: { form: "jwks" },
  openKeys: localKeys,
  type: "at+jwt",
  timeAllowanceMs: 0,
  ignoreIssuedAt: false,
  ignoreCriticalHeaders: false,
  knownHeaders: [],
  requiredClaims: ["exp", "client_id"],
  lifespanMaxMs: null,
  keep: false,
};

const token = (claims: object = {}, header: object = {}): string =>
  `Bearer ${forge({ ...HEADER, ...header }, { ...CLAIMS, ...claims }, rsa.privateKey)}`;

describe("JWT access tokens", () => {
  test("fill the access of their client and bind the session to both", async () => {
    const fixture = await new PolicyFixture().start();
    await fillStore(fixture.store, { key: { expiresAtMs: (NOW_S + 30) * 1000 } });
    const x = fixture.exchange({ upgrade: true });
    await verifyJwtAccessToken(x, CONFIG, SET, token(), { issuer: "i" });
    expect(x.access?.app.name).toBe("the-app");
    const [credential] = x.session?.credentials ?? [];
    expect(credential).toMatchObject({ kind: "jwt", expiresAtMs: (NOW_S + 30) * 1000, basis: { kind: "key" } });
    expect(credential?.identities).toEqual(expect.arrayContaining([
      "jti:i|j1",
      "kid:i|k1",
      "subject:i|ann",
      "app:app",
    ]));
    expect(JSON.stringify(credential)).not.toContain(KEY);
    // Seen before: at once.
    expect(verifyJwtAccessToken(fixture.exchange(), CONFIG, SET, token(), { issuer: "i" })).toBeUndefined();
    const { session } = x;
    if (session === null) throw new Error("no session");
    const splice = fixture.around.openNow(session);
    setKeyStatus(fixture.gateway, KEY_RECORD.id, "revoked");
    expect(splice.ends).toMatchObject([{ reason: "accessRevoked" }]);
  });

  test("end with the tokens of their app, also where the app was looked up before", async () => {
    const fixture = await new PolicyFixture().start();
    await fillStore(fixture.store);
    const x = fixture.exchange({ upgrade: true });
    const early = token({ iat: NOW_S - 10 });
    await verifyJwtAccessToken(x, CONFIG, SET, early, {});
    const { session } = x;
    if (session === null) throw new Error("no session");
    const splice = fixture.around.openNow(session);
    revokeTokensOfApp(fixture.gateway, "app");
    expect(splice.ends).toMatchObject([{ reason: "tokenRevoked" }]);
    const again = await faultOf(() => verifyJwtAccessToken(fixture.exchange(), CONFIG, SET, early, {}));
    expect(again.code).toBe("keymanagement.service.access_token_not_approved");
    const undated = await faultOf(() => verifyJwtAccessToken(fixture.exchange(), CONFIG, SET, token({ jti: "j2" }), {}));
    expect(undated.code).toBe("keymanagement.service.access_token_not_approved");
    // One that was issued later is as good as ever.
    fixture.clock.advance(2_000);
    const late = fixture.exchange();
    await verifyJwtAccessToken(late, CONFIG, SET, token({ jti: "j3", iat: NOW_S + 1 }), {});
    expect(late.access).not.toBeNull();
  });

  test("a list of scopes will do", async () => {
    const fixture = new PolicyFixture();
    await fillStore(fixture.store);
    const x = fixture.exchange();
    await verifyJwtAccessToken(x, CONFIG, SET, token({ scope: ["read"] }, { typ: "application/at+jwt" }), {});
    expect(x.access).not.toBeNull();
  });

  const NO = "keymanagement.service.invalid_access_token";
  const refusals: [string, string | null, RecordChanges, string][] = [
    ["no token", null, {}, "oauth.v2.InvalidAccessToken"],
    ["no JWT", "Bearer abc", {}, "oauth.v2.InvalidAccessToken"],
    ["an ID token", token({}, { typ: "JWT" }), {}, NO],
    ["no typ", token({}, { typ: undefined }), {}, NO],
    ["a stranger's signature", `Bearer ${forge(HEADER, CLAIMS, rsaKey("k1").privateKey)}`, {}, NO],
    ["past its end", token({ exp: NOW_S }), {}, "keymanagement.service.access_token_expired"],
    ["no end", token({ exp: undefined }), {}, NO],
    ["no client", token({ client_id: undefined }), {}, NO],
    ["a client that is no text", token({ client_id: 5 }), {}, NO],
    ["another issuer", token({ iss: "x" }), {}, NO],
    ["an unknown client", token({ client_id: "x" }), {}, NO],
    ["a revoked client", token(), { key: { status: "revoked" } }, "oauth.v2.ApiKeyNotApproved"],
    ["a revoked app", token(), { app: { status: "revoked" } }, "keymanagement.service.invalid_client-app_not_approved"],
    [
      "no product",
      token(),
      { product: { proxies: ["x"] } },
      "keymanagement.service.InvalidAPICallAsNoApiProductMatchFound",
    ],
    ["no scope", token({ scope: "write" }), {}, "steps.oauth.v2.InsufficientScope"],
    ["no scopes at all", token({ scope: undefined }), {}, "steps.oauth.v2.InsufficientScope"],
  ];
  test.each(refusals)("%s", async (_, presented, changes, code) => {
    const fixture = new PolicyFixture();
    await fillStore(fixture.store, changes);
    const x = fixture.exchange({ upgrade: true });
    const raised = await faultOf(() => verifyJwtAccessToken(x, CONFIG, SET, presented, { issuer: "i" }));
    expect(raised.code).toBe(code);
    expect(raised.headers?.[1]).toContain('Bearer realm="chat"');
    expect(x.session?.credentials).toEqual([]);
    expect(x.access).toBeNull();
  });

  test("a revoked jti", async () => {
    const fixture = await new PolicyFixture().start();
    await fillStore(fixture.store);
    await revokeJwts(fixture.gateway, jtiIdentity("i", "j1"), null);
    expect(await faultOf(() => verifyJwtAccessToken(fixture.exchange(), CONFIG, SET, token(), {}))).toMatchObject({
      code: "keymanagement.service.access_token_not_approved",
    });
  });
});
