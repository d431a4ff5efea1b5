/** Authorization codes with PKCE and implicit grants on real sockets, from the browser's redirect to the session's end. */
import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { authorizationServer, CALLBACK, CLIENT_ID, closeFrame, PUBLIC_ID } from "./ground.ts";

const queryVariables = `clientId: request.queryparam.client_id
responseType: request.queryparam.response_type
redirectUri: request.queryparam.redirect_uri
state: request.queryparam.state
scope: request.queryparam.scope
appEndUser: request.queryparam.user
`;
const challengeVariables = `codeChallenge: request.queryparam.code_challenge
codeChallengeMethod: request.queryparam.code_challenge_method
`;

const server = authorizationServer(
  {
    "OA-Code": `kind: OAuthV2
operation: GenerateAuthorizationCode
expiresIn: 1m
pkce: { methods: [S256, plain] }
attributes: [{ name: device, ref: request.header.x-device, value: unknown }]
${queryVariables}${challengeVariables}`,
    "OA-CodeRfc": `kind: OAuthV2
operation: GenerateAuthorizationCode
rfcCompliantRequestResponse: true
pkce: { required: true }
${queryVariables}${challengeVariables}`,
    "OA-CodeQuiet": `kind: OAuthV2
operation: GenerateAuthorizationCode
generateResponse: { enabled: false }
${queryVariables}`,
    "RF-Show": `kind: RaiseFault
actions:
  - set:
      statusCode: 409
      payload: "{oauthv2authcode.OA-CodeQuiet.code} {oauthv2authcode.OA-CodeQuiet.redirect_uri} {oauthv2authcode.OA-CodeQuiet.scope}"`,
    "OA-Implicit": `kind: OAuthV2
operation: GenerateAccessTokenImplicitGrant
rfcCompliantRequestResponse: true
expiresIn: 5m
${queryVariables}`,
    "OA-Token": `kind: OAuthV2
operation: GenerateAccessToken
supportedGrantTypes: [authorization_code, refresh_token]
rfcCompliantRequestResponse: true`,
  },
  {
    "/authorize": "OA-Code",
    "/authorize-rfc": "OA-CodeRfc",
    "/authorize-quiet": "OA-CodeQuiet, RF-Show",
    "/implicit": "OA-Implicit",
    "/token": "OA-Token",
  },
);

const VERIFIER = "a-verifier-that-is-long-enough-for-the-rules-of-RFC-7636";
const CHALLENGE = createHash("sha256").update(VERIFIER).digest("base64url");
const asked = { response_type: "code", client_id: CLIENT_ID, redirect_uri: CALLBACK, state: "x y&z=1", scope: "read", user: "ann" };

async function authorize(path: string, query: Readonly<Record<string, string>>) {
  const answer = await server.get(`/oauth${path}?${new URLSearchParams(query)}`);
  const location = answer.headers.get("location");
  const to = location === null ? null : new URL(location);
  return { ...answer, to, code: to?.searchParams.get("code") ?? "" };
}

const exchange = (code: string, more: Readonly<Record<string, string>> = {}, client?: string | null) =>
  server.post("/oauth/token", { grant_type: "authorization_code", code, redirect_uri: CALLBACK, ...more }, client);

