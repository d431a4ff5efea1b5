/** A Debug session that watches a whole authorization server: no token, code, verifier, password or secret comes out of it. */
import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { AdminClient, ADMIN_SECRET, adminBundle } from "../../e2e/admin-client.ts";
import { authorizationServer, CALLBACK, CLIENT_ID, CLIENT_SECRET } from "./ground.ts";

const VERIFIER = "a-verifier-that-is-long-enough-for-the-rules-of-RFC-7636";
const PLAIN = "a-plain-verifier-that-is-long-enough-for-the-rules-of-RFC";

const server = authorizationServer(
  {
    "OA-Code": `kind: OAuthV2
operation: GenerateAuthorizationCode
clientId: request.queryparam.client_id
responseType: request.queryparam.response_type
redirectUri: request.queryparam.redirect_uri
codeChallenge: request.queryparam.code_challenge
codeChallengeMethod: request.queryparam.code_challenge_method
pkce: { methods: [S256, plain] }`,
    "OA-Implicit": `kind: OAuthV2
operation: GenerateAccessTokenImplicitGrant
clientId: request.queryparam.client_id
responseType: request.queryparam.response_type
redirectUri: request.queryparam.redirect_uri`,
    "OA-Token": `kind: OAuthV2
operation: GenerateAccessToken
supportedGrantTypes: [authorization_code, password, refresh_token]`,
    "GI-Token": "kind: GetOAuthV2Info\naccessToken: { ref: request.formparam.token }\nignoreAccessTokenStatus: true",
    "RF-Told": `kind: RaiseFault
actions: [{ set: { statusCode: 409, payload: "{oauthv2accesstoken.GI-Token.access_token} {oauthv2accesstoken.GI-Token.scope}" } }]`,
    "OA-Revoke": "kind: OAuthV2\noperation: RevokeToken",
  },
  { "/authorize": "OA-Code", "/implicit": "OA-Implicit", "/token": "OA-Token", "/info": "GI-Token, RF-Told", "/revoke": "OA-Revoke" },
  { ADMIN_SECRET },
  {
    "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }
${adminBundle}`,
  },
);

it("shows where they stood, and not what they were", async () => {
  const admin = new AdminClient(server.gateway());
  const { body: session } = await admin.post("/v1/debugSessions", { proxy: "oauth" });
  const asked = { response_type: "code", client_id: CLIENT_ID, redirect_uri: CALLBACK, state: "here" };
  const codes: string[] = [];
  for (const challenge of [
    { code_challenge: createHash("sha256").update(VERIFIER).digest("base64url"), code_challenge_method: "S256" },
    { code_challenge: PLAIN, code_challenge_method: "plain" },
  ]) {
    const { headers } = await server.get(`/oauth/authorize?${new URLSearchParams({ ...asked, ...challenge })}`);
    codes.push(new URL(headers.get("location") ?? "").searchParams.get("code") ?? "");
  }
  const implicit = await server.get(`/oauth/implicit?${new URLSearchParams({ ...asked, response_type: "token" })}`);
  const fragment = new URLSearchParams(new URL(implicit.headers.get("location") ?? "").hash.slice(1));
  const exchange = (code = "", verifier = "") =>
    server.post("/oauth/token", { grant_type: "authorization_code", code, redirect_uri: CALLBACK, code_verifier: verifier });
  const first = (await exchange(codes[0], VERIFIER)).body;
  const second = (await exchange(codes[1], PLAIN)).body;
  const form = { grant_type: "refresh_token", refresh_token: first["refresh_token"] ?? "" };
  const refreshed = (await server.post("/oauth/token", form)).body;
  await server.post("/oauth/token", { grant_type: "password", username: "ann", password: "hunter2 of ann" });
  await server.post("/oauth/info", { token: refreshed["access_token"] ?? "" });
  await server.post("/oauth/revoke", { token: second["refresh_token"] ?? "" });
  const recorded = JSON.stringify(await admin.recorded(session["id"], 9));
  for (const shown of ["OA-Token", "OA-Code", "location", "code_verifier", "refresh_token", "redirect_uri"]) {
    expect(recorded.toLowerCase()).toContain(shown.toLowerCase());
  }
  const tokens = [first, second, refreshed].flatMap((body) => [body["access_token"] ?? "", body["refresh_token"] ?? ""]);
  const secrets = [...codes, ...tokens, fragment.get("access_token") ?? "", VERIFIER, PLAIN, "hunter2", CLIENT_SECRET];
  for (const secret of secrets) {
    expect(secret).not.toBe("");
    expect(recorded.includes(secret), `${secret} in ${recorded}`).toBe(false);
  }
});
