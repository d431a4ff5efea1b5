/** JWT access tokens (RFC 9068) from the request of a client to the end of the session that they admitted. */
import { once } from "node:events";
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebSocket as WsClient } from "ws";
import { revokeTokensOfApp, setAppStatus } from "#runtime/access/change.ts";
import { jtiIdentity } from "#runtime/access/identity.ts";
import { revokeJwts } from "#runtime/access/jwt-revocation.ts";
import { fakeTarget, type FakeTarget } from "../../support/fake-target.ts";
import { startGatewayFromBundle, type BundleFiles, type TestGateway } from "../../support/gateway.ts";
import { ecKey } from "../../support/jwt-forge.ts";
import { rawClient, upgradeRequest, type Answer } from "../../support/raw-client.ts";

const ISSUER = "https://gateway.example.com";
const files: BundleFiles = {
  "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }`,
  "access/all.yaml": `kind: ApiProduct
name: all
scopes: [read, write]
---
kind: Developer
email: ann@example.com
userName: ann
---
kind: App
name: web
developer: ann@example.com
credentials: [{ key: { env: CLIENT }, secret: { env: SECRET }, products: [all] }]`,
  "proxies/tokens/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /tokens, preFlow: { request: [OA-Token] }, routeRules: [{ name: none }] }]`,
  "proxies/tokens/policies/OA-Token.yaml": `kind: OAuthV2
operation: GenerateJWTAccessToken
algorithm: ES256
privateKey: { value: { env: PRIVATE_KEY }, id: k1 }
issuer: ${ISSUER}
audience: chat
scope: request.formparam.scope
expiresIn: 10m
attributes: [{ name: tenant, value: acme }, { name: secret, value: hush, display: false }, { name: sub, value: mallory }]
rfcCompliantRequestResponse: true`,
  "proxies/chat/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /chat, preFlow: { request: [OA-Verify] } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/chat/policies/OA-Verify.yaml": `kind: OAuthV2
operation: VerifyJWTAccessToken
algorithm: ES256
publicKey: { value: { env: PUBLIC_KEY } }
issuer: ${ISSUER}
audience: chat
scope: read`,
};

const key = ecKey("k1");
const CLIENT = "the-client";
let target: FakeTarget;
let gateway: TestGateway;

beforeAll(async () => {
  target = await fakeTarget({ "*": (connection) => connection.accept() });
  const pem = key.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const env = { CLIENT, SECRET: "the-secret", PRIVATE_KEY: pem, PUBLIC_KEY: key.pem, TARGET_URL: target.url };
  gateway = await startGatewayFromBundle(files, { env });
});
afterAll(async () => {
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

async function ask(form: string, secret = "the-secret"): Promise<Answer> {
  using client = await rawClient(gateway.port);
  const basic = Buffer.from(`${CLIENT}:${secret}`).toString("base64");
  const head = `POST /tokens HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${basic}\r\nContent-Type: application/x-www-form-urlencoded`;
  return await client.send(`${head}\r\nContent-Length: ${form.length}\r\n\r\n${form}`).answer();
}

async function issued(): Promise<string> {
  const answer = await ask("grant_type=client_credentials&scope=read");
  expect(answer.status).toBe(200);
  const body: { readonly access_token: string } = JSON.parse(answer.body);
  return body.access_token;
}

function part(token: string, at: number): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[at] ?? "", "base64url").toString("utf8"));
}

async function closeAfter(end: (claims: Record<string, unknown>) => unknown): Promise<{ code: unknown; token: string }> {
  const token = await issued();
  const client = new WsClient(`ws://127.0.0.1:${gateway.port}/chat`, { headers: { Authorization: `Bearer ${token}` } });
  await once(client, "open");
  const closed = once(client, "close");
  await end(part(token, 1));
  return { code: (await closed)[0], token };
}

async function statusOf(token: string): Promise<number> {
  using client = await rawClient(gateway.port);
  return (await client.send(upgradeRequest("/chat", { Authorization: `Bearer ${token}` })).answer()).status;
}

it("a token has the header and every claim that RFC 9068 demands, and shown attributes", async () => {
  const answer = await ask("grant_type=client_credentials&scope=read");
  expect(JSON.parse(answer.body)).toMatchObject({ token_type: "Bearer", expires_in: 600, scope: "read" });
  const token = await issued();
  expect(part(token, 0)).toEqual({ alg: "ES256", typ: "at+jwt", kid: "k1" });
  const claims = part(token, 1);
  expect(claims).toMatchObject({ iss: ISSUER, sub: CLIENT, client_id: CLIENT, aud: "chat", scope: "read", tenant: "acme" });
  expect(Number(claims["exp"]) - Number(claims["iat"])).toBe(600);
  expect(claims["jti"]).toEqual(expect.any(String));
  expect(claims["secret"]).toBeUndefined();
  expect(await statusOf(token)).toBe(101);
});

it.each([
  ["its jti is revoked", (claims: Record<string, unknown>) => revokeJwts(gateway.gateway, jtiIdentity(ISSUER, String(claims["jti"])), null)],
  ["its app's tokens are revoked", () => revokeTokensOfApp(gateway.gateway, "web")],
])("a session ends when %s", async (_, end) => {
  const { code, token } = await closeAfter(end);
  expect([code, await statusOf(token)]).toEqual([3003, 401]);
});

it("wrong clients, scopes and grant types are refused as for opaque tokens", async () => {
  const wrong = await ask("grant_type=client_credentials", "wrong");
  expect([wrong.status, JSON.parse(wrong.body)["error"]]).toEqual([401, "invalid_client"]);
  expect(JSON.parse((await ask("grant_type=client_credentials&scope=other")).body)["error"]).toBe("invalid_scope");
  expect(JSON.parse((await ask("grant_type=password")).body)["error"]).toBe("unsupported_grant_type");
});

it("an app that is revoked gets none, and its sessions end", async () => {
  // Tokens of the same second as the revocation before count as issued before it.
  await setAppStatus(gateway.gateway, "web", "revoked");
  expect((await ask("grant_type=client_credentials&scope=read")).status).toBe(401);
});
