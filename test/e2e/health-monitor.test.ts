/** Health monitors on real sockets, with a clock that is moved by hand. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testAuthority } from "../support/certificates.ts";
import { fakeClock, type FakeClock } from "../support/fake-clock.ts";
import { fakeTarget, type FakeTarget, type TargetScript } from "../support/fake-target.ts";
import { startGatewayFromBundle, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";
import { until } from "../support/until.ts";

const INTERVAL_S = 10;
/** The longest time between two checks. */
const NEXT_MS = 1_100 * INTERVAL_S;
const SECRET = "the-token-of-the-monitor";

let clock: FakeClock;
let target: FakeTarget;
let gateway: TestGateway | null = null;

beforeEach(async () => {
  clock = fakeClock();
  target = await fakeTarget({ "/x": says("200 OK") });
});

afterEach(async () => {
  await gateway?.[Symbol.asyncDispose]();
  gateway = null;
  await until(() => target.open === 0, () => `${target.open} connections at the target`);
  await target[Symbol.asyncDispose]();
});

function says(status: string, lines = ""): TargetScript {
  return ({ socket }) => void socket.end(`HTTP/1.1 ${status}\r\n${lines}Content-Length: 0\r\nConnection: close\r\n\r\n`);
}

async function start(monitor: string, port = target.port, maxFailures = 2): Promise<TestGateway> {
  gateway = await startGatewayFromBundle({
    "gateway.yaml": `kind: Gateway
organization: acme
listeners: [{ name: public, host: 127.0.0.1, port: 0 }]
store: { kind: memory }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }`,
    "environments/prod.yaml": `kind: Environment\ntargetServers: [{ name: a, host: 127.0.0.1, port: ${port} }]`,
    "proxies/p/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /p }]
targetEndpoints:
  - loadBalancer: { servers: [a], maxFailures: ${maxFailures} }
    healthMonitor: { isEnabled: true, intervalInSec: ${INTERVAL_S}, ${monitor} }`,
  }, { clock, env: { TOKEN: SECRET } });
  return gateway;
}

const failures = (): number => gateway?.metric("apigw_target_server_failures_total") ?? NaN;
const isUp = (): boolean => gateway?.metric("apigw_target_server_up") === 1;

/** Moves to the next check, whose own times are longer than that, and waits for its failure. */
async function failedCheck(): Promise<void> {
  const before = failures();
  clock.advance(NEXT_MS);
  await until(() => failures() === before + 1, () => `failure ${before + 1} of a check`);
}

async function status(): Promise<number> {
  using client = await rawClient(gateway?.port ?? 0);
  return (await client.send(plainRequest("/p/x")).answer()).status;
}

describe("a monitor by TCP", () => {
  it("takes a server out where nobody listens, and requests do not bring it back", async () => {
    const { lines } = await start("tcpMonitor: { connectTimeoutInSec: 300 }", await refusedPort());
    await failedCheck();
    expect(isUp()).toBe(true);
    await failedCheck();
    expect([isUp(), await status()]).toEqual([false, 503]);
    expect(lines.call(gateway, { event: "target_server_out" })).toMatchObject([
      { level: "warn", environment: "prod", proxy: "p", target: "default", server: "a", detail: "health check: ECONNREFUSED" },
    ]);
    clock.advance(400_000);
    expect(await status()).toBe(503);
  });

  it("looks at another port where one is written, and lets go of its connections", async () => {
    const other = await fakeTarget();
    try {
      await start(`tcpMonitor: { connectTimeoutInSec: 300, port: ${other.port} }`, await refusedPort());
      for (let check = 1; check <= 3; check++) {
        clock.advance(NEXT_MS);
        await until(() => other.accepted === check && other.open === 0, () => `check ${check} to come and go`);
      }
      expect([failures(), isUp()]).toEqual([0, true]);
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });
});

describe("a monitor by HTTP", () => {
  const monitor = `httpMonitor: {
    request: { connectTimeoutInSec: 300, socketReadTimeoutInSec: 300, verb: POST, path: "/health?x=1", payload: "ping",
      headers: { Authorization: { env: TOKEN }, X-From: gateway }, includeHealthCheckIdHeader: true },
    successResponse: { responseCodes: [200, 204], headers: { X-State: ok } } }`.replaceAll(/\n */g, " ");

  it("asks as it is told to; what is secret stays secret", async () => {
    target.on("/health", says("204 No Content", "X-State: ok\r\n"));
    await start(monitor);
    clock.advance(NEXT_MS);
    const { head, received } = await target.request("/health");
    const lines = head.trimEnd().split("\r\n");
    expect(lines.filter((line) => !line.startsWith("X-Apigee"))).toEqual([
      "POST /health?x=1 HTTP/1.1", `Host: 127.0.0.1:${target.port}`, `Authorization: ${SECRET}`, "X-From: gateway", "Content-Length: 4",
      "Connection: close",
    ]);
    expect(lines.find((line) => line.startsWith("X-Apigee"))).toMatch(/^X-Apigee-Healthcheck-Id: acme\/prod\/a\/\d{13}$/);
    expect(received.toString()).toBe("ping");
    expect(JSON.stringify(gateway?.lines())).not.toContain(SECRET);
    expect(gateway?.gateway.metrics.text("prometheus")).not.toContain(SECRET);
  });

  const bad: readonly (readonly [what: string, script: TargetScript, detail: string])[] = [
    ["another status", says("500 Oops", "X-State: ok\r\n"), "status 500"],
    ["a header that differs", says("200 OK", "X-State: sick\r\n"), "header x-state"],
    ["a header that is missing", says("200 OK"), "header x-state"],
    ["nothing", ({ socket }) => void socket.end(), "connection ended"],
    ["a reset", ({ socket }) => void socket.resetAndDestroy(), "ECONNRESET"],
    ["half a head", ({ socket }) => void socket.end("HTTP/1.1 200 OK\r\nX-Sta"), "connection ended"],
  ];
  it.each(bad)("counts %s as a failure, and a good answer brings the server back", async (_, script, detail) => {
    target.on("/health", script);
    await start(monitor);
    await failedCheck();
    await failedCheck();
    expect([isUp(), await status()]).toEqual([false, 503]);
    expect(gateway?.lines({ event: "target_server_out" })).toMatchObject([{ detail: `health check: ${detail}` }]);
    target.on("/health", says("200 OK", "X-State: ok\r\n"));
    clock.advance(NEXT_MS);
    await until(isUp, () => "the server to come back");
    expect(await status()).toBe(200);
    expect(gateway?.lines({ event: "target_server_back" })).toMatchObject([{ level: "info", proxy: "p", target: "default", server: "a" }]);
  });

  it("counts silence as a failure, after its own time", async () => {
    target.on("/health", () => undefined);
    await start(monitor, target.port, 1);
    clock.advance(NEXT_MS);
    const asked = await target.request("/health");
    clock.advance(300_000 - 1);
    expect(failures()).toBe(0);
    clock.advance(1);
    expect([failures(), isUp()]).toEqual([1, false]);
    await asked.gone();
  });

  it("takes interim answers, and no garbage", async () => {
    target.on("/health", ({ socket }) => void socket.end("HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nX-State: ok\r\n\r\n"));
    await start(monitor, target.port, 1);
    clock.advance(NEXT_MS);
    await until(() => target.connections.length === 1 && target.open === 0, () => "the check to end");
    expect([failures(), isUp()]).toEqual([0, true]);
    target.on("/health", ({ socket }) => void socket.end("\0 what?\r\n\r\n"));
    await failedCheck();
    expect(isUp()).toBe(false);
  });

  it("counts together with requests", async () => {
    target.on("/x", ({ socket }) => void socket.resetAndDestroy());
    target.on("/health", says("500 Oops"));
    await start(monitor);
    expect(await status()).toBe(502);
    await failedCheck();
    expect(isUp()).toBe(false);
  });

  it("stops with the gateway: no timer and no connection is left", async () => {
    target.on("/health", () => undefined);
    const { running } = await start(monitor);
    clock.advance(NEXT_MS);
    await target.request("/health");
    running.drain.signal("test");
    running.drain.signal("test");
    await until(() => target.open === 0, () => "the check to be broken off");
    clock.advance(10 * NEXT_MS);
    expect(target.accepted).toBe(1);
  });
});

describe("a monitor over TLS", () => {
  it("uses the server's own settings, and finds a certificate of somebody else", async () => {
    const authority = testAuthority();
    const server = authority.issue("health", { commonName: "a", names: ["127.0.0.1"] });
    const secure = await fakeTarget({ "/health": says("200 OK") }, { cert: server.cert, key: server.key });
    const other = testAuthority("somebody else");
    const files = (trust: string): Promise<TestGateway> => startGatewayFromBundle({
      "gateway.yaml": "kind: Gateway\nlisteners: [{ name: public, host: 127.0.0.1, port: 0 }]\nstore: { kind: memory }\ndrain: { preDrainDelay: 0s, window: 1s, spread: 0s }",
      "environments/prod.yaml": `kind: Environment
targetServers: [{ name: a, host: 127.0.0.1, port: ${secure.port}, sslInfo: { enabled: true, trustStore: "ref://corp" } }]
references: { corp: { caFile: "${trust}" } }`,
      "proxies/p/proxy.yaml": `kind: ApiProxy
proxyEndpoints: [{ basePath: /p }]
targetEndpoints:
  - loadBalancer: { servers: [a], maxFailures: 1 }
    healthMonitor: { isEnabled: true, intervalInSec: ${INTERVAL_S}, httpMonitor: { request: { path: /health, isSSL: true, useTargetServerSSLInfo: true } } }`,
    }, { clock });
    try {
      gateway = await files(authority.caFile);
      clock.advance(NEXT_MS);
      await secure.request("/health");
      await until(() => secure.open === 0, () => "the check to end");
      expect([failures(), isUp()]).toEqual([0, true]);
      await gateway[Symbol.asyncDispose]();
      gateway = await files(other.caFile);
      await failedCheck();
      expect(gateway.lines({ event: "target_server_out" })).toMatchObject([{ detail: "health check: UNABLE_TO_VERIFY_LEAF_SIGNATURE" }]);
    } finally {
      await secure[Symbol.asyncDispose]();
      authority.remove();
      other.remove();
    }
  });
});
