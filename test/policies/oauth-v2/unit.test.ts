import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import { setAppStatus } from "#runtime/access/change.ts";
import { findToken } from "#runtime/access/tokens.ts";
import { digest, fingerprint } from "#runtime/access/digest.ts";
import type { Value } from "#runtime/context.ts";
import { clientCredentialsGrant, generateAccessToken } from "#runtime/policies/oauth-v2-issue.ts";
import type { GenerateAccessTokenConfig } from "#runtime/policies/oauth-v2-issue.ts";
import type { TokenRequest } from "#runtime/token/token-request.ts";
import { invalidateToken, verifyAccessToken } from "#runtime/policies/oauth-v2.ts";
import { StoreFailure } from "#runtime/state/store.ts";
import { issuedVariable } from "#runtime/token/issued.ts";
import { oauthV2 } from "#compiler/policies/oauth-v2.ts";
import type { OAuthV2Model } from "#compiler/policies/oauth-v2-model.ts";
import { distantStore, fillStore, KEY, SECRET, TOKEN } from "../../support/access-records.ts";
import type { RecordChanges } from "../../support/access-records.ts";
import { analyzed, emitted } from "../../support/policy-emit.ts";
import { faultOf, PolicyFixture } from "../../support/policy-fixture.ts";

const VERIFY = { name: "OA", variable: null, prefix: "Bearer", scopes: [], requireAllScopes: false, keep: false };

