/** Refused upgrades that a browser is told of: what it gets, who gets the ordinary answer all the same, what is counted. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { HeldStore } from "./held-store.ts";
import { hasChromium, inBrowser } from "../support/browser-page.ts";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { fromClient, readClose } from "../support/frames.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { rawClient, upgradeRequest, SAMPLE_ACCEPT, type UpgradeLines } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";
import { until } from "../support/until.ts";
import { API_KEY, API_SECRET, bundle, bundleEnv } from "./bundle.ts";
import { invalidateToken, issueToken } from "../support/access-records.ts";

const proxy = (basePath: string, webSocket: string, flows: string, url = "TARGET_URL"): string => `kind: ApiProxy
proxyEndpoints:
  - basePath: ${basePath}
    webSocket: { onRefused: { browsers: close }${webSocket} }
    ${flows}
targetEndpoints: [{ url: { env: ${url} } }]`;
const OA = "kind: OAuthV2\noperation: VerifyAccessToken\naccessToken: websocket.credential";

const files = bundle("", {
  "proxies/told/proxy.yaml": proxy("/told", ", credential: [subprotocol], close: { tokenRevoked: { code: 4001, reason: taken back } }", "preFlow: { request: [OA-Verify] }"),
  "proxies/told/policies/OA-Verify.yaml": OA,
  "proxies/own/proxy.yaml": proxy("/own", ', allowedOrigins: ["*"]', `flows:
      - { name: full, condition: 'proxy.pathsuffix = "/full"', request: [RF-Full] }
      - { name: bare, condition: 'proxy.pathsuffix = "/bare"', request: [RF-Bare] }
      - { name: late, condition: 'proxy.pathsuffix = "/late"', response: [RF-Bare] }`),
  "proxies/own/policies/RF-Full.yaml": "kind: RaiseFault\nactions: [{ set: { statusCode: 429, reasonPhrase: Slow down please, payload: secret body } }]",
  "proxies/own/policies/RF-Bare.yaml": "kind: RaiseFault\nactions: [{ set: { statusCode: 403, payload: secret body } }]",
  "proxies/lost/proxy.yaml": proxy("/lost", ', allowedOrigins: ["*"]', "preFlow: {}", "REFUSING_URL"),
  "proxies/strict/proxy.yaml": proxy("/strict", ', allowedOrigins: ["https://app.example"]', "preFlow: {}"),
});

let target: FakeTarget;
let gateway: TestGateway;
let held: HeldStore;

beforeAll(async () => {
  target = await fakeTarget({
    "/missing": ({ socket }) => socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngone"),
    "*": (connection) => connection.accept(),
  });
  const env = bundleEnv(target.url, await refusedPort());
  gateway = await startGatewayFromBundle(files, { env, wrapStore: (store) => (held = new HeldStore(store)) });
});
afterEach(async () => gateway.calm());
afterAll(async () => {
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

const PAGE = { Origin: "https://app.example" };

/** The 101 and the close frame behind it; or the status of an ordinary answer. */
async function told(path: string, lines: UpgradeLines = {}): Promise<{ head: string; close: string } | number> {
  using client = await rawClient(gateway.port);
  const { status, head } = await client.send(upgradeRequest(path, { ...PAGE, ...lines })).answer();
  if (status !== 101) return status;
  await until(() => client.ended, () => "the gateway does not end the connection");
  const { code, text } = readClose(client.take());
  return { head, close: `${code} ${text}` };
}

