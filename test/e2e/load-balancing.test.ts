/** Load balancers on real sockets: turns, servers that fail, what may be repeated and what must not. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { fakeClock } from "../support/fake-clock.ts";
import { fakeTarget, type FakeTarget, type TargetScript } from "../support/fake-target.ts";
import { startGatewayFromBundle, type BundleFiles, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, rawSocket, upgradeRequest, type Answer } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";
import { until } from "../support/until.ts";

const IO_TIMEOUT_MS = 250;
/** Enough for one silent server, not for two. */
const API_TIMEOUT_MS = 350;
const adaptor = "messaging.adaptors.http.flow.";

/** Proxy name -> its load balancer. */
const balancers: Readonly<Record<string, string>> = {
  turns: "{ servers: [a, b] }",
  budget: "{ servers: [a, b] }",
  shares: "{ algorithm: Weighted, servers: [{ name: a, weight: 3 }, { name: b, weight: 1 }] }",
  least: "{ algorithm: LeastConnections, servers: [a, b] }",
  out: "{ servers: [nobody, a], maxFailures: 2 }",
  alone: "{ servers: [nobody], maxFailures: 1 }",
  stays: "{ servers: [nobody, a], maxFailures: 1, retryEnabled: false }",
  spare: "{ servers: [nobody, { name: b, isFallback: true }], maxFailures: 1 }",
  unhealthy: "{ servers: [a, b], maxFailures: 3, serverUnhealthyResponse: [503] }",
};

function files(a: number, b: number, nobody: number): BundleFiles {
  const proxies = Object.entries(balancers).map(([name, balancer]) => [`proxies/${name}/proxy.yaml`, `kind: ApiProxy
proxyEndpoints: [{ basePath: /${name}${name === "budget" ? `, properties: { api.timeout: ${API_TIMEOUT_MS} }` : ""} }]
targetEndpoints: [{ loadBalancer: ${balancer}, properties: { io.timeout.millis: ${IO_TIMEOUT_MS} } }]`]);
  return {
    "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }`,
    "environments/prod.yaml": `kind: Environment
targetServers:
  - { name: a, host: 127.0.0.1, port: ${a} }
  - { name: b, host: localhost, port: ${b} }
  - { name: nobody, host: 127.0.0.1, port: ${nobody} }`,
    ...Object.fromEntries(proxies),
  };
}

const says =
  (status: number, name: string): TargetScript =>
  ({ socket }) =>
    void socket.end(`HTTP/1.1 ${status} X\r\nContent-Length: ${name.length}\r\nConnection: close\r\n\r\n${name}`);
const silent: TargetScript = () => undefined;
const resets: TargetScript = ({ socket }) => void socket.resetAndDestroy();

let a: FakeTarget;
let b: FakeTarget;
let gateway: TestGateway;
const clock = fakeClock();

beforeAll(async () => {
  [a, b] = await Promise.all([fakeTarget(), fakeTarget()]);
});

beforeEach(async () => {
  for (const [target, name] of [[a, "a"], [b, "b"]] as const) {
    target.on("/x", says(200, name));
    target.on("/ws", (connection) => connection.accept(`X-Server: ${name}\r\n`));
  }
  gateway = await startGatewayFromBundle(files(a.port, b.port, await refusedPort()));
});

afterEach(async () => {
  await gateway.calm();
  await until(() => a.open + b.open === 0, () => `${a.open} and ${b.open} connections at the targets`);
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  expect(gateway.metric("apigw_target_server_open")).toBe(0);
  await gateway[Symbol.asyncDispose]();
});

afterAll(async () => {
  await Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()]);
});

async function ask(path: string, method = "GET", body: string | null = null): Promise<Answer> {
  using client = await rawClient(gateway.port);
  const lines = body === null ? {} : { "Content-Length": String(body.length) };
  return await client.send(plainRequest(path, lines, method) + (body ?? "")).answer();
}

async function names(path: string, count: number): Promise<string> {
  let text = "";
  for (let n = 0; n < count; n++) text += (await ask(path)).body;
  return text;
}

const requests = (target: FakeTarget, path: string): number => target.connections.filter((each) => each.path === path).length;

