/** Signed access tokens of the gateway's own, on real sockets: what they say, who takes them, how they are taken back. */
import { Buffer } from "node:buffer";
import { describe, expect, it } from "vitest";
import { revokeJwts } from "#runtime/access/jwt-revocation.ts";
import { jtiIdentity } from "#runtime/access/identity.ts";
import { ecKey, forge } from "../../support/jwt-forge.ts";
import { until } from "../../support/until.ts";
import { authorizationServer, CLIENT_ID, CLIENT_SECRET, closeFrame, PUBLIC_ID } from "./ground.ts";

const ISSUER = "https://api.example.com/oauth";
const key = ecKey("2026-11");
const pem = key.privateKey.export({ type: "pkcs8", format: "pem" }).toString();

const signed = `algorithm: ES256
privateKey: { value: { env: TOKEN_KEY }, id: "2026-11" }
issuer: ${ISSUER}
audience: chat
expiresIn: 10m
rfcCompliantRequestResponse: true`;

const known = `algorithm: ES256
publicKey: { value: { env: TOKEN_PUBLIC_KEY } }
issuer: ${ISSUER}`;

const server = authorizationServer(
  {
    "OA-Token": `kind: OAuthV2
operation: GenerateJWTAccessToken
supportedGrantTypes: [client_credentials, password]
scope: request.formparam.scope
${signed}`,
    "OA-Refresh": `kind: OAuthV2\noperation: RefreshJWTAccessToken\n${signed}`,
    "OA-Opaque": `kind: OAuthV2
operation: GenerateAccessToken
supportedGrantTypes: [password]
rfcCompliantRequestResponse: true`,
    "OA-Invalidate": `kind: OAuthV2
operation: InvalidateToken
tokens: [{ type: refreshtoken, cascade: true, ref: request.formparam.token }]`,
    "OA-Validate": `kind: OAuthV2
operation: ValidateToken
tokens: [{ type: refreshtoken, cascade: true, ref: request.formparam.token }]`,
    "OA-Revoke": `kind: OAuthV2\noperation: RevokeToken\n${known}`,
    "OA-RevokeOpaque": "kind: OAuthV2\noperation: RevokeToken",
    "OA-Take": `kind: OAuthV2
operation: InvalidateToken
tokens: [{ type: accesstoken, ref: request.formparam.token }]
${known}`,
    "OA-TakeAll": `kind: OAuthV2
operation: InvalidateToken
tokens: [{ type: accesstoken, cascade: true, ref: request.formparam.token }]
${known}`,
    "OA-Give": `kind: OAuthV2
operation: ValidateToken
tokens: [{ type: accesstoken, ref: request.formparam.token }]
${known}`,
    "RO-User": "kind: RevokeOAuthV2\nendUserId: { ref: request.formparam.user }",
    "RO-UserAtApp": "kind: RevokeOAuthV2\nendUserId: { ref: request.formparam.user }\nappId: { ref: request.formparam.app }",
    "OA-Unresolved": `kind: OAuthV2
operation: GenerateJWTAccessToken
supportedGrantTypes: [client_credentials]
${signed.replace("audience: chat", "audience: { ref: request.formparam.audience }")}`,
  },
  {
    "/token": "OA-Token",
    "/refresh": "OA-Refresh",
    "/opaque": "OA-Opaque",
    "/invalidate": "OA-Invalidate",
    "/validate": "OA-Validate",
    "/unresolved": "OA-Unresolved",
    "/revoke": "OA-Revoke",
    "/revoke-opaque": "OA-RevokeOpaque",
    "/take": "OA-Take",
    "/revoke-user": "RO-User",
    "/revoke-user-at-app": "RO-UserAtApp",
    "/take-all": "OA-TakeAll",
    "/give": "OA-Give",
  },
  { TOKEN_KEY: pem, TOKEN_PUBLIC_KEY: key.pem },
  {
    "proxies/resource/policies/OA-Verify.yaml": `kind: OAuthV2
operation: VerifyAccessToken
algorithm: ES256
publicKey: { value: { env: TOKEN_PUBLIC_KEY } }
issuer: ${ISSUER}
audience: chat`,
  },
);

const login = async () => (await server.post("/oauth/token", { grant_type: "password", username: "ann", password: "x" })).body;
const refresh = (token = "", path = "/oauth/refresh") =>
  server.post(path, { grant_type: "refresh_token", refresh_token: token });

