/** Clients behind proxies that speak the PROXY protocol, in front of HTTP, WebSocket and TLS. */
import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { testAuthority, type TestAuthority } from "../support/certificates.ts";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { fromClient, fromTarget } from "../support/frames.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { v2Header } from "../support/proxy-header.ts";
import { plainRequest, rawClient, RawClient, upgradeRequest } from "../support/raw-client.ts";

/** The listeners in their order. */
const ANY = 0;
const V2 = 1;
const TLS = 2;
const FOREIGN = 3;
const CHAIN = 4;

const ONE = "PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\n";
const TWO = v2Header({ family: 0x11, from: [192, 0, 2, 2], to: [10, 0, 0, 1], fromPort: 56_325 });

let authority: TestAuthority;
let target: FakeTarget;
let gateway: TestGateway;

beforeAll(async () => {
  authority = testAuthority();
  const { certFile, keyFile } = authority.issue("server", { commonName: "gateway", names: ["127.0.0.1"] });
  target = await fakeTarget({
    "/plain": ({ socket }) => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nplain"),
    "*": (connection) => connection.accept(),
  });
  const env = { CERT: certFile, KEY: keyFile, TARGET_URL: target.url, PROXIES: "127.0.0.0/8" };
  gateway = await startGatewayFromBundle({
    "gateway.yaml": `kind: Gateway
listeners:
  - { name: any, host: 127.0.0.1, port: 0, proxyProtocol: any }
  - { name: v2, host: 127.0.0.1, port: 0, proxyProtocol: { version: v2, trustedProxies: { env: PROXIES } } }
  - { name: tls, host: 127.0.0.1, port: 0, proxyProtocol: any, tls: { certFile: { env: CERT }, keyFile: { env: KEY } } }
  - { name: foreign, host: 127.0.0.1, port: 0, proxyProtocol: { version: any, trustedProxies: [192.0.2.0/24] } }
  - { name: chain, host: 127.0.0.1, port: 0, proxyProtocol: v1, forwarded: { trustedProxies: [192.0.2.1] } }
store: { kind: memory }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }`,
    "proxies/show/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /show, webSocket: deny, postFlow: { response: [AM-Show] }, routeRules: [{ name: none }] }]`,
    "proxies/show/policies/AM-Show.yaml": `kind: AssignMessage
ignoreUnresolvedVariables: true
actions: [{ set: { payload: "{client.ip} {client.port} {client.scheme}" } }]`,
    "proxies/open/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /open }]
targetEndpoints: [{ url: { env: TARGET_URL } }]`,
  }, { env });
});

afterEach(async () => gateway.calm());

afterAll(async () => {
  expect(gateway.lines({ event: "defect" })).toEqual([]);
  await gateway[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
  authority.remove();
});

const portOf = (listener: number): number => gateway.listeners[listener]?.port ?? 0;
const refused = (): number => gateway.metric("apigw_proxy_headers_refused_total");
const request = plainRequest("/show");

/** A connection that sends these pieces one by one, each in a packet of its own. */
async function pieces(listener: number, ...parts: readonly (string | Buffer)[]): Promise<RawClient> {
  const client = await rawClient(portOf(listener));
  for (const part of parts) {
    await new Promise<void>((resolve, reject) => {
      client.socket.write(typeof part === "string" ? Buffer.from(part, "latin1") : part, (error) => (error ? reject(error) : resolve()));
    });
    await new Promise((resolve) => void setImmediate(resolve));
  }
  return client;
}

/** TLS over a connection whose first packet is `header` and the ClientHello together. */
async function tlsBehind(listener: number, header: Buffer): Promise<RawClient> {
  const socket = connect({ port: portOf(listener), host: "127.0.0.1" });
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  const secured = connectTls({ socket: prefixed(socket, header), ca: authority.ca, host: "127.0.0.1" });
  const client = new RawClient(secured);
  secured.once("close", () => socket.destroy());
  await new Promise<void>((resolve, reject) => (secured as TLSSocket).once("secureConnect", resolve).once("error", reject));
  return client;
}

/** Sends the header in front of the first bytes, in the same write. */
function prefixed(socket: Socket, header: Buffer): Duplex {
  let before: Buffer | null = header;
  const stream = new Duplex({
    read: () => void socket.resume(),
    write: (chunk: Buffer, _, done) => {
      socket.write(before === null ? chunk : Buffer.concat([before, chunk]), done);
      before = null;
    },
    final: (done) => void socket.end(done),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  socket.on("data", (chunk) => void stream.push(chunk)).on("end", () => stream.push(null)).on("error", () => stream.destroy());
  return stream;
}

describe("a header names the client", () => {
  it.each([
    ["version 1 and the request in one packet", ANY, [ONE + request], "192.0.2.1 56324 http"],
    ["version 1 alone first", ANY, [ONE, request], "192.0.2.1 56324 http"],
    ["version 1 byte by byte", ANY, [...ONE, request], "192.0.2.1 56324 http"],
    ["cut between carriage return and line feed", ANY, [ONE.slice(0, -1), `\n${request}`], "192.0.2.1 56324 http"],
    ["version 2 and the request in one packet", ANY, [Buffer.concat([TWO, Buffer.from(request)])], "192.0.2.2 56325 http"],
    ["version 2 byte by byte", V2, [...Array.from(TWO, (byte) => Buffer.of(byte)), request], "192.0.2.2 56325 http"],
    ["the request byte by byte", ANY, [ONE, ...request], "192.0.2.1 56324 http"],
  ])("%s", async (_, listener, parts, expected) => {
    using client = await pieces(listener, ...parts);
    expect(await client.answer()).toMatchObject({ status: 200, body: expected });
    // For the whole connection.
    expect(await client.send(request).answer()).toMatchObject({ status: 200, body: expected });
  });

  it.each([["UNKNOWN", Buffer.from("PROXY UNKNOWN\r\n")], ["LOCAL", v2Header({ command: 0x20 })]])(
    "%s leaves it the other end", async (_, header) => {
      using client = await pieces(ANY, header, request);
      expect((await client.answer()).body).toMatch(/^127\.0\.0\.1 \d+ http$/);
    });

  it("an upgrade's target and record get it, and frames pass", async () => {
    using client = await pieces(ANY, ONE + upgradeRequest("/open/socket"));
    expect((await client.answer()).status).toBe(101);
    const connection = await target.request("/socket");
    expect(connection.header("x-forwarded-for")).toBe("192.0.2.1");
    client.send(fromClient("hello"));
    expect(await connection.got(fromClient("hello").length)).toEqual(fromClient("hello"));
    connection.socket.write(fromTarget("back"));
    expect(await client.bytes(fromTarget("back").length)).toEqual(fromTarget("back"));
    client.socket.destroy();
    expect(await gateway.line({ event: "session", "client.address": "192.0.2.1" })).toBeDefined();
  });

  it("a refused upgrade leaves the connection to its client", async () => {
    using client = await pieces(ANY, ONE + upgradeRequest("/show"));
    expect((await client.answer()).status).toBe(403);
    expect(await client.send(request).answer()).toMatchObject({ body: "192.0.2.1 56324 http" });
    expect((await client.send(upgradeRequest("/open/again")).answer()).status).toBe(101);
  });

  it("TLS begins behind it, also in the same packet, and keeps it", async () => {
    using client = await tlsBehind(TLS, TWO);
    expect(await client.send(request).answer()).toMatchObject({ body: "192.0.2.2 56325 https" });
    expect(await client.send(upgradeRequest("/open/secure")).answer()).toMatchObject({ status: 101 });
    expect((await target.request("/secure")).header("x-forwarded-for")).toBe("192.0.2.2");
  });

  it("is the peer that trusted proxies are looked up by", async () => {
    const lines = { "X-Forwarded-For": "198.51.100.7" };
    using client = await pieces(CHAIN, ONE + plainRequest("/show", lines));
    expect((await client.answer()).body).toBe("198.51.100.7  http");
    using other = await pieces(CHAIN, ONE.replace("192.0.2.1", "192.0.2.3") + plainRequest("/show", lines));
    expect((await other.answer()).body).toBe("192.0.2.3 56324 http");
  });
});

describe("a connection is destroyed and counted", () => {
  it.each([
    ["without a header", ANY, request],
    ["with a header that breaks its grammar", ANY, `PROXY TCP4 192.0.2.1\r\n${request}`],
    ["with a line that never ends", ANY, `PROXY UNKNOWN ${"x".repeat(200)}`],
    ["with the version that is not asked for", V2, ONE + request],
    ["with a second header behind the first on TLS", TLS, ONE + ONE],
    ["from a peer that is not trusted, whatever it says", FOREIGN, ONE + request],
  ])("%s", async (name, listener, bytes) => {
    const [before, tlsBefore] = [refused(), gateway.metric("apigw_tls_handshake_failures_total")];
    using client = await pieces(listener, bytes);
    expect((await client.end()).toString("latin1")).toBe("");
    const isTls = name.includes("TLS");
    expect(refused() - before).toBe(isTls ? 0 : 1);
    expect(gateway.metric("apigw_tls_handshake_failures_total") - tlsBefore).toBe(isTls ? 1 : 0);
  });

  it("that leaves before its header is whole, without being counted", async () => {
    const before = refused();
    using client = await pieces(ANY, ONE.slice(0, 20));
    client.socket.end();
    await client.gone();
    expect(refused()).toBe(before);
  });

  it("a header twice is a bad request", async () => {
    using client = await pieces(ANY, ONE + ONE);
    expect((await client.answer()).status).toBe(400);
  });
});

it("a listener without the protocol takes the header for a bad request", async () => {
  await using plain = await startGatewayFromBundle({
    "gateway.yaml": "kind: Gateway\nlisteners: [{ host: 127.0.0.1, port: 0 }]\nstore: { kind: memory }",
    "proxies/open/proxy.yaml": "kind: ApiProxy\nproxyEndpoints: [{ basePath: /open, routeRules: [{ name: none }] }]",
  });
  using client = await rawClient(plain.port);
  expect((await client.send(ONE + plainRequest("/open")).answer()).status).toBe(400);
});

