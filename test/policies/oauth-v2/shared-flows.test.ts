/** The shared flows for OAuth that templates/ has, as a real bundle: revocation (RFC 7009) and metadata (RFC 8414). */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { BundleFiles } from "../../support/gateway.ts";
import { authorizationServer, CALLBACK, CLIENT_ID, CLIENT_SECRET, closeFrame, PUBLIC_ID } from "./ground.ts";

const ISSUER = "https://api.example.com/oauth";

/** A folder of templates/shared-flows as files of a bundle. */
function sharedFlow(name: string): BundleFiles {
  const folder = join(import.meta.dirname, "../../../templates/shared-flows", name);
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".yaml"));
  return Object.fromEntries(paths.map((path) => [`shared-flows/${name}/${path}`, readFileSync(join(folder, path), "utf8")]));
}

const server = authorizationServer(
  {
    "FC-Revoke": "kind: FlowCallout\nsharedFlowBundle: oauth-revocation",
    "OA-Token": `kind: OAuthV2
operation: GenerateAccessToken
supportedGrantTypes: [password, refresh_token, authorization_code]
rfcCompliantRequestResponse: true`,
    "OA-Code": `kind: OAuthV2
operation: GenerateAuthorizationCode
clientId: request.queryparam.client_id
responseType: request.queryparam.response_type
redirectUri: request.queryparam.redirect_uri
codeChallenge: request.queryparam.code_challenge
codeChallengeMethod: request.queryparam.code_challenge_method`,
  },
  { "/revoke": "FC-Revoke", "/token": "OA-Token", "/authorize": "OA-Code" },
  {},
  {
    ...sharedFlow("oauth-revocation"),
    ...sharedFlow("oauth-metadata"),
    "proxies/metadata/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /.well-known/oauth-authorization-server/oauth
    webSocket: deny
    preFlow: { response: [FC-Metadata] }
    routeRules: [{ name: none }]`,
    "proxies/metadata/policies/FC-Metadata.yaml": `kind: FlowCallout
sharedFlowBundle: oauth-metadata
parameters: [{ name: issuer, value: "${ISSUER}" }]`,
  },
);

const login = async () => (await server.post("/oauth/token", { grant_type: "password", username: "ann", password: "x" })).body;
const refresh = (token = "") => server.post("/oauth/token", { grant_type: "refresh_token", refresh_token: token });

describe("revocation", () => {
  it("of an access token ends its sessions and leaves the refresh token", async () => {
    const tokens = await login();
    using socket = await server.open(tokens["access_token"] ?? "");
    const { status, text, headers } = await server.post("/oauth/revoke", { token: tokens["access_token"] ?? "" });
    expect([status, text, headers.get("cache-control")]).toEqual([200, "", "no-store"]);
    expect(await closeFrame(socket)).toEqual({ code: 3003, text: "token revoked" });
    expect((await refresh(tokens["refresh_token"])).status).toBe(200);
  });

  it("of a refresh token ends the whole grant", async () => {
    const tokens = await login();
    using socket = await server.open(tokens["access_token"] ?? "");
    const form = { token: tokens["refresh_token"] ?? "", token_type_hint: "refresh_token" };
    expect((await server.post("/oauth/revoke", form)).status).toBe(200);
    expect((await closeFrame(socket)).code).toBe(3003);
    expect((await refresh(tokens["refresh_token"])).body["error"]).toBe("invalid_grant");
  });

  it("of what is unknown or revoked already is fine", async () => {
    const { access_token: token = "" } = await login();
    for (const value of ["nobody's", token, token]) {
      expect((await server.post("/oauth/revoke", { token: value })).status).toBe(200);
    }
  });

  it.each([
    ["no token", { token: "" }, undefined, 400, "invalid_request"],
    ["no client", {}, null, 400, "invalid_request"],
    ["a wrong secret", {}, `${CLIENT_ID}:x`, 401, "invalid_client"],
    ["an unknown client", {}, "x:y", 401, "invalid_client"],
    ["another client's token", { client_id: PUBLIC_ID }, null, 401, "invalid_client"],
  ])("is refused with %s", async (_, changes, client, status, error) => {
    const { access_token: token = "" } = await login();
    const answer = await server.post("/oauth/revoke", { token, ...changes }, client === undefined ? `${CLIENT_ID}:${CLIENT_SECRET}` : client);
    expect([answer.status, answer.body["error"]]).toEqual([status, error]);
    expect(await server.refused(token)).not.toBe(401);
  });
});

describe("metadata", () => {
  it("says what the server is and does", async () => {
    const { status, headers, text } = await server.get("/.well-known/oauth-authorization-server/oauth");
    expect([status, headers.get("content-type")]).toEqual([200, "application/json"]);
    const metadata: Readonly<Record<string, unknown>> = JSON.parse(text);
    expect(metadata).toMatchObject({ issuer: ISSUER, token_endpoint: `${ISSUER}/token`, response_types_supported: ["code"] });
    // What it promises is there: PKCE with S256 for a client that says `none`, and revocation by all three methods.
    expect(metadata["code_challenge_methods_supported"]).toEqual(["S256"]);
    const query = { client_id: PUBLIC_ID, response_type: "code", redirect_uri: CALLBACK, code_challenge_method: "S256" };
    const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    const sent = await server.get(`/oauth/authorize?${new URLSearchParams({ ...query, code_challenge: challenge })}`);
    const code = new URL(sent.headers.get("location") ?? "").searchParams.get("code") ?? "";
    const form = { grant_type: "authorization_code", code, redirect_uri: CALLBACK, client_id: PUBLIC_ID };
    const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const { body } = await server.post("/oauth/token", { ...form, code_verifier: verifier }, null);
    const revoked = await server.post("/oauth/revoke", { token: body["access_token"] ?? "", client_id: PUBLIC_ID }, null);
    expect([revoked.status, await server.refused(body["access_token"] ?? "")]).toEqual([200, 401]);
  });
});
