/** GetOAuthV2Info, SetOAuthV2Info, DeleteOAuthV2Info, RevokeOAuthV2, InvalidateToken and ValidateToken on real sockets. */
import { describe, expect, it } from "vitest";
import { authorizationServer, CALLBACK, CLIENT_ID, CLIENT_SECRET, closeFrame } from "../oauth-v2/ground.ts";

const show = (prefix: string, names: readonly string[]): string => `kind: RaiseFault
actions: [{ set: { statusCode: 409, payload: '${names.map((name) => `${name}={${prefix}.${name}}`).join(";")}' } }]`;

const ACCESS = ["access_token", "scope", "status", "expires_in", "app_enduser", "developer.email", "developer.app.name", "client_id",
  "accesstoken.tier", "refresh_token_status", "refresh_token_expires_in", "refresh_count", "revoke_reason", "api_product_list"];

const server = authorizationServer(
  {
    "OA-Login": `kind: OAuthV2
operation: GenerateAccessToken
supportedGrantTypes: [password, refresh_token, authorization_code]
refreshTokenExpiresIn: 2h
rfcCompliantRequestResponse: true
attributes: [{ name: tier, value: gold }]`,
    "OA-Code": `kind: OAuthV2
operation: GenerateAuthorizationCode
generateResponse: { enabled: false }
attributes: [{ name: device, value: phone }]`,
    "RF-Code": show("oauthv2authcode.OA-Code", ["code"]),
    "GI-Access": "kind: GetOAuthV2Info\naccessToken: { ref: request.formparam.token }",
    "GI-Any": "kind: GetOAuthV2Info\naccessToken: { ref: request.formparam.token }\nignoreAccessTokenStatus: true",
    "RF-Access": show("oauthv2accesstoken.GI-Any", ACCESS),
    "GI-Refresh": "kind: GetOAuthV2Info\nrefreshToken: { ref: request.formparam.token }",
    "RF-Refresh": show("oauthv2refreshtoken.GI-Refresh", ["refresh_token", "status", "refresh_count", "app_enduser"]),
    "GI-Code": "kind: GetOAuthV2Info\nauthorizationCode: { ref: request.formparam.token }",
    "RF-CodeInfo": show("oauthv2authcode.GI-Code", ["code", "redirect_uri", "scope", "device"]),
    "GI-Client": "kind: GetOAuthV2Info\nclientId: { ref: request.formparam.client }",
    "RF-Client": show("oauthv2client.GI-Client", ["client_id", "client_secret", "redirection_uris", "developer.email", "developer.app.name"]),
    "GI-Default": "kind: GetOAuthV2Info\naccessToken: {}\nignoreAccessTokenStatus: true",
    "SI-Tier": `kind: SetOAuthV2Info
accessToken: { ref: request.formparam.token }
attributes: [{ name: tier, ref: request.formparam.tier, value: none }]`,
    "RF-Set": show("oauthv2accesstoken.SI-Tier", ["accesstoken.tier", "refresh_count", "status"]),
    "DI-Access": "kind: DeleteOAuthV2Info\naccessToken: { ref: request.formparam.token }",
    "DI-Code": "kind: DeleteOAuthV2Info\nauthorizationCode: { ref: request.formparam.token }",
    "RO-User": "kind: RevokeOAuthV2\nendUserId: { ref: request.formparam.user }\ncascade: true",
    "RO-Both": "kind: RevokeOAuthV2\nappId: web\nendUserId: { ref: request.formparam.user }\nrevokeBeforeTimestamp: { ref: request.formparam.until }",
    "RO-App": "kind: RevokeOAuthV2\nappId: { ref: request.formparam.app }",
    "OA-Invalidate": `kind: OAuthV2
operation: InvalidateToken
tokens: [{ type: accesstoken, cascade: true, ref: request.formparam.token }]`,
    "OA-Validate": `kind: OAuthV2
operation: ValidateToken
tokens: [{ type: accesstoken, cascade: true, ref: request.formparam.token }]`,
  },
  {
    "/login": "OA-Login",
    "/code": "OA-Code, RF-Code",
    "/strict": "GI-Access",
    "/access": "GI-Any, RF-Access",
    "/refresh-info": "GI-Refresh, RF-Refresh",
    "/code-info": "GI-Code, RF-CodeInfo",
    "/client": "GI-Client, RF-Client",
    "/default": "GI-Default",
    "/set": "SI-Tier",
    "/set-show": "SI-Tier, RF-Set",
    "/delete": "DI-Access",
    "/delete-code": "DI-Code",
    "/revoke-user": "RO-User",
    "/revoke-both": "RO-Both",
    "/revoke-app": "RO-App",
    "/invalidate": "OA-Invalidate",
    "/validate": "OA-Validate",
  },
);

