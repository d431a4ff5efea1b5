/**
 * Where client certificates were asked for and not demanded, `client.cn` came from whatever certificate the client
 * showed, verified or not: a policy that trusts the name could be told any.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import { testAuthority, type TestAuthority } from "../support/certificates.ts";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawTlsClient } from "../support/raw-client.ts";
import { bundle } from "./bundle.ts";

let trusted: TestAuthority;
let stranger: TestAuthority;
let target: FakeTarget;
let gateway: TestGateway;

beforeAll(async () => {
  trusted = testAuthority();
  stranger = testAuthority("somebody else");
  const server = trusted.issue("server", { commonName: "127.0.0.1", names: ["127.0.0.1"] });
  target = await fakeTarget({ "*": ({ socket }) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") });
  gateway = await startGatewayFromBundle(bundle("", {
    "gateway.yaml": `kind: Gateway
listeners:
  - name: public
    host: 127.0.0.1
    port: 0
    tls: { certFile: ${server.certFile}, keyFile: ${server.keyFile}, clientAuth: request, clientCaFile: ${trusted.caFile} }
store: { kind: memory }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }`,
    "proxies/named/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /named, preFlow: { request: [AM-Name] } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
    "proxies/named/policies/AM-Name.yaml": `kind: AssignMessage
actions: [{ set: { headers: { x-client: "{client.cn}" } } }]
ignoreUnresolvedVariables: true`,
  }), { env: { TARGET_URL: target.url } });
}, 60_000);

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
  trusted.remove();
  stranger.remove();
});

it.each([
  ["nobody", "/none", () => null, ""],
  ["a stranger's certificate", "/stranger", () => stranger.issue("admin", { commonName: "admin" }), ""],
  ["an expired certificate", "/expired", () => trusted.issue("old", { commonName: "admin", days: -1 }), ""],
  ["a verified certificate", "/verified", () => trusted.issue("ann", { commonName: "ann" }), "ann"],
])("%s is called by its name only when it verified", async (_who, path, certificate, name) => {
  const pair = certificate();
  const own = pair === null ? {} : { cert: pair.cert, key: pair.key };
  using client = await rawTlsClient(gateway.port, { ca: trusted.ca, ...own });
  expect(await client.send(plainRequest(`/named${path}`)).answer()).toMatchObject({ status: 200 });
  expect((await target.request(path)).header("x-client")).toBe(name);
});
