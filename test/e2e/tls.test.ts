import { Buffer } from "node:buffer";
import { once } from "node:events";
import { copyFileSync } from "node:fs";
import { createServer as createHttpsServer, type Server } from "node:https";
import { join } from "node:path";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { WebSocket as WsClient, WebSocketServer } from "ws";
import { testAuthority, type CertificatePair, type TestAuthority } from "../support/certificates.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { fakeTarget, type FakeTarget } from "../support/fake-target.ts";
import { closing, endless, fromClient, fromTarget, MASK, readClose } from "../support/frames.ts";
import { compileFiles, startModules, type TestGateway } from "../support/gateway.ts";
import { plainRequest, rawClient, rawTlsClient, upgradeRequest, type RawClient } from "../support/raw-client.ts";
import { refusedPort } from "../support/raw-target.ts";
import { until } from "../support/until.ts";
import { bundle, bundleEnv } from "./bundle.ts";

const DAY_MS = 86_400_000;
/** The listeners in their order: no client certificates, asked for, demanded. */
const OPEN = 0;
const ASKING = 1;
const DEMANDING = 2;

let authority: TestAuthority;
let stranger: TestAuthority;
let pairs: Readonly<Record<"server" | "renewed" | "sni" | "target" | "wrong" | "client" | "expired" | "foreign", CertificatePair>>;
let targets: Readonly<Record<"trusted" | "wrong" | "foreign", FakeTarget>>;
let wss: Server;
let modules: Awaited<ReturnType<typeof compileFiles>>;
let env: Readonly<Record<string, string>>;
let gateway: TestGateway;

const proxy = (name: string): readonly [string, string] => [
  `proxies/${name}/proxy.yaml`,
  `kind: ApiProxy
proxyEndpoints: [{ basePath: /${name} }]
targetEndpoints: [{ url: { env: ${name.toUpperCase()}_URL }, sslInfo: { trustStore: "ref://corp" } }]`,
];

const listener = (name: string, more: string): string =>
  `  - { name: ${name}, host: 127.0.0.1, port: 0, tls: { certFile: { env: CERT }, keyFile: { env: KEY }${more} } }`;

beforeAll(async () => {
  authority = testAuthority();
  stranger = testAuthority("somebody else");
  pairs = {
    server: authority.issue("server", { commonName: "first", names: ["gateway.test", "127.0.0.1"] }),
    renewed: authority.issue("renewed", { commonName: "second", names: ["gateway.test"] }),
    sni: authority.issue("sni", { commonName: "by-name", names: ["other.test"] }),
    target: authority.issue("target", { commonName: "target", names: ["127.0.0.1"] }),
    wrong: authority.issue("wrong", { commonName: "wrong", names: ["elsewhere.test"] }),
    client: authority.issue("client", { commonName: "device-7" }),
    expired: authority.issue("expired", { commonName: "device-8", days: -1 }),
    foreign: stranger.issue("foreign", { commonName: "device-7", names: ["127.0.0.1"] }),
  };
  const live = { cert: join(authority.directory, "live.pem"), key: join(authority.directory, "live.key") };
  copyFileSync(pairs.server.certFile, live.cert);
  copyFileSync(pairs.server.keyFile, live.key);
  const accepting = ({ cert, key }: CertificatePair): Promise<FakeTarget> =>
    fakeTarget({ "*": (connection) => connection.accept() }, { cert, key });
  targets = { trusted: await accepting(pairs.target), wrong: await accepting(pairs.wrong), foreign: await accepting(pairs.foreign) };
  wss = createHttpsServer({ cert: pairs.target.cert, key: pairs.target.key }, (request, response) => {
    request.pipe(response);
  });
  new WebSocketServer({ server: wss }).on("connection", (socket) => socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })));
  await new Promise<void>((resolve) => wss.listen(0, "127.0.0.1", resolve));
  const address = wss.address();
  const wssPort = typeof address === "object" && address !== null ? address.port : 0;
  const files = bundle("", {
    "gateway.yaml": `kind: Gateway
listeners:
${listener("open", ", sni: [{ hostnames: [other.test], certFile: { env: SNI_CERT }, keyFile: { env: SNI_KEY } }]")}
${listener("asking", ", clientAuth: request, clientCaFile: { env: CA }")}
${listener("demanding", ", clientAuth: require, clientCaFile: { env: CA }")}
store: { kind: memory }
drain: { preDrainDelay: 0s, window: 1s, spread: 0s }`,
    "environments/default.yaml": "kind: Environment\nreferences: { corp: { caFile: { env: CA } } }",
    ...Object.fromEntries([proxy("trusted"), proxy("wrong"), proxy("foreign"), proxy("wss")]),
  });
  env = {
    ...bundleEnv(targets.trusted.url.replace("https", "http"), await refusedPort()),
    CERT: live.cert,
    KEY: live.key,
    SNI_CERT: pairs.sni.certFile,
    SNI_KEY: pairs.sni.keyFile,
    CA: authority.caFile,
    TRUSTED_URL: targets.trusted.url,
    WRONG_URL: targets.wrong.url,
    FOREIGN_URL: targets.foreign.url,
    WSS_URL: `https://127.0.0.1:${wssPort}`,
  };
  modules = await compileFiles(files);
  gateway = await startModules(modules, { env });
});