async function login(user = "ann"): Promise<{ access: string; refresh: string }> {
  const { body } = await server.post("/oauth/login", { grant_type: "password", username: user, password: "x" });
  return { access: body["access_token"] ?? "", refresh: body["refresh_token"] ?? "" };
}

async function newCode(): Promise<string> {
  const form = { response_type: "code", client_id: CLIENT_ID, redirect_uri: CALLBACK };
  return (await server.post("/oauth/code", form, null)).text.slice("code=".length);
}

/** `name=value` pairs of what a policy showed. */
async function shown(path: string, form: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> {
  const { status, text } = await server.post(`/oauth${path}`, form);
  if (status !== 409) throw new Error(text);
  return Object.fromEntries(text.split(";").map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
}

const codeOf = async (path: string, form: Readonly<Record<string, string>>): Promise<unknown> => {
  const { status, text } = await server.post(`/oauth${path}`, form);
  return [status, /"errorcode":"([^"]+)"/.exec(text)?.[1] ?? text];
};

describe("GetOAuthV2Info", () => {
  it("tells of an access token", async () => {
    const { access } = await login();
    expect(await shown("/access", { token: access })).toEqual({
      access_token: access,
      scope: "read write",
      status: "approved",
      expires_in: expect.stringMatching(/^3(600|599)$/),
      app_enduser: "ann",
      "developer.email": "ann@example.com",
      "developer.app.name": "web",
      client_id: expect.stringMatching(/^[\w-]{12}$/),
      "accesstoken.tier": "gold",
      refresh_token_status: "approved",
      refresh_token_expires_in: expect.stringMatching(/^7(200|199)$/),
      refresh_count: "0",
      revoke_reason: "",
      api_product_list: "[all]",
    });
  });

  it("tells why one is revoked, and refuses it unless told to ignore that", async () => {
    const { access } = await login("rob");
    expect(await codeOf("/strict", { token: access })).toEqual([200, ""]);
    await server.post("/oauth/revoke-user", { user: "rob" });
    expect(await shown("/access", { token: access })).toMatchObject({ status: "revoked", revoke_reason: "REVOKED_BY_ENDUSER" });
    expect(await codeOf("/strict", { token: access })).toEqual([500, "steps.oauth.v2.access_token_not_approved"]);
  });

  it("tells of refresh tokens, codes and clients", async () => {
    const { refresh } = await login();
    const refreshed = await shown("/refresh-info", { token: refresh });
    expect(refreshed).toEqual({ refresh_token: refresh, status: "approved", refresh_count: "0", app_enduser: "ann" });
    const code = await newCode();
    const info = await shown("/code-info", { token: code });
    expect(info).toEqual({ code, redirect_uri: CALLBACK, scope: "read write", device: "phone" });
    expect(await shown("/client", { client: CLIENT_ID })).toEqual({
      client_id: CLIENT_ID,
      client_secret: "",
      redirection_uris: CALLBACK,
      "developer.email": "ann@example.com",
      "developer.app.name": "web",
    });
  });

  it.each([
    ["/strict", { token: "x" }, "invalid_access_token"],
    ["/strict", {}, "FailedToResolveAccessToken"],
    ["/default", { access_token: "x" }, "invalid_access_token"],
    ["/refresh-info", { token: "x" }, "invalid_refresh_token"],
    ["/refresh-info", {}, "FailedToResolveRefreshToken"],
    ["/code-info", { token: "x" }, "invalid_request-authorization_code_invalid"],
    ["/code-info", {}, "FailedToResolveAuthorizationCode"],
    ["/client", { client: "x" }, "invalid_client-invalid_client_id"],
    ["/client", {}, "FailedToResolveClientId"],
    ["/set", { token: "x" }, "invalid_access_token"],
    ["/delete", { token: "x" }, "invalid_access_token"],
    ["/delete-code", { token: "x" }, "invalid_request-authorization_code_invalid"],
  ])("%s with %j fails", async (path, form, name) => {
    expect(await codeOf(path, form)).toEqual([500, `steps.oauth.v2.${name}`]);
  });

  it("takes no token of the other kind", async () => {
    const { access, refresh } = await login();
    expect(await codeOf("/strict", { token: refresh })).toEqual([500, "steps.oauth.v2.invalid_access_token"]);
    expect(await codeOf("/refresh-info", { token: access })).toEqual([500, "steps.oauth.v2.invalid_refresh_token"]);
  });
});

it("SetOAuthV2Info changes attributes, also of a token already seen, and ends no session", async () => {
  const { access } = await login();
  using socket = await server.open(access);
  expect(await shown("/set-show", { token: access, tier: "silver" })).toMatchObject({ "accesstoken.tier": "silver", status: "approved" });
  expect(await shown("/access", { token: access })).toMatchObject({ "accesstoken.tier": "silver" });
  expect(socket.socket.destroyed).toBe(false);
  await server.post("/oauth/delete", { token: access });
  expect(await closeFrame(socket)).toEqual({ code: 3003, text: "token revoked" });
});

it("DeleteOAuthV2Info ends the sessions of a token, and a code brings nothing any more", async () => {
  const { access } = await login();
  using socket = await server.open(access);
  expect(await codeOf("/delete", { token: access })).toEqual([200, ""]);
  expect(await closeFrame(socket)).toEqual({ code: 3003, text: "token revoked" });
  expect(await server.refused(access)).toBe(401);
  const code = await newCode();
  expect(await codeOf("/delete-code", { token: code })).toEqual([200, ""]);
  const redeemed = await server.post("/oauth/login", { grant_type: "authorization_code", code, redirect_uri: CALLBACK });
  expect(redeemed.body["error"]).toBe("invalid_grant");
});

describe("RevokeOAuthV2", () => {
  it("ends the sessions of one end user and of nobody else", async () => {
    const [ann, bob] = [await login("ann"), await login("bob")];
    using hers = await server.open(ann.access);
    using his = await server.open(bob.access);
    expect(await codeOf("/revoke-user", { user: "ann" })).toEqual([200, ""]);
    expect(await closeFrame(hers)).toEqual({ code: 3003, text: "token revoked" });
    expect(his.socket.destroyed).toBe(false);
    expect([await server.refused(ann.access), await server.refused(bob.access)]).toEqual([401, 502]);
    const refreshed = await server.post("/oauth/login", { grant_type: "refresh_token", refresh_token: ann.refresh });
    expect(refreshed.body["error"]).toBe("invalid_grant");
  });

  it("until an instant ends what was issued before, when it looks again", async () => {
    const cat = await login("cat");
    using socket = await server.open(cat.access);
    expect(await codeOf("/revoke-both", { user: "cat", until: "5" })).toEqual([200, ""]);
    expect(socket.socket.destroyed).toBe(false);
    expect(await codeOf("/revoke-both", { user: "cat", until: String(Date.now() + 60_000) })).toEqual([200, ""]);
    expect((await closeFrame(socket)).code).toBe(3003);
  });

  it.each([
    ["/revoke-user", {}],
    ["/revoke-user", { user: "" }],
    ["/revoke-app", {}],
    ["/revoke-app", { app: "nobody's" }],
    ["/revoke-both", { user: "ann", until: "soon" }],
    ["/revoke-both", { user: "ann" }],
    ["/revoke-both", { until: "5" }],
  ])("%s with %j revokes nothing", async (path, form) => {
    const { access } = await login();
    expect(await codeOf(path, form)).toEqual([400, "steps.oauth.v2.invalid_request"]);
    expect(await server.refused(access)).not.toBe(401);
  });
});

it("InvalidateToken and ValidateToken reach the whole grant, and lift what they set", async () => {
  const { access, refresh } = await login();
  using socket = await server.open(access);
  expect(await codeOf("/invalidate", { token: access })).toEqual([200, ""]);
  expect(await closeFrame(socket)).toEqual({ code: 3003, text: "token revoked" });
  const form = { grant_type: "refresh_token", refresh_token: refresh };
  expect((await server.post("/oauth/login", form)).body["error"]).toBe("invalid_grant");
  expect(await codeOf("/validate", { token: access })).toEqual([200, ""]);
  using again = await server.open(access);
  expect(again.socket.destroyed).toBe(false);
  const { body } = await server.post("/oauth/login", form);
  expect((await server.post("/oauth/login", form)).body["error"]).toBe("invalid_grant");
  expect(await codeOf("/validate", { token: body["access_token"] ?? "" })).toEqual([401, "keymanagement.service.access_token_not_approved"]);
});

it("no log line holds a token or secret", () => {
  const lines = JSON.stringify(server.gateway().lines());
  for (const secret of [CLIENT_SECRET, CLIENT_ID]) expect(lines).not.toContain(secret);
  expect(lines).not.toMatch(/"[\w-]{43}"/);
});
