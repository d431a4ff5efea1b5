import { once } from "node:events";
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { connect as connectPlain, type Socket } from "node:net";
import { join } from "node:path";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { clientCertificate, type ClientCertificate } from "#runtime/client/certificate.ts";
import { systemClock } from "#runtime/clock.ts";
import { defaultLimits } from "#runtime/limits.ts";
import type { Listener, ListenLimits } from "#runtime/listen/listen.ts";
import type { RefusalKind } from "#runtime/listen/refusal.ts";
import type { TlsSettings } from "#runtime/listen/certificates.ts";
import { CertificateProblem, openTlsListener } from "#runtime/listen/tls.ts";
import { testAuthority, type CertificatePair, type TestAuthority } from "../../../support/certificates.ts";

let authority: TestAuthority;
let server: CertificatePair;
let renewed: CertificatePair;
let api: CertificatePair;
let wild: CertificatePair;
let client: CertificatePair;
let expired: CertificatePair;
let foreign: TestAuthority;
let stranger: CertificatePair;
const open: Listener[] = [];
const clients: Socket[] = [];

beforeAll(() => {
  authority = testAuthority();
  server = authority.issue("server", { commonName: "first", names: ["localhost", "127.0.0.1"] });
  renewed = authority.issue("renewed", { commonName: "second", names: ["localhost"] });
  api = authority.issue("api", { commonName: "api", names: ["api.example.com"] });
  wild = authority.issue("wild", { commonName: "wild", names: ["*.example.com"] });
  client = authority.issue("client", { commonName: "device-7" });
  expired = authority.issue("expired", { commonName: "device-8", days: -1 });
  foreign = testAuthority("somebody else");
  stranger = foreign.issue("stranger", { commonName: "device-7" });
});
afterAll(() => {
  authority.remove();
  foreign.remove();
});
afterEach(async () => {
  for (const socket of clients.splice(0)) socket.destroy();
  for (const listener of open.splice(0)) {
    listener.destroyAll();
    await listener.stopAccepting();
    await listener.closed;
  }
});

interface Started {
  readonly listener: Listener;
  readonly refused: RefusalKind[];
  readonly seen: (ClientCertificate | null)[];
  readonly reloads: (readonly string[])[];
  /** Settles at the next reload, good or bad. */
  reload(): Promise<void>;
}

async function start(tls: Partial<TlsSettings> = {}, limits: Partial<ListenLimits> = {}): Promise<Started> {
  const refused: RefusalKind[] = [];
  const seen: (ClientCertificate | null)[] = [];
  const reloads: (readonly string[])[] = [];
  let waiting: (() => void) | null = null;
  const note = (problems: readonly string[]): void => {
    reloads.push(problems);
    waiting?.();
  };
  let listener: Listener | null = null;
  listener = await openTlsListener({
    name: "test",
    at: { host: "127.0.0.1", port: 0, reusePort: false },
    limits: { ...defaultLimits, ...limits },
    clock: systemClock,
    tls: { certFile: server.certFile, keyFile: server.keyFile, minVersion: "TLSv1.2", clientAuth: "none", clientCaFile: null, sni: [], ...tls },
    readFile: (path) => readFileSync(path),
    isUpgrade: (request) => request.headers.upgrade === "websocket",
    onRequest: (request, response) => {
      seen.push(clientCertificate(request.socket));
      response.end(`served ${request.url}`);
    },
    onUpgrade: (_request, socket) => {
      socket.write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
      listener?.reattach(socket);
    },
    onRefused: (kind) => refused.push(kind),
    onReloaded: () => note([]),
    onReloadFailed: note,
  });
  open.push(listener);
  return { listener, refused, seen, reloads, reload: () => new Promise((resolve) => (waiting = resolve)) };
}

async function dial(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: "127.0.0.1", ca: authority.ca, servername: "localhost", ...options });
  clients.push(socket);
  socket.setEncoding("latin1");
  await once(socket, "secureConnect");
  return socket;
}