afterEach(async () => {
  await gateway.calm();
  expect(gateway.lines({ event: "defect" })).toEqual([]);
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  for (const target of Object.values(targets)) await target[Symbol.asyncDispose]();
  wss.closeAllConnections();
  wss.close();
  authority.remove();
  stranger.remove();
});

const port = (at: number, of: TestGateway = gateway): number => of.listeners[at]?.port ?? 0;

function client(at: number, options: ConnectionOptions = {}, of: TestGateway = gateway): Promise<RawClient> {
  return rawTlsClient(port(at, of), { ca: authority.ca, servername: "gateway.test", ...options });
}

const identity = ({ cert, key }: CertificatePair): ConnectionOptions => ({ cert, key });

/** Common name of the certificate that the gateway shows. */
async function shown(servername: string): Promise<unknown> {
  const socket = connectTls({ port: port(OPEN), host: "127.0.0.1", ca: authority.ca, servername, checkServerIdentity: () => undefined });
  await once(socket, "secureConnect");
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return subject.CN;
}

describe("wss from end to end", () => {
  it("echoes through real clients and a real server", async () => {
    const socket = new WsClient(`wss://127.0.0.1:${port(OPEN)}/wss`, { ca: authority.ca });
    await once(socket, "open");
    const payload = Buffer.alloc(1024 * 1024, "0123456789");
    socket.send(payload);
    const [echo] = await once(socket, "message");
    expect(payload.equals(Buffer.from(echo as Buffer))).toBe(true);
    socket.close(1000, "bye");
    await once(socket, "close");
    expect(await gateway.line({ event: "session" })).toMatchObject({ "apigw.ws.close_code": 1000, "apigw.ws.closed_by": "client", "apigw.ws.forced": false });
    expect(await gateway.line({ event: "upgrade" })).toMatchObject({ "url.scheme": "https" });
  });

  it("streams HTTP to an https target over kept connections", async () => {
    using raw = await client(OPEN);
    for (let n = 0; n < 3; n++) {
      const body = "x".repeat(100_000);
      const answer = await raw.send(plainRequest("/wss/echo", { "Content-Length": String(body.length) }, "POST") + body).answer();
      expect([answer.status, answer.body.length]).toEqual([200, body.length]);
    }
  });

  it("serves a request and an upgrade behind a refused upgrade on the same connection", async () => {
    using raw = await client(OPEN);
    expect((await raw.send(upgradeRequest("/key/x")).answer()).status).toBe(401);
    expect((await raw.send(plainRequest("/nowhere")).answer()).status).toBe(404);
    expect((await raw.send(upgradeRequest("/key/x")).answer()).status).toBe(401);
    expect((await raw.send(upgradeRequest("/trusted/x")).answer()).status).toBe(101);
    const connection = await targets.trusted.request("/x");
    expect(connection.header("x-forwarded-proto")).toBe("https");
    raw.send(fromClient("hi"));
    await connection.got(8);
    connection.socket.write(fromTarget("ho"));
    expect(await raw.bytes(4)).toEqual(fromTarget("ho"));
  });

  it("drops what follows a refused upgrade, and the connection with it", async () => {
    using raw = await client(OPEN);
    const answer = await raw.send(upgradeRequest("/key/x") + plainRequest("/trusted/smuggled")).answer();
    expect([answer.status, answer.headers.get("connection")]).toEqual([401, "close"]);
    await raw.end();
    expect(targets.trusted.connections.map(({ path }) => path)).not.toContain("/smuggled");
  });
});

describe("a target's certificate", () => {
  it.each(["wrong", "foreign"] as const)("that is not the expected one (%s): 503, and not a byte of the request leaves", async (name) => {
    using raw = await client(OPEN);
    const upgrade = await raw.send(upgradeRequest(`/${name}/x`)).answer();
    expect([upgrade.status, upgrade.body]).toEqual([503, expect.stringContaining("SslHandshakeFailed")]);
    const plain = await raw.send(plainRequest(`/${name}/x`)).answer();
    expect([plain.status, plain.body]).toEqual([503, expect.stringContaining("SslHandshakeFailed")]);
    expect(targets[name].connections).toEqual([]);
  });
});

