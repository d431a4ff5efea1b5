import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { createServer, request as requestHttp, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, upgradeRequest, type RawClient } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";
import { until } from "../support/until.ts";
import { API_KEY, API_SECRET, bundle, bundleEnv, SHORT_IO_TIMEOUT_MS } from "./bundle.ts";

const MIB = 1024 * 1024;

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly rawHeaders: readonly string[];
  aborted: boolean;
  bytes: number;
}

type Handler = (request: IncomingMessage, response: ServerResponse, seen: Seen) => void;

let server: Server;
/** A target that says bytes no HTTP server would. */
let raw: FakeTarget;
let gateway: TestGateway;
const handlers = new Map<string, Handler>();
const seen: Seen[] = [];
let connections = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    const url = request.url ?? "";
    const entry: Seen = { method: request.method ?? "", url, headers: request.headers, rawHeaders: request.rawHeaders, aborted: false, bytes: 0 };
    seen.push(entry);
    request.on("data", (chunk: Buffer) => (entry.bytes += chunk.length));
    response.on("close", () => (entry.aborted = !response.writableFinished));
    const handler = handlers.get(url.split("?")[0] ?? "") ?? fallback;
    handler(request, response, entry);
  });
  server.on("connection", () => connections++);
  server.on("checkContinue", (request, response) => server.emit("request", request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  raw = await fakeTarget();
  const files = bundle("environmentGroups: [{ name: a, hostnames: [gateway.test, '*'], environments: [default] }, { name: b, hostnames: ['*.second.test'], environments: [second] }]\ndeployments: { default: [open, hasty, nobody, key, oauth, rules, only, denied, raw], second: [other] }", {
    "environments/default.yaml": "kind: Environment",
    "environments/second.yaml": "kind: Environment",
    "proxies/other/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /open, preFlow: { request: [RF-Other] } }]`,
    "proxies/other/policies/RF-Other.yaml": "kind: RaiseFault\nactions: [{ set: { statusCode: 299, payload: \"{environment.name}\" } }]",
    "proxies/raw/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /raw }]
targetEndpoints: [{ url: { env: RAW_URL } }]`,
  });
  const env = { ...bundleEnv(`http://127.0.0.1:${port}`, await refusedPort()), RAW_URL: raw.url };
  gateway = await startGatewayFromBundle(files, { env });
});

afterEach(async () => gateway.calm());

afterAll(async () => {
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await raw[Symbol.asyncDispose]();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const fallback: Handler = (request, response) => {
  request.resume();
  request.on("end", () => response.end(`${request.method} ${request.url}`));
};

let serial = 0;
function on(handler: Handler): string {
  const path = `/h${serial++}`;
  handlers.set(path, handler);
  return path;
}

async function seenAt(path: string): Promise<Seen> {
  const found = (): Seen | undefined => seen.find(({ url }) => url.split("?")[0] === path);
  await until(() => found() !== undefined, () => `a request for ${path}`);
  const entry = found();
  if (entry === undefined) throw new Error("gone");
  return entry;
}

/** One exchange through node's own client. */
function exchange(path: string, options: { method?: string; body?: Buffer; headers?: Record<string, string> } = {}): Promise<{ status: number; body: Buffer; headers: IncomingMessage["headers"] }> {
  return new Promise((resolve, reject) => {
    const { method = "GET", body, headers = {} } = options;
    const request = requestHttp({ port: gateway.port, host: "127.0.0.1", path, method, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks), headers: answer.headers }));
      answer.on("error", reject);
    });
    request.on("error", reject).end(body);
  });
}

const digestOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

async function usable(client: RawClient): Promise<void> {
  expect(await client.send(plainRequest("/open/usable")).answer()).toMatchObject({ status: 200, body: "GET /usable" });
}

