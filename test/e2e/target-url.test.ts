/** URLs of targets that variables make, for plain requests and handshakes alike (apigee-core section 2.4). */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { testAuthority, type TestAuthority } from "../support/certificates.ts";
import { fakeTarget, type FakeTarget, type TargetScript } from "../support/fake-target.ts";
import { startGatewayFromBundle, type BundleFiles, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, upgradeRequest, type Answer } from "../support/raw-client.ts";

const ENDPOINTS = {
  template: `"{request.queryparam.scheme:http}://{request.queryparam.host:127.0.0.1}:{port}/t?k=v"
    sslInfo: { trustStore: "ref://corp" }`,
  plain: `"http://127.0.0.1:{port}"`,
  whole: `"{request.queryparam.url}"`,
} as const;

function files(port: number): BundleFiles {
  const proxies = Object.entries(ENDPOINTS).flatMap(([name, url]) => [
    [`proxies/${name}/proxy.yaml`, `kind: ApiProxy
proxyEndpoints: [{ basePath: /${name}, preFlow: { request: [AM-Idle] } }]
targetEndpoints:
  - url: ${url}
    preFlow: { request: [AM-Port, { name: AM-Url, condition: 'request.queryparam.write != null' }], response: [AM-Tell] }`],
    [`proxies/${name}/policies/AM-Idle.yaml`, `kind: AssignMessage
actions: [{ assignVariable: { name: target.url, value: "http://127.0.0.1:1" } }]`],
    [`proxies/${name}/policies/AM-Port.yaml`, `kind: AssignMessage
actions: [{ assignVariable: { name: port, template: "{request.queryparam.port:${port}}" } }]`],
    [`proxies/${name}/policies/AM-Url.yaml`, `kind: AssignMessage
actions: [{ assignVariable: { name: target.evaluated.url, template: "{request.queryparam.write}" } }]`],
    [`proxies/${name}/policies/AM-Tell.yaml`, `kind: AssignMessage
actions: [{ set: { headers: { x-url: "{target.url}", x-scheme: "{target.scheme}" } } }]`],
  ]);
  return {
    "gateway.yaml": `kind: Gateway
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }`,
    "environments/default.yaml": `kind: Environment
references: { corp: { caFile: { env: CA } } }
targetServers: [{ name: one, host: 127.0.0.1, port: ${port} }]`,
    "proxies/balanced/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /balanced }]
targetEndpoints:
  - loadBalancer: { servers: [one] }
    path: "/{request.queryparam.tenant}/{toUpperCase(kind)}"
    preFlow: { request: [AM-Kind, { name: AM-Url, condition: 'request.queryparam.write != null' }] }`,
    "proxies/balanced/policies/AM-Kind.yaml": "kind: AssignMessage\nactions: [{ assignVariable: { name: kind, value: ws } }]",
    "proxies/balanced/policies/AM-Url.yaml": `kind: AssignMessage
actions: [{ assignVariable: { name: target.url, template: "http://127.0.0.1:${port}/written" } }]`,
    "proxies/fixed/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /fixed, preFlow: { request: [AM-Url] } }]
targetEndpoints: [{ url: { env: FIXED_URL }, preFlow: { request: [AM-Url], response: [AM-Tell] } }]`,
    "proxies/fixed/policies/AM-Url.yaml": `kind: AssignMessage
actions: [{ assignVariable: { name: urls, template: "{urls:}[{target.url:null}]" } }]`,
    "proxies/fixed/policies/AM-Tell.yaml": `kind: AssignMessage\nactions: [{ set: { headers: { x-urls: "{urls}" } } }]`,
    "proxies/routed/proxy.yaml": `kind: ApiProxy
proxyEndpoints:
  - basePath: /routed
    preFlow: { request: [AM-Port] }
    routeRules:
      - { name: any, condition: 'request.queryparam.any != null', url: "{request.queryparam.any}" }
      - { name: one, url: "http://127.0.0.1:{port}/{request.queryparam.tenant:none}?r=1" }`,
    "proxies/routed/policies/AM-Port.yaml": `kind: AssignMessage\nactions: [{ assignVariable: { name: port, value: "${port}" } }]`,
    ...Object.fromEntries(proxies),
  };
}

const answers: TargetScript = (connection) => {
  if (connection.header("upgrade") !== null) return connection.accept();
  connection.socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
};

let authority: TestAuthority;
let plain: FakeTarget;
let secure: FakeTarget;
let gateway: TestGateway;

beforeAll(async () => {
  authority = testAuthority();
  const { cert, key } = authority.issue("target", { commonName: "target", names: ["127.0.0.1"] });
  [plain, secure] = await Promise.all([fakeTarget({ "*": answers }), fakeTarget({ "*": answers }, { cert, key })]);
  gateway = await startGatewayFromBundle(files(plain.port), { env: { CA: authority.caFile, FIXED_URL: `http://127.0.0.1:${plain.port}/fixed?k=v` } });
});