describe("client certificates", () => {
  it("are demanded: without one, or with one of a stranger, there is no connection", async () => {
    await expect(handshake(DEMANDING, {})).rejects.toThrow();
    await expect(handshake(DEMANDING, identity(pairs.foreign))).rejects.toThrow();
    await expect(handshake(DEMANDING, identity(pairs.expired))).rejects.toThrow();
    expect(await handshake(DEMANDING, identity(pairs.client))).toBe(101);
  });

  it("are asked for: without one the session has none to expire", async () => {
    expect(await handshake(ASKING, {})).toBe(101);
    expect(await handshake(ASKING, identity(pairs.client))).toBe(101);
  });

  it("end the session when they expire, and admit nobody afterwards", async () => {
    const clock = fakeClock(Date.now());
    const timed = await startModules(modules, { env, clock });
    using long = await client(DEMANDING, identity(pairs.client), timed);
    using other = await client(ASKING, {}, timed);
    for (const raw of [long, other]) expect((await raw.send(upgradeRequest("/trusted/certified")).answer()).status).toBe(101);
    // Traffic keeps them from being idle.
    const step = 5 * 60_000;
    for (let passed = 0; passed < DAY_MS - step; passed += step) {
      clock.advance(step);
      expect([passed, long.pending.toString("latin1")]).toEqual([passed, ""]);
      long.send(fromClient("x"));
      other.send(fromClient("x"));
      await settle(timed, passed / step + 1);
    }
    clock.advance(step);
    const frame = await long.bytes(2);
    expect(readClose(Buffer.concat([frame, await long.bytes(frame[1] ?? 0)]))).toMatchObject({ code: 3000, text: "certificate expired" });
    long.send(closing(3000, "", MASK));
    await long.gone();
    expect(await timed.line({ event: "session", "apigw.ws.close_reason": "certificate_expired" })).toMatchObject({ "apigw.ws.timer": "credential" });
    expect(other.pending.length).toBe(0);
    other.socket.destroy();
    using late = await client(DEMANDING, identity(pairs.client), timed);
    expect((await late.send(upgradeRequest("/trusted/late")).answer()).status).toBe(401);
    late.socket.destroy();
    await timed.calm();
    expect(targets.trusted.connections.map(({ path }) => path)).not.toContain("/late");
    await timed[Symbol.asyncDispose]();
  });
});

/** Waits until every session has carried so many frames. */
async function settle(of: TestGateway, frames: number): Promise<void> {
  const counts = (): readonly number[] => [...of.gateway.sessions.all()].map((session) => session.counters()?.framesFromClient ?? 0);
  await until(() => counts().every((count) => count >= frames), () => `${frames} frames, have ${counts().join(" ")}`);
}

/** Status that an upgrade gets. TLS 1.3 tells a client of a refused certificate only after its handshake. */
async function handshake(at: number, options: ConnectionOptions): Promise<number> {
  using raw = await client(at, options);
  return (await raw.send(upgradeRequest("/trusted/x")).answer()).status;
}

describe("the listener's certificates", () => {
  it("are chosen by server name", async () => {
    expect(await shown("other.test")).toBe("by-name");
    expect(await shown("gateway.test")).toBe("first");
    expect(await shown("unknown.test")).toBe("first");
  });

  it("are read again when they change, and no session notices", async () => {
    using raw = await client(OPEN);
    expect((await raw.send(upgradeRequest("/trusted/renewal")).answer()).status).toBe(101);
    copyFileSync(pairs.renewed.certFile, env["CERT"] ?? "");
    copyFileSync(pairs.renewed.keyFile, env["KEY"] ?? "");
    await gateway.line({ event: "certificates_reloaded" });
    await until(() => gateway.lines({ event: "certificates_reloaded" }).length >= 3, () => "every listener to reload");
    expect(await shown("gateway.test")).toBe("second");
    const connection = await targets.trusted.request("/renewal");
    raw.send(fromClient("still here"));
    expect(await connection.got(16)).toEqual(fromClient("still here"));
  });
});

describe("sessions over TLS", () => {
  it("end within closeTimeout although both peers do nothing, with a frame in flight", async () => {
    const clock = fakeClock(Date.now());
    const timed = await startModules(modules, { env, clock });
    using raw = await client(OPEN, {}, timed);
    expect((await raw.send(upgradeRequest("/trusted/endless")).answer()).status).toBe(101);
    const connection = await targets.trusted.request("/endless");
    raw.send(endless(MASK));
    connection.socket.write(endless(null));
    await connection.got(1_014);
    await raw.bytes(1_010);
    for (const session of timed.gateway.sessions.all()) session.end("ended");
    clock.advance(1_100);
    clock.advance(5_100);
    await raw.gone();
    await connection.gone();
    expect(await timed.line({ event: "session" })).toMatchObject({ "apigw.ws.close_reason": "ended", "apigw.ws.forced": true });
    await timed.calm();
    await timed[Symbol.asyncDispose]();
  });

  it("a client that speaks plain HTTP to a TLS port: counted, and nothing is left", async () => {
    const failures = gateway.metric("apigw_tls_handshake_failures_total");
    using raw = await rawClient(port(OPEN));
    raw.send(plainRequest("/trusted/x"));
    await raw.end();
    await until(() => gateway.metric("apigw_tls_handshake_failures_total") > failures, () => "the failure to be counted");
  });
});