describe("a refused upgrade with an Origin", () => {
  it("gets a 101 of the gateway's own and a close frame, and counts as refused", async () => {
    const before = target.connections.length;
    const refusal = await told("/told/a", { "Sec-WebSocket-Protocol": "v2.chat, bearer.wrong", "Sec-WebSocket-Extensions": "permessage-deflate" });
    expect(refusal).toMatchObject({ close: "3000 Invalid Access Token" });
    expect(refusal).toMatchObject({
      head: `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${SAMPLE_ACCEPT}\r\nSec-WebSocket-Protocol: v2.chat\r\n\r\n`,
    });
    expect(target.connections.length).toBe(before);
    const line = await gateway.line({ "url.path": "/told/a" });
    expect(line).toMatchObject({ "http.response.status_code": 401 });
    expect(gateway.metric("apigw_ws_handshakes_total", 'result="401"', 'proxy="told"')).toBe(1);
    expect(gateway.metric("apigw_ws_handshakes_total", 'result="101"', 'proxy="told"')).toBe(0);
    expect(gateway.metric("apigw_ws_connections_opened_total", 'proxy="told"')).toBe(0);
    expect(gateway.lines({ event: "upgrade" })).toEqual([]);
    expect(gateway.lines({ event: "session" })).toEqual([]);
    expect(JSON.stringify(gateway.lines())).not.toContain("bearer.wrong");
  });

  it("names a subprotocol that was offered, whichever it is, and none to a page that offered none", async () => {
    expect(await told("/told/a", { "Sec-WebSocket-Protocol": "bearer.wrong" })).toMatchObject({ head: expect.stringContaining("Sec-WebSocket-Protocol: bearer.wrong\r\n") });
    expect(await told("/told/a", { "Sec-WebSocket-Protocol": "bearer, bearer.wrong" })).toMatchObject({ head: expect.stringContaining("Sec-WebSocket-Protocol: bearer\r\n") });
    expect(await told("/told/a")).toMatchObject({ head: expect.not.stringContaining("Sec-WebSocket-Protocol") });
  });

  it("hears the status that a flow chose, by its reason phrase and never its body", async () => {
    expect(await told("/own/full")).toMatchObject({ close: "1013 Slow down please" });
    expect(await told("/own/bare")).toMatchObject({ close: "3003 Forbidden" });
  });

  it("hears of a target that refused, is not there, or had accepted before a response flow refused", async () => {
    expect(await told("/own/missing")).toMatchObject({ close: "1008 Not Found" });
    expect(await told("/lost/x")).toMatchObject({ close: "1013 The Service is temporarily unavailable" });
    expect(await told("/own/late")).toMatchObject({ close: "3003 Forbidden" });
    await gateway.line({ event: "session", "apigw.ws.close_reason": "refused" });
  });

  it("hears that its origin is not allowed, before anything of it was looked at", async () => {
    expect(await told("/strict/x", { Origin: "https://evil.example" })).toMatchObject({ close: "3003 Origin not allowed" });
  });

  it("hears the reason of a session that ended in its handshake, in the endpoint's own words", async () => {
    const issued = await issueToken(gateway.gateway, { id: API_KEY, secret: API_SECRET }, { scopes: [], expiresInMs: 60_000, grantType: "client_credentials" });
    if (typeof issued === "string") throw new Error(issued);
    held.hold("product");
    const refusal = told("/told/gap", { "Sec-WebSocket-Protocol": `bearer.${issued.token}` });
    await until(() => held.waiting === 1, () => "nobody looks the product up");
    await invalidateToken(gateway.gateway, issued.token);
    held.release();
    expect(await refusal).toMatchObject({ close: "4001 taken back" });
  });
});

describe("the ordinary answer is for", () => {
  it("clients that are no browsers", async () => {
    expect(await told("/told/a", { Origin: null })).toBe(401);
    expect(await told("/own/bare", { Origin: null })).toBe(403);
  });

  it("handshakes that break the rules, and whoever sends bytes behind one", async () => {
    expect(await told("/told/a", { "Sec-WebSocket-Key": null })).toBe(400);
    expect(await told("/told/a", { "Sec-WebSocket-Version": "12" })).toBe(426);
    expect(await told("/told/a", { "Sec-WebSocket-Protocol": "bearer.a, bearer.b" })).toBe(400);
    using client = await rawClient(gateway.port);
    const { status } = await client.send(Buffer.concat([Buffer.from(upgradeRequest("/told/a", PAGE)), fromClient("early")])).answer();
    expect(status).toBe(401);
  });

  it("endpoints that do not ask for it", async () => {
    expect(await told("/token/x")).toBe(401);
  });
});

describe.runIf(hasChromium)("in Chromium", () => {
  it("a page learns code and reason", async () => {
    const url = (path: string): string => `"ws://127.0.0.1:${gateway.port}${path}"`;
    const script = `const quiet = "nothing to say";
      return [await open(${url("/told/page")}, ["bearer.wrong"], quiet), await open(${url("/own/full")}, [], quiet), await open(${url("/told/page")}, ["v2.chat", "bearer.wrong"], quiet)];`;
    expect(await inBrowser(script)).toEqual([
      { opened: true, protocol: "bearer.wrong", code: 3000, reason: "Invalid Access Token", messages: [] },
      { opened: true, protocol: "", code: 1013, reason: "Slow down please", messages: [] },
      { opened: true, protocol: "v2.chat", code: 3000, reason: "Invalid Access Token", messages: [] },
    ]);
  });
});
