/** Two gateways on one Redis: what one issues the other takes, once, and what one revokes ends sessions at the other. */
import { Buffer } from "node:buffer";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../../support/fake-target.ts";
import { startGatewayFromBundle, type BundleFiles, type TestGateway } from "../../support/gateway.ts";
import { ecKey } from "../../support/jwt-forge.ts";
import { rawSocket, type RawClient } from "../../support/raw-client.ts";
import { startRedis, type RedisServer } from "../../support/redis-server.ts";
import { CALLBACK, CLIENT_ID, CLIENT_SECRET, closeFrame } from "./ground.ts";

const key = ecKey("");
const signed = "algorithm: ES256\nissuer: https://id.example";
const known = `${signed}\npublicKey: { value: { env: TOKEN_PUBLIC_KEY } }`;
const files: BundleFiles = {
  "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: redis, url: { env: REDIS_URL } }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }`,
  "access/all.yaml": `kind: ApiProduct
name: all
---
kind: Developer
email: ann@example.com
---
kind: App
name: web
developer: ann@example.com
callbackUrl: ${CALLBACK}
credentials: [{ key: { env: CLIENT_ID }, secret: { env: CLIENT_SECRET }, products: [all] }]`,
  "proxies/resource/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /resource, preFlow: { request: [OA-Verify] } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/resource/policies/OA-Verify.yaml": "kind: OAuthV2\noperation: VerifyAccessToken",
  "proxies/oauth/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /oauth
    webSocket: deny
    flows:
      - { name: authorize, condition: 'proxy.pathsuffix = "/authorize"', request: [OA-Code] }
      - { name: token, condition: 'proxy.pathsuffix = "/token"', request: [OA-Token] }
      - { name: signed, condition: 'proxy.pathsuffix = "/signed"', request: [OA-Signed] }
      - { name: revoke, condition: 'proxy.pathsuffix = "/revoke"', request: [OA-Revoke] }
      - { name: logout, condition: 'proxy.pathsuffix = "/logout"', request: [RO-User] }
    routeRules: [{ name: none }]`,
  "proxies/oauth/policies/OA-Code.yaml": "kind: OAuthV2\noperation: GenerateAuthorizationCode",
  "proxies/oauth/policies/OA-Token.yaml": `kind: OAuthV2
operation: GenerateAccessToken
supportedGrantTypes: [authorization_code, password, refresh_token]
rfcCompliantRequestResponse: true`,
  "proxies/oauth/policies/OA-Signed.yaml": `kind: OAuthV2
operation: GenerateJWTAccessToken
privateKey: { value: { env: TOKEN_KEY } }
audience: chat
${signed}`,
  "proxies/oauth/policies/OA-Revoke.yaml": `kind: OAuthV2\noperation: RevokeToken\n${known}`,
  "proxies/signed/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /signed, preFlow: { request: [OA-Verify] } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/signed/policies/OA-Verify.yaml": `kind: OAuthV2\noperation: VerifyJWTAccessToken\n${known}`,
  "proxies/oauth/policies/RO-User.yaml": "kind: RevokeOAuthV2\nendUserId: { ref: request.formparam.user }\ncascade: true",
};

let redis: RedisServer;
let target: FakeTarget;
let one: TestGateway;
let other: TestGateway;

beforeAll(async () => {
  const keys = { TOKEN_KEY: key.privateKey.export({ type: "pkcs8", format: "pem" }).toString(), TOKEN_PUBLIC_KEY: key.pem };
  redis = await startRedis();
  target = await fakeTarget({ "*": (connection) => connection.accept() });
  const env = { CLIENT_ID, CLIENT_SECRET, TARGET_URL: target.url, REDIS_URL: redis.url, ...keys };
  one = await startGatewayFromBundle(files, { env });
  other = await startGatewayFromBundle(files, { env });
});
afterAll(async () => {
  for (const gateway of [one, other]) {
    expect(gateway.lines({ event: "defect" })).toEqual([]);
    await gateway[Symbol.asyncDispose]();
  }
  await target[Symbol.asyncDispose]();
  await redis.remove();
});

async function post(gateway: TestGateway, path: string, form: Readonly<Record<string, string>>) {
  const authorization = `Basic ${Buffer.from(`${CLIENT_ID}:${CLIENT_SECRET}`).toString("base64")}`;
  const url = `http://127.0.0.1:${gateway.port}/oauth${path}`;
  const body = new URLSearchParams(form);
  const answer = await fetch(url, { method: "POST", body, headers: { authorization }, redirect: "manual" });
  const text = await answer.text();
  const fields: Readonly<Record<string, string>> = text.startsWith("{") ? JSON.parse(text) : {};
  return { status: answer.status, location: answer.headers.get("location"), fields };
}

