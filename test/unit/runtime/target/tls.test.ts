import { once } from "node:events";
import { createServer as createPlainServer } from "node:net";
import { createServer } from "node:tls";
import type { Server, TLSSocket, TlsOptions } from "node:tls";
import { afterAll, describe, expect, test } from "vitest";
import { systemClock } from "#runtime/clock.ts";
import { defaultLimits } from "#runtime/limits.ts";
import { ignoreError } from "#runtime/target/connect.ts";
import { connectTls, targetTlsContext, TlsSessions } from "#runtime/target/tls.ts";
import type { TargetTls } from "#runtime/target/tls.ts";
import { Scheduler } from "#runtime/scheduler.ts";
import { TargetHandshake } from "#runtime/upgrade/target-handshake.ts";
import type { HandshakeResult } from "#runtime/upgrade/target-handshake.ts";
import { testAuthority } from "../../../support/certificates.ts";
import { refusedPort } from "../../../support/raw-target.ts";

const authority = testAuthority();
const other = testAuthority("somebody else");
const server = authority.issue("server", { commonName: "chat", names: ["chat.test", "localhost", "127.0.0.1"] });
const client = authority.issue("client", { commonName: "gateway" });
afterAll(() => {
  authority.remove();
  other.remove();
});

const trust: TargetTls = {
  context: targetTlsContext({ ca: authority.ca, cert: null, key: null }),
  expectedName: null,
  sessions: null,
};
const answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

interface TlsTarget extends AsyncDisposable {
  readonly port: number;
  readonly seen: TLSSocket[];
}

async function tlsTarget(options: TlsOptions = {}): Promise<TlsTarget> {
  const seen: TLSSocket[] = [];
  const target: Server = createServer({ cert: server.cert, key: server.key, ALPNProtocols: ["h2", "http/1.1"],
    ...options }, (socket) => {
    seen.push(socket);
    socket.on("error", ignoreError).once("data", () => socket.write(answer));
  });
  target.on("tlsClientError", ignoreError);
  target.listen(0, "127.0.0.1");
  await once(target, "listening");
  const address = target.address();
  return {
    port: address !== null && typeof address === "object" ? address.port : 0,
    seen,
    async [Symbol.asyncDispose]() {
      for (const socket of seen) socket.destroy();
      await new Promise<void>((resolve) => target.close(() => resolve()));
    },
  };
}

/** Greets in plain text, as a target without TLS does on a request it cannot read. */
async function plainTarget(): Promise<TlsTarget> {
  const target = createPlainServer((socket) => void socket.on("error",
    ignoreError).resume().end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  target.listen(0, "127.0.0.1");
  await once(target, "listening");
  const address = target.address();
  return {
    port: address !== null && typeof address === "object" ? address.port : 0,
    seen: [],
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void target.close(() => resolve())),
  };
}

function shake(port: number, tls: TargetTls, host = "127.0.0.1"): Promise<HandshakeResult> {
  const socket = connectTls({ host, port, tcpKeepAliveMs: 60_000 }, tls);
  expect(socket.listeners("error")).toContain(ignoreError);
  const scheduler = new Scheduler(systemClock, { onClockStep: () => undefined });
  const settings = { limits: defaultLimits, clock: systemClock, scheduler, connectTimeoutMs: 5_000, ioTimeoutMs: 5_000,
    isTls: true };
  const offer = { key: "dGhlIHNhbXBsZSBub25jZQ==", protocols: null, extensions: null };
  return new Promise((resolve) => {
    new TargetHandshake(socket, "GET / HTTP/1.1\r\nHost: t\r\n\r\n", offer, settings, { handshakeDone: resolve });
  });
}

