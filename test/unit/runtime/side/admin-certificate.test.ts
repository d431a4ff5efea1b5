/** Client certificates at the admin listener: instead of the secret, and beside it. */
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TlsSettings } from "#runtime/listen/certificates.ts";
import type { Listener } from "#runtime/listen/listen.ts";
import { openTlsListener } from "#runtime/listen/tls.ts";
import { openAdmin } from "#runtime/side/admin.ts";
import { ADMIN_SECRET, adminGround } from "../../../support/admin-ground.ts";
import { testAuthority, type CertificatePair, type TestAuthority } from "../../../support/certificates.ts";

const ground = adminGround([]);
let authority: TestAuthority;
let foreign: TestAuthority;
let server: CertificatePair;
let operator: CertificatePair;
let expired: CertificatePair;
let stranger: CertificatePair;

beforeAll(() => {
  authority = testAuthority();
  foreign = testAuthority("somebody else");
  server = authority.issue("server", { commonName: "admin", names: ["127.0.0.1"] });
  operator = authority.issue("operator", { commonName: "ops-1" });
  expired = authority.issue("expired", { commonName: "ops-2", days: -1 });
  stranger = foreign.issue("stranger", { commonName: "ops-1" });
});
afterAll(() => {
  authority.remove();
  foreign.remove();
});

/** Runs with a listener that asks for certificates in that way. */
async function withListener(clientAuth: TlsSettings["clientAuth"], secret: string | null, use: (listener: Listener) => Promise<void>): Promise<void> {
  const { certFile, keyFile } = server;
  const settings: TlsSettings = { certFile, keyFile, minVersion: "TLSv1.2", clientAuth, clientCaFile: authority.caFile, sni: [] };
  const tls = { open: openTlsListener, settings, readFile: (path: string) => readFileSync(path) };
  const lifecycle = { drain: (): void => void (ground.drains += 1) };
  const listener = await openAdmin({ host: "127.0.0.1", port: 0, reusePort: false }, ground.gateway, lifecycle, secret, { tls });
  try {
    await use(listener);
  } finally {
    await ground.close(listener);
  }
}

/** Status of a drain, or what TLS said. */
function drained(listener: Listener, pair: CertificatePair | null, secret: string | null = null): Promise<unknown> {
  const keys = pair === null ? {} : { cert: pair.cert, key: pair.key };
  const headers = secret === null ? {} : { authorization: `Bearer ${secret}` };
  return new Promise((resolve) => {
    const sent = request({ host: "127.0.0.1", port: listener.port, path: "/v1/drain", method: "POST", ca: authority.ca, headers, agent: false, ...keys }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode));
    });
    sent.on("error", (cause: NodeJS.ErrnoException) => resolve(cause.code)).end();
  });
}

describe("a listener that demands certificates and has no secret", () => {
  it("admits whom its authority knows, by name in the audit line, and nobody else", async () => {
    await withListener("require", null, async (listener) => {
      expect(await drained(listener, operator)).toBe(202);
      expect(ground.audits()).toMatchObject([{ action: "drain", actor: "certificate ops-1" }]);
      for (const pair of [null, stranger, expired]) expect(await drained(listener, pair)).toMatch(/^ERR_SSL|ECONNRESET|EPIPE/);
      expect(ground.drains).toBe(1);
    });
  });
});

describe("a listener that asks for certificates beside its secret", () => {
  it.each<[string, () => CertificatePair | null, string | null, number]>([
    ["a certificate", () => operator, null, 202],
    ["the secret", () => null, ADMIN_SECRET, 202],
    ["both", () => operator, ADMIN_SECRET, 202],
    ["a certificate and a wrong secret", () => operator, `${ADMIN_SECRET}x`, 202],
    ["a certificate of somebody else", () => stranger, null, 401],
    ["a certificate that has expired", () => expired, null, 401],
    ["a certificate of somebody else and the secret", () => stranger, ADMIN_SECRET, 202],
    ["neither", () => null, null, 401],
    ["a wrong secret", () => null, ADMIN_SECRET.toUpperCase(), 401],
  ])("with %s", async (_name, pair, secret, status) => {
    await withListener("request", ADMIN_SECRET, async (listener) => {
      expect(await drained(listener, pair(), secret)).toBe(status);
      expect(ground.drains).toBe(status === 202 ? 1 : 0);
    });
  });
});

it("certificates that nobody asks for admit nobody", async () => {
  await withListener("none", ADMIN_SECRET, async (listener) => {
    expect(await drained(listener, operator)).toBe(401);
    expect(await drained(listener, operator, ADMIN_SECRET)).toBe(202);
  });
});
