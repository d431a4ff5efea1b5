/** Variables that tell when something happened, and where an error did (apigee-core sections 6.1 to 6.3). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, upgradeRequest } from "../support/raw-client.ts";
import { API_KEY, API_SECRET } from "./bundle.ts";

const log = (message: string): string => `kind: MessageLogging\nfile: { message: "${message}" }`;
const SENT = "{client.sent.start.timestamp} {client.sent.end.timestamp} {client.sent.start.time}|{client.sent.end.time}";
const TAKEN = (name: string): string => `{apigee.metrics.policy.${name}.timeTaken:none}`;

let target: FakeTarget;
let gateway: TestGateway;

beforeAll(async () => {
  target = await fakeTarget({
    "/bad": ({ socket }) => void socket.end("HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
    "*": (connection) => {
      if (connection.header("upgrade") !== null) return connection.accept();
      connection.socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    },
  });
  gateway = await startGatewayFromBundle({
    "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }`,
    "access/all.yaml": `kind: ApiProduct
name: all
---
kind: Developer
email: ann@example.com
userName: ann
---
kind: App
name: web
developer: ann@example.com
credentials: [{ key: { env: API_KEY }, secret: { env: API_SECRET }, products: [all] }]`,
    "proxies/sent/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /sent, preFlow: { request: [ML-Early], response: [ML-Early] }, postClientFlow: { response: [ML-Late] } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
    "proxies/sent/policies/ML-Early.yaml": log(`early ${SENT}`),
    "proxies/sent/policies/ML-Late.yaml": log(`late ${SENT}`),
    "proxies/state/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /state
    preFlow: { request: [{ name: RF-No, condition: 'proxy.pathsuffix = "/1"' }], response: [ML-None, { name: RF-No, condition: 'proxy.pathsuffix = "/4"' }] }
    defaultFaultRule: { name: all, alwaysEnforce: true, steps: [AM-State] }
    routeRules: [{ name: nothing, condition: 'proxy.pathsuffix = "/null"' }, { name: default, targetEndpoint: default }]
targetEndpoints:
  - url: { env: TARGET_URL }
    preFlow: { request: [{ name: RF-No, condition: 'proxy.pathsuffix = "/2"' }], response: [{ name: RF-No, condition: 'proxy.pathsuffix = "/3"' }] }
    defaultFaultRule: { name: all, steps: [AM-State] }`,
    "proxies/state/policies/RF-No.yaml": "kind: RaiseFault",
    "proxies/state/policies/ML-None.yaml": log("state {error.state:none}"),
    "proxies/state/policies/AM-State.yaml": `kind: AssignMessage\nactions: [{ set: { headers: { x-state: "{error.state}" } } }]`,
    "proxies/taken/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /taken
    preFlow: { request: [ML-Before, AM-Sync, VK-Key, { name: AM-Never, condition: 'request.verb = "PATCH"' }], response: [ML-After] }
    routeRules: [{ name: none }]
    faultRules: [{ name: all, steps: [ML-After] }]`,
    "proxies/taken/policies/AM-Sync.yaml": "kind: AssignMessage\nactions: [{ set: { headers: { x-a: b } } }]",
    "proxies/taken/policies/AM-Never.yaml": "kind: AssignMessage\nactions: [{ set: { headers: { x-b: b } } }]",
    "proxies/taken/policies/VK-Key.yaml": "kind: VerifyAPIKey\napiKey: { ref: request.queryparam.apikey }",
    "proxies/taken/policies/ML-Before.yaml": log(`before ${TAKEN("AM-Sync")} ${TAKEN("VK-Key")}`),
    "proxies/taken/policies/ML-After.yaml": log(`after ${TAKEN("AM-Sync")} ${TAKEN("VK-Key")} ${TAKEN("AM-Never")}`),
  }, { env: { TARGET_URL: target.url, API_KEY, API_SECRET } });
});

afterAll(async () => {
  await gateway.calm();
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

/** Messages that the bundle wrote for one request. */
async function told(request: string): Promise<string[]> {
  const before = gateway.lines({ event: "message_log" }).length;
  using client = await rawClient(gateway.port);
  await client.send(request).answer();
  client.socket.destroy();
  await gateway.calm();
  return gateway.lines({ event: "message_log" }).slice(before).map(({ message }) => String(message));
}

const UNKNOWN = "-1 -1 |";

describe("client.sent", () => {
  it.each([["plain", plainRequest], ["upgrade", upgradeRequest]] as const)("is known behind the answer: %s", async (_form, request) => {
    const startMs = Date.now();
    const [early, response, late = ""] = await told(request("/sent/a"));
    expect([early, response]).toEqual([`early ${UNKNOWN}`, `early ${UNKNOWN}`]);
    const [, start = "", end = ""] = /^late (\d+) (\d+) .+ GMT\|.+ GMT$/.exec(late) ?? [];
    expect(Number(start)).toBeGreaterThanOrEqual(startMs);
    expect(Number(end)).toBeGreaterThanOrEqual(Number(start));
    expect(Number(end)).toBeLessThanOrEqual(Date.now());
    expect(late).toContain(new Date(Number(start)).toUTCString());
  });
});

describe("error.state", () => {
  it.each([["/1", "1"], ["/2", "2"], ["/3", "3"], ["/bad", "3"], ["/4", "4"]])("of %s is %s", async (path, state) => {
    using client = await rawClient(gateway.port);
    expect((await client.send(plainRequest(`/state${path}`)).answer()).headers.get("x-state")).toBe(state);
  });

  it("is null where nothing failed", async () => {
    expect(await told(plainRequest("/state/ok"))).toEqual(["state none"]);
    expect(await told(plainRequest("/state/null"))).toEqual(["state none"]);
  });
});

describe("apigee.metrics.policy", () => {
  it("tells how long each policy took, once it has run", async () => {
    const [before, after = ""] = await told(plainRequest(`/taken/x?apikey=${API_KEY}`));
    expect(before).toBe("before none none");
    const [, sync = "", waiting = ""] = /^after (\d+) (\d+) none$/.exec(after) ?? [];
    expect(Number(sync)).toBeGreaterThan(0);
    expect(Number(waiting)).toBeGreaterThan(0);
  });

  it("and nothing of one that failed", async () => {
    const [, after] = await told(plainRequest("/taken/x?apikey=wrong"));
    expect(after).toMatch(/^after \d+ none none$/);
  });
});
