/** What the tests of sessions stand on: a bundle compiled once, a target, and what they look at again and again. */
import { Buffer } from "node:buffer";
import { createServer } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { fakeTarget, type FakeTarget, type TargetConnection } from "../support/fake-target.ts";
import { closing, frame, MASK, readClose } from "../support/frames.ts";
import { compileFiles, type LogLine, type TestGateway } from "../support/gateway.ts";
import { rawSocket, type RawClient } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";
import { until } from "../support/until.ts";
import { API_KEY, API_SECRET, bundle, bundleEnv } from "./bundle.ts";
import { issueToken } from "../support/access-records.ts";

const files = bundle("", {
  "proxies/short/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /short, webSocket: { idleTimeout: 30s, maxDuration: 60s, close: { lifetime: { code: 4000, reason: long enough } } } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/both/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /both, preFlow: { request: [VK-Key, OA-Verify] } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/both/policies/VK-Key.yaml": "kind: VerifyAPIKey\napiKey: { ref: request.queryparam.apikey }",
  "proxies/both/policies/OA-Verify.yaml": "kind: OAuthV2\noperation: VerifyAccessToken",
  "proxies/late/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /late
    preFlow: { request: [OA-Verify] }
    postFlow: { response: [{ name: RF-No, condition: 'request.header.x-refuse = "yes"' }, AM-More] }
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/late/policies/OA-Verify.yaml": "kind: OAuthV2\noperation: VerifyAccessToken",
  "proxies/late/policies/RF-No.yaml": "kind: RaiseFault\nactions: [{ set: { statusCode: 409, payload: not this one } }]",
  "proxies/late/policies/AM-More.yaml": "kind: AssignMessage\nactions: [{ set: { headers: { X-Session: \"{messageid}\" } } }]",
  // TLS that a test never finishes: a connection that stays under way.
  "proxies/slow/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /slow, preFlow: { request: [OA-Verify] } }]
targetEndpoints: [{ url: { env: SLOW_URL } }]`,
  "proxies/slow/policies/OA-Verify.yaml": "kind: OAuthV2\noperation: VerifyAccessToken",
});

export let modules: Awaited<ReturnType<typeof compileFiles>>;
export let target: FakeTarget;
export let env: Readonly<Record<string, string>>;
/** Accepts connections and says nothing, not even TLS. */
export const mute = createServer((socket) => socket.on("error", () => undefined).resume());

beforeAll(async () => {
  target = await fakeTarget({ "/silent": () => undefined, "*": (connection) => connection.accept() });
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  const address = mute.address();
  const slowPort = typeof address === "object" && address !== null ? address.port : 0;
  env = { ...bundleEnv(target.url, await refusedPort()), SLOW_URL: `https://127.0.0.1:${slowPort}/` };
  modules = await compileFiles(files);
});

afterAll(async () => {
  await target[Symbol.asyncDispose]();
  mute.close();
});

let serial = 0;
export const fresh = (): string => `/s${serial++}`;

export interface Pair {
  readonly client: RawClient;
  readonly connection: TargetConnection;
  readonly id: string;
}

/** A session through that base path, both ends in hand. */
export async function open(gateway: TestGateway, base: string, lines: Readonly<Record<string, string>> = {}): Promise<Pair> {
  const path = fresh();
  const query = base === "/key" || base === "/both" ? `?apikey=${API_KEY}` : "";
  const client = await rawSocket(gateway.port, `${base}${path}${query}`, lines);
  const connection = await target.request(path);
  const line = await gateway.line({ event: "upgrade", "url.path": `${base}${path}` });
  return { client, connection, id: String(line["apigw.session_id"]) };
}

export async function tokenFor(gateway: TestGateway, expiresInMs: number | null = null): Promise<string> {
  const client = { id: API_KEY, secret: API_SECRET };
  const issued = await issueToken(gateway.gateway, client, { scopes: [], expiresInMs, grantType: "client_credentials" });
  if (typeof issued === "string") throw new Error(issued);
  return issued.token;
}

export const bearer = (token: string): Readonly<Record<string, string>> => ({ Authorization: `Bearer ${token}` });

/** The close frame that a client is sent next, and nothing before it. */
export async function closeFrame(client: RawClient): Promise<{ code: number; text: string }> {
  const head = await client.bytes(2);
  const { code, text } = readClose(Buffer.concat([head, await client.bytes(head[1] ?? 0)]));
  return { code, text };
}

/** What the target got behind `before` bytes: one masked close frame. */
export async function targetClose(connection: TargetConnection, before = 0): Promise<{ masked: boolean; code: number }> {
  const { masked, code } = readClose((await connection.got(before + 8)).subarray(before));
  return { masked, code };
}

/** The one record of a session. */
export async function record(gateway: TestGateway, id: string): Promise<LogLine> {
  const line = await gateway.line({ event: "session", "apigw.session_id": id });
  expect(gateway.lines({ event: "session", "apigw.session_id": id })).toHaveLength(1);
  return line;
}

/** A client in order: it answers the close frame. */
export async function obey(client: RawClient, code: number): Promise<void> {
  client.send(closing(code, "", MASK));
  await client.end();
  client.socket.end();
}

export const ends = (reason: string, code: number, more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> => ({
  "apigw.ws.close_reason": reason,
  "apigw.ws.close_code": code,
  "apigw.ws.closed_by": "gateway",
  "apigw.ws.forced": false,
  ...more,
});

export async function atRest(gateway: TestGateway): Promise<void> {
  try {
    await gateway.calm();
    await until(() => target.open === 0, () => `${target.open} connections at the target`);
    expect(gateway.lines({ event: "defect" })).toEqual([]);
  } finally {
    for (const { socket } of target.connections) socket.destroy();
  }
}