const open = (gateway: TestGateway, token = "", path = "/resource/ws"): Promise<RawClient> =>
  rawSocket(gateway.port, path, { Authorization: `Bearer ${token}` });

async function newCode(gateway: TestGateway): Promise<Readonly<Record<string, string>>> {
  const form = { response_type: "code", client_id: CLIENT_ID, redirect_uri: CALLBACK };
  const { location } = await post(gateway, "/authorize", form);
  const code = new URL(location ?? "").searchParams.get("code") ?? "";
  return { grant_type: "authorization_code", code, redirect_uri: CALLBACK };
}

it("a code of one is taken at the other; used again at the first, it ends the session there", async () => {
  const exchange = await newCode(one);
  const { fields } = await post(other, "/token", exchange);
  using socket = await open(other, fields["access_token"]);
  expect((await post(one, "/token", exchange)).fields["error"]).toBe("invalid_grant");
  expect(await closeFrame(socket)).toEqual({ code: 3003, text: "token revoked" });
});

it("of many who bring one code to both at once, at most one gets tokens, and they do not last", async () => {
  const exchange = await newCode(one);
  const answers = await Promise.all(Array.from({ length: 10 }, (_, at) => post(at % 2 === 0 ? one : other, "/token", exchange)));
  const granted = answers.filter(({ status }) => status === 200);
  expect(granted.length).toBeLessThanOrEqual(1);
  for (const { fields } of granted) await expect(open(other, fields["access_token"])).rejects.toThrow("401");
});

it("a refresh token that was replaced at one is a replay at the other", async () => {
  const { fields: first } = await post(one, "/token", { grant_type: "password", username: "ann", password: "x" });
  const again = { grant_type: "refresh_token", refresh_token: first["refresh_token"] ?? "" };
  const { fields: second } = await post(other, "/token", again);
  using socket = await open(one, second["access_token"]);
  expect((await post(other, "/token", again)).fields["error"]).toBe("invalid_grant");
  expect((await closeFrame(socket)).code).toBe(3003);
});

it("what an end user has is revoked at one and ends at the other", async () => {
  const { fields } = await post(one, "/token", { grant_type: "password", username: "bob", password: "x" });
  using socket = await open(other, fields["access_token"]);
  expect((await post(one, "/logout", { user: "bob" })).status).toBe(200);
  expect(await closeFrame(socket)).toEqual({ code: 3003, text: "token revoked" });
  const again = { grant_type: "refresh_token", refresh_token: fields["refresh_token"] ?? "" };
  expect((await post(other, "/token", again)).fields["error"]).toBe("invalid_grant");
});

it("a signed token that its client takes back at one is refused at the other, which has seen it, and ends there", async () => {
  const { fields } = await post(one, "/signed", { grant_type: "client_credentials" });
  const token = fields["access_token"] ?? "";
  using socket = await open(other, token, "/signed/ws");
  expect((await post(one, "/revoke", { token })).status).toBe(200);
  expect((await closeFrame(socket)).code).toBe(3003);
  await expect(open(other, token, "/signed/ws")).rejects.toThrow("401");
});
