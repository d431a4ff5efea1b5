/** What the tests of OAuthV2 in a whole gateway stand on: an authorization server, a resource, and how they are asked. */
import { Buffer } from "node:buffer";
import { afterAll, beforeAll, expect } from "vitest";
import { fakeTarget, type FakeTarget } from "../../support/fake-target.ts";
import { startGatewayFromBundle, type BundleFiles, type TestGateway } from "../../support/gateway.ts";
import { rawSocket, type RawClient } from "../../support/raw-client.ts";
import { readClose } from "../../support/frames.ts";

export const CLIENT_ID = "the-key-of-the-app";
export const CLIENT_SECRET = "the-secret-of-the-app";
export const PUBLIC_ID = "the-key-of-a-page";
export const CALLBACK = "https://app.example.com/callback";

const files: BundleFiles = {
  "gateway.yaml": "kind: Gateway\nlisteners: [{ name: public, host: 127.0.0.1, port: 0 }]\nstore: { kind: memory }",
  "access/all.yaml": `kind: ApiProduct
name: all
scopes: [read, write]
---
kind: Developer
email: ann@example.com
---
kind: App
name: web
developer: ann@example.com
callbackUrl: ${CALLBACK}
credentials:
  - { key: { env: CLIENT_ID }, secret: { env: CLIENT_SECRET }, products: [all] }
  - { key: { env: PUBLIC_ID }, products: [all] }
`,
  "proxies/resource/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /resource, preFlow: { request: [OA-Verify, AM-User] } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/resource/policies/OA-Verify.yaml": "kind: OAuthV2\noperation: VerifyAccessToken",
  "proxies/resource/policies/AM-User.yaml": `kind: AssignMessage
ignoreUnresolvedVariables: true
actions: [{ set: { headers: { x-user: "{accesstoken.app_enduser}" } } }]`,
};

/** A gateway with an authorization server of these flows (path -> policies of that name) around a resource. */
export function authorizationServer(policies: Readonly<Record<string, string>>, flows: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}, extra: BundleFiles = {}) {
  const flowLines = Object.entries(flows).map(([path, steps]) =>
    `      - { name: ${path.slice(1)}, condition: 'proxy.pathsuffix = "${path}"', request: [${steps}] }`,
  );
  const own: BundleFiles = {
    ...files,
    "proxies/oauth/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /oauth
    webSocket: deny
    flows:
${flowLines.join("\n")}
    routeRules: [{ name: none }]`,
    ...extra,
    ...Object.fromEntries(Object.entries(policies).map(([name, text]) => [`proxies/oauth/policies/${name}.yaml`, text])),
  };
  let gateway: TestGateway;
  let target: FakeTarget;
  beforeAll(async () => {
    target = await fakeTarget({ "*": (connection) => connection.accept() });
    const all = { CLIENT_ID, CLIENT_SECRET, PUBLIC_ID, TARGET_URL: target.url, ...env };
    gateway = await startGatewayFromBundle(own, { env: all });
  });
  afterAll(async () => {
    expect(gateway.lines({ event: "defect" })).toEqual([]);
    await gateway[Symbol.asyncDispose]();
    await target[Symbol.asyncDispose]();
  });

  const url = (path: string): string => `http://127.0.0.1:${gateway.port}${path}`;
  return {
    gateway: () => gateway,
    target: () => target,
    /** Posts a form as that client; null: as nobody. */
    async post(path: string, form: Readonly<Record<string, string>>, client: string | null = `${CLIENT_ID}:${CLIENT_SECRET}`) {
      const authorization = client === null ? {} : { authorization: `Basic ${Buffer.from(client).toString("base64")}` };
      const answer = await fetch(url(path), { method: "POST", body: new URLSearchParams(form), headers: authorization, redirect: "manual" });
      const text = await answer.text();
      const body: Readonly<Record<string, string>> = text.startsWith("{") ? JSON.parse(text) : {};
      return { status: answer.status, headers: answer.headers, text, body };
    },
    async get(path: string) {
      const answer = await fetch(url(path), { redirect: "manual" });
      return { status: answer.status, headers: answer.headers, text: await answer.text() };
    },
    /** Status of an upgrade with that token that is refused. */
    async refused(token: string): Promise<number> {
      const answer = await fetch(url("/resource/x"), { headers: { authorization: `Bearer ${token}` } });
      await answer.arrayBuffer();
      return answer.status;
    },
    /** A WebSocket that the token admitted. */
    open: (token: string): Promise<RawClient> => rawSocket(gateway.port, "/resource/ws", { Authorization: `Bearer ${token}` }),
  };
}

/** Code and text of the close frame that a client is sent next. */
export async function closeFrame(client: RawClient): Promise<{ code: number; text: string }> {
  const head = await client.bytes(2);
  const { code, text } = readClose(Buffer.concat([head, await client.bytes(head[1] ?? 0)]));
  return { code, text };
}
