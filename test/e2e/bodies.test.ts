import { Buffer } from "node:buffer";
import { brotliCompressSync, deflateRawSync, deflateSync, gunzipSync, gzipSync } from "node:zlib";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle, type BundleFiles, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, type RawClient, type UpgradeLines } from "../support/raw-client.ts";
import { until } from "../support/until.ts";

const IO_TIMEOUT_MS = 300;

/** A proxy whose steps are policies of these texts, by name. */
function proxy(name: string, flows: string, target: string, policies: Readonly<Record<string, string>>): BundleFiles {
  const files: Record<string, string> = {
    [`proxies/${name}/proxy.yaml`]: `kind: ApiProxy
proxyEndpoints: [{ basePath: /${name}, webSocket: deny, ${flows} }]
targetEndpoints: [{ ${target} }]`,
  };
  for (const [policy, text] of Object.entries(policies)) files[`proxies/${name}/policies/${policy}.yaml`] = text;
  return files;
}

const set = (parts: string): string => `kind: AssignMessage\nignoreUnresolvedVariables: true\nactions: [{ set: { ${parts} } }]`;
const echo = "url: { env: TARGET_URL }";

function files(limits: string): BundleFiles {
  return {
    "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }
limits: { ${limits} }`,
    ...proxy("open", "name: default", echo, {}),
    ...proxy("read", "preFlow: { request: [AM-Read] }", echo, { "AM-Read": set(`headers: { x-body: "{request.content}" }`) }),
    ...proxy("post", `preFlow: { request: [{ name: AM-Read, condition: 'request.verb = "POST"' }] }`, echo, {
      "AM-Read": set(`headers: { x-body: "{message.content}", x-base64: "{request.content.as.url.safe.base64}" }`),
    }),
    ...proxy("rewrite", "preFlow: { request: [AM-Write] }", echo, {
      "AM-Write": set(`payload: { contentType: text/plain, value: "<{request.content}>é" }`),
    }),
    ...proxy("replace", "preFlow: { request: [AM-Write] }", echo, { "AM-Write": set("payload: instead") }),
    ...proxy("remove", "preFlow: { request: [AM-Remove] }", echo, {
      "AM-Remove": "kind: AssignMessage\nactions: [{ remove: { payload: true } }]",
    }),
    ...proxy("answer", "postFlow: { response: [AM-Answer] }", echo, {
      "AM-Answer": set(`headers: { x-answer: "{response.content}" }`),
    }),
    ...proxy("wrap", "postFlow: { response: [AM-Answer] }", echo, { "AM-Answer": set(`payload: "[{response.content}]"`) }),
    ...proxy("late", "postFlow: { response: [AM-Answer] }", echo, {
      "AM-Answer": set(`headers: { x-request: "{request.content}" }`),
    }),
    ...proxy("small", "preFlow: { request: [AM-Read] }, properties: { request.payload.parse.limit: 1KiB }",
      `${echo}, properties: { response.payload.parse.limit: 1KiB }, postFlow: { response: [AM-Answer] }`, {
      "AM-Read": set(`headers: { x-request: "{request.content}" }`),
      "AM-Answer": set(`headers: { x-answer: "{response.content}" }`),
    }),
    ...proxy("rules", `name: default`,
      `${echo}, faultRules: [{ name: no, condition: 'error.content = "no"', steps: [AM-No] }, { name: all, steps: [AM-All] }]`, {
      "AM-No": set(`headers: { x-no: "{request.content}" }`),
      "AM-All": set(`headers: { x-all: "{error.content}" }`),
    }),
    ...proxy("form", "preFlow: { request: [AM-Form] }", echo, {
      "AM-Form": `kind: AssignMessage
ignoreUnresolvedVariables: true
actions:
  - assignVariable: { name: request.formparam.user, value: "b&b" }
  - assignVariable: { name: request.formparam.tag.2, value: second }
  - set: { headers: { x-user: "{request.formparam.user}", x-tags: "{request.formparam.tag.values}", x-names: "{request.formparams.names}",
      x-count: "{request.formparams.count}/{request.formparam.tag.values.count}", x-string: "{request.formstring}" } }`,
    }),
    ...proxy("named", "preFlow: { request: [AM-Make, AM-Add, AM-Tell] }, postFlow: { response: [AM-Keep, AM-Renew] }", echo, {
      "AM-Make": `kind: AssignMessage
assignTo: { name: ask, createNew: true, type: request }
actions:
  - set: { verb: put, path: /ask, queryParams: { a: "1" }, headers: { x-one: "1, 2" }, formParams: { user: "a b" } }
  - copy: { source: request, headers: [x-from], queryParams: [q] }`,
      "AM-Add": `kind: AssignMessage
assignTo: { name: ask, createNew: false }
actions:
  - add: { formParams: { user: c, tag: x }, queryParams: { a: "2" } }
  - remove: { formParams: [tag] }
  - assignVariable: { name: ask.header.x-one.2, value: "3" }`,
      "AM-Tell": `kind: AssignMessage
actions:
  - copy: { source: ask, payload: true, headers: [content-type] }
  - set: { headers: { x-ask: "{ask.verb} {ask.uri} {ask.header.x-from} {ask.header.x-one.values} {ask.formparam.user.values} {ask.status.code:none}" } }`,
      "AM-Keep": `kind: AssignMessage\nassignTo: { name: kept, type: response }\nactions: [{ copy: { source: response } }]`,
      "AM-Renew": `kind: AssignMessage
assignTo: { createNew: true, type: response }
actions: [{ set: { statusCode: 202, headers: { x-status: "{kept.status.code} {kept.header.x-target}" }, payload: "<{kept.content}>" } }]`,
    }),
    ...proxy("absent", "preFlow: { request: [AM-Add] }", echo, {
      "AM-Add": "kind: AssignMessage\nassignTo: { name: ask, createNew: false }\nactions: [{ remove: { payload: true } }]",
    }),
    ...proxy("submit", "preFlow: { request: [AM-Form] }", echo, {
      "AM-Form": `kind: AssignMessage
actions:
  - add: { formParams: { tag: new } }
  - remove: { formParams: [secret] }
  - set: { formParams: { user: "{request.verb}" } }`,
    }),
    ...proxy("fault", "preFlow: { request: [RF-Echo] }", echo, {
      "RF-Echo": `kind: RaiseFault
actions: [{ copy: { source: request, payload: true, headers: [x-id] } }, { set: { statusCode: 422, reasonPhrase: Odd } }]`,
    }),
    ...proxy("logged", "postClientFlow: { response: [ML-Both] }", echo, {
      "ML-Both": `kind: MessageLogging\nfile: { message: "{request.content} -> {response.content}" }`,
    }),
    ...proxy("hasty", "postFlow: { response: [AM-Answer] }", "url: { env: RAW_URL }, properties: { io.timeout.millis: 250 }", {
      "AM-Answer": set(`headers: { x-answer: "{response.content}" }`),
    }),
  };
}

let server: Server;
let raw: FakeTarget;
let gateway: TestGateway;
let env: Readonly<Record<string, string>>;
interface Seen {
  readonly request: IncomingMessage;
  readonly body: string;
  readonly bytes: Buffer;
}
const seen: Seen[] = [];
let answer: (response: ServerResponse, seen: Seen) => void = echoed;

function echoed(response: ServerResponse, { bytes }: Seen): void {
  response.end(bytes);
}

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => void chunks.push(chunk));
    request.on("end", () => {
      const bytes = Buffer.concat(chunks);
      const entry = { request, bytes, body: bytes.toString("utf8") };
      seen.push(entry);
      answer(response, entry);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  raw = await fakeTarget();
  env = {
    TARGET_URL: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    RAW_URL: raw.url,
  };
  gateway = await startGatewayFromBundle(files(`ioTimeout: ${IO_TIMEOUT_MS}ms`), { env });
});

afterEach(async () => {
  answer = echoed;
  await gateway.calm();
  expect(gateway.gateway.heldBytes).toBe(0);
});

afterAll(async () => {
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await raw[Symbol.asyncDispose]();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const post = (path: string, body: string, lines: UpgradeLines = {}): string =>
  `${plainRequest(path, { "Content-Length": String(Buffer.byteLength(body)), ...lines }, "POST")}${body}`;

const header = (name: string): string | undefined => seen.at(-1)?.request.headers[name]?.toString();

async function usable(client: RawClient): Promise<void> {
  answer = echoed;
  expect(await client.send(post("/open/usable", "yes")).answer()).toMatchObject({ status: 200, body: "yes" });
}

describe("a request's body that a policy reads", () => {
  it("is in its variables, and goes on untouched", async () => {
    using client = await rawClient(gateway.port);
    expect(await client.send(post("/read/x", "hello")).answer()).toMatchObject({ status: 200, body: "hello" });
    expect([header("x-body"), header("content-length")]).toEqual(["hello", "5"]);
    await usable(client);
  });

  it("chunked: goes on with its length", async () => {
    using client = await rawClient(gateway.port);
    client.send(plainRequest("/read/x", { "Transfer-Encoding": "chunked" }, "POST"));
    client.send("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n");
    expect(await client.answer()).toMatchObject({ status: 200, body: "hello" });
    expect([header("x-body"), header("content-length"), header("transfer-encoding")]).toEqual(["hello", "5", undefined]);
    await usable(client);
  });

  it("is empty where there is none, and nothing of one is sent", async () => {
    using client = await rawClient(gateway.port);
    expect((await client.send(plainRequest("/read/x")).answer()).status).toBe(200);
    expect([header("x-body"), header("content-length"), header("transfer-encoding")]).toEqual(["", undefined, undefined]);
  });

  it("is read only where the condition of the step holds", async () => {
    using client = await rawClient(gateway.port);
    await client.send(post("/post/x", "a?>")).answer();
    expect([header("x-body"), header("x-base64")]).toEqual(["a?>", "YT8-"]);
    client.send(plainRequest("/post/x", { "Transfer-Encoding": "chunked" }, "PUT"));
    client.send("1\r\na\r\n");
    client.send("0\r\n\r\n");
    expect((await client.answer()).body).toBe("a");
    expect([header("x-body"), header("transfer-encoding")]).toEqual([undefined, "chunked"]);
  });

  it("is still there in the response flow", async () => {
    using client = await rawClient(gateway.port);
    const got = await client.send(post("/late/x", "early")).answer();
    expect([got.body, got.headers.get("x-request")]).toEqual(["early", "early"]);
  });

  it("is asked for when the client waits with it", async () => {
    using client = await rawClient(gateway.port);
    client.send(plainRequest("/read/x", { "Content-Length": "2", Expect: "100-continue" }, "POST"));
    expect((await client.answer()).status).toBe(100);
    expect(await client.send("ok").answer()).toMatchObject({ status: 200, body: "ok" });
    await usable(client);
  });

  it("that stops coming is answered 408, and the connection ends", async () => {
    using client = await rawClient(gateway.port);
    client.send(`${plainRequest("/read/x", { "Content-Length": "10" }, "POST")}half`);
    const got = await client.answer();
    expect([got.status, got.body, got.headers.get("connection")]).toEqual([408, expect.stringContaining("RequestTimeOut"), "close"]);
    await client.end();
  });

  it("with broken chunks is answered 400, and the connection ends", async () => {
    using client = await rawClient(gateway.port);
    client.send(`${plainRequest("/read/x", { "Transfer-Encoding": "chunked" }, "POST")}zz\r\n`);
    expect((await client.answer()).status).toBe(400);
    await client.end();
  });

  it("whose client leaves: nothing is sent to the target", async () => {
    const count = seen.length;
    using client = await rawClient(gateway.port);
    client.send(`${plainRequest("/read/x", { "Content-Length": "10" }, "POST")}half`);
    await until(() => gateway.gateway.heldBytes > 0, () => "the half to come");
    client.socket.resetAndDestroy();
    await gateway.calm();
    expect(seen.length).toBe(count);
  });
});

describe("a request's body that a policy writes", () => {
  it("goes out in UTF-8 with its length and type", async () => {
    using client = await rawClient(gateway.port);
    expect(await client.send(post("/rewrite/x", "in", { "Content-Encoding": "identity" })).answer()).toMatchObject({ body: "<in>é" });
    expect([header("content-type"), header("content-length"), header("content-encoding")]).toEqual(["text/plain", "6", undefined]);
    await usable(client);
  });

  it("takes the place of one that nobody read, and of none", async () => {
    using client = await rawClient(gateway.port);
    expect((await client.send(post("/replace/x", "x".repeat(100_000))).answer()).body).toBe("instead");
    expect((await client.send(plainRequest("/replace/x")).answer()).body).toBe("instead");
    expect(header("content-length")).toBe("7");
    await usable(client);
  });

  it("ends the connection of a client that was never asked for its own", async () => {
    using client = await rawClient(gateway.port);
    client.send(plainRequest("/replace/x", { "Content-Length": "4", Expect: "100-continue" }, "POST"));
    const got = await client.answer();
    expect([got.status, got.body, got.headers.get("connection")]).toEqual([200, "instead", "close"]);
    await client.end();
  });

  it("may be none at all", async () => {
    using client = await rawClient(gateway.port);
    expect(await client.send(post("/remove/x", "away")).answer()).toMatchObject({ status: 200, body: "" });
    expect(header("content-length")).toBe("0");
    await usable(client);
  });
});

describe("an answer's body", () => {
  it("is read, and goes on untouched", async () => {
    using client = await rawClient(gateway.port);
    const got = await client.send(post("/answer/x", "there")).answer();
    expect([got.body, got.headers.get("x-answer"), got.headers.get("content-length")]).toEqual(["there", "there", "5"]);
    await usable(client);
  });

  it("is written anew", async () => {
    answer = (response, { body }) => response.writeHead(200, { "Content-Encoding": "identity" }).end(body);
    using client = await rawClient(gateway.port);
    const got = await client.send(post("/wrap/x", "there")).answer();
    expect([got.body, got.headers.get("content-length"), got.headers.has("content-encoding")]).toEqual(["[there]", "7", false]);
    await usable(client);
  });

  it.each([["HEAD", 200, "5"], ["GET", 204, undefined], ["GET", 304, undefined]])("%s %d has none", async (verb, status, length) => {
    answer = (response) => response.writeHead(status, verb === "HEAD" ? { "Content-Length": 5 } : {}).end();
    using client = await rawClient(gateway.port);
    const got = await client.send(plainRequest("/answer/x", {}, verb)).answer(verb);
    expect([got.status, got.headers.get("x-answer"), got.headers.get("content-length")]).toEqual([status, "", length]);
    await usable(client);
  });

  it("of an error is there for fault rules, with the request's", async () => {
    answer = (response, { body }) => response.writeHead(500).end(body);
    using client = await rawClient(gateway.port);
    const no = await client.send(post("/rules/x", "no")).answer();
    expect([no.status, no.body, no.headers.get("x-no")]).toEqual([500, "no", "no"]);
    const other = await client.send(post("/rules/x", "other")).answer();
    expect([other.status, other.body, other.headers.get("x-all")]).toEqual([500, "other", "other"]);
    await usable(client);
  });

  it.each([
    ["breaks off", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", true, 502],
    ["breaks off inside chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", true, 502],
    ["has broken chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false, 502],
    ["stops coming", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", false, 504],
  ])("that %s: %3$d", async (_what, bytes, ends, status) => {
    raw.on("/broken", ({ socket }) => void (ends ? socket.end(bytes) : socket.write(bytes)));
    using client = await rawClient(gateway.port);
    expect((await client.send(plainRequest("/hasty/broken")).answer()).status).toBe(status);
    await usable(client);
  });
});

it("bodies that only PostClientFlow looks into are kept for it", async () => {
  using client = await rawClient(gateway.port);
  expect((await client.send(post("/logged/x", "to be logged")).answer()).body).toBe("to be logged");
  expect(await gateway.line({ event: "message_log", message: "to be logged -> to be logged" })).toBeDefined();
});

it("server-sent events pass at once, while their answer is still open", async () => {
  const open: ServerResponse[] = [];
  answer = (response) => {
    open.push(response);
    response.writeHead(200, { "Content-Type": "text/event-stream" }).write("data: first\n\n");
  };
  using client = await rawClient(gateway.port);
  client.send(plainRequest("/open/events"));
  expect(await client.through("data: first\n\n")).toContain("text/event-stream");
  // The second is sent only now: nothing has waited for it.
  open[0]?.end("data: second\n\n");
  await client.through("data: second\n\n");
  await client.through("0\r\n\r\n");
  await usable(client);
});

it("an Expect that nobody knows is answered 417", async () => {
  const count = seen.length;
  using client = await rawClient(gateway.port);
  expect((await client.send(plainRequest("/read/x", { Expect: "a miracle" })).answer()).status).toBe(417);
  expect(seen.length).toBe(count);
});

describe("a body over its limit", () => {
  it.each([["declared", { "Content-Length": "2000" }], ["found out", { "Transfer-Encoding": "chunked" }]])(
    "of a request, %s: 413, and nothing of it goes on",
    async (_how, lines) => {
      const count = seen.length;
      using client = await rawClient(gateway.port);
      const isChunked = "Transfer-Encoding" in lines;
      client.send(plainRequest("/small/x", lines, "POST"));
      client.send(isChunked ? `7d0\r\n${"x".repeat(2000)}\r\n` : "x".repeat(1000));
      const got = await client.answer();
      expect([got.status, got.body]).toEqual([413, expect.stringContaining("protocol.http.TooBigBody")]);
      expect(got.headers.get("connection")).toBe("close");
      // The client may go on sending and hears its answer all the same.
      client.send(isChunked ? "0\r\n\r\n" : "x".repeat(1000));
      await client.end();
      expect(seen.length).toBe(count);
    },
  );

  it("is refused before a client that waits with it sends it", async () => {
    using client = await rawClient(gateway.port);
    client.send(plainRequest("/small/x", { "Content-Length": "2000", Expect: "100-continue" }, "POST"));
    expect((await client.answer()).status).toBe(413);
    await client.end();
  });

  it.each([true, false])("of an answer: 502 (declared: %s)", async (isDeclared) => {
    answer = (response) => {
      if (isDeclared) response.setHeader("Content-Length", 5000);
      response.write("x".repeat(4000));
      response.end("x".repeat(1000));
    };
    using client = await rawClient(gateway.port);
    const got = await client.send(post("/small/x", "ok")).answer();
    expect([got.status, got.body]).toEqual([502, expect.stringContaining("protocol.http.TooBigBody")]);
    await usable(client);
  });

  it("of exactly that size passes", async () => {
    using client = await rawClient(gateway.port);
    expect(await client.send(post("/small/x", "x".repeat(1024))).answer()).toMatchObject({ status: 200 });
  });

  it("streams by where nobody looks into it", async () => {
    using client = await rawClient(gateway.port);
    const body = "x".repeat(100_000);
    expect((await client.send(post("/open/x", body)).answer()).body.length).toBe(100_000);
  });

  it("of the process: 503 for whoever comes then", async () => {
    await using narrow = await startGatewayFromBundle(files("heldBodies: 40KiB"), { env });
    using first = await rawClient(narrow.port);
    first.send(`${plainRequest("/read/x", { "Content-Length": "30000" }, "POST")}${"x".repeat(20_000)}`);
    await until(() => narrow.gateway.heldBytes > 0, () => "the first body");
    using second = await rawClient(narrow.port);
    const got = await second.send(post("/read/x", "x".repeat(30_000))).answer();
    expect([got.status, got.body]).toEqual([503, expect.stringContaining("gateway.Overload")]);
    first.socket.destroy();
    await until(() => narrow.gateway.heldBytes === 0, () => "the memory to be free again");
    using third = await rawClient(narrow.port);
    expect((await third.send(post("/post/x", "third")).answer()).body).toBe("third");
  });
});

describe("messages of a policy's own", () => {
  it("are made, changed, read and copied", async () => {
    answer = (response, { bytes }) => response.writeHead(201, { "x-target": "t" }).end(bytes);
    using client = await rawClient(gateway.port);
    const got = await client.send(post("/named/x?q=7&r=8", "in", { "X-From": "me" })).answer();
    expect(header("x-ask")).toBe("PUT /ask?a=1&q=7&a=2 me [1, 3] [a b, c] none");
    expect([seen.at(-1)?.body, header("content-type")]).toEqual(["user=a%20b&user=c", "application/x-www-form-urlencoded"]);
    expect([got.status, got.body, got.headers.get("x-status"), got.headers.has("x-target")])
      .toEqual([202, "<user=a%20b&user=c>", "201 t", false]);
    await usable(client);
  });

  it("must be there where a policy says so", async () => {
    using client = await rawClient(gateway.port);
    const got = await client.send(plainRequest("/absent/x")).answer();
    expect([got.status, got.body]).toEqual([500, expect.stringContaining("VariableOfNonMsgType")]);
  });

  it("RaiseFault copies the body of the request into its answer", async () => {
    using client = await rawClient(gateway.port);
    const got = await client.send(post("/fault/x", "what was asked", { "X-Id": "7" })).answer();
    expect([got.status, got.body, got.headers.get("x-id")]).toEqual([422, "what was asked", "7"]);
    expect(got.head).toContain("422 Odd");
    await usable(client);
  });
});

describe("an encoded body", () => {
  const encoders = [
    ["gzip", "gzip", gzipSync],
    ["x-gzip", "X-GZip", gzipSync],
    ["deflate", "deflate", deflateSync],
    ["deflate without a zlib header", "deflate", deflateRawSync],
    ["br", "br", brotliCompressSync],
  ] as const;

  function encodedPost(path: string, coding: string, bytes: Buffer): Buffer {
    const head = plainRequest(path, { "Content-Length": String(bytes.length), "Content-Encoding": coding }, "POST");
    return Buffer.concat([Buffer.from(head), bytes]);
  }

  it.each(encoders)("%s is read decoded, and goes on as it came", async (_name, coding, encode) => {
    using client = await rawClient(gateway.port);
    const bytes = encode("hello");
    await client.send(encodedPost("/read/x", coding, bytes)).answer();
    expect([header("x-body"), header("content-encoding"), seen.at(-1)?.bytes]).toEqual(["hello", coding, bytes]);
  });

  it("is encoded again when it was read and rewritten", async () => {
    using client = await rawClient(gateway.port);
    await client.send(encodedPost("/rewrite/x", "gzip", gzipSync("in"))).answer();
    const sent = seen.at(-1)?.bytes ?? Buffer.alloc(0);
    expect([header("content-encoding"), gunzipSync(sent).toString("utf8")]).toEqual(["gzip", "<in>é"]);
    expect(header("content-length")).toBe(String(sent.length));
    answer = (response) => response.writeHead(200, { "Content-Encoding": "gzip" }).end(gzipSync("there"));
    const got = await client.send(plainRequest("/wrap/x")).answer();
    expect(got.headers.get("content-encoding")).toBe("gzip");
    await usable(client);
  });

  it("is replaced by a plain one where nobody read it", async () => {
    using client = await rawClient(gateway.port);
    expect((await client.send(encodedPost("/replace/x", "gzip", gzipSync("in"))).answer()).body).toBe("instead");
    expect(header("content-encoding")).toBeUndefined();
  });

  it("streams by untouched where nobody looks into it", async () => {
    using client = await rawClient(gateway.port);
    await client.send(encodedPost("/open/x", "zstd", Buffer.from("no zstd"))).answer();
    expect([header("content-encoding"), seen.at(-1)?.body]).toEqual(["zstd", "no zstd"]);
  });

  const large = gzipSync(Buffer.alloc(1024 * 1024));
  it.each([
    ["unknown", "zstd", Buffer.from("x"), 415, 502, "UnsupportedEncoding"],
    ["two of them", "gzip, br", Buffer.from("x"), 415, 502, "UnsupportedEncoding"],
    ["broken", "gzip", Buffer.from("no gzip"), 400, 502, "DecompressionFailureAt"],
    ["cut off", "gzip", gzipSync("hello").subarray(0, 15), 400, 502, "DecompressionFailureAt"],
    ["a bomb", "gzip", large.subarray(0, 1010), 413, 502, "TooBigBody"],
  ])("%s: refused", async (_what, coding, bytes, ofRequest, ofAnswer, code) => {
    using client = await rawClient(gateway.port);
    const refused = await client.send(encodedPost("/small/x", coding, bytes)).answer();
    expect([refused.status, refused.body]).toEqual([ofRequest, expect.stringContaining(code)]);
    answer = (response) => response.writeHead(200, { "Content-Encoding": coding }).end(bytes);
    using other = await rawClient(gateway.port);
    const broken = await other.send(plainRequest("/small/x")).answer();
    expect([broken.status, broken.body]).toEqual([ofAnswer, expect.stringContaining(code)]);
    await usable(other);
  });
});

describe("a form", () => {
  const type = { "Content-Type": "application/x-www-form-urlencoded; charset=utf-8" };

  it("is read and written by parameter", async () => {
    using client = await rawClient(gateway.port);
    const got = await client.send(post("/form/x", "user=a&tag=1&tag=2&x=%20", type)).answer();
    expect(got.body).toBe("user=b%26b&tag=1&tag=second&x=%20");
    expect(["x-user", "x-tags", "x-names", "x-count"].map(header)).toEqual(["b&b", "[1, second]", "[user, tag, x]", "3/2"]);
    expect([header("x-string"), header("content-length")]).toEqual([got.body, String(got.body.length)]);
    await usable(client);
  });

  it("is edited by AssignMessage, which makes one of another body", async () => {
    using client = await rawClient(gateway.port);
    expect((await client.send(post("/submit/x", "secret=1&tag=a&user=b", type)).answer()).body).toBe("tag=a&user=POST&tag=new");
    expect((await client.send(post("/submit/x", "text", { "Content-Type": "text/plain" })).answer()).body).toBe("tag=new&user=POST");
    expect(header("content-type")).toBe("application/x-www-form-urlencoded");
    await usable(client);
  });

  it("is none where the type says otherwise, and streams by", async () => {
    using client = await rawClient(gateway.port);
    client.send(plainRequest("/form/x", { "Transfer-Encoding": "chunked", "Content-Type": "text/plain" }, "POST"));
    client.send("6\r\nuser=a\r\n0\r\n\r\n");
    expect((await client.answer()).body).toBe("user=a");
    expect([header("x-user"), header("x-string"), header("transfer-encoding")]).toEqual(["", "", "chunked"]);
  });
});
