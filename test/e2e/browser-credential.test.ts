/** Credentials as browsers can send them: what admits, what the target sees of them, what the browser is answered. */
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WebSocket as WsClient, WebSocketServer } from "ws";
import { hasChromium, inBrowser } from "../support/browser-page.ts";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { rawClient, plainRequest, upgradeRequest, type Answer, type UpgradeLines } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";
import { API_KEY, API_SECRET, bundle, bundleEnv } from "./bundle.ts";
import { issueToken } from "../support/access-records.ts";

const proxy = (basePath: string, webSocket: string, flow: string, url = "TARGET_URL"): string => `kind: ApiProxy
proxyEndpoints:
  - basePath: ${basePath}
    webSocket: ${webSocket}
    preFlow: { request: ${flow} }
targetEndpoints: [{ url: { env: ${url}, default: "http://127.0.0.1:9" } }]`;
const VERIFY = "kind: OAuthV2\noperation: VerifyAccessToken\naccessToken: websocket.credential";

const files = bundle("", {
  "proxies/page/proxy.yaml": proxy("/page", "{ credential: [authorization, subprotocol] }", "[OA-Verify]"),
  "proxies/page/policies/OA-Verify.yaml": VERIFY,
  "proxies/echo/proxy.yaml": proxy("/echo", "{ credential: [subprotocol] }", "[OA-Verify]", "ECHO_URL"),
  "proxies/echo/policies/OA-Verify.yaml": VERIFY,
  "proxies/sid/proxy.yaml": proxy("/sid", "{ credential: [{ cookie: sid }] }", "[OA-Verify, AM-Show]"),
  "proxies/sid/policies/OA-Verify.yaml": VERIFY,
  "proxies/sid/policies/AM-Show.yaml": `kind: AssignMessage
actions: [{ set: { headers: { X-Source: "{websocket.credential.source}" } } }]`,
  "proxies/friends/proxy.yaml": proxy("/friends", '{ credential: [{ cookie: sid }], allowedOrigins: ["https://app.example"] }', "[OA-Verify]"),
  "proxies/friends/policies/OA-Verify.yaml": VERIFY,
  // A cookie that a policy copies into a header is a cookie still.
  "proxies/copied/proxy.yaml": proxy("/copied", "{}", "[AM-Copy, VK-Key]"),
  "proxies/copied/policies/AM-Copy.yaml": `kind: AssignMessage
actions: [{ set: { headers: { X-Api-Key: "{request.header.cookie}" } } }]`,
  "proxies/copied/policies/VK-Key.yaml": "kind: VerifyAPIKey\napiKey: { ref: request.header.x-api-key }",
});

let target: FakeTarget;
let chooser: WebSocketServer;
let gateway: TestGateway;
let token: string;
let serial = 0;

beforeAll(async () => {
  target = await fakeTarget({ "*": (connection) => connection.accept() });
  // Chooses the first subprotocol on offer, none when there is none, and repeats what it hears.
  chooser = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  chooser.on("connection", (socket) => socket.on("message", (data) => socket.send(`heard ${String(data)}`)));
  await once(chooser, "listening");
  const address = chooser.address();
  const echoPort = typeof address === "object" && address !== null ? address.port : 0;
  const env = { ...bundleEnv(target.url, await refusedPort()), ECHO_URL: `http://127.0.0.1:${echoPort}/` };
  gateway = await startGatewayFromBundle(files, { env });
  const issued = await issueToken(gateway.gateway, { id: API_KEY, secret: API_SECRET }, { scopes: [], expiresInMs: 600_000, grantType: "client_credentials" });
  if (typeof issued === "string") throw new Error(issued);
  token = issued.token;
});
afterEach(async () => gateway.calm());
afterAll(async () => {
  expect(JSON.stringify(gateway.lines())).not.toContain(token);
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
  chooser.close();
});

/** The answer to an upgrade, and the head that the target got. */
async function ask(base: string, lines: UpgradeLines, query = ""): Promise<Answer & { readonly seen: string }> {
  const path = `/c${serial++}`;
  using client = await rawClient(gateway.port);
  const answer = await client.send(upgradeRequest(`${base}${path}${query}`, lines)).answer();
  const seen = answer.status === 101 ? (await target.request(path)).head : "";
  client.socket.destroy();
  return { ...answer, seen };
}

