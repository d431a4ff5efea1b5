import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { constants, brotliCompressSync, deflateRawSync, gunzipSync, gzipSync, inflateSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, type RawClient, type UpgradeLines } from "../support/raw-client.ts";
import { until } from "../support/until.ts";

const LIMIT_BYTES = 256 * 1024;

const proxy = (name: string, endpoint: string, target = ""): Record<string, string> => ({
  [`proxies/${name}/proxy.yaml`]: `kind: ApiProxy
proxyEndpoints: [{ basePath: /${name}, webSocket: deny, ${endpoint} }]
targetEndpoints: [{ url: { env: TARGET_URL }, ${target} }]`,
});
const answers = (algorithm: string): string => `properties: { compression.algorithm: ${algorithm} }`;

interface Seen {
  readonly request: IncomingMessage;
  readonly body: Buffer;
}

let server: Server;
let gateway: TestGateway;
let seen: Seen[] = [];
const plain = (_seen: Seen, response: ServerResponse): void => void response.end("an answer");
let answer: (seen: Seen, response: ServerResponse) => void = plain;

beforeAll(async () => {
  server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (bytes: Buffer) => pieces.push(bytes)).on("end", () => {
      const one = { request, body: Buffer.concat(pieces) };
      seen.push(one);
      answer(one, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  gateway = await startGatewayFromBundle({
    "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }
limits: { body: 256KiB }`,
    ...proxy("zip", answers("gzip")),
    ...proxy("flat", answers("none")),
    ...proxy("read", `${answers("gzip")}, postFlow: { response: [AM-Read] }`),
    "proxies/read/policies/AM-Read.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-read: "{response.content}" } } }]`,
    ...proxy("fault", `${answers("deflate")}, preFlow: { request: [RF-No] }`),
    "proxies/fault/policies/RF-No.yaml": "kind: RaiseFault\nactions: [{ set: { statusCode: 418, payload: no } }]",
    ...proxy("send-zip", "name: default", answers("gzip")),
    ...proxy("send-deflate", "name: default", answers("deflate")),
    ...proxy("send-flat", "name: default", answers("none")),
    ...proxy("send-read", "preFlow: { request: [AM-Look] }", answers("none")),
    "proxies/send-read/policies/AM-Look.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-body: "{request.content}" } } }]`,
    ...proxy("events", `${answers("gzip")}, eventFlow: { contentType: text/event-stream, response: [AM-Event] }`),
    "proxies/events/policies/AM-Event.yaml": `kind: AssignMessage
actions: [{ assignVariable: { name: response.event.current.data, value: seen } }]`,
  }, { env: { TARGET_URL: `http://127.0.0.1:${port}` } });
});

afterEach(async () => {
  answer = plain;
  seen = [];
  await gateway.calm();
  expect(gateway.gateway.heldBytes).toBe(0);
});

afterAll(async () => {
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** An answer with its body in bytes. */
async function ask(client: RawClient, request: string | Buffer, method = "GET") {
  client.send(request);
  const head = await client.through("\r\n\r\n");
  const headers = new Map(head.trim().split("\r\n").slice(1).map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
  const body = method === "HEAD" ? Buffer.alloc(0) : await bodyOf(client, headers);
  return { status: Number(head.slice(9, 12)), headers, body };
}

async function bodyOf(client: RawClient, headers: ReadonlyMap<string, string>): Promise<Buffer> {
  if (headers.get("transfer-encoding") !== "chunked") return client.bytes(Number(headers.get("content-length") ?? 0));
  const pieces: Buffer[] = [];
  for (;;) {
    const size = Number.parseInt(await client.through("\r\n"), 16);
    if (size > 0) pieces.push(Buffer.from(await client.bytes(size)));
    await client.through("\r\n");
    if (size === 0) return Buffer.concat(pieces);
  }
}

const get = (path: string, accept: string | null, lines: UpgradeLines = {}): string =>
  plainRequest(path, { "Accept-Encoding": accept, ...lines });

const put = (path: string, body: Buffer, lines: UpgradeLines = {}): Buffer =>
  Buffer.concat([Buffer.from(plainRequest(path, { "Content-Length": String(body.length), ...lines }, "PUT")), body]);

describe("answers to clients", () => {
  it.each([
    ["names it", "br, gzip;q=0.5", true],
    ["takes anything", "*", true],
    ["takes anything else", "gzip;q=0, *", false],
    ["refuses it", "gzip;q=0.000", false],
    ["names another", "br", false],
    ["says nothing", null, false],
  ])("are encoded where the client %s: %s", async (_how, accept, isEncoded) => {
    answer = (_seen, response) => void response.writeHead(200, { ETag: '"v1"', "Content-MD5": "x", "Content-Length": 9 }).end("an answer");
    using client = await rawClient(gateway.port);
    const got = await ask(client, get("/zip/x", accept));
    expect((isEncoded ? gunzipSync(got.body) : got.body).toString()).toBe("an answer");
    expect([got.headers.get("content-encoding"), got.headers.get("vary"), got.headers.get("etag")]).toEqual(
      [isEncoded ? "gzip" : undefined, "Accept-Encoding", isEncoded ? 'W/"v1"' : '"v1"']);
    expect([got.headers.has("content-length"), got.headers.has("content-md5")]).toEqual([!isEncoded, !isEncoded]);
  });

  it("stay as they are where they are encoded so already", async () => {
    const bytes = gzipSync("already");
    answer = (_seen, response) => void response.writeHead(200, { "Content-Encoding": "gzip", Vary: "Origin, accept-encoding" }).end(bytes);
    using client = await rawClient(gateway.port);
    const got = await ask(client, get("/zip/x", "gzip"));
    expect(got.body.equals(bytes)).toBe(true);
    expect(got.headers.get("vary")).toBe("Origin, accept-encoding");
  });

  it.each([
    ["gzip", gzipSync("encoded")],
    ["br", brotliCompressSync("encoded")],
    ["deflate", deflateRawSync("encoded")],
  ])("lose %s where none is to be", async (coding, bytes) => {
    answer = (_seen, response) => void response.writeHead(200, { "Content-Encoding": coding }).end(bytes);
    using client = await rawClient(gateway.port);
    const got = await ask(client, get("/flat/x", "gzip, br, deflate"));
    expect([got.body.toString(), got.headers.get("content-encoding")]).toEqual(["encoded", undefined]);
  });

  it("change from one coding into another", async () => {
    const text = "large ".repeat(20_000);
    answer = (_seen, response) => void response.writeHead(200, { "Content-Encoding": "br" }).end(brotliCompressSync(text));
    using client = await rawClient(gateway.port);
    const got = await ask(client, get("/zip/x", "gzip"));
    expect(gunzipSync(got.body).toString()).toBe(text);
  });

  it.each([
    ["no-transform", 200, { "Cache-Control": "max-age=5, no-transform" }],
    ["part of a body", 206, { "Content-Range": "bytes 0-8/20" }],
    ["a coding that nobody here knows", 200, { "Content-Encoding": "zstd" }],
  ])("stay as they are: %s", async (_why, status, headers) => {
    answer = (_seen, response) => void response.writeHead(status, headers).end("an answer");
    using client = await rawClient(gateway.port);
    expect((await ask(client, get("/zip/x", "gzip"))).body.toString()).toBe("an answer");
  });

  it("tell to HEAD what they would tell to GET, and an empty one stays empty", async () => {
    answer = (_seen, response) => void response.writeHead(200, { "Content-Length": 9 }).end();
    using client = await rawClient(gateway.port);
    const head = await ask(client, plainRequest("/zip/x", { "Accept-Encoding": "gzip" }, "HEAD"), "HEAD");
    expect([head.headers.get("content-encoding"), head.headers.get("content-length")]).toEqual(["gzip", undefined]);
    answer = (_seen, response) => void response.writeHead(200, { "Content-Length": 0 }).end();
    const empty = await ask(client, get("/zip/x", "gzip"));
    expect([empty.headers.get("content-encoding"), empty.headers.get("content-length")]).toEqual([undefined, "0"]);
    answer = (_seen, response) => void response.writeHead(304, { ETag: '"v1"' }).end();
    expect((await ask(client, get("/zip/x", "gzip"))).headers.get("content-encoding")).toBeUndefined();
  });

  it("are encoded from memory too, those to faults included", async () => {
    using client = await rawClient(gateway.port);
    const read = await ask(client, get("/read/x", "gzip"));
    expect([gunzipSync(read.body).toString(), read.headers.get("x-read")]).toEqual(["an answer", "an answer"]);
    expect(read.headers.get("content-length")).toBe(String(read.body.length));
    const fault = await ask(client, get("/fault/x", "deflate"));
    expect([fault.status, inflateSync(fault.body).toString()]).toEqual([418, "no"]);
  });

  it("leave piece by piece, as they come", async () => {
    let go = (): void => undefined;
    answer = (_seen, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.write("data: one\n\n");
      go = () => void response.end("data: two\n\n");
    };
    using client = await rawClient(gateway.port);
    client.send(get("/events/x", "gzip"));
    expect(await client.through("\r\n\r\n")).toContain("Content-Encoding: gzip");
    const unzip = createUnzip();
    const first = await chunk(client);
    expect(unzip.some(first)).toBe("data: seen\n\n");
    go();
    const rest: Buffer[] = [first];
    for (let next = await chunk(client); next.length > 0; next = await chunk(client)) rest.push(next);
    expect(gunzipSync(Buffer.concat(rest)).toString()).toBe("data: seen\n\ndata: seen\n\n");
  });

  it("wait for a client that does not read, and bring all of it", async () => {
    const bytes = Buffer.alloc(8 * 1024 * 1024, "0123456789abcdef");
    answer = (_seen, response) => void response.end(bytes);
    using client = await rawClient(gateway.port);
    client.socket.pause();
    client.send(get("/zip/x", "gzip", { Connection: "close" }));
    await until(() => seen.length > 0, () => "the target to be asked");
    client.socket.resume();
    const got = await ask(client, "");
    expect(gunzipSync(got.body).equals(bytes)).toBe(true);
  });

  it("that are not encoded as they say break the connection, and say why in the log", async () => {
    answer = (_seen, response) => void response.writeHead(200, { "Content-Encoding": "gzip" }).end("this is no gzip at all");
    using client = await rawClient(gateway.port);
    client.send(get("/flat/broken", "gzip"));
    await client.end();
    client.socket.end();
    await gateway.line({ "url.path": "/flat/broken", "error.type": "messaging.adaptors.http.flow.DecompressionFailureAtResponse" });
  });

  it("that become too large break the connection", async () => {
    answer = (_seen, response) => void response.writeHead(200, { "Content-Encoding": "gzip" }).end(gzipSync(Buffer.alloc(LIMIT_BYTES + 1)));
    using client = await rawClient(gateway.port);
    client.send(get("/flat/bomb", "gzip"));
    await client.end();
    client.socket.end();
    await gateway.line({ "url.path": "/flat/bomb", "error.type": "protocol.http.TooBigBody" });
  });

  it("to HTTP/1.0 end with the connection", async () => {
    using client = await rawClient(gateway.port);
    const bytes = await client.send("GET /zip/x HTTP/1.0\r\nHost: gateway.test\r\nAccept-Encoding: gzip\r\n\r\n").end();
    const end = bytes.indexOf("\r\n\r\n");
    expect(bytes.subarray(0, end).toString()).not.toMatch(/transfer-encoding|content-length/i);
    expect(gunzipSync(bytes.subarray(end + 4)).toString()).toBe("an answer");
  });

  it("whose client leaves end with it", async () => {
    answer = (_seen, response) => void response.write("first");
    using client = await rawClient(gateway.port);
    client.send(get("/zip/x", "gzip"));
    await client.through("\r\n\r\n");
    client.socket.resetAndDestroy();
    await gateway.calm();
  });
});

describe("requests to targets", () => {
  it.each([
    ["/send-zip/x", "gzip", (body: Buffer) => gunzipSync(body)],
    ["/send-deflate/x", "deflate", (body: Buffer) => inflateSync(body)],
    ["/send-flat/x", undefined, (body: Buffer) => body],
  ])("are encoded as %s says", async (path, coding, undo) => {
    using client = await rawClient(gateway.port);
    for (const [name, bytes] of [["identity", Buffer.from("hello")], ["gzip", gzipSync("hello")], ["br", brotliCompressSync("hello")]] as const) {
      expect((await ask(client, put(path, bytes, { "Content-Encoding": name }))).status).toBe(200);
      const { request, body } = seen.at(-1) ?? { request: null, body: Buffer.alloc(0) };
      expect(undo(body).toString()).toBe("hello");
      const kept = name === "identity" && coding === undefined ? "identity" : coding;
      expect(request?.headers["content-encoding"]).toBe(kept);
    }
  });

  it("without a body say nothing of one", async () => {
    using client = await rawClient(gateway.port);
    await ask(client, get("/send-zip/x", null));
    const headers = seen.at(-1)?.request.rawHeaders ?? [];
    expect(headers).toContain("Host");
    expect(headers.join("\n")).not.toMatch(/content-encoding|transfer-encoding|content-length/i);
  });

  it("that a policy has read go out as the endpoint says", async () => {
    using client = await rawClient(gateway.port);
    await ask(client, put("/send-read/x", gzipSync("hello"), { "Content-Encoding": "gzip" }));
    const { request, body } = seen.at(-1) ?? { request: null, body: null };
    expect([body?.toString(), request?.headers["x-body"], request?.headers["content-encoding"], request?.headers["content-length"]])
      .toEqual(["hello", "hello", undefined, "5"]);
  });

  it.each([
    ["not what they say", Buffer.from("no gzip at all"), 400, "DecompressionFailureAtRequest"],
    ["cut short", gzipSync("a text that goes on").subarray(0, 15), 400, "DecompressionFailureAtRequest"],
    ["one byte", Buffer.from([0x1f]), 400, "DecompressionFailureAtRequest"],
    ["too large", gzipSync(Buffer.alloc(LIMIT_BYTES + 1)), 413, "TooBigBody"],
  ])("are refused: %s", async (_what, bytes, status, code) => {
    using client = await rawClient(gateway.port);
    const got = await ask(client, put("/send-flat/x", bytes, { "Content-Encoding": "gzip" }));
    expect([got.status, got.body.toString()]).toEqual([status, expect.stringContaining(code)]);
  });

  it("are asked for where the client waits, and encoded then", async () => {
    using client = await rawClient(gateway.port);
    client.send(plainRequest("/send-zip/x", { "Content-Length": "5", Expect: "100-continue" }, "PUT"));
    expect((await client.answer()).status).toBe(100);
    expect((await client.send("hello").answer()).status).toBe(200);
    expect(gunzipSync(seen.at(-1)?.body ?? Buffer.alloc(0)).toString()).toBe("hello");
  });

  it("that a client breaks off break off", async () => {
    using client = await rawClient(gateway.port);
    client.send(`${plainRequest("/send-zip/x", { "Content-Length": "50" }, "PUT")}hello`);
    await until(() => gateway.gateway.exchanges === 1, () => "the request to begin");
    client.socket.resetAndDestroy();
    await gateway.calm();
    expect(seen).toEqual([]);
  });

  it("stream: 8 MiB arrive whole", async () => {
    const bytes = Buffer.alloc(8 * 1024 * 1024, "0123456789abcdef");
    using client = await rawClient(gateway.port);
    expect((await ask(client, put("/send-zip/x", bytes))).status).toBe(200);
    expect(gunzipSync(seen.at(-1)?.body ?? Buffer.alloc(0)).equals(bytes)).toBe(true);
  });
});

async function chunk(client: RawClient): Promise<Buffer> {
  const size = Number.parseInt(await client.through("\r\n"), 16);
  const bytes = size === 0 ? Buffer.alloc(0) : Buffer.from(await client.bytes(size));
  await client.through("\r\n");
  return bytes;
}

/** What an unfinished gzip stream says so far. */
function createUnzip() {
  return { some: (bytes: Buffer) => gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH }).toString() };
}
