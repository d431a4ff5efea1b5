/** What the tests of tickets and renewals stand on: a proxy that hands tickets out, and one socket endpoint that takes them. */
import { createHmac } from "node:crypto";
import type { BundleFiles, TestGateway } from "../../support/gateway.ts";
import { plainRequest, rawClient, upgradeRequest, type Answer, type UpgradeLines } from "../../support/raw-client.ts";
import { issueToken } from "../../support/access-records.ts";

export const KEYS = { API_KEY: "the-key-of-the-app", API_SECRET: "the-secret-of-the-app", KEY_2: "another-key", SECRET_2: "another-secret" };
const JWT_SECRET = "0123456789abcdef0123456789abcdef";

const access = `kind: ApiProduct
name: all
---
kind: ApiProduct
name: tickets
operations: [{ proxy: chat, resource: /mint, methods: [POST] }]
---
kind: Developer
email: ann@example.com
userName: ann
---
kind: App
name: web
developer: ann@example.com
credentials: [{ key: { env: API_KEY }, secret: { env: API_SECRET }, products: [all] }]
---
kind: App
name: second
developer: ann@example.com
credentials: [{ key: { env: KEY_2 }, secret: { env: SECRET_2 }, products: [all] }]
---
kind: App
name: narrow
developer: ann@example.com
credentials: [{ key: { env: KEY_3 }, secret: { env: SECRET_3 }, products: [tickets] }]
`;

const OA = "kind: OAuthV2\noperation: VerifyAccessToken";
const VJ = "kind: VerifyJWT\nalgorithm: HS256\nsecretKey: { value: { env: JWT_SECRET } }\nissuer: https://id.example";

/** The files; `endpoints` are added to the proxy's, `files` to the bundle's. */
export function ticketBundle(store: string, endpoints = "", files: BundleFiles = {}): BundleFiles {
  return {
    "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: ${store}
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }`,
    "access/all.yaml": access,
    "proxies/chat/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - name: http
    basePath: /http
    webSocket: deny
    flows:
      - { name: jwt, condition: 'proxy.pathsuffix = "/jwt"', request: [VJ-Token, GT-Ticket] }
      - { name: nobody, condition: 'proxy.pathsuffix = "/nobody"', request: [GT-Ticket] }
      - { name: key, condition: 'proxy.pathsuffix = "/key"', request: [VK-Key, GT-Quiet], response: [AM-Own] }
      - { name: mint, condition: 'proxy.pathsuffix = "/mint"', request: [OA-Token, GT-Ticket] }
    routeRules: [{ name: none }]
  - name: socket
    basePath: /socket
    webSocket: { credential: [{ queryParam: ticket }, subprotocol] }
    preFlow: { request: [VT-Ticket, AM-Who] }
  - name: keyed
    basePath: /keyed
    webSocket: { credential: [{ queryParam: ticket }] }
    preFlow: { request: [VK-Key, VT-Ticket] }${endpoints}
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
    "proxies/chat/policies/OA-Token.yaml": OA,
    "proxies/chat/policies/VJ-Token.yaml": VJ,
    "proxies/chat/policies/VK-Key.yaml": "kind: VerifyAPIKey\napiKey: { ref: request.header.x-api-key }",
    "proxies/chat/policies/GT-Ticket.yaml": "kind: GenerateTicket\nexpiresIn: 20s",
    "proxies/chat/policies/GT-Quiet.yaml": "kind: GenerateTicket\ngenerateResponse: { enabled: false }",
    "proxies/chat/policies/VT-Ticket.yaml": "kind: VerifyTicket",
    "proxies/chat/policies/AM-Who.yaml": `kind: AssignMessage
actions: [{ set: { headers: { X-App: "{developer.app.name}", X-Scope: "{scope}" } } }]
ignoreUnresolvedVariables: true`,
    "proxies/chat/policies/AM-Own.yaml": `kind: AssignMessage
actions: [{ set: { payload: "{ticket.GT-Quiet.value} {ticket.GT-Quiet.expires_in}" } }]`,
    "proxies/other/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /other
    webSocket: { credential: [{ queryParam: ticket }] }
    preFlow: { request: [VT-Ticket] }
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
    "proxies/other/policies/VT-Ticket.yaml": "kind: VerifyTicket",
    ...files,
  };
}

/** Values from the environment for that bundle. */
export function ticketEnv(targetUrl: string): Readonly<Record<string, string>> {
  return { ...KEYS, KEY_3: "a-narrow-key", SECRET_3: "a-narrow-secret", JWT_SECRET, TARGET_URL: targetUrl };
}

export interface TokenWishes {
  readonly expiresInMs?: number;
  readonly subject?: string;
  /** Of the app that asks. */
  readonly key?: string;
  readonly secret?: string;
}

/** An opaque token of the gateway's own. */
export async function tokenOf(gateway: TestGateway, wishes: TokenWishes = {}): Promise<string> {
  const { expiresInMs = 600_000, subject = null, key = KEYS.API_KEY, secret = KEYS.API_SECRET } = wishes;
  const wish = { scopes: [], expiresInMs, grantType: "client_credentials", subject };
  const issued = await issueToken(gateway.gateway, { id: key, secret }, wish);
  if (typeof issued === "string") throw new Error(issued);
  return issued.token;
}

/** A signed JWT with these claims. */
export function jwtOf(claims: Readonly<Record<string, unknown>>): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part({ alg: "HS256", typ: "JWT" })}.${part({ iss: "https://id.example", ...claims })}`;
  return `${signed}.${createHmac("sha256", JWT_SECRET).update(signed).digest("base64url")}`;
}

/** The answer to a POST. */
export async function post(
  gateway: TestGateway,
  path: string,
  token: string | null,
  lines: UpgradeLines = {},
  body = "",
): Promise<Answer> {
  using client = await rawClient(gateway.port);
  const authorization = token === null ? {} : { Authorization: `Bearer ${token}` };
  return await client.send(plainRequest(path, { ...authorization, "Content-Length": "0", ...lines }, "POST") + body).answer();
}

export interface Ticket {
  readonly ticket: string;
  readonly id: string;
  readonly expires_in: number;
}

/** A ticket for a token. */
export async function ticketFor(gateway: TestGateway, token: string, path = "/http/mint"): Promise<Ticket> {
  const { status, body, headers } = await post(gateway, path, token);
  if (status !== 200 || headers.get("cache-control") !== "no-store") throw new Error(`${status} ${body}`);
  return JSON.parse(body);
}

/** The status of an upgrade. */
export async function upgradeStatus(gateway: TestGateway, path: string, lines: UpgradeLines = {}): Promise<number> {
  using client = await rawClient(gateway.port);
  const { status } = await client.send(upgradeRequest(path, lines)).answer();
  client.socket.destroy();
  return status;
}
