/** Distributed traces from the client's header to the collector: exchanges, handshakes, ends of sessions, called proxies. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startCollector, type CollectedSpan, type Collector } from "../support/collector.ts";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { closing, fromClient, MASK } from "../support/frames.ts";
import { compileFiles, startModules, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, rawSocket, upgradeRequest } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";
import { API_KEY, bundle, bundleEnv } from "./bundle.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const traces = `observability:
  debug: off
  traces:
    endpoint: { env: COLLECTOR }
    headers: { x-tenant: team-a, authorization: { env: COLLECTOR_SECRET } }
    serviceName: chat gateway
    followParent: true
    sample: 1
`;
const quiet = `kind: ApiProxy
observability: { traces: { sample: 0, condition: 'request.header.x-debug = "1" or request.queryparam.debug = "1"' } }
proxyEndpoints: [{ basePath: /quiet }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`;

let modules: Awaited<ReturnType<typeof compileFiles>>;
let target: FakeTarget;
let collector: Collector;
let gateway: TestGateway;

beforeAll(async () => {
  target = await fakeTarget({
    "*": (connection) => {
      if (connection.header("upgrade") !== null) connection.accept();
      else connection.socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    },
  });
  modules = await compileFiles(bundle(traces, {
    "proxies/key/proxy.yaml": `kind: ApiProxy
observability: { debug: on }
proxyEndpoints: [{ basePath: /key, preFlow: { request: [VK-Key, AM-App] } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
    "proxies/quiet/proxy.yaml": quiet,
    "proxies/front/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /front }]
targetEndpoints: [{ name: default, localTargetConnection: { apiProxy: quiet, proxyEndpoint: default } }]`,
  }));
});
afterAll(() => target[Symbol.asyncDispose]());
beforeEach(async () => {
  collector = await startCollector();
  const env = { ...bundleEnv(target.url, await refusedPort()), COLLECTOR: collector.url, COLLECTOR_SECRET: "the-collectors-secret" };
  gateway = await startModules(modules, { env, limits: { spanLingerMs: 20 } });
});
afterEach(async () => {
  await gateway[Symbol.asyncDispose]();
  expect(collector.problems).toEqual([]);
  await collector[Symbol.asyncDispose]();
});

const ask = (path: string, headers = {}) => fetch(`http://127.0.0.1:${gateway.port}${path}`, { headers });
const named = (name: string) => (span: CollectedSpan): boolean => span.name === name;
const passedOn = (path: string, count = 1) => target.request(path, count).then((seen) => seen.header("traceparent") ?? "");

it("continues the client's trace, tells the target, and sends the exchange with its steps and its target", async () => {
  const state = "rojo=00f067aa0ba902b7";
  const answer = await ask(`/key/one?apikey=${API_KEY}`, { traceparent: `00-${TRACE}-${SPAN}-01`, tracestate: state });
  expect(answer.status).toBe(200);
  await collector.until(4);
  const own = collector.spans.find(({ kind }) => kind === 2);
  expect(own).toMatchObject({ traceId: TRACE, parentSpanId: SPAN, name: "GET /key", isError: false, links: [] });
  expect(own?.attributes).toMatchObject({
    "http.request.method": "GET",
    "http.response.status_code": 200,
    "http.route": "/key",
    "url.path": "/key/one",
    "url.scheme": "http",
    "apigw.proxy": "key",
    "apigw.app": "web",
    "apigw.target": "default",
  });
  const asked = collector.spans.find(({ kind }) => kind === 3);
  expect(asked).toMatchObject({ traceId: TRACE, parentSpanId: own?.spanId, name: "GET", isError: false });
  expect(asked?.attributes).toMatchObject({ "url.full": `${target.url}/one`, "http.response.status_code": 200 });
  const seen = await target.request("/one");
  expect(seen.header("traceparent")).toBe(`00-${TRACE}-${asked?.spanId}-01`);
  expect(seen.header("tracestate")).toBe(state);
  expect(await gateway.line({ event: "http" })).toMatchObject({ trace_id: TRACE, span_id: own?.spanId });
  const steps = collector.spans.filter(({ kind }) => kind === 1);
  expect(steps.map(({ name }) => name)).toEqual(["VK-Key", "AM-App"]);
  for (const step of steps) {
    expect(step).toMatchObject({ traceId: TRACE, parentSpanId: own?.spanId });
    expect(step.startNs >= (own?.startNs ?? 0n) && step.endNs <= (own?.endNs ?? 0n)).toBe(true);
  }
  expect(steps[0]?.attributes).toMatchObject({
    "apigw.policy.kind": "VerifyAPIKey", "code.file.path": "proxies/key/policies/VK-Key.yaml", "code.line.number": 1,
  });
});

it("names itself, and keeps what only the collector may read from everybody else", async () => {
  await ask(`/key/secret?apikey=${API_KEY}`);
  await collector.until(4);
  expect(collector.resource).toMatchObject({ "service.name": "chat gateway" });
  expect(collector.headers).toMatchObject({ "x-tenant": "team-a", "authorization": "the-collectors-secret" });
  const sent = JSON.stringify(collector.spans, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value));
  expect(sent).not.toContain(API_KEY);
  expect(JSON.stringify(gateway.lines())).not.toContain("the-collectors-secret");
  await expect.poll(() => gateway.metric("apigw_spans_exported_total")).toBe(4);
  expect(gateway.metric("apigw_spans_dropped_total")).toBe(0);
});

it("begins a trace where the client sends none, or nothing that is valid", async () => {
  await ask("/open/new", { traceparent: "00-rubbish", tracestate: "a=1" });
  const seen = await target.request("/new");
  expect(seen.header("traceparent")).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-03$/);
  expect(seen.header("tracestate")).toBeNull();
  const [own] = await collector.until(1, named("GET /open"));
  expect(own?.parentSpanId).toBeUndefined();
  expect(seen.header("traceparent")).toContain(own?.traceId);
});

describe("a WebSocket connection", () => {
  it("is a span that ends at the 101, and one of its own for its end, linked to it", async () => {
    const client = await rawSocket(gateway.port, `/key/rooms?apikey=${API_KEY}`);
    const connection = await target.request("/rooms");
    const [handshake] = await collector.until(1, named("GET /key"));
    expect(handshake?.attributes).toMatchObject({ "http.response.status_code": 101, "apigw.app": "web" });
    expect(connection.header("traceparent")).toContain(handshake?.traceId);
    expect(collector.spans.some(named("close key"))).toBe(false);

    client.send(fromClient("hello"));
    await connection.got(11);
    client.send(closing(4001, "bye", MASK));
    connection.socket.write(closing(4001, "bye", null));
    connection.socket.end();
    await client.end();
    client.socket.end();
    const [close] = await collector.until(1, named("close key"));
    const line = await gateway.line({ event: "session" });
    expect(close?.links).toEqual([{ traceId: handshake?.traceId, spanId: handshake?.spanId }]);
    expect(close?.traceId).not.toBe(handshake?.traceId);
    expect(close?.isError).toBe(false);
    expect(close?.attributes).toMatchObject({
      "apigw.ws.session_id": handshake?.attributes["apigw.ws.session_id"],
      "apigw.ws.closed_by": "client",
      "apigw.ws.close_code": 4001,
      "apigw.ws.close_text": "bye",
      "apigw.frames_in": 2,
    });
    const place = { trace_id: handshake?.traceId, span_id: handshake?.spanId };
    expect(line).toMatchObject({ "apigw.session_id": close?.attributes["apigw.ws.session_id"], ...place });
    expect(gateway.lines({ event: "upgrade" })).toMatchObject([place]);
  });

  it("that is refused is a span with its fault", async () => {
    const client = await rawClient(gateway.port);
    expect((await client.send(upgradeRequest("/key/rooms?apikey=wrong")).answer()).status).toBe(401);
    client.socket.end();
    const [own] = await collector.until(1, named("GET /key"));
    expect(own).toMatchObject({ isError: false });
    expect(own?.attributes).toMatchObject({
      "http.response.status_code": 401, "error.type": "oauth.v2.InvalidApiKey", "apigw.policy": "VK-Key",
    });
    const [step] = await collector.until(1, named("VK-Key"));
    expect(step).toMatchObject({ isError: true });
    expect(collector.spans.some(({ kind }) => kind === 3)).toBe(false);
  });
});

it("says that a target was not there", async () => {
  const answer = await ask("/nobody/x");
  expect(answer.status).toBe(503);
  const [asked] = await collector.until(1, ({ kind }) => kind === 3);
  expect(asked).toMatchObject({ isError: true });
  expect(asked?.attributes["error.type"]).toBe("messaging.adaptors.http.flow.ServiceUnavailable");
  const [own] = await collector.until(1, named("GET /nobody"));
  expect(own).toMatchObject({ isError: true });
});

describe("what is recorded", () => {
  it("is what a proxy's share and condition say; the others pass their place in the trace on all the same", async () => {
    await ask("/quiet/no");
    expect(await passedOn("/no")).toMatch(/-02$/);
    await ask("/quiet/yes", { "x-debug": "1" });
    expect(await passedOn("/yes")).toMatch(/-03$/);
    await ask("/quiet/also?debug=1");
    await collector.until(2, named("GET /quiet"));
    const paths = collector.spans.filter(named("GET /quiet")).map(({ attributes }) => attributes["url.path"]);
    expect(paths).toEqual(["/quiet/yes", "/quiet/also"]);
  });

  it("is also what the sender of a request records", async () => {
    await ask("/quiet/sampled", { traceparent: `00-${TRACE}-${SPAN}-01` });
    const [own] = await collector.until(1, named("GET /quiet"));
    expect(own).toMatchObject({ traceId: TRACE, parentSpanId: SPAN });
    await ask("/quiet/unsampled", { traceparent: `00-${TRACE}-${SPAN}-00` });
    expect(await passedOn("/unsampled")).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
  });
});

it("has a called proxy's span below that of its caller", async () => {
  await ask("/front/deep");
  const [own] = await collector.until(1, named("GET /front"));
  const [called] = await collector.until(1, named("proxy quiet"));
  const [asked] = await collector.until(1, ({ kind }) => kind === 3);
  expect(called).toMatchObject({ traceId: own?.traceId, parentSpanId: own?.spanId, kind: 1 });
  expect(asked).toMatchObject({ traceId: own?.traceId, parentSpanId: called?.spanId });
  expect(await passedOn("/quiet/deep".replace("/quiet", ""))).toBe(`00-${own?.traceId}-${asked?.spanId}-03`);
});

it("shows a strange request as text, and no method that clients make up as a name", async () => {
  const client = await rawClient(gateway.port);
  const { status } = await client.send(plainRequest("/open/a'%22%3Cscript%3E", {}, "PROPFIND")).answer();
  expect(status).toBe(200);
  client.socket.destroy();
  const [own] = await collector.until(1, named("HTTP /open"));
  expect(own?.attributes).toMatchObject({
    "http.request.method": "_OTHER", "http.request.method_original": "PROPFIND", "url.path": "/open/a'%22%3Cscript%3E",
  });
});

it("loses spans and nothing else when the collector is gone, and says so once", async () => {
  await collector[Symbol.asyncDispose]();
  for (let at = 0; at < 3; at++) expect((await ask(`/open/gone-${at}`)).status).toBe(200);
  await gateway.line({ event: "collector_failed" });
  expect(gateway.lines({ event: "collector_failed" })).toHaveLength(1);
  await gateway[Symbol.asyncDispose]();
  expect(gateway.metric("apigw_spans_dropped_total")).toBe(6);
});
