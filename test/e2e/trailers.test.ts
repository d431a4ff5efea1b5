import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient } from "../support/raw-client.ts";
import { until } from "../support/until.ts";

const proxy = (name: string, flows: string, policies: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  [`proxies/${name}/proxy.yaml`]: `kind: ApiProxy
proxyEndpoints: [{ basePath: /${name}, webSocket: deny, ${flows} }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  ...Object.fromEntries(Object.entries(policies).map(([policy, text]) => [`proxies/${name}/policies/${policy}.yaml`, text])),
});
const set = (parts: string): string => `kind: AssignMessage\nignoreUnresolvedVariables: true\nactions: [{ set: { ${parts} } }]`;

let target: FakeTarget;
let gateway: TestGateway;

beforeAll(async () => {
  target = await fakeTarget();
  gateway = await startGatewayFromBundle({
    "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }`,
    ...proxy("open", "preFlow: { request: [AM-User] }", { "AM-User": set("headers: { x-user: gateway }") }),
    ...proxy("read", "preFlow: { request: [AM-In] }, postFlow: { response: [AM-Out] }", {
      "AM-In": set(`headers: { x-in: "{request.content}" }`),
      "AM-Out": set(`headers: { x-out: "{response.content}" }`),
    }),
    ...proxy("write", "preFlow: { request: [AM-In] }, postFlow: { response: [AM-Out] }", {
      "AM-In": set("payload: mine"),
      "AM-Out": set("payload: mine too"),
    }),
    ...proxy("zip", "properties: { compression.algorithm: gzip }"),
  }, { env: { TARGET_URL: target.url } });
});

