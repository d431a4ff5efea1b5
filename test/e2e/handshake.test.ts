import { Buffer } from "node:buffer";
import { once } from "node:events";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WebSocket as WsClient } from "ws";
import { startTarget } from "../../examples/websocket-chat/target/server.ts";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { fromClient, fromTarget } from "../support/frames.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { SAMPLE_ACCEPT, SAMPLE_KEY, plainRequest, rawClient, rawSocket, upgradeRequest, type RawClient, type UpgradeLines } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";
import { API_KEY, bundle, bundleEnv } from "./bundle.ts";

const HEAD_TIMEOUT_MS = 300;
let target: FakeTarget;
let real: Awaited<ReturnType<typeof startTarget>>;
let gateway: TestGateway;

beforeAll(async () => {
  target = await fakeTarget({
    "/plain": ({ socket }) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nplain"),
    "/silent": () => undefined,
    "*": (connection) => connection.accept(),
  });
  real = await startTarget(0);
  const env = { ...bundleEnv(target.url, await refusedPort()), REAL_URL: real.url };
  gateway = await startGatewayFromBundle(bundle(`limits: { requestHeadTimeout: ${HEAD_TIMEOUT_MS}ms, early: 1KiB }`), { env });
});

afterEach(async () => gateway.calm());

afterAll(async () => {
  // The process that was attacked still answers.
  using client = await rawSocket(gateway.port, "/open/alive");
  client.socket.destroy();
  await gateway.calm();
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
  real.server.closeAllConnections();
  await new Promise((resolve) => real.server.close(resolve));
});

/** The connection serves a plain request and then an upgrade. */
async function expectUsable(client: RawClient): Promise<void> {
  expect(await client.send(plainRequest("/open/plain")).answer()).toMatchObject({ status: 200, body: "plain" });
  expect(await client.send(upgradeRequest("/open/after")).answer()).toMatchObject({ status: 101 });
}