function parts(token = ""): readonly Readonly<Record<string, unknown>>[] {
  return token.split(".").slice(0, 2).map((part) => JSON.parse(Buffer.from(part, "base64url").toString()));
}

describe("a signed access token", () => {
  it("has the form of RFC 9068", async () => {
    const { body } = await server.post("/oauth/token", { grant_type: "client_credentials", scope: "read" });
    expect(body).toMatchObject({ token_type: "Bearer", expires_in: 600, scope: "read" });
    const [header, claims] = parts(body["access_token"]);
    expect(header).toEqual({ alg: "ES256", typ: "at+jwt", kid: "2026-11" });
    expect(claims).toEqual({
      iss: ISSUER,
      sub: CLIENT_ID,
      aud: "chat",
      exp: expect.any(Number),
      iat: expect.any(Number),
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      client_id: CLIENT_ID,
      scope: "read",
    });
    expect(await server.refused(body["access_token"] ?? "")).toBe(502);
    const stored = await server.gateway().gateway.store.list("token", { limit: 100 });
    expect(stored.filter(({ record }) => record.kind === "access" && record.grantType === "client_credentials")).toEqual([]);
  });

  it("names its end user and its grant, admits a session, and ends it with its jti", async () => {
    const body = await login();
    const [, claims] = parts(body["access_token"]);
    expect(claims).toMatchObject({ sub: "ann", sid: expect.any(String) });
    using socket = await server.open(body["access_token"] ?? "");
    await revokeJwts(server.gateway().gateway, jtiIdentity(ISSUER, String(claims?.["jti"])), null);
    expect((await closeFrame(socket)).code).toBe(3003);
    expect(await server.refused(body["access_token"] ?? "")).toBe(401);
  });

  it("of a refreshed grant is another one; a replay ends all of them", async () => {
    const first = await login();
    using one = await server.open(first["access_token"] ?? "");
    const { body: second } = await refresh(first["refresh_token"]);
    expect(parts(second["access_token"])[1]).toMatchObject({ sub: "ann", sid: parts(first["access_token"])[1]?.["sid"] });
    using two = await server.open(second["access_token"] ?? "");
    expect((await refresh(first["refresh_token"])).body["error"]).toBe("invalid_grant");
    expect([(await closeFrame(one)).code, (await closeFrame(two)).code]).toEqual([3003, 3003]);
    expect(await server.refused(second["access_token"] ?? "")).toBe(401);
  });

  it("goes with its grant, and comes back with it", async () => {
    const body = await login();
    using socket = await server.open(body["access_token"] ?? "");
    await server.post("/oauth/invalidate", { token: body["refresh_token"] ?? "" });
    expect((await closeFrame(socket)).code).toBe(3003);
    expect(await server.refused(body["access_token"] ?? "")).toBe(401);
    await server.post("/oauth/validate", { token: body["refresh_token"] ?? "" });
    expect(await server.refused(body["access_token"] ?? "")).toBe(502);
  });

  it("may come from a grant that began with an opaque one", async () => {
    const opaque = (await server.post("/oauth/opaque", { grant_type: "password", username: "bob", password: "x" })).body;
    const { body } = await refresh(opaque["refresh_token"]);
    using socket = await server.open(body["access_token"] ?? "");
    await server.post("/oauth/invalidate", { token: body["refresh_token"] ?? "" });
    expect((await closeFrame(socket)).code).toBe(3003);
  });

  it("is not made without an audience", async () => {
    const { status, text } = await server.post("/oauth/unresolved", { grant_type: "client_credentials" });
    expect([status, text]).toEqual([401, expect.stringContaining("steps.jwt.FailedToResolveVariable")]);
  });

  it("is in no log line", async () => {
    const body = await login();
    const lines = JSON.stringify(server.gateway().lines());
    for (const secret of [body["access_token"], body["refresh_token"], CLIENT_SECRET]) expect(lines).not.toContain(secret);
  });
});

