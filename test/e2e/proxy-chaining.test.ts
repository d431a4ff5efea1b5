/** Proxies that call each other inside one gateway, for plain requests and for handshakes (apigee-core section 2.3). */
import { Buffer } from "node:buffer";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { fromClient, fromTarget } from "../support/frames.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, upgradeRequest, type Answer, type UpgradeLines } from "../support/raw-client.ts";

const KEY = "the-key";
const target = `targetEndpoints: [{ url: { env: TARGET_URL } }]`;

const files = {
  "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }
environmentGroups: [{ name: a, hostnames: ["*"], environments: [default] }, { name: b, hostnames: [other.test], environments: [other] }]
deployments: { default: [shop, orders, circle, timed, looking, looked, denied, socket, lost], other: [elsewhere] }`,
  "environments/default.yaml": "kind: Environment",
  "environments/other.yaml": "kind: Environment",
  "access/all.yaml": `kind: ApiProduct
name: all
---
kind: Developer
email: ann@example.com
---
kind: App
name: web
developer: ann@example.com
credentials: [{ key: { env: API_KEY }, products: [all] }]
`,
  "proxies/shop/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /shop
    preFlow: { request: [AM-Shop], response: [AM-ShopAnswer] }
    postClientFlow: { response: [ML-Shop] }
    routeRules:
      - { name: flags, condition: 'request.header.x-flags != null', targetEndpoint: flags }
      - { name: made, condition: 'request.queryparam.kind != null', targetEndpoint: made }
      - { name: path, condition: 'request.header.x-by = "path"', targetEndpoint: path }
      - { name: default, targetEndpoint: orders }
    defaultFaultRule: { steps: [AM-ShopFault] }
targetEndpoints:
  - name: orders
    localTargetConnection: { apiProxy: orders }
    faultRules: [{ name: gone, condition: 'response.status.code = 410', steps: [AM-Gone] }]
    properties: { success.codes: "1xx,2xx,3xx,404" }
  - { name: path, localTargetConnection: { path: /orders/v2 } }
  - { name: made, localTargetConnection: { path: "/{request.queryparam.kind}/v3" } }
  - { name: flags, localTargetConnection: { apiProxy: orders }, preFlow: { request: [AM-Flags] } }`,
  "proxies/shop/policies/AM-Shop.yaml": `kind: AssignMessage
actions: [{ assignVariable: { name: mine, value: shop } }, { set: { headers: { x-shop: "{proxy.pathsuffix}" } } }]`,
  "proxies/shop/policies/AM-Flags.yaml": `kind: AssignMessage
actions: [{ assignVariable: { name: target.copy.pathsuffix, value: "false" } }, { assignVariable: { name: target.copy.queryparams, value: "false" } }]`,
  "proxies/shop/policies/AM-ShopAnswer.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-shop: "{mine} {target.name} {response.header.x-orders:none}" } } }]`,
  "proxies/shop/policies/AM-ShopFault.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-shop-fault: yes } } }]`,
  "proxies/shop/policies/AM-Gone.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-gone: "{fault.name}" } } }]`,
  "proxies/shop/policies/ML-Shop.yaml": `kind: MessageLogging
file: { message: "shop {response.status.code}" }`,
  "proxies/orders/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /orders
    preFlow:
      request:
        - { name: VK-Key, condition: 'request.queryparam.apikey != null' }
        - { name: RF-Gone, condition: 'request.header.x-do = "gone"' }
        - AM-Orders
      response: [AM-OrdersAnswer, { name: RF-Gone, condition: 'request.header.x-do = "late"' }]
    postClientFlow: { response: [ML-Orders] }
    routeRules: [{ name: none, condition: 'request.header.x-do = "null"' }, { name: default, targetEndpoint: default }]
    faultRules: [{ name: any, steps: [AM-OrdersFault] }]
${target}`,
  "proxies/orders/policies/VK-Key.yaml": "kind: VerifyAPIKey\napiKey: { ref: request.queryparam.apikey }",
  "proxies/orders/policies/RF-Gone.yaml": "kind: RaiseFault\nactions: [{ set: { statusCode: 410, payload: gone } }]",
  "proxies/orders/policies/AM-Orders.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-orders: "{mine:nothing} {proxy.pathsuffix} {proxy.basepath} {request.header.x-shop:}" } } }]`,
  "proxies/orders/policies/AM-OrdersAnswer.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-orders: "{response.status.code}" } } }]`,
  "proxies/orders/policies/AM-OrdersFault.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-orders-fault: "{fault.name}" } } }]`,
  "proxies/orders/policies/ML-Orders.yaml": `kind: MessageLogging
file: { message: "orders {response.status.code}" }`,
  "proxies/circle/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /circle }]
targetEndpoints: [{ localTargetConnection: { path: /circle } }]`,
  "proxies/lost/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /lost }]
targetEndpoints: [{ localTargetConnection: { path: /elsewhere } }]`,
  "proxies/elsewhere/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /elsewhere }]`,
  "proxies/looking/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /looking, preFlow: { request: [AM-See], response: [AM-Answer] } }]
targetEndpoints: [{ localTargetConnection: { apiProxy: looked } }]`,
  "proxies/looking/policies/AM-See.yaml": `kind: AssignMessage
actions: [{ assignVariable: { name: seen, ref: request.content } }]`,
  "proxies/looking/policies/AM-Answer.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-outer: "{seen}" } } }]`,
  "proxies/looked/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /looked, preFlow: { request: [AM-See, AM-Write], response: [AM-Answer] } }]
${target}`,
  "proxies/looked/policies/AM-See.yaml": `kind: AssignMessage
actions: [{ assignVariable: { name: seen, ref: request.content } }]`,
  "proxies/looked/policies/AM-Write.yaml": `kind: AssignMessage
actions: [{ set: { payload: "inner saw {seen}" } }]`,
  "proxies/looked/policies/AM-Answer.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-inner: "{seen}" } } }]`,
  "proxies/timed/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /timed, properties: { api.timeout: 150 }, defaultFaultRule: { steps: [] } }]
targetEndpoints: [{ localTargetConnection: { apiProxy: orders } }]`,
  "proxies/denied/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ name: deny, basePath: /denied, webSocket: deny }, { name: only, basePath: /only, webSocket: { mode: only, allowedOrigins: ["https://good.example"] } }]
${target}`,
  "proxies/socket/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /socket
    webSocket: { allowedOrigins: ["*"] }
    routeRules: [{ name: only, condition: 'request.header.x-to = "only"', targetEndpoint: only }, { name: deny, targetEndpoint: deny }]
targetEndpoints:
  - { name: deny, localTargetConnection: { apiProxy: denied, proxyEndpoint: deny } }
  - { name: only, localTargetConnection: { apiProxy: denied, proxyEndpoint: only } }`,
};

let back: FakeTarget;
let gateway: TestGateway;

beforeAll(async () => {
  back = await fakeTarget({
    "/silent": () => undefined,
    "/head": ({ socket }) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"),
    "/missing": ({ socket }) => socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\nConnection: close\r\n\r\nmissing"),
    "/broken": ({ socket }) => socket.end("HTTP/1.1 500 Broken\r\nContent-Length: 6\r\nConnection: close\r\n\r\nbroken"),
    "/echo": (connection) =>
      void connection.got(15).then((body) =>
        connection.socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${String(body)}`)),
    "/upload": (connection) =>
      void connection.got(100_000).then((body) =>
        connection.socket.end(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n6\r\n${body.length}\r\n0\r\n\r\n`)),
    "*": (connection) => {
      if (connection.header("upgrade") !== null) return connection.accept();
      connection.socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    },
  });
  gateway = await startGatewayFromBundle(files, { env: { TARGET_URL: back.url, API_KEY: KEY } });
});

afterEach(async () => gateway.calm());

afterAll(async () => {
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await back[Symbol.asyncDispose]();
});

type Form = "plain" | "upgrade";

async function ask(form: Form, path: string, lines: UpgradeLines = {}): Promise<Answer> {
  using client = await rawClient(gateway.port);
  return await client.send(form === "plain" ? plainRequest(path, lines) : upgradeRequest(path, lines)).answer();
}

const success = { plain: 200, upgrade: 101 };

describe.each(["plain", "upgrade"] as const)("%s: a called proxy", (form) => {
  it("runs its flows with variables of its own, and its answer goes through its caller's", async () => {
    const { status, headers } = await ask(form, `/shop/flows-${form}?q=1`);
    expect(status).toBe(success[form]);
    const sent = await back.request(`/flows-${form}`);
    expect(sent.head).toMatch(new RegExp(`^GET /flows-${form}\\?q=1 `));
    expect(sent.header("x-orders")).toBe(`nothing /flows-${form} /orders /flows-${form}`);
    expect(headers.get("x-orders")).toBe(String(success[form]));
    expect(headers.get("x-shop")).toBe(`shop orders ${success[form]}`);
  });

  it("is found by a path, which is in front of the suffix", async () => {
    const { status, headers } = await ask(form, `/shop/path-${form}`, { "X-By": "path" });
    expect([status, headers.get("x-shop")]).toEqual([success[form], `shop path ${success[form]}`]);
    expect((await back.request(`/v2/path-${form}`)).header("x-orders")).toBe(`nothing /v2/path-${form} /orders /path-${form}`);
  });

  it("is given neither suffix nor query where the flags say so", async () => {
    const before = back.connections.length;
    await ask(form, "/shop/left?out=1", { "X-Flags": "off" });
    expect(back.connections[before]?.head).toMatch(/^GET \/ HTTP/);
  });

  it("answers its own fault with its own rules, which is an error of the caller's target", async () => {
    const { status, headers, body } = await ask(form, "/shop/a", { "X-Do": "gone" });
    expect([status, body]).toEqual([410, "gone"]);
    expect(headers.get("x-orders-fault")).toBe("RaiseFault");
    expect(headers.get("x-gone")).toBe("ErrorResponseCode");
    expect(headers.get("x-shop-fault")).toBeUndefined();
  });

  it("may refuse behind its target's answer", async () => {
    const { status, body, headers } = await ask(form, `/shop/late-${form}`, { "X-Do": "late" });
    expect([status, body, headers.get("x-gone")]).toEqual([410, "gone", "ErrorResponseCode"]);
    // A target that had accepted is told.
    const sent = await back.request(`/late-${form}`);
    if (form === "upgrade") expect((await sent.got(1)).length).toBeGreaterThan(0);
  });

  it("may have a null route", async () => {
    const { status, headers, body } = await ask(form, "/shop/a", { "X-Do": "null" });
    expect([status, body, headers.get("x-shop")]).toEqual([200, "", "shop orders 200"]);
  });

  it("hands on its target's error as it is, or what the caller takes for a success", async () => {
    expect(await ask(form, "/shop/broken")).toMatchObject({ status: 500, body: "broken" });
    const { status, body, headers } = await ask(form, "/shop/missing");
    expect([status, body, headers.get("x-shop")]).toEqual([404, "missing", "shop orders none"]);
  });

  it("checks credentials of its own", async () => {
    expect((await ask(form, `/shop/a?apikey=${KEY}`)).status).toBe(success[form]);
    expect((await ask(form, "/shop/a?apikey=wrong")).status).toBe(401);
  });

  it("is told of at its end, before its caller", async () => {
    const before = gateway.lines({ event: "message_log" }).length;
    await ask(form, "/shop/a");
    await gateway.calm();
    const lines = gateway.lines({ event: "message_log" }).slice(before);
    expect(lines.map(({ message }) => message)).toEqual([`orders ${success[form]}`, `shop ${success[form]}`]);
  });

  it("is told of when the client leaves", async () => {
    const before = gateway.lines({ event: "message_log" }).length;
    using client = await rawClient(gateway.port);
    client.send(form === "plain" ? plainRequest("/shop/silent") : upgradeRequest("/shop/silent"));
    await back.request("/silent", form === "plain" ? 1 : 2);
    client.socket.destroy();
    await gateway.calm();
    const lines = gateway.lines({ event: "message_log" }).slice(before);
    expect(lines.map(({ message }) => message)).toEqual(["orders 499", "shop 499"]);
  });

  it("does not outlive the time of its caller", async () => {
    const { status, body } = await ask(form, "/timed/silent");
    expect([status, body]).toEqual([504, expect.stringContaining("flow.APITimedOut")]);
  });

  it("that calls itself by path is stopped", async () => {
    const { status, body } = await ask(form, "/circle");
    expect([status, body]).toEqual([508, expect.stringContaining("gateway.TooManyProxyCalls")]);
  });

  it("is looked for in the caller's environment alone", async () => {
    const { status, body } = await ask(form, "/lost", { Host: "other.test" });
    expect([status, body]).toEqual([404, expect.stringContaining("ApplicationNotFound")]);
    expect(await ask(form, "/lost")).toMatchObject({ status: 500, body: expect.stringContaining("messaging.runtime.TargetMissing") });
  });
});

it("a body streams to the innermost target and back", async () => {
  using client = await rawClient(gateway.port);
  client.send(plainRequest("/shop/upload", { "Content-Length": "100000" }, "POST")).send(Buffer.alloc(100_000, 7));
  expect(await client.answer("POST")).toMatchObject({ status: 200, body: "100000" });
});

it("a body that both look into is read once, and the innermost may write another", async () => {
  using client = await rawClient(gateway.port);
  client.send(plainRequest("/looking/echo", { "Content-Length": "5" }, "POST")).send("hello");
  const { status, headers, body } = await client.answer("POST");
  expect([status, headers.get("x-outer"), headers.get("x-inner"), body]).toEqual([200, "hello", "hello", "inner saw hello"]);
});

it("HEAD has no body through a call either", async () => {
  using client = await rawClient(gateway.port);
  expect((await client.send(plainRequest("/shop/head", {}, "HEAD")).answer("HEAD")).status).toBe(200);
});

it("one line and one session tell of the caller", async () => {
  using client = await rawClient(gateway.port);
  const { status } = await client.send(upgradeRequest(`/shop/room?apikey=${KEY}`)).answer();
  expect(status).toBe(101);
  const sent = await back.request("/room");
  client.send(fromClient("hello"));
  expect(await sent.got(11)).toEqual(fromClient("hello"));
  sent.socket.write(fromTarget("hi"));
  expect(await client.bytes(4)).toEqual(fromTarget("hi"));
  expect(await gateway.line({ event: "upgrade", "url.path": "/shop/room" })).toMatchObject({ "apigw.proxy": "shop", "apigw.target": "orders" });
  client.socket.destroy();
  expect(await gateway.line({ event: "session", "apigw.proxy": "shop" })).toMatchObject({ "apigw.target": "orders" });
});

it("an upgrade is for the called proxy to admit as well", async () => {
  expect(await ask("upgrade", "/socket")).toMatchObject({ status: 403, body: expect.stringContaining("UpgradeDenied") });
  expect(await ask("plain", "/socket")).toMatchObject({ status: 200, body: "ok" });
  expect((await ask("upgrade", "/socket", { "X-To": "only", Origin: "https://good.example" })).status).toBe(101);
  expect(await ask("upgrade", "/socket", { "X-To": "only", Origin: "https://bad.example" })).toMatchObject({
    status: 403,
    body: expect.stringContaining("OriginDenied"),
  });
  expect((await ask("plain", "/socket", { "X-To": "only" })).status).toBe(426);
});

describe("a path that a template makes", () => {
  it("calls whoever serves it, in the caller's environment", async () => {
    using client = await rawClient(gateway.port);
    const { status, headers } = await client.send(plainRequest("/shop/x?kind=orders")).answer();
    expect([status, headers.get("x-shop")]).toEqual([200, "shop made 200"]);
  });

  it.each([
    ["nobody serves it", "nowhere", 500],
    ["it is another environment's", "elsewhere", 500],
    ["it goes up", "orders/..", 503],
    ["it is no path", "a?b", 503],
  ])("is a fault where %s", async (_why, kind, status) => {
    using client = await rawClient(gateway.port);
    expect((await client.send(plainRequest(`/shop/x?kind=${encodeURIComponent(kind)}`)).answer()).status).toBe(status);
  });
});
