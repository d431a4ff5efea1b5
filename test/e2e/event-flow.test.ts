/** EventFlow on real sockets: each event through the flows while its answer is open (apigee-core section 3.4). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fakeTarget, type FakeTarget, type TargetConnection } from "../support/fake-target.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, type RawClient } from "../support/raw-client.ts";

const assign = (name: string, value: string): string =>
  `kind: AssignMessage\nactions: [{ assignVariable: { name: ${name}, template: "${value}" } }]`;

const files = {
  "gateway.yaml": "kind: Gateway\nlisteners: [{ name: public, host: 127.0.0.1, port: 0 }]\nstore: { kind: memory }\nlimits: { event: 1KiB }",
  "proxies/chat/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /chat
    eventFlow: { contentType: text/event-stream, response: [{ name: AM-Proxy, condition: 'response.event.current.data = "both target"' }, ML-Event] }
    routeRules: [{ name: none, condition: 'proxy.pathsuffix = "/null"' }, { name: default, targetEndpoint: default }]
targetEndpoints:
  - url: { env: TARGET_URL }
    eventFlow:
      contentType: text/event-stream
      response:
        - { name: AM-Drop, condition: 'response.event.current.data = "drop"' }
        - { name: AM-Change, condition: 'response.event.current.data = "change"' }
        - { name: AM-Target, condition: 'response.event.current.data = "both"' }
        - { name: RF-Stop, condition: 'response.event.current.data = "stop"' }
`,
  "proxies/chat/policies/AM-Drop.yaml": "kind: AssignMessage\nactions: [{ assignVariable: { name: response.event.current.content, value: '' } }]",
  "proxies/chat/policies/AM-Change.yaml": assign("response.event.current.data", "changed {response.event.current.count}"),
  "proxies/chat/policies/AM-Target.yaml": assign("response.event.current.data", "both target"),
  "proxies/chat/policies/AM-Proxy.yaml": assign("response.event.current.data", "both, in order"),
  "proxies/chat/policies/RF-Stop.yaml": "kind: RaiseFault",
  "proxies/chat/policies/ML-Event.yaml": "kind: MessageLogging\nfile: { message: '{response.event.current.count} {response.event.current.data}' }",
  "proxies/front/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /front, flows: [{ name: look, condition: 'proxy.pathsuffix = "/look"', response: [{ name: AM-Look, condition: 'response.content StartsWith "data"' }] },
  { name: instead, condition: 'proxy.pathsuffix = "/instead"', response: [{ name: AM-Instead, condition: 'response.status.code != 101' }] }] }]
targetEndpoints: [{ localTargetConnection: { apiProxy: chat, proxyEndpoint: default } }]`,
  "proxies/front/policies/AM-Instead.yaml": "kind: AssignMessage\nactions: [{ set: { payload: no events } }]",
  "proxies/front/policies/AM-Look.yaml": "kind: AssignMessage\nactions: [{ set: { headers: { x-looked: 'yes' } } }]",
};

const HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n";

let target: FakeTarget;
let gateway: TestGateway;

beforeAll(async () => {
  target = await fakeTarget({
    "*": ({ socket }) => void socket.write(`${HEAD}Connection: close\r\n\r\n`),
    "/length": ({ socket }) => socket.end(`${HEAD}Content-Length: 14\r\nConnection: close\r\n\r\ndata: change\n\n`),
    "/gzip": ({ socket }) => socket.end(`${HEAD}Content-Encoding: gzip\r\nConnection: close\r\n\r\nsecret`),
    "/json": ({ socket }) => socket.end("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\nConnection: close\r\n\r\ndata: change\n\n"),
    "/error": ({ socket }) => socket.end(`${HEAD.replace("200 OK", "500 No")}Content-Length: 14\r\nConnection: close\r\n\r\ndata: change\n\n`),
  });
  gateway = await startGatewayFromBundle(files, { env: { TARGET_URL: target.url } });
});

afterAll(async () => {
  await gateway.calm();
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

let serial = 0;

/** An open event stream: the client has its head. */
async function opened(base = "/chat"): Promise<{ client: RawClient; from: TargetConnection; path: string } & Disposable> {
  const path = `/s${serial++}`;
  const client = await rawClient(gateway.port);
  client.send(plainRequest(`${base}${path}`));
  const from = await target.request(path);
  expect(await client.through("\r\n\r\n")).toContain("200 OK");
  return { client, from, path, [Symbol.dispose]: () => client.socket.destroy() };
}