describe("an upgrade that is admitted", () => {
  it("echoes through the ws client, text and binary, and passes the close code on", async () => {
    const socket = new WsClient(`ws://127.0.0.1:${gateway.port}/real`);
    await once(socket, "open");
    socket.send("hi");
    const [text] = await once(socket, "message");
    expect(String(text)).toBe("Replying to: 'hi' with 'hello'");
    socket.send(Buffer.alloc(100_000, 7));
    const [bytes] = await once(socket, "message");
    expect(bytes).toEqual(Buffer.alloc(100_000, 7));
    socket.close(4001, "done");
    const [code, reason] = await once(socket, "close");
    expect([code, String(reason)]).toEqual([4001, "done"]);
    expect(await gateway.line({ event: "session", "apigw.ws.close_code": 4001 })).toMatchObject({
      "apigw.ws.closed_by": "client",
      "apigw.ws.close_reason": "client",
      "apigw.ws.close_text": "done",
      "apigw.ws.forced": false,
      "apigw.frames_in": 3,
    });
  });

  it("echoes through the client that comes with Node", async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/real`);
    await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
    const answer = new Promise((resolve) => socket.addEventListener("message", ({ data }) => resolve(data), { once: true }));
    socket.send("hi");
    expect(await answer).toBe("Replying to: 'hi' with 'hello'");
    const closed = new Promise<number>((resolve) => socket.addEventListener("close", ({ code }) => resolve(code), { once: true }));
    socket.close(1000);
    expect(await closed).toBe(1000);
  });

  it("gets the target's own verified 101 and hides the key from it", async () => {
    using client = await rawClient(gateway.port);
    const { head, headers } = await client.send(upgradeRequest(`/key/room?apikey=${API_KEY}&x=1`)).answer();
    expect(headers.get("sec-websocket-accept")).toBe(SAMPLE_ACCEPT);
    expect(head).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    const connection = await target.request("/room");
    expect(connection.head).toMatch(/^GET \/room\?x=1 HTTP\/1\.1\r\n/);
    expect(connection.head).not.toContain(API_KEY);
    expect(connection.header("sec-websocket-key")).toBe(SAMPLE_KEY);
    expect(connection.header("x-app")).toBe("web");
    expect(connection.header("host")).toBe(`127.0.0.1:${target.port}`);
    expect(connection.header("connection")).toBe("Upgrade");
    expect(connection.header("x-forwarded-for")).toBe("127.0.0.1");
    expect(connection.header("x-forwarded-host")).toBe("gateway.test");
    connection.socket.write(fromTarget("from the target"));
    expect(await client.bytes(17)).toEqual(fromTarget("from the target"));
    client.send(fromClient("from the client"));
    expect(await connection.got(21)).toEqual(fromClient("from the client"));
  });

  it("is logged once at its 101 and once at its end, with the same id", async () => {
    using client = await rawSocket(gateway.port, "/open/logged");
    const opened = await gateway.line({ event: "upgrade", "url.path": "/open/logged" });
    client.socket.resetAndDestroy();
    const id = String(opened["apigw.session_id"]);
    await gateway.line({ event: "session", "apigw.session_id": id });
    await gateway.calm();
    expect(gateway.lines({ "apigw.session_id": id }).map(({ event }) => event)).toEqual(["upgrade", "session"]);
  });
});

describe("an upgrade that a policy refuses", () => {
  it("gets the fault as HTTP, and the connection serves a request and an upgrade afterwards", async () => {
    using client = await rawClient(gateway.port);
    const before = target.connections.length;
    const { status, headers, body } = await client.send(upgradeRequest("/key/room?apikey=wrong")).answer();
    expect(status).toBe(401);
    expect(headers.get("content-type")).toBe("application/json");
    expect(headers.get("connection")).toBeUndefined();
    expect(JSON.parse(body)).toEqual({ fault: { faultstring: "Invalid ApiKey", detail: { errorcode: "oauth.v2.InvalidApiKey" } } });
    expect(target.connections.length).toBe(before);
    expect(await gateway.line({ event: "http", "error.type": "oauth.v2.InvalidApiKey" })).toMatchObject({
      "http.response.status_code": 401,
      "apigw.policy": "VK-Key",
      "url.path": "/key/room",
    });
    expect(gateway.metric("apigw_ws_handshakes_total", 'proxy="key"', 'result="401"')).toBe(1);
    await expectUsable(client);
  });

  it("is refused a hundred times on one connection without leaving anything behind", async () => {
    using client = await rawClient(gateway.port);
    const warnings: Error[] = [];
    const warned = (warning: Error): void => void warnings.push(warning);
    process.on("warning", warned);
    for (let n = 0; n < 100; n++) expect((await client.send(upgradeRequest("/key/many")).answer()).status).toBe(401);
    process.off("warning", warned);
    // Listeners that pile up on a socket make Node warn.
    expect(warnings).toEqual([]);
    const lines = (): number => gateway.lines({ event: "http", "url.path": "/key/many" }).length;
    expect(lines()).toBe(100);
    await expectUsable(client);
  });

  it("ends the connection when anything followed its head, and drops that", async () => {
    using client = await rawClient(gateway.port);
    const dropped = gateway.metric("apigw_early_bytes_dropped_total");
    const smuggled = plainRequest("/open/smuggled");
    const { status, headers } = await client.send(upgradeRequest("/key/room") + smuggled).answer();
    expect([status, headers.get("connection")]).toEqual([401, "close"]);
    expect((await client.end()).length).toBe(0);
    expect(gateway.metric("apigw_early_bytes_dropped_total") - dropped).toBe(smuggled.length);
    client.socket.destroy();
    await gateway.calm();
    expect(target.connections.map(({ path }) => path)).not.toContain("/smuggled");
    // The same bytes on a connection of their own do reach the target.
    using other = await rawClient(gateway.port);
    other.send(smuggled);
    await target.request("/smuggled");
  });

  it.each([
    ["an Origin that is not allowed", "/origin/x", { Origin: "https://evil.example" }, 403],
    ["an endpoint without WebSockets", "/denied/x", {}, 403],
    ["a path where nothing is deployed", "/nowhere", {}, 404],
    ["a path that only looks like a base path", "/openly", {}, 404],
  ])("for %s the connection stays usable", async (_what, path, lines, status) => {
    using client = await rawClient(gateway.port);
    const answer = await client.send(upgradeRequest(path, lines)).answer();
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toHaveProperty("fault.detail.errorcode");
    await expectUsable(client);
  });

  it.each([["https://good.example"], ["HTTPS://GOOD.example"]])("admits the allowed Origin %s", async (origin) => {
    using client = await rawSocket(gateway.port, "/origin/x", { Origin: origin });
    expect(client.closed).toBe(false);
  });
});

const upgrade = (lines: UpgradeLines, start?: string): string => upgradeRequest("/open/guarded", lines, start);

describe("a head that is no valid upgrade never reaches the target", () => {
  afterEach(() => expect(target.connections.map(({ path }) => path)).not.toContain("/guarded"));

  it.each<readonly [what: string, status: number, request: string]>([
    ["another version", 426, upgrade({ "Sec-WebSocket-Version": "8" })],
    ["no version", 426, upgrade({ "Sec-WebSocket-Version": null })],
    ["a list of versions", 426, upgrade({ "Sec-WebSocket-Version": "13, 8" })],
    ["two versions", 400, upgrade({ "sec-websocket-version": "13" })],
    ["no key", 400, upgrade({ "Sec-WebSocket-Key": null })],
    ["an empty key", 400, upgrade({ "Sec-WebSocket-Key": "" })],
    ["a key that is too short", 400, upgrade({ "Sec-WebSocket-Key": "c2hvcnQ=" })],
    ["a key that is no base64", 400, upgrade({ "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25j*Q==" })],
    ["two keys", 400, upgrade({ "sec-websocket-key": SAMPLE_KEY })],
    ["websocket beside another token", 400, upgrade({ Upgrade: "websocket, h2c" })],
    ["websocket with a version", 400, upgrade({ Upgrade: "websocket/13" })],
    ["two Upgrade lines", 400, upgrade({ upgrade: "websocket" })],
    ["a Connection without upgrade", 400, upgrade({ Connection: "keep-alive" })],
    ["a subprotocol twice", 400, upgrade({ "Sec-WebSocket-Protocol": "chat, chat" })],
    ["a subprotocol that is no token", 400, upgrade({ "Sec-WebSocket-Protocol": "a b" })],
    ["an extension out of its grammar", 400, upgrade({ "Sec-WebSocket-Extensions": "permessage-deflate;=" })],
    ["two Origins", 400, upgrade({ Origin: "https://a.example", origin: "https://b.example" })],
    ["two Authorizations", 400, upgrade({ Authorization: "Bearer a", authorization: "Bearer b" })],
  ])("%s: %i, and the connection stays usable", async (_what, status, request) => {
    using client = await rawClient(gateway.port);
    const answer = await client.send(request).answer();
    expect(answer.status).toBe(status);
    if (status === 426) expect(answer.headers.get("sec-websocket-version")).toBe("13");
    expect(JSON.parse(answer.body)).toHaveProperty("fault.faultstring");
    await expectUsable(client);
  });

  it.each<readonly [what: string, status: number, request: string]>([
    ["POST", 400, upgrade({}, "POST /open/guarded HTTP/1.1")],
    ["HTTP/1.0", 400, upgrade({}, "GET /open/guarded HTTP/1.0")],
    ["no Host", 400, upgrade({ Host: null })],
    ["two Hosts", 400, upgrade({ host: "other.test" })],
    ["a Host with user information", 400, upgrade({ Host: "user@gateway.test" })],
    ["an empty Host", 400, upgrade({ Host: "" })],
    ["a target with another authority than Host", 400, upgrade({}, "GET http://other.test/open/guarded HTTP/1.1")],
    ["a body by length", 400, `${upgrade({ "Content-Length": "5" })}hello`],
    ["a chunked body", 400, `${upgrade({ "Transfer-Encoding": "chunked" })}0\r\n\r\n`],
    ["a POST with a body", 400, `${upgrade({ "Content-Length": "5" }, "POST /open/guarded HTTP/1.1")}hello`],
    ["Content-Length twice", 400, upgrade({ "Content-Length": "0", "content-length": "0" })],
    ["too many header lines", 431, upgrade(Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`X-${n}`, "1"])))],
  ])("%s: %i, and the connection ends", async (_what, status, request) => {
    using client = await rawClient(gateway.port);
    const answer = await client.send(request + plainRequest("/open/guarded")).answer();
    expect(answer.status).toBe(status);
    expect(answer.headers.get("connection")).toBe("close");
    expect((await client.end()).toString("latin1")).toBe("");
  });

  it.each<readonly [what: string, request: string]>([
    ["no HTTP at all", "\x16\x03\x01\x02\x00\x01\r\n\r\n"],
    ["a header folded over two lines", upgrade({ "X-Folded": "a\r\n b" })],
    ["a header name with a space", upgrade({ "X Space": "a" })],
    ["a bare line feed", upgrade({}).replace("\r\nConnection", "\nConnection")],
    ["Content-Length beside Transfer-Encoding", upgrade({ "Content-Length": "5", "Transfer-Encoding": "chunked" })],
    ["a NUL in a value", upgrade({ "X-Nul": "a\0b" })],
    ["another HTTP version", upgrade({}, "GET /open/guarded HTTP/2.0")],
    ["an encoding that is not chunked", upgrade({ "Transfer-Encoding": "gzip, chunked" })],
  ])("%s: refused, and the connection ends", async (_what, request) => {
    using client = await rawClient(gateway.port);
    const text = await client.send(request).end();
    expect(text.toString("latin1")).toMatch(/^HTTP\/1\.1 (4[0-9]{2}|50[15]) /);
  });

  it("a head that is too large: 431", async () => {
    using client = await rawClient(gateway.port);
    const answer = await client.send(upgrade({ "X-Large": "x".repeat(20_000) })).answer();
    expect([answer.status, answer.headers.get("connection")]).toEqual([431, "close"]);
  });

  it("a target that is too long: 414", async () => {
    using client = await rawClient(gateway.port);
    const answer = await client.send(upgradeRequest(`/open/guarded?${"x".repeat(11_000)}`)).answer();
    expect(answer.status).toBe(414);
    await expectUsable(client);
  });

  it("a head that is never finished: 408", async () => {
    using client = await rawClient(gateway.port);
    client.send(upgrade({}).slice(0, -2));
    expect((await client.answer()).status).toBe(408);
    await client.end();
  });

  it("a client that connects and sends nothing: closed without a word", async () => {
    using client = await rawClient(gateway.port);
    expect((await client.end()).length).toBe(0);
  });

  it("CONNECT: 405", async () => {
    using client = await rawClient(gateway.port);
    const answer = await client.send("CONNECT gateway.test:443 HTTP/1.1\r\nHost: gateway.test:443\r\n\r\n").answer();
    expect([answer.status, answer.headers.get("connection")]).toEqual([405, "close"]);
  });
});

describe("a path with more than one meaning is refused", () => {
  it.each([
    ["/open/..%2fkey/x"],
    ["/open/..%2Fkey/x"],
    ["/open%2f..%2fkey/x"],
    ["/open/%5c..%5ckey/x"],
    ["/open/..;/key/x"],
    ["/open/.;/key/x"],
    ["/open/..%3b/key/x"],
    ["/open/%2e%2e/key/x"],
    ["/open/%00"],
    ["/open/%0d%0aX-Injected:1"],
    ["/open//key/x"],
    ["//open/x"],
    ["/../open/x"],
    ["/open/%zz"],
    ["/open/%ff"],
    ["/open/x\\y"],
    ["/open/x#fragment"],
  ])("%s", async (path) => {
    using client = await rawClient(gateway.port);
    const before = target.connections.length;
    for (const request of [upgradeRequest(path), plainRequest(path)]) {
      const { status } = await client.send(request).answer();
      expect(status).toBe(400);
    }
    expect(target.connections.length).toBe(before);
    await expectUsable(client);
  });

  it("dot segments are resolved before routing, so that they cannot lead past a policy", async () => {
    using client = await rawClient(gateway.port);
    const before = target.connections.length;
    expect((await client.send(upgradeRequest("/open/../key/room")).answer()).status).toBe(401);
    expect(target.connections.length).toBe(before);
    expect((await client.send(upgradeRequest("/key/../open/resolved")).answer()).status).toBe(101);
    await target.request("/resolved");
  });

  it("one form of an escaped path is matched and sent", async () => {
    using client = await rawClient(gateway.port);
    expect((await client.send(upgradeRequest("/%6f%70en/%61%20b?q=%2f")).answer()).status).toBe(101);
    expect((await target.request("/a%20b")).head).toMatch(/^GET \/a%20b\?q=%2f HTTP/);
  });

  it("an absolute-form target with the same authority is served", async () => {
    using client = await rawClient(gateway.port);
    const request = upgradeRequest("", {}, "GET http://gateway.test/open/absolute HTTP/1.1");
    expect((await client.send(request).answer()).status).toBe(101);
    expect((await target.request("/absolute")).head).toMatch(/^GET \/absolute HTTP/);
  });
});

describe("headers that must not pass", () => {
  it("other upgrade tokens are served as plain HTTP without their headers", async () => {
    target.on("/h2c", ({ socket }) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"));
    using client = await rawClient(gateway.port);
    const lines = { Connection: "Upgrade, HTTP2-Settings", Upgrade: "h2c", "HTTP2-Settings": "AAMAAABkAAQCAAAAAAIAAAAA" };
    expect(await client.send(plainRequest("/open/h2c", lines)).answer()).toMatchObject({ status: 200, body: "ok" });
    const { head } = await target.request("/h2c");
    expect(head).not.toMatch(/^(upgrade|http2-settings):/im);
    expect(head).not.toMatch(/upgrade|settings/i);
    await expectUsable(client);
  });

  it("a 101 of a target that nobody asked for is no answer", async () => {
    target.on("/unasked", ({ socket }) =>
      socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nPRI * HTTP/2.0"),
    );
    using client = await rawClient(gateway.port);
    const lines = { Connection: "Upgrade", Upgrade: "h2c" };
    expect((await client.send(plainRequest("/open/unasked", lines)).answer()).status).toBe(502);
    await (await target.request("/unasked")).gone();
    await expectUsable(client);
  });

  it("hop-by-hop headers, nominated ones and other spellings of the gateway's own", async () => {
    using client = await rawClient(gateway.port);
    const lines: UpgradeLines = {
      Connection: "keep-alive, Upgrade, X-Secret, X-App, Sec-WebSocket-Key, Host",
      "X-Secret": "nominated",
      "X-App": "forged-1",
      "x_app": "forged-2",
      "X.App": "forged-3",
      "Keep-Alive": "timeout=5",
      "Proxy-Connection": "keep-alive",
      "Proxy-Authorization": "Basic eDp5",
      TE: "trailers",
      Trailer: "X-T",
      "X-Forwarded-For": "6.6.6.6",
      "X_Forwarded_For": "7.7.7.7",
      "X-Real-IP": "8.8.8.8",
      Forwarded: "for=9.9.9.9",
      "Sec_WebSocket_Key": "forged-4",
      "X-Kept": "kept",
    };
    expect((await client.send(upgradeRequest(`/key/hygiene?apikey=${API_KEY}`, lines)).answer()).status).toBe(101);
    const connection = await target.request("/hygiene");
    expect(connection.head).not.toMatch(/forged|nominated|timeout=5|proxy-|trailers|6\.6\.6\.6|7\.7|8\.8|9\.9|eDp5|trailer/i);
    expect(connection.header("x-kept")).toBe("kept");
    expect(connection.header("x-app")).toBe("web");
    expect(connection.header("connection")).toBe("Upgrade");
    expect(connection.header("sec-websocket-key")).toBe(SAMPLE_KEY);
    expect(connection.header("x-forwarded-for")).toBe("127.0.0.1");
    expect(connection.head.match(/^x-app:/gim)).toHaveLength(1);
  });

  it("lines of the target's 101 that belong to its connection", async () => {
    target.on("/hops", (connection) => connection.accept("Keep-Alive: timeout=5\r\nX-Target: kept\r\nTrailer: X\r\n"));
    using client = await rawClient(gateway.port);
    const { headers } = await client.send(upgradeRequest("/open/hops")).answer();
    expect(headers.get("x-target")).toBe("kept");
    expect([headers.get("keep-alive"), headers.get("trailer")]).toEqual([undefined, undefined]);
  });
});

describe("a client that does not wait", () => {
  it("sends frames before the 101: the target gets them after its own answer", async () => {
    target.on("/early", (connection) => void setTimeout(() => connection.accept(), 30));
    using client = await rawClient(gateway.port);
    client.send(Buffer.concat([Buffer.from(upgradeRequest("/open/early")), fromClient("first")]));
    const connection = await target.request("/early");
    client.send(fromClient("second"));
    expect(connection.received.length).toBe(0);
    expect((await client.answer()).status).toBe(101);
    const expected = Buffer.concat([fromClient("first"), fromClient("second")]);
    expect(await connection.got(expected.length)).toEqual(expected);
  });

  it("sends more than the gateway keeps: refused, and the target's connection goes", async () => {
    using client = await rawClient(gateway.port);
    client.send(upgradeRequest("/open/silent"));
    const connection = await target.request("/silent");
    client.send("x".repeat(2_000));
    const answer = await client.answer();
    expect([answer.status, answer.headers.get("connection")]).toEqual([400, "close"]);
    await connection.gone();
    expect(connection.received.length).toBe(0);
    expect(await gateway.line({ event: "http", "url.path": "/open/silent" })).toMatchObject({
      "http.response.status_code": 400,
      "error.type": "protocol.http.BadRequest",
    });
  });

  it("ends its sending behind the request: nobody is left to answer", async () => {
    const count = target.connections.filter(({ path }) => path === "/silent").length;
    using client = await rawClient(gateway.port);
    client.socket.end(upgradeRequest("/open/silent"));
    await client.gone();
    await gateway.line({ event: "http", "url.path": "/open/silent", "http.response.status_code": 499 });
    if (target.connections.filter(({ path }) => path === "/silent").length > count) {
      await (await target.request("/silent", count + 1)).gone();
    }
  });
});

describe("an endpoint for WebSockets only", () => {
  it("answers plain requests with 426 and serves upgrades on the same connection", async () => {
    using client = await rawClient(gateway.port);
    const { status, headers } = await client.send(plainRequest("/only/x")).answer();
    expect([status, headers.get("upgrade")]).toEqual([426, "websocket"]);
    expect((await client.send(upgradeRequest("/only/x")).answer()).status).toBe(101);
  });
});