describe("VerifyAccessToken", () => {
  const refusals: [string, RecordChanges, Value, string, number][] = [
    ["no header", {}, null, "oauth.v2.InvalidAccessToken", 401],
    ["another scheme", {}, `Basic ${TOKEN}`, "oauth.v2.InvalidAccessToken", 401],
    ["no token", {}, "Bearer ", "oauth.v2.InvalidAccessToken", 401],
    ["an unknown token", {}, "Bearer other", "keymanagement.service.invalid_access_token", 401],
    [
      "a refresh token",
      { token: { kind: "refresh" } },
      `Bearer ${TOKEN}`,
      "keymanagement.service.invalid_access_token",
      401,
    ],
    [
      "an expired token",
      { token: { expiresAtMs: 1 } },
      `Bearer ${TOKEN}`,
      "keymanagement.service.access_token_expired",
      401,
    ],
    [
      "a revoked token",
      { token: { status: "revoked" } },
      `Bearer ${TOKEN}`,
      "keymanagement.service.access_token_not_approved",
      401,
    ],
    [
      "a revoked app",
      { app: { status: "revoked" } },
      `Bearer ${TOKEN}`,
      "keymanagement.service.invalid_client-app_not_approved",
      401,
    ],
    [
      "an inactive developer",
      { developer: { status: "inactive" } },
      `Bearer ${TOKEN}`,
      "keymanagement.service.DeveloperStatusNotActive",
      401,
    ],
    [
      "no product for the call",
      { product: { proxies: ["x"] } },
      `Bearer ${TOKEN}`,
      "keymanagement.service.InvalidAPICallAsNoApiProductMatchFound",
      401,
    ],
  ];
  test.each(refusals)("%s", async (_, changes, presented, code, status) => {
    const fixture = new PolicyFixture();
    await fillStore(fixture.store, changes);
    const x = fixture.exchange({ upgrade: true });
    const raised = await faultOf(() => verifyAccessToken(x, VERIFY, presented));
    expect(raised).toMatchObject({ code, status, policy: "OA" });
    expect(raised.headers).toEqual([
      "WWW-Authenticate",
      `Bearer realm="chat",error="invalid_token",error_description="${code}: ${raised.text}"`,
    ]);
    expect(x.session?.credentials).toEqual([]);
  });

  test("in RFC form refusals have a body, and their challenge", async () => {
    const fixture = new PolicyFixture();
    await fillStore(fixture.store, { token: { scopes: ["read"] } });
    const rfc = { ...VERIFY, isRfc: true, scopes: ["write"] } as const;
    const unknown = await faultOf(() => verifyAccessToken(fixture.exchange(), rfc, "Bearer other"));
    expect(JSON.parse(unknown.response?.content ?? "")).toEqual({
      error: "invalid_token",
      error_description: "Invalid Access Token",
    });
    expect(unknown.response?.headerJoined("www-authenticate")).toContain('error="invalid_token"');
    const narrow = await faultOf(() => verifyAccessToken(fixture.exchange(), rfc, `Bearer ${TOKEN}`));
    expect([narrow.response?.status, narrow.response?.headerJoined("www-authenticate")]).toEqual([
      403,
      expect.stringContaining('scope="write"'),
    ]);
    expect(JSON.parse(narrow.response?.content ?? "")).toMatchObject({ error: "insufficient_scope" });
  });

  test("a good token, in any spelling of its prefix, at once", async () => {
    const fixture = new PolicyFixture();
    const expiresAtMs = fixture.clock.wallMs() + 90_500;
    await fillStore(fixture.store, { token: { expiresAtMs, scopes: ["read"], subject: "ann" } });
    const x = fixture.exchange({ upgrade: true });
    expect(verifyAccessToken(x, { ...VERIFY, keep: true }, `bEARER  ${TOKEN}`)).toBeUndefined();
    expect(x.access?.token?.scopes).toEqual(["read"]);
    expect(x.session?.credentials).toMatchObject([
      { kind: "token", expiresAtMs, basis: { kind: "token", digest: digest(TOKEN) } },
    ]);
    expect(x.session?.credentials[0]?.identities).toContain(`token:${digest(TOKEN)}`);
    expect(issuedVariable(x, "OA", "scope")).toBe("read");
    expect(issuedVariable(x, "OA", "expires_in")).toBe("90");
    expect(issuedVariable(x, "OA", "client_id")).toBe(fingerprint(digest(KEY)));
    expect(issuedVariable(x, "OA", "access_token")).toBeNull();
    expect(issuedVariable(x, "constructor", "scope")).toBeNull();
  });

  test("a variable of its own", async () => {
    const fixture = new PolicyFixture();
    await fillStore(fixture.store);
    const config = { ...VERIFY, variable: "request.queryparam.token", prefix: "" };
    expect(verifyAccessToken(fixture.exchange(), config, TOKEN)).toBeUndefined();
    expect(await faultOf(() => verifyAccessToken(fixture.exchange(), config, null))).toMatchObject({
      code: "steps.oauth.v2.FailedToResolveAccessToken",
      text: "Failed to resolve Access Token variable request.queryparam.token",
    });
    expect(await faultOf(() => verifyAccessToken(fixture.exchange(), config, `Bearer ${TOKEN}`))).toMatchObject({
      code: "oauth.v2.InvalidAccessToken",
    });
  });

  test.each([
    ["one of them", ["a", "b"], false, ["b"], true],
    ["none of them", ["a", "b"], false, ["c"], false],
    ["all of them", ["a", "b"], true, ["a", "b", "c"], true],
    ["not all of them", ["a", "b"], true, ["b"], false],
    ["none demanded", [], true, [], true],
  ])("scopes: %s", async (_, scopes, requireAllScopes, present, passes) => {
    const fixture = new PolicyFixture();
    await fillStore(fixture.store, { token: { scopes: present } });
    const x = fixture.exchange({ upgrade: true });
    const step = () => verifyAccessToken(x, { ...VERIFY, scopes, requireAllScopes }, `Bearer ${TOKEN}`);
    if (passes) return expect(step()).toBeUndefined();
    expect(await faultOf(step)).toMatchObject({
      code: "steps.oauth.v2.InsufficientScope",
      status: 403,
      text: "Required scope(s): a b",
      headers: ["WWW-Authenticate", expect.stringContaining('error="insufficient_scope"')],
    });
    expect(x.session?.credentials).toEqual([]);
  });

  test("a failing store is 503, without a challenge", async () => {
    const get = () => Promise.reject(new StoreFailure("unavailable", "gone"));
    const fixture = new PolicyFixture({ store: (memory) => ({ ...distantStore(memory), get }) });
    const raised = await faultOf(() => verifyAccessToken(fixture.exchange(), VERIFY, `Bearer ${TOKEN}`));
    expect(raised).toMatchObject({ code: "gateway.StoreUnavailable", headers: null });
  });
});

const GENERATE: GenerateAccessTokenConfig = {
  name: "GT",
  grants: { client_credentials: clientCredentialsGrant },
  respond: true,
  isRfc: false,
  respondErrors: false,
  realm: null,
  keep: false,
};
const REQUEST: TokenRequest = {
  grantType: "client_credentials",
  authorization: `Basic ${Buffer.from(`${KEY}:${SECRET}`).toString("base64")}`,
  clientId: null,
  clientSecret: null,
  scope: null,
  expiresInMs: 60_000,
  attributes: [],
};