describe("a signed access token that is taken back", () => {
  it("by its client is refused from then on, and its sessions end; the refresh token stays", async () => {
    const body = await login();
    const token = body["access_token"] ?? "";
    using socket = await server.open(token);
    expect(await server.post("/oauth/revoke", { token })).toMatchObject({ status: 200, text: "" });
    expect((await closeFrame(socket)).code).toBe(3003);
    expect(await server.refused(token)).toBe(401);
    expect((await server.post("/oauth/revoke", { token })).status).toBe(200);
    expect((await refresh(body["refresh_token"])).status).toBe(200);
  });

  it("is not when somebody else asks, or the token is forged", async () => {
    const token = (await login())["access_token"] ?? "";
    const others = await server.post("/oauth/revoke", { token, client_id: PUBLIC_ID }, null);
    expect([others.status, others.body["error"]]).toEqual([401, "invalid_client"]);
    const claims = { ...parts(token)[1], client_id: PUBLIC_ID };
    const forged = forge({ alg: "ES256", typ: "at+jwt" }, claims, ecKey("2026-11").privateKey);
    expect((await server.post("/oauth/revoke", { token: forged, client_id: PUBLIC_ID }, null)).status).toBe(200);
    for (const path of ["/oauth/take", "/oauth/give"]) {
      expect((await server.post(path, { token: forged })).text).toContain("keymanagement.service.invalid_access_token");
    }
    expect(await server.refused(token)).toBe(502);
  });

  it("is never said to be gone where it cannot be taken back", async () => {
    const token = (await login())["access_token"] ?? "";
    const { jti: _, ...claims } = parts(token)[1] ?? {};
    const nameless = forge({ alg: "ES256", typ: "at+jwt" }, claims, key.privateKey);
    for (const [path, presented] of [["/oauth/revoke-opaque", token], ["/oauth/revoke", nameless]] as const) {
      const answer = await server.post(path, { token: presented });
      expect([answer.status, answer.body["error"]]).toEqual([400, "unsupported_token_type"]);
    }
    expect((await server.post("/oauth/take", { token: nameless })).text).toContain("steps.oauth.v2.InvalidTokenType");
  });

  it("by a policy can be given back, unless its grant is gone too", async () => {
    const token = (await login())["access_token"] ?? "";
    expect((await server.post("/oauth/take", { token })).status).toBe(200);
    expect(await server.refused(token)).toBe(401);
    expect((await server.post("/oauth/give", { token })).status).toBe(200);
    expect(await server.refused(token)).toBe(502);
    await server.post("/oauth/take-all", { token });
    expect((await server.post("/oauth/give", { token })).text).toContain("access_token_not_approved");
    expect(await server.refused(token)).toBe(401);
  });

  it("takes its refresh token with it on cascade", async () => {
    const body = await login();
    expect((await server.post("/oauth/take-all", { token: body["access_token"] ?? "" })).status).toBe(200);
    expect((await refresh(body["refresh_token"])).body["error"]).toBe("invalid_grant");
  });

  it("is taken back after it has expired, too: a session may live on by its renewal", async () => {
    const claims = parts((await login())["access_token"])[1];
    const expired = forge({ alg: "ES256", typ: "at+jwt" }, { ...claims, exp: 1_000_000_000 }, key.privateKey);
    expect((await server.post("/oauth/take", { token: expired })).status).toBe(200);
    const again = forge({ alg: "ES256", typ: "at+jwt" }, claims ?? {}, key.privateKey);
    expect(await server.refused(again)).toBe(401);
  });
});

describe("signed access tokens of an end user", () => {
  it.each(["/oauth/revoke-user", "/oauth/revoke-user-at-app"])("are revoked by %s, as opaque ones are; others and later ones stay", async (path) => {
    const ofUser = async (username: string): Promise<string> =>
      (await server.post("/oauth/token", { grant_type: "password", username, password: "x" })).body["access_token"] ?? "";
    const [meant, seen, other] = [await ofUser("eve"), await ofUser("eve"), await ofUser("bob")];
    using socket = await server.open(meant);
    expect([await server.refused(seen), await server.refused(other)]).toEqual([502, 502]);
    const [app] = await server.gateway().gateway.store.list("app", { limit: 1 });
    expect((await server.post(path, { user: "eve", app: app?.id ?? "" })).status).toBe(200);
    expect((await closeFrame(socket)).code).toBe(3003);
    expect([await server.refused(meant), await server.refused(seen), await server.refused(other)]).toEqual([401, 401, 502]);
    const second = Math.ceil(Date.now() / 1000) * 1000;
    await until(() => Date.now() > second, () => "the second does not end");
    expect(await server.refused(await ofUser("eve"))).toBe(502);
  });
});
