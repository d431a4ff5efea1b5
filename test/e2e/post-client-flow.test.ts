/** PostClientFlow and MessageLogging on real sockets: once for each exchange, when its answer has left (apigee-core section 3.3). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle, type LogLine, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, upgradeRequest } from "../support/raw-client.ts";

const policy = (level: string, message: string): string => `kind: MessageLogging\nlogLevel: ${level}\nfile: { message: "${message}" }`;

const files = {
  "gateway.yaml": "kind: Gateway\nlisteners: [{ name: public, host: 127.0.0.1, port: 0 }]\nstore: { kind: memory }",
  "proxies/chat/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /chat
    preFlow: { request: [ML-Seen, { name: VK-Key, condition: 'request.queryparam.apikey != null' }, { name: RF-No, condition: 'proxy.pathsuffix = "/no"' }] }
    postClientFlow: { response: [ML-Done, { name: ML-Fault, condition: 'is.error' }] }
    routeRules: [{ name: none, condition: 'proxy.pathsuffix = "/null"' }, { name: default, targetEndpoint: default }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/chat/policies/ML-Seen.yaml": policy("DEBUG", "seen {request.verb}"),
  "proxies/chat/policies/ML-Done.yaml": policy("INFO", "{request.path} {message.status.code} {response.header.x-own:-} {request.queryparam.apikey} {request.querystring} {request.header.x-id}"),
  "proxies/chat/policies/ML-Fault.yaml": policy("ALERT", "{fault.name}"),
  "proxies/chat/policies/VK-Key.yaml": "kind: VerifyAPIKey\napiKey: { ref: request.queryparam.apikey }",
  "proxies/chat/policies/RF-No.yaml": "kind: RaiseFault\nactions: [{ set: { statusCode: 418 } }]",
};

let target: FakeTarget;
let gateway: TestGateway;

beforeAll(async () => {
  target = await fakeTarget({
    "/silent": () => undefined,
    "*": (connection) => {
      if (connection.header("upgrade") !== null) return connection.accept("X-Own: yes\r\n");
      connection.socket.end("HTTP/1.1 404 Not Found\r\nX-Own: yes\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    },
  });
  gateway = await startGatewayFromBundle(files, { env: { TARGET_URL: target.url } });
});

afterAll(async () => {
  await gateway.calm();
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

/** The lines of one request: each sends another header, so that they can be told apart. */
async function told(id: string, path: string): Promise<readonly LogLine[]> {
  await gateway.calm();
  return gateway.lines({ event: "message_log" }).filter(({ message }) => String(message).endsWith(` ${id}`) && String(message).startsWith(path));
}

let serial = 0;
const nextId = (): string => `id-${serial++}`;

describe.each([["plain", plainRequest, 404], ["upgrade", upgradeRequest, 101]] as const)("%s", (form, request, answered) => {
  it.each([
    ["the target's answer", "/chat/a", answered, "yes"],
    ["a null route", "/chat/null", 200, "-"],
    ["a fault", "/chat/no", 418, "-"],
  ])("is told once of %s", async (_, path, status, own) => {
    const id = nextId();
    using client = await rawClient(gateway.port);
    expect((await client.send(request(path, { "X-Id": id })).answer()).status).toBe(status);
    client.socket.destroy();
    const lines = await told(id, path.replace("/chat/a", "/a"));
    expect(lines).toMatchObject([{ level: "info", severity: "INFO", "apigw.proxy": "chat", "apigw.env": "default", "apigw.policy": "ML-Done" }]);
    expect(String(lines[0]?.["message"])).toContain(` ${status} ${own} `);
  });

  it("tells of a fault by its name, with the level of the policy", async () => {
    const before = gateway.lines({ "apigw.policy": "ML-Fault" }).length;
    using client = await rawClient(gateway.port);
    await client.send(request("/chat/no")).answer();
    client.socket.destroy();
    await gateway.calm();
    expect(gateway.lines({ "apigw.policy": "ML-Fault" }).slice(before)).toMatchObject([{ level: "error", severity: "ALERT", message: "RaiseFault" }]);
  });

  it("shows no credential", async () => {
    const id = nextId();
    using client = await rawClient(gateway.port);
    await client.send(request("/chat/a?apikey=very-secret&x=1", { "X-Id": id })).answer();
    client.socket.destroy();
    const [line] = await told(id, "/chat/a");
    expect(line).toMatchObject({ message: `/chat/a 401 - (redacted) (redacted) ${id}` });
    expect(JSON.stringify(gateway.lines())).not.toContain("very-secret");
  });

  it("is told of a client that left before its answer", async () => {
    const id = nextId();
    using client = await rawClient(gateway.port);
    client.send(request("/chat/silent", { "X-Id": id }));
    await target.request("/silent", form === "plain" ? 1 : 2);
    client.socket.destroy();
    expect(await told(id, "/silent")).toMatchObject([{ message: expect.stringContaining(" 499 - ") }]);
  });
});

it("lines below the log's level are left out", () => {
  expect(gateway.lines({ "apigw.policy": "ML-Seen" })).toEqual([]);
});