describe("GenerateAccessToken", () => {
  test("answers in Apigee's form, and the token is good at once", async () => {
    const fixture = new PolicyFixture();
    await fillStore(fixture.store);
    const x = fixture.exchange({ verb: "POST" });
    const attributes = [
      { name: "tier", value: "gold", display: true },
      { name: "inner", value: "7", display: false },
      { name: "access_token", value: "mine", display: true },
    ];
    expect(generateAccessToken(x, { ...GENERATE, keep: true }, { ...REQUEST, attributes })).toBeUndefined();
    expect(x.response?.status).toBe(200);
    expect(x.response?.header("content-type")).toBe("application/json");
    expect(x.response?.header("cache-control")).toBe("no-store");
    const answer: Record<string, unknown> = JSON.parse(x.response?.content ?? "");
    expect(answer).toMatchObject({
      issued_at: String(fixture.clock.wallMs()),
      application_name: "app",
      scope: "",
      status: "approved",
      api_product_list: "[gold]",
      api_product_list_json: ["gold"],
      expires_in: "60",
      "developer.email": "dev@example.com",
      token_type: "BearerToken",
      client_id: KEY,
      organization_name: "acme",
      refresh_count: "0",
      tier: "gold",
    });
    expect(answer).not.toHaveProperty("inner");
    const token = String(answer["access_token"]);
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(issuedVariable(x, "GT", "access_token")).toBe(token);
    const record = await findToken(fixture.store, token);
    expect(record?.attributes).toMatchObject({ tier: "gold", inner: "7" });
    expect(verifyAccessToken(fixture.exchange(), VERIFY, `Bearer ${token}`)).toBeUndefined();
    fixture.clock.advance(60_000);
    expect(await faultOf(() => verifyAccessToken(fixture.exchange(), VERIFY, `Bearer ${token}`))).toMatchObject({
      code: "keymanagement.service.access_token_expired",
    });
  });

  test("answers in RFC form", async () => {
    const fixture = new PolicyFixture();
    await fillStore(fixture.store, { product: { scopes: ["read", "write"] } });
    const x = fixture.exchange();
    generateAccessToken(x, { ...GENERATE, isRfc: true }, { ...REQUEST, scope: "read" });
    expect(JSON.parse(x.response?.content ?? "")).toEqual({
      access_token: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
      token_type: "Bearer",
      expires_in: 60,
      scope: "read",
    });
    generateAccessToken(x, { ...GENERATE, isRfc: true }, { ...REQUEST, expiresInMs: "-1", scope: "read" });
    expect(JSON.parse(x.response?.content ?? "")).not.toHaveProperty("expires_in");
  });

  test("takes the client from the form, and writes no answer when told so", async () => {
    const fixture = new PolicyFixture();
    await fillStore(fixture.store);
    const x = fixture.exchange();
    generateAccessToken(x, { ...GENERATE, respond: false, keep: true }, {
      ...REQUEST,
      authorization: null,
      clientId: KEY,
      clientSecret: SECRET,
    });
    expect(x.response).toBeNull();
    expect(issuedVariable(x, "GT", "access_token")).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });

  const basic = (text: string): string => `Basic ${Buffer.from(text).toString("base64")}`;
  const refusals: [string, Partial<TokenRequest>, string, number, string][] = [
    ["no grant type", { grantType: null }, "steps.oauth.v2.invalid_request", 400, "invalid_request"],
    [
      "another grant type",
      { grantType: "password" },
      "steps.oauth.v2.UnSupportedGrantType",
      400,
      "unsupported_grant_type",
    ],
    [
      "a scope that the client may not have",
      { scope: "admin" },
      "steps.oauth.v2.invalid_request",
      400,
      "invalid_scope",
    ],
    ["no client", { authorization: null }, "steps.oauth.v2.invalid_request", 400, "invalid_request"],
    [
      "credentials without a colon",
      { authorization: basic("x") },
      "steps.oauth.v2.invalid_request",
      400,
      "invalid_request",
    ],
    [
      "a wrong secret",
      { authorization: basic(`${KEY}:no`) },
      "steps.oauth.v2.InvalidClientIdentifier",
      401,
      "invalid_client",
    ],
    ["no secret", { authorization: basic(`${KEY}:`) }, "steps.oauth.v2.InvalidClientIdentifier", 401, "invalid_client"],
    [
      "an unknown client",
      { authorization: basic(`x:${SECRET}`) },
      "steps.oauth.v2.InvalidClientIdentifier",
      401,
      "invalid_client",
    ],
    ["a lifetime of nothing", { expiresInMs: 0 }, "steps.oauth.v2.InvalidValueForExpiresIn", 500, ""],
    ["a lifetime that is no number", { expiresInMs: "soon" }, "steps.oauth.v2.InvalidValueForExpiresIn", 500, ""],
    ["no lifetime", { expiresInMs: null }, "steps.oauth.v2.InvalidValueForExpiresIn", 500, ""],
  ];
  test.each(refusals)("%s", async (_, changes, code, status, rfc) => {
    const fixture = new PolicyFixture();
    await fillStore(fixture.store);
    const x = fixture.exchange();
    const request = { ...REQUEST, ...changes };
    const raised = await faultOf(() => generateAccessToken(x, GENERATE, request));
    expect(raised).toMatchObject({ code, status, policy: "GT", response: null });
    expect(x.response).toBeNull();
    expect(JSON.stringify(raised)).not.toContain(SECRET);
    if (rfc === "") return;
    const inRfc = await faultOf(() => generateAccessToken(x, { ...GENERATE, isRfc: true }, request));
    expect(inRfc.response?.status).toBe(status);
    expect(JSON.parse(inRfc.response?.content ?? "")).toMatchObject({ error: rfc });
  });

  test("a Basic client is challenged, one in the form is not", async () => {
    const fixture = new PolicyFixture();
    const x = fixture.exchange();
    const wrong = await faultOf(() => generateAccessToken(x, GENERATE, REQUEST));
    expect(wrong.headers).toEqual(["WWW-Authenticate", 'Basic realm="chat"']);
    const form = { ...REQUEST, authorization: null, clientId: "x", clientSecret: "y" };
    expect((await faultOf(() => generateAccessToken(x, GENERATE, form))).headers).toBeNull();
  });

  test("a revoked app gets no token", async () => {
    const fixture = await new PolicyFixture().start();
    await fillStore(fixture.store);
    await setAppStatus(fixture.gateway, "app", "revoked");
    expect(await faultOf(() => generateAccessToken(fixture.exchange(), GENERATE, REQUEST))).toMatchObject({
      code: "keymanagement.service.invalid_client-app_not_approved",
      status: 401,
    });
  });
});