describe("an HTTP exchange", () => {
  it("keeps its connection, and the target's", async () => {
    using client = await rawClient(gateway.port);
    await usable(client);
    const before = connections;
    for (let n = 0; n < 5; n++) await usable(client);
    expect(connections).toBe(before);
    expect(await gateway.line({ event: "http", "url.path": "/open/usable" })).toMatchObject({
      "http.response.status_code": 200,
      "http.request.method": "GET",
      "apigw.bytes_out": 11,
      "apigw.target": "default",
    });
  });

  it("answers pipelined requests in order", async () => {
    using client = await rawClient(gateway.port);
    client.send([1, 2, 3].map((n) => plainRequest(`/open/p${n}`)).join(""));
    for (const n of [1, 2, 3]) expect((await client.answer()).body).toBe(`GET /p${n}`);
  });

  it("streams 10 MiB up by length and back chunked", async () => {
    const path = on((request, response) => request.pipe(response));
    const body = Buffer.alloc(10 * MIB, "0123456789");
    const answer = await exchange(`/open${path}`, { method: "POST", body, headers: { "Content-Length": String(body.length) } });
    expect([answer.status, answer.body.length, digestOf(answer.body)]).toEqual([200, body.length, digestOf(body)]);
    expect((await seenAt(path)).headers["content-length"]).toBe(String(body.length));
    expect(await gateway.line({ event: "http", "url.path": `/open${path}` })).toMatchObject({ "apigw.bytes_in": body.length, "apigw.bytes_out": body.length });
  });

  it("streams 10 MiB up chunked and back by length", async () => {
    const body = Buffer.alloc(10 * MIB, "0123456789");
    const path = on((request, response) => {
      request.resume();
      request.on("end", () => response.writeHead(201, { "Content-Length": body.length }).end(body));
    });
    const answer = await exchange(`/open${path}`, { method: "PUT", body, headers: { "Transfer-Encoding": "chunked" } });
    expect([answer.status, digestOf(answer.body)]).toEqual([201, digestOf(body)]);
    expect(answer.headers["content-length"]).toBe(String(body.length));
    const entry = await seenAt(path);
    expect([entry.headers["transfer-encoding"], entry.bytes]).toEqual(["chunked", body.length]);
  });

  it("holds a target back whose client does not read", async () => {
    let written = 0;
    const path = on((_request, response) => {
      const block = Buffer.alloc(MIB / 4);
      const more = (): void => {
        while (written < 128 * MIB && !response.destroyed) {
          written += block.length;
          if (!response.write(block)) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    using client = await rawClient(gateway.port);
    client.socket.pause();
    client.send(plainRequest(`/open${path}`));
    let last = -1;
    while (last !== written) {
      last = written;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(written).toBeLessThan(32 * MIB);
    client.socket.resetAndDestroy();
    await until(() => seen.find(({ url }) => url === path)?.aborted === true, () => "the target to hear of it");
  });

  it("holds a client back whose target does not read", async () => {
    const path = on((request) => void request.pause());
    using client = await rawClient(gateway.port);
    client.send(plainRequest(`/hasty${path}`, { "Content-Length": String(128 * MIB) }, "POST"));
    const block = Buffer.alloc(MIB / 4);
    let written = 0;
    const more = (): void => {
      while (written < 128 * MIB && !client.socket.destroyed) {
        written += block.length;
        if (!client.socket.write(block)) return void client.socket.once("drain", more);
      }
    };
    more();
    // A target that takes nothing for io.timeout.millis is a silent one.
    expect((await client.answer()).status).toBe(504);
    expect(written).toBeLessThan(32 * MIB);
    client.socket.resetAndDestroy();
  });

  it("HEAD has the header of a body and none", async () => {
    const path = on((_request, response) => response.writeHead(200, { "Content-Length": "5" }).end());
    using client = await rawClient(gateway.port);
    const answer = await client.send(plainRequest(`/open${path}`, {}, "HEAD")).answer("HEAD");
    expect([answer.status, answer.headers.get("content-length")]).toEqual([200, "5"]);
    const refused = await client.send(plainRequest("/nowhere", {}, "HEAD")).answer("HEAD");
    expect(refused.status).toBe(404);
    await usable(client);
  });

  it.each([204, 304])("%i has no body", async (status) => {
    const path = on((_request, response) => response.writeHead(status, { ETag: '"x"' }).end());
    using client = await rawClient(gateway.port);
    const answer = await client.send(plainRequest(`/open${path}`)).answer();
    expect([answer.status, answer.headers.get("etag"), answer.headers.get("transfer-encoding")]).toEqual([status, '"x"', undefined]);
    await usable(client);
  });

  it("passes trailers of the target on", async () => {
    const path = on((_request, response) => {
      response.writeHead(200, { Trailer: "X-Sum" });
      response.write("body");
      response.addTrailers({ "X-Sum": "42" });
      response.end();
    });
    using client = await rawClient(gateway.port);
    expect((await client.send(plainRequest(`/open${path}`)).answer()).body).toBe("bodyX-Sum: 42\r\n");
    await usable(client);
  });

  it("serves HTTP/1.0 clients without chunks and ends their connection", async () => {
    const path = on((_request, response) => {
      response.write("one ");
      response.end("two");
    });
    using client = await rawClient(gateway.port);
    const text = (await client.send(`GET /open${path} HTTP/1.0\r\nHost: gateway.test\r\n\r\n`).end()).toString("latin1");
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text).not.toMatch(/transfer-encoding/i);
    expect(text.endsWith("\r\n\r\none two")).toBe(true);
  });

  it("asks for the body of a client that waits for 100-continue, and only when policy let it pass", async () => {
    using client = await rawClient(gateway.port);
    const lines = { Expect: "100-continue", "Content-Length": "4" };
    client.send(plainRequest("/open/expected", lines, "POST"));
    expect((await client.answer()).status).toBe(100);
    expect(await client.send("body").answer()).toMatchObject({ status: 200, body: "POST /expected" });
    expect(client.pending.length).toBe(0);
    const refused = await client.send(plainRequest("/key/expected", lines, "POST")).answer();
    expect([refused.status, refused.headers.get("connection")]).toEqual([401, "close"]);
  });

  it("forwards 103 with all its lines and without those of the connection", async () => {
    raw.on("/hints", ({ socket }) =>
      socket.end("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"),
    );
    using client = await rawClient(gateway.port);
    const hints = await client.send(plainRequest("/raw/hints")).answer();
    expect([hints.status, hints.headers.get("link")]).toEqual([103, "</a>, </b>"]);
    expect(hints.head).not.toMatch(/hop/i);
    expect(await client.answer()).toMatchObject({ status: 200, body: "ok" });
  });

  it("gives up on a target that sends more interim answers than the bound", async () => {
    raw.on("/many", ({ socket }) =>
      socket.end(`${"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(50)}HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok`),
    );
    using client = await rawClient(gateway.port);
    client.send(plainRequest("/raw/many"));
    let interim = 0;
    let answer = await client.answer();
    for (; answer.status === 103; answer = await client.answer()) interim++;
    expect(interim).toBe(gateway.gateway.limits.interimResponsesMax);
    expect(answer.status).toBe(502);
  });
});

describe("headers", () => {
  it("of the request: hop-by-hop and forged ones go, the gateway's come", async () => {
    using client = await rawClient(gateway.port);
    const path = on(fallback);
    await client
      .send(plainRequest(`/key${path}?apikey=${API_KEY}`, {
        Connection: "keep-alive, X-Nominated, Content-Length, X-App",
        "X-Nominated": "1",
        "Keep-Alive": "timeout=1",
        TE: "trailers",
        "Proxy-Authorization": "Basic x",
        "x_app": "forged",
        "X-App": "forged",
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Proto": "https",
        Forwarded: "for=6.6.6.6",
        Cookie: "a=1; b=2",
        "X-Kept": "yes",
      }))
      .answer();
    const { headers, rawHeaders, url } = await seenAt(path);
    expect(url).toBe(path);
    expect(headers).toMatchObject({ "x-app": "web", "x-kept": "yes", cookie: "a=1; b=2", "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http", "x-forwarded-host": "gateway.test" });
    expect(rawHeaders.join("\n")).not.toMatch(/forged|nominated|timeout=1|proxy-auth|6\.6\.6\.6|^te$/im);
    await usable(client);
  });

  it("of the answer: hop-by-hop ones go, repeated ones stay", async () => {
    raw.on("/answer", ({ socket }) =>
      socket.end("HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nProxy-Connection: x\r\nX-Kept: yes\r\nContent-Length: 2\r\n\r\nok"),
    );
    using client = await rawClient(gateway.port);
    const answer = await client.send(plainRequest("/raw/answer")).answer();
    expect(answer.headers.get("set-cookie")).toBe("a=1, b=2");
    expect(answer.headers.get("x-kept")).toBe("yes");
    expect(answer.head).not.toMatch(/x-hop|timeout=9|proxy-connection/i);
    await usable(client);
  });

  it("that smuggle are refused before anything is routed", async () => {
    const count = seen.length;
    for (const request of [
      "POST /open/x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST /open/x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nbody",
      "POST /open/x HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
      "POST /open/x HTTP/1.1\r\nHost: gateway.test\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
      "POST /open/x HTTP/1.0\r\nHost: gateway.test\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "POST /open/x HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: +4\r\n\r\nbody",
      "GET /open/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET /open/x HTTP/1.1\r\n\r\n",
      "GET http://other.test/open/x HTTP/1.1\r\nHost: gateway.test\r\n\r\n",
    ]) {
      using client = await rawClient(gateway.port);
      const text = (await client.send(request + plainRequest("/open/smuggled")).end()).toString("latin1");
      expect(text, request).toMatch(/^HTTP\/1\.1 (400|501) /);
      expect(text.match(/HTTP\/1\.1 [0-9]/g), request).toHaveLength(1);
      await gateway.calm();
      expect(seen.slice(count), request).toEqual([]);
    }
  });
});

describe("an exchange that fails", () => {
  it("a target that refuses: 503", async () => {
    using client = await rawClient(gateway.port);
    const answer = await client.send(plainRequest("/nobody/x")).answer();
    expect([answer.status, answer.body]).toEqual([503, expect.stringContaining("ServiceUnavailable")]);
    await usable(client);
  });

  it("a target that is silent: 504 after io.timeout.millis", async () => {
    const path = on(() => undefined);
    using client = await rawClient(gateway.port);
    const startMs = performance.now();
    expect((await client.send(plainRequest(`/hasty${path}`)).answer()).status).toBe(504);
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(SHORT_IO_TIMEOUT_MS - 5);
    await until(() => seen.find(({ url }) => url === path)?.aborted === true, () => "the target to hear of it");
    await usable(client);
  });

  it.each([
    ["closes at once", ""],
    ["talks nonsense", "nonsense\r\n\r\n"],
    ["closes inside its head", "HTTP/1.1 200 OK\r\nX:"],
  ])("a target that %s: 502", async (_what, text) => {
    raw.on("/bad", ({ socket }) => void socket.end(text));
    using client = await rawClient(gateway.port);
    expect((await client.send(plainRequest("/raw/bad")).answer()).status).toBe(502);
    await usable(client);
  });

  it("a target that breaks off inside its body breaks the client's connection", async () => {
    const path = on((_request, response) => {
      response.writeHead(200, { "Content-Length": "100" });
      response.write("half");
      setTimeout(() => response.destroy(), 20);
    });
    using client = await rawClient(gateway.port);
    client.send(plainRequest(`/open${path}`));
    await client.through("half");
    expect((await client.end()).length).toBe(0);
  });

  it("a target that breaks off inside chunks does not look whole", async () => {
    const path = on((_request, response) => {
      response.write("half");
      setTimeout(() => response.destroy(), 20);
    });
    using client = await rawClient(gateway.port);
    client.send(plainRequest(`/open${path}`));
    await client.through("half");
    expect((await client.end()).toString("latin1")).not.toContain("0\r\n\r\n");
  });

  it("a client that leaves before the answer ends the target's request", async () => {
    const path = on(() => undefined);
    using client = await rawClient(gateway.port);
    client.send(plainRequest(`/open${path}`));
    const entry = await seenAt(path);
    client.socket.resetAndDestroy();
    await until(() => entry.aborted, () => "the target to hear of it");
    expect(await gateway.line({ event: "http", "url.path": `/open${path}` })).toMatchObject({ "http.response.status_code": 499 });
  });

  it("a client that leaves inside its body ends the target's request", async () => {
    const path = on((request) => void request.resume());
    using client = await rawClient(gateway.port);
    client.send(`${plainRequest(`/open${path}`, { "Content-Length": "100" }, "POST")}half`);
    const entry = await seenAt(path);
    client.socket.resetAndDestroy();
    await until(() => entry.aborted, () => "the target to hear of it");
  });

  it("a client that leaves inside the answer ends the target's", async () => {
    const path = on((_request, response) => void response.write("half"));
    using client = await rawClient(gateway.port);
    client.send(plainRequest(`/open${path}`));
    await client.through("half");
    client.socket.resetAndDestroy();
    const entry = await seenAt(path);
    await until(() => entry.aborted, () => "the target to hear of it");
  });

  it("a target that answers before it has read the body: the client gets its answer and may go on sending", async () => {
    raw.on("/eager", ({ socket }) => void socket.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig"));
    using client = await rawClient(gateway.port);
    const size = 20 * MIB;
    client.send(plainRequest("/raw/eager", { "Content-Length": String(size) }, "POST"));
    const answer = await client.answer();
    expect([answer.status, answer.body]).toEqual([413, "big"]);
    for (let sent = 0; sent < size; sent += MIB) client.send(Buffer.alloc(MIB));
    await until(() => client.socket.writableLength === 0, () => "the client's body to be taken");
    await usable(client);
  });

  it("a target that ends a kept connection just when it is used again: asked once more, unless that could do harm", async () => {
    const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    raw.on("/kept", ({ socket }) => {
      socket.write(ok);
      socket.once("data", () => socket.destroy());
    });
    using client = await rawClient(gateway.port);
    for (let n = 0; n < 4; n++) expect((await client.send(plainRequest("/raw/kept")).answer()).body).toBe("ok");
    expect(raw.connections.filter(({ path }) => path === "/kept").length).toBeGreaterThan(1);
    raw.on("/kept", ({ socket }) => {
      socket.write(ok);
      socket.once("data", () => socket.destroy());
    });
    // A request that may have been carried out is not sent twice.
    const post = plainRequest("/raw/kept", { "Content-Length": "0" }, "POST");
    const answers = [await client.send(post).answer(), await client.send(post).answer()];
    expect(answers.map(({ status }) => status)).toContain(502);
  });
});

describe("faults", () => {
  it.each([
    ["request", 418, "raised in the request", { "x-raised": "request", "x-fault-rule": "RaiseFault", "x-always": "yes" }],
    ["response", 451, "raised in the response", { "x-always": "yes" }],
  ])("raised in the %s flow go through the rules", async (where, status, body, headers) => {
    using client = await rawClient(gateway.port);
    const answer = await client.send(plainRequest("/rules/x", { "X-Fault": where })).answer();
    expect([answer.status, answer.body]).toEqual([status, body]);
    expect(Object.fromEntries(answer.headers)).toMatchObject(headers);
    await usable(client);
  });

  it("of the target's answer: its own body passes, or a rule's takes its place", async () => {
    const path = on((_request, response) => response.writeHead(500, { "Content-Type": "text/x" }).end("own"));
    using client = await rawClient(gateway.port);
    const own = await client.send(plainRequest(`/rules${path}`)).answer();
    expect([own.status, own.body, own.headers.get("x-marked")]).toEqual([500, "own", "target"]);
    const replaced = await client.send(plainRequest(`/rules${path}`, { "X-Fault": "replace" })).answer();
    expect([replaced.status, replaced.body]).toEqual([502, "replaced"]);
    await usable(client);
  });

  it("with a status that has no body get none", async () => {
    using client = await rawClient(gateway.port);
    expect((await client.send(plainRequest("/rules/x", { "X-Fault": "empty" })).answer()).status).toBe(204);
    await usable(client);
  });

  it("of a body that nobody read end the connection", async () => {
    using client = await rawClient(gateway.port);
    const answer = await client.send(`${plainRequest("/key/x", { "Content-Length": "100" }, "POST")}half`).answer();
    expect([answer.status, answer.headers.get("connection")]).toEqual([401, "close"]);
    await client.end();
  });

  it("are Apigee's JSON for what is not deployed", async () => {
    const answer = await exchange("/nowhere");
    expect(JSON.parse(String(answer.body))).toEqual({
      fault: {
        faultstring: "Unable to identify proxy for host: 127.0.0.1 and url: /nowhere",
        detail: { errorcode: "messaging.adaptors.http.flow.ApplicationNotFound" },
      },
    });
  });

  it.each(["ünï.test", "gateway.test:x", "gateway.test:99999", "a b"])("a Host that is none (%s): 400", async (host) => {
    using client = await rawClient(gateway.port);
    expect((await client.send(plainRequest("/open/x", { Host: host })).answer()).status).toBe(400);
  });
});

describe("routes", () => {
  it("go by host: exact, wildcard, any", async () => {
    using client = await rawClient(gateway.port);
    for (const host of ["api.second.test", "API.Second.Test:8080", "api.second.test."]) {
      expect(await client.send(plainRequest("/open/usable", { Host: host })).answer()).toMatchObject({ status: 299, body: "second" });
    }
    for (const host of ["gateway.test", "second.test", "a.b.second.test", "[::1]:80"]) {
      expect((await client.send(plainRequest("/open/usable", { Host: host })).answer()).body).toBe("GET /usable");
    }
  });

  it("without a target answer by themselves: tokens for form bodies", async () => {
    using client = await rawClient(gateway.port);
    const ask = (body: string, lines: Readonly<Record<string, string>> = {}): string =>
      plainRequest("/oauth/token", {
        Authorization: `Basic ${Buffer.from(`${API_KEY}:${API_SECRET}`).toString("base64")}`,
        "Content-Type": "application/x-www-form-urlencoded",
        "Content-Length": String(body.length),
        ...lines,
      }, "POST");
    const body = "grant_type=client_credentials&lifetime_ms=5000";
    const answer = await client.send(ask(body) + body).answer();
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ token_type: "Bearer", expires_in: expect.any(Number), access_token: expect.any(String) });
    // A client that waits is asked once.
    client.send(ask(body, { Expect: "100-continue" }));
    expect((await client.answer()).status).toBe(100);
    expect((await client.send(body).answer()).status).toBe(200);
    expect(client.pending.length).toBe(0);
    expect((await client.send(ask("grant_type=password") + "grant_type=password").answer()).status).toBe(400);
    await usable(client);
    expect(gateway.lines().some((line) => JSON.stringify(line).includes(API_SECRET))).toBe(false);
  });

  it("with `webSocket: deny` and `mode: only`", async () => {
    using client = await rawClient(gateway.port);
    expect((await client.send(upgradeRequest("/denied/x")).answer()).status).toBe(403);
    expect((await client.send(plainRequest("/denied/x")).answer()).body).toBe("GET /x");
    const only = await client.send(plainRequest("/only/x")).answer();
    expect([only.status, only.headers.get("upgrade"), only.headers.get("connection")]).toEqual([426, "websocket", expect.stringMatching(/upgrade/i)]);
    await usable(client);
  });
});