describe("while the answer is open", () => {
  it("each event leaves when its last byte has come: untouched, changed by both flows, or not at all", async () => {
    using stream = await opened();
    const { client, from } = stream;
    from.socket.write("data: as\r\ndata:  it came\r\n\r\n");
    await client.through("data: as\r\ndata:  it came\r\n\r\n");
    from.socket.write(": ping\n\n");
    await client.through(": ping\n\n");
    from.socket.write("data: drop\n\nid: 3\ndata: change\n\nda");
    await client.through("id: 3\ndata: changed 3\n\n");
    from.socket.write("ta: both\n\n");
    await client.through("data: both, in order\n\n");
    from.socket.end("data: end");
    expect(await client.through("\r\n0\r\n\r\n")).toContain("data: end");
    expect(gateway.lines({ event: "message_log" }).map(({ message }) => message)).toEqual([
      "1 as\n it came", "2 drop", "3 changed 3", "4 both, in order", "5 end",
    ].map((message, at) => (at === 1 ? "2 " : message)));
  });

  it("a target that sends byte by byte", async () => {
    using stream = await opened();
    for (const byte of "data: drop\r\n\r\ndata: change\r\n\r\n") {
      await new Promise((resolve) => stream.from.socket.write(byte, resolve));
    }
    expect(await stream.client.through("changed 2\r\n\r")).not.toContain("drop");
  });

  it("a client that leaves lets the target go", async () => {
    using stream = await opened();
    stream.from.socket.write("data: a\n\ndata: half");
    await stream.client.through("data: a\n\n");
    stream.client.socket.destroy();
    await stream.from.gone();
    await gateway.calm();
    expect(gateway.gateway.heldBytes).toBe(0);
  });
});

describe("streams that are broken off", () => {
  it.each([
    ["a fault", "data: stop\n\n", "steps.raisefault.RaiseFault", "RF-Stop"],
    ["an event that is too large", `data: ${"x".repeat(2000)}`, "protocol.http.TooBigBody", null],
  ])("%s: the events before it arrive, the end does not", async (_, bytes, code, policy) => {
    using stream = await opened();
    const before = gateway.lines({ event: "response_broken", fault: code }).length;
    stream.from.socket.write(`data: before\n\n${bytes}`);
    const rest = (await stream.client.end()).toString();
    expect(rest).toContain("data: before\n\n");
    expect(rest).not.toMatch(/stop|xxx|0\r\n\r\n$/);
    await stream.from.gone();
    await gateway.calm();
    expect(gateway.lines({ event: "response_broken", fault: code }).slice(before)).toMatchObject([{ level: "warn", policy }]);
    expect(gateway.lines({ "http.response.status_code": 200, "error.type": code })).toHaveLength(1);
  });
});

describe("answers", () => {
  it("a length that no longer holds goes", async () => {
    using client = await rawClient(gateway.port);
    const { headers, body } = await client.send(plainRequest("/chat/length")).answer();
    expect([headers.get("content-length"), headers.get("transfer-encoding"), body]).toEqual([undefined, "chunked", "data: changed 1\n\n"]);
  });

  it.each([
    ["of another type", "/chat/json", 200],
    ["outside of the success codes", "/chat/error", 500],
  ])("%s pass untouched", async (_, path, status) => {
    using client = await rawClient(gateway.port);
    const answer = await client.send(plainRequest(path)).answer();
    expect([answer.status, answer.headers.get("content-length"), answer.body]).toEqual([status, "14", "data: change\n\n"]);
  });

  it("a null route has no events", async () => {
    using client = await rawClient(gateway.port);
    expect(await client.send(plainRequest("/chat/null")).answer()).toMatchObject({ status: 200, body: "" });
  });

  it("an encoded stream, whose events nobody sees, is refused", async () => {
    using client = await rawClient(gateway.port);
    const { status, body } = await client.send(plainRequest("/chat/gzip")).answer();
    expect([status, JSON.parse(body).fault.detail.errorcode]).toEqual([502, "protocol.http.UnsupportedEncoding"]);
  });
});

describe("a called proxy", () => {
  it("its flows see the events on their way to the caller's client", async () => {
    using stream = await opened("/front");
    stream.from.socket.write("data: drop\n\ndata: change\n\n");
    expect(await stream.client.through("changed 2\n\n")).not.toContain("drop");
  });

  it("a caller that looks into the answer gets none", async () => {
    using client = await rawClient(gateway.port);
    const waiting = client.send(plainRequest("/front/look")).answer();
    const { socket } = await target.request("/look");
    socket.end("data: drop\n\n");
    expect((await waiting).status).toBe(500);
    expect(gateway.lines({ event: "event_flow_bypassed" })).toHaveLength(1);
  });

  it("a caller may write another answer in their place", async () => {
    using client = await rawClient(gateway.port);
    const waiting = client.send(plainRequest("/front/instead")).answer();
    const { socket } = await target.request("/instead");
    socket.write("data: drop\n\n");
    expect(await waiting).toMatchObject({ status: 200, body: "no events" });
  });
});