afterEach(async () => gateway.calm());

afterAll(async () => {
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await Promise.all([plain[Symbol.asyncDispose](), secure[Symbol.asyncDispose]()]);
  authority.remove();
});

describe.each([["plain", 200], ["upgrade", 101]] as const)("%s", (form, success) => {
  async function ask(path: string, query: Readonly<Record<string, string>> = {}): Promise<Answer> {
    const target = `${path}?${new URLSearchParams(query).toString()}`;
    using client = await rawClient(gateway.port);
    return await client.send(form === "plain" ? plainRequest(target) : upgradeRequest(target)).answer();
  }

  it("a template takes defaults and what the target request flow made", async () => {
    const { status, headers } = await ask(`/template/${form}-default`);
    expect([status, headers.get("x-scheme")]).toEqual([success, "http"]);
    expect(headers.get("x-url")).toBe(`http://127.0.0.1:${plain.port}/t?k=v`);
    const asked = await plain.request(`/t/${form}-default`);
    expect(asked.header("host")).toBe(`127.0.0.1:${plain.port}`);
    expect(asked.head).toContain(" /t/" + form + "-default?k=v");
  });

  it("of an endpoint is there to be read, once the route is chosen", async () => {
    const { status, headers } = await ask(`/fixed/${form}-read`, { q: "1" });
    expect([status, headers.get("x-urls")]).toEqual([success, `[null][http://127.0.0.1:${plain.port}/fixed?k=v]`]);
  });

  it("a scheme that is a variable's may be either, and https is verified by the endpoint's authority", async () => {
    const { status, headers } = await ask(`/template/${form}-tls`, { scheme: "https", port: String(secure.port) });
    expect([status, headers.get("x-scheme")]).toEqual([success, "https"]);
    await secure.request(`/t/${form}-tls`);
  });

  it("what the target request flow wrote goes first", async () => {
    const write = `https://127.0.0.1:${secure.port}/w`;
    const { status } = await ask(`/template/${form}-written`, { write, port: "1" });
    expect(status).toBe(success);
    await secure.request(`/w/${form}-written`);
  });

  it("a URL in one variable is one", async () => {
    expect((await ask(`/whole/${form}-whole`, { url: `http://127.0.0.1:${plain.port}/all` })).status).toBe(success);
    await plain.request(`/all/${form}-whole`);
  });

  it("a template beside a load balancer makes the path in front of the suffix", async () => {
    expect((await ask(`/balanced/${form}-path`, { tenant: "acme" })).status).toBe(success);
    await plain.request(`/acme/WS/${form}-path`);
    expect((await ask(`/balanced/${form}-url`, { tenant: "..", write: "1" })).status).toBe(success);
    await plain.request(`/written/${form}-url`);
  });

  it("a template of a route rule is filled in when the rule is taken", async () => {
    expect((await ask(`/routed/${form}-rule`, { tenant: "acme" })).status).toBe(success);
    expect((await plain.request(`/acme/${form}-rule`)).head).toContain(`/acme/${form}-rule?r=1&tenant=acme`);
    expect((await ask(`/routed/${form}-any`, { any: `http://127.0.0.1:${plain.port}/any` })).status).toBe(success);
    await plain.request(`/any/${form}-any`);
  });

  it.each([
    ["a path that goes up", "/balanced", { tenant: ".." }],
    ["a path that goes up, escaped", "/balanced", { tenant: "%2e%2e" }],
    ["two slashes", "/balanced", { tenant: "/" }],
    ["a query", "/balanced", { tenant: "a?b" }],
    ["a line end in a path", "/balanced", { tenant: "a\r\nX-Evil: 1" }],
    ["an empty segment", "/balanced", {}],
    ["no URL in a route rule", "/routed", { any: "chat.internal" }],
    ["unresolved", "/whole", {}],
    ["no URL", "/whole", { url: "chat.internal" }],
    ["another scheme", "/whole", { url: "ftp://127.0.0.1" }],
    ["a user", "/whole", { url: "http://ann:pw@127.0.0.1" }],
    ["a user in a part", "/template", { host: "ann@127.0.0.1" }],
    ["a line end", "/template", { host: "127.0.0.1\r\nX-Evil: 1" }],
    ["a port that is none", "/plain", { port: "x" }],
    ["the other scheme where the template says one", "/plain", { write: "https://127.0.0.1" }],
  ])("is a fault: %s", async (_, path, query) => {
    expect((await ask(path, query)).status).toBe(503);
  });
});
