/** What flows hear of targets: servers, addresses, certificates, times; and a 405 without Allow. */
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { testAuthority } from "../support/certificates.ts";
import { fakeTarget, type FakeTarget, type TargetScript } from "../support/fake-target.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, upgradeRequest, type Answer } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";

const names = [
  "loadbalancing.targetserver", "loadbalancing.isfallback", "loadbalancing.failedservers", "target.ip", "target.host", "target.port",
  "target.scheme", "target.ssl.enabled", "target.cn", "target.organization", "target.expectedcn", "target.sent.start.timestamp",
  "target.sent.end.timestamp", "target.received.start.timestamp", "target.received.start.time", "target.received.end.timestamp",
  "target.received.status.code", "request.url",
];

const authority = testAuthority();
let plain: FakeTarget;
let secure: FakeTarget;
let gateway: TestGateway;
let nobody: number;

const says =
  (status: string, lines = ""): TargetScript =>
  ({ socket }) =>
    void socket.end(`HTTP/1.1 ${status}\r\n${lines}Content-Length: 0\r\nConnection: close\r\n\r\n`);

beforeAll(async () => {
  const { cert, key } = authority.issue("target", { commonName: "chat.test", names: ["chat.test"] });
  const scripts: Readonly<Record<string, TargetScript>> = {
    "/x": says("200 OK"),
    "/405": says("405 No"),
    "/allow": says("405 No", "Allow: GET\r\n"),
    "/ws": (connection) => connection.accept(),
  };
  [plain, secure, nobody] = await Promise.all([fakeTarget(scripts), fakeTarget(scripts, { cert, key }), refusedPort()]);
  const headers = names.map((name) => `${name.replaceAll(".", "-")}: "{${name}}"`).join(", ");
  gateway = await startGatewayFromBundle({
    "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }`,
    "environments/prod.yaml": `kind: Environment
targetServers:
  - { name: nobody, host: 127.0.0.1, port: ${nobody} }
  - { name: plain, host: 127.0.0.1, port: ${plain.port} }
  - name: secure
    host: 127.0.0.1
    port: ${secure.port}
    sslInfo: { enabled: true, enforce: true, trustStore: "ref://corp", commonName: chat.test, protocols: [TLSv1.3] }
references: { corp: { caFile: "${authority.caFile}" } }`,
    "proxies/p/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /p
    postFlow: { response: [AM-Tell] }
    routeRules:
      - { name: mixed, condition: 'request.header.x-target = "mixed"', targetEndpoint: mixed }
      - { name: url, targetEndpoint: url }
targetEndpoints:
  - { name: mixed, loadBalancer: { servers: [nobody, secure, plain], maxFailures: 1 } }
  - { name: url, url: "http://127.0.0.1:${plain.port}", properties: { ignore.allow.header.for.405: false, supports.http11: true } }`,
    "proxies/p/policies/AM-Tell.yaml": `kind: AssignMessage
ignoreUnresolvedVariables: true
actions: [{ set: { headers: { ${headers} } } }]`,
  });
});

afterEach(() => gateway.calm());

afterAll(async () => {
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await Promise.all([plain[Symbol.asyncDispose](), secure[Symbol.asyncDispose]()]);
  authority.remove();
});

async function ask(text: string): Promise<Answer> {
  using client = await rawClient(gateway.port);
  const answer = await client.send(text).answer();
  client.socket.destroy();
  return answer;
}

/** The variables that a flow saw, empty ones left out. */
function seen({ headers }: Answer): Readonly<Record<string, string>> {
  const pairs = names.map((name): [string, string] => [name, headers.get(name.replaceAll(".", "-")) ?? ""]);
  return Object.fromEntries(pairs.filter(([, value]) => value !== ""));
}

it("each server of a load balancer has its own TLS, and flows hear which one it was", async () => {
  const first = seen(await ask(plainRequest("/p/x", { "X-Target": "mixed" })));
  expect(first).toMatchObject({
    "loadbalancing.targetserver": "secure", "loadbalancing.isfallback": "false", "loadbalancing.failedservers": "[nobody]",
    "target.ip": "127.0.0.1", "target.port": String(secure.port), "target.scheme": "https", "target.ssl.enabled": "true",
    "request.url": "https://127.0.0.1/x", "target.cn": "chat.test", "target.expectedcn": "chat.test", "target.received.status.code": "200",
  });
  const second = seen(await ask(plainRequest("/p/x", { "X-Target": "mixed" })));
  expect(second).toMatchObject({ "loadbalancing.targetserver": "plain", "target.scheme": "http", "target.ssl.enabled": "false" });
  expect([second["loadbalancing.failedservers"], second["target.cn"]]).toEqual([undefined, undefined]);
});

it("upgrades over TLS hear the same", async () => {
  const answer = await ask(upgradeRequest("/p/ws", { "X-Target": "mixed" }));
  expect(answer.status).toBe(101);
  const [server, cn] = [seen(answer)["loadbalancing.targetserver"], seen(answer)["target.cn"]];
  expect([server, cn]).toEqual(server === "secure" ? ["secure", "chat.test"] : ["plain", undefined]);
  expect(Number(seen(answer)["target.received.end.timestamp"])).toBeGreaterThan(0);
});

it("times are in their order, and the end of an answer that still comes is not there", async () => {
  const before = Date.now();
  const found = seen(await ask(plainRequest("/p/x")));
  const [sentStart, sentEnd, receivedStart] = ["sent.start", "sent.end", "received.start"].map((name) => Number(found[`target.${name}.timestamp`]));
  const moments = [before, sentStart, sentEnd, receivedStart, Date.now()];
  expect(moments).toEqual(moments.toSorted((x, y) => Number(x) - Number(y)));
  expect(Date.parse(found["target.received.start.time"] ?? "")).toBeGreaterThan(before - 2_000);
  expect(found["target.received.end.timestamp"]).toBeUndefined();
  expect(Object.keys(found).filter((name) => name.startsWith("loadbalancing."))).toEqual([]);
});

it("a 405 without Allow is a fault where that is asked for", async () => {
  const fault = "protocol.http.Response405WithoutAllowHeader";
  for (const text of [plainRequest("/p/405"), upgradeRequest("/p/405")]) {
    const answer = await ask(text);
    expect([answer.status, JSON.parse(answer.body)]).toMatchObject([502, { fault: { detail: { errorcode: fault } } }]);
  }
  expect((await ask(plainRequest("/p/allow"))).status).toBe(405);
  expect((await ask(plainRequest("/p/405", { "X-Target": "mixed" }))).status).toBe(405);
});