describe("InvalidateToken", () => {
  const token = (value: Value, type: "accesstoken" | "refreshtoken" = "accesstoken") => [
    { type, cascade: false, variable: "request.queryparam.token", value },
  ];

  test("ends the sessions of the token at once and no others", async () => {
    const fixture = await new PolicyFixture().start();
    await fillStore(fixture.store);
    const open = () => {
      const x = fixture.exchange({ upgrade: true });
      if (x.session === null) throw new Error("no session");
      return { x, session: x.session };
    };
    const [named, spared] = [open(), open()];
    verifyAccessToken(named.x, VERIFY, `Bearer ${TOKEN}`);
    const splices = [fixture.around.openNow(named.session), fixture.around.openNow(spared.session)];
    expect(invalidateToken(fixture.exchange(), { name: "IT", tokens: token(TOKEN) })).toBeUndefined();
    expect(splices.map((splice) => splice.ends.map(({ reason }) => reason))).toEqual([["tokenRevoked"], []]);
    expect(await faultOf(() => verifyAccessToken(fixture.exchange(), VERIFY, `Bearer ${TOKEN}`))).toMatchObject({
      code: "keymanagement.service.access_token_not_approved",
    });
  });

  test.each([
    ["an empty variable", token(null), "steps.oauth.v2.FailedToResolveToken"],
    ["an unknown token", token("other"), "keymanagement.service.invalid_access_token"],
    ["a token of the other type", token(TOKEN, "refreshtoken"), "steps.oauth.v2.InvalidTokenType"],
  ])("%s", async (_, tokens, code) => {
    const fixture = new PolicyFixture();
    await fillStore(fixture.store);
    expect(await faultOf(() => invalidateToken(fixture.exchange(), { name: "IT", tokens }))).toMatchObject({
      code,
      policy: "IT",
    });
  });

  test("several, one after the other, in a store far away", async () => {
    const fixture = new PolicyFixture({ store: (memory) => distantStore(memory) });
    await fillStore(fixture.store);
    const later = invalidateToken(fixture.exchange(), { name: "IT", tokens: [...token(TOKEN), ...token(TOKEN)] });
    expect(later).toBeInstanceOf(Promise);
    await later;
    expect((await findToken(fixture.store, TOKEN))?.status).toBe("revoked");
  });
});

