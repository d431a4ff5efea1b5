/** BasicAuthentication on real sockets: what a target gets, what a refusal says, and the Origin rule of upgrades. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fakeTarget, type FakeTarget } from "../../support/fake-target.ts";
import { startGatewayFromBundle, type BundleFiles, type TestGateway } from "../../support/gateway.ts";
import { plainRequest, rawClient, upgradeRequest, type Answer } from "../../support/raw-client.ts";

const target = "targetEndpoints: [{ url: { env: TARGET_URL } }]";
const files: BundleFiles = {
  "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }`,
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
credentials: [{ key: { env: API_KEY }, products: [all] }]`,
  "proxies/swap/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /swap, preFlow: { request: [BA-Decode, BA-Encode] } }]
${target}`,
  "proxies/swap/policies/BA-Decode.yaml": `kind: BasicAuthentication
operation: Decode
source: request.header.Authorization
user: { ref: request.header.x-user }
password: { ref: private.password }
ignoreUnresolvedVariables: false`,
  "proxies/swap/policies/BA-Encode.yaml": `kind: BasicAuthentication
operation: Encode
user: { ref: environment.name }
password: { ref: private.password }
assignTo: { value: request.header.authorization, createNew: true }`,
  "proxies/basic/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /basic, preFlow: { request: [BA-Decode, VK-Key] } }]
${target}`,
  "proxies/basic/policies/BA-Decode.yaml": `kind: BasicAuthentication
operation: Decode
source: request.header.authorization
user: { ref: basic.user }
password: { ref: private.password }`,
  "proxies/basic/policies/VK-Key.yaml": `kind: VerifyAPIKey
apiKey: { ref: basic.user }`,
  "proxies/query/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /query, preFlow: { request: [VK-Key] } }]
${target}`,
  "proxies/query/policies/VK-Key.yaml": `kind: VerifyAPIKey
apiKey: { ref: request.queryparam.apikey }`,
};

let server: FakeTarget;
let gateway: TestGateway;
let seen: readonly (string | null)[] = [];

beforeAll(async () => {
  server = await fakeTarget({
    "*": (connection) => {
      seen = [connection.header("authorization"), connection.header("x-user")];
      if (connection.header("upgrade") !== null) return connection.accept();
      connection.socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
    },
  });
  gateway = await startGatewayFromBundle(files, { env: { TARGET_URL: server.url, API_KEY: "the-key" } });
});

afterAll(async () => {
  await gateway.calm();
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

async function ask(text: string): Promise<Answer> {
  using client = await rawClient(gateway.port);
  return await client.send(text).answer();
}

function basic(text: string): string {
  return `Basic ${Buffer.from(text).toString("base64")}`;
}

describe("plain requests", () => {
  it("reach the target with the header that was made, and with the user that was read", async () => {
    expect((await ask(plainRequest("/swap", { Authorization: basic("ann:s3cret"), "X-User": "eve" }))).status).toBe(200);
    expect(seen).toEqual([basic("default:s3cret"), "ann"]);
  });

  it("are refused when the header is absent or no credential, and nothing logs it", async () => {
    expect((await ask(plainRequest("/swap"))).body).toContain("steps.basicauthentication.UnresolvedVariable");
    const { status, body } = await ask(plainRequest("/swap", { Authorization: "Basic c2VjcmV0LXdvcmQ=" }));
    expect(status).toBe(500);
    expect(body).toContain("steps.basicauthentication.InvalidBasicAuthenticationSource");
    const log = JSON.stringify(gateway.lines());
    for (const secret of ["c2VjcmV0", "secret-word", "s3cret"]) expect(log).not.toContain(secret);
  });
});

describe("upgrades from a page of another host", () => {
  const foreign = { Host: "chat.test", Origin: "https://evil.test" };

  it("are refused when the key came as a Basic user, which browsers send by themselves", async () => {
    const lines = { ...foreign, Authorization: basic("the-key:") };
    expect((await ask(upgradeRequest("/basic", lines))).status).toBe(403);
    const own = { ...lines, Origin: "http://chat.test" };
    expect((await ask(upgradeRequest("/basic", own))).status).toBe(101);
  });

  it("pass with a key that the page itself must send", async () => {
    expect((await ask(upgradeRequest("/query?apikey=the-key", foreign))).status).toBe(101);
  });
});