afterAll(async () => {
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

/** A chunked request with these trailer lines. */
function chunked(path: string, trailers: string, lines: Record<string, string> = {}): string {
  return `${plainRequest(path, { "Transfer-Encoding": "chunked", ...lines }, "POST")}4\r\nbody\r\n0\r\n${trailers}\r\n`;
}

/** Sends it, and what the target got of it from its head on, up to this text. */
async function sent(path: string, request: string, through: string): Promise<{ head: string; body: string; status: number }> {
  target.on(path, ({ socket }) => void socket.on("data", () => undefined));
  using client = await rawClient(gateway.port);
  const before = target.connections.filter((connection) => connection.path === path).length;
  client.send(request);
  const connection = await target.request(path, before + 1);
  await until(() => connection.received.toString("latin1").endsWith(through), () => `${through} after ${connection.received.toString()}`);
  connection.socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  const { status } = await client.answer();
  connection.socket.end();
  return { head: connection.head, body: connection.received.toString("latin1"), status };
}

describe("trailers of a request", () => {
  it("go to the target behind a body that streams", async () => {
    const { head, body } = await sent("/a", chunked("/open/a", "X-Sum: 42\r\nx-more: é\r\n", { Trailer: "X-Sum, Content-Length" }), "\r\n\r\n");
    expect(body).toBe("4\r\nbody\r\n0\r\nX-Sum: 42\r\nx-more: é\r\n\r\n");
    expect(head).toContain("\r\nTrailer: X-Sum\r\n");
  });

  it("and behind one that a policy has read", async () => {
    const { head, body } = await sent("/b", chunked("/read/b", "X-Sum: 42\r\n"), "\r\n\r\n");
    expect(body).toBe("4\r\nbody\r\n0\r\nX-Sum: 42\r\n\r\n");
    expect(head).toContain("\r\nx-in: body\r\n");
    expect(head).not.toMatch(/content-length/i);
  });

  it("but not behind one that a policy has written", async () => {
    const { head, body } = await sent("/c", chunked("/write/c", "X-Sum: 42\r\n"), "mine");
    expect(body).toBe("mine");
    expect(head).toContain("\r\nContent-Length: 4\r\n");
  });

  it.each([
    ["is for this hop", "Keep-Alive: timeout=9\r\nTE: gzip\r\nTrailer: x\r\n"],
    ["authenticates", "Authorization: Bearer x\r\nCookie: a=b\r\n"],
    ["routes", "Host: other\r\nX-Forwarded-For: 1.2.3.4\r\n"],
    ["a policy writes, in any spelling", "x-user: forged\r\nX_User: forged\r\n"],
    ["describes the content", "Content-Type: text/html\r\nContent-Encoding: br\r\n"],
  ])("do not bring what %s", async (_what, lines) => {
    const { body } = await sent("/d", chunked("/open/d", `${lines}X-Kept: 1\r\n`), "\r\n\r\n");
    expect(body).toBe("4\r\nbody\r\n0\r\nX-Kept: 1\r\n\r\n");
  });

  it("are wanted back by who says so", async () => {
    const asked = await sent("/e", chunked("/open/e", "", { TE: "gzip, Trailers", Connection: "keep-alive, te" }), "0\r\n\r\n");
    expect(asked.head).toMatch(/\r\nTE: trailers\r\nConnection: TE\r\n/);
    for (const lines of [{ TE: "gzip", Connection: "TE" }, { TE: "trailers" }]) {
      const silent = await sent("/e", chunked("/open/e", "", lines), "0\r\n\r\n");
      expect(silent.head).not.toMatch(/\r\n(?:te|connection):/i);
    }
  });

  it("that are no header lines, or too many, are refused", async () => {
    target.on("/f", () => undefined);
    using client = await rawClient(gateway.port);
    client.send(chunked("/open/f", "no header line\r\n"));
    expect((await client.answer()).status).toBe(400);
    using framing = await rawClient(gateway.port);
    framing.send(chunked("/open/f", "Content-Length: 9\r\n"));
    expect((await framing.answer()).status).toBe(400);
    using other = await rawClient(gateway.port);
    other.send(chunked("/open/f", `X-Long: ${"x".repeat(100_000)}\r\n`));
    expect((await other.answer()).status).toBe(431);
  });
});

describe("trailers of an answer", () => {
  const answer = (path: string, trailers: string, lines = ""): void => {
    const head = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n${lines}\r\n`;
    target.on(path, ({ socket }) => void socket.end(`${head}4\r\nbody\r\n0\r\n${trailers}\r\n`, "latin1"));
  };

  it("go to the client behind a body that streams, announced where they were", async () => {
    answer("/g", "X-Sum: 42\r\n", "Trailer: X-Sum, Set-Cookie\r\n");
    using client = await rawClient(gateway.port);
    const { body, headers } = await client.send(plainRequest("/open/g")).answer();
    expect([body, headers.get("trailer")]).toEqual(["bodyX-Sum: 42\r\n", "X-Sum"]);
  });

  it("and behind one that a policy has read", async () => {
    answer("/h", "X-Sum: 42\r\nSet-Cookie: a=b\r\n");
    using client = await rawClient(gateway.port);
    const { body, headers } = await client.send(plainRequest("/read/h")).answer();
    expect([body, headers.get("x-out"), headers.get("content-length")]).toEqual(["bodyX-Sum: 42\r\n", "body", undefined]);
  });

  it("but not behind one that a policy has written, nor to HTTP/1.0", async () => {
    answer("/i", "X-Sum: 42\r\n");
    using client = await rawClient(gateway.port);
    expect((await client.send(plainRequest("/write/i")).answer()).body).toBe("mine too");
    using old = await rawClient(gateway.port);
    const text = (await old.send("GET /read/i HTTP/1.0\r\nHost: gateway.test\r\n\r\n").end()).toString("latin1");
    expect(text).toMatch(/content-length: 4\r\n[^]*\r\n\r\nbody$/i);
  });

  it.each([
    ["is for the head alone", "Set-Cookie: a=b\r\nLocation: /x\r\nContent-Length: 3\r\n"],
    ["no header may hold", "X-Bad: a\x7fb\r\n"],
  ])("do not bring what %s", async (_what, lines) => {
    answer("/j", `${lines}X-Kept: 1\r\n`);
    using client = await rawClient(gateway.port);
    expect((await client.send(plainRequest("/open/j")).answer()).body).toBe("bodyX-Kept: 1\r\n");
  });

  it("lose digests of a body that is encoded anew", async () => {
    answer("/k", "Content-Digest: sha-256=:x:\r\nX-Kept: 1\r\n");
    using client = await rawClient(gateway.port);
    client.send(plainRequest("/zip/k", { "Accept-Encoding": "gzip" }));
    expect(await client.through("\r\n0\r\n")).toContain("Content-Encoding: gzip");
    expect(await client.through("\r\n\r\n")).toBe("X-Kept: 1\r\n\r\n");
  });
});