describe("a token in a subprotocol", () => {
  it("admits, reaches no target, and leaves the others on offer", async () => {
    const { status, headers, seen } = await ask("/page", { "Sec-WebSocket-Protocol": `chat, bearer.${token}` });
    expect(status).toBe(101);
    expect(headers.get("sec-websocket-protocol")).toBeUndefined();
    expect(seen).toContain("Sec-WebSocket-Protocol: chat\r\n");
    expect(seen).not.toContain(token);
  });

  it("that was the only one on offer is named in the answer, which browsers insist on; so is `bearer` instead", async () => {
    const alone = await ask("/page", { "Sec-WebSocket-Protocol": `bearer.${token}` });
    expect(alone.headers.get("sec-websocket-protocol")).toBe(`bearer.${token}`);
    expect(alone.seen).not.toMatch(/Sec-WebSocket-Protocol/i);
    const named = await ask("/page", { "Sec-WebSocket-Protocol": `bearer, bearer.${token}` });
    expect(named.headers.get("sec-websocket-protocol")).toBe("bearer");
  });

  it("is as good as one in Authorization, which counts first and reaches no target either", async () => {
    const { status, seen } = await ask("/page", { Authorization: `Bearer ${token}`, "Sec-WebSocket-Protocol": "bearer.wrong" });
    expect(status).toBe(101);
    expect(seen).not.toMatch(/authorization|bearer/i);
  });

  it("that is wrong, unreadable or missing is refused", async () => {
    expect((await ask("/page", { "Sec-WebSocket-Protocol": "bearer.wrong" })).status).toBe(401);
    expect((await ask("/page", { "Sec-WebSocket-Protocol": "bearer." })).status).toBe(400);
    expect((await ask("/page", { "Sec-WebSocket-Protocol": "bearer.a, bearer.b" })).status).toBe(400);
    expect((await ask("/page", {})).status).toBe(401);
  });

  it("does not count in a plain request; Authorization does", async () => {
    using client = await rawClient(gateway.port);
    expect((await client.send(plainRequest("/page/x", { "Sec-WebSocket-Protocol": `bearer.${token}` })).answer()).status).toBe(401);
  });

  it("lets pages of any origin in: no foreign page has it", async () => {
    const lines = { Origin: "https://elsewhere.example", "Sec-WebSocket-Protocol": `bearer.${token}` };
    expect((await ask("/page", lines)).status).toBe(101);
  });

  it("works with the clients of ws and of Node, the target's choice echoed", async () => {
    const url = `ws://127.0.0.1:${gateway.port}/echo`;
    const encoded = `base64url.bearer.authorization.k8s.io.${Buffer.from(token).toString("base64url")}`;
    for (const credential of [`bearer.${token}`, encoded]) {
      const client = new WsClient(url, [credential, "v2.chat"]);
      await once(client, "open");
      expect(client.protocol).toBe("v2.chat");
      client.terminate();
      const own = new WebSocket(url, [credential]);
      await new Promise((resolve) => own.addEventListener("open", resolve, { once: true }));
      expect(own.protocol).toBe(credential);
      own.close();
      await new Promise((resolve) => own.addEventListener("close", resolve, { once: true }));
    }
  });
});

describe("a token in a cookie", () => {
  const cookie = (): string => `theme=dark; sid=${token}; lang=en`;

  it("admits, and the target gets the other cookies", async () => {
    const { status, seen } = await ask("/sid", { Cookie: cookie(), Host: "own.example", Origin: "http://own.example" });
    expect(status).toBe(101);
    expect(seen).toContain("Cookie: theme=dark; lang=en\r\n");
    expect(seen).toContain("X-Source: cookie\r\n");
    expect(seen).not.toContain(token);
    expect((await ask("/sid", { Cookie: `sid=${token}` })).seen).not.toMatch(/cookie:/i);
  });

  it("lets only pages of the own host connect, and clients that are no browsers", async () => {
    const lines = { Cookie: cookie(), Host: "own.example" };
    expect((await ask("/sid", { ...lines, Origin: "https://evil.example" })).status).toBe(403);
    expect((await ask("/sid", { ...lines, Origin: "http://own.example.evil.example" })).status).toBe(403);
    expect((await ask("/sid", { ...lines, Origin: "null" })).status).toBe(403);
    expect((await ask("/sid", lines)).status).toBe(101);
  });

  it("lets pages of allowed origins connect, and then no others", async () => {
    const lines = { Cookie: cookie(), Host: "own.example" };
    expect((await ask("/friends", { ...lines, Origin: "https://app.example" })).status).toBe(101);
    expect((await ask("/friends", { ...lines, Origin: "http://own.example" })).status).toBe(403);
  });

  it("that stands twice, or in a plain request, admits nobody", async () => {
    expect((await ask("/sid", { Cookie: `sid=${token}; sid=x` })).status).toBe(400);
    using client = await rawClient(gateway.port);
    expect((await client.send(plainRequest("/sid/x", { Cookie: cookie() })).answer()).status).toBe(401);
  });

  it("is ambient also where a policy copied it into a header", async () => {
    const lines = { Cookie: API_KEY, Host: "own.example" };
    expect((await ask("/copied", { ...lines, Origin: "http://own.example" })).status).toBe(101);
    expect((await ask("/copied", { ...lines, Origin: "https://evil.example" })).status).toBe(403);
  });
});

describe.runIf(hasChromium)("in Chromium", () => {
  it("a page connects by subprotocol, and sees what was chosen", async () => {
    const script = `
      const url = "ws://127.0.0.1:${gateway.port}/echo";
      return {
        alone: await open(url, ["bearer.${token}"], "hi"),
        named: await open(url, ["bearer", "bearer.${token}"]),
        chosen: await open(url, ["bearer.${token}", "v2.chat"]),
        wrong: await open(url, ["bearer.wrong"]),
      };`;
    expect(await inBrowser(script)).toEqual({
      alone: { opened: true, protocol: `bearer.${token}`, code: 1000, reason: "", messages: ["heard hi"] },
      named: { opened: true, protocol: "bearer", code: 1000, reason: "", messages: [] },
      chosen: { opened: true, protocol: "v2.chat", code: 1000, reason: "", messages: [] },
      wrong: { opened: false, protocol: null, code: 1006, reason: "", messages: [] },
    });
  });

  it("a foreign page cannot ride on the cookie", async () => {
    // Cookies know no ports: the page's own one goes to the gateway along with the foreign Origin.
    const script = `return await open("ws://127.0.0.1:${gateway.port}/sid/ridden");`;
    expect(await inBrowser(script, [`sid=${token}; Path=/`])).toMatchObject({ opened: false, code: 1006 });
    expect(await gateway.line({ "url.path": "/sid/ridden" })).toMatchObject({ "http.response.status_code": 403 });
  });
});