describe("turns", () => {
  it("are taken by requests and upgrades alike", async () => {
    expect(await names("/turns/x", 3)).toBe("aba");
    using client = await rawClient(gateway.port);
    const { status, headers } = await client.send(upgradeRequest("/turns/ws")).answer();
    expect([status, headers.get("x-server")]).toEqual([101, "b"]);
    expect(await names("/turns/x", 2)).toBe("ab");
    client.socket.destroy();
  });

  it("follow weights", async () => {
    expect(await names("/shares/x", 8)).toBe("aabaaaba");
  });

  it("follow live sessions", async () => {
    using first = await rawSocket(gateway.port, "/least/ws");
    using second = await rawSocket(gateway.port, "/least/ws");
    using third = await rawSocket(gateway.port, "/least/ws");
    expect(gateway.metric("apigw_target_server_open", 'server="a"')).toBe(2);
    expect(gateway.metric("apigw_target_server_open", 'server="b"')).toBe(1);
    expect(await names("/least/x", 3)).toBe("bbb");
    for (const client of [first, third]) client.socket.destroy();
    await until(() => gateway.metric("apigw_target_server_open", 'server="a"') === 0, () => "the sessions of a to end");
    expect(await names("/least/x", 3)).toBe("aaa");
    second.socket.destroy();
  });

  it("follow answers that are under way", async () => {
    let finish = (): void => undefined;
    a.on("/slow", ({ socket }) => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nha");
      finish = () => void socket.end("lf");
    });
    using client = await rawClient(gateway.port);
    client.send(plainRequest("/least/slow"));
    await client.through("ha");
    expect(await names("/least/x", 3)).toBe("bbb");
    finish();
    await client.through("lf");
  });
});

describe("a server where nobody listens", () => {
  it.each(["GET", "POST"])("is passed over: %s reaches another one, until it is out", async (method) => {
    const body = method === "POST" ? "hello" : null;
    for (let n = 0; n < 6; n++) expect(await ask("/out/x", method, body)).toMatchObject({ status: 200, body: "a" });
    expect(gateway.lines({ event: "target_failed", server: "nobody", detail: "ECONNREFUSED" }).length).toBe(2);
    expect(gateway.lines({ event: "target_server_out" })).toMatchObject([
      { level: "warn", environment: "prod", proxy: "out", target: "default", server: "nobody" },
    ]);
    const samples = ["up", "failures_total", "retries_total"].map((name) =>
      gateway.metric(`apigw_target_server_${name}`, 'proxy="out"', 'server="nobody"'));
    expect(samples).toEqual([0, 2, 2]);
    if (body !== null) expect((await (await a.request("/x", requests(a, "/x"))).got(5)).toString()).toBe("hello");
  });

  it("is passed over by upgrades", async () => {
    for (let n = 0; n < 3; n++) {
      using client = await rawClient(gateway.port);
      const { status, headers } = await client.send(upgradeRequest("/out/ws")).answer();
      expect([status, headers.get("x-server")]).toEqual([101, "a"]);
      client.socket.destroy();
    }
    expect(gateway.metric("apigw_target_server_up", 'proxy="out"', 'server="nobody"')).toBe(0);
  });

  it("alone: 503, and without a try once it is out", async () => {
    expect((await ask("/alone/x")).body).toContain(`${adaptor}ServiceUnavailable`);
    const answer = await ask("/alone/x");
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([503, { fault: { detail: { errorcode: `${adaptor}NoActiveTargets` } } }]);
    using client = await rawClient(gateway.port);
    expect((await client.send(upgradeRequest("/alone/ws")).answer()).body).toContain(`${adaptor}NoActiveTargets`);
    expect(gateway.lines({ event: "target_failed" }).length).toBe(1);
  });

  it("fails the request where retries are off", async () => {
    expect((await ask("/stays/x")).status).toBe(503);
    expect(await names("/stays/x", 2)).toBe("aa");
  });

  it("is stood in for by the fallback", async () => {
    expect(await names("/spare/x", 3)).toBe("bbb");
  });
});