async function ask(socket: TLSSocket, path: string, until = `served ${path}`, extra = ""): Promise<string> {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n${extra}\r\n`);
  let text = "";
  while (!text.includes(until)) {
    const [chunk] = (await once(socket, "data")) as [string];
    text += chunk;
  }
  return text;
}

/** Settles when the socket is closed, for whatever reason. */
function gone(socket: Socket): Promise<void> {
  socket.on("error", () => undefined);
  return new Promise((resolve) => void socket.once("close", () => resolve()));
}

const shown = (socket: TLSSocket): unknown => socket.getPeerCertificate().subject.CN;

describe("a TLS listener", () => {
  it("serves HTTP/1.1 only, from TLS 1.2 on, and reattaches refused upgrades", async () => {
    const { listener } = await start();
    expect(listener.scheme).toBe("https");
    const socket = await dial(listener.port, { ALPNProtocols: ["h2", "http/1.1"] });
    expect(socket.alpnProtocol).toBe("http/1.1");
    await ask(socket, "/a");
    await ask(socket, "/ws", "\r\n\r\nno", "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    await ask(socket, "/b");
    await ask(socket, "/ws", "\r\n\r\nno", "Connection: Upgrade\r\nUpgrade: websocket\r\n");
    await ask(socket, "/c");
    expect([listener.connections, listener.accepted]).toEqual([1, 1]);
    await expect(dial(listener.port, { ALPNProtocols: ["h2"] })).rejects.toThrow();
    await expect(dial(listener.port, { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" })).rejects.toThrow();
    expect((await dial(listener.port, { maxVersion: "TLSv1.2" })).getProtocol()).toBe("TLSv1.2");
    const strict = await start({ minVersion: "TLSv1.3" });
    await expect(dial(strict.listener.port, { maxVersion: "TLSv1.2" })).rejects.toThrow();
  });

  it("chooses certificates by server name: exact, then one leftmost label, then its own", async () => {
    const { listener } = await start({
      sni: [
        { hostnames: ["*.example.com"], certFile: wild.certFile, keyFile: wild.keyFile },
        { hostnames: ["api.example.com"], certFile: api.certFile, keyFile: api.keyFile },
      ],
    });
    const rows = [["api.example.com", "api"], ["API.example.com", "api"], ["other.example.com", "wild"], ["a.b.example.com", "first"], ["localhost", "first"]] as const;
    for (const [servername, expected] of rows) {
      const socket = await dial(listener.port, { servername, checkServerIdentity: () => undefined });
      expect([servername, shown(socket)]).toEqual([servername, expected]);
    }
  });

  it("survives what is no TLS and handshakes that never end, and forgets them", async () => {
    const { listener, refused } = await start({}, { tlsHandshakeTimeoutMs: 150 });
    const plain = connectPlain({ port: listener.port, host: "127.0.0.1" });
    clients.push(plain);
    plain.on("error", () => undefined).write("GET / HTTP/1.1\r\n\r\n");
    const silent = connectPlain({ port: listener.port, host: "127.0.0.1" });
    clients.push(silent);
    silent.on("error", () => undefined);
    await Promise.all([gone(plain), gone(silent)]);
    const reset = connectPlain({ port: listener.port, host: "127.0.0.1" });
    await once(reset, "connect");
    reset.resetAndDestroy();
    while (listener.connections > 0 || refused.length < 3) await new Promise(setImmediate);
    expect(refused).toEqual(["tls", "tls", "tls"]);
    await ask(await dial(listener.port), "/alive");
  });

  it("destroys connections in their TLS handshake too", async () => {
    const { listener } = await start();
    const silent = connectPlain({ port: listener.port, host: "127.0.0.1" });
    clients.push(silent);
    silent.on("error", () => undefined);
    while (listener.connections === 0) await new Promise(setImmediate);
    await listener.stopAccepting();
    listener.destroyAll();
    await listener.closed;
  });

  it("does not open with certificates that cannot be used, and names every problem", async () => {
    const missing = join(authority.directory, "missing.pem");
    const mixed = start({ keyFile: client.keyFile, sni: [{ hostnames: ["a"], certFile: missing, keyFile: api.keyFile }] });
    await expect(mixed).rejects.toBeInstanceOf(CertificateProblem);
    await expect(mixed).rejects.toMatchObject({ problems: [expect.stringContaining(server.certFile), expect.stringContaining("missing.pem")] });
    await expect(mixed).rejects.not.toThrow(/PRIVATE KEY/);
  });
});

describe("client certificates", () => {
  const withCa = (clientAuth: "request" | "require"): Partial<TlsSettings> => ({ clientAuth, clientCaFile: authority.caFile });

  it("that verify are told field by field", async () => {
    const { listener, seen } = await start(withCa("require"));
    await ask(await dial(listener.port, { cert: client.cert, key: client.key }), "/a");
    expect(seen[0]).toMatchObject({ commonName: "device-7", subject: "O=apigw, CN=device-7", issuer: "CN=apigw test authority" });
    expect((seen[0]?.notAfterMs ?? 0) - Date.now()).toBeGreaterThan(80_000_000);
    expect(seen[0]?.fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  });

  it("are demanded: none, foreign and expired ones end the handshake", async () => {
    const { listener, refused } = await start(withCa("require"));
    const rows = [{}, { cert: stranger.cert, key: stranger.key }, { cert: expired.cert, key: expired.key }];
    for (const options of rows) {
      const socket = connect({ port: listener.port, host: "127.0.0.1", ca: authority.ca, servername: "localhost", ...options });
      clients.push(socket);
      await gone(socket);
    }
    while (listener.connections > 0) await new Promise(setImmediate);
    expect(refused.length).toBeGreaterThanOrEqual(3);
    await ask(await dial(listener.port, { cert: client.cert, key: client.key }), "/alive");
  });

  it("are asked for: what does not verify counts as none", async () => {
    const { listener, seen } = await start(withCa("request"));
    await ask(await dial(listener.port), "/a");
    await ask(await dial(listener.port, { cert: stranger.cert, key: stranger.key }), "/b");
    await ask(await dial(listener.port, { cert: expired.cert, key: expired.key }), "/c");
    await ask(await dial(listener.port, { cert: client.cert, key: client.key }), "/d");
    expect(seen.map((certificate) => certificate?.commonName ?? null)).toEqual([null, null, null, "device-7"]);
  });
});

describe("certificates that change on disk", () => {
  let directory = "";
  let files = { certFile: "", keyFile: "" };
  const put = (pair: CertificatePair, at: string): void => {
    writeFileSync(join(at, "tls.crt"), pair.cert);
    writeFileSync(join(at, "tls.key"), pair.key);
  };
  beforeAll(() => {
    directory = join(authority.directory, "mounted");
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  function fresh(): void {
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory);
    files = { certFile: join(directory, "tls.crt"), keyFile: join(directory, "tls.key") };
  }

  it("are read again when written in place; old connections stay", async () => {
    fresh();
    put(server, directory);
    const { listener, reload, reloads } = await start(files);
    const before = await dial(listener.port);
    const reloaded = reload();
    put(renewed, directory);
    await reloaded;
    expect(reloads.at(-1)).toEqual([]);
    expect(shown(await dial(listener.port))).toBe("second");
    await ask(before, "/still");
  });

  it("are read again when renamed into place", async () => {
    fresh();
    put(server, directory);
    const { listener, reload } = await start(files);
    const next = join(authority.directory, "next");
    mkdirSync(next, { recursive: true });
    put(renewed, next);
    const reloaded = reload();
    renameSync(join(next, "tls.crt"), files.certFile);
    renameSync(join(next, "tls.key"), files.keyFile);
    await reloaded;
    expect(shown(await dial(listener.port))).toBe("second");
  });

  it("are read again when a link is switched, as Kubernetes does, twice", async () => {
    fresh();
    for (const [name, pair] of [["v1", server], ["v2", renewed], ["v3", server]] as const) {
      mkdirSync(join(directory, name));
      put(pair, join(directory, name));
    }
    symlinkSync("v1", join(directory, "..data"));
    symlinkSync(join("..data", "tls.crt"), files.certFile);
    symlinkSync(join("..data", "tls.key"), files.keyFile);
    const { listener, reload } = await start(files);
    for (const [version, expected] of [["v2", "second"], ["v3", "first"]] as const) {
      const reloaded = reload();
      symlinkSync(version, join(directory, "..data_tmp"));
      renameSync(join(directory, "..data_tmp"), join(directory, "..data"));
      await reloaded;
      expect(shown(await dial(listener.port))).toBe(expected);
    }
  });

  it("and cannot be used leave the old ones in place", async () => {
    fresh();
    put(server, directory);
    const { listener, reload, reloads } = await start(files);
    let reloaded = reload();
    writeFileSync(files.keyFile, renewed.key);
    await reloaded;
    expect(reloads.at(-1)).toEqual([expect.stringContaining("cannot be used")]);
    expect(shown(await dial(listener.port))).toBe("first");
    reloaded = reload();
    rmSync(files.certFile);
    await reloaded;
    expect(shown(await dial(listener.port))).toBe("first");
    reloaded = reload();
    writeFileSync(files.certFile, renewed.cert);
    await reloaded;
    expect(reloads.at(-1)).toEqual([]);
    expect(shown(await dial(listener.port))).toBe("second");
  });
});