describe("OAuthV2 at compile time", () => {
  const verify: OAuthV2Model = { kind: "OAuthV2", operation: "VerifyAccessToken" };

  test("VerifyAccessToken", () => {
    expect(emitted(oauthV2, { ...verify, scope: "read  write" })).toEqual([
      'const verifyAccessToken = { name: "P-1", variable: null, prefix: "Bearer", scopes: ["read", "write"], ' +
        'requireAllScopes: false, keep: false } as const',
      'wait verifyAccessToken(x, verifyAccessToken, get("request.header.authorization"))',
    ]);
    const [config, call] = emitted(
      oauthV2,
      { ...verify, accessToken: "request.queryparam.t", accessTokenPrefix: "tok " },
    );
    expect(config).toContain('variable: "request.queryparam.t", prefix: "tok"');
    expect(call).toContain('get("request.queryparam.t")');
    expect(analyzed(oauthV2, verify).obligations).toMatchObject([{ what: "token", ambient: false }]);
  });

  test("a JWT access token, under both names", () => {
    const jwt = { ...verify, algorithm: "RS256", publicKey: { value: { env: "KEY" } }, issuer: "me" } as const;
    for (const operation of ["VerifyAccessToken", "VerifyJWTAccessToken"] as const) {
      const lines = emitted(oauthV2, { ...jwt, operation });
      expect(lines[0]).toContain('keyForm: { form: "public" }, openKeys: localKeys, areOfEndUsers: true, type: "at+jwt"');
      expect(lines[0]).toContain('requiredClaims: ["exp", "client_id"]');
      expect(lines[1]).toBe('const claims = { issuer: "me" } as const');
      expect(lines[2]).toMatch(/^wait verifyJwtAccessToken\(x, verifyJwtAccessToken, settings\(.+, "secret"\), get\(/);
      expect(analyzed(oauthV2, { ...jwt, operation })).toMatchObject({
        reports: [],
        obligations: [{ what: "jwt" }],
        settings: ['{"source":{"env":"KEY"},"kind":"secret"}'],
      });
    }
  });

  test("GenerateAccessToken", () => {
    const lines = emitted(oauthV2, {
      kind: "OAuthV2",
      operation: "GenerateAccessToken",
      supportedGrantTypes: ["client_credentials"],
      expiresIn: "30m",
      attributes: [{ name: "a", ref: "my.a", value: "b" }, { name: "c", value: "d", display: false }],
    });
    expect(lines).toEqual([
      'const generateAccessToken = { name: "P-1", grants: { client_credentials: clientCredentialsGrant }, ' +
        'respond: true, isRfc: false, respondErrors: false, realm: null, keep: false } as const',
      'wait generateAccessToken(x, generateAccessToken, { grantType: get("request.formparam.grant_type"), ' +
        'authorization: get("request.header.authorization"), clientId: get("request.formparam.client_id"), ' +
        'clientSecret: get("request.formparam.client_secret"), scope: null, expiresInMs: 1800000, ' +
        'attributes: [{ name: "a", value: valueOr(get("my.a"), "b"), display: true }, ' +
        '{ name: "c", value: "d", display: false }] })',
    ]);
  });

  test.each([
    ["by default an hour", undefined, "expiresInMs: 3600000"],
    ["in milliseconds", 5, "expiresInMs: 5"],
    ["never", -1, "expiresInMs: -1"],
    ["from a variable", { ref: "ttl" }, 'expiresInMs: valueOr(get("ttl"), 3600000)'],
    ["from a variable with a fallback", { ref: "ttl", value: 9 }, 'expiresInMs: valueOr(get("ttl"), 9)'],
  ] as const)("a token ends %s", (_, expiresIn, expected) => {
    const supportedGrantTypes = ["client_credentials"];
    const model = { kind: "OAuthV2", operation: "GenerateAccessToken", supportedGrantTypes } as const;
    const lines = emitted(oauthV2, expiresIn === undefined ? model : { ...model, expiresIn });
    expect(lines[1]).toContain(expected);
  });

  test("a lifetime of nothing is reported", () => {
    const model = { kind: "OAuthV2", operation: "GenerateAccessToken", expiresIn: "0s" } as const;
    expect(analyzed(oauthV2, model).reports).toEqual([expect.stringMatching(/^AGW3105 expiresIn /)]);
  });

  test("InvalidateToken", () => {
    const model = {
      kind: "OAuthV2",
      operation: "InvalidateToken",
      tokens: [{ type: "accesstoken", cascade: true, ref: "request.queryparam.token" }],
    } as const;
    expect(emitted(oauthV2, model)).toEqual([
      'wait invalidateToken(x, { name: "P-1", tokens: [{ type: "accesstoken", cascade: true, ' +
        'variable: "request.queryparam.token", value: get("request.queryparam.token") }] })',
    ]);
    expect(analyzed(oauthV2, model)).toMatchObject({ reads: ["request.queryparam.token"], obligations: [] });
  });
});
