/** Text of clients that would be something else where it is put: line ends in headers, names that every object has. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle, type BundleFiles, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, upgradeRequest } from "../support/raw-client.ts";

/** Where a policy puts a query parameter: the flow, and the action. */
const places = {
  "request-header": ["request", "set: { headers: { x-put: \"{request.queryparam.v}\" } }"],
  "response-header": ["response", "set: { headers: { x-put: \"{request.queryparam.v}\" } }"],
  "added-header": ["response", "add: { headers: { x-put: \"{request.queryparam.v}\" } }"],
  "header-variable": ["response", "assignVariable: { name: response.header.x-put, ref: request.queryparam.v }"],
  "content-type": ["response", "set: { payload: { contentType: \"{request.queryparam.v}\", value: x } }"],
  "reason": ["response", "set: { reasonPhrase: \"{request.queryparam.v}\" }"],
  "status": ["response", "set: { statusCode: \"{request.queryparam.v}\" }"],
  "verb": ["request", "set: { verb: \"{request.queryparam.v}\" }"],
  "path": ["request", "assignVariable: { name: target.url, value: \"{request.queryparam.v}\" }"],
  "query": ["request", "set: { queryParams: { q: \"{request.queryparam.v}\" } }"],
} as const;

const proxy = (name: string, flow: string, action: string): BundleFiles => ({
  [`proxies/${name}/proxy.yaml`]: `kind: ApiProxy
proxyEndpoints: [{ basePath: /${name}, webSocket: deny }]
targetEndpoints: [{ url: { env: TARGET_URL }, preFlow: { ${flow}: [AM] } }]`,
  [`proxies/${name}/policies/AM.yaml`]: `kind: AssignMessage\nignoreUnresolvedVariables: true\nactions: [{ ${action} }]`,
});
const looks = `request.header.constructor = "a" or request.header.__proto__ = "a" or request.queryparam.constructor = "a" or request.formparam.__proto__ = "a"`;

let target: FakeTarget;
let gateway: TestGateway;

beforeAll(async () => {
  target = await fakeTarget({
    "*": (connection) => {
      if (connection.header("upgrade") !== null) return connection.accept();
      connection.socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    },
  });
  gateway = await startGatewayFromBundle({
    "gateway.yaml": "kind: Gateway\nlisteners: [{ host: 127.0.0.1, port: 0 }]\nstore: { kind: memory }\ndrain: { preDrainDelay: 0s, window: 0s, spread: 0s }",
    ...Object.assign({}, ...Object.entries(places).map(([name, [flow, action]]) => proxy(name, flow, action))),
    "proxies/names/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /names, preFlow: { request: [{ name: AM, condition: '${looks}' }] } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
    "proxies/names/policies/AM.yaml": "kind: AssignMessage\nactions: [{ set: { headers: { x-seen: \"yes\" } } }]",
  }, { env: { TARGET_URL: target.url } });
});

afterAll(async () => {
  await gateway.calm();
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

const line = "\r\nX-Injected: yes";
const texts = [
  `a${line}`, `a\nX-Injected: yes`, `a\rX-Injected: yes`, `a\0b`, `a\r\n\r\nHTTP/1.1 200 OK\r\nX-Injected: yes\r\n\r\n`, `GET / HTTP/1.1${line}`,
  `200${line}`, `text/plain${line}`, `\u010d\u010aX-Injected: yes`, `http://127.0.0.1:1/${line}`, "101", "99", "1000", "", " ", "\u2028",
];

it.each(Object.keys(places))("%s: what a client writes stays in its place, or is a fault", async (place) => {
  for (const text of texts) {
    const before = target.connections.length;
    using client = await rawClient(gateway.port);
    const { status, head, headers } = await client.send(plainRequest(`/${place}/x?v=${encodeURIComponent(text)}`)).answer();
    expect([text, [200, 500, 503].includes(status)]).toEqual([text, true]);
    expect(headers.has("x-injected")).toBe(false);
    expect(head).not.toMatch(/[^\r]\n|\r[^\n]|\0/);
    const sent = target.connections.slice(before).map((connection) => connection.head);
    expect(sent.length).toBeLessThanOrEqual(1);
    for (const one of sent) expect(one).not.toMatch(/^X-Injected|[^\r]\n|\r[^\n]|\0/im);
    // The connection stands where both sides think it does.
    expect((await client.send(plainRequest("/names/x")).answer()).status).toBe(200);
  }
});

describe("names that every object has", () => {
  const names = ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf"];

  it.each(names)("%s as header, parameter, cookie, form field and path", async (name) => {
    using client = await rawClient(gateway.port);
    const body = `${name}=a&x=b`;
    const lines = { [name]: "a", Cookie: `${name}=a`, "Content-Type": "application/x-www-form-urlencoded", "Content-Length": String(body.length) };
    const { status } = await client.send(`${plainRequest(`/names/${name}?${name}=a`, lines, "POST")}${body}`).answer();
    expect(status).toBe(200);
    const { head } = await target.request(`/${name}`);
    expect(head).toContain(`${name}: a\r\n`);
    expect(head.includes("x-seen: yes")).toBe(name === "constructor" || name === "__proto__");
  });

  it.each(names)("%s as subprotocol and extension", async (name) => {
    using client = await rawClient(gateway.port);
    const lines = { "Sec-WebSocket-Protocol": name, "Sec-WebSocket-Extensions": `${name}; ${name}=1` };
    expect((await client.send(upgradeRequest(`/names/ws-${name}`, lines)).answer()).status).toBe(101);
    expect((await target.request(`/ws-${name}`)).header("sec-websocket-extensions")).toBe(`${name}; ${name}=1`);
  });

  it.each(names)("%s as host finds no proxy of a name, and the one of all hosts", async (name) => {
    using client = await rawClient(gateway.port);
    expect((await client.send(plainRequest("/names/x", { Host: name })).answer()).status).toBe(200);
    expect((await client.send(plainRequest(`/${name}`, { Host: name })).answer()).status).toBe(404);
  });
});