describe("a handshake over TLS", () => {
  test("is accepted, with SNI and HTTP/1.1 agreed", async () => {
    await using target = await tlsTarget();
    const result = await shake(target.port, trust, "localhost");
    expect(result).toMatchObject({ kind: "accepted" });
    expect(target.seen[0]?.servername).toBe("localhost");
    expect(target.seen[0]?.alpnProtocol).toBe("http/1.1");
    if (result.kind === "accepted") result.socket.destroy();
  });

  test("to an address is checked against the address and sends no SNI", async () => {
    await using target = await tlsTarget();
    const result = await shake(target.port, trust);
    expect(result).toMatchObject({ kind: "accepted" });
    expect(target.seen[0]?.servername).toBe(false);
    if (result.kind === "accepted") result.socket.destroy();
  });

  test("shows the gateway's own certificate", async () => {
    await using target = await tlsTarget({ requestCert: true, rejectUnauthorized: true, ca: authority.ca });
    const context = targetTlsContext({ ca: authority.ca, cert: client.cert, key: client.key });
    const result = await shake(target.port, { ...trust, context });
    expect(result).toMatchObject({ kind: "accepted" });
    expect(target.seen[0]?.authorized).toBe(true);
    if (result.kind === "accepted") result.socket.destroy();
  });

  test("keeps to the expected name, which is the SNI too where the host is an address", async () => {
    await using target = await tlsTarget();
    const byAddress = await shake(target.port, { ...trust, expectedName: "chat.test" });
    const byName = await shake(target.port, { ...trust, expectedName: "chat.test" }, "localhost");
    expect([byAddress, byName]).toMatchObject([{ kind: "accepted" }, { kind: "accepted" }]);
    expect(target.seen.map(({ servername }) => servername)).toEqual(["chat.test", "localhost"]);
    for (const result of [byAddress, byName]) if (result.kind === "accepted") result.socket.destroy();
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)("resumes its last session with %s, unless that is off", async (version) => {
    await using target = await tlsTarget({ minVersion: version, maxVersion: version });
    const isReused = async (tls: TargetTls): Promise<boolean> => {
      const result = await shake(target.port, tls, "localhost");
      if (result.kind !== "accepted") throw new Error("not accepted");
      // Tickets of TLS 1.3 come behind the handshake, with the answer at the latest.
      result.socket.destroy();
      return target.seen.at(-1)?.isSessionReused() ?? false;
    };
    const resuming: TargetTls = { ...trust, sessions: new TlsSessions() };
    expect([await isReused(resuming), await isReused(resuming), await isReused(trust)]).toEqual([false, true, false]);
  });

  test("keeps to the versions and ciphers that are asked for", async () => {
    await using target = await tlsTarget();
    const files = { ca: authority.ca, cert: null, key: null };
    const old = { ...trust, context: targetTlsContext(files, { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" }) };
    const result = await shake(target.port, old);
    expect(target.seen[0]?.getProtocol()).toBe("TLSv1.2");
    expect(target.seen[0]?.getCipher().name).toBe("ECDHE-ECDSA-AES128-GCM-SHA256");
    if (result.kind === "accepted") result.socket.destroy();
    await using recent = await tlsTarget({ maxVersion: "TLSv1.2" });
    const strict = { ...trust, context: targetTlsContext(files, { minVersion: "TLSv1.3" }) };
    expect(await shake(recent.port, strict)).toMatchObject({ kind: "failed", fault: "messaging.adaptors.http.flow.SslHandshakeFailed" });
    expect(() => targetTlsContext(files, { ciphers: "NO-SUCH-CIPHER" })).toThrow(/cipher/i);
  });
});

describe("a handshake over TLS fails", () => {
  const failed = (fault: string, detail: string): object => ({ kind: "failed",
    fault: `messaging.adaptors.http.flow.${fault}`, detail });

  test.each<[string, TargetTls, string]>([
    ["with another name", { ...trust, expectedName: "other.test" }, "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["with another expected name", { ...trust, expectedName: "api.test" }, "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["with another authority", { ...trust, context: targetTlsContext({ ca: other.ca, cert: null, key: null }) },
      "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
  ])("%s", async (_name, tls, detail) => {
    await using target = await tlsTarget();
    expect(await shake(target.port, tls)).toMatchObject(failed("SslHandshakeFailed", detail));
  });

  test("with a certificate that has expired", async () => {
    const expired = authority.issue("expired", { commonName: "chat", names: ["chat.test"], days: -1 });
    await using target = await tlsTarget({ cert: expired.cert, key: expired.key });
    expect(await shake(target.port, trust)).toMatchObject(failed("SslHandshakeFailed", "CERT_HAS_EXPIRED"));
  });

  test("with a target that speaks plain HTTP", async () => {
    await using target = await plainTarget();
    expect(await shake(target.port, trust)).toMatchObject({ kind: "failed",
      fault: "messaging.adaptors.http.flow.SslHandshakeFailed" });
  });

  test("where nobody listens, which is no failure of TLS", async () => {
    expect(await shake(await refusedPort(), trust)).toMatchObject(failed("ServiceUnavailable", "ECONNREFUSED"));
  });
});

test("PEM texts that are none are found when the context is made", () => {
  expect(() => targetTlsContext({ ca: null, cert: "x", key: "y" })).toThrow(/PEM|DECODER/i);
});
