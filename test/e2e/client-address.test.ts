/** Who a client is: what untrusted peers say counts for nothing, what trusted ones say counts everywhere. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { testAuthority, type TestAuthority } from "../support/certificates.ts";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, rawTlsClient, upgradeRequest, type UpgradeLines } from "../support/raw-client.ts";

/** The listeners in their order. */
const DIRECT = 0;
const CHAIN = 1;
const RFC = 2;
const TLS = 3;
const NOBODY = 4;

let authority: TestAuthority;
let target: FakeTarget;
let gateway: TestGateway;
let requests = 0;

beforeAll(async () => {
  authority = testAuthority();
  const { certFile, keyFile } = authority.issue("server", { commonName: "gateway", names: ["127.0.0.1"] });
  target = await fakeTarget({
    "/plain": ({ socket }) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nplain"),
    "*": (connection) => connection.accept(),
  });
  const env = { CERT: certFile, KEY: keyFile, TARGET_URL: target.url, PROXIES: "10.0.0.0/8 127.0.0.1", NO_PROXIES: "none" };
  gateway = await startGatewayFromBundle(FILES, { env });
});

afterEach(async () => gateway.calm());

afterAll(async () => {
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

const FILES = {
  "gateway.yaml": `kind: Gateway
listeners:
  - { name: direct, host: 127.0.0.1, port: 0 }
  - { name: chain, host: 127.0.0.1, port: 0, forwarded: { trustedProxies: [10.0.0.0/8, 127.0.0.1] } }
  - { name: rfc, host: 127.0.0.1, port: 0, forwarded: { trustedProxies: { env: PROXIES }, header: forwarded } }
  - name: tls
    host: 127.0.0.1
    port: 0
    tls: { certFile: { env: CERT }, keyFile: { env: KEY } }
    forwarded: { trustedProxies: { env: PROXIES } }
  - { name: nobody, host: 127.0.0.1, port: 0, forwarded: { trustedProxies: { env: NO_PROXIES } } }
environmentGroups:
  - { name: chained, hostnames: [gateway.test], environments: [chained] }
  - { name: indexed, hostnames: [indexed.test], environments: [indexed] }
store: { kind: memory }
limits: { handshakesPerAddressMax: 1 }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }`,
  "environments/chained.yaml": "kind: Environment",
  "environments/indexed.yaml": `kind: Environment
clientIpResolution: { header: X-Edge-IP, index: -1 }`,
  "proxies/show/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /show, webSocket: deny, postFlow: { response: [AM-Show] }, routeRules: [{ name: none }] }]`,
  "proxies/show/policies/AM-Show.yaml": `kind: AssignMessage
actions:
  - set:
      payload: "{client.ip} {client.resolved.ip} {proxy.client.ip} {client.host} {client.scheme} {client.ssl.enabled} {proxy.url}"`,
  "proxies/open/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /open, webSocket: { allowedOrigins: ["*"] } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/inside/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /inside, preFlow: { request: [AC-Inside] } }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  "proxies/inside/policies/AC-Inside.yaml": `kind: AccessControl
ipRules:
  noRuleMatchAction: DENY
  matchRules: [{ action: ALLOW, sourceAddresses: [{ mask: 24, value: 192.0.2.0 }] }]`,
};

async function shown(listener: number, lines: UpgradeLines): Promise<string> {
  const port = gateway.listeners[listener]?.port ?? 0;
  using client = listener === TLS ? await rawTlsClient(port, { ca: authority.ca }) : await rawClient(port);
  const { status, body } = await client.send(plainRequest("/show", lines)).answer();
  expect(status).toBe(200);
  return body;
}

const all = (address: string, scheme: "http" | "https" = "http"): string =>
  `${address} ${address} ${address} ${address} ${scheme} ${scheme === "https"} ${scheme}://gateway.test/show`;

const FORGED = { "X-Forwarded-For": "192.0.2.1", Forwarded: "for=192.0.2.2;proto=https", "X-Forwarded-Proto": "https" };

describe("client.ip and its kin", () => {
  it("are the connection's where nobody is trusted, whatever headers say", async () => {
    expect(await shown(DIRECT, FORGED)).toBe(all("127.0.0.1"));
    expect(await shown(NOBODY, FORGED)).toBe(all("127.0.0.1"));
  });

  it("are the first untrusted hop's behind trusted ones", async () => {
    expect(await shown(CHAIN, { ...FORGED, "X-Forwarded-For": "198.51.100.6, 192.0.2.1, 10.0.0.2" })).toBe(all("192.0.2.1", "https"));
    expect(await shown(RFC, FORGED)).toBe(all("192.0.2.2", "https"));
    expect(await shown(CHAIN, {})).toBe(all("127.0.0.1"));
  });

  it("hold on TLS too, where a proxy may say that its client spoke plain HTTP", async () => {
    expect(await shown(TLS, { "X-Forwarded-For": "192.0.2.1" })).toBe(all("192.0.2.1", "https"));
    expect(await shown(TLS, { "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "http" })).toBe(all("192.0.2.1"));
  });

  it("follow the environment's clientIpResolution in requests of trusted proxies only", async () => {
    const lines = { Host: "indexed.test", "X-Forwarded-For": "192.0.2.1", "X-Edge-IP": "198.51.100.1, 203.0.113.9" };
    const resolved = (body: string): string | undefined => body.split(" ")[1];
    expect(resolved(await shown(CHAIN, lines))).toBe("203.0.113.9");
    expect(resolved(await shown(CHAIN, { ...lines, "X-Edge-IP": "secret" }))).toBe("192.0.2.1");
    expect(resolved(await shown(DIRECT, lines))).toBe("127.0.0.1");
    expect(await gateway.line({ "client.address": "203.0.113.9" })).toMatchObject({ "url.path": "/show" });
  });
});

/** Sends a request and gives what the target got. */
async function relayed(listener: number, lines: UpgradeLines, isUpgrade: boolean): Promise<(name: string) => string | null> {
  const path = isUpgrade ? `/open/socket-${++requests}` : "/open/plain";
  using client = await rawClient(gateway.listeners[listener]?.port ?? 0);
  const given = isUpgrade ? upgradeRequest(path, lines) : plainRequest(path, lines);
  const before = target.connections.filter((connection) => connection.path === path.slice("/open".length)).length;
  expect((await client.send(given).answer()).status).toBe(isUpgrade ? 101 : 200);
  const connection = await target.request(path.slice("/open".length), before + 1);
  return (name) => connection.header(name);
}

describe.each([["a request", false], ["an upgrade", true]])("%s towards the target", (_, isUpgrade) => {
  it("carries nothing of an untrusted peer's forwarding headers", async () => {
    const got = await relayed(DIRECT, FORGED, isUpgrade);
    expect([got("x-forwarded-for"), got("x-forwarded-proto"), got("forwarded")]).toEqual(["127.0.0.1", "http", null]);
  });

  it("carries the chain of a trusted one and the peer behind it", async () => {
    const lines = { ...FORGED, "X-Forwarded-For": "192.0.2.1, 10.0.0.2", "X-Forwarded-Host": "public.test" };
    const got = await relayed(CHAIN, lines, isUpgrade);
    expect(got("x-forwarded-for")).toBe("192.0.2.1, 10.0.0.2, 127.0.0.1");
    expect([got("x-forwarded-proto"), got("x-forwarded-host"), got("forwarded")]).toEqual(["https", "public.test", null]);
  });

  it("carries Forwarded where that is the header, and the believed part as X-Forwarded-For", async () => {
    const got = await relayed(RFC, FORGED, isUpgrade);
    expect(got("forwarded")).toBe("for=192.0.2.2;proto=https, for=127.0.0.1");
    expect([got("x-forwarded-for"), got("x-forwarded-proto")]).toEqual(["192.0.2.2, 127.0.0.1", "https"]);
  });
});

describe("what works by address", () => {
  it("AccessControl looks at the client, not at the proxy, and not at what the client says", async () => {
    const status = async (listener: number, chain: string): Promise<number> => {
      using client = await rawClient(gateway.listeners[listener]?.port ?? 0);
      return (await client.send(plainRequest("/inside/plain", { "X-Forwarded-For": chain })).answer()).status;
    };
    expect(await status(CHAIN, "192.0.2.7")).toBe(200);
    expect(await status(CHAIN, "192.0.2.7, 198.51.100.1")).toBe(403);
    expect(await status(DIRECT, "192.0.2.7")).toBe(403);
  });

  it("the log, the record and the list of sessions name the client", async () => {
    using client = await rawClient(gateway.listeners[CHAIN]?.port ?? 0);
    const path = `/open/named-${++requests}`;
    expect((await client.send(upgradeRequest(path, { "X-Forwarded-For": "192.0.2.44" })).answer()).status).toBe(101);
    expect([...gateway.gateway.sessions.all()].map((session) => session.clientAddress)).toEqual(["192.0.2.44"]);
    client.socket.destroy();
    await gateway.calm();
    expect(gateway.lines({ "client.address": "192.0.2.44" })).toHaveLength(2);
  });

  it("handshakes are counted by client, also behind one proxy", async () => {
    target.on("/hold", () => undefined);
    const begin = async (address: string) => {
      const client = await rawClient(gateway.listeners[CHAIN]?.port ?? 0);
      return client.send(upgradeRequest("/open/hold", { "X-Forwarded-For": address }));
    };
    using one = await begin("192.0.2.1");
    await target.request("/hold", 1);
    using other = await begin("192.0.2.2");
    await target.request("/hold", 2);
    using again = await begin("192.0.2.1");
    expect((await again.answer()).status).toBe(503);
    expect(gateway.gateway.handshakes.addresses).toBe(2);
    expect([one.pending.length, other.pending.length]).toEqual([0, 0]);
  });
});

it("a gateway does not start with ranges that are none", async () => {
  const env = { CERT: "", KEY: "", TARGET_URL: target.url, PROXIES: "10.0.0.0/8, proxy.internal", NO_PROXIES: "none" };
  const files = { ...FILES, "gateway.yaml": FILES["gateway.yaml"].replace(/ {2}- name: tls[^]*?PROXIES \} \}\n/, "") };
  await expect(startGatewayFromBundle(files, { env })).rejects.toThrow(/trustedProxies: "proxy.internal" is no IP address/);
});

it("policies read which process they run in", async () => {
  const files = {
    "gateway.yaml": "kind: Gateway\nlisteners: [{ host: 127.0.0.1, port: 0 }]\nstore: { kind: memory }",
    "proxies/where/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /where, webSocket: deny, preFlow: { response: [AM-Where] }, routeRules: [{ name: none }] }]`,
    "proxies/where/policies/AM-Where.yaml": `kind: AssignMessage
ignoreUnresolvedVariables: true
actions: [{ set: { payload: "{system.uuid} {system.pod.name} {system.region.name}" } }]`,
  };
  const where = async (env: Readonly<Record<string, string>>): Promise<string[]> => {
    await using started = await startGatewayFromBundle(files, { env });
    using client = await rawClient(started.port);
    return (await client.send(plainRequest("/where")).answer()).body.split(" ");
  };
  const [uuid, ...place] = await where({ HOSTNAME: "host", APIGW_POD_NAME: "pod", APIGW_REGION_NAME: "north" });
  expect(place).toEqual(["pod", "north"]);
  const [other, ...fallback] = await where({ HOSTNAME: "host" });
  expect(fallback).toEqual(["host", ""]);
  expect([uuid, other].every((id) => /^[0-9a-f-]{36}$/.test(id ?? ""))).toBe(true);
  expect(uuid).not.toBe(other);
});
