/** The grant types password and refresh_token on real sockets, and what they do to sessions. */
import { describe, expect, it } from "vitest";
import { authorizationServer, closeFrame, CLIENT_ID, CLIENT_SECRET, PUBLIC_ID } from "./ground.ts";

const server = authorizationServer(
  {
    "OA-Password": `kind: OAuthV2
operation: GenerateAccessToken
supportedGrantTypes: [password]
scope: request.formparam.scope
appEndUser: request.formparam.user_id
expiresIn: 10m
refreshTokenExpiresIn: 1h
rfcCompliantRequestResponse: true
attributes: [{ name: tier, ref: request.formparam.tier, value: none, display: false }]`,
    "OA-Refresh": `kind: OAuthV2
operation: RefreshAccessToken
scope: request.formparam.scope
refreshTokenExpiresIn: { ref: request.formparam.refresh_lifetime, value: 7200000 }`,
    "OA-Reuse": "kind: OAuthV2\noperation: RefreshAccessToken\nreuseRefreshToken: true\nrfcCompliantRequestResponse: true",
    "OA-Quiet": `kind: OAuthV2
operation: RefreshAccessToken
continueOnError: true
generateErrorResponse: { enabled: true, realm: here }`,
  },
  { "/password": "OA-Password", "/refresh": "OA-Refresh", "/reuse": "OA-Reuse", "/quiet": "OA-Quiet" },
);

const login = { grant_type: "password", username: "ann", password: "hunter2", scope: "read" };
const again = (token: string | undefined, more: Readonly<Record<string, string>> = {}) => ({
  grant_type: "refresh_token",
  refresh_token: token ?? "",
  ...more,
});

describe("the grant type password", () => {
  it("gives both tokens in RFC form", async () => {
    const { status, body, headers } = await server.post("/oauth/password", login);
    expect(status).toBe(200);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(body).toEqual({
      access_token: expect.stringMatching(/^[\w-]{43}$/),
      refresh_token: expect.stringMatching(/^[\w-]{43}$/),
      token_type: "Bearer",
      expires_in: 600,
      scope: "read",
    });
  });

  it("names its end user to the target: the variable's, else the user name", async () => {
    for (const [more, user] of [[{}, "ann"], [{ user_id: "4711" }, "4711"]] as const) {
      const { body } = await server.post("/oauth/password", { ...login, ...more });
      using socket = await server.open(body["access_token"] ?? "");
      expect(socket.socket.destroyed).toBe(false);
      expect(server.target().connections.at(-1)?.head).toContain(`x-user: ${user}\r\n`);
    }
  });

  it.each([
    ["no user name", { username: "" }, 400, "invalid_request", "Required param : username"],
    ["no password", { password: "" }, 400, "invalid_request", "Required param : password"],
    ["a scope that nobody has", { scope: "admin" }, 400, "invalid_scope", "Required param : scope"],
    ["another grant type", { grant_type: "refresh_token" }, 400, "unsupported_grant_type", expect.anything()],
    ["one that objects have", { grant_type: "constructor" }, 400, "unsupported_grant_type", expect.anything()],
  ])("refuses %s", async (_, changes, status, error, description) => {
    const answer = await server.post("/oauth/password", { ...login, ...changes });
    expect([answer.status, answer.body["error"], answer.body["error_description"]]).toEqual([status, error, description]);
    expect(answer.text).not.toContain("hunter2");
  });

  it("is not for clients without a secret", async () => {
    const answer = await server.post("/oauth/password", { ...login, client_id: PUBLIC_ID }, null);
    expect([answer.status, answer.body["error"]]).toEqual([401, "invalid_client"]);
  });
});

describe("refreshing", () => {
  it("in Apigee's form: another token, a count, hidden attributes stay hidden, no session ends", async () => {
    const first = (await server.post("/oauth/password", { ...login, tier: "gold" })).body;
    using socket = await server.open(first["access_token"] ?? "");
    const { body: second } = await server.post("/oauth/refresh", again(first["refresh_token"]));
    expect(second).toMatchObject({
      refresh_count: "1",
      refresh_token_expires_in: "7200",
      refresh_token_status: "approved",
      token_type: "BearerToken",
      grant_type: "password",
    });
    expect(second).not.toHaveProperty("tier");
    const { body: third } = await server.post("/oauth/refresh", again(second["refresh_token"], { refresh_lifetime: "1000" }));
    expect(third).toMatchObject({ refresh_count: "2", refresh_token_expires_in: "1" });
    using other = await server.open(third["access_token"] ?? "");
    // A token that was replaced: a thief's, or its owner's after a thief. Either way every session of the grant ends.
    const replay = await server.post("/oauth/refresh", again(first["refresh_token"]));
    expect([replay.status, replay.text]).toEqual([400, expect.stringContaining("keymanagement.service.invalid_refresh_token")]);
    expect(await closeFrame(socket)).toEqual({ code: 3003, text: "token revoked" });
    expect(await closeFrame(other)).toEqual({ code: 3003, text: "token revoked" });
    expect(await server.refused(second["access_token"] ?? "")).toBe(401);
    expect((await server.post("/oauth/refresh", again(third["refresh_token"]))).text).toContain("refresh_token_not_approved");
  });

  it("with reuse the same token serves again", async () => {
    const first = (await server.post("/oauth/password", login)).body;
    for (let time = 0; time < 2; time++) {
      const { body } = await server.post("/oauth/reuse", again(first["refresh_token"]));
      expect(body["refresh_token"]).toBe(first["refresh_token"]);
    }
  });

  it("an error is an answer for a flow that carries on, with its name in the variables", async () => {
    const refused = await server.post("/oauth/quiet", again("nobody's"));
    expect([refused.status, refused.body]).toEqual([400, { ErrorCode: "invalid_request", Error: "Invalid Refresh Token" }]);
    const stranger = await server.post("/oauth/quiet", again("nobody's"), "x:y");
    expect([stranger.status, stranger.body["ErrorCode"]]).toEqual([401, "invalid_client"]);
    expect(stranger.headers.get("www-authenticate")).toBe('Basic realm="here"');
    expect((await server.post("/oauth/quiet", again("nobody's", { grant_type: "password" }))).status).toBe(400);
    const fine = (await server.post("/oauth/password", login)).body["refresh_token"];
    expect((await server.post("/oauth/quiet", again(fine))).status).toBe(200);
  });

  it.each([
    ["no refresh token", {}, "steps.oauth.v2.invalid_request"],
    ["a lifetime of nothing", { refresh_token: "x", refresh_lifetime: "0" }, "steps.oauth.v2.InvalidValueForRefreshTokenExpiresIn"],
  ])("refuses %s", async (_, form, code) => {
    expect((await server.post("/oauth/refresh", { grant_type: "refresh_token", ...form })).text).toContain(code);
  });
});

it("no log line holds a token, a password or a secret", async () => {
  const { body } = await server.post("/oauth/password", login);
  await server.post("/oauth/refresh", again(body["refresh_token"]));
  const lines = JSON.stringify(server.gateway().lines());
  for (const secret of [body["access_token"], body["refresh_token"], "hunter2", CLIENT_SECRET, CLIENT_ID]) {
    expect(lines).not.toContain(secret);
  }
});