describe("a server that fails", () => {
  it("before it answered: what is idempotent is repeated", async () => {
    a.on("/reset", resets);
    b.on("/reset", says(200, "b"));
    expect(await ask("/turns/reset")).toMatchObject({ status: 200, body: "b" });
  });

  it("before it answered: a POST is not", async () => {
    a.on("/post", resets);
    b.on("/post", says(200, "b"));
    expect((await ask("/turns/post", "POST", "pay")).body).toContain(`${adaptor}UnexpectedEOFAtTarget`);
    expect([requests(a, "/post"), requests(b, "/post")]).toEqual([1, 0]);
  });

  it("before it answered: nor is a body of which bytes are gone", async () => {
    a.on("/put", resets);
    b.on("/put", says(200, "b"));
    expect((await ask("/turns/put", "PUT", "all")).status).toBe(502);
    expect([requests(a, "/put"), requests(b, "/put")]).toEqual([1, 0]);
  });

  it("inside its answer: it is not repeated", async () => {
    a.on("/head", ({ socket }) => void socket.end("HTTP/1.1 200 OK\r\nContent-"));
    b.on("/head", says(200, "b"));
    expect((await ask("/turns/head")).status).toBe(502);
    expect(requests(b, "/head")).toBe(0);
    a.on("/head", says(200, "a"));
    b.on("/head", ({ socket }) => void socket.end("HTTP/1.1 101 Switching Protocols\r\nUpgr"));
    using client = await rawClient(gateway.port);
    expect((await client.send(upgradeRequest("/turns/head")).answer()).status).toBe(502);
    expect(requests(a, "/head")).toBe(1);
  });

  it("during a handshake: the next one accepts", async () => {
    a.on("/ws", resets);
    using client = await rawClient(gateway.port);
    const { status, headers } = await client.send(upgradeRequest("/turns/ws?x=1")).answer();
    expect([status, headers.get("x-server")]).toEqual([101, "b"]);
    const { head } = await b.request("/ws", requests(b, "/ws"));
    expect(head).toContain("GET /ws?x=1 HTTP/1.1\r\n");
    expect(head).toContain(`\r\nHost: localhost:${b.port}\r\n`);
    expect(head.match(/sec-websocket-key/gi)?.length).toBe(1);
    client.socket.destroy();
  });

  it("by silence: the next one answers, and a POST hears of the time-out", async () => {
    a.on("/silent", silent);
    b.on("/silent", says(200, "b"));
    expect(await ask("/turns/silent")).toMatchObject({ status: 200, body: "b" });
    expect((await ask("/turns/silent", "POST", "x")).body).toContain(`${adaptor}GatewayTimeout`);
  });

  it("by a status that is unhealthy: the next one answers, a POST gets that status, and it goes out", async () => {
    a.on("/sick", says(503, "sick"));
    b.on("/sick", says(200, "b"));
    expect(await ask("/unhealthy/sick")).toMatchObject({ status: 200, body: "b" });
    expect(await ask("/unhealthy/sick", "POST", "x")).toMatchObject({ status: 503, body: "sick" });
    expect(await ask("/unhealthy/sick")).toMatchObject({ status: 200, body: "b" });
    using client = await rawClient(gateway.port);
    a.on("/ws", says(503, "sick"));
    expect((await client.send(upgradeRequest("/unhealthy/ws")).answer()).status).toBe(101);
    expect(gateway.lines({ event: "target_server_out", server: "a" }).length).toBe(1);
    expect(await names("/unhealthy/sick", 3)).toBe("bbb");
    client.socket.destroy();
  });

  it("by a status that is unhealthy at an upgrade: the next one accepts", async () => {
    a.on("/ws", says(503, "sick"));
    using client = await rawClient(gateway.port);
    const { status, headers } = await client.send(upgradeRequest("/unhealthy/ws")).answer();
    expect([status, headers.get("x-server")]).toEqual([101, "b"]);
    client.socket.destroy();
  });

  it("by silence, one after the other: all tries together keep to api.timeout", async () => {
    for (const server of [a, b]) server.on("/silent", silent);
    expect((await ask("/budget/silent")).body).toContain("flow.APITimedOut");
    using client = await rawClient(gateway.port);
    expect((await client.send(upgradeRequest("/budget/silent")).answer()).body).toContain("flow.APITimedOut");
    const failed = (server: string): number =>
      gateway.metric("apigw_target_server_failures_total", 'proxy="budget"', `server="${server}"`);
    expect(failed("a")).toBe(2);
    expect(failed("b")).toBeGreaterThan(0);
  });

  it("by any other status: that is its answer, and no failure", async () => {
    a.on("/500", says(500, "oops"));
    for (let n = 0; n < 4; n++) await ask("/unhealthy/500");
    expect(gateway.metric("apigw_target_server_failures_total")).toBe(0);
  });
});

it("a client that stops inside its body: 408, and its connection ends", async () => {
  a.on("/upload", silent);
  using client = await rawClient(gateway.port);
  client.send(`${plainRequest("/turns/upload", { "Content-Length": "100" }, "POST")}half`);
  const answer = await client.answer();
  expect([answer.status, answer.headers.get("connection")]).toEqual([408, "close"]);
  expect(answer.body).toContain(`${adaptor}RequestTimeOut`);
  await client.end();
  expect(gateway.metric("apigw_target_server_failures_total")).toBe(0);
});

describe("five minutes later", () => {
  it("one request tries the server that is out, and brings it back", async () => {
    await gateway[Symbol.asyncDispose]();
    gateway = await startGatewayFromBundle(files(a.port, b.port, await refusedPort()), { clock });
    // `alone` would be tried by the first request after its time; here `unhealthy` has another server to go on with.
    a.on("/sick", says(503, "sick"));
    b.on("/sick", says(200, "b"));
    for (let n = 0; n < 6; n++) await ask("/unhealthy/sick");
    expect(gateway.metric("apigw_target_server_up", 'proxy="unhealthy"', 'server="a"')).toBe(0);
    const before = requests(a, "/sick");
    clock.advance(299_000);
    expect(await names("/unhealthy/sick", 3)).toBe("bbb");
    clock.advance(1_000);
    expect(await names("/unhealthy/sick", 4)).toBe("bbbb");
    expect(requests(a, "/sick")).toBe(before + 1);
    a.on("/sick", says(200, "a"));
    clock.advance(300_000);
    expect([...await names("/unhealthy/sick", 4)].toSorted().join("")).toBe("aabb");
    expect(gateway.lines({ event: "target_server_back", server: "a" })).toMatchObject([{ level: "info", target: "default" }]);
  });
});