describe("a code", () => {
  it("comes back to the client with its state, brings tokens, and again ends their sessions", async () => {
    const { status, to, code, headers } = await authorize("/authorize", asked);
    expect(status).toBe(302);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(`${to?.origin}${to?.pathname}`).toBe(CALLBACK);
    expect([to?.searchParams.get("state"), to?.searchParams.get("scope"), to?.hash]).toEqual(["x y&z=1", "read", ""]);
    const { body } = await exchange(code);
    expect(body).toMatchObject({ token_type: "Bearer", scope: "read", refresh_token: expect.any(String) });
    using socket = await server.open(body["access_token"] ?? "");
    expect((await exchange(code)).body).toEqual({ error: "invalid_grant", error_description: "Invalid Authorization Code" });
    expect(await closeFrame(socket)).toEqual({ code: 3003, text: "token revoked" });
    const lines = JSON.stringify(server.gateway().lines());
    expect(lines).not.toContain(code);
    expect(lines).not.toContain(body["access_token"]);
  });

  it("of a client without a secret needs its verifier", async () => {
    const page = { ...asked, client_id: PUBLIC_ID, code_challenge: CHALLENGE, code_challenge_method: "S256" };
    const { code } = await authorize("/authorize", page);
    const wrong = await exchange(code, { client_id: PUBLIC_ID, code_verifier: VERIFIER.toUpperCase() }, null);
    expect([wrong.status, wrong.body["error"]]).toEqual([400, "invalid_grant"]);
    const right = await exchange(code, { client_id: PUBLIC_ID, code_verifier: VERIFIER }, null);
    expect(right.status).toBe(200);
    const form = { grant_type: "refresh_token", refresh_token: right.body["refresh_token"] ?? "", client_id: PUBLIC_ID };
    expect((await server.post("/oauth/token", form, null)).status).toBe(200);
    const bare = await authorize("/authorize", { ...asked, client_id: PUBLIC_ID });
    expect([bare.status, bare.text]).toEqual([400, expect.stringContaining("Required param : code_challenge")]);
  });

  it("takes plain where the policy allows it, and by default does not", async () => {
    const plain = { ...asked, code_challenge: VERIFIER };
    const { code } = await authorize("/authorize", plain);
    expect((await exchange(code, { code_verifier: VERIFIER })).status).toBe(200);
    const refused = await authorize("/authorize-rfc", plain);
    expect(refused.to?.searchParams.get("error")).toBe("invalid_request");
  });

  it("is in the variables alone when the policy does not answer", async () => {
    const { headers, status, text } = await authorize("/authorize-quiet", asked);
    expect([status, headers.get("location")]).toEqual([409, null]);
    const [code = "", ...rest] = text.split(" ");
    expect(rest).toEqual([CALLBACK, "read"]);
    expect((await exchange(code)).status).toBe(200);
  });

  it.each([
    ["another response type", { response_type: "token" }, "unsupported_response_type"],
    ["no response type", { response_type: "" }, "invalid_request"],
    ["a scope that nobody has", { scope: "admin" }, "invalid_scope"],
    ["no challenge where one is due", {}, "invalid_request"],
    ["a method without a challenge", { code_challenge_method: "S256" }, "invalid_request"],
    ["an unknown method", { code_challenge: CHALLENGE, code_challenge_method: "S512" }, "invalid_request"],
  ])("with %s the client hears of it", async (_, changes, error) => {
    const challenge = error === "invalid_scope" ? { code_challenge: CHALLENGE, code_challenge_method: "S256" } : {};
    const { status, to } = await authorize("/authorize-rfc", { ...asked, ...challenge, ...changes });
    expect(status).toBe(302);
    expect(`${to?.origin}${to?.pathname}`).toBe(CALLBACK);
    expect([to?.searchParams.get("error"), to?.searchParams.get("state")]).toEqual([error, "x y&z=1"]);
  });

  it.each([
    ["an unknown client", { client_id: "nobody" }, 401],
    ["no client", { client_id: "" }, 400],
    ["an address that is not registered", { redirect_uri: "https://evil.example/" }, 400],
  ])("with %s nobody is sent anywhere", async (_, changes, status) => {
    for (const path of ["/authorize", "/authorize-rfc", "/implicit"]) {
      const answer = await authorize(path, { ...asked, ...changes });
      expect([answer.status, answer.to]).toEqual([status, null]);
    }
  });
});

describe("an implicit grant", () => {
  it("puts the token in the fragment, and nothing in the query", async () => {
    const { status, to } = await authorize("/implicit", { ...asked, response_type: "token", client_id: PUBLIC_ID });
    expect([status, to?.search]).toEqual([302, ""]);
    const values = new URLSearchParams(to?.hash.slice(1));
    expect(Object.fromEntries(values)).toEqual({
      access_token: expect.stringMatching(/^[\w-]{43}$/),
      token_type: "Bearer",
      expires_in: "300",
      scope: "read",
      state: "x y&z=1",
    });
    using socket = await server.open(values.get("access_token") ?? "");
    expect(socket.socket.destroyed).toBe(false);
  });

  it("refuses in the fragment, too", async () => {
    const { to } = await authorize("/implicit", asked);
    expect(new URLSearchParams(to?.hash.slice(1)).get("error")).toBe("unsupported_response_type");
  });
});
